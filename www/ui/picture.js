/** Any picture as the network takes it: the square in its middle, 32 x 32 pixels, on white. */

/** Pixels on a side of what the network sees. */
export const SIDE = 32;
/** A picture is first drawn this many times as fine as the network sees it, at most; then averaged. */
const FINEST = 16;

/**
 * The square in the middle of a picture.
 * @param {number} width
 * @param {number} height
 * @returns {{left: number, top: number, side: number}} in the picture's pixels
 */
export function centreSquare(width, height) {
  const side = Math.min(width, height);
  return { left: (width - side) / 2, top: (height - side) / 2, side };
}

/**
 * Averages blocks of pixels.
 * @param {Uint8ClampedArray} pixels RGBA, `factor * SIDE` on a side, opaque
 * @param {number} factor pixels on a side of a block
 * @returns {Uint8ClampedArray} SIDE x SIDE RGBA
 */
export function averaged(pixels, factor) {
  const wide = factor * SIDE;
  const sums = new Float64Array(SIDE * SIDE * 4);
  for (let y = 0; y < wide; y++) {
    const row = Math.floor(y / factor) * SIDE;
    for (let x = 0; x < wide; x++) {
      const from = (y * wide + x) * 4;
      const to = (row + Math.floor(x / factor)) * 4;
      for (let c = 0; c < 4; c++) sums[to + c] += pixels[from + c];
    }
  }
  return Uint8ClampedArray.from(sums, (sum) => sum / (factor * factor));
}

/**
 * @param {CanvasImageSource} source
 * @param {number} width of the source, pixels
 * @param {number} height of the source, pixels
 * @returns {Uint8ClampedArray} SIDE x SIDE RGBA
 */
export function networkPixels(source, width, height) {
  const { left, top, side } = centreSquare(width, height);
  const factor = Math.max(1, Math.min(FINEST, Math.round(side / SIDE)));
  const fine = factor * SIDE;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = fine;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, fine, fine);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, left, top, side, side, 0, 0, fine, fine);
  return averaged(context.getImageData(0, 0, fine, fine).data, factor);
}

/**
 * Reads a picture file.
 * @param {File} file
 * @returns {Promise<HTMLImageElement>} decoded, turned as its camera held it
 * @throws {Error} the browser cannot read it
 */
export async function readPicture(file) {
  const url = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    if (image.naturalWidth === 0 || image.naturalHeight === 0) throw new Error("no size");
    return image;
  } catch {
    throw new Error(`${file.name || "The picture"}: this browser cannot read it as a picture (${file.type || "of no known kind"}, ${file.size.toLocaleString("en")} bytes).`);
  } finally {
    URL.revokeObjectURL(url);
  }
}
