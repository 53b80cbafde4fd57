/**
 * Which bits are best for a budget, what any bits cost, and the setting that gives them. Pure functions (no DOM).
 *
 * @typedef {import("./budget.js").Budget} Budget
 *
 * @typedef {object} Measured what was found about the layers of a run, see `To.SENSE`
 * @property {object[]} layers LayerSensitivity of the engine
 * @property {{unit: string, costs: number[][], steps: {cost: number, rise: number, bits: number[]}[]}[]} fronts
 */
import { withBits } from "../layers.js";
import { settingOf } from "../settings.js";

/** @param {Measured} measured */
const frontOf = ({ fronts }, unit) => fronts.find((front) => front.unit === unit);

/** The best assignment for a budget; the cheapest where none costs as little. @param {Measured} measured @param {Budget} budget */
export function bestFor(measured, { unit, amount }) {
  const { steps } = frontOf(measured, unit);
  // What is typed or dragged has fewer digits than what it came from.
  return steps.findLast(({ cost }) => cost <= amount * (1 + 1e-9)) ?? steps[0];
}

/** The least and the most that an assignment can cost. @param {Measured} measured */
export function rangeOf(measured, unit) {
  const { steps, costs } = frontOf(measured, unit);
  return [steps[0].cost, costs.reduce((sum, widths) => sum + Math.max(...widths), 0)];
}

/** The place of a width among those of a layer; -1: it has no such width. */
const placeOf = ({ widths }, bits) => widths.findIndex((width) => width.bits === bits);

/** What widths, one a layer, cost in a unit; NaN where a layer has no such width. @param {Measured} measured */
export const costOf = (measured, unit, bits) =>
  frontOf(measured, unit).costs.reduce((sum, costs, i) => sum + (costs[placeOf(measured.layers[i], bits[i])] ?? NaN), 0);

/** What they do to the loss together, by the measurement. @param {Measured} measured */
export const riseOf = ({ layers }, bits) => layers.reduce((sum, layer, i) => sum + Math.max(0, layer.widths[placeOf(layer, bits[i])]?.rise ?? NaN), 0);

/** The most bits that all layers can have alike within a budget; the fewest where none fits. @param {Measured} measured @param {Budget} budget */
export function uniformFor(measured, { unit, amount }) {
  const [first, ...others] = measured.layers.map(({ widths }) => widths.map(({ bits }) => bits));
  const shared = first.filter((bits) => others.every((widths) => widths.includes(bits)));
  const costs = (bits) => costOf(measured, unit, measured.layers.map(() => bits));
  return shared.findLast((bits) => costs(bits) <= amount * (1 + 1e-9)) ?? shared[0] ?? null;
}

/**
 * The setting `bits` that gives the layers these widths: that of most weights for all, the others by name.
 * @param {Measured} measured
 * @param {number[]} bits
 * @param {import("../settings.js").Settings} settings
 */
export function settingFor({ layers }, bits, settings) {
  const names = layers.map(({ layer }) => layer);
  const weights = new Map();
  for (const [i, { weights: count }] of layers.entries()) weights.set(bits[i], (weights.get(bits[i]) ?? 0) + count);
  const [[all]] = [...weights].sort(([, a], [, b]) => b - a);
  return names.reduce((text, name, i) => withBits({ ...settings, bits: text }, name, bits[i], names), all);
}

/** Kilobytes of the weights of a run with these settings, without scales. @param {Record<string, number>} weights by layer @param {(layer: string) => number|null} widthOf null: FP32 */
export const kilobytesOf = (weights, widthOf) => Object.entries(weights).reduce((sum, [layer, count]) => sum + (count * (widthOf(layer) ?? 32)) / 8e3, 0);

/** Settings of a run that has these bits: one in FP32 is rounded as usual. @returns {Partial<import("../settings.js").Settings>} */
export const roundedTo = (bits, { quantizer }) => (quantizer === "none" ? { quantizer: settingOf("quantizer").default, bits } : { bits });
