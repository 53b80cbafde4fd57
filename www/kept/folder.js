/** Where runs lie in the browser's own file system: a folder a run, with its two files. For the page and its worker. */

const FOLDER = "runs";
/** What names of saved runs end in. */
export const SUFFIX = ".nibble.safetensors";
/** The two files of a run, written in turn. */
export const SLOTS = [`0${SUFFIX}`, `1${SUFFIX}`];
/** What is known of a run besides: {name, unoffered, removed}. */
export const FACTS = "run.json";

/** The folder of all runs; rejects where the browser has none to give (private windows of some). */
export async function runsFolder() {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(FOLDER, { create: true });
}

/** The folder of one run. @param {string} key @param {boolean} [create] */
export async function folderOf(key, create = false) {
  return (await runsFolder()).getDirectoryHandle(key, { create });
}
