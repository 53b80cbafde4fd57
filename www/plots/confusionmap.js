/**
 * A confusion matrix of many classes as one picture: ten thousand cells of a table would be slow. It is a grid to
 * assistive technology too, of which only the cell with the cursor exists.
 */
import { element, setAttribute, setText } from "../ui/dom.js";
import { prepare } from "./canvas.js";
import { moved } from "./confusion.js";
import { color } from "./theme.js";

/** Numbers are drawn in cells of at least this many pixels. */
const NUMBERS_FROM = 22;

export class ConfusionMap {
  #at = [0, 0];
  #chosen = null;
  #confusion = null;
  #classes;

  /**
   * @param {string[]} classes
   * @param {(row: number, column: number) => void} open called with the cell that was chosen
   */
  constructor(classes, open) {
    this.#classes = classes;
    const size = classes.length;
    this.canvas = element("canvas", { "aria-hidden": "true" });
    this.cell = element("div", { role: "gridcell", tabindex: "0", class: "confusion-cursor" });
    this.readout = element("p", { class: "confusion-readout", "aria-hidden": "true" });
    this.grid = element(
      "div",
      {
        class: "confusion-map", role: "grid", "aria-readonly": "true", "aria-rowcount": size, "aria-colcount": size,
        "aria-label": "Confusion matrix, rows are true classes, columns predicted ones",
      },
      this.canvas,
      (this.row = element("div", { role: "row" }, this.cell)),
    );
    this.box = element("div", { class: "confusion-map-box" }, this.grid, this.readout);
    this.grid.addEventListener("pointermove", (event) => this.#read(this.#cellAt(event)));
    this.grid.addEventListener("pointerleave", () => this.#read(this.#at));
    this.grid.addEventListener("click", (event) => {
      this.#go(this.#cellAt(event));
      this.cell.focus({ preventScroll: true });
      open(...this.#at);
    });
    this.cell.addEventListener("keydown", (event) => {
      const to = moved(event, this.#at, size);
      if (to) this.#go(to);
      else if (event.key === "Enter" || event.key === " ") open(...this.#at);
      else return;
      event.preventDefault();
    });
    this.#go([0, 0]);
  }

  #cellAt({ clientX, clientY }) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const size = this.#classes.length;
    const index = (at, from, all) => Math.min(size - 1, Math.max(0, Math.floor(((at - from) / all) * size)));
    return [index(clientY, top, height), index(clientX, left, width)];
  }

  #text([row, column]) {
    return this.#confusion?.cellText(row, column) ?? "No test pass yet";
  }

  #read(at) {
    setText(this.readout, this.#text(at));
  }

  #go(to) {
    this.#at = to;
    const [row, column] = to;
    const part = 100 / this.#classes.length;
    Object.assign(this.cell.style, { left: `${column * part}%`, top: `${row * part}%`, width: `${part}%`, height: `${part}%` });
    setAttribute(this.row, "aria-rowindex", String(row + 1));
    setAttribute(this.cell, "aria-colindex", String(column + 1));
    setAttribute(this.cell, "aria-label", this.#text(to));
    this.#read(to);
  }

  /** @param {import("./confusion.js").Confusion|null} confusion null: none yet */
  show(confusion) {
    this.#confusion = confusion;
    this.#go(this.#at);
    this.redraw();
  }

  /** Marks the chosen cell, or none. @param {[number, number]|null} chosen */
  mark(chosen) {
    this.#chosen = chosen;
    this.redraw();
  }

  /** Draws the picture again. */
  redraw() {
    const drawn = prepare(this.canvas);
    if (!drawn) return;
    const { context, wide } = drawn;
    const confusion = this.#confusion;
    const size = this.#classes.length;
    const edge = (i) => Math.round((i * wide) / size);
    context.fillStyle = color("--sunken");
    context.fillRect(0, 0, wide, wide);
    if (!confusion) return;
    const numbers = wide / size >= NUMBERS_FROM;
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const count = confusion.at(row, column);
        if (count === 0) continue;
        const { background, ink } = confusion.shade(row, column);
        const [x, y] = [edge(column), edge(row)];
        context.fillStyle = background;
        context.fillRect(x, y, edge(column + 1) - x, edge(row + 1) - y);
        if (!numbers) continue;
        context.fillStyle = ink;
        context.fillText(String(count), ((column + 0.5) * wide) / size, ((row + 0.5) * wide) / size);
      }
    }
    if (this.#chosen) {
      const [row, column] = this.#chosen;
      context.strokeStyle = color("--ink");
      context.lineWidth = 2;
      context.strokeRect(edge(column) - 1, edge(row) - 1, wide / size + 2, wide / size + 2);
    }
  }
}
