/** A second run beside the first: chosen, started or forked, held against it, dropped. */
import { oneAtATime } from "../ask.js";
import { choices, firstChoice } from "../difference.js";
import { percent, whole } from "../format.js";
import { drawing } from "../frames.js";
import { MORE_EPOCHS } from "../kept/keeping.js";
import { GapPlot } from "../gap/plot.js";
import { aloneRight, chanceText } from "../gap/paired.js";
import { gapText } from "../gap/words.js";
import { differences } from "../settings.js";
import { changesText } from "../ui/controls.js";
import { setText } from "../ui/dom.js";

const MARKUP = `
  <header>
    <h2 id="compare-title">Two runs side by side</h2>
    <p class="plot-about">Same seed, same images, same first weights. What differs is yours to choose.</p>
  </header>
  <div class="compare-body">
    <div class="compare-start">
      <label for="compare-with">Do it again with</label>
      <select id="compare-with"></select>
      <div class="compare-buttons">
        <button type="button" id="race" disabled>Race from the start</button>
        <button type="button" id="fork" disabled>Fork from here</button>
      </div>
      <p class="note" id="compare-note"></p>
    </div>
    <div class="compare-runs" hidden>
      <ul id="compare-runs" tabindex="-1" aria-label="The two runs"></ul>
      <p class="compare-gap" id="compare-gap"></p>
      <p class="note" id="compare-chance"></p>
      <p class="note" id="compare-differs" hidden></p>
    </div>
    <figure class="compare-plot">
      <figcaption>Gap in accuracy, points <span class="note"><i class="gap-line"></i> training <i class="gap-mark"></i> test</span></figcaption>
      <canvas id="gap" role="img" aria-label="Gap between two runs: there is one run."></canvas>
      <p class="gap-empty">With a second run, the distance between the two is drawn here.</p>
    </figure>
  </div>`;

const NOTE = "A race begins at step 0. A fork is a copy of the run as it is now. To differ in several settings, change them in the room Model, then choose under “All settings” here.";
const ENDED = `This run is finished: forked, it and its copy go on for ${MORE_EPOCHS} epochs more.`;

/** Whether the last tests of two runs can be held against each other, image by image. */
const alike = ([a, b]) =>
  a && b && a.epochs.length > 0 && b.epochs.length > 0 && a.epochs.at(-1).epoch === b.epochs.at(-1).epoch && a.loaded === b.loaded && a.settings.holdout === b.settings.holdout;

/** One run's line: its colour, label, figures, and the button that takes it away. */
function makeLine(run, drop) {
  const item = document.createElement("li");
  item.className = `slot-${run.slot}`;
  const part = (name, className, text = "", box = item) => {
    const node = document.createElement(name);
    node.className = className;
    node.textContent = text;
    box.append(node);
    return node;
  };
  part("i", "line");
  part("strong", "run-label", run.label).title = run.label;
  const line = part("span", "figures");
  const figures = part("span", "now", "", line);
  if (run.fork) part("span", "since", `forked at ${whole(run.fork.step)}`, line);
  const button = part("button", "small", "Drop");
  button.type = "button";
  button.setAttribute("aria-label", `Drop ${run.label}`);
  button.addEventListener("click", () => drop(run));
  return { item, figures, run };
}

function figuresOf(run) {
  const last = run.epochs.at(-1);
  return `step ${whole(run.globalStep)} · test ${percent(last?.testAccuracy)}`;
}

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  root.innerHTML = MARKUP;
  const find = (selector) => root.querySelector(selector);
  const select = find("#compare-with");
  const [race, fork] = [find("#race"), find("#fork")];
  const plot = new GapPlot(find("#gap"));
  let lines = [];
  let offered = "";

  /** The pressed button goes away: the focus follows to what takes its place, and to nothing that a second press drops. */
  let follow = false;
  const act = (doing) => {
    follow = true;
    return doing;
  };
  race.addEventListener("click", () => act(session.experiments.race(select.value)));
  fork.addEventListener("click", () => act(session.experiments.fork(select.value)));
  const drop = (run) => act(session.experiments.drop(run));

  /** The menu, made anew only where it differs: what is chosen stays chosen. */
  function showChoices({ run: { settings }, settings: wanted }) {
    const list = choices(settings, wanted);
    const key = JSON.stringify(list);
    if (key === offered) return;
    offered = key;
    const chosen = list.some(({ difference }) => difference === select.value) ? select.value : firstChoice(settings);
    const groups = new Map();
    for (const { group, difference, label } of list) {
      if (!groups.has(group)) groups.set(group, Object.assign(document.createElement("optgroup"), { label: group }));
      groups.get(group).append(new Option(label, difference));
    }
    select.replaceChildren(...groups.values());
    select.value = chosen;
  }

  function showRuns(runs) {
    lines = runs.map((run) => makeLine(run, drop));
    find("#compare-runs").replaceChildren(...lines.map(({ item }) => item));
    plot.show(runs.length > 1 ? runs : []);
    const [before, after] = runs.map(({ settings }) => settings);
    const rows = after ? differences(before, after) : [];
    // One difference is in the labels already.
    find("#compare-differs").hidden = rows.length < 2;
    find("#compare-differs").textContent = rows.length < 2 ? "" : `They differ in: ${changesText(rows, before, after)}.`;
  }

  const draw = drawing(() => {
    const { runs, run, busy, engine } = session;
    const two = runs.length > 1;
    const swapped = root.classList.toggle("two", two) === find(".compare-runs").hidden;
    find(".compare-start").hidden = two;
    find(".compare-runs").hidden = !two;
    if (run) showChoices(session);
    const able = Boolean(run && engine && !busy);
    race.disabled = select.disabled = !able;
    fork.disabled = !able || !run.trained;
    setText(find("#compare-note"), session.finished ? `${NOTE} ${ENDED}` : NOTE);
    if (swapped && follow) {
      follow = false;
      (two ? find("#compare-runs") : select).focus();
    }
    if (!two) {
      find("#gap").setAttribute("aria-label", "Gap between two runs: there is one run.");
      return;
    }
    for (const line of lines) {
      const text = figuresOf(line.run);
      if (line.figures.textContent !== text) line.figures.textContent = text;
    }
    const text = gapText(runs);
    const gap = find("#compare-gap");
    if (gap.textContent !== text) gap.textContent = text;
    find("#gap").setAttribute("aria-label", `Gap between the two runs. ${text}`);
  }, 125);
  draw();

  /** In a pause: while it trains the engine has other things to do. */
  const ask = oneAtATime(async () => {
    const { runs, playing, engine, client } = session;
    const said = find("#compare-chance");
    if (!engine || playing || !alike(runs)) return setText(said, "");
    const alone = await aloneRight(client, runs).catch(() => null);
    // Runs that have changed meanwhile are asked again.
    if (alone && alike(session.runs) && session.runs.every((run, i) => run === runs[i])) setText(said, chanceText(runs, alone));
  });
  session.on(["run", "status", "epoch"], ask);

  session.on("run", () => showRuns(session.runs));
  session.on(["steps", "epoch"], () => plot.redraw());
  session.on(["run", "steps", "epoch", "status", "engine", "settings"], draw);
}
