/** The three bars: loading, the epoch's steps, the test pass; each with its time left. */
import { duration, whole } from "../format.js";
import { timeLeft } from "../runs.js";

const at = (id) => document.getElementById(id);

function bar(id) {
  const progress = at(id);
  const text = at(`${id}-text`);
  return (share, words) => {
    progress.value = share;
    if (text.textContent !== words) text.textContent = words;
  };
}

const loadBar = bar("load");
const stepsBar = bar("steps");
const testedBar = bar("tested");
/** What goes with a test pass, in words. */
const BESIDE = { reestimate: "Batches for the statistics of batch norm", average: "Test images by the averaged weights" };
const loadLabel = at("load-label");

const left = (seconds) => (Number.isFinite(seconds) ? `${duration(seconds)} left` : "");

/** Measures how fast the load under way goes. */
let load = null;

function showLoad({ loading, loaded, busy }, now) {
  if (!loading) {
    load = null;
    loadLabel.textContent = "Loading";
    loadBar(loaded ? 1 : 0, loaded ? "done" : busy === "starting" ? "engine" : "");
    return;
  }
  const { label, done, total } = loading;
  if (!load || done < load.from) load = { from: done, since: now };
  const speed = (done - load.from) / (now - load.since);
  loadLabel.textContent = label;
  loadBar(total > 0 ? done / total : 0, done < total ? left((total - done) / speed / 1000) : "");
}

/** @param {import("../session.js").Session} session */
export function showProgress(session) {
  showLoad(session, performance.now());
  const { behind: run } = session;
  if (!run) return;
  const { step, stepsPerEpoch, tested, testTotal } = run.progress;
  const time = timeLeft(session.runs, run);
  const moving = session.playing;
  stepsBar(step / stepsPerEpoch, moving && step < stepsPerEpoch ? left(time.epoch) : `${whole(step)} / ${whole(stepsPerEpoch)}`);
  const all = session.runs.length > 1 ? "both runs" : "whole run";
  at("steps").title = `Step ${step} of ${stepsPerEpoch}${time.run > 0 ? `; ${all}: ${left(time.run)}` : ""}`;
  const { beside } = run.progress;
  if (beside) {
    const { done, total } = beside;
    testedBar(done / total, `${whole(done)} / ${whole(total)}`);
    at("tested").title = `${BESIDE[beside.what]}: ${whole(done)} of ${whole(total)}`;
    return;
  }
  testedBar(tested / testTotal, (tested > 0 && left(time.test)) || `${whole(tested)} / ${whole(testTotal)}`);
  at("tested").title = `${whole(tested)} of ${whole(testTotal)} test images`;
}
