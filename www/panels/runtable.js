/** All kept runs in a table: sorted, searched, put into groups with means and deviations; two to six of them in one plot. */
import { percent, short } from "../format.js";
import { drawing } from "../frames.js";
import { reached } from "../kept/reached.js";
import { COURSES, drawCourses } from "../plots/courses.js";
import { onThemeChange } from "../plots/theme.js";
import { COLUMNS, filtered, grouped, groupings, ownSettings, sorted } from "../runtable/rows.js";
import { margin } from "../stats.js";
import { element, setAttribute, setText } from "../ui/dom.js";

const MARKUP = `
  <header><h2 id="runtable-title">Compare runs</h2><p class="panel-about">Choose up to six: their test accuracies stand in one plot, and below it what they differ in.</p></header>
  <div class="runtable-tools">
    <label>Search <input type="search" id="runtable-search" autocomplete="off" placeholder="FP32, seed 1"></label>
    <label>Group by <select id="runtable-group"></select></label>
    <button type="button" class="small quiet" id="runtable-none">Choose none</button>
  </div>
  <div class="runtable-board">
    <div class="scroll" tabindex="0" role="region" aria-label="Table of kept runs"><table id="runtable-table"><thead></thead><tbody></tbody></table></div>
    <div class="runtable-plot">
      <canvas id="runtable-plot" role="img" aria-label="Test accuracies: no run is chosen."></canvas>
      <div class="scroll" tabindex="0" role="region" aria-label="What the chosen runs differ in"><table id="runtable-own"></table></div>
      <p class="note" id="runtable-note"></p>
    </div>
  </div>`;

/** A figure with what chance does to it, or, of a group, with the deviation of its runs. */
function accuracyText(row, value) {
  if (!Number.isFinite(value)) return "–";
  const deviation = row.members ? row.course.at(-1)?.deviation : margin(value, row.images);
  const spread = Number.isFinite(deviation) ? ` ±${(100 * deviation).toFixed(1)}` : "";
  return `${(100 * value).toFixed(1)}${spread} %`;
}

const TEXTS = {
  lr: (_row, value) => short(value),
  test: accuracyText,
  best: (_row, value) => percent(value),
};

class RunTable {
  #session;
  #order = { by: "test", way: -1 };
  /** Keys of the rows in the plot. @type {Set<string>} */
  #pinned = new Set();
  #shown = "";

  constructor(root, session) {
    root.innerHTML = MARKUP;
    this.root = root;
    this.#session = session;
    const part = (id) => root.querySelector(`#${id}`);
    Object.assign(this, { search: part("runtable-search"), group: part("runtable-group"), table: part("runtable-table"), canvas: part("runtable-plot"), own: part("runtable-own"), note: part("runtable-note"), none: part("runtable-none") });
    this.redraw = drawing(() => this.#draw(), 200);
    this.search.addEventListener("input", this.redraw);
    this.group.addEventListener("change", () => this.#choose([]));
    this.none.addEventListener("click", () => this.#choose([]));
    this.#head();
    new ResizeObserver(this.redraw).observe(this.canvas);
    onThemeChange(this.redraw);
    session.on(["keptRuns", "run", "status", "epoch"], this.redraw);
    this.redraw();
  }

  #head() {
    const cells = COLUMNS.map(({ name, label }) => {
      const button = element("button", { type: "button", class: "quiet runtable-sort" }, label);
      button.addEventListener("click", () => {
        const { by, way } = this.#order;
        // Figures begin with the highest.
        this.#order = { by: name, way: by === name ? -way : ["test", "best", "epochs"].includes(name) ? -1 : 1 };
        this.#draw();
      });
      return element("th", { scope: "col", "data-column": name }, button);
    });
    this.table.tHead.append(element("tr", {}, element("th", { scope: "col" }, element("span", { class: "visually-hidden" }, "In the plot")), ...cells));
  }

  #choose(keys) {
    this.#pinned = new Set(keys);
    this.#draw();
  }

  #showGroups(rows) {
    const settings = groupings(rows);
    const names = settings.map(({ key }) => key).join();
    if (this.group.dataset.names === names) return;
    this.group.dataset.names = names;
    const { value } = this.group;
    this.group.replaceChildren(new Option("nothing", ""), ...settings.map(({ key, label }) => new Option(label, key)));
    this.group.value = settings.some(({ key }) => key === value) ? value : "";
  }

  #draw() {
    const all = reached(this.#session);
    this.#showGroups(all);
    const found = filtered(all, this.search.value);
    const rows = sorted(this.group.value ? grouped(found, this.group.value) : found, this.#order);
    for (const key of this.#pinned) if (!rows.some((row) => row.key === key)) this.#pinned.delete(key);
    const pinned = rows.filter(({ key }) => this.#pinned.has(key));
    this.#body(rows, pinned);
    for (const cell of this.table.tHead.querySelectorAll("[data-column]")) {
      const sort = cell.dataset.column === this.#order.by ? (this.#order.way > 0 ? "ascending" : "descending") : "none";
      setAttribute(cell, "aria-sort", sort);
    }
    this.canvas.hidden = this.none.hidden = pinned.length === 0;
    drawCourses(this.canvas, pinned);
    const words = pinned.map((row) => `${row.title} ${accuracyText(row, row.tests.at(-1) ?? NaN)}`);
    setAttribute(this.canvas, "aria-label", words.length > 0 ? `Test accuracies over the epochs. ${words.join("; ")}.` : "Test accuracies: no run is chosen.");
    this.#owns(pinned);
    setText(this.note, this.#noteOf(all, rows, pinned));
  }

  #noteOf(all, rows, pinned) {
    if (all.length === 0) return "None yet: a run is here from its first step on.";
    if (rows.length === 0) return "No run has these words.";
    if (pinned.length === 0) return "Choose runs in the table: they are drawn here.";
    return this.group.value ? "Lines are means of a group's runs, bands one deviation of them." : "Behind ± is what chance does with so many test images (95 %).";
  }

  #body(rows, pinned) {
    const key = JSON.stringify([rows.map((row) => [row.key, row.title, row.tests.length, row.tests.at(-1)]), [...this.#pinned]]);
    if (key === this.#shown) return;
    this.#shown = key;
    const focused = this.table.contains(document.activeElement) ? document.activeElement.dataset.pin : undefined;
    const body = rows.map((row) => {
      const at = pinned.indexOf(row);
      const box = element("input", { type: "checkbox", "data-pin": row.key, "aria-label": `${row.title} in the plot` });
      box.checked = at >= 0;
      box.disabled = at < 0 && pinned.length >= COURSES.length;
      box.addEventListener("change", () => this.#choose(box.checked ? [...this.#pinned, row.key] : [...this.#pinned].filter((one) => one !== row.key)));
      const mark = element("i", { class: "runtable-mark" });
      if (at >= 0) mark.style.background = `var(${COURSES[at].color})`;
      const cells = COLUMNS.map(({ name, of }) => {
        const value = of(row);
        const several = row.members && !["title", "test", "best", "epochs"].includes(name) && new Set(row.members.map(of)).size > 1;
        return element("td", {}, several ? `${new Set(row.members.map(of)).size} values` : (TEXTS[name]?.(row, value) ?? String(value)));
      });
      if (row.members) cells[0].append(` (${row.members.length})`);
      return element("tr", { "data-row": row.key }, element("td", {}, element("label", { class: "runtable-pin" }, box, mark)), ...cells);
    });
    this.table.tBodies[0].replaceChildren(...body);
    if (focused) this.table.querySelector(`[data-pin="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  /** What the chosen ones differ in. */
  #owns(pinned) {
    const settings = pinned.length > 1 ? ownSettings(pinned) : [];
    const key = JSON.stringify([pinned.map(({ title }) => title), settings]);
    if (this.own.dataset.shown === key) return;
    this.own.dataset.shown = key;
    if (settings.length === 0) return this.own.replaceChildren();
    const head = element("tr", {}, element("th", { scope: "col" }, "They differ in"), ...pinned.map(({ title }) => element("th", { scope: "col" }, title)));
    const rows = settings.map(({ label, values }) => element("tr", {}, element("th", { scope: "row" }, label), ...values.map((value) => element("td", {}, value))));
    this.own.replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
  }
}

/** @type {import("../rooms.js").Part["mount"]} */
export const mount = (root, session) => void new RunTable(root, session);
