/** How a run of a sweep begins. */
import { isFinished } from "../kept/keeping.js";
import { dataKey } from "../sources.js";
import { differences, display, settingOf } from "../settings.js";

/** What the queue cannot go on without: it waits, where a run that cannot be made is passed over. */
export class Missing extends Error {}

/** The kept run of that key, if it can go on as one of these settings. */
async function unfinished(session, settings, key) {
  if (!key) return null;
  const { list } = session.keeping;
  await list.refresh();
  const kept = list.find(key);
  if (!kept || isFinished(kept)) return null;
  await session.keeping.open(kept);
  const { run } = session;
  return run?.key === key && differences(run.settings, settings).length === 0 ? run : null;
}

/**
 * Makes the run that a sweep is to train next, as Reset would, or opens the one that was under way.
 * @param {import("../session.js").Session} session
 * @param {import("../settings.js").Settings} settings
 * @param {string|null} key under which that one is kept
 * @returns {Promise<import("../runs.js").RunRecord|null>} null: somebody else has changed the runs meanwhile
 */
export async function begin(session, settings, key) {
  const kept = await unfinished(session, settings, key);
  if (kept) return kept;
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
