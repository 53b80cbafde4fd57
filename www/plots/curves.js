/**
 * What the curve plots share: a uPlot over epochs that is made once and given new data, a legend of switches
 * that shows the values under the pointer (else the last ones), and a summary in words. One run has a colour a
 * curve; two runs side by side have a colour each, and the second one's lines are dashed.
 *
 * @typedef {object} Curve
 * @property {string} label
 * @property {string} color custom property of the style sheet
 * @property {(run: object, paper: object[]|null) => {xs: number[], ys: number[]}} of its points
 * @property {number} [width] of the line, CSS pixels
 * @property {number[]} [dash]
 * @property {number} [alpha]
 * @property {boolean} [marks] a mark on each point
 * @property {boolean} [reference] the same for every run; hidden, with its legend, where nothing is published
 * @property {boolean} [alone] hidden, with its legend, where there are two runs
 */
import uPlot from "../vendor/uplot/uPlot.esm.js";
import { drawing } from "../frames.js";
import { FONT } from "./canvas.js";
import { paperEpochs } from "../reference/paper.js";
import { element, setText } from "../ui/dom.js";
import { color, onThemeChange } from "./theme.js";

/** Redrawn at most this often: the cores are for training. */
const DRAW_INTERVAL_MS = 125;
/** The time axis ends at one of these, so that it moves seldom. */
const ENDS = [1, 2, 3, 5, 8, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 750, 1000];
/** Epochs that the axis shows at least where there is a published run: it has one point an epoch. */
const REFERENCE_END = 3;
/** Of what is written at a mark on the time axis. */
const MOST_LETTERS = 26;
const EMPTY = { xs: [], ys: [] };
/** Of the two slots that runs have. */
export const RUN_COLORS = ["--run-a", "--run-b"];
const SECOND_DASH = [7, 4];

/** A figure of the first run beside its plot, with the run's label where there are two. */
export function ofRun({ run, runs }, figure) {
  const text = run ? figure(run) : "–";
  return runs.length > 1 ? `${text} (${run.label})` : text;
}

/** A figure of the epochs as a curve. @returns {{xs: number[], ys: number[]}} */
export const column = (epochs, key) => ({ xs: epochs.map(({ epoch }) => epoch), ys: epochs.map((epoch) => epoch[key]) });

/** Where the axis of the epochs ends for a run that has come to `x` of `total`. */
export const epochsEnd = (x, total) => Math.min(total, ENDS.find((end) => end >= x * 1.02) ?? total);

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

/** Upright lines where something was done to a run: forked, changed, an outlier put in. */
function drawMarks(plot, runs) {
  const { ctx, bbox } = plot;
  const ratio = uPlot.pxRatio;
  ctx.save();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textBaseline = "top";
  ctx.setLineDash([3 * ratio, 3 * ratio]);
  ctx.lineWidth = ratio;
  let row = 0;
  // What was done to both runs at once is one line.
  const marks = new Map(runs.flatMap((run) => run.marks).map((mark) => [`${mark.epoch} ${mark.text}`, mark]));
  for (const { epoch, text } of marks.values()) {
    const x = Math.round(plot.valToPos(epoch, "x", true)) + 0.5;
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = ctx.fillStyle = color("--ink-2");
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const shown = text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS - 1)}…` : text;
    const toTheLeft = x + ctx.measureText(shown).width + 8 * ratio > bbox.left + bbox.width;
    ctx.textAlign = toTheLeft ? "right" : "left";
    ctx.fillText(shown, x + (toTheLeft ? -4 : 4) * ratio, bbox.top + 2 + 14 * ratio * (row++ % 4));
  }
  ctx.restore();
}

/** Whether two runs are shown: then a colour says which run it is. */
const paired = (runs) => runs.length > 1;

export class CurvePlot {
  #runs = [];
  #paper = null;
  #chips = [];
  #pointer = null;
  #drawn = false;
  #series;
  #plot;

  /**
   * @param {string} id of the element to draw in; its legend is `${id}-legend`
   * @param {object} options
   * @param {Curve[]} options.curves drawn in this order, for each run
   * @param {(value: number) => string} options.format of values
   * @param {(most: number) => [number, number]} options.range of the value axis, given the largest value shown
   * @param {number[]} options.steps distances between the lines of the value axis to choose from
   * @param {(run: object) => string} options.describe a run's curves in words
   * @param {string} options.title of the plot, before those words
   */
  constructor(id, { curves, format, range, steps, describe, title }) {
    this.box = document.getElementById(id);
    this.format = format;
    this.range = range;
    this.steps = steps;
    this.describe = describe;
    this.title = title;
    const own = curves.filter(({ reference }) => !reference);
    this.#series = [
      ...curves.filter(({ reference }) => reference).map((curve) => ({ curve, slot: null })),
      ...RUN_COLORS.flatMap((_color, slot) => own.map((curve) => ({ curve, slot }))),
    ];
    this.legend = document.getElementById(`${id}-legend`);
    /** Which moment the legend tells of, while a pointer chooses one. */
    this.when = element("span", { class: "curve-when" });
    this.box.append(this.when);
    this.#chips = this.#series.map((_series, i) => this.#chip(i));
    this.#plot = this.#make();
    this.#showLegend();
    this.redraw = drawing(() => this.#draw(), DRAW_INTERVAL_MS);
    new ResizeObserver(() => this.#resize()).observe(this.box);
    onThemeChange(() => this.#plot.redraw(false));
    this.redraw();
  }

  /** Shows these runs from now on. */
  async show(runs) {
    this.#runs = runs;
    const paper = await paperEpochs(runs[0] ?? null);
    // Meanwhile there may be others.
    if (runs !== this.#runs) return;
    this.#paper = paper;
    this.#series.forEach(({ slot }, i) => {
      this.#plot.series[i + 1].dash = this.#dashOf(this.#series[i]);
      if (slot !== null) this.#chips[i].button.style.setProperty("--series", `var(${this.#colorOf(this.#series[i])})`);
    });
    this.#showLegend();
    this.redraw();
  }

  /** The run whose curve it is, the first one for what all share; none where it is not shown. */
  #runOf({ curve, slot }) {
    if (slot === null) return this.#paper ? this.#runs[0] : undefined;
    // Before the first run its legend stands there already.
    if (curve.alone && paired(this.#runs)) return undefined;
    return this.#runs.find((run) => run.slot === slot);
  }

  #colorOf = ({ curve, slot }) => (slot !== null && paired(this.#runs) ? RUN_COLORS[slot] : curve.color);
  #dashOf = ({ curve, slot }) => (slot === 1 && paired(this.#runs) ? SECOND_DASH : curve.dash);

  #chip(i) {
    const { curve } = this.#series[i];
    const button = document.createElement("button");
    button.type = "button";
    button.className = `chip${curve.reference ? " reference" : ""}`;
    button.style.setProperty("--series", `var(${curve.color})`);
    button.setAttribute("aria-pressed", "true");
    const swatch = document.createElement("span");
    swatch.className = `line${curve.dash ? " dashed" : ""}${curve.marks ? " marked" : ""}${curve.alpha ? " thin" : ""}`;
    const whose = document.createElement("span");
    whose.className = "visually-hidden";
    const value = document.createElement("span");
    value.className = "value";
    button.append(swatch, whose, ` ${curve.label} `, value);
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(on));
      this.#plot.setSeries(i + 1, { show: on });
    });
    return { button, whose, value };
  }

  /** The legend: the chips of what is shown, under their runs' labels where there are two. */
  #showLegend() {
    const shown = (entry) => (this.#runs.length > 0 ? this.#runOf(entry) : entry.slot === 0) && true;
    const chipsOf = (wanted) =>
      this.#series.flatMap((entry, i) => (entry.slot === wanted && shown(entry) ? [this.#chips[i].button] : []));
    const two = paired(this.#runs);
    const rows = this.#runs.map(({ slot, label }) => {
      const row = document.createElement("span");
      row.className = `legend-run slot-${slot}`;
      const name = document.createElement("strong");
      name.textContent = name.title = label;
      row.append(name, ...chipsOf(slot));
      this.#series.forEach((entry, i) => entry.slot === slot && (this.#chips[i].whose.textContent = `${label}:`));
      return row;
    });
    if (!two) for (const { whose } of this.#chips) whose.textContent = "";
    const [only] = this.#runs;
    this.legend.replaceChildren(...chipsOf(null), ...(two ? rows : chipsOf(only?.slot ?? 0)));
  }

  #make() {
    const axis = {
      stroke: () => color("--ink-2"),
      grid: { stroke: () => color("--grid"), width: 1 },
      ticks: { show: false },
      font: FONT,
      gap: 6,
    };
    const series = this.#series.map((entry) => ({
      label: entry.curve.label,
      stroke: () => color(this.#colorOf(entry)),
      width: entry.curve.width ?? 2,
      dash: entry.curve.dash,
      alpha: entry.curve.alpha ?? 1,
      spanGaps: true,
      points: { show: Boolean(entry.curve.marks), size: 7, width: 2, fill: () => color("--panel") },
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
        hooks: {
          setCursor: [(plot) => this.#point(plot.cursor.left >= 0 ? plot.cursor.idx : null)],
          drawAxes: [(plot) => drawMarks(plot, this.#runs)],
        },
      },
      [[], ...this.#series.map(() => [])],
      this.box,
    );
  }

  #end() {
    const [run] = this.#runs;
    // Where the first epochs of a run will be: nothing jumps when it comes.
    if (!run) return 1;
    const least = this.#paper ? REFERENCE_END : 0;
    const reached = this.#runs.map(({ globalStep, info }) => globalStep / info.stepsPerEpoch);
    const total = Math.max(...this.#runs.map(({ epochsTotal }) => epochsTotal));
    return epochsEnd(Math.max(least, ...reached), Math.max(least, total));
  }

  #size() {
    return { width: Math.max(200, this.box.clientWidth), height: Math.max(120, this.box.clientHeight) };
  }

  #resize() {
    // Out of sight it has no size, and nothing is drawn.
    if (this.box.clientWidth === 0) return;
    const { width, height } = this.#size();
    if (width !== this.#plot.width || height !== this.#plot.height) this.#plot.setSize({ width, height });
    this.redraw();
  }

  #draw() {
    if (this.box.clientWidth === 0 && this.#drawn) return;
    this.#drawn = true;
    this.box.classList.toggle("empty", !this.#runs.some(({ trained }) => trained));
    const end = this.#end();
    const clipped = this.#paper?.filter(({ epoch }) => epoch <= end) ?? null;
    const curves = this.#series.map((entry) => {
      const run = this.#runOf(entry);
      return run ? entry.curve.of(run, clipped) : EMPTY;
    });
    this.#plot.setData(align(curves));
    this.#showValues();
    const words = this.#runs.map((run) => (paired(this.#runs) ? `${run.label}: ` : "") + this.describe(run));
    if (words.length > 0) this.box.setAttribute("aria-label", `${this.title}. ${words.join(" ")}`);
  }

  #point(index) {
    this.#pointer = index;
    this.#showValues();
  }

  #showValues() {
    const { data } = this.#plot;
    const index = this.#pointer ?? data[0].length - 1;
    const at = this.#pointer === null ? undefined : data[0][this.#pointer];
    setText(this.when, at === undefined ? "" : `at epoch ${at.toFixed(2)}`);
    this.#chips.forEach(({ value }, i) => {
      const known = valueAt(data[i + 1], index);
      const text = known === null ? "–" : this.format(known, false);
      if (value.textContent !== text) value.textContent = text;
    });
  }
}
