/**
 * A run at each moment that is kept: before its first step, which for a fork is where it was forked, at the end of every
 * epoch, and now; and the moment that is shown, which is the same in all parts.
 */
import { reachOf } from "../grid.js";
import { Replay } from "../ui/replay.js";

/** Keys of the two moments that are no epoch. */
export const START = 0;
export const NOW = "now";

/** What the first moment of a run is. */
export const startOf = ({ fork }) => (fork ? "at the fork" : "before training");

/**
 * Moments of several runs together, in order.
 * @param {object[]} runs RunRecords
 * @returns {{key: number|string, label: string}[]}
 */
export function momentsOf(runs) {
  if (runs.length === 0) return [];
  const epochs = new Set(runs.flatMap((run) => run.epochs.map(({ epoch }) => epoch)));
  const total = Math.max(...runs.map(({ epochsTotal }) => epochsTotal));
  const ends = [...epochs].sort((a, b) => a - b).map((epoch) => ({ key: epoch, label: `after epoch ${epoch} of ${total}` }));
  return [{ key: START, label: [...new Set(runs.map(startOf))].join(", ") }, ...ends, { key: NOW, label: "now" }];
}

const replays = new WeakMap();

/** The replay of the session's runs: parts that show them at a moment show them at the same one. @returns {Replay} */
export function replayOf(session) {
  if (!replays.has(session)) {
    const replay = new Replay();
    replays.set(session, replay);
    session.on(["run", "epoch"], () => replay.setStops(momentsOf(session.runs)));
  }
  return replays.get(session);
}

/**
 * LayerReports of a run at a moment; of the nearest one that it has, where it began later or has not come so far.
 * @returns {object[]}
 */
export function layersAt(run, key) {
  if (key === NOW) return run.layers;
  if (key === START || run.epochs.length === 0) return run.firstLayers;
  // Epochs follow each other without a gap.
  const index = key - run.epochs[0].epoch;
  return index < 0 ? run.firstLayers : (run.epochs[index]?.layers ?? run.layers);
}

/** What the epochs of a run have reached, so that each is looked at once. */
const seen = new WeakMap();

function pastReach(run) {
  const past = seen.get(run) ?? { epochs: 0, most: new Map(run.firstLayers.map((layer) => [layer.name, reachOf(layer)])) };
  for (const { layers } of run.epochs.slice(past.epochs)) {
    for (const layer of layers) past.most.set(layer.name, Math.max(past.most.get(layer.name) ?? 0, reachOf(layer)));
  }
  past.epochs = run.epochs.length;
  seen.set(run, past);
  return past.most;
}

/**
 * Largest value of each layer over the whole history of the runs: an axis that holds it stays where it is while
 * the history is replayed.
 * @param {object[]} runs RunRecords
 * @returns {Map<string, number>} by the layer's name
 */
export function reaches(runs) {
  const most = new Map();
  const raise = (name, value) => most.set(name, Math.max(most.get(name) ?? 0, value));
  for (const run of runs) {
    for (const [name, value] of pastReach(run)) raise(name, value);
    for (const layer of run.layers) raise(layer.name, reachOf(layer));
  }
  return most;
}
