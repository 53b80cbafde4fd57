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
 * @property {string} calibration how the range of these is chosen, where they have one
 *
 * @typedef {object} Quantization as the engine takes it: a scheme `quantizer`, its `bits`, and the Options
 */
import { calibrations } from "../../pkg/registry.js";
import { bitsOf, display, settingOf } from "../settings.js";

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

/** "4 bits". */
export const bitsText = (bits) => (bits === 1 ? "1 bit" : `${bits} bits`);

/** Whether a scheme for activations has a range that can be chosen. @param {string|null|undefined} name */
export function hasRange(name) {
  const scheme = settingOf("activations").choices.find((choice) => choice.name === name);
  return Boolean(scheme) && scheme.reach !== "given";
}

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

/** "activations Affine at 8 bits" of a run whose activations are rounded; else "". @param {import("../settings.js").Settings} settings */
export const activationsText = ({ activations, actbits }) =>
  activations === "none" ? "" : `activations ${labelOf(settingOf("activations").choices, activations)} at ${bitsText(actbits)}`;

/** How weights are rounded, and activations where they are: "Symmetric at 4 bits", "LSQ at 4 bits but conv1:8". */
export function roundingName(settings) {
  const { quantizer, granularity, ends } = settings;
  const { all, layers } = bitsOf(settings.bits);
  const { label, granularities } = schemeOf(quantizer);
  const but = layers.length > 0 && ` but ${layers.map((pair) => pair.join(":")).join(", ")}`;
  const usual = settingOf("granularity").default;
  return [
    `${label} at ${bitsText(all)}${but || ""}`,
    granularities.length > 1 && granularity !== usual && sharesText(granularity),
    ends !== settingOf("ends").default && `first and last layer ${display(settingOf("ends"), ends)}`,
    activationsText(settings),
  ].filter(Boolean).join(", ");
}

/** Settings of a run that trains with the rounding of a quantization of the run with `settings`. @param {Quantization} quantization */
export function settingsOf({ quantizer, bits, granularity, activations, activationBits }, settings) {
  const rounded = activations ? { activations, actbits: activationBits } : {};
  return { ...settings, quantizer, bits, granularity, ends: settingOf("ends").default, ...rounded };
}

/** "one scale for a layer". */
const sharesText = (granularity) => `one scale for ${labelOf(settingOf("granularity").choices, granularity).toLowerCase()}`;

/**
 * Under what a scheme was tested, in words.
 * @param {Quantization} quantization
 * @param {import("../settings.js").Settings} settings of the run whose weights they were
 */
export function conditions({ quantizer, granularity, fold, equalise, correct, reestimate, activations, activationBits, calibration }, settings) {
  // Formats with blocks of their own, and levels that are a whole layer's, leave nothing to choose.
  const shares = schemeOf(quantizer).granularities.length > 1 && sharesText(granularity);
  const rounded = activations ? activationsText({ activations, actbits: activationBits }) : activationsText(settings);
  const range = activations ? hasRange(activations) && labelOf(CALIBRATIONS, calibration).toLowerCase() : "as in training";
  const parts = [
    shares,
    fold && "batch norm folded",
    equalise && "layers equalised",
    correct && "biases corrected",
    reestimate > 0 && `statistics re-estimated from ${reestimate} ${reestimate === 1 ? "batch" : "batches"}`,
    rounded && (range ? `${rounded} (${range})` : rounded),
  ].filter(Boolean);
  return parts.join(", ") || "nothing besides";
}
