/**
 * What the settings make of one layer with weights. Pure functions (no DOM); `names` are those of all such layers, in the
 * order of the network.
 */
import { bitsOf, display, layersText, ownOfLayers, settingOf, settingsOfLayer } from "./settings.js";

const shown = (key, settings) => display(settingOf(key), settings[key]);

const hasOwnBits = (name, { bits }) => bitsOf(bits).layers.some(([layer]) => layer === name);

/** Whether a layer has one of these settings of its own. */
export const hasOwn = (name, settings, ...keys) => ownOfLayers(settings.layers).some(([layer, key]) => layer === name && keys.includes(key));

/** The width that a layer has without bits of its own: null is FP32. */
function widthOfOthers(name, settings, names) {
  const own = settingsOfLayer(name, settings);
  if (own.quantizer === "none") return null;
  const atEnd = (name === names[0] || name === names.at(-1)) && !hasOwn(name, settings, "quantizer", "granularity");
  if (atEnd && settings.ends === "full") return null;
  return atEnd && settings.ends === "8" ? 8 : bitsOf(settings.bits).all;
}

/** The width of a layer's weights as the settings ask for it; null: FP32. */
export function bitsFor(name, settings, names) {
  const own = settingsOfLayer(name, settings);
  return own.quantizer !== "none" && hasOwnBits(name, settings) ? own.bits : widthOfOthers(name, settings, names);
}

/** The setting `bits` with another width for one layer. */
export function withBits(settings, name, wanted, names) {
  const { all, layers } = bitsOf(settings.bits);
  const others = layers.filter(([layer]) => layer !== name);
  if (wanted !== widthOfOthers(name, settings, names)) others.push([name, wanted]);
  return others.length > 0 ? [all, ...others.map((pair) => pair.join(":"))].join() : all;
}

/** The setting `layers` with a value of its own for one layer; null: like the others. @param {string|null} text */
export function withOwn(settings, name, key, text) {
  const others = ownOfLayers(settings.layers).filter(([layer, of]) => layer !== name || of !== key);
  return layersText(text === null ? others : [...others, [name, key, text]]);
}

function weightsText(name, settings, names) {
  const width = bitsFor(name, settings, names);
  if (width === null) return "FP32, not rounded";
  const own = settingsOfLayer(name, settings);
  return `${shown("quantizer", own)}, ${width} ${width === 1 ? "bit" : "bits"}; one scale for ${shown("granularity", own).toLowerCase()}`;
}

function inputText(name, settings, names) {
  if (name === names[0]) return "the picture, which is never rounded";
  const before = names[names.indexOf(name) - 1];
  const { activations, actbits } = settingsOfLayer(before, settings);
  const { ends } = settings;
  const isLast = name === names.at(-1) && !hasOwn(before, settings, "activations", "actbits");
  const what = name === names.at(-1) ? "what the last ReLU hands on" : "what a ReLU hands on";
  if (activations === "none" || (isLast && ends === "full")) return `${what}, in FP32`;
  return `${what}: ${shown("activations", { activations })}, ${isLast && ends === "8" ? 8 : actbits} bits`;
}

function endText(name, settings, names) {
  const which = name === names[0] ? "the first layer" : name === names.at(-1) ? "the last layer" : null;
  if (!which) return "neither: the setting does not reach it";
  const has = hasOwnBits(name, settings) || hasOwn(name, settings, "quantizer", "granularity");
  const how = { same: "it is treated like the others", 8: "8 bits", full: "FP32" }[settings.ends];
  return `${which}: ${how}${has && settings.ends !== "same" ? ", but for what it has of its own" : ""}`;
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
