/** Reads a picture file for the page; a set's are decoded in the readers' worker, but for drawings. */
import { pnmOf } from "./pnm.js";
import { isSvg, sized } from "./svg.js";

/** @param {Blob} blob @returns {Promise<HTMLImageElement>} decoded, turned as its camera held it */
async function imageOf(blob) {
  const url = URL.createObjectURL(blob);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    if (image.naturalWidth === 0 || image.naturalHeight === 0) throw new Error("no size");
    return image;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** A drawing (SVG), decoded. @param {Blob} blob */
export const drawingOf = async (blob) => imageOf(await sized(blob));

/**
 * @param {File} file
 * @returns {Promise<ImageBitmap>} decoded
 * @throws {Error} it cannot be read
 */
export async function readPicture(file) {
  try {
    return await createImageBitmap((await isSvg(file)) ? await drawingOf(file) : await imageOf(file).catch(() => pnmOf(file)));
  } catch {
    throw new Error(`${file.name || "The picture"}: this browser cannot read it as a picture (${file.type || "of no known kind"}, ${file.size.toLocaleString("en")} bytes).`);
  }
}
