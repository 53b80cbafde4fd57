/** The panel of the sweep once it is used: form, buttons, how far it is, table and file. */
import { duration } from "../format.js";
import { drawing } from "../frames.js";
import { SWEEP } from "../keys.js";
import { copy, save } from "../share/save.js";
import { display, settingOf } from "../settings.js";
import { setText } from "../ui/dom.js";
import { OneTab, Screen } from "./browser.js";
import { FORM, Form } from "./form.js";
import { Keep } from "./keep.js";
import { secondsOf } from "./plan.js";
import { Queue } from "./queue.js";
import { sweepCsv, sweptName } from "./results.js";
import { Table } from "./table.js";

const MARKUP = `
  ${FORM}
  <div class="sweep-bar">
    <button type="submit" class="primary" id="sweep-start" form="sweep-form" aria-describedby="sweep-plan">Start the sweep</button>
    <button type="button" class="primary" id="sweep-pause">Pause</button>
    <button type="button" id="sweep-stop" aria-label="Stop the sweep">Stop</button>
    <button type="button" id="sweep-new">New sweep</button>
    <button type="button" class="quiet" id="sweep-cancel">Cancel</button>
    <label class="tick" id="sweep-awake"><input type="checkbox" id="sweep-screen" checked> Keep the screen on</label>
  </div>
  <div class="sweep-state" id="sweep-state" hidden>
    <progress id="sweep-progress" max="1" value="0" aria-label="Runs of the sweep that have ended"></progress>
    <p id="sweep-now" role="status"></p>
    <p class="note" id="sweep-what"></p>
    <p class="note" id="sweep-note"></p>
  </div>
  <div class="sweep-results" id="sweep-results"></div>
  <div class="sweep-files" id="sweep-files" hidden>
    <button type="button" class="small" id="sweep-save">Save CSV</button>
    <button type="button" class="small" id="sweep-copy">Copy CSV</button>
    <p class="note" id="sweep-said" role="status"></p>
  </div>`;

/** Puts text on the clipboard, by way of a field. */
async function copyText(value) {
  const field = Object.assign(document.createElement("textarea"), { value, readOnly: true, className: "visually-hidden" });
  document.body.append(field);
  const done = await copy(field);
  field.remove();
  return done;
}

/** "Bits 2, 4, 8; seeds 1 to 3; SimpleResNet4bit, Built-in, 10 epochs": what a sweep is of. */
function whatText({ rows, base, seeds }) {
  const swept = rows.map(({ key, values }) => `${settingOf(key).label} ${values.map((value) => display(settingOf(key), value)).join(", ")}`);
  const seed = seeds === 1 ? `seed ${base.seed}` : `seeds ${base.seed} to ${base.seed + seeds - 1}`;
  const shared = ["model", "data", "epochs"].filter((key) => !rows.some((row) => row.key === key));
  const values = shared.map((key) => `${display(settingOf(key), base[key])}${key === "epochs" ? (base.epochs === 1 ? " epoch" : " epochs") : ""}`);
  return [...swept, seed, values.join(", ")].filter(Boolean).join("; ");
}

/** How the sweep stands, in a sentence that changes with a run and not with a step. */
function nowText({ state, why, plan, results, current }) {
  const count = plan.runs.length;
  const done = `${results.size.toLocaleString("en")} of ${count.toLocaleString("en")} ${count === 1 ? "run" : "runs"} ended`;
  if (state === "done") return `Done: ${done}.`;
  if (state === "stopped") return `Stopped: ${done}.`;
  if (state === "elsewhere") return `Another tab runs this sweep, and one tab does at a time: ${done}.`;
  if (state === "paused") return `Paused: ${done}.${why ? ` ${why}` : ""}`;
  const { entry } = current;
  return `Run ${results.size + (results.has(entry.key) ? 0 : 1)} of ${count.toLocaleString("en")}: ${plan.lines[entry.line].name}, seed ${entry.seed}.`;
}

class Panel {
  #root;
  #session;
  #keep;
  #queue;
  #form;
  #table;
  #screen;
  /** The form is asked for while the table of another sweep stands there. */
  #anew = false;

  constructor(root, session) {
    root.querySelector("#sweep-closed").outerHTML = MARKUP;
    this.#root = root;
    this.#session = session;
    this.redraw = drawing(() => this.#draw(), 250);
    this.#keep = new Keep(session.settings.embed);
    this.#screen = new Screen(this.redraw);
    this.#queue = new Queue(session, this.#keep, new OneTab(), () => this.#changed());
    this.#form = new Form(root, session, {
      changed: () => this.#form.show(),
      submit: () => this.#start(),
      lasting: (runs) => this.#lasting(runs),
    });
    this.#table = new Table(this.#part("results"));
    const on = (name, act) => this.#part(name).addEventListener("click", act);
    on("pause", () => (this.#queue.state === "running" ? this.#queue.pause() : this.#queue.goOn()));
    on("stop", () => this.#queue.stop());
    on("new", () => this.#ask(true));
    on("cancel", () => this.#ask(false));
    on("save", () => this.#save());
    on("copy", () => this.#copy());
    this.#part("screen").addEventListener("change", () => this.#changed());
    addEventListener("storage", ({ key }) => key === SWEEP && this.#queue.follow());
    session.on(["settings", "status", "epoch", "steps"], this.redraw);
    this.#changed();
    this.#queue.restore();
  }

  #part(name) {
    return this.#root.querySelector(`#sweep-${name}`);
  }

  focus() {
    if (this.#asking) this.#form.focus();
    else this.#part("pause").focus();
  }

  /** Whether the form is there: not while a sweep is under way. */
  get #asking() {
    return this.#queue.state === "none" || this.#anew;
  }

  #ask(anew) {
    this.#anew = anew;
    this.#changed();
    if (anew) this.#form.focus();
  }

  #start() {
    const plan = this.#form.take();
    if (!plan) return;
    this.#anew = false;
    this.#say("");
    this.#queue.start(plan);
  }

  /** The queue stands otherwise: shown at once, since it is an answer to somebody. */
  #changed() {
    const { state } = this.#queue;
    if (state === "running" || state === "elsewhere") this.#anew = false;
    this.#screen.keep(state === "running" && this.#part("screen").checked);
    this.#draw();
  }

  #lasting(runs) {
    const secs = secondsOf(runs, this.#queue.seen);
    return Number.isFinite(secs) && secs > 0 ? ` About ${duration(secs)}.` : "";
  }

  #draw() {
    const { state, plan, results, current, unfinished } = this.#queue;
    const asking = this.#asking;
    const ended = state === "stopped" || state === "done";
    const shown = {
      form: asking, start: asking, cancel: this.#anew, new: ended && !asking,
      pause: !asking && (state === "running" || state === "paused" || (state === "stopped" && unfinished)),
      stop: !asking && (state === "running" || state === "paused"),
      awake: Screen.able && (asking || !ended), state: plan !== null, results: plan !== null, files: plan !== null && results.size > 0,
    };
    // What is pressed may go away: the focus stays in the panel.
    const focused = document.activeElement;
    for (const [name, is] of Object.entries(shown)) this.#part(name).hidden = !is;
    if (this.#root.contains(focused) && !focused.checkVisibility()) {
      const next = ["pause", "new", "stop", "start"].map((name) => this.#part(name)).find((button) => !button.hidden);
      (next ?? this.#part("title")).focus();
    }
    const pause = this.#part("pause");
    setText(pause, state === "running" ? "Pause" : "Go on");
    pause.setAttribute("aria-label", state === "running" ? "Pause the sweep" : "Go on with the sweep");
    pause.classList.toggle("primary", state !== "stopped");
    if (asking) this.#form.show();
    if (!plan) return;
    this.#part("progress").value = results.size / plan.runs.length;
    setText(this.#part("now"), nowText(this.#queue));
    setText(this.#part("what"), `${whatText(plan)}.`);
    setText(this.#part("note"), this.#notes().join(" "));
    this.#table.show(plan, results, current?.entry.key);
  }

  /** What there is to say besides. */
  #notes() {
    const { state, secondsLeft } = this.#queue;
    const running = state === "running";
    const waiting = running && this.#queue.current?.run && this.#session.waiting.length > 0;
    return [
      this.#anew && "A new sweep takes the place of this one: save its results first.",
      running && Number.isFinite(secondsLeft) && `About ${duration(secondsLeft)} left.`,
      waiting && "Settings were changed: the sweep pauses after this run, unless you undo them.",
      running && this.#screen.problem && `The screen may go off: ${this.#screen.problem}.`,
      this.#keep.problem,
    ].filter(Boolean);
  }

  #say(text) {
    const said = this.#part("said");
    // The same words twice in a row would not be read out again.
    said.textContent = "";
    if (text) requestAnimationFrame(() => (said.textContent = text));
  }

  #csv() {
    return sweepCsv(this.#queue.plan, this.#queue.results);
  }

  #save() {
    const name = `nibble-sweep-${sweptName(this.#queue.plan)}.csv`;
    save(new Blob([this.#csv()], { type: "text/csv;charset=utf-8" }), name);
    this.#say(`Saved ${name}.`);
  }

  async #copy() {
    const done = await copyText(this.#csv());
    this.#part("copy").focus();
    this.#say(done ? "Copied." : "The browser does not let this page copy: save the file.");
  }
}

/** Fills the panel, which has its heading. @returns {{focus: () => void}} */
export const fill = (root, session) => new Panel(root, session);
