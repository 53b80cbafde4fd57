/**
 * What a lesson file holds, and what is wrong with one. docs/TEACHING.md tells it to teachers.
 *
 * @typedef {object} Lesson
 * @property {string} id the file's name without .json: letters, digits, hyphens
 * @property {string} title
 * @property {string} about one sentence for the list
 * @property {number} minutes how long it takes
 * @property {Record<string, string|number|boolean>} settings where it begins; the others are at their defaults
 * @property {Step[]} steps
 *
 * @typedef {object} Step
 * @property {string} title
 * @property {string[]} text paragraphs; {run.loss} stands for a fact, {kept.2.run.loss} for one that step 2 has kept,
 *   {answer.2} for what was answered there
 * @property {string} [point] "setting.KEY", "button.NAME" or "part.NAME": highlighted
 * @property {string[]} [stage] parts that are shown together, and nothing else
 * @property {string} [task] what the learner is to do
 * @property {object} [until] condition that says that it is done (see conditions.js)
 * @property {string[]} [then] paragraphs shown once it is done
 * @property {string[]} [keep] facts that are kept, as a row of a table, once it is done
 * @property {import("./asking.js").Ask} [ask] a question
 * @property {{set?: object, press?: string[]}} [help] what "Do it for me" does: settings, then buttons
 */
import { BUTTONS, PARTS } from "../parts.js";
import { FORMER, settingOf } from "../settings.js";
import { askProblems, isObject, isText } from "./asking.js";
import { conditionProblems } from "./conditions.js";
import { factNames, isFact, settingProblem } from "./facts.js";

const NAME_IN_TEXT = /\{([a-zA-Z0-9.]+)\}/g;
/** Whatever has a brace in it. */
const BRACES = /\{[^{}]*\}?|\}/g;
const LESSON_KEYS = ["id", "title", "about", "minutes", "settings", "steps"];
const STEP_KEYS = ["title", "text", "point", "stage", "task", "until", "keep", "ask", "then", "help"];

/** What the table has under that name; nothing that all objects have. */
const inTable = (table, name) => (typeof name === "string" && Object.hasOwn(table, name) ? table[name] : null);

/** The selector of what a lesson points at, or null. @param {string} name */
export function selectorOf(name) {
  const [kind, ...rest] = String(name).split(".");
  const of = rest.join(".");
  if (kind === "setting") {
    const setting = settingOf(of);
    return setting && !["hidden", "view"].includes(setting.group) ? `[data-key="${setting.key}"]` : null;
  }
  if (kind === "button") return inTable(BUTTONS, of);
  if (kind === "part") return inTable(PARTS, of);
  return null;
}

/** Text with what its braces name put in. @param {(name: string) => string} read */
export const filled = (text, read) => text.replace(NAME_IN_TEXT, (_all, name) => read(name));

/** What "kept.2.run.loss" and "answer.2" speak of: the step, by its index, and a fact; null for the name of a fact. */
export function mentionOf(name) {
  const [, kept, fact, answer] = /^(?:kept\.([1-9]\d*)\.(.+)|answer\.([1-9]\d*))$/.exec(name) ?? [];
  if (kept) return { at: kept - 1, fact };
  return answer ? { at: answer - 1 } : null;
}

const formerProblem = (key, value) => (typeof value === "boolean" ? null : `${key} is true or false, not ${JSON.stringify(value)}`);

function settingsProblems(settings, where) {
  if (!isObject(settings)) return [`${where}: this is an object of settings, not ${JSON.stringify(settings)}.`];
  return Object.entries(settings).flatMap(([key, value]) => {
    const setting = settingOf(key);
    if (!setting || (setting.group === "view" && !setting.taught)) return [`${where}: "${key}" is no setting.`];
    if (key === "threads") return [`${where}: threads are the computer's, and no lesson knows how many there are.`];
    const problem = FORMER.has(key) ? formerProblem(key, value) : settingProblem(setting, value);
    return problem ? [`${where}: ${problem}.`] : [];
  });
}

/** Why braces of the step `at` are not what steps up to it have left; null if they are. */
function mentionProblem(braced, { at, fact }, steps, here) {
  const of = at <= here ? steps[at] : null;
  if (fact) return Array.isArray(of?.keep) && of.keep.includes(fact) ? null : `"${braced}": step ${at + 1} is no step up to here that keeps ${fact}`;
  return of?.ask ? null : `"${braced}": step ${at + 1} is no step up to here that asks`;
}

/** @param {Step[]} steps those of the lesson @param {number} here the step that has the text */
function textProblems(paragraphs, where, steps, here) {
  if (!Array.isArray(paragraphs) || !paragraphs.every(isText)) return [`${where} is a list of paragraphs.`];
  return paragraphs.flatMap((one) => one.match(BRACES) ?? []).flatMap((braced) => {
    const name = braced.slice(1, -1);
    if (isFact(name)) return [];
    const mention = mentionOf(name);
    const problem = mention && mentionProblem(braced, mention, steps, here);
    if (mention) return problem ? [`${where}: ${problem}.`] : [];
    return [`${where}: "${braced}" is no fact; there are ${factNames.slice(0, 12).map((fact) => `{${fact}}`).join(", ")} and more.`];
  });
}

function keepProblems(keep, where) {
  if (!Array.isArray(keep) || keep.length === 0) return [`${where} is a list of facts.`];
  return keep.filter((name) => !isFact(name)).map((name) => `${where}: ${JSON.stringify(name)} is no fact.`);
}

function helpProblems(help, where) {
  if (!isObject(help) || Object.keys(help).length === 0) return [`${where} is an object with "set", "press" or both.`];
  const strangers = Object.keys(help).filter((key) => !["set", "press"].includes(key));
  const problems = strangers.map((key) => `${where}: "${key}" is not known; there are set, press.`);
  if ("set" in help) problems.push(...settingsProblems(help.set, `${where}, set`));
  if (!("press" in help)) return problems;
  if (!Array.isArray(help.press)) return [...problems, `${where}, press is a list of buttons.`];
  const unknown = help.press.filter((name) => !inTable(BUTTONS, name));
  return [...problems, ...unknown.map((name) => `${where}, press: ${JSON.stringify(name)} is no button; there are ${Object.keys(BUTTONS).join(", ")}.`)];
}

function stageProblems(stage, where) {
  if (!Array.isArray(stage) || stage.length === 0) return [`${where} is a list of parts.`];
  const unknown = stage.filter((name) => !inTable(PARTS, name));
  return unknown.map((name) => `${where}: ${JSON.stringify(name)} is no part; there are ${Object.keys(PARTS).join(", ")}.`);
}

function stepProblems(step, here, steps) {
  const where = `Step ${here + 1}`;
  if (!isObject(step)) return [`${where} is no step.`];
  const problems = Object.keys(step).filter((key) => !STEP_KEYS.includes(key)).map((key) => `${where}: "${key}" is not known; there are ${STEP_KEYS.join(", ")}.`);
  if (!isText(step.title)) problems.push(`${where} has no title.`);
  problems.push(...textProblems(step.text, `${where}, text`, steps, here));
  if ("then" in step) problems.push(...textProblems(step.then, `${where}, then`, steps, here));
  if ("point" in step && !selectorOf(step.point)) {
    problems.push(`${where}, point: ${JSON.stringify(step.point)} is nothing to point at; there are setting.KEY, ${Object.keys(BUTTONS).map((one) => `button.${one}`).join(", ")}, ${Object.keys(PARTS).map((one) => `part.${one}`).join(", ")}.`);
  }
  if ("stage" in step) problems.push(...stageProblems(step.stage, `${where}, stage`));
  if ("task" in step !== "until" in step) problems.push(`${where}: "task" and "until" go together: what to do, and how the page sees that it is done.`);
  if ("task" in step && !isText(step.task)) problems.push(`${where}, task is a sentence, not ${JSON.stringify(step.task)}.`);
  if ("until" in step) problems.push(...conditionProblems(step.until, `${where}, until`));
  if ("keep" in step && !("task" in step)) problems.push(`${where}: "keep" keeps what a task has brought, and there is none.`);
  if ("keep" in step) problems.push(...keepProblems(step.keep, `${where}, keep`));
  if ("ask" in step) problems.push(...askProblems(step.ask, `${where}, ask`));
  if ("help" in step && !("task" in step)) problems.push(`${where}: "help" does a task, and there is none.`);
  if ("help" in step) problems.push(...helpProblems(step.help, `${where}, help`));
  return problems;
}

/** What is wrong with a lesson, each in a sentence; nothing for a good one. @param {unknown} lesson */
export function lessonProblems(lesson) {
  if (!isObject(lesson)) return ["The file holds no lesson: it is a JSON object with id, title, about, minutes, settings and steps."];
  const problems = Object.keys(lesson).filter((key) => !LESSON_KEYS.includes(key)).map((key) => `"${key}" is not known; there are ${LESSON_KEYS.join(", ")}.`);
  if (!isText(lesson.id) || !/^[a-z0-9-]+$/.test(lesson.id)) problems.push(`The id is made of small letters, digits and hyphens, not ${JSON.stringify(lesson.id)}.`);
  for (const key of ["title", "about"]) if (!isText(lesson[key])) problems.push(`The lesson has no ${key}.`);
  if (!Number.isFinite(lesson.minutes) || lesson.minutes <= 0) problems.push(`"minutes" is a number above 0, not ${JSON.stringify(lesson.minutes)}.`);
  problems.push(...settingsProblems(lesson.settings, "The lesson's settings"));
  if (!Array.isArray(lesson.steps) || lesson.steps.length === 0) return [...problems, "The lesson has no steps."];
  return [...problems, ...lesson.steps.flatMap((step, i, all) => stepProblems(step, i, all))];
}
