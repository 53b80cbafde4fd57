/** How much each layer minds losing bits, in one of several ways, and how far these agree. */
import { TRUTH, WAYS, wayOf } from "../bits/measurements.js";
import { duration, short, whole } from "../format.js";
import { drawing } from "../frames.js";
import { element, setAttribute, setText } from "../ui/dom.js";

const MARKUP = `
  <header>
    <h2 id="sensitivity-title">Which layer minds most?</h2>
    <p class="panel-about">How much the network loses where a layer loses bits, measured on a copy of its weights while training goes on.</p>
  </header>
  <div class="bits-tools">
    <label>Measured by <select id="sensitivity-way"></select></label>
    <button type="button" id="sensitivity-go" disabled>Measure</button>
    <button type="button" id="sensitivity-stop" disabled>Stop</button>
    <label class="tick"><input type="checkbox" id="sensitivity-again"> Again after each epoch</label>
  </div>
  <p class="note" id="sensitivity-cost"></p>
  <progress id="sensitivity-progress" max="1" value="0" aria-label="Measuring"></progress>
  <ol class="bits-bars" id="sensitivity-bars" aria-label="Layers, from the picture to the answer"></ol>
  <p class="note" id="sensitivity-note"></p>
  <h3 id="sensitivity-agree-title">Do the ways agree?</h3>
  <p class="note" id="sensitivity-agree-note"></p>
  <div class="scroll" tabindex="0" role="region" aria-labelledby="sensitivity-agree-title">
    <table id="sensitivity-table">
      <thead><tr><th scope="col">Measured by</th><th scope="col">Took</th><th scope="col">Ranks layers alike (Kendall’s τ)</th></tr></thead>
      <tbody></tbody>
    </table>
  </div>`;

/** What a measurement takes, in words. */
function costText(seconds) {
  if (seconds === undefined) return "";
  const time = seconds < 1 ? "a moment" : `up to ${duration(seconds)}`;
  return ` It takes ${time} here, longer while something trains.`;
}

/** Least and most that the bar's whisker reaches, as shares of the largest. */
const reach = ({ value, spread }, most) => [value - (spread ?? 0), value + (spread ?? 0)].map((at) => Math.min(1, Math.max(0, at / most)));

class SensitivityPanel {
  #session;
  /** The run whose costs were asked for. */
  #asked = null;
  #made = "";
  #bars = [];
  #again = false;

  constructor(root, session) {
    root.innerHTML = MARKUP;
    this.#session = session;
    this.root = root;
    const part = (name) => root.querySelector(`#sensitivity-${name}`);
    Object.assign(this, { way: part("way"), go: part("go"), stop: part("stop"), cost: part("cost"), progress: part("progress"), list: part("bars"), note: part("note"), agreeNote: part("agree-note") });
    this.rows = new Map();
    for (const { name, label, about } of WAYS) {
      this.way.append(element("option", { value: name, title: about }, label));
      const row = element("tr", {}, element("th", { scope: "row", title: about }, label), element("td"), element("td"));
      this.rows.set(name, row);
    }
    part("table").tBodies[0].append(...this.rows.values());
    this.way.addEventListener("change", () => {
      session.look({ sensitivity: this.way.value });
      this.redraw();
    });
    this.go.addEventListener("click", () => this.#measure());
    this.stop.addEventListener("click", () => session.run && session.experiments.stopMeasuring(session.run));
    part("again").addEventListener("change", ({ target }) => (this.#again = target.checked));
    this.redraw = drawing(() => this.#draw(), 100);
    session.on(["run", "settings", "status", "engine", "sensed"], this.redraw);
    session.on("epoch", () => this.#again && this.#measure());
    session.on("steps", () => this.go.disabled && session.run?.trained && this.redraw());
    this.redraw();
  }

  #measure() {
    const { run, settings, experiments } = this.#session;
    if (run && !run.measurements?.running) experiments.measure(run, settings.sensitivity);
  }

  #ask(run) {
    if (this.#asked === run || !this.#session.engine || !run.trained || !this.root.checkVisibility()) return;
    this.#asked = run;
    this.#session.experiments.askCosts(run);
  }

  #draw() {
    const { run, engine, settings } = this.#session;
    const way = wayOf(settings.sensitivity);
    this.way.value = way.name;
    const measurements = run?.measurements ?? null;
    const running = measurements?.running ?? null;
    this.go.disabled = !engine || !run?.trained || run.status === "lost";
    // Not disabled while it runs: that would take the focus away.
    setAttribute(this.go, "aria-disabled", String(Boolean(running)));
    this.stop.disabled = !running;
    this.progress.value = running ? measurements.share : 0;
    if (run) this.#ask(run);
    setText(this.cost, `${way.about}.${run?.trained ? costText(measurements?.costs.get(way.name)) : " Train the run first."}`);
    const found = measurements?.results.get(way.name) ?? null;
    this.#showBars(found, run);
    setText(this.note, found ? this.#noteOf(found, way, run) : running ? `Measuring: ${wayOf(running).label}.` : "Press Measure: each layer gets a bar here.");
    this.#showTable(measurements);
  }

  #noteOf({ step, layers }, { unit, source }, run) {
    const most = layers.reduce((a, b) => (b.value > a.value ? b : a));
    const when = step === run.globalStep ? "with the weights as they are now" : `after ${whole(step)} steps, ${whole(run.globalStep - step)} ago`;
    return `${most.layer} minds most. Bars are ${unit} (${source}), ${when}.`;
  }

  #showBars(found, run) {
    const layers = found?.layers ?? run?.layers.map(({ name, count }) => ({ layer: name, weights: count })) ?? [];
    const made = layers.map(({ layer }) => layer).join();
    if (made !== this.#made) {
      this.#made = made;
      this.#bars = layers.map(({ layer, weights }) => {
        const [fill, whisker, value] = [element("span", { class: "bits-fill" }), element("span", { class: "bits-whisker" }), element("span", { class: "bits-value" })];
        const item = element("li", {}, element("span", { class: "bits-layer", title: `${whole(weights)} weights` }, layer), element("span", { class: "bits-track" }, fill, whisker), value);
        return { item, fill, whisker, value };
      });
      this.list.replaceChildren(...this.#bars.map(({ item }) => item));
    }
    const most = Math.max(...layers.map(({ value }) => value ?? 0), Number.MIN_VALUE);
    for (const [i, { fill, whisker, value }] of this.#bars.entries()) {
      const layer = layers[i];
      fill.style.transform = `scaleX(${found ? Math.max(0, layer.value / most) : 0})`;
      const [from, to] = found && layer.spread ? reach(layer, most) : [0, 0];
      Object.assign(whisker.style, { left: `${100 * from}%`, width: `${100 * (to - from)}%` });
      whisker.hidden = to <= from;
      const spread = layer.spread ? ` ±${short(Number(layer.spread.toPrecision(1)))}` : "";
      setText(value, found ? `${short(layer.value)}${spread}`.replace("-", "−") : "–");
    }
  }

  #showTable(measurements) {
    const truth = measurements?.results.get(TRUTH);
    for (const [name, row] of this.rows) {
      const found = measurements?.results.get(name);
      const [, took, alike] = row.children;
      setText(took, found ? (found.seconds < 1 ? "< 1 s" : duration(found.seconds)) : "–");
      const agreement = found && truth ? measurements.agreements.get(name) : null;
      const text = agreement ? `${agreement[0].toFixed(2)} ±${agreement[1].toFixed(2)}`.replace("-", "−") : "–";
      setText(alike, name === TRUTH && found ? "what the others foretell" : text);
    }
    const label = wayOf(TRUTH).label;
    setText(this.agreeNote, truth ? `Held against “${label}”: 1 where a way ranks the layers alike, 0 by chance, −1 the other way round.` : `Measure by “${label}” too: the others are held against it.`);
  }
}

/** @type {import("../rooms.js").Part["mount"]} */
export const mount = (root, session) => void new SensitivityPanel(root, session);
