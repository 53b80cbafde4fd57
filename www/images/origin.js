/** Files of data sets beside the page. Their index.json lists them: {files: [{path: "cifar10/test_batch.bin", bytes}]}. */

const DATA = new URL("../../data/", import.meta.url);

/** The files of a set that data/ has, in one format of the two or three that it may hold. */
async function originFiles(name) {
  const response = await fetch(new URL("index.json", DATA)).catch(() => null);
  const { files } = response?.ok ? await response.json() : { files: [] };
  const ours = files.filter(({ path }) => path.startsWith(`${name}/`));
  const ending = (...ends) => ours.filter(({ path }) => ends.some((end) => path.endsWith(end)));
  if (ending(".bin").length > 0) return ending(".bin", ".txt");
  const archives = ending(".tar.gz", ".tgz");
  return archives.length > 0 ? archives.slice(0, 1) : ours;
}

/** Fetches one file of data/, telling the bytes so far. */
async function fetchBlob(path, progress) {
  const response = await fetch(new URL(path, DATA));
  if (!response.ok) throw new Error(`data/${path}: the server answered ${response.status}.`);
  const reader = response.body.getReader();
  const parts = [];
  let done = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    done += part.value.length;
    progress(done);
  }
  return new Blob(parts);
}

/**
 * Fetches a set.
 * @param {string} name folder of data/
 * @param {(progress: {label: string, done: number, total: number}) => void} progress
 * @returns {Promise<import("./read.js").Entry[]>}
 */
export async function fetchOrigin(name, progress) {
  const listed = await originFiles(name);
  if (listed.length === 0) throw new Error("This site keeps no copy of it. Drop its archive or its files here.");
  const total = listed.reduce((sum, { bytes }) => sum + bytes, 0);
  const entries = [];
  let before = 0;
  for (const { path, bytes } of listed) {
    const file = await fetchBlob(path, (done) => progress({ label: `Fetching ${path}`, done: before + done, total }));
    entries.push({ path: path.split("/").pop(), file });
    before += bytes;
  }
  return entries;
}
