/**
 * A run's report: one HTML file with settings, curves, epochs and weights, the data behind them, the link to run it again,
 * and what the learner has left in lessons. It needs nothing beside itself. Pure functions.
 */
import { duration, fixed, percent, short, whole } from "../format.js";
import { precision } from "../difference.js";
import { gaps, quantized, reachOf } from "../grid.js";
import { display, SETTINGS, settingOf } from "../settings.js";
import { activationsText, bitsText, conditions, schemeOf } from "../ptq/options.js";
import { escape, picture, runCharts } from "./chart.js";
import { averaged, document as documentOf, marksOf } from "./table.js";

const STYLE = `
  :root { color-scheme: light; }
  body { margin: 0 auto; padding: 32px 20px 64px; max-width: 960px; background: #fff; color: #1b1d22; font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; font-variant-numeric: tabular-nums; }
  h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; } h2 { font-size: 18px; margin: 36px 0 10px; } h3 { font-size: 15px; margin: 20px 0 6px; }
  p { margin: 0 0 10px; } .scroll + p { margin-top: 10px; } a { color: #0b5a9e; overflow-wrap: anywhere; } .quiet { color: #5a5f69; }
  .answer { white-space: pre-line; overflow-wrap: anywhere; } svg { display: block; width: 100%; height: auto; } .narrow { display: none; }
  @media (max-width: 720px) { .wide { display: none; } .narrow { display: block; max-width: 520px; } }
  .scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 14px; }
  th, td { padding: 5px 10px; text-align: right; border-bottom: 1px solid #e4e2db; white-space: nowrap; } th:first-child, td:first-child { text-align: left; padding-left: 0; }
  thead th { color: #5a5f69; font-weight: 600; vertical-align: bottom; } tbody th { font-weight: 500; }
  .layers { display: grid; grid-template-columns: repeat(auto-fill, minmax(210px, 1fr)); gap: 16px 20px; } figure { margin: 0; } figcaption { font-size: 13px; }
  .confusion td { text-align: center; padding: 3px 6px; } .confusion td, .confusion th { border: 1px solid #fff; } .confusion thead th { text-align: center; }
  @media print { body { padding: 0; } h2 { break-after: avoid; } figure, svg, tr { break-inside: avoid; } }`;

const tag = (name, content, attributes = "") => `<${name}${attributes && ` ${attributes}`}>${content}</${name}>`;

/** A table: the first column of the body are row headings. */
function table(head, rows, className = "") {
  const heading = head.map((text) => tag("th", escape(text), 'scope="col"')).join("");
  const body = rows.map(([first, ...rest]) => tag("tr", tag("th", escape(first), 'scope="row"') + rest.map((text) => tag("td", escape(text))).join("")));
  return tag("div", tag("table", tag("thead", tag("tr", heading)) + tag("tbody", body.join("")), className && `class="${className}"`), 'class="scroll" tabindex="0"');
}

/** What a run was set to; nothing where that has no effect on it. */
function valueOf(row, of) {
  if (row.applies && !row.applies(of)) return "–";
  return row.key === "quantizer" ? precision(of) : display(row, of[row.key]);
}

/** What was set: a column a run, rows in which they differ first. */
function settings(runs) {
  const rows = SETTINGS.filter(({ group }) => group !== "hidden" && group !== "view").filter(({ applies }) => !applies || runs.some((run) => applies(run.settings)));
  const texts = rows.map((row) => [row.label, ...runs.map(({ settings: of }) => valueOf(row, of))]);
  const same = ([, first, ...others]) => others.every((text) => text === first);
  return table(["Setting", ...runs.map(({ label }) => label)], texts.sort((a, b) => same(a) - same(b)));
}

const EPOCH_COLUMNS = [
  ["Epoch", (e) => e.epoch],
  ["Learning rate", (e) => short(e.lr)],
  ["Train loss", (e) => fixed(e.trainLoss)],
  ["Train accuracy", (e) => percent(e.trainAccuracy)],
  ["Test loss", (e) => fixed(e.testLoss)],
  ["Test accuracy", (e) => percent(e.testAccuracy)],
];
const AVERAGE_COLUMNS = [
  ["Average’s test loss", (e) => fixed(e.average?.testLoss)],
  ["Average’s test accuracy", (e) => percent(e.average?.testAccuracy)],
];
function epochs(run) {
  const columns = [...EPOCH_COLUMNS, ...(averaged(run) ? AVERAGE_COLUMNS : []), ["Time", (e) => duration(e.secs)]];
  return table(columns.map(([title]) => title), run.epochs.map((e) => columns.map(([, text]) => text(e))));
}

/**
 * A layer's latent weights above the line, the counts of its levels below, or, where it has several grids, what its weights
 * are rounded to; heights by square root, as on the page.
 */
function layer(of) {
  const { name, histogram, rounded, levels, levelCounts, levelsUsed, levelTotal, entropyBits, count } = of;
  const { min, max } = histogram;
  const [width, height, base] = [210, 110, 66];
  const reach = reachOf(of) || 1;
  const x = (value) => Math.round((width / 2 + (value / reach) * (width / 2 - 6)) * 10) / 10;
  const tall = (value, most, full) => (most > 0 ? Math.round(Math.sqrt(value / most) * full * 10) / 10 : 0);
  const shape = ({ min: from, max: to, counts }, foot, full, fill) => {
    const most = Math.max(...counts);
    const step = (to - from) / counts.length;
    const outline = counts.map((value, i) => `L${x(from + i * step)} ${foot - tall(value, most, full)}L${x(from + (i + 1) * step)} ${foot - tall(value, most, full)}`);
    return `<path d="M${x(from)} ${foot}${outline.join("")}L${x(to)} ${foot}Z" fill="${fill}"/>`;
  };
  const highest = Math.max(...levelCounts, 0);
  const room = gaps(levels).map((gap) => Math.max(1, Math.min(10, 0.55 * (x(gap) - x(0)))));
  const bar = (value, i) => `<rect x="${x(levels[i]) - room[i] / 2}" y="${base + 1}" width="${room[i]}" height="${Math.max(1.5, tall(value, highest, 36))}" fill="#00795c"/>`;
  const below = rounded ? shape(rounded, base + 1, -36, "#8cc1b3") : levelCounts.map((value, i) => (value > 0 ? bar(value, i) : "")).join("");
  const words = quantized(of) ? `${levelsUsed} of ${levelTotal} levels, entropy ${fixed(entropyBits, 2)} bits` : `${whole(count)} weights, not quantized`;
  const svg = `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(`Weights of ${name} from ${short(min)} to ${short(max)}: ${words}`)}">${shape(histogram, base, 60, "#bccbdc")}<path d="M6 ${base}H${width - 6}" stroke="#b9b7af"/>${below}</svg>`;
  return tag("figure", tag("figcaption", `<strong>${escape(name)}</strong> <span class="quiet">${escape(words)}</span>`) + svg);
}

/** The last epoch's confusion matrix, shares of each true class shaded; only where its classes fit on a page. */
function confusion(run) {
  const { classes } = run.data;
  const counts = run.epochs.at(-1)?.confusion;
  if (!counts || classes.length > 20) return "";
  const head = ["true \\ predicted", ...classes];
  const rows = classes.map((name, row) => {
    const of = counts.slice(row * classes.length, (row + 1) * classes.length);
    const all = of.reduce((sum, n) => sum + n, 0) || 1;
    const cells = of.map((n, column) => {
      const share = n / all;
      const tint = column === row ? `rgb(0 121 92 / ${(share * 0.55).toFixed(2)})` : `rgb(196 78 0 / ${(share * 0.55).toFixed(2)})`;
      return tag("td", n, `style="background:${tint}"`);
    });
    return tag("tr", tag("th", escape(name), 'scope="row"') + cells.join(""));
  });
  const heading = head.map((text) => tag("th", escape(text), 'scope="col"')).join("");
  return tag("h3", "What it takes for what") + tag("div", tag("table", tag("thead", tag("tr", heading)) + tag("tbody", rows.join("")), 'class="confusion"'), 'class="scroll" tabindex="0"');
}

function afterTraining({ afterTraining: test, settings: of }) {
  if (!test || test.table.length === 0) return "";
  const rows = test.table.map((row) => [
    row.quantizer === "none" ? "FP32, as they are" : `${schemeOf(row.quantizer).label}, ${bitsText(row.bits)}`,
    fixed(row.loss),
    percent(row.accuracy),
    row.quantizer === "none" ? activationsText(of) : conditions(row, of),
  ]);
  return tag("h3", `Quantized after ${whole(test.step)} steps of training`) + table(["Weights", "Test loss", "Test accuracy", "Under"], rows);
}

function runSection(run, two) {
  const title = two ? `Run: ${run.label}` : "Run";
  const fork = run.fork ? tag("p", `A copy of “${escape(run.fork.from)}” after ${whole(run.fork.step)} steps.`, 'class="quiet"') : "";
  const epochTable = run.epochs.length > 0 ? epochs(run) : tag("p", "No epoch has ended yet.", 'class="quiet"');
  const weights = tag("h3", "Weights") + tag("div", run.layers.map(layer).join(""), 'class="layers"');
  return tag("h2", escape(title)) + fork + tag("h3", "Epochs") + epochTable + confusion(run) + afterTraining(run) + weights;
}

/** A chart of its own for a narrow window, where the wide one could not be read. */
const SIZES = [["wide", { width: 920, height: 380 }], ["narrow", { width: 380, height: 320 }]];

/** One sentence of what came out. */
export function outcome(run) {
  const best = run.epochs.length > 0 ? `best test accuracy ${percent(run.best)}` : "no test pass yet";
  return `${run.label}: ${whole(run.globalStep)} steps, ${run.epochs.length} of ${run.epochsTotal} epochs, ${best}`;
}

const after = (step) => `after ${whole(step)} ${step === 1 ? "step" : "steps"}`;

/** What was done to a run on its way, which a link to its settings does not repeat. @returns {string[]} */
function history(run) {
  const { label, fork, outlier } = run;
  const where = (step) => (outlier?.step === step ? ` (${outlier.layer}, times ${outlier.factor})` : "");
  const changes = marksOf(run).filter(({ text }) => text !== "fork").map(({ step, text }) => {
    const deed = text === "outlier" ? `was given an outlier${where(step)}` : `went on with ${text}`;
    return `${label} ${deed} ${after(step)}`;
  });
  return [...(fork ? [`${label} began as a copy of ${fork.from} ${after(fork.step)}`] : []), ...changes];
}

/** What the reader must know of the link; nothing where it repeats the runs. */
function caution(runs) {
  const told = runs.flatMap(history);
  return told.length > 0 ? [tag("p", escape(`The link does not repeat what was done on the way: ${told.join("; ")}. The settings below are those at the end.`))] : [];
}

/** Where a run stands that did not go on. */
const stopped = ({ label, alarm }) =>
  alarm ? [tag("p", escape(`${label} stopped at step ${whole(alarm.step)}: its loss or its gradient was no longer finite.`))] : [];

/** What is said to an answer. */
function verdict({ right, expected, tries }) {
  const judged = right ? "right" : right === false ? `not so: ${expected}` : expected && `to compare: ${expected}`;
  return [judged, tries > 1 && `${tries} tries`].filter(Boolean).join(", ");
}

/** What the learner has left in a lesson. */
const lesson = ({ title, results, answers }) =>
  tag("h2", `Lesson: ${escape(title)}`) +
  (results ? table(results.head, results.body) : "") +
  answers.map((one) => tag("h3", escape(one.question)) + tag("p", `${escape(one.answer)} ${tag("span", escape(verdict(one)), 'class="quiet"')}`, 'class="answer"')).join("");

/**
 * @param {import("../runs.js").RunRecord[]} runs
 * @param {{url: string, made: string, engine: object, learner?: string, lessons?: object[]}} about see table.js; what the
 *   notebook of lessons tells
 * @returns {string} a whole HTML document
 */
export function report(runs, about) {
  const [first] = runs;
  const model = display(settingOf("model"), first.settings.model);
  const title = `${model}, ${runs.map(({ label }) => label).join(" against ")}, on ${first.data.name}`;
  const charts = runCharts(runs).flatMap((one) =>
    SIZES.map(([name, size]) => tag("div", picture([one], { ...size, label: `${one.title} over epochs. ${runs.map(outcome).join("; ")}.` }), `class="${name}"`)),
  );
  // The signs that could end the script element are written otherwise; JSON reads the same.
  const data = JSON.stringify(documentOf(runs, about)).replaceAll("<", "\\u003c");
  const { classes, train, test, fingerprint } = first.data;
  const body = [
    tag("h1", escape(title)),
    tag("p", `${escape(about.made.replace("T", " ").replace(/:\d\d\.\d+Z$/, " UTC"))} · ${escape(about.engine?.simd ?? "")} arithmetic, ${escape(about.engine?.threads ?? "?")} threads · made by Nibble`, 'class="quiet"'),
    ...(about.learner ? [tag("p", `By ${escape(about.learner)}`)] : []),
    ...runs.flatMap((run) => [tag("p", `${escape(outcome(run))}.`), ...stopped(run)]),
    tag("p", `Run it again: <a href="${escape(about.url)}">${escape(about.url)}</a>`),
    ...caution(runs),
    ...(about.lessons ? [...about.lessons.map(lesson), tag("h2", "Curves")] : []),
    ...charts,
    tag("h2", "Settings"),
    settings(runs),
    tag("p", `Data: ${escape(first.data.name)}, ${whole(train)} training and ${whole(test)} test images in ${classes.length} classes (${escape(classes.slice(0, 20).join(", "))}${classes.length > 20 ? ", …" : ""}); fingerprint ${escape(fingerprint)}. ${whole(first.info.parameters)} parameters.`, 'class="quiet"'),
    ...runs.map((run) => runSection(run, runs.length > 1)),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="Nibble">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${STYLE}
</style>
</head>
<body>
<main>
${body.join("\n")}
</main>
<script type="application/json" id="nibble-runs">${data}</script>
</body>
</html>
`;
}
