/** The relevance of a picture's pixels, as To.HEAT_MAPS answers it: mixed with the picture, and in words. No DOM here. */
import { percent } from "../format.js";

/** Pixels on a side of a picture. */
export const SIDE = 32;
const PIXELS = SIDE * SIDE;

/** How much of a picture's own lights and darks is left under its map; the rest is paper. */
const LEFT = 0.4;
/** Weights of red, green and blue in a grey (ITU-R BT.601). */
const GREY = [0.299, 0.587, 0.114];

/** Regions on a side of a picture, for words. */
const THIRDS = 3;
const REGIONS = ["upper left", "upper middle", "upper right", "left", "middle", "right", "lower left", "lower middle", "lower right"];
/** From this share on, what lies in one region is most of it. */
const MOST = 0.5;
/** Below this share in any region it lies nowhere in particular; were it even, each had a ninth. */
const EVEN = 0.2;

/** The map of one of several pictures. @param {Float32Array} maps [n][32][32] @param {number} which */
export const mapOf = (maps, which) => maps.subarray(which * PIXELS, (which + 1) * PIXELS);

/**
 * A picture in pale greys under the colour of its relevance, which covers it where the relevance is the picture's largest.
 *
 * @param {Uint8ClampedArray} pixels [32][32] R G B A, which count as opaque
 * @param {Float32Array} map [32][32]
 * @param {{paper: number[], positive: number[], negative: number[]}} inks R G B of each
 * @returns {Uint8ClampedArray} [32][32] R G B A, opaque
 */
export function mixed(pixels, map, { paper, positive, negative }) {
  const most = map.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const mix = new Uint8ClampedArray(4 * PIXELS);
  for (let i = 0; i < PIXELS; i++) {
    const grey = GREY.reduce((sum, weight, c) => sum + weight * pixels[4 * i + c], 0);
    const ink = map[i] < 0 ? negative : positive;
    const share = most > 0 ? Math.abs(map[i]) / most : 0;
    for (let c = 0; c < 3; c++) {
      const pale = LEFT * grey + (1 - LEFT) * paper[c];
      mix[4 * i + c] = pale + share * (ink[c] - pale);
    }
    mix[4 * i + 3] = 255;
  }
  return mix;
}

/**
 * The one of nine regions that holds most of the positive relevance.
 * @param {Float32Array} map [32][32]
 * @returns {{region: string, share: number}|null} null: there is no positive relevance
 */
export function densest(map) {
  const sums = REGIONS.map(() => 0);
  map.forEach((value, i) => {
    const [row, column] = [Math.floor(i / SIDE), i % SIDE].map((at) => Math.floor((at * THIRDS) / SIDE));
    sums[row * THIRDS + column] += Math.max(0, value);
  });
  const all = sums.reduce((sum, one) => sum + one, 0);
  if (!(all > 0)) return null;
  const most = Math.max(...sums);
  return { region: REGIONS[sums.indexOf(most)], share: most / all };
}

/** Where it looked, as the end of a sentence. @param {Float32Array} map [32][32] */
export function whereText(map) {
  const found = densest(map);
  if (!found) return "nothing speaks for its answer";
  const { region, share } = found;
  if (share < EVEN) return "all over the picture";
  return `${share >= MOST ? "most of it" : "the largest part"} in the ${region}, ${percent(share, 0)}`;
}
