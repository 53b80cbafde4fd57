/** Decodes pictures in the readers' worker, whatever they are, to 32 x 32. */
import { pnmOf } from "./pnm.js";
import { square } from "./square.js";
import { isSvg } from "./svg.js";

/** What a PNG may hold beside its pixels without its looking otherwise: every other chunk before them is for the browser. */
const PLAIN_CHUNKS = new Set(["IHDR", "PLTE", "pHYs", "tEXt", "zTXt", "iTXt", "tIME", "bKGD", "sBIT", "hIST"]);
/** Colour types without transparency: grey, colours, palette. */
const OPAQUE = new Set([0, 2, 3]);

/** Whether a file is a PNG of opaque pixels, upright and in the usual colours. */
function isPlainPng(bytes) {
  if (bytes.length < 33 || bytes[0] !== 0x89 || bytes[1] !== 0x50 || !OPAQUE.has(bytes[25])) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (kind === "IDAT") return true;
    if (!PLAIN_CHUNKS.has(kind)) return false;
  }
  return false;
}

/** At once and here: an image bitmap goes through another process, twenty times as slow for small pictures. */
async function plainPng(bytes) {
  const decoder = new ImageDecoder({ data: bytes, type: "image/png" });
  try {
    const { image } = await decoder.decode();
    const pixels = square(image, image.displayWidth, image.displayHeight);
    image.close();
    return pixels;
  } finally {
    decoder.close();
  }
}

/** What the browser's own decoder does not know. @returns {Promise<ImageBitmap>} */
const otherwise = async (blob, draw) => ((await isSvg(blob)) ? draw(blob) : createImageBitmap(await pnmOf(blob)));

/**
 * @param {Uint8Array} bytes of a picture
 * @param {(blob: Blob) => Promise<ImageBitmap>} draw draws an SVG
 * @returns {Promise<Uint8ClampedArray>} 32 x 32 RGBA
 */
export async function decoded(bytes, draw) {
  if (globalThis.ImageDecoder && isPlainPng(bytes)) return plainPng(bytes);
  const blob = new Blob([bytes]);
  const picture = await createImageBitmap(blob).catch(() => otherwise(blob, draw));
  try {
    return square(picture, picture.width, picture.height);
  } finally {
    picture.close();
  }
}
