/**
 * The weights of one layer on a canvas: above the line the histogram of the latent weights with the quantizer's
 * grid laid over it, below it how many weights round to each level. Heights are on a square-root scale.
 */
import { fixed, percent, short, whole } from "../format.js";
import { levelNumbers, meanOf, quantized, spacing } from "../grid.js";
import { prepare } from "./canvas.js";
import { color } from "./theme.js";

/** Share of the canvas above the line, where there are levels to show below it. */
const ABOVE = 0.62;
const EDGE = 8;
const LABELS = 16;
/** Closer levels than this, in pixels, would only be a grey smear. */
const CLOSEST_GRID = 3;
/** An axis ends at one of these times a power of ten, so that it moves seldom. */
const ENDS = [1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];
const FONT = "11px system-ui, sans-serif";

/** Square roots keep the tails visible: the outermost level may hold a single weight. */
const height = (count, most, full) => (most > 0 ? Math.sqrt(count / most) * full : 0);

/** "3→16 · 3×3" of a convolution's shape, "64→10" of a linear layer's. */
export function shapeText([out, inside, ...kernel]) {
  return `${inside}→${out}${kernel.length > 0 ? ` · ${kernel.join("×")}` : ""}`;
}

/** Where an axis of weights ends that reaches at least to `reach`. */
export function weightsEnd(reach) {
  if (!(reach > 0) || !Number.isFinite(reach)) return 1;
  const decade = 10 ** Math.floor(Math.log10(reach));
  return decade * ENDS.find((end) => end * decade >= reach * (1 - 1e-9));
}

/** What the picture of a layer shows, in words. */
export function describeLayer(layer) {
  const range = `${whole(layer.count)} weights from ${short(layer.histogram.min)} to ${short(layer.histogram.max)}`;
  if (!quantized(layer)) return `${layer.name}: ${range}, not quantized.`;
  const levels = `${layer.levelsUsed} of ${layer.levels.length} levels in use, entropy ${fixed(layer.entropyBits, 2)} bits`;
  return `${layer.name}: ${range}; ${levels}, scale ${short(layer.scale)}${meanOf(layer)}, ${percent(layer.flipsPerStep, 2)} changed level in the last step.`;
}

function drawLatent(context, { histogram: { min, max, counts } }, x, base, full) {
  const most = Math.max(...counts);
  const width = (max - min) / counts.length;
  context.beginPath();
  context.moveTo(x(min), base);
  counts.forEach((count, i) => {
    const top = base - height(count, most, full);
    context.lineTo(x(min + i * width), top);
    context.lineTo(x(min + (i + 1) * width), top);
  });
  context.lineTo(x(max), base);
  context.closePath();
  context.fillStyle = color("--latent");
  context.fill();
}

function drawGrid(context, layer, x, top, base) {
  if (x(spacing(layer)) - x(0) < CLOSEST_GRID) return;
  context.beginPath();
  for (const level of layer.levels) {
    const at = Math.round(x(level)) + 0.5;
    context.moveTo(at, top);
    context.lineTo(at, base);
  }
  context.strokeStyle = color("--level-grid");
  context.lineWidth = 1;
  context.stroke();
}

function drawLevels(context, layer, x, base, full, widest) {
  const { levelCounts, levels } = layer;
  const most = Math.max(...levelCounts);
  const width = Math.max(1, Math.min(widest, 0.55 * (x(spacing(layer)) - x(0))));
  levelCounts.forEach((count, i) => {
    const at = x(levels[i]);
    if (count > 0) {
      context.fillStyle = color("--level");
      context.fillRect(at - width / 2, base, width, Math.max(2, height(count, most, full)));
    } else if (width > 2) {
      context.beginPath();
      context.arc(at, base + 5, 2.5, 0, 2 * Math.PI);
      context.strokeStyle = color("--unused");
      context.lineWidth = 1.25;
      context.stroke();
    }
  });
}

/** Values of the axis: its ends and the middle, and quarters where there is room. */
function drawLabels(context, end, x, bottom, fine) {
  context.fillStyle = color("--ink-2");
  context.font = FONT;
  context.textBaseline = "alphabetic";
  const parts = fine ? [-1, -0.5, 0, 0.5, 1] : [-1, 0, 1];
  for (const part of parts) {
    context.textAlign = part === -1 ? "left" : part === 1 ? "right" : "center";
    context.fillText(part === 0 ? "0" : short(part * end).replace("-", "−"), x(part * end), bottom);
  }
}

/** The numbers of the levels, under their bars; every one, or as many as do not touch. */
function drawLevelNumbers(context, layer, x, bottom) {
  const each = Math.ceil(22 / Math.max(0.01, x(spacing(layer)) - x(0)));
  context.fillStyle = color("--level");
  context.font = FONT;
  context.textAlign = "center";
  levelNumbers(layer).forEach((number, i) => {
    if (number % each === 0) context.fillText(String(number).replace("-", "−"), x(layer.levels[i]), bottom);
  });
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {object} layer LayerReport
 * @param {object} options
 * @param {number} options.end where the axis ends, on both sides of 0
 * @param {boolean} [options.large] the enlarged picture: numbers of the levels, a finer axis
 */
export function drawLayer(canvas, layer, { end, large = false }) {
  const drawn = prepare(canvas);
  if (!drawn) return;
  const { context, wide, high } = drawn;
  const x = (value) => wide / 2 + (value / end) * (wide / 2 - EDGE);
  const grid = quantized(layer);
  const numbers = large && grid;
  const room = high - LABELS - (numbers ? LABELS : 0);
  const base = Math.round(grid ? room * ABOVE : room - 1);
  drawLatent(context, layer, x, base, base - 4);
  if (grid) {
    drawGrid(context, layer, x, 4, base);
    drawLevels(context, layer, x, base + 1, room - base - 3, large ? 40 : 14);
  }
  if (numbers) drawLevelNumbers(context, layer, x, high - LABELS - 3);
  context.fillStyle = color("--line-strong");
  context.fillRect(EDGE, base, wide - 2 * EDGE, 1);
  drawLabels(context, end, x, high - 3, large);
}
