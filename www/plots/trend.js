/** One figure of a layer over the epochs: a line on a small canvas, with a mark at the epoch that is shown. */
import { prepare } from "./canvas.js";
import { color } from "./theme.js";

const EDGE = 6;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {object} trend
 * @param {number[]} trend.values one for each stop of the replay, in order
 * @param {number} trend.most the value at the upper edge; the lower edge is 0
 * @param {number} trend.at index of the marked value
 */
export function drawTrend(canvas, { values, most, at }) {
  const drawn = prepare(canvas);
  if (!drawn) return;
  const { context, wide, high } = drawn;
  const x = (i) => (values.length > 1 ? EDGE + (i / (values.length - 1)) * (wide - 2 * EDGE) : wide / 2);
  const y = (value) => high - EDGE - (most > 0 ? Math.min(1, value / most) : 0) * (high - 2 * EDGE);

  context.fillStyle = color("--grid");
  context.fillRect(EDGE, Math.round(y(0)), wide - 2 * EDGE, 1);
  context.fillRect(EDGE, Math.round(y(most)), wide - 2 * EDGE, 1);

  context.beginPath();
  values.forEach((value, i) => context[i === 0 ? "moveTo" : "lineTo"](x(i), y(value)));
  context.strokeStyle = color("--level");
  context.lineWidth = 2;
  context.lineJoin = "round";
  context.stroke();

  context.beginPath();
  context.arc(x(at), y(values[at]), 4, 0, 2 * Math.PI);
  context.fillStyle = color("--panel");
  context.fill();
  context.stroke();
}
