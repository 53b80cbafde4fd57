/** Files and folders from a drop anywhere on the page, or from the file and folder pickers. */

/** What systems and programs leave in every folder: not even listed. The readers pass over more. */
const PASSED_OVER = /^(\..*|__MACOSX|@eaDir|thumbs\.db|desktop\.ini)$/i;
const isPassedOver = (path) => path.split("/").some((part) => PASSED_OVER.test(part));

/** @typedef {import("../images/read.js").Entry} Entry */

const readEntries = (reader) => new Promise((resolve, reject) => reader.readEntries(resolve, reject));
const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

/** Every file in a dropped folder, sub-folders too; `found` is called for each. @returns {Promise<Entry[]>} */
async function filesIn(directory, path, found) {
  const reader = directory.createReader();
  const files = [];
  const inside = async (entry) => {
    const name = `${path}/${entry.name}`;
    if (entry.isDirectory) return filesIn(entry, name, found);
    const file = await fileOf(entry);
    found();
    return [{ path: name, file }];
  };
  // readEntries gives at most 100 at a time, and nothing at the end; each file is asked for by itself, which takes its time.
  for (let entries = await readEntries(reader); entries.length > 0; entries = await readEntries(reader)) {
    const wanted = entries.filter(({ name }) => !PASSED_OVER.test(name));
    for (const list of await Promise.all(wanted.map(inside))) for (const file of list) files.push(file);
  }
  return files;
}

/** The files of a drop. Entries must be taken before the first await: the list is empty afterwards. */
function filesOf(transfer, found) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const taken = items.map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
  const of = ({ entry, file }) => (entry?.isDirectory ? filesIn(entry, entry.name, found) : file ? [{ path: file.name, file }] : []);
  return Promise.all(taken.map(of)).then((lists) => lists.flat());
}

/** The files of a picker; those of a folder carry their path. */
const picked = (input) =>
  [...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file })).filter(({ path }) => !isPassedOver(path));

/** A large folder takes seconds to list: it is told this often how far that is. */
const TELL_EVERY = 500;

/**
 * @param {(entries: Entry[]) => void} load
 * @param {(kind: "error", text: string) => void} notify
 * @param {(progress: {label: string, done: number, total: number}|null) => void} progress of the listing; null: it is over
 */
export function wireDrop(load, notify, progress) {
  const veil = document.getElementById("dropveil");
  let inside = 0;
  const cover = (change) => {
    inside = Math.max(0, inside + change);
    veil.classList.toggle("on", inside > 0);
  };
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

  addEventListener("dragenter", (event) => carriesFiles(event) && cover(1));
  addEventListener("dragleave", (event) => carriesFiles(event) && cover(-1));
  // Where the page moves below a pointer at rest, a drag enters something else and is dropped there.
  for (const name of ["dragenter", "dragover"]) addEventListener(name, (event) => event.preventDefault());
  addEventListener("drop", async (event) => {
    // Another part of the page has taken it.
    const claimed = event.defaultPrevented;
    event.preventDefault();
    cover(-inside);
    if (claimed) return;
    let count = 0;
    const found = () => ++count % TELL_EVERY === 0 && progress({ label: `Listing files: ${count.toLocaleString("en")}`, done: 0, total: 0 });
    try {
      const entries = await filesOf(event.dataTransfer, found).finally(() => count >= TELL_EVERY && progress(null));
      if (entries.length > 0) load(entries);
      else {
        notify("error", "The drop held no files. Expected images: a folder for each class, an archive of them, arrays or a table.");
      }
    } catch (error) {
      notify("error", `The dropped folder could not be read: ${error.message}`);
    }
  });
}

/**
 * The buttons that ask for files and for a folder.
 * @param {HTMLElement} root
 * @param {(entries: Entry[]) => void} load
 * @param {(kind: "error", text: string) => void} notify
 */
export function wirePickers(root, load, notify) {
  for (const [button, field] of [["pick", "files"], ["pick-folder", "folder"]]) {
    const input = root.querySelector(`#${field}`);
    root.querySelector(`#${button}`).addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      const entries = picked(input);
      input.value = ""; // so that picking the same again is a change
      if (entries.length > 0) load(entries);
      else notify("error", "The folder holds no files.");
    });
  }
}
