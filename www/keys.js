/** Under which the browser's small storage keeps what: for those who write it, and for those who forget all. */
export const SWEEP = "nibble-sweep";
