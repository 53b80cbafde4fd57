/** Loss over epochs: each batch's, the same smoothed, the test set's each epoch, and the published run's. */
import { fixed } from "../format.js";
import { column, CurvePlot } from "./curves.js";

/** The axis ends at a multiple of this, so that it does not move with every batch. */
const ROUND_TO = 0.5;
/** Where it ends before the first batch: about where guessing among ten classes begins. */
const FIRST_END = 3;

function describe(run) {
  const first = run.losses[0];
  const last = run.epochs.at(-1);
  const training = `Training loss ${fixed(run.smooth.loss.value, 2)}, ${fixed(first, 2)} at the first step`;
  return `${training}${last ? `; test loss ${fixed(last.testLoss, 2)} after epoch ${last.epoch}` : ""}.`;
}

/** @returns {CurvePlot} */
export const lossPlot = () =>
  new CurvePlot("loss", {
    curves: [
      { label: "paper, training", color: "--reference", width: 1.5, dash: [2, 4], reference: true, of: (_run, paper) => column(paper ?? [], "trainLoss") },
      { label: "paper, test", color: "--reference", width: 1.5, dash: [8, 4], reference: true, of: (_run, paper) => column(paper ?? [], "testLoss") },
      { label: "each batch", color: "--train", width: 1, alpha: 0.35, alone: true, of: (run) => run.curves.batchLoss },
      { label: "training", color: "--train", of: (run) => run.curves.trainLoss },
      { label: "test", color: "--test", width: 2.5, marks: true, of: (run) => column(run.epochs, "testLoss") },
    ],
    format: (value, tick) => (tick ? String(value) : fixed(value)),
    range: (most) => [0, most > 0 ? Math.max(1, Math.ceil((most * 1.02) / ROUND_TO) * ROUND_TO) : FIRST_END],
    steps: [0.1, 0.2, 0.5, 1, 2, 5, 10, 50, 100],
    describe,
    title: "Loss over epochs",
  });
