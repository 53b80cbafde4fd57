/** The run in words, for those who do not see the plots. */
import { fixed, percent } from "../format.js";
import { quantized } from "../grid.js";

/** A screen reader is spoken to no oftener than this while training. */
const SPEAK_MS = 15_000;

const live = document.getElementById("live");
let spokenAt = -Infinity;

/** The state of a run in a few sentences. */
export function summary(run) {
  const { epoch, step, stepsPerEpoch } = run.progress;
  if (!run.trained) return `${run.info.model}, ready to train on ${run.data.name}.`;
  const sentences = [
    `Epoch ${epoch} of ${run.epochsTotal}, step ${step} of ${stepsPerEpoch}.`,
    `Training loss ${fixed(run.smooth.loss.value, 2)}, training accuracy ${percent(run.smooth.accuracy.value, 0)}.`,
  ];
  const last = run.epochs.at(-1);
  if (last) sentences.push(`Test accuracy after epoch ${last.epoch}: ${percent(last.testAccuracy)}.`);
  const used = run.layers.filter(quantized).map(({ levelsUsed }) => levelsUsed);
  if (used.length > 0) sentences.push(`Levels in use: ${Math.min(...used)} to ${Math.max(...used)} a layer.`);
  return sentences.join(" ");
}

/** Says how the runs stand; `now`: at once, else only if it has been quiet for a while. */
export function speak(session, now = false) {
  const { runs } = session;
  if (runs.length === 0 || (!now && performance.now() - spokenAt < SPEAK_MS)) return;
  const state = session.playing ? "playing" : session.finished ? "finished" : runs[0].status;
  const words = { playing: "", paused: "Paused. ", finished: "Finished. ", lost: "Stopped. " }[state];
  const named = (run) => (runs.length > 1 ? `${run.label}: ` : "") + summary(run);
  const text = words + runs.map(named).join(" ");
  if (live.textContent === text) return;
  live.textContent = text;
  spokenAt = performance.now();
}
