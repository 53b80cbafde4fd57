/**
 * What one ReLU gives, on a canvas: above the line the histogram of the values above 0 with the levels laid over it, below
 * it how many values round to each level.
 */
import { percent, short, whole } from "../format.js";
import { prepare } from "./canvas.js";
import { axisEnd, drawGrid, drawHistogram, drawLevels, SMALL_FONT } from "./histogram.js";
import { color } from "./theme.js";

/** Share of the canvas above the line, where there are levels to show below it. */
const ABOVE = 0.62;
const EDGE = 8;
const LABELS = 16;

/** "1 of 16 channels dead"; empty where all are alive. */
export const deadText = ({ deadChannels, shape: [, , channels] }) => (deadChannels > 0 ? `${whole(deadChannels)} of ${whole(channels)} channels dead` : "");

/** How the values are rounded, in words. */
export function levelsText({ rounded, levels }) {
  if (!rounded) return "not rounded";
  return levels.length > 0 ? `${levels.length} levels` : "a scale for a few channels at a time";
}

/** What the picture shows, in words. @param {object} report ActivationReport */
export function describeActivations(report) {
  const { name, images, largest, zeroShare, clippedShare } = report;
  const beyond = report.levels.length > 0 ? `, ${percent(clippedShare, 2)} above the highest level` : "";
  const dead = deadText(report);
  return `${name}: values up to ${short(largest)} for ${whole(images)} test images, ${percent(zeroShare, 0)} of them 0; ${levelsText(report)}${beyond}${dead && `; ${dead}`}.`;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {object} report ActivationReport
 */
export function drawActivations(canvas, report) {
  const drawn = prepare(canvas);
  if (!drawn) return;
  const { context, wide, high } = drawn;
  const { histogram, largest, levels } = report;
  const end = axisEnd(Math.max(largest, levels.at(-1) ?? 0));
  const x = (value) => EDGE + (value / end) * (wide - 2 * EDGE);
  const room = high - LABELS;
  const base = Math.round(levels.length > 0 ? room * ABOVE : room - 1);
  context.fillStyle = color("--latent");
  drawHistogram(context, histogram, x, base, base - 4);
  if (levels.length > 0) {
    drawGrid(context, report, x, 4, base);
    drawLevels(context, report, x, base + 1, room - base - 3, 14);
  }
  context.fillStyle = color("--line-strong");
  context.fillRect(EDGE, base, wide - 2 * EDGE, 1);
  context.fillStyle = color("--ink-2");
  context.font = SMALL_FONT;
  context.textBaseline = "alphabetic";
  for (const [part, align] of [[0, "left"], [0.5, "center"], [1, "right"]]) {
    context.textAlign = align;
    context.fillText(part === 0 ? "0" : short(part * end), x(part * end), high - 3);
  }
}
