/**
 * What the ReLUs of a run give for some test images, as small multiples: asked for after each epoch and in a pause where
 * activations are rounded, else once somebody wants to see it.
 */
import { oneAtATime } from "../ask.js";
import { percent, short } from "../format.js";
import { drawing } from "../frames.js";
import { deadText, describeActivations, drawActivations, levelsText } from "../plots/activations.js";
import { onThemeChange } from "../plots/theme.js";
import { To } from "../protocol.js";
import { element, setAttribute, setText } from "../ui/dom.js";
import { RunSwitch } from "../ui/runswitch.js";
import { NOW, replayOf, START } from "./history.js";

const DRAW_INTERVAL_MS = 50;
/** Training goes on while the question is on its way: after so few steps the answer is still that of the epoch's end. */
const FEW_STEPS = 3;

/** Whether a run rounds its activations. */
const rounds = (run) => run.settings.activations !== "none";

function makeCell() {
  const name = element("strong");
  const about = element("span", { class: "shape" });
  const count = element("span", { class: "count" });
  const canvas = element("canvas", { role: "img" });
  const facts = element("span", { class: "facts" });
  const box = element("div", { class: "layer-run" }, element("span", { class: "layer-line" }, name, about, count), canvas, facts);
  return { box, name, about, count, canvas, facts };
}

/** What is to be known of a layer's values, in pieces. */
function factsOf(report) {
  const clipped = report.levels.length > 0 ? `clipped ${percent(report.clippedShare, 2)}` : "";
  return [`up to ${short(report.largest)}`, `zero ${percent(report.zeroShare, 0)}`, clipped, deadText(report)].filter(Boolean);
}

class Activations {
  #session;
  #cells = [];
  /** RunRecord -> its ActivationReports by the moments that they were asked at. @type {WeakMap<object, Map<string|number, object[]>>} */
  #reports = new WeakMap();
  #replay;
  #missing;
  #wanted = false;
  #button;
  #switch;
  #box;

  constructor(root, session) {
    this.#session = session;
    this.#replay = replayOf(session);
    this.#button = element("button", { type: "button", class: "small", id: "activations-look" }, "Look at them");
    this.#button.addEventListener("click", () => {
      if (!session.hasImages()) return;
      this.#wanted = true;
      this.#ask();
    });
    const about = element("p", { class: "panel-about" }, "What each ReLU hands on for some test images, after the sum or the pooling that goes with it, and the levels that it is rounded to.");
    const runs = element("div");
    this.#switch = new RunSwitch(runs, { label: "Activations of which run", changed: () => this.#ask() });
    this.#box = element("div", { class: "layers", id: "activation-layers" });
    this.#missing = element("p", { class: "note", id: "activations-missing" });
    root.append(
      element("header", {}, element("h2", { id: "activations-title" }, "Activations"), about, this.#button, runs),
      this.#missing,
      this.#box,
    );
    this.redraw = drawing(() => this.#draw(), DRAW_INTERVAL_MS);
    this.#replay.listen(this.redraw);
    onThemeChange(this.redraw);
    new ResizeObserver(this.redraw).observe(this.#box);
    session.on("run", () => {
      this.#switch.setRuns(session.runs);
      this.redraw();
    });
    session.on(["run", "epoch"], () => this.#ask());
    session.on("status", () => !session.playing && !session.busy && this.#ask());
  }

  /** The run that is shown. */
  get #run() {
    return this.#switch.shown[0] ?? null;
  }

  #ask = oneAtATime(async () => {
    const run = this.#run;
    if (!run || !this.#session.engine || !(this.#wanted || rounds(run))) return this.redraw();
    const answer = await this.#session.client.request(To.ACTIVATIONS, { run: run.id }).catch(() => null);
    // A run that is gone meanwhile has nothing to show.
    if (answer) this.#keep(run, answer.layers);
    this.redraw();
  });

  /** What was told just now is also what is told later of the moment that has just been: the epoch's end, or before the first step. */
  #keep(run, layers) {
    if (!this.#reports.has(run)) this.#reports.set(run, new Map());
    const kept = this.#reports.get(run);
    kept.set(NOW, layers);
    const { ended } = run.progress;
    const isEnd = ended > 0 && run.globalStep - ended * run.info.stepsPerEpoch <= FEW_STEPS;
    const moment = isEnd ? ended : START;
    // The first answer is the nearest.
    if ((isEnd || !run.trained) && !kept.has(moment)) kept.set(moment, layers);
  }

  #draw() {
    const run = this.#run;
    const kept = (run && this.#reports.get(run)) ?? new Map();
    const moment = this.#replay.shown;
    const reports = kept.get(moment?.key) ?? [];
    this.#box.hidden = kept.size === 0;
    this.#button.hidden = kept.size > 0;
    const missing = kept.size > 0 && reports.length === 0;
    this.#box.classList.toggle("missing", missing);
    setText(this.#missing, missing ? `None are kept of this moment, ${moment.label}: from the first look on those at the end of each epoch are.` : "");
    this.#button.disabled = !run || !this.#session.engine;
    if (missing) return;
    while (this.#cells.length < reports.length) {
      const cell = makeCell();
      this.#cells.push(cell);
      this.#box.append(cell.box);
    }
    this.#cells.forEach((cell, i) => {
      cell.box.hidden = i >= reports.length;
      if (reports[i]) this.#drawCell(cell, reports[i]);
    });
  }

  #drawCell({ name, about, count, canvas, facts }, report) {
    setText(name, report.name);
    setText(about, report.shape.join("×"));
    setText(count, levelsText(report));
    setText(facts, factsOf(report).join(" · "));
    setAttribute(canvas, "aria-label", describeActivations(report));
    drawActivations(canvas, report);
  }
}

/** @type {import("../rooms.js").Part["mount"]} */
export const mount = (root, session) => void new Activations(root, session);
