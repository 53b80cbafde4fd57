/** What bits are worth: every kept run on these images as a dot, its accuracy against its kilobytes. */
import { kilobytesOf } from "../bits/assign.js";
import { frontOf } from "../bits/pareto.js";
import { estimate } from "../format.js";
import { drawing } from "../frames.js";
import { reached } from "../kept/reached.js";
import { bitsFor } from "../layers.js";
import { drawPareto } from "../plots/pareto.js";
import { onThemeChange } from "../plots/theme.js";
import { margin } from "../stats.js";
import { element, setAttribute, setText } from "../ui/dom.js";

const MARKUP = `
  <header>
    <h2 id="pareto-title">What are bits worth?</h2>
    <p class="panel-about">Each kept run on these images is a dot. The line joins those that no smaller run is as good as. Press a dot to open its run.</p>
  </header>
  <div class="pareto-board">
    <canvas id="pareto-plot" role="img" aria-label="No run yet."></canvas>
    <ul class="pareto-list" id="pareto-list" aria-label="The runs, the smallest first"></ul>
  </div>
  <p class="note" id="pareto-note"></p>`;

/** A press this near to a dot means it, in pixels. */
const NEAR = 16;

class Pareto {
  #session;
  #placed = [];
  #shown = "";

  constructor(root, session) {
    root.innerHTML = MARKUP;
    this.#session = session;
    const part = (name) => root.querySelector(`#pareto-${name}`);
    Object.assign(this, { canvas: part("plot"), list: part("list"), note: part("note") });
    this.canvas.addEventListener("click", ({ offsetX, offsetY }) => {
      const near = this.#at(offsetX, offsetY);
      if (near) this.#open(near.key);
    });
    this.canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => {
      const near = this.#at(offsetX, offsetY);
      this.canvas.style.cursor = near ? "pointer" : "";
      setAttribute(this.canvas, "title", near?.text ?? "");
    });
    this.redraw = drawing(() => this.#draw(), 200);
    new ResizeObserver(this.redraw).observe(this.canvas);
    onThemeChange(this.redraw);
    session.on(["keptRuns", "run", "status", "epoch", "data"], this.redraw);
    this.redraw();
  }

  #at(x, y) {
    const distance = (dot) => Math.hypot(dot.x - x, dot.y - y);
    const [near] = [...this.#placed].sort((a, b) => distance(a) - distance(b));
    return near && distance(near) <= NEAR ? near.dot : null;
  }

  #open(key) {
    const { keeping } = this.#session;
    const kept = keeping.list.find(key);
    if (kept) keeping.open(kept);
  }

  /** Kept runs on the images that are loaded, as far as they were tested. */
  #dots() {
    const { runs, loaded } = this.#session;
    const here = reached(this.#session).filter(({ about }) => about.data.fingerprint === loaded?.info.fingerprint);
    return here.flatMap(({ key, title, settings, tests, images, about: { weights } }) => {
      const names = Object.keys(weights);
      if (tests.length === 0 || names.length === 0) return [];
      const accuracy = tests.at(-1);
      const kilobytes = kilobytesOf(weights, (layer) => bitsFor(layer, settings, names));
      const half = margin(accuracy, images);
      const text = `${title}: ${kilobytes.toPrecision(3)} KB, ${estimate(accuracy, half)}`;
      return [{ key, kilobytes, accuracy, margin: half, text, here: runs.some((run) => run.key === key) }];
    });
  }

  #draw() {
    const dots = this.#dots().sort((a, b) => a.kilobytes - b.kilobytes);
    this.#placed = drawPareto(this.canvas, dots);
    const front = frontOf(dots);
    const words = dots.length > 0 ? `Accuracy against kilobytes of ${dots.length} ${dots.length === 1 ? "run" : "runs"}. ${front.map(({ text }) => text).join("; ")}: nothing smaller is as good.` : "No run yet.";
    setAttribute(this.canvas, "aria-label", words);
    this.#list(dots, front);
    const others = this.#session.keeping.list.runs.length - dots.length;
    const elsewhere = others > 0 ? ` ${others} more ${others === 1 ? "is" : "are"} on other images, or not tested yet.` : "";
    setText(this.note, dots.length > 0 ? `Behind ± is what chance does with so many test images (95 %).${elsewhere}` : `A run is here from its first test on.${elsewhere}`);
  }

  #list(dots, front) {
    const key = JSON.stringify(dots);
    if (key === this.#shown) return;
    this.#shown = key;
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.open : null;
    const items = dots.map((dot) => {
      const button = element("button", { type: "button", class: "small quiet", "data-open": dot.key, "aria-label": `Open ${dot.text}` }, dot.text);
      button.addEventListener("click", () => this.#open(dot.key));
      return element("li", { class: front.includes(dot) ? "best" : false }, button);
    });
    this.list.replaceChildren(...items);
    if (focused) this.list.querySelector(`[data-open="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }
}

/** @type {import("../rooms.js").Part["mount"]} */
export const mount = (root, session) => void new Pareto(root, session);
