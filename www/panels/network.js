/**
 * The network as a row of its layers with weights, between a picture and its classes: how many weights each has and how
 * many bits one takes. A press on a layer gives it bits of its own.
 */
import { bytes, whole } from "../format.js";
import { drawing } from "../frames.js";
import { quantized, weightBits } from "../grid.js";
import { shapeText } from "../plots/layer.js";
import { bitsOf, display, narrowed, settingOf } from "../settings.js";
import { element, setAttribute, setText } from "../ui/dom.js";

/** Heights of the boxes, in CSS pixels, from the fewest weights to the most. */
const HEIGHTS = [58, 104];

/** The width of a layer's weights as the settings ask for it. */
function bitsFor(name, { quantizer, bits }) {
  if (quantizer === "none") return null;
  const { all, layers } = bitsOf(bits);
  return layers.find(([layer]) => layer === name)?.[1] ?? all;
}

/** The setting `bits` with another width for one layer. */
function withBits(settings, name, wanted) {
  const { all, layers } = bitsOf(settings.bits);
  const others = layers.filter(([layer]) => layer !== name);
  if (wanted !== all) others.push([name, wanted]);
  return others.length > 0 ? [all, ...others.map((pair) => pair.join(":"))].join() : all;
}

/** Height of a layer's box: by the logarithm of its weights, between those of the smallest and the largest. */
function heightOf(count, counts) {
  const [least, most] = [Math.log(Math.min(...counts)), Math.log(Math.max(...counts))];
  const share = most > least ? (Math.log(count) - least) / (most - least) : 1;
  return HEIGHTS[0] + share * (HEIGHTS[1] - HEIGHTS[0]);
}

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  const about = element("p", { class: "panel-about" });
  const row = element("ol", { class: "network-row", "aria-label": "Layers, from the picture to the answer" });
  const choice = element("div", { class: "network-choice", hidden: true });
  root.append(element("header", {}, element("h2", { id: "network-title" }, "The network"), about), element("div", { class: "scroll" }, row), choice);
  let chosen = null;
  let made = "";
  let boxes = new Map();

  function choose(name) {
    chosen = chosen === name ? null : name;
    draw();
  }

  function make(layers, data) {
    const counts = layers.map(({ count }) => count);
    boxes = new Map();
    const items = layers.map(({ name, shape, count }) => {
      const bits = element("span", { class: "network-bits" });
      const button = element("button", { type: "button", class: "network-layer", "data-of-layer": name }, element("strong", {}, name), element("span", { class: "note" }, shapeText(shape)), bits);
      button.style.height = `${Math.round(heightOf(count, counts))}px`;
      button.addEventListener("click", () => choose(name));
      boxes.set(name, { button, bits });
      return element("li", {}, button);
    });
    row.replaceChildren(element("li", { class: "network-end" }, "32 × 32 picture"), ...items, element("li", { class: "network-end" }, `${data.classes.length} classes`));
  }

  function showChoice(layer) {
    choice.hidden = !layer;
    if (!layer) return;
    const { settings } = session;
    const setting = narrowed(settingOf("bits"), settings);
    const now = bitsFor(layer.name, settings);
    const widths = now === null ? [] : (setting.values ?? Array.from({ length: setting.max - setting.min + 1 }, (_, i) => setting.min + i));
    const key = JSON.stringify([layer.name, widths, now, settings.quantizer]);
    if (choice.dataset.key === key) return;
    choice.dataset.key = key;
    const had = choice.contains(document.activeElement);
    const buttons = widths.map((width) => {
      const button = element("button", { type: "button", class: "small", "aria-pressed": String(width === now) }, String(width));
      button.addEventListener("click", () => session.set("bits", withBits(session.settings, layer.name, width)));
      return button;
    });
    const words = now === null ? "FP32: its weights are not rounded. Choose another precision below." : `Bits of ${layer.name}, ${whole(layer.count)} weights:`;
    choice.replaceChildren(element("p", {}, words), ...buttons);
    if (had) (choice.querySelector('[aria-pressed="true"]') ?? choice.querySelector("button"))?.focus({ preventScroll: true });
  }

  const draw = drawing(() => {
    const { run, settings } = session;
    if (!run) return;
    const { layers } = run;
    const key = layers.map(({ name, count }) => `${name} ${count}`).join();
    if (key !== made) {
      made = key;
      chosen = null;
      make(layers, run.data);
    }
    for (const layer of layers) {
      const { button, bits } = boxes.get(layer.name);
      const width = bitsFor(layer.name, settings);
      setText(bits, width === null ? "FP32" : `${width} bit`);
      button.style.setProperty("--filled", String((width ?? 8) / 8));
      setAttribute(button, "aria-pressed", String(layer.name === chosen));
      setAttribute(button, "aria-label", `${layer.name}, ${whole(layer.count)} weights, ${width === null ? "FP32" : `${width} bits`}: give it bits of its own`);
    }
    const size = layers.some(quantized) ? ` They take ${bytes(Math.ceil(weightBits(layers) / 8))}, ${bytes(4 * layers.reduce((sum, { count }) => sum + count, 0))} as FP32.` : "";
    setText(about, `${display(settingOf("model"), run.settings.model)}, ${whole(run.info.parameters)} parameters.${size} Press a layer to give it bits of its own.`);
    showChoice(layers.find(({ name }) => name === chosen));
  }, 60);
  session.on(["run", "settings"], draw);
}
