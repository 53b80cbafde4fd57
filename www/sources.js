/** Where images come from: what names them, and the source of `To.LOAD` that has those which settings ask for. */

/** The setting `data` of each kind of data set that the engine tells of. */
export const DATA_OF_KIND = { synthetic: "builtin", cifar10: "cifar10", cifar100: "cifar100", images: "images" };

/** What names the images that `settings` ask for. */
export const dataKey = ({ data, train, test, images }) => (data === "builtin" ? `${data} ${train} ${test}` : `${data} ${images}`);

/** The settings that ask for a loaded data set. @param {object} info DatasetInfo */
export function askingFor({ kind, fingerprint }) {
  const data = DATA_OF_KIND[kind];
  return { data, images: data === "builtin" ? "" : fingerprint };
}

/**
 * The settings that ask for the images of a saved run; null where it does not say which they are.
 * @param {import("./kept/header.js").About["data"]} data
 */
export function askingForSaved({ kind, images: [train, test], fingerprint }) {
  const data = DATA_OF_KIND[kind];
  if (!data) return null;
  return data === "builtin" ? { data, train, test, images: "" } : { data, images: fingerprint };
}

/** Whether what a source holds is still there: it may have been forgotten, moved or changed. */
export async function readable({ files = [], pixels }) {
  try {
    const held = pixels instanceof Blob ? [...files, pixels] : files;
    for (const file of held) await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

export class Sources {
  #store;
  #progress;
  /** Sets dropped or chosen, the latest of each kind, by the value of the setting `data`. */
  #dropped = new Map();

  /**
   * @param {import("./store.js").Store} store
   * @param {(progress: {label: string, done: number, total: number}) => void} progress
   */
  constructor(store, progress) {
    this.#store = store;
    this.#progress = progress;
  }

  /** Remembers where a data set was loaded from. */
  remember(data, source) {
    if (source.kind === "set" || source.kind === "images") this.#dropped.set(data, source);
  }

  /** The images that `settings` ask for: drawn, dropped before, kept on this device, or beside the page. */
  async find({ data, train, test, images }) {
    if (data === "builtin") return { kind: "builtin", train, test };
    const dropped = this.#dropped.get(data);
    if (dropped && (await readable(dropped))) return dropped;
    const kept = await this.#store.find(data, images);
    if (!kept && data === "images") throw new Error("They are not on this device: choose their folder, or drop it here.");
    if (kept) return this.ready(kept);
    return this.read(await import("./images/origin.js").then(({ fetchOrigin }) => fetchOrigin(data, this.#progress)));
  }

  /** A source as the engine takes it: an earlier version kept files as they came. */
  async ready(source) {
    return source.kind === "files" ? this.read(source.files.map((file) => ({ path: file.name, file }))) : source;
  }

  /**
   * A set of files.
   * @param {import("./images/read.js").Entry[]} entries
   * @param {object} [how] see `readFiles`
   */
  read(entries, how = {}) {
    return import("./images/read.js").then(({ readFiles }) => readFiles(entries, { progress: this.#progress, ...how }));
  }
}
