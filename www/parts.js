/**
 * The parts of the page by the names that an address (`show=accuracy,weights`) and a lesson call them, each with
 * the selector of its element, and the buttons that a lesson may press, each with the part that it stands in. No DOM here.
 */
import { ROOMS } from "./rooms.js";

const BAR = "transport";

/** @type {Readonly<Record<string, string>>} */
export const PARTS = Object.freeze(
  Object.fromEntries([BAR, ...ROOMS.flatMap(({ parts }) => parts)].map((name) => [name, `[data-part="${name}"]`])),
);

/** What an embedded page shows unless its address says otherwise: what moves while it trains. */
export const EMBEDDED = Object.freeze(["health", "settings", "accuracy", "loss", "weights"]);

/** Buttons that a lesson can point at and press: selector, and the part that has it. */
const PLACED = {
  train: ["#play", BAR],
  step: ["#step", BAR],
  reset: ["#reset", BAR],
  "new-seed": ["#new-seed", BAR],
  apply: ["#apply", BAR],
  "race-waiting": ["#race-waiting", BAR],
  undo: ["#undo", BAR],
  race: ["#race", "compare"],
  fork: ["#fork", "compare"],
  ptq: ["#ptq-go", "ptq"],
  measure: ["#sensitivity-go", "sensitivity"],
  assign: ["#assignment-use", "assignment"],
  "race-bits": ["#assignment-race", "assignment"],
  outlier: ["#outlier-go", "outlier"],
};
export const BUTTONS = Object.freeze(Object.fromEntries(Object.entries(PLACED).map(([name, [selector]]) => [name, selector])));

/** Groups of settings whose controls do not stand with the others -> the part that has them. */
export const PLACES = { data: "data", engine: "engine" };

/**
 * The part that has what a lesson points at or presses: "part.NAME", "button.NAME" or "setting.KEY".
 * @param {string} name
 * @param {(key: string) => string} groupOf group of a setting
 */
export function partOf(name, groupOf) {
  const [kind, ...rest] = name.split(".");
  const of = rest.join(".");
  if (kind === "button") return PLACED[of][1];
  return kind === "setting" ? (PLACES[groupOf(of)] ?? "settings") : of;
}
