/** Files from a drop anywhere on the page, a dropped folder, or the file picker. */

/** Files that lie beside the batches in the official folders and hold no images. */
const PASSED_OVER = /^(\.|readme\.html$)/i;

const readEntries = (reader) => new Promise((resolve, reject) => reader.readEntries(resolve, reject));
const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

/** Every file in a dropped folder, sub-folders too. */
async function filesIn(directory) {
  const reader = directory.createReader();
  const files = [];
  // readEntries gives at most 100 at a time, and nothing at the end.
  for (let entries = await readEntries(reader); entries.length > 0; entries = await readEntries(reader)) {
    for (const entry of entries) {
      if (PASSED_OVER.test(entry.name)) continue;
      files.push(...(entry.isDirectory ? await filesIn(entry) : [await fileOf(entry)]));
    }
  }
  return files;
}

/** The files of a drop. Entries must be taken before the first await: the list is empty afterwards. */
function filesOf(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const taken = items.map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
  return Promise.all(taken.map(({ entry, file }) => (entry?.isDirectory ? filesIn(entry) : [file]))).then((lists) =>
    lists.flat().filter(Boolean),
  );
}

/**
 * @param {(files: File[]) => void} load
 * @param {(kind: "error", text: string) => void} notify
 */
export function wireDrop(load, notify) {
  const veil = document.getElementById("dropveil");
  const input = document.getElementById("files");
  let inside = 0;
  const cover = (change) => {
    inside = Math.max(0, inside + change);
    veil.classList.toggle("on", inside > 0);
  };
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

  addEventListener("dragenter", (event) => carriesFiles(event) && cover(1));
  addEventListener("dragleave", (event) => carriesFiles(event) && cover(-1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", async (event) => {
    // Another part of the page has taken it.
    const claimed = event.defaultPrevented;
    event.preventDefault();
    cover(-inside);
    if (claimed) return;
    try {
      const files = await filesOf(event.dataTransfer);
      if (files.length > 0) load(files);
      else notify("error", "The drop held no files. Expected CIFAR-10 or CIFAR-100: the .tar.gz archive or its batch files.");
    } catch (error) {
      notify("error", `The dropped folder could not be read: ${error.message}`);
    }
  });

  document.getElementById("pick").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    const files = [...input.files];
    input.value = ""; // so that picking the same file again is a change
    if (files.length > 0) load(files);
  });
}
