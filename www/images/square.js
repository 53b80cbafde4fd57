/**
 * Any picture as the network takes it: the square in its middle, 32 x 32 pixels, over white. Each of them is the mean
 * of the area that it covers, computed here: a canvas's own resizing looks at a few neighbouring pixels only, and in
 * each browser at others. The pictures of a data set and those that are tried go through here alike.
 */

/** Pixels on a side of what the network sees. */
export const SIDE = 32;

/**
 * The square in the middle of a picture.
 * @param {number} width
 * @param {number} height
 * @returns {{left: number, top: number, side: number}} in whole pixels of the picture
 */
export function middle(width, height) {
  const side = Math.min(width, height);
  return { left: Math.floor((width - side) / 2), top: Math.floor((height - side) / 2), side };
}

/** Which whole pixels the stretch from `from` to `to` touches: the first, how many, and how much of each it covers. */
function touched(from, to) {
  const first = Math.floor(from);
  const shares = Array.from({ length: Math.ceil(to) - first }, (_, i) => Math.min(first + i + 1, to) - Math.max(first + i, from));
  return { first, shares };
}

/** Pixels that are copied out of a picture at once, unless a row of the result covers more: a large photograph is never copied whole. */
const STRIP_PIXELS = 1 << 16;

/** The canvas that the last picture was copied through: most pictures of a set are of one size. */
let canvas = null;

function context(width, height) {
  if (canvas?.width !== width || canvas.height !== height) canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  return context;
}

/**
 * @param {CanvasImageSource} picture decoded, the right way up
 * @param {number} width of the picture, pixels
 * @param {number} height of the picture, pixels
 * @returns {Uint8ClampedArray} SIDE x SIDE RGBA, opaque
 */
export function square(picture, width, height) {
  const { left, top, side } = middle(width, height);
  const stretches = Array.from({ length: SIDE }, (_, i) => touched((i * side) / SIDE, ((i + 1) * side) / SIDE));
  const rows = Math.min(side, Math.max(Math.ceil(side / SIDE) + 1, Math.floor(STRIP_PIXELS / side)));
  const strip = context(side, rows);
  const result = new Uint8ClampedArray(SIDE * SIDE * 4);
  const sums = new Float64Array(side * 4);
  const area = (side / SIDE) ** 2;
  let [from, data] = [-Infinity, null];
  for (const [y, down] of stretches.entries()) {
    if (down.first + down.shares.length > from + rows) {
      from = Math.min(down.first, side - rows);
      strip.fillRect(0, 0, side, rows);
      strip.drawImage(picture, left, top + from, side, rows, 0, 0, side, rows);
      data = strip.getImageData(0, 0, side, rows).data;
    }
    sums.fill(0);
    for (const [row, share] of down.shares.entries()) {
      const start = (down.first - from + row) * side * 4;
      for (let i = 0; i < sums.length; i++) sums[i] += share * data[start + i];
    }
    for (const [x, { first, shares }] of stretches.entries()) {
      for (let c = 0; c < 4; c++) {
        let sum = 0;
        for (let i = 0; i < shares.length; i++) sum += shares[i] * sums[(first + i) * 4 + c];
        result[(y * SIDE + x) * 4 + c] = sum / area;
      }
    }
  }
  return result;
}
