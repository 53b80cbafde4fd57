/** Train / pause, step, reset, new seed; the epoch counter and the speed beside them. */
import { whole } from "../format.js";
import { speedOf } from "../runs.js";

const at = (id) => document.getElementById(id);
const play = at("play");
const label = at("play-label");
const epoch = at("epoch");
const epochsTotal = at("epochs-total");
const speed = at("speed");
const speedUnit = at("speed-unit");

/** @param {import("../session.js").Session} session */
export function wireTransport(session) {
  play.addEventListener("click", () => (session.playing ? session.pause() : session.train("play")));
  at("step").addEventListener("click", () => session.train("step"));
  at("reset").addEventListener("click", () => session.reset());
  at("new-seed").addEventListener("click", () => session.newSeed());
}

/** @param {import("../session.js").Session} session */
export function showTransport(session) {
  const { behind: run, playing } = session;
  const finished = session.finished && !playing;
  const text = playing ? "Pause" : finished ? "Done" : "Train";
  document.body.dataset.status = playing ? "playing" : finished ? "finished" : (run?.status ?? "starting");
  document.body.dataset.busy = session.busy ?? "";
  if (label.textContent !== text) {
    label.textContent = text;
    play.setAttribute("aria-label", text);
  }
  epoch.textContent = run ? String(run.progress.epoch) : "0";
  epochsTotal.textContent = `/ ${run?.epochsTotal ?? session.settings.epochs}`;
  speed.textContent = whole(run ? speedOf(session.runs) : NaN);
  const unit = session.paired ? "images/s, both" : "images/s";
  if (speedUnit.textContent !== unit) speedUnit.textContent = unit;
}
