/**
 * What a learner leaves in the lessons of this visit: results that were kept, answers, and a name. Lessons show it, and the
 * report tells it. It outlives a reload, and ends with the tab: somebody else may be next. No DOM here.
 */
import { answerText, isRight } from "./asking.js";
import { factLabel } from "./facts.js";

/** Characters of a name. */
export const LONGEST_NAME = 80;

const KEY = "nibble.notebook";

/**
 * What another page of this tab has left.
 * @returns {{name: string, lessons: object[]}}
 */
function left() {
  const nothing = { name: "", lessons: [] };
  try {
    const { name, lessons } = JSON.parse(sessionStorage.getItem(KEY)) ?? nothing;
    const rows = ({ title, results }) => ({ title, results: new Map(results) });
    return { name, lessons: lessons.map(({ lesson, kept, answers }) => ({ lesson, kept: new Map(kept.map(([at, row]) => [at, rows(row)])), answers: new Map(answers) })) };
  } catch {
    // A frame that may keep nothing, or a notebook of another version.
    return nothing;
  }
}

/**
 * Kept rows as a table: a column for each fact that any of them has.
 * @param {{title: string, results: Map<string, string>}[]} rows
 * @returns {{head: string[], body: string[][]}}
 */
function tableOf(rows) {
  const facts = [...new Set(rows.flatMap(({ results }) => [...results.keys()]))];
  const body = rows.map(({ title, results }) => [title, ...facts.map((name) => results.get(name) ?? "")]);
  return { head: ["Step", ...facts.map(factLabel)], body };
}

/** What was left in a lesson, as the report and the JSON have it. */
const toldOf = ({ lesson, kept, answers }) => ({
  title: lesson.title,
  results: kept.size > 0 ? tableOf(inOrder(kept)) : null,
  answers: inOrder(answers).map(({ ask, answer, tries }) => {
    const expected = "answer" in ask ? answerText(ask, ask.answer) : null;
    return { question: ask.question, answer: answerText(ask, answer), right: isRight(ask, answer), expected, tries };
  }),
});

const inOrder = (map) => [...map].sort(([a], [b]) => a - b).map(([, one]) => one);

export class Notebook {
  /** Of the learner; "": not given. */
  #name = "";
  /** By the lesson's id. */
  #lessons = new Map();

  constructor() {
    const { name, lessons } = left();
    this.#name = name;
    for (const one of lessons) this.#lessons.set(one.lesson.id, one);
  }

  #leave() {
    const plain = (_, value) => (value instanceof Map ? [...value] : value);
    const lessons = [...this.#lessons.values()].map(({ lesson: { id, title }, kept, answers }) => ({ lesson: { id, title }, kept, answers }));
    try {
      sessionStorage.setItem(KEY, JSON.stringify({ name: this.#name, lessons }, plain));
    } catch {
      // Then it ends with the page.
    }
  }

  get name() {
    return this.#name;
  }

  set name(name) {
    this.#name = name.trim().slice(0, LONGEST_NAME);
    this.#leave();
  }

  #of(lesson) {
    if (!this.#lessons.has(lesson.id)) this.#lessons.set(lesson.id, { lesson, kept: new Map(), answers: new Map() });
    return this.#lessons.get(lesson.id);
  }

  /** Begins a lesson anew. @param {import("./format.js").Lesson} lesson */
  begin(lesson) {
    this.#lessons.delete(lesson.id);
    this.#leave();
  }

  /** Keeps the results of a step. @param {(fact: string) => string} read */
  keep(lesson, at, read) {
    const { title, keep } = lesson.steps[at];
    this.#of(lesson).kept.set(at, { title, results: new Map(keep.map((name) => [name, read(name)])) });
    this.#leave();
  }

  /** Takes an answer; the last one counts. @param {string|number} answer */
  answer(lesson, at, answer) {
    const { answers } = this.#of(lesson);
    answers.set(at, { ask: lesson.steps[at].ask, answer, tries: (answers.get(at)?.tries ?? 0) + 1 });
    this.#leave();
  }

  /** The answer of a step; undefined: none yet. */
  answerOf(lesson, at) {
    return this.#of(lesson).answers.get(at)?.answer;
  }

  /** What a text calls "kept.2.run.loss" or "answer.2". @param {{at: number, fact?: string}} mention */
  read(lesson, { at, fact }) {
    const { kept, answers } = this.#of(lesson);
    if (fact) return kept.get(at)?.results.get(fact) ?? "–";
    const found = answers.get(at);
    return found ? answerText(found.ask, found.answer) : "–";
  }

  /** The kept rows of a lesson; null: there is none. */
  tableOf(lesson) {
    const rows = inOrder(this.#of(lesson).kept);
    return rows.length > 0 ? tableOf(rows) : null;
  }

  /** For the report: the learner, if there is a name, and the lessons in which something was left, if there are any. */
  told() {
    const left = [...this.#lessons.values()].filter(({ kept, answers }) => kept.size + answers.size > 0);
    return { ...(this.#name && { learner: this.#name }), ...(left.length > 0 && { lessons: left.map(toldOf) }) };
  }
}
