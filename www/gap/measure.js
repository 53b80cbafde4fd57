/** How far apart two runs are, from their records. Pure functions. */

/** Value of a curve at `x` between its points, null outside of them. */
function valueAt({ xs, ys }, x, from) {
  let i = from;
  while (i < xs.length && xs[i] < x) i += 1;
  if (i === xs.length || (i === 0 && xs[0] > x)) return { value: null, i };
  if (xs[i] === x) return { value: ys[i], i };
  const share = (x - xs[i - 1]) / (xs[i] - xs[i - 1]);
  return { value: ys[i - 1] + share * (ys[i] - ys[i - 1]), i };
}

/** How much `b` is above `a`, wherever both have come. Both are curves of a RunRecord: {xs, ys}. */
export function gapCurve(a, b) {
  const gap = { xs: [], ys: [] };
  let [ia, ib] = [0, 0];
  const xs = a.xs.length < b.xs.length ? a.xs : b.xs;
  for (const x of xs) {
    const [left, right] = [valueAt(a, x, ia), valueAt(b, x, ib)];
    [ia, ib] = [Math.max(0, left.i - 1), Math.max(0, right.i - 1)];
    if (left.value === null || right.value === null) continue;
    gap.xs.push(x);
    gap.ys.push(right.value - left.value);
  }
  return gap;
}

/** The same of the test accuracies, at the epochs that both have ended. */
export function testGap(a, b) {
  const ends = new Map(a.epochs.map(({ epoch, testAccuracy }) => [epoch, testAccuracy]));
  const both = b.epochs.filter(({ epoch }) => ends.has(epoch));
  return { xs: both.map(({ epoch }) => epoch), ys: both.map(({ epoch, testAccuracy }) => testAccuracy - ends.get(epoch)) };
}
