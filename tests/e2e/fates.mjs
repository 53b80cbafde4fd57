/** Errors of many kinds, thrown for real: by WebAssembly, from within it, and by JavaScript alone. */

/** A module with a function that calls itself for ever, one that traps, and one that calls what it was given. */
export const MODULE = [
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
  1, 4, 1, 0x60, 0, 0, // type: () -> ()
  2, 7, 1, 1, 0x61, 1, 0x66, 0, 0, // import "a" "f"
  3, 4, 3, 0, 0, 0, // three functions
  7, 13, 3, 1, 0x64, 0, 1, 1, 0x74, 0, 2, 1, 0x63, 0, 3, // export "d" (deep), "t" (trap), "c" (call)
  10, 15, 3, 4, 0, 0x10, 1, 0x0b, 3, 0, 0x00, 0x0b, 4, 0, 0x10, 0, 0x0b,
];

/** What `fatal` says of each kind of error. In a page as here: it knows nothing but its arguments. */
export function fates(bytes, fatal) {
  const given = (f) => new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)), { a: { f } }).exports;
  const recurse = () => recurse() + 1;
  const kinds = {
    "a trap": () => given(() => {}).t(),
    "too deep within the engine": () => given(() => {}).d(),
    "a table that cannot grow, within the engine": given(() => new WebAssembly.Table({ element: "anyfunc", initial: 1, maximum: 1 }).grow(1)).c,
    "what the engine says": () => { throw new Error("batch: expected 2 to 1024"); },
    "an array too long": () => new Array(-1),
    "too deep in our own code": recurse,
    "a number out of range": () => (1).toFixed(1000),
    "a mistake of ours": () => undefined.nothing,
  };
  return Object.fromEntries(Object.entries(kinds).map(([name, body]) => {
    try {
      body();
    } catch (error) {
      return [name, fatal(error)];
    }
    return [name, "nothing was thrown"];
  }));
}

export const FATES = {
  "a trap": true, "too deep within the engine": true, "a table that cannot grow, within the engine": true, "what the engine says": false,
  "an array too long": false, "too deep in our own code": false, "a number out of range": false, "a mistake of ours": false,
};
