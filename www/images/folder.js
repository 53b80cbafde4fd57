/**
 * Which class each picture of a folder belongs to: the folder that it lies in. No DOM here, so that it runs
 * under Node too.
 *
 * @typedef {object} Entry a file with its place
 * @property {string} path from the dropped or chosen folder on, with slashes
 * @property {File} file
 */

/** Formats that browsers decode. Others are told, not passed over. */
const PICTURE = /\.(png|jpe?g|jfif|webp|gif|bmp|avif)$/i;
/** Named, so that they can be told from files that are no pictures at all. */
const FOREIGN = /\.(heic|heif|tiff?|svg|psd|raw|dng)$/i;
/** The engine's labels are bytes. */
const MOST_CLASSES = 255;

/** Whether these files are pictures rather than CIFAR batches. @param {Entry[]} entries */
export const arePictures = (entries) => entries.some(({ path }) => PICTURE.test(path) || FOREIGN.test(path));

const few = (names) => (names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", "));

/** Names in the order people count: "2" before "10". */
const byName = new Intl.Collator("en", { numeric: true, sensitivity: "base" }).compare;

/**
 * Groups pictures by the folder that they lie in.
 * @param {Entry[]} entries
 * @returns {{name: string, classes: {name: string, entries: Entry[]}[], foreign: string[]}} the data set's name
 *   is that of the outermost folder; foreign: paths of pictures in formats that browsers do not decode
 * @throws {Error} naming what is wrong with the folder
 */
export function classesOf(entries) {
  const expected = "Expected a folder with one sub-folder for each class";
  const pictures = entries.filter(({ path }) => PICTURE.test(path));
  const foreign = entries.filter(({ path }) => FOREIGN.test(path)).map(({ path }) => path);
  const loose = pictures.filter(({ path }) => path.split("/").length < 2).map(({ path }) => path);
  if (loose.length > 0) throw new Error(`${expected}, found pictures in no folder: ${few(loose)}.`);
  const groups = new Map();
  for (const entry of pictures) {
    const folders = entry.path.split("/").slice(0, -1);
    const name = folders.at(-1);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(entry);
  }
  const roots = new Set(entries.map(({ path }) => path.split("/")[0]));
  const [root] = roots;
  if (groups.size === 0) throw new Error(`${expected}, found no picture that a browser can read (PNG, JPEG, WebP, GIF, BMP, AVIF) but ${few(foreign)}.`);
  if (groups.size === 1) {
    const [[name, of]] = groups;
    throw new Error(`${expected}, found one class only: ${of.length} pictures in ${name}.`);
  }
  if (groups.size > MOST_CLASSES) throw new Error(`${expected}, at most ${MOST_CLASSES}, found ${groups.size}.`);
  const single = [...groups].find(([, of]) => of.length < 2);
  if (single) throw new Error(`${single[0]}: expected at least 2 pictures of each class, one of them to test on, found ${single[1].length}.`);
  // Browsers list a folder in the order of the disk; the same folder is to be the same data set everywhere.
  for (const of of groups.values()) of.sort((a, b) => byName(a.path, b.path));
  const classes = [...groups].map(([name, of]) => ({ name, entries: of })).sort((a, b) => byName(a.name, b.name));
  return { name: roots.size === 1 && !groups.has(root) ? root : "Own images", classes, foreign };
}
