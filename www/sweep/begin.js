/** How a run of a sweep begins. */
import { dataKey } from "../sources.js";
import { differences, display, settingOf } from "../settings.js";

/** What the queue cannot go on without: it waits, where a run that cannot be made is passed over. */
export class Missing extends Error {}

/**
 * Makes the run that a sweep is to train next, as Reset would. The one place for it: a run of which a checkpoint is kept
 * would be opened here, and not begun again.
 * @param {import("../session.js").Session} session
 * @param {import("../settings.js").Settings} settings
 * @returns {Promise<import("../runs.js").RunRecord|null>} null: somebody else has changed the runs meanwhile
 */
export async function begin(session, settings) {
  const before = session.run;
  session.take(settings);
  await session.reset();
  const { run, runs, engine, loaded } = session;
  if (session.busy || runs.length > 1) return null;
  if (!engine) throw new Missing("The engine does not run.");
  const name = display(settingOf("data"), settings.data);
  if (settings.data !== "builtin" && loaded?.key !== dataKey(settings)) {
    throw new Missing(`Its images are not here: load ${name} again, then go on.`);
  }
  if (run === before) throw new Error(session.failure ?? "It could not be made.");
  return differences(run.settings, settings).length === 0 ? run : null;
}
