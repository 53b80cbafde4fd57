/** Where bits matter: which layers mind losing them, how a budget of them is spent best, and what that is worth. */
import * as assignment from "../panels/assignment.js";
import * as pareto from "../panels/pareto.js";
import * as sensitivity from "../panels/sensitivity.js";

/** @type {import("../rooms.js").Room} */
export const room = {
  rows: [{ columns: [["sensitivity"], ["assignment"]] }, { columns: [["pareto"]] }],
  parts: { sensitivity, assignment, pareto },
};
