/** Which run a panel shows, where there are two: a row of radio buttons that is not there with one run. */
import { element } from "./dom.js";

let made = 0;

export class RunSwitch {
  #box;
  #name = `shown-run-${++made}`;
  #both;
  #runs = [];
  #value = "0";

  /**
   * @param {HTMLElement} box
   * @param {object} options
   * @param {string} options.label of the group
   * @param {boolean} [options.both] both may be shown
   * @param {() => void} options.changed called when the user has chosen
   */
  constructor(box, { label, both = false, changed }) {
    this.#both = both;
    this.changed = changed;
    this.#box = box;
    box.classList.add("segments", "run-switch");
    box.setAttribute("role", "radiogroup");
    box.setAttribute("aria-label", label);
    box.hidden = true;
  }

  /** The runs to choose from, in the order of their slots. @param {{label: string}[]} runs */
  setRuns(runs) {
    const names = runs.map(({ label }) => label).join("\n");
    const before = this.#runs.map(({ label }) => label).join("\n");
    this.#runs = runs;
    if (names === before) return;
    this.#box.hidden = runs.length < 2;
    if (this.#box.hidden) {
      this.#value = "0";
      this.#box.replaceChildren();
      return;
    }
    const choices = runs.map(({ label }, i) => [String(i), label]);
    if (this.#both) choices.push(["both", "Both"]);
    this.#box.replaceChildren(...choices.map(([value, label]) => this.#choice(value, label)));
  }

  #choice(value, label) {
    const input = element("input", { type: "radio", name: this.#name, value });
    input.checked = value === this.#value;
    input.addEventListener("change", () => {
      this.#value = value;
      this.changed();
    });
    const text = element("span", { class: value === "both" ? undefined : `run-slot-${value}` }, label);
    return element("label", {}, input, text);
  }

  /** The runs to show now: one, or both. */
  get shown() {
    if (this.#value === "both") return this.#runs;
    const run = this.#runs[Number(this.#value)] ?? this.#runs[0];
    return run ? [run] : [];
  }
}
