/** Files for the user: text or a picture, saved under a name; and text on the clipboard. */
import { picture, runCharts } from "./chart.js";

/** A text as a part of a file's name: letters and digits only, so that every system takes it. */
export const plain = (text) => text.toLowerCase().replace(/[^a-z0-9.]+/g, "-").replace(/^-|-$/g, "");

export const fileName = (runs, ending) => {
  const [{ settings, data }] = runs;
  const parts = ["nibble", settings.model, ...runs.map(({ label }) => label), data.name, `seed-${settings.seed}`];
  return `${plain(parts.join("-"))}.${ending}`;
};

/** Hands a file to the browser's downloads. @param {Blob} blob */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // Not at once: some browsers begin to read only after the click has been handled.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Puts a field's text on the clipboard; where the page may not, it stays selected so that the keyboard's copy takes it. */
export async function copy(field) {
  field.focus();
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    return document.execCommand("copy");
  }
}

const WIDTH = 960;
const HEIGHT = 400;
/** Pixels to a CSS pixel: sharp on paper and on a projector. */
const SCALE = 2;

/**
 * Accuracy and loss as a PNG.
 * @param {import("../runs.js").RunRecord[]} runs
 * @param {string} label what is shown, in words
 * @returns {Promise<Blob>}
 */
export async function png(runs, label) {
  const svg = picture(runCharts(runs), { width: WIDTH, height: HEIGHT, label });
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth * SCALE;
  canvas.height = image.naturalHeight * SCALE;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("The browser could not make a PNG of the curves.");
  return blob;
}
