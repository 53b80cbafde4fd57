/** Whether two runs differ by more than chance does: McNemar's test on the test images that only one of them gets right. */
import { whole } from "../format.js";
import { To } from "../protocol.js";
import { mcnemar } from "../stats.js";

/** A difference as large comes by chance less than once in twenty times. */
const RARE = 0.05;

/** Indices of the test images that a run got wrong in its last test. */
async function wrong(client, run) {
  const { images } = await client.request(To.PREDICTIONS, { run: run.id, limit: run.info.images[1] });
  return new Set(images.filter(({ label, top }) => top[0].class !== label).map(({ index }) => index));
}

/**
 * Images that each of two runs alone got right in its last test, of the same images.
 * @returns {Promise<[number, number]>}
 */
export async function aloneRight(client, [a, b]) {
  const [wrongA, wrongB] = [await wrong(client, a), await wrong(client, b)];
  const beyond = (one, other) => [...one].filter((index) => !other.has(index)).length;
  return [beyond(wrongB, wrongA), beyond(wrongA, wrongB)];
}

/** The test in words. @param {{label: string}[]} runs @param {[number, number]} alone images that each alone got right */
export function chanceText([a, b], [first, second]) {
  const p = mcnemar(first, second);
  const only = `Of the same test images ${a.label} alone got ${whole(first)} right, ${b.label} alone ${whole(second)}`;
  const said = p < 0.001 ? "below 0.001" : p.toFixed(3);
  return `${only}: ${p < RARE ? "beyond chance" : "within chance"} (McNemar, p ${said}).`;
}
