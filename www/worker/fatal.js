/**
 * Whether an error means that the engine is lost. The engine throws an Error for what it understands, and goes on. A trap
 * ends it, and so does whatever else JavaScript threw from within it: its work was cut off half done.
 */

/** How every browser calls the engine's functions in the stack of an error. */
const FRAME = /wasm-function/;

/**
 * Errors that browsers throw where a stack or a table is used up: an engine's call too deep is one of them, an array too
 * long in our own code as well. Firefox has a name of its own for the former, and no class.
 */
const isLimit = (error) => error instanceof RangeError || error?.name === "InternalError";

export const isFatal = (error) =>
  error instanceof WebAssembly.RuntimeError || (isLimit(error) && FRAME.test(error.stack ?? ""));
