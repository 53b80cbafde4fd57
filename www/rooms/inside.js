/** What goes on inside of the network. */
import * as activations from "../panels/activations.js";
import * as gradients from "../panels/gradients.js";
import * as moment from "../panels/moment.js";
import * as weights from "../panels/weights.js";

/** @type {import("../rooms.js").Room} */
export const room = {
  rows: [{ columns: [["moment"]] }, { columns: [["weights"]] }, { columns: [["activations"], ["gradients"]] }],
  parts: { moment, weights, activations, gradients },
};
