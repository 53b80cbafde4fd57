/** A confusion matrix of few classes as a table with a number in each cell; arrow keys lead from cell to cell. */
import { element, setAttribute, setText } from "../ui/dom.js";
import { moved } from "./confusion.js";

export class ConfusionTable {
  #cells = [];
  #at = [0, 0];
  #shown = null;

  /**
   * @param {string[]} classes
   * @param {(row: number, column: number) => void} open called with the cell that was chosen
   */
  constructor(classes, open) {
    const size = classes.length;
    const heading = (name, scope) => element("th", { scope, title: name }, element("span", {}, name));
    const head = element("tr", {}, element("td", { class: "corner" }, element("span", {}, "true ↓ · predicted →")), ...classes.map((name) => heading(name, "col")));
    const rows = classes.map((name, row) => {
      const cells = classes.map((_, column) => element("td", { role: "gridcell", tabindex: "-1", "data-row": row, "data-column": column }));
      this.#cells.push(cells);
      return element("tr", {}, heading(name, "row"), ...cells);
    });
    this.box = element(
      "table",
      { class: "confusion-table", role: "grid", "aria-label": "Confusion matrix, rows are true classes, columns predicted ones", "aria-readonly": "true" },
      element("thead", {}, head),
      element("tbody", {}, ...rows),
    );
    this.box.style.setProperty("--classes", size);
    this.#cells[0][0].tabIndex = 0;
    this.box.addEventListener("click", ({ target }) => {
      const cell = target.closest("[role=gridcell]");
      if (!cell) return;
      this.#go([Number(cell.dataset.row), Number(cell.dataset.column)]);
      open(...this.#at);
    });
    this.box.addEventListener("keydown", (event) => {
      const to = moved(event, this.#at, size);
      if (to) this.#go(to);
      else if (event.key === "Enter" || event.key === " ") open(...this.#at);
      else return;
      event.preventDefault();
    });
  }

  #cell([row, column]) {
    return this.#cells[row][column];
  }

  #go(to) {
    this.#cell(this.#at).tabIndex = -1;
    this.#at = to;
    this.#cell(to).tabIndex = 0;
    this.#cell(to).focus();
  }

  /** @param {import("./confusion.js").Confusion|null} confusion null: none yet */
  show(confusion) {
    this.#shown = confusion;
    this.#cells.forEach((cells, row) => cells.forEach((cell, column) => this.#showCell(cell, row, column)));
  }

  #showCell(cell, row, column) {
    const confusion = this.#shown;
    const count = confusion?.at(row, column) ?? 0;
    setText(cell, count > 0 ? String(count) : "");
    setAttribute(cell, "aria-label", confusion ? confusion.cellText(row, column) : "no test pass yet");
    const { background, ink } = confusion && count > 0 ? confusion.shade(row, column) : { background: "", ink: "" };
    if (cell.style.background !== background) Object.assign(cell.style, { background, color: ink });
  }

  /** Marks the chosen cell, or none. @param {[number, number]|null} chosen */
  mark(chosen) {
    this.#cells.forEach((cells, row) =>
      cells.forEach((cell, column) => {
        const here = chosen !== null && chosen[0] === row && chosen[1] === column;
        cell.classList.toggle("chosen", here);
        if (here) cell.setAttribute("aria-selected", "true");
        else cell.removeAttribute("aria-selected");
      }),
    );
  }

  /** The colours of the page have changed, or its size. */
  redraw() {
    for (const cells of this.#cells) for (const cell of cells) cell.style.background = "";
    this.show(this.#shown);
  }
}
