/**
 * The one setting in which two runs side by side differ: as text ("bits:3", as the address has it), as an entry
 * of the menu, and as the short label that tells the runs apart. Pure functions, like the table they read.
 *
 * @typedef {import("./state.js").Settings} Settings
 */
import { SETTINGS, differences, display, format, parse, settingOf } from "./state.js";

/** Learning rates offered, as factors of the run's own. */
const RATE_FACTORS = [0.1, 0.3, 3, 10];

/** The row and the value that `difference` names. */
function read(difference) {
  const [key, text] = difference.split(":");
  const setting = settingOf(key);
  return { setting, value: parse(setting, text).value };
}

/** `settings` changed as `difference` says. @returns {Settings} settings of the second run */
export function differing(settings, difference) {
  const { setting, value } = read(difference);
  return { ...settings, race: "", [setting.key]: value };
}

/** The key of the setting that differs, and what a run with that value is called. */
export function changeOf(difference) {
  const { setting, value } = read(difference);
  const settings = { quantizer: "symmetric", [setting.key]: value };
  return { key: setting.key, label: labelFor(setting.key, settings) };
}

/** Whether a run under `settings` would be another one with `difference`. */
export const matters = (settings, difference) => differences(settings, differing(settings, difference)).length > 0;

/** What a run with that value is called beside another: "FP32", "3-bit", "tanh off". */
function labelFor(key, settings) {
  const on = settings[key] ? "on" : "off";
  switch (key) {
    case "quantizer":
    case "bits":
      return precision(settings);
    case "lr":
      return `rate ${format(settingOf("lr"), settings.lr)}`;
    case "scale":
      return settings.scale ? "scale per layer" : "one scale";
    case "schedule":
      return display(settingOf("schedule"), settings.schedule);
    default:
      return `${{ tanh: "tanh", clip: "clipping", augment: "augmentation", ste: "straight-through" }[key]} ${on}`;
  }
}

/** "FP32" or "4-bit". @param {Settings} settings */
export const precision = ({ quantizer, bits }) => (quantizer === "none" ? "FP32" : `${bits}-bit`);

/** Short labels of runs with these settings: by what they differ in, or by their precision. */
export function labels(list) {
  const [first, second] = list;
  const row = second && differences(first, second).find(({ races }) => races);
  return list.map((settings) => (row ? labelFor(row.key, settings) : precision(settings)));
}

function valuesOf({ key, kind, choices, min, max }, settings) {
  if (kind === "switch") return [!settings[key]];
  if (kind === "integer") return Array.from({ length: max - min + 1 }, (_, i) => min + i);
  if (kind === "rate") {
    return RATE_FACTORS.map((factor) => Number((settings[key] * factor).toPrecision(2))).filter((rate) => rate >= min && rate <= max);
  }
  return choices.map(({ name }) => name);
}

/** Titles of the menu's groups, by the rows' places. */
const GROUPS = { top: "Precision and rate", method: "Method" };

/**
 * Everything that a second run may do differently from one with `settings`.
 * @param {Settings} settings
 * @returns {{group: string, difference: string, label: string}[]}
 */
export function choices(settings) {
  const found = [];
  for (const setting of SETTINGS.filter(({ races }) => races)) {
    for (const value of valuesOf(setting, settings)) {
      const difference = `${setting.key}:${format(setting, value)}`;
      if (!matters(settings, difference)) continue;
      const label = labelFor(setting.key, differing(settings, difference));
      found.push({ group: GROUPS[setting.place], difference, label });
    }
  }
  return found;
}

/** The difference worth seeing first: FP32 against 4-bit. @param {Settings} settings */
export function firstChoice(settings) {
  if (settings.quantizer !== "none") return "quantizer:none";
  return choices(settings).find(({ difference }) => difference.startsWith("quantizer:")).difference;
}
