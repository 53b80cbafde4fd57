/**
 * Runs kept on this device: in the browser's own file system, or, where it has none or no room, in this tab for as long as
 * it is open. A run that is removed goes for good at the next visit.
 *
 * @typedef {object} Kept
 * @property {string} key
 * @property {string} name given by the user, or ""
 * @property {import("./header.js").About} about
 * @property {Blob[]} files the newest first
 * @property {number} bytes
 * @property {number} at when it was saved last
 * @property {boolean} unoffered a lesson or a sweep has trained it
 * @property {boolean} lasting it is there at the next visit
 */
import { aboutOf } from "./header.js";
import { FACTS, folderOf, runsFolder, SLOTS } from "./folder.js";
import { heldAnywhere, lockOf } from "./locks.js";
import { write } from "./write.js";

async function factsOf(folder) {
  try {
    return JSON.parse(await (await (await folder.getFileHandle(FACTS)).getFile()).text());
  } catch {
    return {};
  }
}

/** Whether nothing was ever saved there. */
async function isEmpty(folder) {
  for (const name of SLOTS) {
    const size = await folder.getFileHandle(name).then((handle) => handle.getFile()).then((file) => file.size, () => 0);
    if (size > 0) return false;
  }
  return true;
}

/** What files have said: most are as they were the last time. @type {Map<string, {size: number, lastModified: number, about: object|null}>} */
const read = new Map();

async function aboutOnce(key, file) {
  const { name, size, lastModified } = file;
  const place = `${key}/${name}`;
  const known = read.get(place);
  if (known?.size === size && known.lastModified === lastModified) return known.about;
  const about = await aboutOf(file);
  read.set(place, { size, lastModified, about });
  return about;
}

/** Of two saves within the grain of the file system's clock the one with later notes is the newer. */
export const newerFirst = (a, b) => b.about.step - a.about.step || b.about.noted - a.about.noted || b.file.lastModified - a.file.lastModified;

/** The files of a run that are whole, the newest first. @returns {Promise<{file: File, about: object}[]>} */
async function filesOf(key, folder) {
  const whole = [];
  for (const name of SLOTS) {
    try {
      const file = await (await folder.getFileHandle(name)).getFile();
      const about = await aboutOnce(key, file);
      if (about) whole.push({ name, file, about });
    } catch {
      // There is but one.
    }
  }
  return whole.sort(newerFirst);
}

export class KeptRuns {
  /** @type {Kept[]} the newest first */
  runs = [];
  /** Why the browser keeps none; or null. */
  problem = null;
  #changed;
  #inTab = new Map();
  #read = null;
  #tabs = new BroadcastChannel("nibble-runs");

  /** @param {() => void} changed called when other runs are kept */
  constructor(changed) {
    this.#changed = changed;
    this.#tabs.onmessage = () => this.refresh();
  }

  /** Looks again, here and in other tabs. */
  changed() {
    this.#tabs.postMessage("changed");
    return this.refresh();
  }

  /** Looks again. Resolves once `runs` says what there is. */
  refresh() {
    this.#read = (this.#read ?? this.#clear()).then(() => this.#list());
    return this.#read;
  }

  /** What was removed on earlier visits, or never saved. */
  async #clear() {
    try {
      const runs = await runsFolder();
      const busy = await heldAnywhere();
      for await (const [key, folder] of runs.entries()) {
        if (busy.has(lockOf(key)) || (!(await factsOf(folder)).removed && !(await isEmpty(folder)))) continue;
        await runs.removeEntry(key, { recursive: true }).catch(() => {});
      }
    } catch {
      // None are kept.
    }
  }

  async #list() {
    const runs = [...this.#inTab.values()].filter(({ removed }) => !removed);
    try {
      for await (const [key, folder] of (await runsFolder()).entries()) {
        const { name = "", unoffered = false, removed } = await factsOf(folder);
        const files = removed ? [] : await filesOf(key, folder);
        if (files.length === 0) continue;
        const [{ about, file }] = files;
        const bytes = files.reduce((sum, { file: { size } }) => sum + size, 0);
        runs.push({ key, name, unoffered, about, files: files.map((one) => one.file), bytes, at: file.lastModified, lasting: true });
      }
      this.problem = null;
    } catch (error) {
      this.problem = error.message || error.name;
    }
    this.runs = runs.sort((a, b) => b.at - a.at);
    this.#changed();
  }

  /** @param {string} key @returns {Kept|undefined} */
  find(key) {
    return this.runs.find((run) => run.key === key);
  }

  /** Holds a file for as long as the tab is open. */
  async hold(key, file) {
    const about = await aboutOf(file);
    if (!about) throw new Error("it is no run that was saved by Nibble, or not the whole of one");
    this.#inTab.set(key, { key, name: "", unoffered: false, about, files: [file], bytes: file.size, at: Date.now(), lasting: false });
    await this.refresh();
  }

  async #facts(key, facts) {
    const held = this.#inTab.get(key);
    if (held) Object.assign(held, facts);
    else {
      const all = { ...(await factsOf(await folderOf(key))), ...facts };
      await write(["runs", key], [[FACTS, new Blob([JSON.stringify(all)])]]);
    }
    await this.changed();
  }

  rename(key, name) {
    return this.#facts(key, { name });
  }

  /** Whether a lesson or a sweep trains it. */
  unoffered(key, unoffered) {
    return this.#facts(key, { unoffered });
  }

  remove(key) {
    return this.#facts(key, { removed: true });
  }

  /** Undoes `remove`. */
  bringBack(key) {
    return this.#facts(key, { removed: false });
  }

  /** Of a run that nobody trains now, the older of its two files. */
  async thin(key) {
    try {
      const folder = await folderOf(key);
      const [, ...older] = await filesOf(key, folder);
      for (const { name } of older) await folder.removeEntry(name);
    } catch {
      // It takes more room than it needs, or is not there.
    }
  }

  /** Deletes all of them for good, those that some tab has open once that is closed. */
  async forgetAll() {
    this.#inTab.clear();
    try {
      const runs = await runsFolder();
      const busy = await heldAnywhere();
      for await (const key of runs.keys()) {
        if (busy.has(lockOf(key))) await this.remove(key);
        else await runs.removeEntry(key, { recursive: true });
      }
    } catch {
      // None are kept.
    }
    await this.changed();
  }
}
