/**
 * Data sets kept on this device, in the browser's own file system (OPFS): a folder a set with its pixels and labels as they
 * were read and a `set.json` that says what they are; former versions kept files as they came. Everything here is a convenience: where the browser has no such
 * file system, or no room, the page works as without, and says so where the sets are listed.
 *
 * @typedef {object} Kept
 * @property {string} id name of its folder
 * @property {string} data value of the setting `data`
 * @property {string} name
 * @property {string} fingerprint
 * @property {number} train images
 * @property {number} test images
 * @property {string[]} [classes] not of files as they came
 * @property {string[]} [notes] what its user should know, of a set that was read
 * @property {string[]} files
 * @property {number} bytes
 */

import { write } from "./kept/write.js";

const FOLDER = "datasets";
const FACTS = "set.json";

export class Store {
  /** @type {Kept[]} */
  sets = [];
  /** Name of the set that is being written, or null. */
  writing = null;
  /** Why sets were not kept, since one was last asked to be; or null. */
  problem = null;
  #changed;
  #read;
  /** Sets are written one after the other, in the order in which they were loaded. */
  #turn;

  /** @param {() => void} changed called when other sets are kept, or one is being written */
  constructor(changed) {
    this.#changed = changed;
    this.#read = this.#list();
    this.#turn = this.#read;
  }

  /** The folder of the sets; rejects where the browser has none to give (private windows of some). */
  async #folder() {
    const root = await navigator.storage.getDirectory();
    return root.getDirectoryHandle(FOLDER, { create: true });
  }

  async #list() {
    const sets = [];
    try {
      const folder = await this.#folder();
      for await (const [id, handle] of folder.entries()) {
        try {
          const facts = await (await handle.getFileHandle(FACTS)).getFile();
          sets.push({ id, ...JSON.parse(await facts.text()) });
        } catch {
          // Half of a set: the page was closed while it was being written, or another tab is writing it now.
        }
      }
    } catch {
      return; // nothing can be kept here
    }
    this.sets = sets.sort((a, b) => b.at - a.at);
    this.#changed();
  }

  /**
   * The set that `data` and, if given, its fingerprint name, as a source of `To.LOAD`; null if it is not here.
   * @param {string} data value of the setting
   * @param {string} fingerprint of its images, or ""
   */
  async find(data, fingerprint) {
    await this.#read;
    const of = this.sets.filter((set) => set.data === data);
    const set = of.find((one) => one.fingerprint === fingerprint) ?? of[0];
    return set ? this.source(set) : null;
  }

  /** @param {Kept} set @returns {Promise<object>} a source of `To.LOAD` */
  async source(set) {
    const folder = await (await this.#folder()).getDirectoryHandle(set.id);
    const files = [];
    for (const name of set.files) files.push(await (await folder.getFileHandle(name)).getFile());
    if (set.notes) {
      const [pixels, labels] = files;
      const { data, name, classes, notes, train } = set;
      return { kind: "set", of: data, name, classes, notes, train, pixels, labels: new Uint16Array(await labels.arrayBuffer()), leftOut: [] };
    }
    if (set.data !== "images") return { kind: "files", files };
    const [pixels, labels] = await Promise.all(files.map(async (file) => new Uint8Array(await file.arrayBuffer())));
    return { kind: "images", name: set.name, classes: set.classes, pixels, labels };
  }

  /**
   * Writes a loaded set to this device, unless it is there.
   * @param {string} data value of the setting `data`
   * @param {object} info DatasetInfo
   * @param {object} source what it was loaded from: kind "set" or "images"
   */
  keep(data, info, source) {
    this.problem = null;
    this.#changed();
    this.#turn = this.#turn.then(() => this.#keep(data, info, source));
    return this.#turn;
  }

  async #keep(data, { name, fingerprint, train, test, classes }, source) {
    const id = `${data}-${fingerprint}`;
    if (this.sets.some((set) => set.id === id)) return;
    this.writing = name;
    this.#changed();
    try {
      const { pixels, labels, notes } = source;
      const files = [["pixels", new Blob([pixels])], ["labels", new Blob([labels])]];
      const bytes = files.reduce((sum, [, blob]) => sum + blob.size, 0);
      const facts = { data, name, fingerprint, train, test, bytes, at: Date.now(), files: files.map(([of]) => of), classes, ...(notes && { notes }) };
      const { quota, usage } = (await navigator.storage?.estimate?.()) ?? {};
      if (quota - usage < bytes) throw new Error("this device has no room left for the page");
      await write([FOLDER, id], [...files, [FACTS, new Blob([JSON.stringify(facts)])]]);
      // Else the browser may clear it when the device runs short. Not waited for: some browsers ask the user.
      navigator.storage.persist?.().catch(() => {});
    } catch (error) {
      this.problem = [this.problem, `${name} is not kept: ${error.message}.`].filter(Boolean).join(" ");
      await this.#remove(id).catch(() => {});
    }
    this.writing = null;
    await this.#list();
    this.#changed();
  }

  async #remove(id) {
    await (await this.#folder()).removeEntry(id, { recursive: true });
  }

  /** @param {string} id of a kept set */
  async forget(id) {
    try {
      await this.#remove(id);
      this.problem = null;
    } catch (error) {
      this.problem = `It could not be forgotten: ${error.message}`;
    }
    await this.#list();
    this.#changed();
  }
}
