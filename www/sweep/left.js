/** Whether an earlier visit has left a sweep on this device. */
import { SWEEP } from "../keys.js";

/** @param {import("../settings.js").Settings} settings */
export function sweepIsLeft({ embed }) {
  try {
    return !embed && localStorage.getItem(SWEEP) !== null;
  } catch {
    return false;
  }
}
