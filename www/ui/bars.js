/** Probabilities as bars: a name, a bar and a number in each line. */
import { percent } from "../format.js";
import { element, setText } from "./dom.js";

export class ProbabilityBars {
  #lines;

  /** @param {number} count lines, all there from the beginning */
  constructor(count) {
    this.#lines = Array.from({ length: count }, () => {
      const name = element("span", { class: "bar-name" });
      const value = element("span", { class: "bar-value" });
      const fill = element("span", { class: "bar-fill" });
      const box = element("li", {}, name, value, element("span", { class: "bar-track", "aria-hidden": "true" }, fill));
      return { box, name, value, fill };
    });
    this.box = element("ol", { class: "probabilities" }, ...this.#lines.map(({ box }) => box));
  }

  /**
   * @param {{class: number, probability: number}[]} top the likeliest first
   * @param {string[]} classes
   * @param {number} [right] the true class, which is marked
   */
  show(top, classes, right) {
    this.#lines.forEach(({ box, name, value, fill }, i) => {
      const guess = top[i];
      // There may be fewer classes than lines.
      box.hidden = !guess;
      setText(name, guess ? classes[guess.class] : "");
      setText(value, guess ? percent(guess.probability, 1) : "");
      fill.style.transform = `scaleX(${guess?.probability ?? 0})`;
      box.classList.toggle("right", guess !== undefined && guess.class === right);
    });
  }
}
