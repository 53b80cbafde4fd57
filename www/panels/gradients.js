/** How large the gradient of each layer is at the end of every epoch. */
import { short } from "../format.js";
import { drawing } from "../frames.js";
import { drawGradients } from "../plots/gradients.js";
import { onThemeChange } from "../plots/theme.js";
import { element, setAttribute } from "../ui/dom.js";
import { RunSwitch } from "../ui/runswitch.js";
import { NOW, replayOf } from "./history.js";

const DRAW_INTERVAL_MS = 125;

/** A run's norms: the epochs, and for each layer a value an epoch. */
function normsOf({ epochs }) {
  const names = epochs[0]?.layers.map(({ name }) => name) ?? [];
  const layers = names.map((name, i) => ({ name, values: epochs.map((epoch) => epoch.layers[i].gradNorm) }));
  return { epochs: epochs.map(({ epoch }) => epoch), layers };
}

/** Which of the epochs a moment is: the last one where it is now, -1 before the first. */
function epochAt({ epochs }, key) {
  return key === NOW ? epochs.length - 1 : epochs.indexOf(key);
}

function describe({ epochs, layers }, at) {
  const what = "Gradient norm of each layer over epochs";
  if (epochs.length === 0) return `${what}: no epoch yet.`;
  if (at < 0) return `${what}, logarithmic. At the moment that is shown no epoch had ended.`;
  const each = layers.map(({ name, values }) => `${name} ${short(values[at])}`);
  return `${what}, logarithmic. After epoch ${epochs[at]}: ${each.join(", ")}.`;
}

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  const replay = replayOf(session);
  const canvas = element("canvas", { id: "gradients-plot", role: "img" });
  const runs = element("div");
  const shown = new RunSwitch(runs, { label: "Gradients of which run", changed: () => draw() });
  root.append(
    element(
      "header",
      {},
      element("h2", { id: "gradients-title" }, "Gradients"),
      element("p", { class: "panel-about" }, "The norm of each layer’s gradient in the last step of every epoch, before it is clipped."),
      runs,
    ),
    element("div", { class: "gradients-plot" }, canvas, element("p", { class: "gradients-empty note" }, "After the first epoch there is a line for each layer here.")),
  );
  const draw = drawing(() => {
    const [run] = shown.shown;
    const norms = run ? normsOf(run) : { epochs: [], layers: [] };
    root.classList.toggle("empty", norms.epochs.length === 0);
    const at = epochAt(norms, replay.shown?.key ?? NOW);
    setAttribute(canvas, "aria-label", describe(norms, at));
    drawGradients(canvas, norms, at);
  }, DRAW_INTERVAL_MS);
  session.on(["run", "epoch"], () => {
    shown.setRuns(session.runs);
    draw();
  });
  replay.listen(draw);
  onThemeChange(draw);
  new ResizeObserver(draw).observe(canvas);
  draw();
}
