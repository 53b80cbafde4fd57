/** What helps a run whose numbers have left the finite ones. */
import { short } from "./format.js";
import { settingOf } from "./settings.js";

/**
 * What to try where a run has diverged, the mildest first.
 * @param {object} settings of the run
 * @returns {{difference: string, label: string}[]}
 */
export function remedies(settings) {
  const list = [];
  if (!settings.clip) list.push({ difference: "clip:1", label: "Clip gradients" });
  if (!settings.tanh) list.push({ difference: "tanh:1", label: "Tanh clipping on" });
  const rate = Number((settings.lr / 10).toPrecision(2));
  if (rate >= settingOf("lr").min) list.push({ difference: `lr:${rate}`, label: `Rate ${short(rate)}` });
  return list;
}
