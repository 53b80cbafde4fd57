/** Runs beside each other: two at once, all that are kept, many by a sweep, and experiments on a trained one. */
import * as compare from "../panels/compare.js";
import * as epochs from "../panels/epochs.js";
import * as outlier from "../panels/outlier.js";
import * as ptq from "../panels/ptq.js";
import * as runs from "../panels/runs.js";
import * as runtable from "../panels/runtable.js";
import * as sweep from "../panels/sweep.js";

/** @type {import("../rooms.js").Room} */
export const room = {
  rows: [
    { columns: [["runtable"]] },
    {
      label: "With runs",
      tabs: [
        { part: "runs", label: "Kept runs" },
        { part: "compare", label: "Race and fork" },
        { part: "sweep", label: "Sweep" },
        { part: "ptq", label: "Quantize after training" },
        { part: "outlier", label: "Outlier" },
        { part: "epochs", label: "Epochs" },
      ],
    },
  ],
  parts: { compare, runs, runtable, ptq, sweep, outlier, epochs: { ...epochs, id: "epochs-part" } },
};
