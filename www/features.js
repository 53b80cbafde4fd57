/**
 * What this browser can run, found by asking it to validate tiny modules: nothing is compiled or fetched.
 * Each module is one function that uses one instruction of the feature.
 */

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/** A module whose single function of type `() -> v128` has `body`. */
const vectorModule = (...body) =>
  new Uint8Array([
    ...HEADER,
    1, 5, 1, 0x60, 0, 1, 0x7b, // type: () -> v128
    3, 2, 1, 0, // one function of it
    10, body.length + 4, 1, body.length + 2, 0, ...body, 0x0b,
  ]);

const zero = [0x41, 0, 0xfd, 0x0f]; // i32.const 0, i8x16.splat
const SIMD128 = vectorModule(...zero);
const RELAXED = vectorModule(...zero, ...zero, ...zero, 0xfd, 0x85, 0x02); // f32x4.relaxed_madd
const THREADS = new Uint8Array([
  ...HEADER,
  1, 4, 1, 0x60, 0, 0, // type: () -> ()
  3, 2, 1, 0,
  5, 4, 1, 3, 1, 1, // shared memory, 1 page at least and at most
  10, 11, 1, 9, 0, 0x41, 0, 0xfe, 0x10, 2, 0, 0x1a, 0x0b, // i32.atomic.load, drop
]);

/**
 * @typedef {object} Features
 * @property {boolean} wasm
 * @property {boolean} simd 128-bit SIMD
 * @property {boolean} relaxed relaxed SIMD
 * @property {boolean} threads shared memory and atomics (usable by a pool on isolated pages only)
 * @property {boolean} isolated the page is cross-origin isolated
 * @property {number} cores
 */

/** @returns {Features} */
export function detect() {
  const wasm = typeof WebAssembly === "object" && typeof WebAssembly.validate === "function";
  const accepts = (bytes) => wasm && WebAssembly.validate(bytes);
  return {
    wasm,
    simd: accepts(SIMD128),
    relaxed: accepts(RELAXED),
    threads: accepts(THREADS),
    isolated: globalThis.crossOriginIsolated === true,
    cores: globalThis.navigator?.hardwareConcurrency || 1,
  };
}

/**
 * Builds to try, best first. A threads build also runs on a page that is not isolated, on one thread; the
 * single-thread build is for browsers that refuse shared memory there.
 * @param {Features} features
 * @param {string} wanted "auto", or the build to have
 */
export function builds(features, wanted) {
  const able = { relaxed: features.threads && features.relaxed, simd: features.threads, single: true };
  const order = ["relaxed", "simd", "single"].filter((build) => able[build]);
  return wanted === "auto" || !able[wanted] ? order : [wanted];
}

/** Why this browser cannot train at all, or null. @param {Features} features */
export function obstacle(features) {
  if (!features.wasm) {
    return "This browser has no WebAssembly, which the training engine is made of. Any current Chrome, Edge, Firefox or Safari has it.";
  }
  if (!features.simd) {
    return "This browser's WebAssembly has no SIMD, so it cannot train here. Chrome 91, Firefox 89 and Safari 16.4 or later have it.";
  }
  return null;
}
