/**
 * The accuracy cliff: test accuracy of weights rounded after training by one scheme, from FP32 down to its fewest bits,
 * against runs that trained with their rounding. Own canvas.
 */
import { percent } from "../format.js";
import { FONT, prepare } from "./canvas.js";
import { RUN_COLORS } from "./curves.js";
import { color } from "./theme.js";

const EDGES = { left: 46, right: 14, top: 20, bottom: 22 };
const LINES = [0, 0.25, 0.5, 0.75, 1];

export const nameOf = (bits) => (bits === null ? "FP32" : `${bits} bits`);

/**
 * A run that trained with quantized weights, as the plot shows it.
 * @typedef {{name: string, bits: number, slot: number, accuracy: number}} Trained
 *
 * @param {HTMLCanvasElement} canvas
 * @param {(number|null)[]} widths bits along the axis; null: FP32
 * @param {Map<number|null, {accuracy: number}>} results by bits
 * @param {Trained[]} trained runs to hold it against
 * @param {number} slot of the run whose weights were rounded
 * @param {{after: boolean, trained: boolean}} shown which curves are switched on
 */
export function drawCliff(canvas, widths, results, trained, slot, shown) {
  const prepared = prepare(canvas);
  if (!prepared) return;
  const { context, wide, high } = prepared;
  const step = (wide - EDGES.left - EDGES.right) / widths.length;
  const x = (bits) => EDGES.left + (widths.indexOf(bits) + 0.5) * step;
  const y = (accuracy) => EDGES.top + (1 - accuracy) * (high - EDGES.top - EDGES.bottom);
  drawAxes(context, { widths, wide, high, x, y, narrow: step < 52 });
  if (shown.trained) for (const run of trained) drawTrained(context, run, { widths, wide, x, y });
  if (shown.after) drawAfter(context, results, { widths, x, y, step, stroke: color(RUN_COLORS[slot]) });
}

function drawAxes(context, { widths, wide, high, x, y, narrow }) {
  context.font = FONT;
  context.lineWidth = 1;
  for (const line of LINES) {
    context.fillStyle = color("--grid");
    context.fillRect(EDGES.left, Math.round(y(line)), wide - EDGES.left - EDGES.right, 1);
    context.fillStyle = color("--ink-2");
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillText(percent(line, 0), EDGES.left - 8, y(line));
  }
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  for (const bits of widths) context.fillText(narrow && bits !== null ? String(bits) : nameOf(bits), x(bits), high - 5);
}

/** A level line across the plot, and a diamond at the width that the run trained with, where the axis has it. */
function drawTrained(context, { bits, slot, accuracy }, { widths, wide, x, y }) {
  context.strokeStyle = context.fillStyle = color(RUN_COLORS[slot]);
  context.lineWidth = 1.5;
  context.setLineDash([6, 4]);
  context.beginPath();
  context.moveTo(EDGES.left, y(accuracy));
  context.lineTo(wide - EDGES.right, y(accuracy));
  context.stroke();
  context.setLineDash([]);
  if (!widths.includes(bits)) return;
  const [cx, cy] = [x(bits), y(accuracy)];
  context.beginPath();
  for (const [dx, dy] of [[0, -7], [7, 0], [0, 7], [-7, 0]]) context.lineTo(cx + dx, cy + dy);
  context.closePath();
  context.fill();
}

function drawAfter(context, results, { widths, x, y, step, stroke }) {
  const points = widths.filter((bits) => results.has(bits)).map((bits) => ({ bits, accuracy: results.get(bits).accuracy }));
  context.strokeStyle = stroke;
  context.lineWidth = 2.5;
  context.lineJoin = "round";
  context.beginPath();
  for (const { bits, accuracy } of points) context.lineTo(x(bits), y(accuracy));
  context.stroke();
  for (const { bits, accuracy } of points) {
    context.beginPath();
    context.arc(x(bits), y(accuracy), 4.5, 0, 2 * Math.PI);
    context.fillStyle = color("--panel");
    context.fill();
    context.stroke();
    context.fillStyle = color("--ink");
    context.textAlign = "center";
    context.fillText(step < 40 ? String(Math.round(100 * accuracy)) : percent(accuracy, 0), x(bits), y(accuracy) - 10);
  }
}
