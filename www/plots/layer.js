/**
 * The weights of one layer on a canvas: above the line the histogram of the latent weights with the quantizer's
 * grid laid over it, below it how many weights round to each level. Heights are on a square-root scale. Where a layer
 * has several grids, what all of its weights are rounded to is a pale band, and one grid may stand before it.
 */
import { fixed, percent, short, whole } from "../format.js";
import { meanOf, quantized, severalGrids } from "../grid.js";
import { prepare } from "./canvas.js";
import { drawGrid, drawHistogram, drawLevelNames, drawLevels, SMALL_FONT } from "./histogram.js";
import { color } from "./theme.js";

/** Share of the canvas above the line, where there are levels to show below it. */
const ABOVE = 0.62;
const EDGE = 8;
const LABELS = 16;
/** How much of its colour has what stands behind. */
const PALE = 0.4;

/** "3→16 · 3×3" of a convolution's shape, "64→10" of a linear layer's. */
export function shapeText([out, inside, ...kernel]) {
  return `${inside}→${out}${kernel.length > 0 ? ` · ${kernel.join("×")}` : ""}`;
}

/** What the picture of a layer shows, in words. */
export function describeLayer(layer) {
  const range = `${whole(layer.count)} weights from ${short(layer.histogram.min)} to ${short(layer.histogram.max)}`;
  if (!quantized(layer)) return `${layer.name}: ${range}, not quantized.`;
  const levels = `${layer.levelsUsed} of ${layer.levelTotal} levels in use, entropy ${fixed(layer.entropyBits, 2)} bits`;
  return `${layer.name}: ${range}; ${levels}, scale ${short(layer.scale)}${meanOf(layer)}, ${percent(layer.flipsPerStep, 2)} changed level in the last step.`;
}

/** What the whole layer is, behind one of its grids. */
function drawBehind(context, draw) {
  context.globalAlpha = PALE;
  draw();
  context.globalAlpha = 1;
}

/** Values of the axis: its ends and the middle, and quarters where there is room. */
function drawLabels(context, end, x, bottom, fine) {
  context.fillStyle = color("--ink-2");
  context.font = SMALL_FONT;
  context.textBaseline = "alphabetic";
  const parts = fine ? [-1, -0.5, 0, 0.5, 1] : [-1, 0, 1];
  for (const part of parts) {
    context.textAlign = part === -1 ? "left" : part === 1 ? "right" : "center";
    context.fillText(part === 0 ? "0" : short(part * end).replace("-", "−"), x(part * end), bottom);
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {object} layer LayerReport
 * @param {object} options
 * @param {number} options.end where the axis ends, on both sides of 0
 * @param {boolean} [options.large] the enlarged picture: names of the levels, a finer axis
 * @param {object|null} [options.one] GridReport of one of several grids, to stand before the others
 */
export function drawLayer(canvas, layer, { end, large = false, one = null }) {
  const drawn = prepare(canvas);
  if (!drawn) return;
  const { context, wide, high } = drawn;
  const x = (value) => wide / 2 + (value / end) * (wide / 2 - EDGE);
  const several = severalGrids(layer);
  const grid = several ? one : quantized(layer) ? layer : null;
  const room = high - LABELS - (large && grid ? LABELS : 0);
  const base = Math.round(quantized(layer) ? room * ABOVE : room - 1);
  const [above, below] = [base - 4, room - base - 3];
  const latent = (histogram) => {
    context.fillStyle = color("--latent");
    drawHistogram(context, histogram, x, base, above);
  };
  if (several && one) drawBehind(context, () => latent(layer.histogram));
  latent(several && one ? one.histogram : layer.histogram);
  if (several) {
    context.fillStyle = color("--level");
    drawBehind(context, () => drawHistogram(context, layer.rounded, x, base + 1, -below));
  }
  if (grid) {
    drawGrid(context, grid, x, 4, base);
    drawLevels(context, grid, x, base + 1, below, large ? 40 : 14);
    if (large) drawLevelNames(context, grid, x, high - LABELS - 3);
  }
  context.fillStyle = color("--line-strong");
  context.fillRect(EDGE, base, wide - 2 * EDGE, 1);
  drawLabels(context, end, x, high - 3, large);
}
