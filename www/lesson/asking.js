/**
 * A question of a lesson: what may stand in one, how an answer is read, and what is said to it. Pure functions.
 *
 * @typedef {object} Ask
 * @property {string} question
 * @property {string[]} [choices] of which one is the answer; without them and `number` it is free text
 * @property {boolean} [number] whether the answer is a number
 * @property {string} [unit] of the number
 * @property {string|number} [answer] a right one: one of the choices, a number, or a text that is shown beside the learner's
 * @property {number} [within] how far from the right number is right too
 * @property {string} [explanation] shown once there is an answer
 */

const KEYS = ["question", "choices", "number", "unit", "answer", "within", "explanation"];
/** Characters of an answer. */
export const LONGEST = 2000;

export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
export const isText = (value) => typeof value === "string" && value !== "";

function choicesProblems(choices, where) {
  const distinct = Array.isArray(choices) && choices.every(isText) && new Set(choices).size === choices.length;
  return distinct && choices.length > 1 ? [] : [`${where}: "choices" are two texts or more, each another.`];
}

function answerProblem({ choices, number, answer }, where) {
  if (Array.isArray(choices)) return choices.includes(answer) ? null : `${where}: the answer ${JSON.stringify(answer)} is none of the choices.`;
  if (number) return Number.isFinite(answer) ? null : `${where}: the answer is a number, not ${JSON.stringify(answer)}.`;
  return isText(answer) ? null : `${where}: the answer is a text, not ${JSON.stringify(answer)}.`;
}

/** What is wrong with a question, each in a sentence; nothing for a good one. @param {unknown} ask @param {string} where */
export function askProblems(ask, where) {
  if (!isObject(ask)) return [`${where} is an object with a question.`];
  const problems = Object.keys(ask).filter((key) => !KEYS.includes(key)).map((key) => `${where}: "${key}" is not known; there are ${KEYS.join(", ")}.`);
  if (!isText(ask.question)) problems.push(`${where} has no question.`);
  if ("choices" in ask) problems.push(...choicesProblems(ask.choices, where));
  if ("number" in ask && typeof ask.number !== "boolean") problems.push(`${where}: "number" is true or false, not ${JSON.stringify(ask.number)}.`);
  if ("choices" in ask && ask.number === true) problems.push(`${where}: there are choices, or the answer is a number; not both.`);
  for (const key of ["unit", "explanation"]) if (key in ask && !isText(ask[key])) problems.push(`${where}: "${key}" is a text, not ${JSON.stringify(ask[key])}.`);
  for (const key of ["unit", "within"]) if (key in ask && ask.number !== true) problems.push(`${where}: "${key}" is of a number.`);
  if ("answer" in ask) problems.push(...[answerProblem(ask, where)].filter(Boolean));
  if ("within" in ask && !(Number.isFinite(ask.within) && ask.within >= 0 && "answer" in ask)) problems.push(`${where}: "within" is a number from 0, and there is an answer.`);
  return problems;
}

/** A number with its unit. */
const withUnit = (value, { unit }) => (unit ? `${value} ${unit}` : String(value));

/**
 * What a learner has put in, as an answer.
 * @param {Ask} ask
 * @param {string} given
 * @returns {{answer: string|number} | {problem: string}}
 */
export function readAnswer(ask, given) {
  const text = given.trim().slice(0, LONGEST);
  if (text === "") return { problem: ask.choices ? "Choose one." : "Write an answer first." };
  if (!ask.number) return { answer: text };
  const bare = ask.unit && text.endsWith(ask.unit) ? text.slice(0, -ask.unit.length) : text;
  const value = Number(bare.trim().replace(",", ".").replace("\u2212", "-"));
  return Number.isFinite(value) && bare.trim() !== "" ? { answer: value } : { problem: `This has to be a number, not "${text}".` };
}

/** An answer as it is shown. */
export const answerText = (ask, answer) => (ask.number ? withUnit(answer, ask) : answer);

/** Whether an answer is right; null where nobody can say. @param {Ask} ask */
export function isRight(ask, answer) {
  if (!("answer" in ask)) return null;
  if (ask.number) return Math.abs(answer - ask.answer) <= (ask.within ?? 0) + 1e-9;
  return ask.choices ? answer === ask.answer : null;
}

/** What is said to an answer, in sentences. @param {Ask} ask @returns {string[]} */
export function reply(ask, answer) {
  const right = isRight(ask, answer);
  const expected = answerText(ask, ask.answer);
  const verdict = right ? "That is right." : right === false ? `Not so: ${expected}.` : "answer" in ask ? `One answer: ${expected}` : null;
  return [verdict, ask.explanation].filter(Boolean);
}
