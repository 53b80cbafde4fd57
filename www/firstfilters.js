/** The filters of a run's first layer before its first step; those at the end of each epoch come with it. */
import { START } from "./panels/history.js";
import { To } from "./protocol.js";

/** @param {import("./session.js").Session} session */
export function keepFirstFilters({ client, runs }) {
  for (const run of runs) {
    if (run.filters.has(START) || run.epochs.length > 0) continue;
    const layer = run.firstLayers[0].name;
    // Without them the enlarged layer says that this moment's were not kept.
    client.request(To.FILTERS, { run: run.id, layer }).then((filters) => run.filters.set(START, filters), () => {});
  }
}
