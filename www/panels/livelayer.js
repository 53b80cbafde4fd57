/** One layer while it learns: its weights and the levels that they are rounded to, as they are now. */
import { drawing } from "../frames.js";
import { quantized, reachOf } from "../grid.js";
import { axisEnd } from "../plots/histogram.js";
import { describeLayer, drawLayer } from "../plots/layer.js";
import { onThemeChange } from "../plots/theme.js";
import { element, setAttribute, setText } from "../ui/dom.js";

const DRAW_INTERVAL_MS = 125;

/** What is to be seen, in a sentence. */
function wordsOf(layer) {
  if (!quantized(layer)) return "How often each weight occurs. In FP32 nothing is rounded.";
  return `Above, the weights as they are remembered; below, the ${layer.levelTotal} values that the network sees. ${layer.levelsUsed} of them are in use.`;
}

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  const select = element("select", { id: "live-layer-name", "aria-label": "Layer" });
  const canvas = element("canvas", { id: "live-layer-canvas", role: "img", "aria-label": "Weights of a layer: no run yet." });
  const words = element("p", { class: "note" });
  root.append(element("header", {}, element("h2", { id: "live-layer-title" }, "Weights of"), select), canvas, words);
  /** Where the axis of each layer ended last: it follows at a distance, so that it stands still most of the time. */
  const ends = new Map();
  let names = "";

  const draw = drawing(() => {
    const { run } = session;
    if (!run) return;
    const now = run.layers.map(({ name }) => name);
    if (now.join() !== names) {
      const { value } = select;
      names = now.join();
      select.replaceChildren(...now.map((name) => new Option(name, name)));
      // The last convolution moves most, and is small enough to be seen moving.
      select.value = now.includes(value) ? value : (now.findLast((name) => name.startsWith("conv")) ?? now[0]);
    }
    const layer = run.layers.find(({ name }) => name === select.value);
    const reach = reachOf(layer);
    const before = ends.get(layer.name) ?? 0;
    if (reach > before || reach < before / 2) ends.set(layer.name, axisEnd(reach));
    drawLayer(canvas, layer, { end: ends.get(layer.name) });
    setAttribute(canvas, "aria-label", describeLayer(layer));
    setText(words, wordsOf(layer));
  }, DRAW_INTERVAL_MS);

  select.addEventListener("change", draw);
  new ResizeObserver(draw).observe(canvas);
  onThemeChange(draw);
  session.on(["run", "layers", "epoch"], draw);
}
