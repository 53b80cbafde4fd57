/** A canvas to draw on, with a pointer or with the keyboard. */
import { element, setText } from "../ui/dom.js";

/** Pixels on a side of the drawing: eight for each one that the network sees. */
const SIDE = 256;
/** Strokes that can be taken back. */
const UNDO_MOST = 20;
/** Pixels that an arrow key moves the pen; with Shift, a fine move. */
const STRIDE = 8;
const FINE_STRIDE = 2;

const COLOURS = [
  ["black", "#111111"],
  ["white", "#ffffff"],
  ["grey", "#8a8a8a"],
  ["red", "#d1342f"],
  ["orange", "#f08a24"],
  ["yellow", "#f2d13a"],
  ["green", "#2f9e57"],
  ["blue", "#2a6fd6"],
  ["brown", "#7d5233"],
];

const HELP = "Arrow keys move the pen, with Shift in small steps; Space puts it down or lifts it; Enter makes a dot.";

export class Sketch {
  #context;
  #undo = [];
  #pen = [SIDE / 2, SIDE / 2];
  #down = false;
  #stroke = null;
  #colour = COLOURS[0][1];
  #width = 24;
  #changed;

  /** @param {() => void} changed called when the drawing has changed */
  constructor(changed) {
    this.#changed = changed;
    this.canvas = element("canvas", {
      width: SIDE, height: SIDE, class: "sketch", tabindex: "0", role: "application",
      "aria-label": "Drawing area", "aria-describedby": "sketch-help",
    });
    this.cursor = element("span", { class: "sketch-cursor", "aria-hidden": "true" });
    this.stage = element("div", { class: "sketch-stage" }, this.canvas, this.cursor);
    this.said = element("span", { class: "visually-hidden", role: "status" });
    this.#context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.#fill("#ffffff");
    this.tools = this.#tools();
    this.#wirePointer();
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    this.canvas.addEventListener("blur", () => this.#lift());
    this.#showPen();
  }

  get side() {
    return SIDE;
  }

  #tools() {
    const swatches = COLOURS.map(([name, value], i) => {
      const input = element("input", { type: "radio", name: "sketch-colour", value, "aria-label": name });
      input.checked = i === 0;
      input.addEventListener("change", () => (this.#colour = value));
      const label = element("label", { class: "sketch-colour", title: name }, input, element("span"));
      label.style.setProperty("--colour", value);
      return label;
    });
    const width = element("input", { type: "range", min: 6, max: 64, step: 2, value: this.#width, "aria-label": "Width of the brush" });
    width.addEventListener("input", () => {
      this.#width = Number(width.value);
      this.#showPen();
    });
    const button = (text, act) => {
      const made = element("button", { type: "button", class: "small" }, text);
      made.addEventListener("click", act);
      return made;
    };
    return element(
      "div",
      { class: "sketch-tools" },
      element("div", { class: "sketch-colours", role: "radiogroup", "aria-label": "Colour" }, ...swatches),
      width,
      element(
        "div",
        { class: "sketch-buttons" },
        button("Fill", () => this.#all(this.#colour)),
        button("Undo", () => this.#takeBack()),
        button("Clear", () => this.#all("#ffffff")),
      ),
      element("p", { class: "visually-hidden", id: "sketch-help" }, HELP),
      this.said,
    );
  }

  #fill(colour) {
    this.#context.fillStyle = colour;
    this.#context.fillRect(0, 0, SIDE, SIDE);
  }

  #remember() {
    this.#undo.push(this.#context.getImageData(0, 0, SIDE, SIDE));
    if (this.#undo.length > UNDO_MOST) this.#undo.shift();
  }

  /** The whole area in one colour. */
  #all(colour) {
    this.#remember();
    this.#fill(colour);
    this.#changed();
  }

  #takeBack() {
    const before = this.#undo.pop();
    if (!before) return;
    this.#context.putImageData(before, 0, 0);
    this.#changed();
  }

  #line(from, to) {
    const context = this.#context;
    context.strokeStyle = this.#colour;
    context.lineWidth = this.#width;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.stroke();
    this.#changed();
  }

  #wirePointer() {
    const { canvas } = this;
    const place = ({ clientX, clientY }) => {
      const { left, top, width, height } = canvas.getBoundingClientRect();
      return [((clientX - left) / width) * SIDE, ((clientY - top) / height) * SIDE];
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.#remember();
      this.#stroke = place(event);
      this.#line(this.#stroke, this.#stroke);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.#stroke) return;
      // A quick hand moves more than once a frame.
      const moves = event.getCoalescedEvents?.() ?? [];
      for (const move of moves.length > 0 ? moves : [event]) {
        const to = place(move);
        this.#line(this.#stroke, to);
        this.#stroke = to;
      }
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (this.#stroke = null));
  }

  #showPen() {
    const percent = (value) => `${(100 * value) / SIDE}%`;
    Object.assign(this.cursor.style, { left: percent(this.#pen[0]), top: percent(this.#pen[1]), width: percent(this.#width), height: percent(this.#width) });
    this.cursor.classList.toggle("down", this.#down);
  }

  #lift() {
    this.#down = false;
    this.#showPen();
  }

  #key(event) {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const arrow = arrows[event.key];
    if (arrow) {
      const stride = event.shiftKey ? FINE_STRIDE : STRIDE;
      const to = this.#pen.map((at, i) => Math.min(SIDE, Math.max(0, at + stride * arrow[i])));
      if (this.#down) this.#line(this.#pen, to);
      this.#pen = to;
    } else if (event.key === " ") {
      this.#down = !this.#down;
      if (this.#down) {
        this.#remember();
        this.#line(this.#pen, this.#pen);
      }
      setText(this.said, this.#down ? "Pen down" : "Pen up");
    } else if (event.key === "Enter") {
      this.#remember();
      this.#line(this.#pen, this.#pen);
    } else if (event.key === "Escape") {
      this.#down = false;
    } else {
      return;
    }
    event.preventDefault();
    this.#showPen();
  }
}
