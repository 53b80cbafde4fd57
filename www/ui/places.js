/**
 * Shows the parts of a room, or those that an address or a lesson names: loads what brings them, fills each once, and
 * lays them out. A part is one element, which moves to where it is shown: rooms may share one.
 */
import { ROOMS, roomOf } from "../rooms.js";
import { element } from "./dom.js";
import { PartTabs } from "./parttabs.js";

/** The name of what shows parts of several rooms. */
const STAGE = "stage";

export class Places {
  #session;
  #main;
  /** Part -> its element. @type {Map<string, HTMLElement>} */
  #parts = new Map();
  /** Room -> settles once its parts are there. @type {Map<string, Promise<object>>} */
  #loads = new Map();
  /** Name of a room or the stage -> its element. @type {Map<string, HTMLElement>} */
  #sections = new Map();
  /** Room -> its rows of tabs. @type {Map<string, PartTabs[]>} */
  #tabs = new Map();
  /** Parts that stand in what is shown, seen or behind a tab. */
  #standing = [];
  /** The latest wish: what was asked for before it is not shown any more. */
  #turn = null;
  #listeners = [];
  /** The room that is open; null: parts of several. @type {string|null} */
  room = null;

  /**
   * @param {import("../session.js").Session} session
   * @param {HTMLElement} main takes the rooms in
   */
  constructor(session, main) {
    this.#session = session;
    this.#main = main;
  }

  /** Calls `listener` when something else is shown. */
  listen(listener) {
    this.#listeners.push(listener);
  }

  /** Names of the parts that are shown. */
  get shown() {
    const tabs = this.#tabs.get(this.room) ?? [];
    return this.#standing.filter((part) => tabs.every((row) => !row.has(part) || row.opened === part));
  }

  /**
   * Opens a room.
   * @param {string} name
   * @param {string} [part] that is to be seen, where it is behind a tab
   */
  async open(name, part) {
    const turn = (this.#turn = {});
    const entry = ROOMS.find((one) => one.name === name);
    const room = await this.#load(entry);
    if (this.#turn !== turn) return;
    await this.#show(name, room, turn);
    if (part && this.room === name) this.#unfold(part);
  }

  /** Shows these parts together, in their order. @param {string[]} parts */
  async stage(parts) {
    const turn = (this.#turn = {});
    await this.#show(STAGE, { rows: [{ columns: [parts] }] }, turn);
  }

  /** Sees to it that a part is shown: where it is not here, the room that brings it opens. @param {string} part */
  async reveal(part) {
    const entry = roomOf(part);
    if (!entry) return;
    // It is there even where another wish comes before it is shown.
    await this.#fill(part);
    if (this.#standing.includes(part)) this.#unfold(part);
    else await this.open(entry.name, part);
  }

  /** Opens the tab that a part is behind. */
  #unfold(part) {
    if (this.shown.includes(part)) return;
    this.#tabs.get(this.room)?.find((row) => row.has(part))?.open(part);
    this.#tell();
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }

  /** Loads a room without showing it. @param {string} name */
  async prepare(name) {
    const entry = ROOMS.find((one) => one.name === name);
    await this.#load(entry);
    for (const part of entry.parts) await this.#fill(part);
  }

  #load(entry) {
    const { name, label, load } = entry;
    if (!this.#loads.has(name)) {
      const loading = load();
      // Another try is due where it could not be fetched.
      loading.catch((error) => {
        this.#loads.delete(name);
        this.#session.notify("error", `"${label}" could not be loaded: ${error.message}`);
      });
      this.#loads.set(name, loading);
    }
    return this.#loads.get(name);
  }

  /** The element of a part, filled. It has to stand in the page before it is. */
  async #fill(name) {
    const entry = roomOf(name);
    const { mount, id = name } = (await this.#load(entry)).parts[name];
    if (this.#parts.has(name)) return this.#parts.get(name);
    const root = element("section", { id, class: `panel ${name}`, "data-part": name, "aria-labelledby": `${name}-title` });
    this.#parts.set(name, root);
    this.#section(entry.name).append(root);
    this.#session.catchUp(() => mount(root, this.#session));
    return root;
  }

  #section(name) {
    if (!this.#sections.has(name)) {
      const section = element("div", { class: name === STAGE ? "room stage-room" : "room", "data-room": name, hidden: true });
      this.#sections.set(name, section);
      this.#main.querySelector(".whole-page").before(section);
    }
    return this.#sections.get(name);
  }

  async #show(name, { rows, enter }, turn) {
    const parts = rows.flatMap(({ columns = [], tabs = [] }) => [...columns.flat(), ...tabs.map(({ part }) => part)]).filter((part) => roomOf(part));
    for (const part of parts) await this.#fill(part);
    if (this.#turn !== turn) return;
    const section = this.#section(name);
    this.#layOut(name, section, rows);
    const changed = section.hidden;
    for (const other of this.#sections.values()) other.hidden = other !== section;
    this.#standing = parts;
    this.room = name === STAGE ? null : name;
    document.body.dataset.room = name;
    if (changed) enter?.();
    this.#tell();
  }

  /** Puts the parts into their rows and columns; where they stand so already, nothing moves. */
  #layOut(name, section, rows) {
    rows.forEach((wanted, i) => {
      const row = section.children[i]?.matches(".row, .tabbed") ? section.children[i] : this.#makeRow(name, wanted);
      if (row.parentNode !== section) section.insertBefore(row, section.children[i] ?? null);
      if (!wanted.tabs) this.#fillColumns(row, wanted);
    });
    for (const row of this.#tabs.get(name) ?? []) row.take(this.#parts);
  }

  #makeRow(name, { tabs, label }) {
    if (!tabs) return element("div", { class: "row" });
    const made = new PartTabs(label, tabs, () => this.#tell());
    this.#tabs.set(name, [...(this.#tabs.get(name) ?? []), made]);
    return made.box;
  }

  #fillColumns(row, { widths, columns }) {
    row.style.setProperty("--widths", widths ?? `repeat(${columns.length}, minmax(0, 1fr))`);
    columns.forEach((names, k) => {
      const column = row.children[k] ?? row.appendChild(element("div", { class: "column" }));
      const wanted = names.filter((name) => this.#parts.has(name)).map((name) => this.#parts.get(name));
      const same = wanted.length === column.children.length && wanted.every((part, at) => column.children[at] === part);
      if (!same) column.replaceChildren(...wanted);
    });
  }
}
