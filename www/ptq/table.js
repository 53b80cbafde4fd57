/** The table of test accuracies, scheme by bits. Its radio buttons choose the scheme that is drawn and tested alone. */
import { element, setAttribute, setText } from "../ui/dom.js";
import { FORMATS } from "../ui/controls.js";
import { activationsText, conditions, schemeOf, SCHEMES, WIDTHS } from "./options.js";

/** What stands where there is no result yet. */
const UNTESTED = "–";
const BEST = "★";
/** What the engine does not test. */
const REFUSED = "✕";

const figure = (result) => (result ? (100 * result.accuracy).toFixed(1) : UNTESTED);

export class Table {
  #head = element("th", { scope: "row" });
  #full = element("td", { colspan: WIDTHS.length }, UNTESTED);
  /** Scheme's name -> its radio button, the letter of its conditions, its cells by bits (a mark and a figure). */
  #rows = new Map();
  #conditions = element("ol", { class: "ptq-conditions note", "aria-label": "Under what the schemes were tested" });

  /**
   * @param {HTMLElement} root is filled
   * @param {string} chosen name of a scheme
   * @param {() => void} onChoice another scheme was chosen
   */
  constructor(root, chosen, onChoice) {
    const heads = WIDTHS.map((bits) => element("th", { scope: "col" }, String(bits)));
    const table = element("table", { id: "ptq-table" },
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Scheme"), ...heads)),
      element("tbody", {}, element("tr", {}, this.#head, this.#full)),
      ...Object.entries(FORMATS).map(([format, title]) => this.#group(format, title, chosen)),
    );
    root.append(
      element("p", { class: "ptq-caption" }, `Test accuracy in %, by bits of a weight. ${BEST} the best at these bits`),
      element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Test accuracy by scheme and bits" }, table),
      this.#conditions,
    );
    table.addEventListener("change", onChoice);
  }

  /** The rows of the schemes of one kind of number, under its name. */
  #group(format, title, chosen) {
    const body = element("tbody", {}, element("tr", { class: "ptq-format" }, element("th", { scope: "rowgroup", colspan: WIDTHS.length + 1 }, title)));
    for (const { name, label, about, bits } of SCHEMES.filter((scheme) => scheme.format === format)) {
      const radio = element("input", { type: "radio", name: "ptq-scheme", value: name, checked: name === chosen });
      const letter = element("sup");
      const cells = new Map(WIDTHS.map((width) => [width, element("td", {}, element("span", { class: "ptq-mark" }), element("span", {}, bits.includes(width) ? UNTESTED : ""))]));
      this.#rows.set(name, { radio, letter, cells });
      const head = element("th", { scope: "row", title: about }, element("label", {}, radio, label, letter));
      body.append(element("tr", {}, head, ...cells.values()));
    }
    return body;
  }

  /** Name of the scheme that is chosen. */
  get chosen() {
    return [...this.#rows].find(([, { radio }]) => radio.checked)[0];
  }

  /**
   * @param {import("./results.js").AfterTraining|null} test
   * @param {import("../runs.js").RunRecord|null} run whose weights it is of
   */
  show(test, run) {
    const rounded = run ? activationsText(run.settings) : "";
    setText(this.#head, rounded ? `FP32 weights, ${rounded}` : "FP32, not rounded");
    setText(this.#full, figure(test?.full));
    const under = ({ quantization }) => conditions(quantization, run.settings);
    const known = [...new Set([...(test?.rows.values() ?? [])].map(under))];
    for (const [name, { letter, cells }] of this.#rows) {
      const row = test?.rows.get(name);
      setText(letter, row ? letterOf(known.indexOf(under(row))) : "");
      for (const bits of schemeOf(name).bits) {
        const result = row?.results.get(bits);
        const best = Boolean(result) && result.accuracy === test.bestAt(bits);
        const refused = row?.refused.get(bits);
        const cell = cells.get(bits);
        const [mark, text] = cell.children;
        setText(mark, best ? BEST : "");
        setText(text, refused ? REFUSED : figure(result));
        setAttribute(cell, "title", refused ?? "");
      }
    }
    const texts = known.map((text) => `${text[0].toUpperCase()}${text.slice(1)}.`);
    if ([...this.#conditions.children].map(({ textContent }) => textContent).join() !== texts.join()) {
      this.#conditions.replaceChildren(...texts.map((text) => element("li", {}, text)));
    }
  }
}

const letterOf = (index) => String.fromCharCode("a".charCodeAt(0) + index);
