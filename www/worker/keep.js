/**
 * Writes files to the browser's own file system: {path: string[] (folders), files: [name, Blob][]}, in that
 * order. Answers {} or {error}.
 */

const CHUNK = 4 << 20;

async function writeFile(folder, name, blob) {
  const handle = await folder.getFileHandle(name, { create: true });
  const access = await handle.createSyncAccessHandle();
  try {
    access.truncate(0);
    for (let at = 0; at < blob.size; at += CHUNK) {
      const part = new Uint8Array(await blob.slice(at, at + CHUNK).arrayBuffer());
      if (access.write(part, { at }) !== part.length) throw new Error("this device has no room left for the page");
    }
    access.flush();
  } finally {
    access.close();
  }
}

addEventListener("message", async ({ data: { path, files } }) => {
  try {
    let folder = await navigator.storage.getDirectory();
    for (const name of path) folder = await folder.getDirectoryHandle(name, { create: true });
    for (const [name, blob] of files) await writeFile(folder, name, blob);
    postMessage({});
  } catch (error) {
    postMessage({ error: error.message || error.name });
  }
});
