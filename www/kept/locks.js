/** Which tab has a kept run: a lock by its key (Web Locks). */

export const lockOf = (key) => `nibble-run-${key}`;

/** Locks that some tab holds. @returns {Promise<Set<string>>} */
export async function heldAnywhere() {
  try {
    const { held = [] } = (await navigator.locks?.query()) ?? {};
    return new Set(held.map(({ name }) => name));
  } catch {
    return new Set(); // frames without an origin of their own have no locks
  }
}
