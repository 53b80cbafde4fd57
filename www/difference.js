/**
 * The settings in which two runs side by side differ: as text ("bits:3 tanh:0", as the address has it), as an entry of
 * the menu, and as the short labels that tell the runs apart. Pure functions, like the table they read: which settings
 * there are, and what a run is called by one, only their rows say.
 *
 * @typedef {import("./settings.js").Settings} Settings
 * @typedef {import("./settings.js").Setting} Setting
 */
import { SETTINGS, bitsOf, differences, display, groupTitle, ownOf, raceOf, schemeValues, settingOf, settled } from "./settings.js";

/** The longest label that says every difference; a longer one says the first and counts the others, "LSQ 4-bit +4". */
const MOST_CHARACTERS = 36;
/** Values offered of a setting whose slider moves by factors, as factors of the run's own. */
const FACTORS = [0.1, 0.3, 3, 10];
/** Values offered of any other number, at most. */
const MOST_VALUES = 7;

/** `settings` changed as `difference` says, whether or not its schemes can do the rest. @returns {Settings} */
export const changed = (settings, difference) => ({ ...settings, race: "", ...ownOf(difference) });

/** The same as they can. @returns {Settings} settings of the second run */
export const differing = (settings, difference) => settled(changed(settings, difference));

/** The difference of a second run under `to` beside a first under `from`; null where two runs share what differs, or nothing does. */
export function between(from, to) {
  const rows = differences(from, to);
  return rows.length > 0 && rows.every(({ races }) => races) ? raceOf(rows, to) : null;
}

/** Whether a run under `settings` would be another one with `difference`. */
export const matters = (settings, difference) => differences(settings, differing(settings, difference)).length > 0;

/** A menu's word within a label: "affine", "a channel"; names stay as they are: "LSQ", "DoReFa". */
const within = (name) => name.replace(/^[A-Z][a-z]*(?=[ (]|$)/, (word) => word.toLowerCase());

/** What a run is called beside another one that differs in `setting`: "FP32", "3-bit", "tanh off". */
function labelFor(setting, settings) {
  const value = settings[setting.key];
  const [on, off] = setting.races.split("|");
  const text = off !== undefined && !value ? off : on;
  // Numbers as they are, menus by what they call the value.
  const shown = display(setting, value);
  return text.replace("{precision}", () => precision(settings)).replace("{}", (_braces, at) => (at > 0 ? within(shown) : shown));
}

/** A scheme within a label: "affine", "LSQ"; nothing for the one that is meant where none is named. */
function scheme(quantizer) {
  const row = settingOf("quantizer");
  return quantizer === row.default ? "" : within(display(row, quantizer));
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

/** The schemes beside that of the weights, with their widths. */
const OTHERS = [["activations", "actbits"], ["gradients", "gradbits"]];

/** What a run rounds, and how: "4-bit", "FP32, PACT 4-bit activations". @param {Settings} settings */
export function roundings(settings) {
  const text = ([key, bits]) => {
    const width = schemeValues(settingOf(bits), settings).length > 1 ? ` ${settings[bits]}-bit` : "";
    return `${within(display(settingOf(key), settings[key]))}${width} ${key}`;
  };
  return [precision(settings), ...OTHERS.filter(([key]) => settings[key] !== "none").map(text)].join(", ");
}

/** What a run does besides, and not as published: "one scale for a channel", "tanh off". @param {Settings} settings */
export function besides(settings) {
  const said = ["quantizer", "bits", ...OTHERS.flat()];
  return SETTINGS.filter((row) => row.races && row.key !== "lr" && !said.includes(row.key) && telling(settings)(row)).map((row) => labelFor(row, settings));
}

/** Whether a run has a value in `row` that its label must say: one of its own, and not as published. */
const telling = (settings) => (row) =>
  settings[row.key] !== row.default && (!row.applies || row.applies(settings)) && schemeValues(row, settings)?.length !== 1;

/** What a run is called beside another one that differs in `rows`: by the first, and by what of the others is telling. */
function labelBy([first, ...others], settings) {
  const texts = [...new Set([first, ...others.filter(telling(settings))].map((row) => labelFor(row, settings)))];
  const all = texts.join(", ");
  return texts.length === 1 || all.length <= MOST_CHARACTERS ? all : `${texts[0]} +${texts.length - 1}`;
}

/** Short labels of runs with these settings: by what they differ in, or by what they round. */
export function labels(list) {
  const [first, second] = list;
  const rows = second ? differences(first, second).filter(({ races }) => races) : [];
  return list.map((settings) => (rows.length > 0 ? labelBy(rows, settings) : roundings(settings)));
}

const upTo = (count, value) => Array.from({ length: count }, (_, i) => value(i));

function valuesOf(setting, settings) {
  const { key, kind, choices, min, max, log } = setting;
  const taken = schemeValues(setting, settings);
  if (taken) return taken;
  if (kind === "switch") return [!settings[key]];
  // No list can have them all.
  if (kind === "layers") return [];
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

/** An entry of the menu; null where the second run would be the same. */
function entry(group, settings, difference, title = "") {
  const other = differing(settings, difference);
  const rows = differences(settings, other);
  if (rows.length === 0) return null;
  const label = labelBy(rows, other);
  return { group, difference, label: title ? `${title} (${label})` : label };
}

/**
 * Everything that a second run may do differently from one with `settings`.
 * @param {Settings} settings
 * @param {Settings} [wanted] what the controls say, where that is something else
 * @returns {{group: string, difference: string, label: string}[]}
 */
export function choices(settings, wanted = settings) {
  const rows = SETTINGS.filter(({ races }) => races);
  const singles = rows.flatMap((row) =>
    valuesOf(row, settings).map((value) => entry(groupTitle(row.group), settings, raceOf([row], { [row.key]: value }))),
  );
  const published = Object.fromEntries(rows.map((row) => [row.key, row.default]));
  const wholes = [["the settings as changed", wanted], ["the defaults", { ...settings, ...published }]].map(([title, to]) => {
    const difference = between(settings, to);
    const known = !difference || singles.some((single) => single?.difference === difference);
    return known ? null : entry("All settings", settings, difference, title);
  });
  return [...wholes, ...singles].filter(Boolean);
}

/** The difference worth seeing first: FP32 against 4-bit. @param {Settings} settings */
export function firstChoice(settings) {
  if (settings.quantizer !== "none") return "quantizer:none";
  // One setting alone: those with a space are of several.
  return choices(settings).find(({ difference }) => /^quantizer:\S+$/.test(difference)).difference;
}
