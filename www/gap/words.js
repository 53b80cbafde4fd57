/** How far apart two runs are, in sentences. */
import { whole } from "../format.js";
import { testGap } from "./measure.js";

/** Closer than this counts as level, in points. */
const LEVEL = 0.05;

/** "FP32 leads by 4.2 points on the test images (epoch 3)". */
function lead(gap, [a, b], where) {
  const points = Math.abs(100 * gap);
  if (points < LEVEL) return `Level ${where}`;
  return `${(gap > 0 ? b : a).label} leads by ${points.toFixed(1)} points ${where}`;
}

/** The gap as sentences: the test images first, where both have seen them. */
export function gapText(runs) {
  const [a, b] = [...runs].sort((one, other) => one.slot - other.slot);
  const test = testGap(a, b);
  const sentences = [];
  if (test.xs.length > 0) sentences.push(lead(test.ys.at(-1), [a, b], `on the test images after epoch ${test.xs.at(-1)}`));
  const [left, right] = [a.smooth.accuracy.value, b.smooth.accuracy.value];
  if (a.globalStep !== b.globalStep) {
    const [ahead, behind] = a.globalStep > b.globalStep ? [a, b] : [b, a];
    const steps = ahead.globalStep - behind.globalStep;
    sentences.push(`${behind.label} is ${whole(steps)} ${steps === 1 ? "step" : "steps"} behind ${ahead.label}`);
  } else if (Number.isFinite(left) && Number.isFinite(right)) {
    sentences.push(lead(right - left, [a, b], "in training"));
  }
  return sentences.length > 0 ? `${sentences.join(". ")}.` : "Press Train: both go on, step by step.";
}
