/**
 * One table: every setting of a run -> its URL key, its control, its default and what is valid.
 * The controls, the URL and the configuration sent to the engine are all made from it; adding a setting is
 * one row here. Pure functions only (no DOM), so that it runs under Node too.
 *
 * @typedef {object} Choice one entry of a menu; the engine's registry has the same shape
 * @property {string} name value in the URL and in the configuration
 * @property {string} label what the menu shows
 * @property {string} [about] one sentence, shown as a hint
 *
 * @typedef {object} Setting
 * @property {string} key URL key, also the name of the value in `Settings`
 * @property {string} label
 * @property {"data"|"top"|"method"|"engine"|"seed"|"hidden"|"view"} place group of controls that shows it
 * @property {"choice"|"segments"|"integer"|"rate"|"switch"|"text"|"difference"|"flag"|"names"|"place"} kind
 * @property {string|number|boolean} default
 * @property {string} [field] field of the engine's RunConfig; absent: not part of the configuration
 * @property {string} [registry] list of the engine's registry that fills the menu
 * @property {Choice[]} [choices] menu known before the engine is there
 * @property {number} [min] smallest number
 * @property {number} [max] largest number
 * @property {number} [step] step of the arrow keys
 * @property {string} [hint] one sentence of help
 * @property {(settings: Settings) => boolean} [applies] false: the setting has no effect now
 * @property {boolean} [races] two runs side by side may differ in it: batches and initial weights stay the same
 *
 * A row whose place is "view" says how the page is shown: it is in the address, and no part of a run.
 *
 * @typedef {Record<string, string|number|boolean>} Settings a value for every key of the table
 */
import { PARTS } from "./parts.js";

const quantized = (settings) => settings.quantizer !== "none";
const builtin = (settings) => settings.data === "builtin";

/** @type {Setting[]} */
export const SETTINGS = [
  {
    key: "data", label: "Data set", place: "top", kind: "choice", default: "builtin",
    choices: [
      { name: "builtin", label: "Built-in shapes", about: "Ten classes drawn on the spot: nothing to download." },
      { name: "cifar10", label: "CIFAR-10", about: "60,000 photographs in 10 classes; drop the files or the archive." },
      { name: "cifar100", label: "CIFAR-100", about: "60,000 photographs in 100 classes; drop the files or the archive." },
      { name: "images", label: "Own images", about: "A folder of pictures of yours, one sub-folder a class." },
    ],
  },
  {
    key: "model", label: "Model", place: "top", kind: "choice", default: "simple_resnet4bit", field: "model",
    registry: "models",
    choices: [
      { name: "simple_resnet4bit", label: "SimpleResNet4bit" },
      { name: "vgg4bit", label: "VGG4bit" },
      { name: "convnetjs_cifar10", label: "ConvNetJS CIFAR-10" },
    ],
  },
  {
    key: "quantizer", label: "Precision", place: "top", kind: "segments", races: true, default: "symmetric",
    field: "quantizer", registry: "quantizers",
    choices: [{ name: "none", label: "FP32" }, { name: "symmetric", label: "Quantized" }],
  },
  {
    key: "bits", label: "Bits", place: "top", kind: "integer", races: true, default: 4, field: "bits", min: 2, max: 8, step: 1,
    hint: "b bits give 2^b - 1 levels: 15 for 4 bits.", applies: quantized,
  },
  {
    key: "epochs", label: "Epochs", place: "top", kind: "integer", default: 10, field: "epochs",
    min: 1, max: 1000, step: 1, hint: "Passes over the training images.",
  },
  {
    key: "batch", label: "Batch size", place: "top", kind: "integer", default: 128, field: "batch",
    min: 2, max: 1024, step: 32, hint: "Images in one training step.",
  },
  {
    key: "lr", label: "Learning rate", place: "top", kind: "rate", races: true, default: 0.001, field: "lr",
    min: 1e-5, max: 1, hint: "Of AdamW, at the first epoch. The paper trains at 0.001.",
  },
  {
    key: "schedule", label: "Schedule", place: "top", kind: "choice", races: true, default: "cosine", field: "schedule",
    registry: "schedules",
    choices: [{ name: "cosine", label: "Cosine, falling" }, { name: "cosine_climbing", label: "Cosine, as published" }],
  },
  {
    key: "tanh", label: "Tanh clipping", place: "method", kind: "switch", races: true, default: true, field: "tanhClip",
    hint: "After each step W becomes 3 tanh(W / 3): no outlier can stretch the grid.",
  },
  {
    key: "scale", label: "Scale per layer", place: "method", kind: "switch", races: true, default: true,
    field: "perLayerScale", hint: "Off: one grid spacing for the whole network.", applies: quantized,
  },
  {
    key: "ste", label: "Straight-through", place: "method", kind: "switch", races: true, default: true,
    field: "straightThrough", hint: "Off: the true gradient of rounding, which is zero. Watch nothing learn.", applies: quantized,
  },
  {
    key: "clip", label: "Gradient clipping", place: "method", kind: "switch", races: true, default: true, field: "gradClip",
    hint: "The gradient's norm over all parameters is held to 0.5.",
  },
  {
    key: "augment", label: "Augmentation", place: "method", kind: "switch", races: true, default: true, field: "augment",
    hint: "Each image is shifted by up to 4 pixels and mirrored at random.",
  },
  {
    key: "train", label: "Training images", place: "data", kind: "integer", default: 10000,
    min: 100, max: 50000, step: 1000, hint: "Of the built-in set.", applies: builtin,
  },
  {
    key: "test", label: "Test images", place: "data", kind: "integer", default: 2000,
    min: 100, max: 10000, step: 500, hint: "Of the built-in set.", applies: builtin,
  },
  {
    key: "seed", label: "Seed", place: "seed", kind: "integer", default: 1, field: "seed",
    min: 0, max: 999999, step: 1, hint: "Sets the first weights, the order of the images and every random choice.",
  },
  {
    key: "winograd", label: "Winograd", place: "engine", kind: "switch", default: true, field: "winograd",
    hint: "Convolutions with a quarter of the multiplications. Off: the direct way, slower.",
  },
  {
    key: "threads", label: "Threads", place: "engine", kind: "choice", default: "auto",
    choices: [{ name: "auto", label: "Auto" }], hint: "Auto takes every core the browser tells of.",
  },
  {
    key: "build", label: "Arithmetic", place: "engine", kind: "choice", default: "auto",
    choices: [
      { name: "auto", label: "Fastest here" },
      { name: "relaxed", label: "Relaxed SIMD" },
      { name: "simd", label: "Exact SIMD" },
      { name: "single", label: "Exact SIMD, one thread" },
    ],
    hint: "Relaxed SIMD fuses multiply and add: quicker, and it may differ between processors. Exact does not.",
  },
  { key: "race", label: "Second run", place: "hidden", kind: "difference", default: "", applies: () => true },
  { key: "images", label: "Image fingerprint", place: "hidden", kind: "text", default: "", applies: (s) => !builtin(s) },
  { key: "embed", label: "Embedded view", place: "view", kind: "flag", default: false },
  { key: "show", label: "Parts shown", place: "view", kind: "names", default: "", choices: Object.keys(PARTS).map((name) => ({ name, label: name })) },
  { key: "lesson", label: "Lesson", place: "view", kind: "place", default: "" },
];

const byKey = new Map(SETTINGS.map((setting) => [setting.key, setting]));

/** The row of `key`. @returns {Setting} */
export const settingOf = (key) => byKey.get(key);

/** Every setting at its default. @returns {Settings} */
export const defaults = () => Object.fromEntries(SETTINGS.map((setting) => [setting.key, setting.default]));

/** Fills the menus of the table from the engine's registry, in place. */
export function adoptRegistry(registry) {
  for (const setting of SETTINGS) {
    const entries = setting.registry && registry[setting.registry];
    if (entries?.length) setting.choices = entries;
  }
}

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
  if (kind === "integer" || kind === "rate") {
    const value = Number(text);
    const whole = kind === "rate" || Number.isInteger(value);
    if (text.trim() !== "" && whole && value >= min && value <= max) return { value };
    return { problem: `${label} is a ${kind === "rate" ? "" : "whole "}number from ${min} to ${max}, not "${text}"` };
  }
  if (kind === "flag") {
    if (text === "" || text === "1" || text === "0") return { value: text !== "0" };
    return { problem: `${label} is 1 (on) or 0 (off), not "${text}"` };
  }
  if (kind === "names") return parseNames(setting, text);
  if (kind === "place") {
    if (text === "" || /^[a-z0-9-]+(\.[1-9][0-9]?)?$/.test(text)) return { value: text };
    return { problem: `${label} is a lesson's name and perhaps a step ("levels.2"), not "${text}"` };
  }
  if (kind === "difference") return text === "" ? { value: "" } : parseDifference(setting, text);
  if (choices && !choices.some((choice) => choice.name === text)) {
    return { problem: `${label} is one of ${choices.map((choice) => choice.name).join(", ")}, not "${text}"` };
  }
  return { value: text };
}

/** "accuracy,weights": names of the row's choices, each once, in their order. */
function parseNames({ label, choices }, text) {
  const names = text.split(",").filter(Boolean);
  const stranger = names.find((name) => !choices.some((choice) => choice.name === name));
  if (stranger) return { problem: `${label} are of ${choices.map(({ name }) => name).join(", ")}, not "${stranger}"` };
  return { value: choices.filter(({ name }) => names.includes(name)).map(({ name }) => name).join() };
}

/** "bits:3": the key of a row that runs may differ in, and a value of it. */
function parseDifference({ label }, text) {
  const colon = text.indexOf(":");
  const [key, value] = colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
  const setting = byKey.get(key);
  if (!setting?.races) {
    const keys = SETTINGS.filter(({ races }) => races).map((row) => row.key);
    return { problem: `${label} differs in one of ${keys.join(", ")}, not "${key}"` };
  }
  const parsed = parse(setting, value);
  return "problem" in parsed ? { problem: `${label}: ${parsed.problem}` } : { value: `${key}:${format(setting, parsed.value)}` };
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
  const problems = [];
  for (const [key, text] of new URLSearchParams(search)) {
    const setting = byKey.get(key);
    if (!setting) {
      problems.push(`The address has "${key}", which is no setting: passed over.`);
      continue;
    }
    const parsed = parse(setting, text);
    if ("value" in parsed) settings[key] = parsed.value;
    else {
      const instead = format(setting, settings[key]);
      problems.push(`${parsed.problem}.${instead && ` Using ${instead}.`}`);
    }
  }
  return { settings, problems };
}

/** Every setting that says something, as a query: a link to this very run. @param {Settings} settings */
export function toQuery(settings) {
  const query = new URLSearchParams();
  for (const setting of SETTINGS) {
    const value = settings[setting.key];
    const idle = setting.place === "hidden" || setting.place === "data";
    if (idle && (value === "" || !setting.applies(settings))) continue;
    if (setting.place === "view" && value === setting.default) continue;
    query.set(setting.key, format(setting, value));
  }
  return `?${query}`;
}

/** `settings` without what says only how the page is shown. @param {Settings} settings */
export const ofRun = (settings) =>
  Object.fromEntries(SETTINGS.filter(({ place }) => place !== "view").map(({ key }) => [key, settings[key]]));

/** The engine's RunConfig for `settings`. @param {Settings} settings */
export function runConfig(settings) {
  const config = {};
  for (const { key, field } of SETTINGS) if (field) config[field] = settings[key];
  return config;
}

/** Rows whose values differ between `a` and `b` and matter to a run under either. A second run is none of them. */
export function differences(a, b) {
  return SETTINGS.filter((setting) => {
    if (setting.kind === "difference" || setting.place === "view") return false;
    const applies = !setting.applies || setting.applies(a) || setting.applies(b);
    const implied = setting.key === "images" && a.data !== b.data;
    return applies && !implied && a[setting.key] !== b[setting.key];
  });
}

/** How a value is shown to people. */
export function display(setting, value) {
  if (setting.kind === "switch") return value ? "on" : "off";
  return setting.choices?.find((choice) => choice.name === value)?.label ?? String(value);
}
