/**
 * Runs a lesson on the real page: sets the settings that it begins from, watches whether the task of the step is
 * done, and does it for the learner if asked. No DOM of its own but the buttons that it presses.
 */
import { To } from "../protocol.js";
import { byPresentNames, defaults, settingOf, SETTINGS } from "../settings.js";
import { BUTTONS } from "../parts.js";
import { holds, snapshot } from "./conditions.js";
import { factText, resultText } from "./facts.js";
import { mentionOf } from "./format.js";

/** What belongs to the machine and the view stays as it is, unless a lesson names it. */
const OWN = SETTINGS.filter(({ group }) => group === "engine" || group === "view").map(({ key }) => key);

/** Buttons that are not pressed while what they do is there already. */
const NEEDLESS = {
  train: (session) => session.playing,
  apply: (session) => session.waiting.length === 0,
  undo: (session) => session.waiting.length === 0,
  race: (session) => session.runs.length > 1,
  "race-waiting": (session) => session.runs.length > 1,
  fork: (session) => session.runs.length > 1,
  measure: (session) => Boolean(session.run?.measurements?.running),
  "race-bits": (session) => session.runs.length > 1,
  ptq: (session) => session.runs.some((run) => run.afterTraining?.running),
};
/** The page has shown by then whether a button can be pressed. */
const SHOWN_MS = 500;

/** Whether this page was there before, in this tab: reloaded, or come back to. */
const cameBack = () => performance.getEntriesByType("navigation")[0]?.type !== "navigate";

export class Runner {
  /** @type {import("./format.js").Lesson|null} */
  lesson = null;
  /** Index of the step. */
  at = 0;
  /** Steps whose task is done. @type {Set<number>} */
  done = new Set();
  /** What is counted for the facts, see facts.js. */
  seen = { pictures: 0 };
  #start = {};
  /** The lesson's run is still being made: the one that is there says nothing about it. */
  #making = null;
  /** The help under way; another one, or another step, takes its place. */
  #helping = null;
  #session;
  #changed;
  #reveal;

  /**
   * @param {import("../session.js").Session} session
   * @param {(what: "lesson"|"step"|"done"|"answer") => void} changed
   * @param {(button: string) => Promise<void>} reveal opens the room that has a button
   */
  constructor(session, changed, reveal) {
    this.#session = session;
    this.#changed = changed;
    this.#reveal = reveal;
    session.client.onAnswer = (type, body) => {
      if (type !== To.CLASSIFY || !body.pixels) return;
      this.seen.pictures += 1;
      this.look();
    };
  }

  get step() {
    return this.lesson?.steps[this.at] ?? null;
  }

  /** Whether all that the step wants is done: its task, and a try of its question. */
  get ready() {
    const { step } = this;
    if (!step || (step.until && !this.done.has(this.at))) return false;
    return !step.ask || this.notebook.answerOf(this.lesson, this.at) !== undefined;
  }

  get notebook() {
    return this.#session.notebook;
  }

  /** What a text's braces stand for. @param {string} name */
  read(name) {
    const mention = mentionOf(name);
    return mention ? this.notebook.read(this.lesson, mention) : factText(name, this.#session, this.seen);
  }

  /** Takes an answer to the step's question. @param {string|number} answer */
  answer(answer) {
    this.notebook.answer(this.lesson, this.at, answer);
    this.#changed("answer");
  }

  /** Whether every task is done. */
  get complete() {
    return Boolean(this.lesson) && this.lesson.steps.every((step, i) => !step.until || this.done.has(i));
  }

  /** Begins a lesson: its settings, a fresh run, and the step. @param {import("./format.js").Lesson} lesson */
  begin(lesson) {
    this.#takeSettings(lesson, []);
    this.#session.pause();
    this.notebook.begin(lesson);
    return this.#open(lesson, 0, this.#session.reset());
  }

  /**
   * Opens a lesson as an address asks. The run that the address has brought stays if it is what the lesson wants.
   * @param {import("./format.js").Lesson} lesson
   * @param {number} at index of the step
   * @param {string[]} named keys of settings that stay as they are, whatever the lesson says
   */
  resume(lesson, at, named) {
    const session = this.#session;
    const { race } = session.settings;
    this.#takeSettings(lesson, named);
    const fits = session.waiting.length === 0 && session.settings.race === race;
    if (!cameBack()) this.notebook.begin(lesson);
    return this.#open(lesson, Math.min(at, lesson.steps.length - 1), fits ? null : session.reset());
  }

  #takeSettings(lesson, named) {
    const { settings } = this.#session;
    const begin = byPresentNames(lesson.settings);
    const kept = [...OWN.filter((key) => !(key in begin)), ...named.filter(settingOf).map((key) => settingOf(key).key)];
    // The images are named by what names the data.
    if (named.includes("data")) kept.push("images");
    this.#session.take({ ...defaults(), ...begin, ...Object.fromEntries(kept.map((key) => [key, settings[key]])) });
  }

  /** @param {Promise<void>|null} made resolves once the lesson's run is there */
  async #open(lesson, at, made) {
    this.#making = made;
    this.#helping = null;
    Object.assign(this, { lesson, at, done: new Set() });
    this.#begun();
    this.#changed("lesson");
    await made;
    if (!made || this.#making !== made) return; // another lesson was begun meanwhile
    this.#making = null;
    // What is compared with the step's start is compared with the new run.
    this.#begun();
  }

  #begun() {
    this.#start = snapshot(this.step?.until, this.#session, this.seen);
    this.look();
  }

  end() {
    this.lesson = null;
    this.#helping = null;
    this.#changed("lesson");
  }

  /** Goes to a step. */
  go(at) {
    this.#helping = null;
    this.at = at;
    this.#begun();
    this.#changed("step");
  }

  /** Looks whether the task is done; what was done once stays done. Called with every change of the session. */
  look() {
    const { step } = this;
    if (!step?.until || this.done.has(this.at) || this.#making || this.#session.busy) return;
    if (!holds(step.until, this.#session, this.seen, this.#start)) return;
    this.done.add(this.at);
    if (step.keep) this.notebook.keep(this.lesson, this.at, (name) => resultText(name, this.#session, this.seen));
    this.#changed("done");
  }

  /** Does what the task asks: settings by their keys, then buttons, each once the one before has done its work. */
  async help() {
    const { set = {}, press = [] } = this.step?.help ?? {};
    const help = (this.#helping = {});
    for (const [key, value] of Object.entries(byPresentNames(set))) this.#session.set(key, value);
    for (const name of press) if (!(await this.#press(name, help))) return;
  }

  /** Presses a button as soon as it can be pressed, unless there is no need to. @returns {Promise<boolean>} whether to go on */
  async #press(name, help) {
    const session = this.#session;
    await this.#reveal(name);
    const button = document.querySelector(BUTTONS[name]);
    const from = performance.now();
    for (;;) {
      await this.#idle();
      if (this.#helping !== help) return false;
      if (NEEDLESS[name]?.(session)) return true;
      // A finished run has no steps left.
      if (name === "train" && session.finished) await session.reset();
      if (!button.disabled) break;
      if (session.playing || performance.now() - from < SHOWN_MS) continue;
      session.notify("info", `"${button.textContent.trim()}" cannot be pressed yet: what comes before this step is still to be done.`);
      return false;
    }
    button.click();
    return true;
  }

  /** Waits until nothing is being changed, and for a frame at least. */
  async #idle() {
    do {
      await new Promise(requestAnimationFrame);
      await this.#session.turn;
    } while (this.#session.busy);
  }
}
