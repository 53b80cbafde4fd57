/** Under which the browser keeps the sweep. */
export const KEY = "nibble-sweep";
