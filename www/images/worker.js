/**
 * Decodes pictures: {files: {file: File, label: number}[]}. Tells {done, total} on the way and ends with {pixels
 * (n * 32 * 32 * 3, RGB), labels, unread: number[] (indices of the files that are no pictures)}.
 */
import { SIDE, square } from "./square.js";

const PIXELS = SIDE * SIDE;
/** Progress is told this often at most. */
const TELL_MS = 50;

addEventListener("message", async ({ data: { files } }) => {
  const pixels = new Uint8Array(files.length * PIXELS * 3);
  const labels = new Uint8Array(files.length);
  const unread = [];
  let read = 0;
  let told = 0;
  for (const [index, { file, label }] of files.entries()) {
    if (performance.now() - told > TELL_MS) {
      told = performance.now();
      postMessage({ done: index, total: files.length });
    }
    let picture;
    try {
      picture = await createImageBitmap(file);
    } catch {
      unread.push(index);
      continue;
    }
    const rgba = square(picture, picture.width, picture.height);
    picture.close();
    let at = read * PIXELS * 3;
    for (let i = 0; i < rgba.length; i += 4) {
      pixels[at++] = rgba[i];
      pixels[at++] = rgba[i + 1];
      pixels[at++] = rgba[i + 2];
    }
    labels[read++] = label;
  }
  postMessage({ pixels: pixels.slice(0, read * PIXELS * 3), labels: labels.slice(0, read), unread });
});
