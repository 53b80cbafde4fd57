/**
 * The network as its layers with weights, from a picture to its classes: how many weights each has and how many bits one
 * takes. Beside it the chosen layer: its bits, and what else applies to it.
 */
import { bytes, whole } from "../format.js";
import { drawing } from "../frames.js";
import { quantized, weightBits } from "../grid.js";
import { appliedTo, bitsFor, withBits } from "../layers.js";
import { shapeText } from "../plots/layer.js";
import { display, narrowed, settingOf } from "../settings.js";
import { wireControls } from "../ui/controls.js";
import { element, setAttribute, setText } from "../ui/dom.js";

/** Widths of the boxes, as shares, from the fewest weights to the most. */
const WIDTHS = [0.74, 1];

/** Settings of the whole network that say what becomes of a layer. */
const SHARED = "quantizer granularity activations ends";

/** Width of a layer's box: by the logarithm of its weights, between those of the smallest and the largest. */
function widthOf(count, counts) {
  const [least, most] = [Math.log(Math.min(...counts)), Math.log(Math.max(...counts))];
  const share = most > least ? (Math.log(count) - least) / (most - least) : 1;
  return WIDTHS[0] + share * (WIDTHS[1] - WIDTHS[0]);
}

const bitsText = (width) => (width === null ? "FP32" : `${width} bit`);

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  const about = element("p", { class: "panel-about" });
  const row = element("ol", { class: "network-row", "aria-label": "Layers, from the picture to the answer" });
  const name = element("h3", { id: "network-layer" });
  const choice = element("div", { class: "network-choice" });
  const applies = element("dl", { class: "network-applies" });
  const shared = element("div", { class: "controls", "data-keys": SHARED });
  const side = element(
    "section",
    { class: "network-side", "aria-labelledby": "network-layer", hidden: true },
    name,
    choice,
    applies,
    element("h3", {}, "For the whole network"),
    element("p", { class: "note" }, "A layer can have bits of its own, and nothing else: what is changed here changes every layer."),
    shared,
  );
  root.append(element("header", {}, element("h2", { id: "network-title" }, "The network"), about), element("div", { class: "network-board" }, row, side));
  wireControls(root, session, "network");
  let chosen = null;
  let made = "";
  let boxes = new Map();

  function choose(layer) {
    chosen = layer;
    draw();
  }

  function make(layers, data) {
    const counts = layers.map(({ count }) => count);
    boxes = new Map();
    const items = layers.map(({ name: layer, shape, count }) => {
      const bits = element("span", { class: "network-bits" });
      const button = element("button", { type: "button", class: "network-layer", "data-of-layer": layer }, element("strong", {}, layer), element("span", { class: "note" }, shapeText(shape)), bits);
      button.style.width = `${Math.round(100 * widthOf(count, counts))}%`;
      button.addEventListener("click", () => choose(layer));
      boxes.set(layer, { button, bits });
      return element("li", {}, button);
    });
    row.replaceChildren(element("li", { class: "network-end" }, "A picture, 32 × 32"), ...items, element("li", { class: "network-end" }, `${data.classes.length} classes`));
  }

  function showBits(layer, names) {
    const { settings } = session;
    const setting = narrowed(settingOf("bits"), settings);
    const now = bitsFor(layer.name, settings, names);
    const widths = settings.quantizer === "none" ? [] : (setting.values ?? Array.from({ length: setting.max - setting.min + 1 }, (_, i) => setting.min + i));
    const key = JSON.stringify([layer.name, widths, now, settings.quantizer]);
    if (choice.dataset.key === key) return;
    choice.dataset.key = key;
    const had = choice.contains(document.activeElement);
    const buttons = widths.map((width) => {
      const button = element("button", { type: "button", class: "small", "aria-pressed": String(width === now) }, String(width));
      button.addEventListener("click", () => session.set("bits", withBits(session.settings, layer.name, width, names)));
      return button;
    });
    const words = widths.length === 0 ? "FP32: no weight is rounded, so there are no bits to choose. Choose another precision below." : "Bits of its weights";
    choice.replaceChildren(element("p", {}, words), ...buttons);
    if (had) (choice.querySelector('[aria-pressed="true"]') ?? choice.querySelector("button"))?.focus({ preventScroll: true });
  }

  function showSide(layer, names) {
    side.hidden = !layer;
    if (!layer) return;
    setText(name, `${layer.name}: ${shapeText(layer.shape)}, ${whole(layer.count)} weights`);
    showBits(layer, names);
    const lines = appliedTo(layer.name, session.settings, names);
    if (applies.dataset.shown === JSON.stringify(lines)) return;
    applies.dataset.shown = JSON.stringify(lines);
    applies.replaceChildren(...lines.map(([what, how]) => element("div", {}, element("dt", {}, what), element("dd", {}, how))));
  }

  const draw = drawing(() => {
    const { run, settings } = session;
    if (!run) return;
    const { layers } = run;
    const key = layers.map(({ name: layer, count }) => `${layer} ${count}`).join();
    const names = layers.map(({ name: layer }) => layer);
    if (key !== made) {
      made = key;
      if (!names.includes(chosen)) chosen = names[0];
      make(layers, run.data);
    }
    for (const layer of layers) {
      const { button, bits } = boxes.get(layer.name);
      const width = bitsFor(layer.name, settings, names);
      setText(bits, bitsText(width));
      setAttribute(button, "aria-pressed", String(layer.name === chosen));
      setAttribute(button, "aria-label", `${layer.name}, ${whole(layer.count)} weights, ${width === null ? "FP32" : `${width} bits`}: what applies to it, and bits of its own`);
    }
    const size = layers.some(quantized) ? ` They take ${bytes(Math.ceil(weightBits(layers) / 8))}, ${bytes(4 * layers.reduce((sum, { count }) => sum + count, 0))} as FP32.` : "";
    setText(about, `${display(settingOf("model"), run.settings.model)}, ${whole(run.info.parameters)} parameters.${size} Press a layer to give it bits of its own.`);
    showSide(layers.find(({ name: layer }) => layer === chosen), names);
  }, 60);
  session.on(["run", "settings"], draw);
}
