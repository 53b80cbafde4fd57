/** The bar that is always there: train or pause, step, what is behind "More"; which run it is, how far, and how good. */
import { besides, roundings } from "../difference.js";
import { fewTests } from "../fitting.js";
import { duration, estimate, megabytes, percent, whole } from "../format.js";
import { prepare } from "../plots/canvas.js";
import { color } from "../plots/theme.js";
import { timeLeft } from "../runs.js";
import { display, settingOf } from "../settings.js";
import { margin } from "../stats.js";
import { setAttribute, setText } from "./dom.js";

const at = (id) => document.getElementById(id);
const SIMD_NAMES = { "relaxed-simd": "relaxed SIMD", simd128: "SIMD", scalar: "scalar" };
/** What goes with a test pass, in words. */
const BESIDE = { reestimate: "Batches for the statistics of batch norm", average: "Test images by the averaged weights" };

/** @param {import("../session.js").Session} session */
export function wireBar(session) {
  at("play").addEventListener("click", () => (session.playing ? session.pause() : session.train("play")));
  at("step").addEventListener("click", () => session.train("step"));
  const menu = at("menu");
  for (const [id, act] of [["reset", () => session.reset()], ["new-seed", () => session.newSeed()]]) {
    at(id).addEventListener("click", () => {
      menu.open = false;
      menu.querySelector("summary").focus({ preventScroll: true });
      act();
    });
  }
  menu.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  document.addEventListener("pointerdown", ({ target }) => {
    if (!menu.contains(target)) menu.open = false;
  });
}

/** One line that says what a run is. */
export function runTitle({ info, settings, data }) {
  const parts = ["model", "quantizer", "batch", "lr", "seed"].map(settingOf);
  const values = parts.map((setting) => {
    const text = display(setting, settings[setting.key]);
    if (setting.key === "quantizer") return [roundings(settings), ...besides(settings)].join(", ");
    return { batch: `batch ${text}`, lr: `rate ${text}`, seed: `seed ${text}` }[setting.key] ?? text;
  });
  return [...values, data.name, `${info.parameters.toLocaleString("en")} parameters`].join(" · ");
}

function showRun({ runs }) {
  const text = runs.length > 1 ? runs.map(({ label }) => label).join(" and ") : runs.map((run) => `${roundings(run.settings)}, seed ${run.settings.seed}`).join();
  setText(at("run-title"), text || "–");
  at("run-title").title = runs.map(runTitle).join("\n");
}

/** "83.1 ±1.6 %": the last test of a run, with what chance does to it. */
export function scoreText(run) {
  const last = run.epochs.at(-1);
  if (!last) return "–";
  const count = run.info.images[1];
  return estimate(last.testAccuracy, margin(last.testAccuracy, count));
}

function showScore({ runs }) {
  // Where there is little room, each has a line.
  setText(at("score"), runs.map(scoreText).join(" |\n") || "–");
  // So few that the figure alone would say more than it knows.
  const few = runs.find((run) => fewTests(run.info.images[1]));
  setText(at("score-label"), few ? `Test, ${few.info.images[1]} images` : "Test");
  const counts = runs.map((run) => `${runs.length > 1 ? `${run.label}: ` : ""}${percent(run.epochs.at(-1)?.testAccuracy)} of ${whole(run.info.images[1])} test images`);
  at("score-cell").title = `${counts.join("; ")}. Behind ± is what chance does to it: the true accuracy lies within in 95 of 100 cases. ${few ? fewTests(few.info.images[1]) : ""}`.trim();
}

/** The tests so far, as a line. */
export function drawSpark({ runs }) {
  const drawn = prepare(at("spark"));
  if (!drawn) return;
  const { context, wide, high } = drawn;
  for (const run of runs) {
    const ys = run.epochs.map(({ testAccuracy }) => testAccuracy);
    context.beginPath();
    ys.forEach((y, i) => context.lineTo(2 + (ys.length > 1 ? i / (ys.length - 1) : 0.5) * (wide - 4), high - 3 - y * (high - 6)));
    context.strokeStyle = color(runs.length > 1 ? ["--run-a", "--run-b"][run.slot] : "--test");
    context.lineWidth = 2;
    context.stroke();
  }
}

/** How the runs are doing: buttons, epoch, score. @param {import("../session.js").Session} session */
export function showBar(session) {
  const { behind: run, playing } = session;
  const finished = session.finished && !playing;
  const text = playing ? "Pause" : finished ? "Done" : "Train";
  document.body.dataset.status = playing ? "playing" : finished ? "finished" : (run?.status ?? "starting");
  document.body.dataset.busy = session.busy ?? "";
  setText(at("play-label"), text);
  setAttribute(at("play"), "aria-label", text);
  setText(at("epoch"), run ? String(run.progress.epoch) : "0");
  setText(at("epochs-total"), `/ ${run?.epochsTotal ?? session.settings.epochs}`);
  showRun(session);
  showScore(session);
  showEngine(session);
  showProgress(session);
}

function showEngine({ engine, memory, features }) {
  if (!engine) return;
  const threads = at("engine-threads");
  setText(threads, String(engine.threads));
  threads.title = features.isolated ? `${features.cores} cores` : "One: the page is not cross-origin isolated";
  setText(at("engine-simd"), SIMD_NAMES[engine.simd] ?? engine.simd);
  at("engine-simd").title = `Build "${engine.build}", ${engine.exact ? "exact" : "fast: may differ between processors"}`;
  setText(at("engine-memory"), megabytes(memory));
}

function progressBar(id) {
  const progress = at(id);
  const text = at(`${id}-text`);
  return (share, words) => {
    progress.value = share;
    setText(text, words);
  };
}

const loadBar = progressBar("load");
const stepsBar = progressBar("steps");
const testedBar = progressBar("tested");
const left = (seconds) => (Number.isFinite(seconds) ? `${duration(seconds)} left` : "");

/** Measures how fast the load under way goes. */
let load = null;

function showLoad({ loading, loaded, busy }, now) {
  if (!loading) {
    load = null;
    setText(at("load-label"), "Loading");
    loadBar(loaded ? 1 : 0, loaded ? "done" : busy === "starting" ? "engine" : "");
    return;
  }
  const { label, done, total } = loading;
  if (!load || done < load.from) load = { from: done, since: now };
  const speed = (done - load.from) / (now - load.since);
  setText(at("load-label"), label);
  loadBar(total > 0 ? done / total : 0, done < total ? left((total - done) / speed / 1000) : "");
}

/** The three things that take time, each with what is left of it; the bar shows the one that is under way. */
function showProgress(session) {
  showLoad(session, performance.now());
  const { behind: run, loading } = session;
  const testing = run && (run.progress.beside || run.progress.tested > 0);
  at("bars").dataset.now = loading || !run ? "load" : testing ? "tested" : "steps";
  if (!run) return;
  const { step, stepsPerEpoch, ended, tested, testTotal } = run.progress;
  const time = timeLeft(session.runs, run);
  stepsBar(step / stepsPerEpoch, session.playing && step < stepsPerEpoch ? left(time.epoch) : `${whole(step)} / ${whole(stepsPerEpoch)}`);
  const all = session.runs.length > 1 ? "both runs" : "whole run";
  at("steps").title = `Step ${step} of ${stepsPerEpoch}${time.run > 0 ? `; ${all}: ${left(time.run)}` : ""}`;
  const { beside } = run.progress;
  if (beside) {
    const { done, total } = beside;
    testedBar(done / total, `${whole(done)} / ${whole(total)}`);
    at("tested").title = `${BESIDE[beside.what]}: ${whole(done)} of ${whole(total)}`;
    return;
  }
  // Between two test passes it is the one that has been.
  const seen = tested === 0 && step === stepsPerEpoch && ended === run.progress.epoch ? testTotal : tested;
  testedBar(seen / testTotal, (tested > 0 && left(time.test)) || `${whole(seen)} / ${whole(testTotal)}`);
  at("tested").title = `${whole(seen)} of ${whole(testTotal)} test images`;
}
