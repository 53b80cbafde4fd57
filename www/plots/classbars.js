/** Accuracy of each class as a row of bars; each is a button. */
import { percent, whole } from "../format.js";
import { element, setAttribute, setText } from "../ui/dom.js";

function words(confusion, label) {
  const total = confusion.totals[label];
  if (total === 0) return ": no test images";
  return `: ${percent(confusion.share(label, label))} right, ${whole(confusion.at(label, label))} of ${whole(total)}`;
}

export class ClassBars {
  #rows;

  /**
   * @param {string[]} classes
   * @param {(label: number) => void} open called with the class that was chosen
   */
  constructor(classes, open) {
    this.#rows = classes.map((name, label) => {
      const value = element("span", { class: "class-value" });
      const fill = element("span", { class: "class-fill" });
      const button = element(
        "button",
        { type: "button", class: "class-bar", "data-class": label },
        element("span", { class: "class-name", title: name }, name),
        element("span", { class: "class-track" }, fill),
        value,
      );
      button.addEventListener("click", () => open(label));
      return { name, button, value, fill };
    });
    this.box = element("ul", { class: "class-bars" }, ...this.#rows.map(({ button }) => element("li", {}, button)));
  }

  /** @param {import("./confusion.js").Confusion|null} confusion null: none yet */
  show(confusion) {
    this.#rows.forEach(({ name, button, value, fill }, label) => {
      const share = confusion ? confusion.share(label, label) : NaN;
      setText(value, percent(share, 0));
      fill.style.transform = `scaleX(${share || 0})`;
      setAttribute(button, "aria-label", `${name}${confusion ? words(confusion, label) : ", no test pass yet"}. Show its mistakes.`);
    });
  }

  /** Marks the chosen class, or none. @param {number|null} chosen */
  mark(chosen) {
    this.#rows.forEach(({ button }, label) => setAttribute(button, "aria-pressed", String(label === chosen)));
  }
}
