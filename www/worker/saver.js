/**
 * Saves runs to the browser's own file system while they train: each has a folder with two files, of which the older is
 * written next, so that one that was cut off never was the only copy.
 *
 * @typedef {object} Saved
 * @property {string} key name of its folder
 * @property {FileSystemSyncAccessHandle[]} files the two of them; the first is written next
 * @property {string} notes what the page wants to find again, see `To.NOTE`
 * @property {number} interval training time between two saves, ms; an epoch's end and a pause do not wait for it
 * @property {number} turn of the loop that was saved last; -1: none yet
 * @property {number} at when that was
 * @property {number} ms that it took
 * @property {number} timer of a save that waits
 */
import { From } from "../protocol.js";
import { folderOf, SLOTS } from "../kept/folder.js";
import { isFatal } from "./fatal.js";

/** Training time between two saves, unless told. */
const INTERVAL_MS = 20_000;
/** The most of the time that saving takes: large and fast runs are saved less often. */
const SHARE = 0.015;

export class Saver {
  #tell;
  /** Run -> where it is saved. @type {Map<number, Saved>} */
  #saved = new Map();

  /** @param {(type: string, body: object) => void} tell posts to the page */
  constructor(tell) {
    this.#tell = tell;
  }

  /** From now on run `id` is saved in the folder of that key. See `To.KEEP`. */
  async keep(id, key, notes, interval = INTERVAL_MS) {
    this.leave(id);
    const folder = await folderOf(key, true);
    const files = [];
    for (const name of SLOTS) {
      const handle = await folder.getFileHandle(name, { create: true });
      const { size, lastModified } = await handle.getFile();
      files.push({ handle, age: size === 0 ? 0 : lastModified });
    }
    files.sort((a, b) => a.age - b.age);
    const opened = [];
    try {
      for (const { handle } of files) opened.push(await handle.createSyncAccessHandle());
    } catch (error) {
      for (const access of opened) access.close();
      throw error;
    }
    this.#saved.set(id, { key, files: opened, notes, interval, turn: -1, at: -Infinity, ms: 0, timer: 0 });
  }

  note(id, notes) {
    const saved = this.#saved.get(id);
    if (!saved || saved.notes === notes) return;
    saved.notes = notes;
    this.touch(id);
  }

  /** Run `id` has changed without training. */
  touch(id) {
    const saved = this.#saved.get(id);
    if (saved) saved.turn = -1;
  }

  /** Run `id` is saved no more. */
  leave(id) {
    const saved = this.#saved.get(id);
    if (!saved) return;
    clearTimeout(saved.timer);
    for (const file of saved.files) file.close();
    this.#saved.delete(id);
  }

  /**
   * After a unit of run `id`: saves it if that is due.
   * @param {import("./loop.js").Entry} entry
   * @param {boolean} rests it has ended an epoch, or stands still
   */
  after(id, entry, rests) {
    const saved = this.#saved.get(id);
    if (!saved || entry.turn === saved.turn) return;
    const cheap = saved.at + saved.ms / SHARE;
    const due = Math.max(cheap, rests ? 0 : saved.at + saved.interval);
    const wait = due - performance.now();
    if (wait <= 0) this.save(id, entry);
    else if (rests && entry.left === 0) {
      // Nothing would bring it back here.
      clearTimeout(saved.timer);
      saved.timer = setTimeout(() => this.after(id, entry, true), wait);
    }
  }

  /** Saves run `id` now, if it has changed since. */
  save(id, entry) {
    const saved = this.#saved.get(id);
    if (!saved || entry.turn === saved.turn) return;
    const began = performance.now();
    const { key, files: [file] } = saved;
    try {
      const bytes = write(file, entry.run, saved.notes);
      saved.files.reverse();
      saved.turn = entry.turn;
      this.#tell(From.KEPT, { run: id, key, step: entry.step, bytes, ms: performance.now() - began });
    } catch (error) {
      if (isFatal(error)) throw error;
      clear(file);
      this.#tell(From.KEPT, { run: id, key, error: error.message || error.name });
    }
    saved.at = performance.now();
    saved.ms = saved.at - began;
  }
}

/** Writes a run in the place of what the file held. @returns {number} bytes */
function write(file, run, notes) {
  file.truncate(0);
  let at = 0;
  run.save(notes, (bytes) => {
    if (file.write(bytes, { at }) !== bytes.length) throw new Error("this device has no room left for the page");
    at += bytes.length;
  });
  file.flush();
  return at;
}

/** Half a run is worth nothing, and takes the room of what could be saved. */
function clear(file) {
  try {
    file.truncate(0);
  } catch {
    // What is cut off there is known as such.
  }
}

/** Bytes that go into one piece of a file in memory. */
const PIECE = 8 << 20;

/** A run as a file to download, with its images where somebody else is to train it. @returns {Blob} */
export function fileOf(run, notes, images) {
  let pieces = [];
  let size = 0;
  let file = new Blob();
  const add = () => {
    file = new Blob([file, ...pieces]);
    pieces = [];
    size = 0;
  };
  const write = (bytes) => {
    pieces.push(bytes);
    size += bytes.length;
    // What a Blob holds the browser can put aside.
    if (size >= PIECE) add();
  };
  if (images) run.saveWithImages(write);
  else run.save(notes, write);
  add();
  return file;
}
