/**
 * When a task of a lesson is done, as data:
 *
 *   {"fact": "run.steps", "atLeast": 20}     also: "is", "isNot", "above", "below", "atMost"
 *   {"fact": "run.steps", "grownBy": 20}     since the step began
 *   {"all": [...]}  {"any": [...]}  {"not": ...}
 *
 * A fact that is not known meets no comparison.
 */
import { fact, factNames, factProblem, isFact, isNumber, presentValue } from "./facts.js";

const COMPARE = {
  is: (value, wanted) => value === wanted,
  isNot: (value, wanted) => value !== wanted,
  atLeast: (value, wanted) => value >= wanted,
  atMost: (value, wanted) => value <= wanted,
  above: (value, wanted) => value > wanted,
  below: (value, wanted) => value < wanted,
};
const NUMERIC = ["atLeast", "atMost", "above", "below", "grownBy"];
const OPERATORS = [...Object.keys(COMPARE), "grownBy"];

/** Every fact that a condition asks about. */
export function factsIn(condition) {
  if (condition.fact) return [condition.fact];
  return [...(condition.all ?? condition.any ?? [condition.not])].flatMap(factsIn);
}

/**
 * @param {object} condition
 * @param {import("../session.js").Session} session
 * @param {object} seen see facts.js
 * @param {Record<string, unknown>} start the facts as they were when the step began
 */
export function holds(condition, session, seen, start) {
  const of = (one) => holds(one, session, seen, start);
  if (condition.all) return condition.all.every(of);
  if (condition.any) return condition.any.some(of);
  if (condition.not) return !of(condition.not);
  const value = fact(condition.fact, session, seen);
  if (value === undefined) return false;
  return Object.entries(condition).every(([operator, wanted]) => {
    if (operator === "fact") return true;
    if (operator === "grownBy") return value - (start[condition.fact] ?? 0) >= wanted;
    return COMPARE[operator](value, presentValue(condition.fact, wanted));
  });
}

/** Facts that a condition compares, as they are now. */
export const snapshot = (condition, session, seen) =>
  Object.fromEntries(condition ? factsIn(condition).map((name) => [name, fact(name, session, seen)]) : []);

/** What is wrong with a condition, each in a sentence; nothing for a good one. @param {string} where */
export function conditionProblems(condition, where) {
  if (typeof condition !== "object" || condition === null || Array.isArray(condition)) return [`${where} is no condition.`];
  const keys = Object.keys(condition);
  for (const list of ["all", "any"]) {
    if (!(list in condition)) continue;
    if (keys.length > 1 || !Array.isArray(condition[list]) || condition[list].length === 0) return [`${where}: "${list}" is a list of conditions and stands alone.`];
    return condition[list].flatMap((one, i) => conditionProblems(one, `${where}, ${list} ${i + 1}`));
  }
  if ("not" in condition) return keys.length > 1 ? [`${where}: "not" stands alone.`] : conditionProblems(condition.not, `${where}, not`);
  const { fact: name, ...comparisons } = condition;
  if (!isFact(name)) return [`${where}: "${name}" is no fact. There are ${factNames.filter((one) => !one.includes("setting")).join(", ")}, and setting.KEY, run.setting.KEY, second.setting.KEY.`];
  if (Object.keys(comparisons).length === 0) return [`${where}: "${name}" is compared with nothing; use one of ${OPERATORS.join(", ")}.`];
  return Object.entries(comparisons).flatMap(([operator, wanted]) => {
    if (!OPERATORS.includes(operator)) return [`${where}: "${operator}" is no comparison; use one of ${OPERATORS.join(", ")}.`];
    if (!NUMERIC.includes(operator)) {
      const problem = factProblem(name, wanted);
      return problem ? [`${where}: ${problem}.`] : [];
    }
    if (!isNumber(name)) return [`${where}: "${operator}" compares numbers, and ${name} is none.`];
    return typeof wanted === "number" ? [] : [`${where}: "${operator}" needs a number, not ${JSON.stringify(wanted)}.`];
  });
}
