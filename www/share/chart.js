/**
 * A line chart as SVG text: for the report and, drawn on a canvas, for the PNG. Its own drawing, since what leaves
 * the page must look the same in every browser and theme. Pure functions.
 *
 * @typedef {object} Series
 * @property {string} label
 * @property {string} color
 * @property {number[]} xs rising
 * @property {number[]} ys
 * @property {number} [width]
 * @property {string} [dash]
 * @property {boolean} [marks] a mark on each point
 * @property {number} [opacity]
 */
import { fixed, percent } from "../format.js";

export const INK = "#1b1d22";
const QUIET = "#5a5f69";
const GRID = "#e4e2db";
const LEGEND_ROW = 19;
/** The colours that the page gives its first and second run. */
export const RUN_COLORS = ["#0072b2", "#b5478c"];
const TEST = "#c44e00";

export const escape = (text) =>
  String(text).replace(/[&<>"']/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[sign]);

/** Distances between grid lines: 1, 2 or 5 times a power of ten, about five lines. */
function ticks(end) {
  const rough = end / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((one) => one >= rough * 0.999);
  return Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, i) => i * step);
}

const round = (value) => Math.round(value * 100) / 100;

function line({ xs, ys, color, width = 2, dash, opacity = 1, marks }, x, y) {
  const points = xs.map((at, i) => [at, ys[i]]).filter(([, value]) => Number.isFinite(value)).map(([at, value]) => [round(x(at)), round(y(value))]);
  if (points.length === 0) return "";
  const path = `<path d="M${points.map((point) => point.join(" ")).join("L")}" fill="none" stroke="${color}" stroke-width="${width}" stroke-linejoin="round"${dash ? ` stroke-dasharray="${dash}"` : ""}${opacity < 1 ? ` opacity="${opacity}"` : ""}/>`;
  const dots = marks ? points.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3.5" fill="#fff" stroke="${color}" stroke-width="2"/>`).join("") : "";
  return path + dots;
}

/** Where each key of the legend goes: letters are taken to be about as wide as on average, a little more. */
function legend(series, left, right) {
  let [at, row] = [left, 0];
  const places = series.map(({ label }) => {
    const wide = 28 + label.length * 6.9 + 20;
    if (at > left && at + wide > right) [at, row] = [left, row + 1];
    const place = { at, row };
    at += wide;
    return place;
  });
  return { places, rows: row + 1 };
}

/**
 * @param {object} options
 * @param {string} options.title
 * @param {Series[]} options.series
 * @param {{epoch: number, text: string}[]} [options.marks] what was done to the runs: upright lines
 * @param {number} options.xEnd end of the axis of epochs
 * @param {number} options.yEnd end of the value axis, which begins at 0
 * @param {(value: number) => string} options.format of the value axis
 * @param {number} options.width
 * @param {number} options.height
 * @param {number} [options.top] where the chart begins in the picture
 * @returns {string} the elements, without the <svg> around them
 */
export function chart({ title, series, marks = [], xEnd, yEnd, format, width, height, top = 0 }) {
  const keys = legend(series, 58, width - 16);
  const box = { left: 58, right: width - 16, top: top + 46 + keys.rows * LEGEND_ROW, bottom: top + height - 40 };
  const x = (value) => box.left + (value / xEnd) * (box.right - box.left);
  const y = (value) => box.bottom - (Math.min(value, yEnd) / yEnd) * (box.bottom - box.top);
  const text = (at, to, content, more = "") => `<text x="${round(at)}" y="${round(to)}" ${more}>${escape(content)}</text>`;
  const grid = [
    ...ticks(yEnd).map((value) => `<path d="M${box.left} ${round(y(value))}H${box.right}" stroke="${GRID}"/>${text(box.left - 8, y(value) + 4, format(value), `text-anchor="end" fill="${QUIET}" font-size="12"`)}`),
    ...ticks(xEnd).map((value) => text(x(value), box.bottom + 18, String(round(value)), `text-anchor="middle" fill="${QUIET}" font-size="12"`)),
    text((box.left + box.right) / 2, box.bottom + 34, "epochs", `text-anchor="middle" fill="${QUIET}" font-size="12"`),
  ];
  const names = keys.places.map(({ at, row }, i) => {
    const { label, color, dash, width: thick = 2 } = series[i];
    const middle = top + 40 + row * LEGEND_ROW;
    const stroke = `<path d="M${round(at)} ${middle}h22" stroke="${color}" stroke-width="${thick}"${dash ? ` stroke-dasharray="${dash}"` : ""}/>`;
    const mark = series[i].marks ? `<circle cx="${round(at + 11)}" cy="${middle}" r="3.5" fill="#fff" stroke="${color}" stroke-width="2"/>` : "";
    return stroke + mark + text(at + 28, middle + 4, label, `fill="${INK}" font-size="12.5"`);
  });
  const deeds = marks.map(({ epoch, text: what }, i) => {
    const at = round(x(epoch));
    // The later half is written to the left of its line, where there is room; neighbours take turns in height.
    const [to, anchor] = epoch > xEnd / 2 ? [at - 4, "end"] : [at + 4, "start"];
    const upright = `<path d="M${at} ${box.top}V${box.bottom}" stroke="${QUIET}" stroke-dasharray="3 3"/>`;
    return upright + text(to, box.top + 10 + 14 * (i % 4), what, `text-anchor="${anchor}" fill="${QUIET}" font-size="11"`);
  });
  const lines = series.map((one) => line(one, x, y));
  return [text(box.left, top + 24, title, `fill="${INK}" font-size="16" font-weight="650"`), ...names, ...grid, ...deeds, ...lines].join("\n");
}

/** Accuracy and loss of the runs, as `chart` takes them. @param {import("../runs.js").RunRecord[]} runs */
export function runCharts(runs) {
  const two = runs.length > 1;
  const named = (run, what) => (two ? `${run.label}: ${what}` : what);
  const color = (run, kind) => (two ? RUN_COLORS[run.slot] : kind === "test" ? TEST : RUN_COLORS[0]);
  const of = (run, what, kind, { xs, ys }) => ({
    label: named(run, what),
    color: color(run, kind),
    width: kind === "test" ? 2.5 : 2,
    marks: kind === "test",
    dash: run === runs[1] ? "7 4" : undefined,
    xs,
    ys,
  });
  const tests = (run, key) => ({ xs: run.epochs.map(({ epoch }) => epoch), ys: run.epochs.map((epoch) => epoch[key]) });
  const accuracy = runs.flatMap((run) => [
    of(run, "training", "train", run.curves.trainAccuracy),
    of(run, "test", "test", tests(run, "testAccuracy")),
  ]);
  const loss = runs.flatMap((run) => [
    ...(two ? [] : [{ ...of(run, "each batch", "train", run.curves.batchLoss), width: 1, opacity: 0.35 }]),
    of(run, "training", "train", run.curves.trainLoss),
    of(run, "test", "test", tests(run, "testLoss")),
  ]);
  const reached = Math.max(...runs.map(({ globalStep, info }) => globalStep / info.stepsPerEpoch));
  const xEnd = reached > 1 ? Math.ceil(reached) : Math.max(0.1, Math.ceil(reached * 10) / 10);
  const most = Math.max(1, ...loss.flatMap(({ ys }) => ys.filter(Number.isFinite)));
  // What was done to both at once is one line.
  const marks = [...new Map(runs.flatMap((run) => run.marks).map((mark) => [`${mark.epoch} ${mark.text}`, mark])).values()];
  return [
    { title: "Accuracy", series: accuracy, marks, xEnd, yEnd: 1, format: (value) => percent(value, 0) },
    { title: "Loss", series: loss, marks, xEnd, yEnd: Math.ceil(most * 2) / 2, format: (value) => fixed(value, most > 5 ? 0 : 1) },
  ];
}

/** A whole SVG document of charts one above the other. */
export function picture(charts, { width, height, background = "#fff", label }) {
  const bodies = charts.map((one, i) => chart({ ...one, width, height, top: i * height }));
  const all = height * charts.length;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${all}" viewBox="0 0 ${width} ${all}" role="img" aria-label="${escape(label)}" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"><rect width="${width}" height="${all}" fill="${background}"/>${bodies.join("\n")}</svg>`;
}
