/**
 * Whether what is asked for has room in the engine's memory. The engine ends where an allocation fails in the middle of
 * its work, so data sets and runs are counted before they begin.
 */

/** Of the whole, what the allocator can hand out in the sizes that are asked for. */
const USABLE = 0.9;

const megabytes = (bytes) => `${Math.max(0, Math.ceil(bytes / 1e6)).toLocaleString("en")} MB`;

/** What is left beside what stays. @param {object[]} wanted what is to be looked at beside the runs */
export function freeBytes({ limit, datasets, runs }, wanted = []) {
  const sum = (things) => things.reduce((bytes, thing) => bytes + thing.bytes(), 0);
  // Kept free: what comes and goes while a run is looked at.
  const spare = Math.max(0, ...[...runs, ...wanted].map((thing) => thing.copyBytes?.() ?? 0));
  return USABLE * limit - sum(datasets) - sum(runs) - spare;
}

/**
 * Fails where `wanted` has no room.
 * @param {string} what it is, as a sentence begins
 * @param {object} wanted a run or a data set of the engine
 * @param {object} room
 * @param {number} room.limit bytes that the engine can have
 * @param {object[]} room.datasets those that stay beside it
 * @param {object[]} room.runs those that stay beside it
 */
export function assertRoom(what, wanted, room) {
  const free = freeBytes(room, [wanted]);
  if (wanted.bytes() <= free) return;
  const advice = wanted.copyBytes ? "A smaller batch takes less." : "Dropping a run makes room.";
  throw new Error(`${what} takes ${megabytes(wanted.bytes())} of memory, and ${megabytes(free)} are free. ${advice}`);
}
