/** Asking the worker for what changes while it is on its way. */

/**
 * @param {() => Promise<void>} ask
 * @returns {() => Promise<void>} calls `ask`, once more for all calls that come while it is under way
 */
export function oneAtATime(ask) {
  let running = false;
  let again = false;
  return async () => {
    again = true;
    if (running) return;
    running = true;
    try {
      while (again) {
        again = false;
        await ask();
      }
    } finally {
      running = false;
    }
  };
}
