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

/**
 * @param {CanvasImageSource} picture decoded, the right way up
 * @param {number} width of the picture, pixels
 * @param {number} height of the picture, pixels
 * @returns {Uint8ClampedArray} SIDE x SIDE RGBA, opaque
 */
export function square(picture, width, height) {
  const { left, top, side } = middle(width, height);
  const stretches = Array.from({ length: SIDE }, (_, i) => touched((i * side) / SIDE, ((i + 1) * side) / SIDE));
  // As much of the picture at a time as one row of the result covers: a large photograph is never copied whole.
  const strip = new OffscreenCanvas(side, Math.ceil(side / SIDE) + 1);
  const context = strip.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  const result = new Uint8ClampedArray(SIDE * SIDE * 4);
  const sums = new Float64Array(side * 4);
  for (const [y, down] of stretches.entries()) {
    const rows = down.shares.length;
    context.fillRect(0, 0, side, rows);
    context.drawImage(picture, left, top + down.first, side, rows, 0, 0, side, rows);
    const { data } = context.getImageData(0, 0, side, rows);
    sums.fill(0);
    for (const [row, share] of down.shares.entries()) {
      const start = row * side * 4;
      for (let i = 0; i < sums.length; i++) sums[i] += share * data[start + i];
    }
    for (const [x, across] of stretches.entries()) {
      for (let c = 0; c < 4; c++) {
        const sum = across.shares.reduce((all, share, i) => all + share * sums[(across.first + i) * 4 + c], 0);
        result[(y * SIDE + x) * 4 + c] = sum / (side / SIDE) ** 2;
      }
    }
  }
  return result;
}
