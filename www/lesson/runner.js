/**
 * Runs a lesson on the real page: sets the settings that it begins from, watches whether the task of the step is
 * done, and does it for the learner if asked. No DOM of its own but the buttons that it presses.
 */
import { To } from "../protocol.js";
import { defaults, SETTINGS } from "../state.js";
import { BUTTONS } from "../parts.js";
import { holds, snapshot } from "./conditions.js";

/** What belongs to the machine and the view stays as it is. */
const OWN = SETTINGS.filter(({ place }) => place === "engine" || place === "view").map(({ key }) => key);

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
  #session;
  #changed;

  /**
   * @param {import("../session.js").Session} session
   * @param {(what: "lesson"|"step"|"done") => void} changed
   */
  constructor(session, changed) {
    this.#session = session;
    this.#changed = changed;
    session.client.onAnswer = (type, body) => {
      if (type !== To.CLASSIFY || !body.pixels) return;
      this.seen.pictures += 1;
      this.look();
    };
  }

  get step() {
    return this.lesson?.steps[this.at] ?? null;
  }

  /** Whether the learner may go on: the task is done, or there is none. */
  get ready() {
    return Boolean(this.step) && (!this.step.until || this.done.has(this.at));
  }

  /** Whether every task is done. */
  get complete() {
    return Boolean(this.lesson) && this.lesson.steps.every((step, i) => !step.until || this.done.has(i));
  }

  /** Begins a lesson: its settings, a fresh run, and the step. @param {import("./format.js").Lesson} lesson */
  begin(lesson) {
    const kept = Object.fromEntries(OWN.map((key) => [key, this.#session.settings[key]]));
    Object.assign(this.#session.settings, defaults(), lesson.settings, kept);
    this.#session.changed("settings");
    this.#session.pause();
    const made = this.#session.reset();
    this.#making = made;
    this.resume(lesson, 0);
    return made.then(() => {
      if (this.#making !== made) return; // another lesson was begun meanwhile
      this.#making = null;
      // What is compared with the step's start is compared with the new run.
      this.#begun();
    });
  }

  /** Goes on with a lesson whose run and settings the address has brought. @param {import("./format.js").Lesson} lesson */
  resume(lesson, at) {
    this.lesson = lesson;
    this.done = new Set();
    this.at = Math.min(at, lesson.steps.length - 1);
    this.#begun();
    this.#changed("lesson");
  }

  #begun() {
    this.#start = snapshot(this.step?.until, this.#session, this.seen);
    this.look();
  }

  end() {
    this.lesson = null;
    this.#changed("lesson");
  }

  /** Goes to a step. */
  go(at) {
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
    this.#changed("done");
  }

  /** Does what the task asks: settings by their keys, then buttons, each as soon as it can be pressed. */
  async help() {
    const { set = {}, press = [] } = this.step?.help ?? {};
    for (const [key, value] of Object.entries(set)) this.#session.set(key, value);
    for (const name of press) {
      await this.#idle();
      // The page draws its buttons a frame after the session has changed.
      await new Promise(requestAnimationFrame);
      await new Promise(requestAnimationFrame);
      document.querySelector(BUTTONS[name])?.click();
    }
  }

  async #idle() {
    while (this.#session.busy) await this.#session.turn;
  }
}
