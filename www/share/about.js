/** What stands in every file of runs beside the runs: their link, the engine, and what the learner has left in lessons. */
import { defaults, ofRun, toQuery } from "../settings.js";

/** Address of the page with these settings. */
export function linkTo(settings, view = {}) {
  const { embed, show, lesson, room } = defaults();
  return new URL(toQuery({ ...settings, embed, show, lesson, room, ...view }), location.href.split(/[?#]/)[0]).href;
}

/**
 * About the runs of a session.
 * @param {import("../session.js").Session} session
 */
export function aboutOf({ engine, notebook, runs, settings }) {
  const { threads, simd, build, exact } = engine ?? {};
  const url = linkTo(ofRun({ ...runs[0].settings, race: settings.race }));
  return { url, made: new Date().toISOString(), engine: { threads, simd, build, exact }, ...notebook.told() };
}
