/**
 * What quantization after training can be asked for: schemes for weights at their widths, and what is done besides.
 * Pure functions.
 *
 * @typedef {object} Options what holds for all schemes
 * @property {string} granularity which weights share a scale, where the scheme can do that
 * @property {boolean} fold batch norm becomes part of the weights
 * @property {boolean} equalise neighbouring layers get the same ranges; needs `fold`
 * @property {boolean} correct what rounding does to the mean of a channel is taken out of its bias
 * @property {number} reestimate batches by which the statistics of batch norm are re-estimated; 0: they stay
 * @property {string|null} activations scheme for activations; null: as the run has them
 * @property {number} activationBits of these
 * @property {string} calibration how the range of these is chosen
 *
 * @typedef {object} Quantization as the engine takes it: a scheme `quantizer`, its `bits`, and the Options
 */
import { calibrations } from "../../pkg/registry.js";
import { settingOf } from "../settings.js";

/** Schemes that round weights, in the order of the menus. */
export const SCHEMES = settingOf("quantizer").choices.filter(({ format }) => format !== "full");

/** The scheme that is chosen at first: the paper's. */
export const FIRST = settingOf("quantizer").default;

/** Every width that some scheme takes, the widest first. */
export const WIDTHS = [...new Set(SCHEMES.flatMap(({ bits }) => bits))].sort((a, b) => b - a);

/** Widths of a scheme, the widest first. */
export const widthsOf = ({ bits }) => [...bits].sort((a, b) => b - a);

export const CALIBRATIONS = calibrations;

export const schemeOf = (name) => SCHEMES.find((scheme) => scheme.name === name);

/** The options without those that others leave no place for: folded batch norm has no statistics. */
export function fitting(options) {
  const { fold, equalise, reestimate } = options;
  return { ...options, equalise: fold && equalise, reestimate: fold ? 0 : reestimate };
}

/** @param {Options} options @returns {Quantization} */
export function quantizationOf(scheme, bits, options) {
  const { granularities } = scheme;
  const granularity = granularities.includes(options.granularity) ? options.granularity : granularities[0];
  return { ...fitting(options), quantizer: scheme.name, bits, granularity };
}

const labelOf = (choices, name) => choices.find((choice) => choice.name === name).label;

/** Under what a scheme was tested, in words. @param {Quantization} quantization */
export function conditions({ quantizer, granularity, fold, equalise, correct, reestimate, activations, activationBits, calibration }) {
  // Formats with blocks of their own, and levels that are a whole layer's, leave nothing to choose.
  const shares = schemeOf(quantizer).granularities.length > 1 && labelOf(settingOf("granularity").choices, granularity);
  const rounded = activations && `activations ${labelOf(settingOf("activations").choices, activations)} at ${activationBits} bits`;
  const parts = [
    shares && `one scale for ${shares.toLowerCase()}`,
    fold && "batch norm folded",
    equalise && "layers equalised",
    correct && "biases corrected",
    reestimate > 0 && `statistics re-estimated from ${reestimate} ${reestimate === 1 ? "batch" : "batches"}`,
    rounded && `${rounded} (${labelOf(CALIBRATIONS, calibration).toLowerCase()})`,
  ].filter(Boolean);
  return parts.join(", ") || "nothing besides";
}
