/**
 * Keeps the session's runs on this device from their first step on, and gives kept ones back. What the worker saves and
 * when, worker/saver.js says; here is which runs those are, and to which of several tabs they belong.
 */
import { roundings } from "../difference.js";
import { From, To } from "../protocol.js";
import { fileName, plain, save } from "../share/save.js";
import { runsFolder, SUFFIX } from "./folder.js";
import { settingsOf } from "./header.js";
import { heldAnywhere, lockOf } from "./locks.js";
import { KeptRuns } from "./runs.js";
import { notesOf } from "./notes.js";

/** Time between two notes of a run that trains, and where an epoch ends: they take time by what is noted. */
const NOTE_MS = 15_000;
const NOTE_EPOCH_MS = 2_000;
/** A tab that gives a run up needs a moment to close its files. */
const TRIES = 30;
const PAUSE_MS = 100;

/** How long a run that was given up is offered back. */
const OFFER_MS = 30_000;
/** In the browser's memory of the page: that it was asked to keep what is here. */
const ASKED = "nibble.persist";

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const newKey = () => `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;

/** Whether a file is a saved run by its name; browsers may have put a number into it. @param {File} file */
export const isSavedRun = ({ name }) => /\.safetensors$/i.test(name);

/** Added to a finished run that goes on. */
export const MORE_EPOCHS = 5;

/** Whether a kept run has trained all its epochs. @param {import("./runs.js").Kept} kept */
export const isFinished = ({ about: { epochs, settings } }) => epochs.length >= Number(settings.epochs);

/** Asks the browser, once on this device, to keep what is here when the device runs short: some of them ask the user. */
function askOnce() {
  try {
    if (localStorage.getItem(ASKED)) return;
    localStorage.setItem(ASKED, "yes");
    navigator.storage.persist?.().catch(() => {});
  } catch {
    // Without such a memory it would be asked at every save.
  }
}

export class Keeping {
  #session;
  /** Key -> ends the hold of this tab on that run. @type {Map<string, () => void>} */
  #held = new Map();
  /** Keys of the runs that the worker saves as they train. @type {Set<string>} */
  #saving = new Set();
  /** Keys of the runs that were begun in this visit: not what an earlier one has left. @type {Set<string>} */
  #begun = new Set();
  #notedAt = 0;
  /** Settles once the runs that were begun are kept, or are not. */
  #turn = Promise.resolve();
  /** Why runs are not kept, as the user was told last. */
  #told = "";
  /** Milliseconds between two saves, where that is not what the worker takes: those who end it on purpose cannot wait so long. */
  interval = null;
  /** Lessons and sweeps that train now: their runs are kept too, and not offered back. @type {Set<string>} */
  #trainers = new Set();
  /** Takes the message away that offered the last run back. */
  #takeBack = () => {};

  /** @param {import("../session.js").Session} session */
  constructor(session) {
    this.#session = session;
    this.list = new KeptRuns(() => session.tell("keptRuns"));
    session.client.on(From.KEPT, (body) => this.#saved(body));
    const noteAfter = (ms) => performance.now() - this.#notedAt > ms && this.#noteAll();
    session.on("steps", () => noteAfter(NOTE_MS));
    session.on("epoch", () => noteAfter(NOTE_EPOCH_MS));
    session.on("status", () => session.playing || noteAfter(0));
    const hide = () => document.visibilityState === "hidden" && this.saveNow();
    document.addEventListener("visibilitychange", hide);
    // Some browsers end a page without hiding it first.
    addEventListener("pagehide", () => this.saveNow());
    document.addEventListener("freeze", () => this.saveNow());
  }

  /** A page within another keeps nothing. */
  get #on() {
    return !this.#session.settings.embed;
  }

  /** A lesson or a sweep begins to train, or ends. @param {string} name @param {boolean} on */
  trainedBy(name, on) {
    if (on) this.#trainers.add(name);
    else this.#trainers.delete(name);
  }

  /** Whether this tab trains, or could train, the run of that key. */
  holds(key) {
    return this.#held.has(key);
  }

  #noteAll() {
    this.#notedAt = performance.now();
    for (const run of this.#session.runs) if (run.trained && this.#saving.has(run.key)) this.#note(run);
  }

  #note(run) {
    return this.#session.client.request(To.NOTE, { run: run.id, notes: notesOf(run) }).catch(() => {});
  }

  /** Saves what has been trained since the last time. */
  saveNow() {
    const runs = this.#session.runs.filter(({ trained, key }) => trained && this.#saving.has(key));
    if (runs.length === 0 || !this.#session.engine) return;
    this.#noteAll();
    this.#session.client.request(To.SAVE, { runs: runs.map(({ id }) => id) }).catch(() => {});
  }

  /** These are about to train: from now on they are kept. @param {import("../runs.js").RunRecord[]} runs */
  begin(runs) {
    if (!this.#on) return;
    for (const run of runs) {
      run.unoffered = this.#trainers.size > 0;
      run.key ??= newKey();
      this.#begun.add(run.key);
    }
    // One after the other: steps are pressed faster than files open.
    this.#turn = this.#turn.then(() => this.#begin(runs));
  }

  async #begin(runs) {
    for (const run of runs) {
      if (this.#saving.has(run.key) || !this.#session.runs.includes(run)) continue;
      try {
        await runsFolder();
        if (!this.#held.has(run.key) && !(await this.#hold(run.key))) {
          run.key = newKey();
          await this.#hold(run.key);
        }
        await this.#keep(run);
        this.#saving.add(run.key);
        run.stray = false;
        if (run.unoffered !== (this.list.find(run.key)?.unoffered ?? false)) await this.list.unoffered(run.key, run.unoffered);
      } catch (error) {
        this.#release(run.key);
        this.#refused(error);
      }
    }
  }

  async #keep(run) {
    const body = { run: run.id, key: run.key, notes: run.trained ? notesOf(run) : "", interval: this.interval };
    for (let left = TRIES; ; left--) {
      try {
        return await this.#session.client.request(To.KEEP, body);
      } catch (error) {
        if (left === 0 || !/access handle|another open|modification/i.test(error.message)) throw error;
        await pause(PAUSE_MS);
      }
    }
  }

  #refused(error) {
    if (this.#told === error.message) return;
    this.#told = error.message;
    this.#session.notify("info", `Runs are not kept on this device: ${error.message}. To have one at another visit, download its file (Runs).`);
  }

  #saved({ run: id, key, error }) {
    const run = this.#session.runs.find((one) => one.id === id && one.key === key);
    if (error) {
      if (run && !run.unsaved) {
        this.#session.notify("error", `This run could not be saved on this device: ${error}. It goes on; its file can be downloaded.`, {
          label: "Download its file",
          act: () => this.download(run),
        });
      }
      if (run) run.unsaved = true;
      return;
    }
    if (run) run.unsaved = false;
    askOnce();
    this.list.changed();
  }

  /** Makes this tab the one that the run belongs to. @returns {Promise<boolean>} false: another tab has it */
  #hold(key, steal = false) {
    if (!navigator.locks) {
      this.#held.set(key, () => {});
      return Promise.resolve(true);
    }
    return new Promise((resolve, reject) => {
      const held = (lock) => {
        if (!lock) return resolve(false);
        return new Promise((release) => {
          this.#held.set(key, release);
          resolve(true);
        });
      };
      navigator.locks.request(lockOf(key), steal ? { steal } : { ifAvailable: true }, held).catch((error) => {
        reject(error);
        if (this.#held.delete(key)) this.#stolen(key);
      });
    });
  }

  #release(key) {
    const release = this.#held.get(key);
    this.#held.delete(key);
    this.#saving.delete(key);
    release?.();
  }

  /** The engine is gone, and with it what saved. */
  forsaken() {
    this.#saving.clear();
  }

  /** Another tab has taken a run over. */
  #stolen(key) {
    this.#saving.delete(key);
    const { client, runs } = this.#session;
    const run = runs.find((one) => one.key === key);
    if (!run) return;
    // What it has trained since its last save is here alone.
    Object.assign(run, { key: null, stray: true });
    client.request(To.LEAVE, { runs: [run.id] }).catch(() => {});
    client.request(To.PAUSE, { runs: [run.id] }).catch(() => {});
    this.#session.notify("info", "Another tab has taken this run over. If it is trained on here, it becomes a run of its own.");
  }

  /**
   * These are about to be replaced: saves them, and gives them up.
   * @param {readonly import("../runs.js").RunRecord[]} runs
   * @returns {Promise<string[]>} keys of those to offer back: not those of lessons and sweeps
   */
  async leave(runs) {
    if (!this.#on) return [];
    await this.#turn;
    const keys = [];
    for (const run of runs) {
      const alive = this.#session.engine && run.status !== "lost";
      // Where the browser keeps none, the tab does; and what nobody has trained here is where it came from.
      const astray = run.stray || (run.key !== null && !this.#held.has(run.key));
      if (run.trained && alive && astray) {
        run.key ??= newKey();
        await this.list.hold(run.key, await this.file(run));
      } else if (this.#held.has(run.key)) {
        await this.#giveUp(run, alive);
      }
      if (run.trained && run.key) keys.push(run.key);
    }
    await this.list.changed();
    return keys.filter((key) => this.list.find(key) && !runs.some((run) => run.key === key && run.unoffered));
  }

  /** Saves what is new of a run that is kept, and lets it go. */
  async #giveUp(run, alive) {
    const { key } = run;
    if (alive && this.#saving.has(key)) await this.#saveLast(run);
    this.#release(key);
    if (!run.trained) return;
    await this.list.thin(key);
    await this.list.refresh();
    // Somebody has cleared what the browser kept.
    if (alive && !this.list.find(key)) await this.list.hold(key, await this.file(run));
  }

  async #saveLast(run) {
    const { client } = this.#session;
    if (run.trained) {
      await this.#note(run);
      await client.request(To.SAVE, { runs: [run.id] });
    }
    // What could not be written there is held here.
    if (run.unsaved) await this.list.hold(run.key, await this.file(run));
    await client.request(To.LEAVE, { runs: [run.id] });
  }

  /** Offers runs back that were given up. @param {string[]} keys */
  tellLeft(keys) {
    this.#takeBack();
    const [first, ...others] = keys.map((key) => this.list.find(key)).filter(Boolean);
    if (!first) return;
    const [text, where] = [`The run "${this.title(first)}"`, first.lasting ? "is kept on this device" : "is kept as long as this page is open"];
    const more = others.length > 0 ? ` So is "${others.map((one) => this.title(one)).join('", "')}".` : "";
    const takeBack = this.#session.notify("info", `${text} ${where}.${more}`, { label: "Bring it back", act: () => this.open(first) });
    // Later the list has it.
    const timer = setTimeout(takeBack, OFFER_MS);
    this.#takeBack = () => {
      clearTimeout(timer);
      takeBack();
    };
  }

  /** What a kept run is called. @param {import("./runs.js").Kept} kept */
  title({ name, about }) {
    if (name) return name;
    const { settings } = settingsOf(about);
    return `${roundings(settings)}, seed ${settings.seed}`;
  }

  /**
   * Opens a kept run here; from another tab that trains it, it is taken away.
   * @param {import("./runs.js").Kept} kept
   * @param {{epochs?: number, play?: boolean, copy?: boolean}} [how] `copy`: as a run of its own
   */
  async open(kept, { copy = false, ...how } = {}) {
    const { key, lasting } = kept;
    const own = !copy && lasting && this.#on;
    // Once those that are open have been left: one of them may be this very one.
    const copies = async () => {
      if (own && !this.#held.has(key) && !(await this.#hold(key))) await this.#hold(key, true);
      await this.list.refresh();
      const now = this.list.find(key) ?? kept;
      return now.files.map((file) => ({ file, name: this.fileName(now) }));
    };
    await this.#session.open(copies, { ...how, key: own ? key : null });
    if (!this.#session.runs.some((run) => run.key === key)) this.#release(key);
  }

  /** Ways on from what was saved of runs whose engine is lost, for a message. @returns {{label: string, act: () => void}[]} */
  waysBack() {
    const kept = this.#session.runs.map(({ key }) => this.list.find(key)).filter(Boolean);
    const way = (one) => ({ label: `Go on from step ${one.about.step}`, act: () => this.open(one, { play: true }) });
    return kept.slice(0, 1).map(way);
  }

  /** Opens a file. @param {File} file */
  openFile(file) {
    return this.#session.open(async () => [{ file, name: file.name }]);
  }

  /** What a kept run is called as a file. */
  fileName(kept) {
    return `nibble-${kept.about.settings.model}-${plain(this.title(kept))}${SUFFIX}`;
  }

  /** Saves a run of the session as a file of the user's. */
  async download(run) {
    try {
      save(await this.file(run), fileName([run], SUFFIX.slice(1)));
    } catch (error) {
      this.#session.notify("error", `The run could not be saved: ${error.message}`);
    }
  }

  /** What the next visit finds: the last run, where it was not finished. */
  async offer() {
    await this.list.refresh();
    if (!this.#on) return;
    const busy = await heldAnywhere();
    const last = this.list.runs.find(({ key }) => !busy.has(lockOf(key)) && !this.#begun.has(key));
    if (!last || last.unoffered || isFinished(last)) return;
    const { epochs, settings } = last.about;
    const text = `Your last run is kept: "${this.title(last)}", ${epochs.length} of ${settings.epochs} epochs.`;
    this.#session.notify("info", text, { label: "Go on", act: () => this.open(last, { play: true }) });
  }

  /** A run of the session as a file. @returns {Promise<Blob>} */
  async file(run) {
    return (await this.#session.client.request(To.FILE, { run: run.id, notes: notesOf(run) })).file;
  }
}
