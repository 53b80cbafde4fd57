/**
 * The rooms of the page, in the order of their tabs: the first is the first screen. A room is one file of `www/rooms`,
 * loaded when the room, or one of its parts, is first shown, and one entry here: its name in the address (`?room=`), its
 * tab, and the names of the parts that it brings. A part has one name for addresses (`show=`), lessons and embeds, which
 * says nothing of where it stands. No DOM here.
 *
 * @typedef {object} Row parts of a room, side by side where there is room for it, or behind tabs
 * @property {string} [widths] of the columns, as CSS has them; equal ones unless told
 * @property {string[][]} [columns] names of the parts in each, from above
 * @property {{part: string, label: string}[]} [tabs] in place of columns: parts of which one is seen, the first until another
 *   is asked for
 * @property {string} [label] of the tabs together
 *
 * @typedef {object} Part
 * @property {(root: HTMLElement, session: import("./session.js").Session) => void} mount fills it, once
 * @property {string} [id] of its element; its name unless told
 *
 * @typedef {object} Room
 * @property {Row[]} rows
 * @property {() => void} [enter] called when it is opened
 * @property {Record<string, Part>} parts those that it brings; another room may show them too
 *
 * @typedef {object} Entry
 * @property {string} name
 * @property {string} label
 * @property {string[]} parts
 * @property {() => Promise<Room>} load
 */
const own = ({ room }) => room;

/** @type {readonly Entry[]} */
export const ROOMS = Object.freeze([
  { name: "train", label: "Train", parts: ["now", "health", "settings", "accuracy", "loss", "live-layer"], load: () => import("./rooms/train.js").then(own) },
  { name: "data", label: "Data", parts: ["data", "device"], load: () => import("./rooms/data.js").then(own) },
  { name: "model", label: "Model", parts: ["network", "schemes", "recipes", "levels", "fixed", "engine"], load: () => import("./rooms/model.js").then(own) },
  { name: "inside", label: "Inside", parts: ["moment", "weights", "activations", "gradients"], load: () => import("./rooms/inside.js").then(own) },
  { name: "bits", label: "Bits", parts: ["sensitivity", "assignment", "pareto"], load: () => import("./rooms/bits.js").then(own) },
  { name: "errors", label: "Errors", parts: ["errors", "try", "networks"], load: () => import("./rooms/errors.js").then(own) },
  { name: "runs", label: "Runs", parts: ["compare", "runs", "runtable", "ptq", "sweep", "outlier", "epochs"], load: () => import("./rooms/runs.js").then(own) },
  { name: "export", label: "Export", parts: ["exports", "share"], load: () => import("./rooms/export.js").then(own) },
]);

/** The room that brings a part; undefined for what stands in the bar. @param {string} part */
export const roomOf = (part) => ROOMS.find(({ parts }) => parts.includes(part));
