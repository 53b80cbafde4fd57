/** Test accuracies of several runs over their epochs, each a line; of a group of runs the mean, and its deviation as a band. */
import { FONT, prepare } from "./canvas.js";
import { color } from "./theme.js";

const EDGES = { left: 46, right: 12, top: 10, bottom: 24 };
/** Lines are told apart without colour too. */
export const COURSES = [
  { color: "--run-a", dash: [] },
  { color: "--run-b", dash: [7, 4] },
  { color: "--level", dash: [2, 3] },
  { color: "--course-4", dash: [10, 3, 2, 3] },
  { color: "--course-5", dash: [4, 4] },
  { color: "--course-6", dash: [12, 5] },
];
/** Of a band, before its line. */
const PALE = 0.18;
const STEPS = [0.05, 0.1, 0.2, 0.5];

/** Where the axis of the accuracies begins, ends, and its lines. */
function range(values) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const step = STEPS.find((one) => (most - least) / one <= 5) ?? STEPS.at(-1);
  const low = Math.max(0, Math.floor(least / step) * step);
  const high = Math.min(1, Math.max(low + step, Math.ceil(most / step) * step));
  return { low, high, step };
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {{tests: number[], course?: {mean: number, deviation: number}[]}[]} lines at most as many as `COURSES`
 */
export function drawCourses(canvas, lines) {
  const drawn = prepare(canvas);
  if (!drawn) return;
  const { context, wide, high } = drawn;
  const spread = (line) => (line.course ?? []).flatMap(({ mean, deviation }) => (Number.isFinite(deviation) ? [mean - deviation, mean + deviation] : [mean]));
  const values = lines.flatMap((line) => [...line.tests, ...spread(line)]);
  if (values.length === 0) return;
  const axis = range(values);
  const end = Math.max(2, ...lines.map(({ tests }) => tests.length));
  const x = (epoch) => EDGES.left + ((epoch - 1) / (end - 1)) * (wide - EDGES.left - EDGES.right);
  const y = (share) => high - EDGES.bottom - ((share - axis.low) / (axis.high - axis.low)) * (high - EDGES.top - EDGES.bottom);
  drawAxes(context, { ...axis, wide, high, x, y, end });
  lines.forEach(({ tests, course }, i) => {
    const { color: name, dash } = COURSES[i];
    context.strokeStyle = context.fillStyle = color(name);
    const band = (course ?? []).filter(({ deviation }) => Number.isFinite(deviation));
    if (band.length > 0) {
      context.globalAlpha = PALE;
      context.beginPath();
      band.forEach(({ mean, deviation }, k) => context.lineTo(x(k + 1), y(mean + deviation)));
      for (let k = band.length - 1; k >= 0; k--) context.lineTo(x(k + 1), y(band[k].mean - band[k].deviation));
      context.fill();
      context.globalAlpha = 1;
    }
    context.lineWidth = 2;
    context.setLineDash(dash);
    context.beginPath();
    tests.forEach((share, k) => context.lineTo(x(k + 1), y(share)));
    context.stroke();
    context.setLineDash([]);
    if (tests.length === 1) context.fillRect(x(1) - 3, y(tests[0]) - 3, 6, 6);
  });
}

function drawAxes(context, { low, high: top, step, wide, high, x, y, end }) {
  context.font = FONT;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (let share = low; share <= top + 1e-9; share += step) {
    context.fillStyle = color("--grid");
    context.fillRect(EDGES.left, Math.round(y(share)), wide - EDGES.left - EDGES.right, 1);
    context.fillStyle = color("--ink-2");
    context.fillText(`${Math.round(100 * share)} %`, EDGES.left - 8, y(share));
  }
  context.textAlign = "center";
  const every = Math.max(1, Math.ceil(end / 8));
  for (let epoch = 1; epoch <= end; epoch += every) context.fillText(String(epoch), x(epoch), high - 10);
}
