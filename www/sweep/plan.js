/**
 * A sweep: every combination of some settings' values, each with several seeds, as a list of runs. Pure functions.
 *
 * @typedef {import("../settings.js").Settings} Settings
 * @typedef {import("../settings.js").Setting} Setting
 *
 * @typedef {object} Swept a setting and the values that it is to take
 * @property {string} key
 * @property {(string|number|boolean)[]} values
 *
 * @typedef {object} Line a combination, and a line of the table
 * @property {Settings} settings of its runs, but for the seed
 * @property {string} name "Bits 4, Learning rate 0.01"
 *
 * @typedef {object} Entry a run to train
 * @property {string} key tells it from the others, today and after a reload: "bits:4 lr:0.01 seed:2"
 * @property {number} line index of its combination
 * @property {number} seed
 * @property {Settings} settings
 *
 * @typedef {object} Plan
 * @property {Settings} base everything that is not swept, and the first seed
 * @property {Swept[]} rows
 * @property {number} seeds
 * @property {Line[]} lines
 * @property {Entry[]} runs the first seed of all combinations, then the second
 * @property {{names: string[], why: string}[]} leftOut combinations that a scheme or a model cannot do
 * @property {number} same combinations that would train the very same run as another one
 */
import { display, format, misfit, ofRun, OF_A_SCHEME, parse, raceOf, settingOf, SETTINGS, settled } from "../settings.js";
import { typed } from "../ui/typed.js";

/** Most seeds of a combination. */
export const MOST_SEEDS = 10;
/** Most runs of a sweep: what is kept of more is too much for a browser's storage. */
export const MOST_RUNS = 1000;

/** Settings that runs of a sweep may differ in: those of a run, but for what single layers have, and how many images it trains on. Seeds are counted apart. */
export const SWEPT = SETTINGS.filter(({ key, field, kind }) => (field && key !== "seed" && kind !== "layers") || key === "train");

/** Whether its values are ticked in a list; else they are typed. @param {Setting} setting */
export const isListed = ({ kind }) => kind === "choice" || kind === "switch";

/** Every value of a setting that is listed. @param {Setting} setting */
export const listOf = ({ kind, choices }) => (kind === "switch" ? [true, false] : choices.map(({ name }) => name));

/**
 * "2, 4, 8" -> ["2", "4", "8"]. Parted by commas or spaces; by semicolons alone where there are any, so that a comma may be
 * the decimal point. Bits of single layers stay with the bits before them: "4,conv1:8, 2" -> ["4,conv1:8", "2"].
 */
function partsOf({ kind }, text) {
  const tight = kind === "bits" ? text.replace(/\s*[:=]\s*/g, ":") : text;
  const parts = tight.split(tight.includes(";") ? ";" : /[,\s]+/).map((part) => part.trim()).filter(Boolean);
  if (kind !== "bits") return parts;
  return parts.reduce((list, part) => {
    const ofLayer = /^[^,]*:/.test(part) && list.length > 0;
    return ofLayer ? [...list.slice(0, -1), `${list.at(-1)},${part}`] : [...list, part];
  }, []);
}

/**
 * Reads what was typed as values of a setting, each once.
 * @param {Setting} setting
 * @returns {{values: (string|number)[], problems: string[]}} `problems` are sentences
 */
export function readValues(setting, text) {
  const parts = partsOf(setting, text);
  if (parts.length === 0) return { values: [], problems: [`${setting.label}: which values? For instance ${exampleOf(setting)}.`] };
  const read = parts.map((part) => parse(setting, typed(setting, part)));
  const problems = read.filter((one) => "problem" in one).map(({ problem }) => `${problem}.`);
  return { values: [...new Set(read.filter((one) => "value" in one).map(({ value }) => value))], problems };
}

/** Values to begin with: around the default, as they are typed. @param {Setting} setting */
export function exampleOf({ kind, default: usual, min, max, log }) {
  if (kind === "bits") return "2, 4, 8";
  const factors = log ? [0.3, 1, 3] : [0.5, 1, 2];
  const around = usual === 0 ? [0, ...[0.1, 0.2].map((share) => min + share * (max - min))] : factors.map((factor) => usual * factor);
  const values = around.map((value) => Math.min(max, Math.max(min, kind === "integer" ? Math.round(value) : Number(value.toPrecision(2)))));
  return [...new Set(values)].join(", ");
}

/** Those of `rows` that matter to a run under `settings`. */
const telling = (rows, settings) => rows.filter((row) => !row.applies || row.applies(settings));

/** "Bits 4, Learning rate 0.01". */
const nameOf = (rows, settings) => telling(rows, settings).map((row) => `${row.label} ${display(row, settings[row.key])}`).join(", ") || "As set";

/** Why schemes or model of `settings` cannot do them, in a sentence. */
const whyNot = (settings) =>
  OF_A_SCHEME.map((key) => misfit(settingOf(key), settings[key], settings)).filter(Boolean).join("; ") || "its scheme cannot do that";

/** Every choice of one value a row. @param {Swept[]} rows @returns {Partial<Settings>[]} */
const combinations = (rows) =>
  rows.reduce((list, { key, values }) => list.flatMap((own) => values.map((value) => ({ ...own, [key]: value }))), [{}]);

/** How many runs that asks for, whether or not they can be done. @param {Swept[]} rows */
export const asked = (rows, seeds) => rows.reduce((product, { values }) => product * values.length, seeds);

/**
 * @param {Settings} wanted as they stand
 * @param {Swept[]} rows of different settings, in any order
 * @param {number} seeds how many, from that of `wanted` on
 * @returns {Plan}
 */
export function plan(wanted, rows, seeds) {
  const base = { ...ofRun(wanted), race: "" };
  const settings = rows.map(({ key }) => settingOf(key));
  const lines = [];
  const leftOut = new Map();
  /** What runs differ in: equal texts are equal runs. */
  const known = new Set();
  let same = 0;
  for (const own of combinations(rows)) {
    const one = { ...base, ...own };
    const fit = settled(one);
    const text = raceOf(telling(settings, one), one);
    if (Object.keys(one).some((key) => one[key] !== fit[key])) {
      const why = whyNot(one);
      leftOut.set(why, [...(leftOut.get(why) ?? []), nameOf(settings, one)]);
    } else if (known.has(text)) same += 1;
    else {
      known.add(text);
      lines.push({ settings: one, name: nameOf(settings, one) });
    }
  }
  const all = Array.from({ length: seeds }, (_, i) => base.seed + i);
  const runs = all.flatMap((seed) =>
    lines.map((line, i) => {
      const of = { ...line.settings, seed };
      return { key: raceOf([...settings, settingOf("seed")], of), line: i, seed, settings: of };
    }),
  );
  return { base, rows, seeds, lines, runs, leftOut: [...leftOut].map(([why, names]) => ({ names, why })), same };
}

/** The last seed of so many is none any more: why, in a sentence; null if it is one. */
export function seedsProblem({ seed }, seeds) {
  const { max } = settingOf("seed");
  return seed + seeds - 1 > max ? `Seeds go up to ${max}: from ${seed} on there are not ${seeds}.` : null;
}

/**
 * What is known of how long an epoch takes, of runs that were trained.
 * @typedef {{settings: Settings, secs: number}} Seen seconds of an epoch with its test pass
 */

/** What an epoch's seconds depend on most. */
const LIKE = ["model", "data", "train", "test"];

/**
 * About how many seconds these runs take, by those seen of the same model on as many images; NaN where some are of
 * another one.
 * @param {Entry[]} runs
 * @param {Seen[]} seen
 */
export function secondsOf(runs, seen) {
  const likes = ({ settings }) => LIKE.map((key) => settings[key]).join();
  const found = new Map();
  for (const one of seen.filter(({ secs }) => secs > 0)) found.set(likes(one), [...(found.get(likes(one)) ?? []), one.secs]);
  const means = new Map([...found].map(([like, list]) => [like, list.reduce((sum, secs) => sum + secs, 0) / list.length]));
  return runs.reduce((sum, run) => sum + run.settings.epochs * (means.get(likes(run)) ?? NaN), 0);
}

/** A value as the table has it: "–" where it has no effect. @param {Setting} setting */
export const shownOf = (setting, settings) => (!setting.applies || setting.applies(settings) ? display(setting, settings[setting.key]) : "–");

/** As text that `read` reads in any later version of the page. @param {Plan} plan */
export const written = ({ rows }) => rows.map(({ key, values }) => [key, values.map((value) => format(settingOf(key), value))]);
