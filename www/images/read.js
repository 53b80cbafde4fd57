/** Makes a data set of a folder of pictures: decoded and resized in a worker, so that the page stays at hand. */
import { classesOf } from "./folder.js";

/** Pictures named in a message. */
const MOST_NAMED = 3;

/**
 * @param {import("./folder.js").Entry[]} entries
 * @param {(progress: {label: string, done: number, total: number}) => void} progress
 * @returns {Promise<{source: object, unread: string[]}>} a source of `To.LOAD`, and the pictures that could not be
 *   decoded
 */
export async function readPictures(entries, progress) {
  const { name, classes, foreign } = classesOf(entries);
  const files = classes.flatMap(({ entries: of }, label) => of.map(({ path, file }) => ({ path, file, label })));
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "nibble-pictures" });
  try {
    const { pixels, labels, unread } = await new Promise((resolve, reject) => {
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(`The pictures could not be read: ${event.message || "the worker did not start"}.`));
      };
      worker.onmessage = ({ data }) => {
        if (data.pixels) resolve(data);
        else progress({ label: "Reading pictures", ...data });
      };
      worker.postMessage({ files: files.map(({ file, label }) => ({ file, label })) });
    });
    const names = unread.map((index) => files[index].path);
    if (labels.length === 0) throw new Error(`None of the ${files.length} pictures could be decoded, the first being ${names[0]}.`);
    return { source: { kind: "images", name, classes: classes.map((one) => one.name), pixels, labels }, unread: [...names, ...foreign] };
  } finally {
    worker.terminate();
  }
}

/**
 * Loads a folder of pictures into the session, and tells what of it could not be used.
 * @param {import("../session.js").Session} session
 * @param {import("./folder.js").Entry[]} entries
 */
export const loadPictures = (session, entries) =>
  session.loadFrom(async (progress) => {
    const { source, unread } = await readPictures(entries, progress);
    if (unread.length > 0) {
      const more = unread.length > MOST_NAMED ? ` and ${unread.length - MOST_NAMED} more` : "";
      session.notify("error", `The browser could not decode ${unread.slice(0, MOST_NAMED).join(", ")}${more}: left out.`);
    }
    return source;
  });
