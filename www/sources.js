/** Where images come from: what names them, and the source of `To.LOAD` that has those which settings ask for. */

const DATA_OF_KIND = { synthetic: "builtin", cifar10: "cifar10", cifar100: "cifar100", images: "images" };

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

/** Whether the files of a source are still there: they may have been forgotten, moved or changed. */
export async function readable({ files = [] }) {
  try {
    for (const file of files) await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

export class Sources {
  #store;
  /** Files dropped or chosen, the latest of each kind, by the value of the setting `data`. */
  #dropped = new Map();

  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.#store = store;
  }

  /** Remembers where a data set was loaded from. */
  remember(data, source) {
    if (source.kind === "files" || source.kind === "images") this.#dropped.set(data, source);
  }

  /** The images that `settings` ask for: drawn, dropped before, kept on this device, or beside the page. */
  async find({ data, train, test, images }) {
    if (data === "builtin") return { kind: "builtin", train, test };
    const dropped = this.#dropped.get(data);
    if (dropped && (await readable(dropped))) return dropped;
    const kept = await this.#store.find(data, images);
    if (!kept && data === "images") throw new Error("They are not on this device: choose their folder, or drop it here.");
    return kept ?? { kind: "origin", name: data };
  }
}
