/** What chance does to accuracies. Pure functions. */

/** Of a normal distribution: 95 % lie within so many standard deviations. */
const Z = 1.959964;

/**
 * Wilson's interval of a share: where the true one lies with 95 % certainty.
 * @param {number} share of `count` independent trials, 0..1
 * @param {number} count
 * @returns {[number, number]}
 * Source: Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927)
 */
export function wilson(share, count) {
  const square = (Z * Z) / count;
  const middle = (share + square / 2) / (1 + square);
  const half = (Z / (1 + square)) * Math.sqrt((share * (1 - share)) / count + square / (4 * count));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

/** Half of Wilson's interval, which is about what is written behind a ±. */
export function margin(share, count) {
  const [low, high] = wilson(share, count);
  return (high - low) / 2;
}

/** n over k, as a logarithm. */
function logChoose(n, k) {
  let sum = 0;
  for (let i = 1; i <= k; i++) sum += Math.log((n - k + i) / i);
  return sum;
}

/**
 * McNemar's exact test of two classifiers on the same images: how likely the two would differ as much or more, were both
 * equally good.
 * @param {number} first images that the first alone gets right
 * @param {number} second images that the second alone gets right
 * @returns {number} the two-sided p value
 * Source: McNemar, Note on the sampling error of the difference between correlated proportions, Psychometrika 12 (1947)
 */
export function mcnemar(first, second) {
  const n = first + second;
  if (n === 0) return 1;
  let tail = 0;
  for (let k = 0; k <= Math.min(first, second); k++) tail += Math.exp(logChoose(n, k) - n * Math.LN2);
  return Math.min(1, 2 * tail);
}

/** Mean, and the deviation of a sample (divided by n - 1): NaN of fewer than two. @param {number[]} values */
export function meanOf(values) {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const deviation = n < 2 ? NaN : Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1));
  return { mean, deviation };
}

/** The middle one; of an even number the upper of the two in the middle. @param {number[]} numbers */
export const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
