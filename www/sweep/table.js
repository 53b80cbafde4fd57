/** The table of a sweep: a line a combination, its mean and deviation, and its single runs to unfold. */
import { duration, fixed, percent, whole } from "../format.js";
import { settingOf } from "../settings.js";
import { element, setAttribute, setText } from "../ui/dom.js";
import { shownOf } from "./plan.js";
import { summarise } from "./results.js";

const BEST = "★";
const STATES = { diverged: "diverged", failed: "failed" };

/** "57.8 ± 4.3 %"; without a deviation "57.8 %". */
export const accuracyText = ({ mean, deviation }) => (Number.isFinite(deviation) ? `${(100 * mean).toFixed(1)} ± ${percent(deviation)}` : percent(mean));

/** "1.234 ± 0.056". */
export const lossText = ({ mean, deviation }) => (Number.isFinite(deviation) ? `${fixed(mean)} ± ${fixed(deviation)}` : fixed(mean));

/** "2 of 3, 1 diverged"; broken between these alone. */
function countText({ n, failed, runs }) {
  const kinds = failed > 0 ? [...new Set(runs.map(({ result }) => STATES[result?.state]).filter(Boolean))] : [];
  const bad = kinds.map((kind) => `${runs.filter(({ result }) => result?.state === kind).length} ${kind}`);
  const texts = [n === runs.length ? String(n) : `${n} of ${runs.length}`, ...bad];
  return texts.map((text) => text.replaceAll(" ", "\u00a0")).join(", ");
}

const RUN_HEADS = ["Seed", "Test accuracy", "Test loss", "Training accuracy", "Training loss", "Steps", "Time"];

/** Cells of a single run. */
function runCells({ seed, result }, now) {
  if (!result) return [seed, now ? "training" : "waits", "", "", "", "", ""];
  const { state, testAccuracy, testLoss, trainAccuracy, trainLoss, steps, secs } = result;
  const first = state === "done" ? percent(testAccuracy) : STATES[state];
  return [seed, first, fixed(testLoss), percent(trainAccuracy), fixed(trainLoss), whole(steps), duration(secs)];
}

/** A combination's line, and the line below it that is unfolded. */
class Line {
  constructor(plan, index) {
    const { line, rows, runs } = { line: plan.lines[index], rows: plan.rows, runs: plan.runs.filter((run) => run.line === index) };
    const id = `sweep-seeds-${index}`;
    this.toggle = element("button", { type: "button", class: "sweep-toggle", "aria-expanded": "false", "aria-controls": id, "aria-label": `Runs of ${line.name}` });
    const [first, ...others] = rows.length > 0 ? rows.map(({ key }) => shownOf(settingOf(key), line.settings)) : ["As set"];
    this.count = element("td");
    this.mark = element("span", { class: "sweep-mark" });
    this.accuracy = element("span");
    this.loss = element("td");
    this.strip = element("td", { class: "sweep-strip", "aria-hidden": "true" });
    this.row = element("tr", { class: "sweep-line" },
      element("th", { scope: "row" }, element("span", { class: "sweep-name" }, this.toggle, first)), ...others.map((text) => element("td", {}, text)),
      this.count, element("td", {}, this.mark, this.accuracy), this.loss, this.strip);
    this.cells = runs.map(() => RUN_HEADS.map((_, i) => element(i === 0 ? "th" : "td", i === 0 ? { scope: "row" } : {})));
    const heads = RUN_HEADS.map((text) => element("th", { scope: "col" }, text));
    const table = element("table", { class: "sweep-runs", "aria-label": line.name },
      element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...this.cells.map((cells) => element("tr", {}, ...cells))));
    this.whys = element("ul", { class: "note" });
    this.more = element("tr", { class: "sweep-more-row", id, hidden: true }, element("td", { colspan: Math.max(1, rows.length) + 4 }, table, this.whys));
    this.toggle.addEventListener("click", () => {
      const open = this.more.hidden;
      this.more.hidden = !open;
      this.toggle.setAttribute("aria-expanded", String(open));
    });
  }

  show(summary, now, [least, most]) {
    setText(this.count, countText(summary));
    setText(this.mark, summary.best ? BEST : "");
    setAttribute(this.mark, "title", summary.best ? "The best mean" : "");
    setText(this.accuracy, accuracyText(summary.accuracy));
    setText(this.loss, lossText(summary.loss));
    this.row.classList.toggle("best", summary.best);
    this.row.classList.toggle("now", summary.runs.some(({ key }) => key === now));
    const whys = summary.runs.flatMap(({ seed, result }) => (result?.why ? [`Seed ${seed}: ${result.why}`] : []));
    summary.runs.forEach((run, i) => runCells(run, run.key === now).forEach((text, at) => setText(this.cells[i][at], String(text))));
    if (this.whys.dataset.texts !== whys.join("\n")) {
      this.whys.dataset.texts = whys.join("\n");
      this.whys.replaceChildren(...whys.map((text) => element("li", {}, text)));
    }
    const found = summary.runs.flatMap(({ result }) => (result?.state === "done" ? [result.testAccuracy] : []));
    const places = found.map((value) => (most > least ? (100 * (value - least)) / (most - least) : 50));
    if (this.strip.dataset.places !== places.join()) {
      this.strip.dataset.places = places.join();
      const dots = places.map((place) => {
        const dot = element("i");
        dot.style.left = `${place}%`;
        return dot;
      });
      this.strip.replaceChildren(element("span", {}, ...dots));
    }
  }
}

export class Table {
  #root;
  #plan = null;
  #lines = [];
  #range = null;

  /** @param {HTMLElement} root is filled */
  constructor(root) {
    this.#root = root;
  }

  /**
   * @param {import("./plan.js").Plan} plan
   * @param {ReadonlyMap<string, import("./results.js").Result>} results
   * @param {string|undefined} now key of the run that trains
   */
  show(plan, results, now) {
    if (plan !== this.#plan) this.#make(plan);
    const summaries = summarise(plan, results);
    const found = [...results.values()].filter(({ state }) => state === "done").map(({ testAccuracy }) => testAccuracy);
    const range = found.length > 0 ? [Math.min(...found), Math.max(...found)] : [0, 0];
    setText(this.#range, found.length > 0 ? `Each seed, ${(100 * range[0]).toFixed(0)} to ${percent(range[1], 0)}` : "Each seed");
    summaries.forEach((summary, i) => this.#lines[i].show(summary, now, range));
  }

  #make(plan) {
    this.#plan = plan;
    this.#lines = plan.lines.map((_, i) => new Line(plan, i));
    const labels = plan.rows.length > 0 ? plan.rows.map(({ key }) => settingOf(key).label) : ["Settings"];
    const heads = [...labels, "n", "Test accuracy", "Test loss"].map((text) => element("th", { scope: "col" }, text));
    this.#range = element("th", { class: "sweep-strip", "aria-hidden": "true" });
    const table = element("table", { id: "sweep-table" },
      element("thead", {}, element("tr", {}, ...heads, this.#range)),
      element("tbody", {}, ...this.#lines.flatMap(({ row, more }) => [row, more])));
    this.#root.replaceChildren(
      element("p", { class: "sweep-caption" }, `Last epoch, mean ± standard deviation over n seeds. ${BEST} the best mean`),
      element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Results of the sweep" }, table),
    );
  }
}
