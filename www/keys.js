/** Under which the browser's small storage keeps what: for those who write it, and for those who forget all. */
export const SWEEP = "nibble-sweep";

/** Whether an earlier visit has left a sweep on this device. @param {import("./settings.js").Settings} settings */
export function sweepIsLeft({ embed }) {
  try {
    return !embed && localStorage.getItem(SWEEP) !== null;
  } catch {
    return false;
  }
}
