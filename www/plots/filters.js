/**
 * The filters of a first layer as images: each of its kernels is a little picture of red, green and blue
 * weights. Grey is 0; the largest weight of the layer, in either direction, is full colour.
 */

/** Empty pixels between two filters. */
const GAP = 1;
const GREY = 127.5;

/**
 * @param {HTMLCanvasElement} canvas made as large as the filters need, one pixel a weight; enlarge it by style
 * @param {object} filters as the engine gives them
 * @param {number} filters.count
 * @param {number} filters.height
 * @param {number} filters.width
 * @param {number} filters.channels 3, or 1 for grey ones
 * @param {Float32Array} values [count][height][width][channels]
 * @param {number} most the absolute value that is full colour
 */
export function drawFilters(canvas, { count, height, width, channels }, values, most) {
  const columns = Math.ceil(Math.sqrt(count));
  const rows = Math.ceil(count / columns);
  canvas.width = columns * (width + GAP) - GAP;
  canvas.height = rows * (height + GAP) - GAP;
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const shade = (value) => GREY + (most > 0 ? (value / most) * GREY : 0);
  for (let filter = 0; filter < count; filter++) {
    const left = (filter % columns) * (width + GAP);
    const top = Math.floor(filter / columns) * (height + GAP);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const from = ((filter * height + y) * width + x) * channels;
        const to = ((top + y) * canvas.width + left + x) * 4;
        for (let c = 0; c < 3; c++) image.data[to + c] = shade(values[from + (channels === 3 ? c : 0)]);
        image.data[to + 3] = 255;
      }
    }
  }
  context.putImageData(image, 0, 0);
}

/** Largest absolute value. @param {Float32Array} values */
export const mostOf = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
