/**
 * What the settings make of one layer with weights. Pure functions (no DOM); `names` are those of all such layers, in the
 * order of the network.
 */
import { bitsOf, display, settingOf } from "./settings.js";

const shown = (key, settings) => display(settingOf(key), settings[key]);

/** The width that a layer has without bits of its own: null is FP32. */
function widthOfOthers(name, { quantizer, bits, ends }, names) {
  if (quantizer === "none") return null;
  const atEnd = name === names[0] || name === names.at(-1);
  if (atEnd && ends === "full") return null;
  return atEnd && ends === "8" ? 8 : bitsOf(bits).all;
}

/** The width of a layer's weights as the settings ask for it; null: FP32. */
export function bitsFor(name, settings, names) {
  const own = bitsOf(settings.bits).layers.find(([layer]) => layer === name)?.[1];
  return settings.quantizer !== "none" && own ? own : widthOfOthers(name, settings, names);
}

/** The setting `bits` with another width for one layer. */
export function withBits(settings, name, wanted, names) {
  const { all, layers } = bitsOf(settings.bits);
  const others = layers.filter(([layer]) => layer !== name);
  if (wanted !== widthOfOthers(name, settings, names)) others.push([name, wanted]);
  return others.length > 0 ? [all, ...others.map((pair) => pair.join(":"))].join() : all;
}

function weightsText(name, settings, names) {
  const width = bitsFor(name, settings, names);
  if (width === null) return "FP32, not rounded";
  return `${shown("quantizer", settings)}, ${width} ${width === 1 ? "bit" : "bits"}; one scale for ${shown("granularity", settings).toLowerCase()}`;
}

function inputText(name, settings, names) {
  const { activations, actbits, ends } = settings;
  if (name === names[0]) return "the picture, which is never rounded";
  const isLast = name === names.at(-1);
  const what = isLast ? "what the last ReLU hands on" : "what a ReLU hands on";
  if (activations === "none" || (isLast && ends === "full")) return `${what}, in FP32`;
  return `${what}: ${shown("activations", settings)}, ${isLast && ends === "8" ? 8 : actbits} bits`;
}

function endText(name, settings, names) {
  const which = name === names[0] ? "the first layer" : name === names.at(-1) ? "the last layer" : null;
  if (!which) return "neither: the setting does not reach it";
  const has = bitsOf(settings.bits).layers.some(([layer]) => layer === name);
  const how = { same: "it is treated like the others", 8: "8 bits", full: "FP32" }[settings.ends];
  return `${which}: ${how}${has && settings.ends !== "same" ? ", but for the bits of its own" : ""}`;
}

/**
 * What applies to a layer, in words: [what, how] of each.
 * @param {string} name
 * @param {import("./settings.js").Settings} settings
 * @param {string[]} names
 * @returns {string[][]}
 */
export const appliedTo = (name, settings, names) => [
  ["Its weights", weightsText(name, settings, names)],
  ["It reads", inputText(name, settings, names)],
  ["First or last", endText(name, settings, names)],
];
