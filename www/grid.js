/** The grid that a layer's weights are rounded to, as its LayerReport has it. Pure functions. */
import { short } from "./format.js";

/** Whether the layer's weights are rounded to levels. @param {object} layer LayerReport */
export const quantized = ({ levels }) => levels.length > 0;

/** Whether each of the layer's grids has its levels at places of its own. */
export const severalGrids = ({ scales }) => scales > 1;

/** Roundings of f32 leave a whole number of scales this close to it. */
const NEARLY = 1e-4;

/** A level in units of the scale, as text: "−7", "0.867". */
export function levelName(units) {
  const nearest = Math.round(units);
  const is = Math.abs(units - nearest) <= NEARLY * Math.max(1, Math.abs(nearest));
  return (is ? String(nearest) : short(units)).replace("-", "−");
}

/** What the levels are called: so many scales each. Of an empty layer the scale may be 0. */
export const levelNames = ({ levels, scale }) => levels.map((value) => levelName(value / (scale || 1)));

/** Distance of each level to its nearest neighbour. @param {ArrayLike<number>} levels lowest first */
export const gaps = (levels) => Array.from(levels, (level, i) => Math.min(level - (levels[i - 1] ?? -Infinity), (levels[i + 1] ?? Infinity) - level));

/** Distances that differ by less than this share are equal: levels are f32. */
const EQUAL = 1e-4;

function equallySpaced(levels) {
  const [least, most] = gaps(levels).reduce(([low, high], gap) => [Math.min(low, gap), Math.max(high, gap)], [Infinity, 0]);
  return most - least <= EQUAL * most;
}

/** Which level is 0, or next to it. */
const indexOfZero = (levels) => levels.reduce((nearest, level, i) => (Math.abs(level) < Math.abs(levels[nearest]) ? i : nearest), 0);

/** Names stand at every level, every second, every fifth, and at ten times as many. */
const STRIDES = [1, 2, 5];

/**
 * Which levels a picture is to name, as long as their names do not touch: outwards from 0, those that are equally spaced
 * at equal distances.
 * @param {ArrayLike<number>} levels
 * @param {number} room what a name takes, in units of the levels
 * @returns {number[]} indices
 */
export function levelsToName(levels, room) {
  let named = Array.from(levels, (_, i) => i);
  if (equallySpaced(levels)) {
    const least = room / (levels[1] - levels[0]);
    const decade = 10 ** Math.max(0, Math.floor(Math.log10(least)));
    const stride = decade * (STRIDES.find((factor) => factor * decade >= least) ?? 10);
    const zero = indexOfZero(levels);
    const first = levels[zero] === 0 ? zero : 0;
    named = named.filter((i) => (i - first) % stride === 0);
  }
  return named.sort((a, b) => Math.abs(levels[a]) - Math.abs(levels[b]));
}

/** Levels are denser near 0 where the outermost distance is so many times that at 0. */
const DENSER = 1.2;

/** How levels lie, in words: "15 levels, equally spaced, from −7 to 7". @param {Float32Array} levels in units of the scale */
export function describeLevels(levels) {
  const [first, last] = [levelName(levels[0]), levelName(levels.at(-1))];
  if (levels.length === 2) return `2 levels, ${first} and ${last}`;
  const distances = gaps(levels);
  const denser = Math.max(distances[0], distances.at(-1)) > DENSER * distances[indexOfZero(levels)];
  const spaced = equallySpaced(levels) ? "equally spaced" : denser ? "closer together near 0" : "unequally spaced";
  return `${levels.length.toLocaleString("en")} levels, ${spaced}, from ${first} to ${last}${levels.includes(0) ? "" : ", none of them 0"}`;
}

/** A grid that reaches so many times as far as the weights is shown as far as it is in use. */
const FAR = 2;

/** Largest absolute value of the layer's weights, and of its levels. */
export function reachOf({ histogram: { min, max }, rounded, levels, levelCounts }) {
  const most = (values) => Math.max(0, ...values.map(Math.abs));
  const weights = most([min, max, rounded?.max ?? 0]);
  const grid = most(levels);
  return Math.max(weights, grid > FAR * weights ? most(levels.filter((_, i) => levelCounts[i] > 0)) : grid);
}

/** What follows a figure of the grid that is a mean over several. */
export const meanOf = (layer) => (severalGrids(layer) ? `, mean of ${layer.scales}` : "");

/** Bits that all weights of these layers take, with their scales and the like. @param {object[]} layers LayerReports */
export const weightBits = (layers) => layers.reduce((sum, { bitsAWeight, count }) => sum + bitsAWeight * count, 0);

/** Of so few levels two are ends: that many weights lie on them says nothing. */
const FEW_LEVELS = 3;

/** Whether weights on the ends of the grid are a sign of anything. */
export const hasInside = ({ levels }) => levels.length > FEW_LEVELS;

/** The two outermost levels hold too much from so many times their even share on ... */
const EVEN_SHARES = 1.5;
/** ... and from this share on, so that a few weights at the ends of a fine grid are none. */
const LEAST_SHARE = 0.2;

/** How hard the weights press against the ends of their grid: above 1, it is plainly too narrow. */
export const pressure = (layer) => (hasInside(layer) ? layer.saturatedShare / Math.max(LEAST_SHARE, (EVEN_SHARES * 2) / layer.levels.length) : 0);
