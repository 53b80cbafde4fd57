/** Accuracy over epochs: training (smoothed over steps), test (each epoch), and the published run's. */
import { percent } from "../format.js";
import { column, CurvePlot } from "./curves.js";

function describe(run) {
  const last = run.epochs.at(-1);
  const training = `Training accuracy ${percent(run.smooth.accuracy.value, 0)}`;
  const test = last ? `test accuracy ${percent(last.testAccuracy)} after epoch ${last.epoch}, best ${percent(run.best)}` : "no test pass yet";
  return `${training}, ${test}.`;
}

/** @returns {CurvePlot} */
export const accuracyPlot = () =>
  new CurvePlot("accuracy", {
    curves: [
      { label: "paper, training", color: "--reference", width: 1.5, dash: [2, 4], reference: true, of: (_run, paper) => column(paper ?? [], "trainAccuracy") },
      { label: "paper, test", color: "--reference", width: 1.5, dash: [8, 4], reference: true, of: (_run, paper) => column(paper ?? [], "testAccuracy") },
      { label: "training", color: "--train", of: (run) => run.curves.trainAccuracy },
      { label: "test", color: "--test", width: 2.5, marks: true, of: (run) => column(run.epochs, "testAccuracy") },
    ],
    format: (value, tick) => (tick ? `${Math.round(100 * value)} %` : percent(value)),
    range: () => [0, 1],
    steps: [0.1, 0.2, 0.5],
    describe,
    title: "Accuracy over epochs",
  });
