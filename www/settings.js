/**
 * Every setting of a run and of the page -> its key in the address, its control, its default and what is valid. The
 * rows are the engine's own (src/settings/table.rs, by way of pkg/registry.js) and those, below, that say how the page
 * is shown or follow from others. The controls, the address and the configuration sent to the engine are all made from
 * them. Pure functions only (no DOM), so that it runs under Node too.
 *
 * @typedef {object} Choice one entry of a menu
 * @property {string} name value in the address and in the configuration
 * @property {string} label what the menu shows
 * @property {string} [about] one sentence, shown as a hint
 * @property {string} [format] of a scheme: its kind of number, under which menus have it
 * @property {number[]} [bits] of a scheme: the widths that it takes
 * @property {string[]} [granularities] of a scheme for weights: those that it takes
 * @property {"given"|"measured"|"learned"} [reach] of a scheme for activations: where its highest level comes from
 *
 * @typedef {object} Setting
 * @property {string} key key in the address, also the name of the value in `Settings`
 * @property {string[]} [aliases] former keys: read, never written
 * @property {string[][]} [former] values of former switches and of this one that say the same: read, never written
 * @property {string[][]} [renamed] former names of values and their present ones: read, never written
 * @property {string} label
 * @property {string} group group of controls that shows it; "hidden" is shown nowhere, "view" says how the page is shown
 * @property {"choice"|"integer"|"number"|"switch"|"bits"|"layers"|"text"|"difference"|"flag"|"names"|"place"|"budget"} kind
 * @property {string|number|boolean} default
 * @property {string} [field] field of the engine's RunConfig; absent: not part of the configuration
 * @property {Choice[]} [choices] its menu
 * @property {string[]} [keys] of what single layers have of their own: keys of the settings that they can have, besides their bits
 * @property {number} [min] smallest number
 * @property {number} [max] largest number
 * @property {number} [step] step of the arrow keys
 * @property {boolean} [log] its slider moves by factors
 * @property {string} [hint] one sentence of help
 * @property {(settings: Settings) => boolean} [applies] false: the setting has no effect now
 * @property {boolean} [taught] of how the page is shown, and a lesson may set it
 * @property {string} [races] what a run is called that differs in it from the one beside it (see difference.js); absent:
 *   two runs side by side may not differ in it
 *
 * A row whose group is "view" is in the address, and no part of a run.
 *
 * @typedef {Record<string, string|number|boolean>} Settings a value for every key of the table
 */
import { settings as ENGINE, recipes, sensitivities, weightLayers } from "../pkg/registry.js";
import { budgetOf, budgetText, FORM } from "./bits/budget.js";
import { placeOf } from "./lesson/place.js";
import { PARTS } from "./parts.js";
import { ROOMS } from "./rooms.js";

/**
 * A condition of the engine's table as a function: {key, is: values as in the address}, {key, not}, or {key, by, is}, whose
 * values depend on that of the setting `by`.
 */
function condition({ key, is, not, by }) {
  const valueOf = (settings, of = key) => format(settingOf(of), settings[of]);
  if (by) return (settings) => is[valueOf(settings, by)].includes(valueOf(settings));
  return is ? (settings) => is.includes(valueOf(settings)) : (settings) => !not.includes(valueOf(settings));
}

/** Whether a condition holds for all layers or for one that has something of its own. */
const somewhere = (holds) => (settings) => holds(settings) || layersNamed(settings.layers).some((name) => holds(settingsOfLayer(name, settings)));

/** @type {Setting[]} */
export const SETTINGS = [
  ...ENGINE.map((row) => ({ ...row, applies: row.applies && somewhere(condition(row.applies)) })),
  { key: "race", label: "Second run", group: "hidden", kind: "difference", default: "", applies: () => true },
  { key: "images", label: "Image fingerprint", group: "hidden", kind: "text", default: "", applies: ({ data }) => data !== "builtin" },
  { key: "room", label: "Room", group: "view", kind: "choice", default: ROOMS[0].name, choices: ROOMS.map(({ name, label }) => ({ name, label })) },
  { key: "sensitivity", label: "Way to measure", group: "view", taught: true, kind: "choice", default: sensitivities[0].name, choices: sensitivities },
  { key: "budget", label: "Budget", group: "view", taught: true, kind: "budget", default: "3" },
  { key: "embed", label: "Embedded view", group: "view", kind: "flag", default: false },
  { key: "show", label: "Parts shown", group: "view", kind: "names", default: "", choices: Object.keys(PARTS).map((name) => ({ name, label: name })) },
  { key: "lesson", label: "Lesson", group: "view", kind: "place", default: "" },
];

/** Former switches: key -> the setting that took its place, and what each of the switch's values is called there. */
export const FORMER = new Map();
for (const setting of SETTINGS) {
  for (const [key, text, now] of setting.former ?? []) {
    if (!FORMER.has(key)) FORMER.set(key, { setting, values: new Map() });
    FORMER.get(key).values.set(text, now);
  }
}

const byKey = new Map([
  ...SETTINGS.flatMap((setting) => [setting.key, ...(setting.aliases ?? [])].map((key) => [key, setting])),
  ...[...FORMER].map(([key, { setting }]) => [key, setting]),
]);

/** The row of `key`, or of a former one. @returns {Setting} */
export const settingOf = (key) => byKey.get(key);

/** What a value of the setting `key`, either perhaps a former one, is called in the row of today. */
export const presentText = (key, text) => FORMER.get(key)?.values.get(text) ?? new Map(settingOf(key)?.renamed).get(text) ?? text;

/** Values by the present names of their settings and their own, where some have former ones. @param {Partial<Settings>} settings */
export function byPresentNames(settings) {
  const isText = (key, value) => FORMER.has(key) || typeof value === "string";
  const present = ([key, value]) => [settingOf(key).key, isText(key, value) ? presentText(key, format(null, value)) : value];
  return Object.fromEntries(Object.entries(settings).map(present));
}

/** Names, in an address, a set of settings that what else the address says goes before. It is read and never written. */
const RECIPE = "recipe";

/** Every setting at its default. @returns {Settings} */
export const defaults = () => Object.fromEntries(SETTINGS.map((setting) => [setting.key, setting.default]));

/** Fills the menu of thread counts. */
export function adoptThreads(count) {
  const numbers = Array.from({ length: count }, (_, i) => ({ name: String(i + 1), label: String(i + 1) }));
  settingOf("threads").choices = [{ name: "auto", label: `Auto (${count})` }, ...numbers];
}

/**
 * Reads one value as text.
 * @returns {{value: string|number|boolean} | {problem: string}}
 */
export function parse(setting, text) {
  const { kind, label, min, max, choices } = setting;
  if (kind === "switch") {
    if (text === "1" || text === "0") return { value: text === "1" };
    return { problem: `${label} is 1 (on) or 0 (off), not "${text}"` };
  }
  if (kind === "integer" || kind === "number") {
    const value = Number(text);
    const whole = kind === "number" || Number.isInteger(value);
    if (text.trim() !== "" && whole && value >= min && value <= max) return { value };
    return { problem: `${label} ${rangeOf(setting)}, not "${text}"` };
  }
  if (kind === "bits") return parseBits(setting, text);
  if (kind === "layers") return parseLayers(setting, text);
  if (kind === "flag") {
    if (text === "" || text === "1" || text === "0") return { value: text !== "0" };
    return { problem: `${label} is 1 (on) or 0 (off), not "${text}"` };
  }
  if (kind === "names") return parseNames(setting, text);
  if (kind === "budget") {
    const budget = budgetOf(text);
    return budget ? { value: budgetText(budget) } : { problem: `${label} is ${FORM}, not "${text}"` };
  }
  if (kind === "place") {
    if (text === "" || placeOf(text)) return { value: text };
    return { problem: `${label} is a lesson's name and perhaps a step ("levels.2"), or where its file lies ("https://example.org/mine.json"), not "${text}"` };
  }
  if (kind === "difference") return text === "" ? { value: "" } : parseDifference(setting, text);
  if (choices && !choices.some((choice) => choice.name === text)) {
    return { problem: `${label} is one of ${choices.map((choice) => choice.name).join(", ")}, not "${text}"` };
  }
  return { value: text };
}

/** What a number has to be: "is a whole number from 2 to 8". @param {Setting} setting */
export const rangeOf = ({ kind, min, max }) => `is a ${kind === "number" ? "" : "whole "}number from ${min} to ${max}`;

/** The two parts of bit widths, 4 or "4,conv1:8,linear2:8": of all layers, and of those that are exceptions. */
export function bitsOf(value) {
  const [all, ...layers] = String(value).split(",");
  return { all: Number(all), layers: layers.map((one) => one.split(":")).map(([layer, bits]) => [layer, Number(bits)]) };
}

/** "4" or "4,conv1:8": a width for all layers, and exceptions. A number where there are none. */
function parseBits(setting, text) {
  const { label, min, max } = setting;
  const [all, ...exceptions] = text.split(",");
  const one = parse({ ...setting, kind: "integer" }, all);
  if ("problem" in one) return one;
  const layers = new Map();
  for (const exception of exceptions) {
    const [layer, width, ...more] = exception.split(":").map((part) => part.trim());
    const bits = Number(width);
    if (!layer || !width || more.length > 0 || !Number.isInteger(bits) || bits < min || bits > max) {
      return { problem: `${label} of one layer are its name, a colon and a whole number from ${min} to ${max} ("conv1:8"), not "${exception.trim()}"` };
    }
    if (layers.has(layer)) return { problem: `${label} name each layer once, and "${layer}" twice here` };
    layers.set(layer, bits);
  }
  return { value: layers.size === 0 ? one.value : [one.value, ...[...layers].map((pair) => pair.join(":"))].join() };
}

/** What single layers have of their own, "conv1.quantizer:lsq,conv1.granularity:channel": [layer, key, text] of each. */
export const ownOfLayers = (value) =>
  value.split(",").filter(Boolean).map((part) => {
    const [path, text] = part.split(":");
    const dot = path.lastIndexOf(".");
    return [path.slice(0, dot), path.slice(dot + 1), text];
  });

/** "conv1.quantizer:lsq, conv2.activations:pact": a layer, one of `keys` and its value each. */
function parseLayers({ label, keys }, text) {
  const read = [];
  if (text === NOTHING) return { value: "" };
  for (const part of text.split(",").map((one) => one.trim()).filter(Boolean)) {
    const [, layer, key, value] = /^(.+)\.([a-z]+)\s*:\s*([^:]+)$/.exec(part) ?? [];
    if (!keys.includes(key)) return { problem: `${label} are a layer's name, a point, one of ${keys.join(", ")}, a colon and its value ("conv1.quantizer:lsq"), not "${part}"` };
    const parsed = parse(settingOf(key), presentText(key, value.trim()));
    if ("problem" in parsed) return { problem: `${layer}: ${parsed.problem}` };
    if (parsed.value === "net") return { problem: `${layer}: one layer cannot share a scale with the whole net, as "${part}" says` };
    if (read.some(([other, same]) => other === layer && same === key)) return { problem: `${label} have each setting once, and "${layer}.${key}" twice here` };
    read.push([layer, key, format(settingOf(key), parsed.value)]);
  }
  return { value: layersText(read) };
}

/** The names of the layers that have something of their own, each once. */
const layersNamed = (value) => [...new Set(ownOfLayers(value).map(([layer]) => layer))];

/** What `ownOfLayers` reads. */
export const layersText = (own) => own.map(([layer, key, text]) => `${layer}.${key}:${text}`).join();

/** Settings as one layer has them: what is its own goes before what all have. @param {Settings} settings */
export function settingsOfLayer(name, settings) {
  const own = ownOfLayers(settings.layers).filter(([layer]) => layer === name);
  const { all, layers } = bitsOf(settings.bits);
  const bits = layers.find(([layer]) => layer === name)?.[1] ?? all;
  return { ...settings, bits, ...Object.fromEntries(own.map(([, key, text]) => [key, parse(settingOf(key), text).value])) };
}

/** "accuracy,weights": names of the row's choices, each once; their order is the one that they are shown in. */
function parseNames({ label, choices }, text) {
  const names = text.split(",").filter(Boolean);
  const stranger = names.find((name) => !choices.some((choice) => choice.name === name));
  if (stranger) return { problem: `${label} are of ${choices.map(({ name }) => name).join(", ")}, not "${stranger}"` };
  return { value: [...new Set(names)].join() };
}

/**
 * "bits:4,conv1:8 tanh:0" -> [["bits", "4,conv1:8"], ["tanh", "0"]]: what a second run has of its own, each setting's key
 * and its value as text. Parted at spaces, but for those beside a comma or a colon, which are within a value.
 */
const partsOf = (text) =>
  text.replace(/\s*([,:])\s*/g, "$1").trim().split(/\s+/).map((part) => {
    const colon = part.indexOf(":");
    return colon < 0 ? [part, ""] : [part.slice(0, colon), part.slice(colon + 1)];
  });

/** What single layers have of their own where that is nothing, among other differences. */
const NOTHING = "none";

/** Writes the values that `settings` have in these rows as what a second run has of its own. @param {Setting[]} rows */
export const raceOf = (rows, settings) => rows.map((row) => `${row.key}:${format(row, settings[row.key]) || NOTHING}`).join(" ");

/** What a second run has of its own, as settings: none for "". @returns {Partial<Settings>} */
export function ownOf(race) {
  const own = ([key, text]) => [settingOf(key).key, parse(settingOf(key), presentText(key, text)).value];
  return Object.fromEntries(race === "" ? [] : partsOf(race).map(own));
}

/** Keys that a sentence names of those that would be right: all of them nobody reads. */
const EXAMPLES = 5;

/** One part of `race=`: its row and its value, or what is wrong with it. */
function readPart([key, text]) {
  const setting = settingOf(key);
  if (setting?.races) return { setting, ...parse(setting, presentText(key, text)) };
  const keys = SETTINGS.filter(({ races }) => races).map((row) => row.key).slice(0, EXAMPLES);
  return { problem: `it differs in settings such as ${keys.join(", ")}, not in "${key}"` };
}

/** "bits:3 tanh:0": keys of rows that runs may differ in, each once, and values of them. In the table's order. */
function parseDifference({ label }, text) {
  const read = partsOf(text).map(readPart);
  const wrong = read.filter((part) => "problem" in part).map(({ problem }) => problem);
  const twice = read.find(({ setting }, i) => setting && read.findIndex((other) => other.setting === setting) < i);
  if (twice) wrong.push(`it names each setting once, and "${twice.setting.key}" twice here`);
  if (wrong.length > 0) return { problem: `${label}: ${wrong.join("; ")}` };
  const own = Object.fromEntries(read.map(({ setting, value }) => [setting.key, value]));
  return { value: raceOf(SETTINGS.filter(({ key }) => key in own), own) };
}

/** Settings that a scheme takes only some values of: [key of the scheme, key of the setting, what the scheme takes]. */
const OF_SCHEMES = [
  ["quantizer", "bits", ({ bits }) => bits],
  ["quantizer", "granularity", ({ granularities }) => granularities],
  ["activations", "actbits", ({ bits }) => bits],
  ["gradients", "gradbits", ({ bits }) => bits],
];

/** What the schemes of `settings` say of a setting: the scheme, and the values that it takes; null where none has a say. */
function ruling({ key }, settings) {
  const entry = OF_SCHEMES.find(([, of]) => of === key);
  if (!entry) return null;
  const [by, , takes] = entry;
  const scheme = settingOf(by).choices.find(({ name }) => name === settings[by]);
  return { scheme, values: takes(scheme) };
}

/** The values of a setting that the schemes of `settings` take; null where they have no say. @returns {(string|number)[]|null} */
export const schemeValues = (setting, settings) => ruling(setting, settings)?.values ?? null;

/** "2 to 8", or "8, 12, 16". */
const listed = (values) =>
  values.length > 2 && values.at(-1) - values[0] === values.length - 1 ? `${values[0]} to ${values.at(-1)}` : values.join(", ");

/** Whether the model of `settings` has a layer with weights of that name. */
const hasLayer = (name, { model }) => weightLayers[model].includes(name);

/** The sentence for a layer that the model of `settings` lacks. */
const strangerText = (name, { model }) => `${display(settingOf("model"), model)} has the layers ${weightLayers[model].join(", ")}, not "${name}"`;

/** Why `value` of a setting does not go with the scheme and the model that `settings` name; null if it does. */
export function misfit(setting, value, settings) {
  if (setting.kind === "layers") return layersMisfit({ ...settings, [setting.key]: value });
  const found = ruling(setting, settings);
  if (!found) return null;
  const { all, layers } = setting.kind === "bits" ? bitsOf(value) : { all: value, layers: [] };
  const stranger = layers.find(([name]) => !hasLayer(name, settings));
  if (stranger) return strangerText(stranger[0], settings);
  const wrong = (one, { scheme, values }) => {
    if (values.includes(one)) return null;
    const shown = (one) => display(setting, one);
    return `${setting.label} with ${scheme.label}: ${setting.choices ? values.map(shown).join(", ") : listed(values)}, not "${shown(one)}"`;
  };
  const own = layers.map(([name, bits]) => wrong(bits, ruling(setting, settingsOfLayer(name, settings))));
  return [wrong(all, found), ...own].find(Boolean) ?? null;
}

/** The same of what single layers have of their own. */
function layersMisfit(settings) {
  for (const name of layersNamed(settings.layers)) {
    if (!hasLayer(name, settings)) return strangerText(name, settings);
    const own = settingsOfLayer(name, settings);
    const wrong = ["bits", ...settingOf("layers").keys].map((key) => misfit(settingOf(key), own[key], own)).find(Boolean);
    if (wrong) return `${name}: ${wrong}`;
  }
  return null;
}

/**
 * The row of a number as the schemes of `settings` narrow its range.
 * @param {Setting} setting
 * @returns {Setting & {values?: number[]}} `values` are all that they take, the lowest first
 */
export function narrowed(setting, settings) {
  const values = setting.kind !== "choice" && schemeValues(setting, settings);
  return values ? { ...setting, min: values[0], max: values.at(-1), values } : setting;
}

/** Why what the second run has of its own is nothing that its schemes can do; null if it is, or if there is none. */
function raceProblem(settings) {
  const own = ownOf(settings.race);
  const wrong = Object.entries(own).map(([key, value]) => misfit(settingOf(key), value, { ...settings, ...own }));
  return wrong.filter(Boolean).join("; ") || null;
}

const nearest = (values, wanted) => values.reduce((best, one) => (Math.abs(one - wanted) < Math.abs(best - wanted) ? one : best));

/** Keys of the settings that a scheme takes only some values of. */
export const OF_A_SCHEME = OF_SCHEMES.map(([, key]) => key);

/** What is nearest to `value` of what the schemes of `settings` take: the default where they take that and not the value. */
function fitting(setting, value, settings) {
  const values = schemeValues(setting, settings);
  if (values.includes(value)) return value;
  return values.includes(setting.default) ? setting.default : nearest(values, value);
}

/**
 * `settings` with what their schemes cannot do replaced by the default, or else by what is nearest, and without what is said
 * of layers that the model lacks.
 * @param {Settings} settings
 */
export function settled(settings) {
  const changes = {};
  for (const [, key] of OF_SCHEMES) {
    const setting = settingOf(key);
    if (key !== "bits") changes[key] = fitting(setting, settings[key], settings);
  }
  const fit = { ...settings, ...changes };
  fit.layers = ownFitting(fit);
  fit.bits = bitsFitting(fit);
  return fit;
}

/** What single layers have of their own, without what their schemes cannot do, and with what of the others' these cannot do. */
function ownFitting(settings) {
  const given = ownOfLayers(settings.layers).filter(([name]) => hasLayer(name, settings));
  const taken = (name, key) => schemeValues(settingOf(key), settingsOfLayer(name, { ...settings, layers: layersText(given) }));
  const own = given.filter(([name, key, text]) => taken(name, key)?.map(String).includes(text) ?? true);
  for (const name of layersNamed(layersText(own))) {
    for (const key of ["granularity", "actbits"]) {
      const of = settingsOfLayer(name, { ...settings, layers: layersText(own) });
      const value = fitting(settingOf(key), of[key], of);
      if (value !== of[key]) own.push([name, key, String(value)]);
    }
  }
  return layersText(own);
}

/** The bits of all, and of those layers that have others: by the name or because their own scheme cannot do those. */
function bitsFitting(settings) {
  const row = settingOf("bits");
  const { all, layers } = bitsOf(settings.bits);
  const fit = fitting(row, all, settings);
  const of = (name) => settingsOfLayer(name, settings);
  const kept = layers.filter(([name, bits]) => fit === all && hasLayer(name, settings) && schemeValues(row, of(name)).includes(bits));
  for (const name of layersNamed(settings.layers)) {
    const own = fitting(row, fit, of(name));
    if (own !== fit && !kept.some(([layer]) => layer === name)) kept.push([name, own]);
  }
  return kept.length > 0 ? [fit, ...kept.map((pair) => pair.join(":"))].join() : fit;
}

/** What `settled` has taken from `wanted`, in sentences; "" where that was nothing but what the schemes' menus show. */
export function lossText(wanted, fit) {
  const { all, layers } = bitsOf(fit.bits);
  const has = ([layer, bits]) => bits === (layers.find(([name]) => name === layer)?.[1] ?? all);
  const named = [...bitsOf(wanted.bits).layers, ...ownOfLayers(wanted.layers)].map(([name]) => name);
  const gone = [...new Set(named)].filter((name) => !hasLayer(name, fit));
  const lost = bitsOf(wanted.bits).layers.filter((pair) => !has(pair) && hasLayer(pair[0], fit)).map((pair) => pair.join(":"));
  const scheme = display(settingOf("quantizer"), fit.quantizer);
  const now = lost.length > 1 ? "these layers have" : "this layer has";
  const texts = [
    gone.length > 0 && `${display(settingOf("model"), fit.model)} has no ${gone.join(", ")}.`,
    lost.length > 0 && `${scheme} cannot do ${lost.join(", ")}: ${now} the bits of the others now.`,
  ];
  return texts.filter(Boolean).join(" ");
}

/** Writes one value as text, as the URL has it. */
export const format = (setting, value) => (typeof value === "boolean" ? (value ? "1" : "0") : String(value));

/**
 * Reads the settings from a URL's query; what is missing or not valid is left at its default.
 * @param {string} search
 * @returns {{settings: Settings, problems: string[]}}
 */
export function fromQuery(search) {
  const settings = defaults();
  const pairs = [...new URLSearchParams(search)];
  const named = pairs.findLast(([key]) => key === RECIPE);
  const recipe = recipes.find(({ name }) => name === named?.[1]);
  const own = pairs.filter(([key]) => key !== RECIPE);
  const read = [...(recipe?.settings ?? []), ...own].map(([key, text]) => {
    const setting = settingOf(key);
    return { key, setting, parsed: setting && parse(setting, presentText(key, text)) };
  });
  // Addresses name every setting: beside a former one, the present one at its default says nothing.
  const isFormer = ({ key }) => FORMER.has(key);
  for (const { setting, parsed } of [...read.filter(isFormer), ...read.filter((one) => !isFormer(one))]) {
    if (!setting || "problem" in parsed) continue;
    const { value } = parsed;
    if (value !== setting.default || !read.some(({ key }) => FORMER.get(key)?.setting === setting)) settings[setting.key] = value;
  }
  const fit = settled(settings);
  const problems = [];
  if (named && !recipe) problems.push(`Recipe is one of ${recipes.map(({ name }) => name).join(", ")}, not "${named[1]}": passed over.`);
  for (const { key, setting, parsed } of read) {
    if (!setting) {
      problems.push(`The address has "${key}", which is no setting: passed over.`);
      continue;
    }
    const problem = "problem" in parsed ? parsed.problem : misfit(setting, parsed.value, settings);
    const instead = format(setting, fit[setting.key]);
    if (problem) problems.push(`${problem}.${instead && ` Using ${instead}.`}`);
  }
  const race = raceProblem(fit);
  if (race) problems.push(`${settingOf("race").label}: ${race}.`);
  return { settings: race ? { ...fit, race: "" } : fit, problems };
}

/** Every setting that says something, as a query: a link to this very run. @param {Settings} settings */
export function toQuery(settings) {
  const query = new URLSearchParams();
  for (const setting of SETTINGS) {
    const value = settings[setting.key];
    const idle = setting.group === "hidden" || setting.group === "data";
    if (idle && (value === "" || !setting.applies(settings))) continue;
    if (setting.group === "view" && (value === undefined || value === setting.default)) continue;
    query.set(setting.key, format(setting, value));
  }
  return `?${query}`;
}

/** `settings` without what says only how the page is shown. @param {Settings} settings */
export const ofRun = (settings) =>
  Object.fromEntries(SETTINGS.filter(({ group }) => group !== "view").map(({ key }) => [key, settings[key]]));

/** The engine's RunConfig for `settings`. @param {Settings} settings */
export function runConfig(settings) {
  const config = {};
  for (const { key, field } of SETTINGS) if (field) config[field] = settings[key];
  return config;
}

/** Rows whose values differ between `a` and `b` and matter to a run under either. A second run is none of them. */
export function differences(a, b) {
  return SETTINGS.filter((setting) => {
    if (setting.kind === "difference" || setting.group === "view") return false;
    const applies = !setting.applies || setting.applies(a) || setting.applies(b);
    const implied = setting.key === "images" && a.data !== b.data;
    return applies && !implied && a[setting.key] !== b[setting.key];
  });
}

/** Headings of groups that do not say enough themselves. */
const GROUP_TITLES = { top: "Precision and rate" };

/** The heading over a group of settings. */
export const groupTitle = (group) => GROUP_TITLES[group] ?? group[0].toUpperCase() + group.slice(1);

/** How a value is shown to people. */
export function display(setting, value) {
  if (setting.kind === "switch") return value ? "on" : "off";
  return setting.choices?.find((choice) => choice.name === value)?.label ?? String(value);
}
