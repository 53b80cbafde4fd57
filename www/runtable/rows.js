/**
 * Kept runs as rows of a table: what they reached, what they were made with; sorted, filtered, put into groups. Pure
 * functions.
 *
 * @typedef {object} Row
 * @property {string} key of the kept run; of a group what its runs share
 * @property {string} title
 * @property {string} data
 * @property {import("../settings.js").Settings} settings
 * @property {number[]} tests test accuracy of each epoch, 0..1
 * @property {number} images that it was tested on
 * @property {number} at when it was saved last
 */
import { differences, display, settingOf, SETTINGS } from "../settings.js";
import { meanOf } from "../stats.js";

const last = ({ tests }) => tests.at(-1) ?? NaN;

/** Columns: heading, value to sort by, and its text where that is another. */
export const COLUMNS = [
  { name: "title", label: "Run", of: ({ title }) => title },
  { name: "test", label: "Test", of: last },
  { name: "best", label: "Best", of: ({ tests }) => (tests.length > 0 ? Math.max(...tests) : NaN) },
  { name: "epochs", label: "Epochs", of: ({ tests }) => tests.length },
  { name: "quantizer", label: "Precision", of: ({ settings }) => display(settingOf("quantizer"), settings.quantizer) },
  { name: "bits", label: "Bits", of: ({ settings }) => (settings.quantizer === "none" ? 32 : settings.bits) },
  { name: "lr", label: "Rate", of: ({ settings }) => settings.lr },
  { name: "seed", label: "Seed", of: ({ settings }) => settings.seed },
  { name: "model", label: "Model", of: ({ settings }) => display(settingOf("model"), settings.model) },
  { name: "data", label: "Data", of: ({ data }) => data },
];

/** Unknown figures stand last, whichever way. */
function compare(a, b, way) {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
  if (typeof a === "number" && typeof b === "number") return way * (a - b);
  return way * String(a).localeCompare(String(b), "en", { numeric: true });
}

/** @param {Row[]} rows @param {{by: string, way: 1|-1}} order */
export function sorted(rows, { by, way }) {
  const { of } = COLUMNS.find(({ name }) => name === by);
  return [...rows].sort((a, b) => compare(of(a), of(b), way));
}

/** Rows that have all these words in one or another of their columns. */
export function filtered(rows, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const about = (row) => COLUMNS.map(({ of }) => of(row)).join(" ").toLowerCase();
  return rows.filter((row) => words.every((word) => about(row).includes(word)));
}

/** Settings in which some two of these rows differ, in the table's order. */
function differing(rows) {
  const [first, ...others] = rows;
  const found = new Set(others.flatMap(({ settings }) => differences(first.settings, settings)));
  return SETTINGS.filter((setting) => found.has(setting));
}

/** Settings that rows may be grouped by: those in which some two of them differ. @returns {import("../settings.js").Setting[]} */
export function groupings(rows) {
  return differing(rows).filter(({ key }) => key !== "seed");
}

/**
 * Rows that share the value of a setting as one: means, and the deviations of a sample.
 * @param {Row[]} rows
 * @param {string} key of the setting
 * @returns {(Row & {members: Row[], course: {mean: number, deviation: number}[]})[]}
 */
export function grouped(rows, key) {
  const setting = settingOf(key);
  const groups = new Map();
  for (const row of rows) {
    const value = row.settings[key];
    if (!groups.has(value)) groups.set(value, []);
    groups.get(value).push(row);
  }
  return [...groups].map(([value, members]) => {
    // As far as all of them have come.
    const length = Math.min(...members.map(({ tests }) => tests.length));
    const course = Array.from({ length }, (_, i) => meanOf(members.map(({ tests }) => tests[i])));
    const [first] = members;
    return {
      ...first, key: `${key} ${value}`, title: `${setting.label} ${display(setting, value)}`, members, course,
      tests: course.map(({ mean }) => mean),
    };
  });
}

/** What some of these rows have of their own: settings that differ among them, each with its value in every row. */
export function ownSettings(rows) {
  return differing(rows).map((setting) => ({
    label: setting.label, values: rows.map(({ settings }) => display(setting, settings[setting.key])),
  }));
}
