/** What no setting changes: so that a run can be repeated elsewhere. A test holds the figures against the engine's sources. */
import { element } from "../ui/dom.js";

/** What it is -> how it is. */
export const FIXED = [
  ["Pictures", "32 × 32 pixels, three colours"],
  ["Convolutions", "a border of zeros half as wide as the kernel, a bias a channel"],
  ["First weights", "normal, variance 2 / inputs of a weight's output (He et al., 2015); biases 0"],
  ["Batch normalisation", "epsilon 1e-5"],
  ["AdamW", "beta2 0.999, epsilon 1e-8; beta1 is the setting Momentum"],
  ["Loss", "cross-entropy, the mean over a batch"],
  ["Rounded", "weights of convolutions and of linear layers; never biases, nor the scales of batch normalisation"],
  ["Chance", "ChaCha8, a stream of its own for every purpose: the same seed, the same run"],
];

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root) {
  const rows = FIXED.map(([name, text]) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, text)));
  root.append(element("h2", { id: "fixed-title" }, "What is fixed"), element("table", { class: "fixed-table" }, element("tbody", {}, ...rows)));
}
