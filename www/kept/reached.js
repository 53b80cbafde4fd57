/** What kept runs have reached. */
import { settingsOf } from "./header.js";

/**
 * Every kept run as a row of a table, see runtable/rows.js, with what the file says of itself.
 * @param {import("../session.js").Session} session
 * @returns {(import("../runtable/rows.js").Row & {about: import("./header.js").About})[]}
 */
export function reached({ keeping, runs }) {
  return keeping.list.runs.map((kept) => {
    const { about, key, at } = kept;
    // What is open here has come further than what is saved of it.
    const epochs = runs.find((run) => run.key === key)?.epochs ?? [];
    const of = epochs.length > about.epochs.length ? epochs : about.epochs;
    const { settings } = settingsOf(about);
    return { key, title: keeping.title(kept), data: about.data.name, settings, tests: of.map(({ testAccuracy }) => testAccuracy), images: about.data.images?.[1] || settings.test, at, about };
  });
}
