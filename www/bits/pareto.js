/**
 * What bits are worth: runs by their accuracy and their kilobytes. Pure functions.
 *
 * @typedef {object} Dot
 * @property {string} key
 * @property {number} kilobytes
 * @property {number} accuracy 0..1
 * @property {number} margin half of its interval
 * @property {boolean} here it is open on the page
 */

/** Marks of the kilobytes stand at these times a power of ten: the fewest of which two are in sight. */
const MARKS = [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9]];

/** Those that no other beats in both: from the smallest on. @param {Dot[]} dots @returns {Dot[]} */
export function frontOf(dots) {
  const found = [];
  for (const dot of [...dots].sort((a, b) => a.kilobytes - b.kilobytes || b.accuracy - a.accuracy)) {
    if (found.length === 0 || dot.accuracy > found.at(-1).accuracy) found.push(dot);
  }
  return found;
}

/** Kilobytes that the axis names. @param {[number, number]} range */
export function marksOf([from, to]) {
  const powers = [];
  for (let power = Math.floor(Math.log10(from)); power <= Math.log10(to); power++) powers.push(10 ** power);
  const within = (factors) => powers.flatMap((power) => factors.map((factor) => factor * power)).filter((size) => size >= from && size <= to);
  return MARKS.map(within).find((sizes) => sizes.length > 1) ?? [Math.sqrt(from * to)];
}
