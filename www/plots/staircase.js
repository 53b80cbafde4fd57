/** What a scheme makes of a value: across the value, up the level that is nearest to it. */
import { prepare } from "./canvas.js";
import { color } from "./theme.js";

const EDGE = 3;
/** How far the values reach beyond the outermost levels, as a share of the levels' range: there they are cut off. */
const BEYOND = 0.12;

/** Index of the level nearest to `value`; of two as near the lower one. @param {Float32Array} levels lowest first */
function nearest(levels, value) {
  let [low, high] = [0, levels.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (levels[middle] <= value) low = middle;
    else high = middle;
  }
  return value - levels[low] <= levels[high] - value ? low : high;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Float32Array} levels lowest first
 */
export function drawStaircase(canvas, levels) {
  const drawn = prepare(canvas);
  if (!drawn) return;
  const { context, wide, high } = drawn;
  const range = levels.at(-1) - levels[0];
  const [first, last] = [levels[0] - BEYOND * range, levels.at(-1) + BEYOND * range];
  const x = (value) => EDGE + ((value - first) / (last - first)) * (wide - 2 * EDGE);
  const y = (value) => high - EDGE - ((value - first) / (last - first)) * (high - 2 * EDGE);
  context.strokeStyle = color("--line-strong");
  context.lineWidth = 1;
  context.setLineDash([2, 2]);
  context.beginPath();
  context.moveTo(x(first), y(first));
  context.lineTo(x(last), y(last));
  context.stroke();
  context.setLineDash([]);
  context.strokeStyle = color("--level");
  context.lineWidth = 1.5;
  context.beginPath();
  // Two looks a pixel: of more levels a line is left, as the eye would see.
  const looks = 2 * Math.ceil(wide - 2 * EDGE);
  let before = null;
  for (let i = 0; i <= looks; i++) {
    const value = first + (i / looks) * (last - first);
    const level = levels[nearest(levels, value)];
    if (before !== null && level !== before) context.lineTo(x(value), y(before));
    context.lineTo(x(value), y(level));
    before = level;
  }
  context.stroke();
}
