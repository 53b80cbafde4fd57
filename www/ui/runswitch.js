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

  /** The runs to choose from, in the order of their slots. @param {{label: string, slot: number}[]} runs */
  setRuns(runs) {
    const named = (some) => some.map(({ label, slot }) => `${slot} ${label}`).join("\n");
    const names = named(runs);
    const before = named(this.#runs);
    this.#runs = runs;
    if (names === before) return;
    this.#box.hidden = runs.length < 2;
    if (this.#box.hidden) {
      this.#value = "0";
      this.#box.replaceChildren();
      return;
    }
    const choices = runs.map(({ label, slot }, i) => this.#choice(String(i), label, `run-slot-${slot}`));
    if (this.#both) choices.push(this.#choice("both", "Both"));
    this.#box.replaceChildren(...choices);
  }

  #choice(value, label, kind) {
    const input = element("input", { type: "radio", name: this.#name, value });
    input.checked = value === this.#value;
    input.addEventListener("change", () => {
      this.#value = value;
      this.changed();
    });
    const text = element("span", { class: kind, title: label }, label);
    return element("label", {}, input, text);
  }

  /** The runs to show now: one, or both. */
  get shown() {
    if (this.#value === "both") return this.#runs;
    const run = this.#runs[Number(this.#value)] ?? this.#runs[0];
    return run ? [run] : [];
  }
}
