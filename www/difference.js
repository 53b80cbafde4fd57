/**
 * The one setting in which two runs side by side differ: as text ("bits:3", as the address has it), as an entry
 * of the menu, and as the short label that tells the runs apart. Pure functions, like the table they read: which
 * settings there are, and what a run is called by one, only their rows say.
 *
 * @typedef {import("./settings.js").Settings} Settings
 */
import { SETTINGS, bitsOf, defaults, differences, display, format, groupTitle, parse, partsOf, schemeValues, settingOf, settled } from "./settings.js";

/** Values offered of a setting whose slider moves by factors, as factors of the run's own. */
const FACTORS = [0.1, 0.3, 3, 10];
/** Values offered of any other number, at most. */
const MOST_VALUES = 7;

/** The row and the value that `difference` names. */
function read(difference) {
  const [key, text] = partsOf(difference);
  const setting = settingOf(key);
  return { setting, value: parse(setting, text).value };
}

/** `settings` changed as `difference` says. @returns {Settings} settings of the second run */
export function differing(settings, difference) {
  const { setting, value } = read(difference);
  return settled({ ...settings, race: "", [setting.key]: value });
}

/** The key of the setting that differs, and what a run with that value is called. */
export function changeOf(difference) {
  const { setting, value } = read(difference);
  return { key: setting.key, label: labelFor(setting, settled({ ...defaults(), [setting.key]: value })) };
}

/** Whether a run under `settings` would be another one with `difference`. */
export const matters = (settings, difference) => differences(settings, differing(settings, difference)).length > 0;

/** What a run is called beside another one that differs in `setting`: "FP32", "3-bit", "tanh off". */
function labelFor(setting, settings) {
  const value = settings[setting.key];
  const [on, off] = setting.races.split("|");
  const text = off !== undefined && !value ? off : on;
  // Numbers as they are, menus by what they call the value.
  return text.replace("{precision}", () => precision(settings)).replace("{}", () => display(setting, value));
}

/** A scheme within a label: "affine", "LSQ"; nothing for the one that is meant where none is named. */
function scheme(quantizer) {
  const row = settingOf("quantizer");
  if (quantizer === row.default) return "";
  const name = display(row, quantizer);
  return /^[A-Z][a-z]+(?=[ (]|$)/.test(name) ? name[0].toLowerCase() + name.slice(1) : name;
}

/** "FP32", "4-bit" or "affine 4-bit", and which layers are exceptions. @param {Settings} settings */
export function precision({ quantizer, bits }) {
  if (quantizer === "none") return display(settingOf("quantizer"), quantizer);
  const { all, layers } = bitsOf(bits);
  const but = layers.length > 2 ? `${layers.length} layers` : layers.map((pair) => pair.join(":")).join(", ");
  const { bits: widths } = settingOf("quantizer").choices.find(({ name }) => name === quantizer);
  // Where there is but one width, the name says it.
  const width = widths.length > 1 || but ? `${all}-bit` : "";
  return [scheme(quantizer), width, but && `but ${but}`].filter(Boolean).join(" ");
}

/** Short labels of runs with these settings: by what they differ in, or by their precision. */
export function labels(list) {
  const [first, second] = list;
  const row = second && differences(first, second).find(({ races }) => races);
  return list.map((settings) => (row ? labelFor(row, settings) : precision(settings)));
}

const upTo = (count, value) => Array.from({ length: count }, (_, i) => value(i));

function valuesOf(setting, settings) {
  const { key, kind, choices, min, max, log } = setting;
  const taken = schemeValues(setting, settings);
  if (taken) return taken;
  if (kind === "switch") return [!settings[key]];
  if (kind === "number" && log) {
    return FACTORS.map((factor) => Number((settings[key] * factor).toPrecision(2))).filter((value) => value >= min && value <= max);
  }
  if (kind === "number" || kind === "integer") {
    const whole = kind !== "number";
    const count = whole ? Math.min(MOST_VALUES, max - min + 1) : MOST_VALUES;
    const values = upTo(count, (i) => min + (i * (max - min)) / (count - 1));
    return values.map((value) => (whole ? Math.round(value) : Math.min(max, Number(value.toPrecision(2)))));
  }
  return choices.map(({ name }) => name);
}

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
      const label = labelFor(setting, differing(settings, difference));
      found.push({ group: groupTitle(setting.group), difference, label });
    }
  }
  return found;
}

/** The difference worth seeing first: FP32 against 4-bit. @param {Settings} settings */
export function firstChoice(settings) {
  if (settings.quantizer !== "none") return "quantizer:none";
  return choices(settings).find(({ difference }) => difference.startsWith("quantizer:")).difference;
}
