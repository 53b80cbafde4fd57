/** The grid that a layer's weights are rounded to, as its LayerReport has it. Pure functions. */

/** Whether the layer's weights are rounded to levels. @param {object} layer LayerReport */
export const quantized = ({ levels }) => levels.length > 0;

/** What the levels are called: -7 to 7, -8 to 7, 0 to 15, counted from the one that is 0 or next to it. */
export function levelNumbers({ levels }) {
  const zero = levels.reduce((nearest, value, i) => (Math.abs(value) < Math.abs(levels[nearest]) ? i : nearest), 0);
  return levels.map((_, i) => i - zero);
}

/** Least distance between two levels. */
export const spacing = ({ levels }) => Math.min(...levels.slice(1).map((level, i) => level - levels[i]));

/** Largest absolute value of the layer's weights and levels. */
export const reachOf = ({ histogram: { min, max }, levels }) => Math.max(...[min, max, ...levels].map(Math.abs));

/** What follows a figure of the grid that is a mean over several. */
export const meanOf = ({ scales }) => (scales > 1 ? `, mean of ${scales}` : "");

/** The two outermost levels hold too much from so many times their even share on ... */
const EVEN_SHARES = 1.5;
/** ... and from this share on, so that a few weights at the ends of a fine grid are none. */
const LEAST_SHARE = 0.2;

/** How hard the weights press against the ends of their grid: above 1, it is plainly too narrow. Never so with three levels, two of which are ends. */
export const pressure = ({ levels, saturatedShare }) => saturatedShare / Math.max(LEAST_SHARE, (EVEN_SHARES * 2) / levels.length);
