/**
 * What the curve plots share: a uPlot over epochs that is made once and given new data, a legend of switches
 * that shows the values under the pointer (else the last ones), and a summary in words.
 *
 * @typedef {object} Curve
 * @property {string} label
 * @property {string} color custom property of the style sheet
 * @property {(run: object, paper: object[]|null) => {xs: number[], ys: number[]}} of its points
 * @property {number} [width] of the line, CSS pixels
 * @property {number[]} [dash]
 * @property {number} [alpha]
 * @property {boolean} [marks] a mark on each point
 * @property {boolean} [reference] hidden, with its legend, where there is nothing published
 */
import uPlot from "../vendor/uplot/uPlot.esm.js";
import { drawing } from "../frames.js";
import { paperEpochs } from "./reference.js";
import { color, onThemeChange } from "./theme.js";

/** Redrawn at most this often: the cores are for training. */
const DRAW_INTERVAL_MS = 125;
/** The time axis ends at one of these, so that it moves seldom. */
const ENDS = [1, 2, 3, 5, 8, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 750, 1000];
/** Epochs that the axis shows at least where there is a published run: it has one point an epoch. */
const REFERENCE_END = 3;
const EMPTY = { xs: [], ys: [] };
const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

/** Where the axis ends for a run that has come to `x` of `total` epochs. */
export const axisEnd = (x, total) => Math.min(total, ENDS.find((end) => end >= x * 1.02) ?? total);

/**
 * Several curves over one axis: each its own column, null where it has no point. The xs of each rise.
 * @param {{xs: number[], ys: number[]}[]} curves
 * @returns {(number|null)[][]} the xs, then one column a curve
 */
export function align(curves) {
  const at = curves.map(() => 0);
  const columns = [[], ...curves.map(() => [])];
  for (;;) {
    let x = Infinity;
    curves.forEach(({ xs }, i) => {
      if (at[i] < xs.length && xs[at[i]] < x) x = xs[at[i]];
    });
    if (x === Infinity) return columns;
    columns[0].push(x);
    curves.forEach(({ xs, ys }, i) => {
      const here = at[i] < xs.length && xs[at[i]] === x;
      columns[i + 1].push(here ? ys[at[i]++] : null);
    });
  }
}

/** The value of a column at `index`, or the nearest before it. */
function valueAt(column, index) {
  for (let i = Math.min(index, column.length - 1); i >= 0; i--) if (column[i] !== null) return column[i];
  return null;
}

export class CurvePlot {
  #runs = [];
  #paper = null;
  #chips = [];
  #pointer = null;
  #plot;

  /**
   * @param {string} id of the element to draw in; its legend is `${id}-legend`
   * @param {object} options
   * @param {Curve[]} options.curves drawn in this order, for each run
   * @param {(value: number) => string} options.format of values
   * @param {(most: number) => [number, number]} options.range of the value axis, given the largest value shown
   * @param {number[]} options.steps distances between the lines of the value axis to choose from
   * @param {(run: object) => string} options.describe the plot in words
   */
  constructor(id, { curves, format, range, steps, describe }) {
    this.box = document.getElementById(id);
    this.curves = curves;
    this.format = format;
    this.range = range;
    this.steps = steps;
    this.describe = describe;
    this.#legend(document.getElementById(`${id}-legend`));
    this.#plot = this.#make();
    this.redraw = drawing(() => this.#draw(), DRAW_INTERVAL_MS);
    new ResizeObserver(() => this.#resize()).observe(this.box);
    onThemeChange(() => this.#plot.redraw(false));
    this.redraw();
  }

  /** Shows these runs from now on. */
  async show(runs) {
    this.#runs = runs;
    this.#paper = await paperEpochs(runs[0] ?? null);
    this.#chips.forEach(({ button }, i) => (button.hidden = Boolean(this.curves[i].reference) && !this.#paper));
    this.redraw();
  }

  #legend(box) {
    this.#chips = this.curves.map((curve, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = `chip${curve.reference ? " reference" : ""}`;
      button.style.setProperty("--series", `var(${curve.color})`);
      button.setAttribute("aria-pressed", "true");
      button.hidden = Boolean(curve.reference);
      const swatch = document.createElement("span");
      swatch.className = `line${curve.dash ? " dashed" : ""}${curve.marks ? " marked" : ""}${curve.alpha ? " thin" : ""}`;
      const value = document.createElement("span");
      value.className = "value";
      button.append(swatch, ` ${curve.label} `, value);
      button.addEventListener("click", () => {
        const on = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", String(on));
        this.#plot.setSeries(i + 1, { show: on });
      });
      return { button, value };
    });
    box.replaceChildren(...this.#chips.map(({ button }) => button));
  }

  #make() {
    const axis = {
      stroke: () => color("--ink-2"),
      grid: { stroke: () => color("--grid"), width: 1 },
      ticks: { show: false },
      font: FONT,
      gap: 6,
    };
    const series = this.curves.map((curve) => ({
      label: curve.label,
      stroke: () => color(curve.color),
      width: curve.width ?? 2,
      dash: curve.dash,
      alpha: curve.alpha ?? 1,
      spanGaps: true,
      points: { show: Boolean(curve.marks), size: 7, width: 2, fill: () => color("--panel") },
    }));
    return new uPlot(
      {
        ...this.#size(),
        padding: [10, 12, 0, 0],
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, y: false, points: { show: false } },
        scales: {
          x: { time: false, range: () => [0, this.#end()] },
          y: { range: (_plot, _least, most) => this.range(most ?? 0) },
        },
        series: [{}, ...series],
        axes: [
          { ...axis, size: 26, space: 56, incrs: [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500] },
          { ...axis, size: 46, space: 42, incrs: this.steps, values: (_plot, ticks) => ticks.map((tick) => this.format(tick, true)) },
        ],
        hooks: { setCursor: [(plot) => this.#point(plot.cursor.left >= 0 ? plot.cursor.idx : null)] },
      },
      [[], ...this.curves.map(() => [])],
      this.box,
    );
  }

  #end() {
    const [run] = this.#runs;
    if (!run) return 10;
    const { stepsPerEpoch } = run.progress;
    const least = this.#paper ? REFERENCE_END : 0;
    const reached = Math.max(least, ...this.#runs.map(({ globalStep }) => globalStep / stepsPerEpoch));
    return axisEnd(reached, Math.max(least, run.epochsTotal));
  }

  #size() {
    return { width: Math.max(200, this.box.clientWidth), height: Math.max(120, this.box.clientHeight) };
  }

  #resize() {
    const { width, height } = this.#size();
    if (width !== this.#plot.width || height !== this.#plot.height) this.#plot.setSize({ width, height });
  }

  #draw() {
    const [run] = this.#runs;
    this.box.classList.toggle("empty", !run?.trained);
    const end = this.#end();
    const clipped = this.#paper?.filter(({ epoch }) => epoch <= end) ?? null;
    const curves = this.curves.map((curve) => (run ? curve.of(run, clipped) : EMPTY));
    this.#plot.setData(align(curves));
    this.#showValues();
    if (run) this.box.setAttribute("aria-label", this.describe(run));
  }

  #point(index) {
    this.#pointer = index;
    this.#showValues();
  }

  #showValues() {
    const { data } = this.#plot;
    const index = this.#pointer ?? data[0].length - 1;
    this.#chips.forEach(({ value }, i) => {
      const known = valueAt(data[i + 1], index);
      const text = known === null ? "–" : this.format(known, false);
      if (value.textContent !== text) value.textContent = text;
    });
  }
}
