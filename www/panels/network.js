/**
 * The network as its layers with weights, from a picture to its classes: how many weights each has and how many bits one
 * takes. Beside it the chosen layer: its bits, its scheme, its scales, its activations, and what else applies to it.
 */
import { skips } from "../../pkg/registry.js";
import { bytes, whole } from "../format.js";
import { drawing } from "../frames.js";
import { quantized, weightBits } from "../grid.js";
import { appliedTo, bitsFor, hasOwn, withBits, withOwn } from "../layers.js";
import { shapeText } from "../plots/layer.js";
import { display, narrowed, schemeValues, settingOf, settingsOfLayer } from "../settings.js";
import { options, wireControls } from "../ui/controls.js";
import { element, setAttribute, setText } from "../ui/dom.js";

/** Widths of the boxes, as shares, from the fewest weights to the most. */
const WIDTHS = [0.74, 1];

/** What a layer can have of its own, in menus. */
const OWN = settingOf("layers").keys.filter((key) => settingOf(key).choices);
/** Of a single layer's: which activations are its own. The last layer has none, as no ReLU is behind it. */
const ACTIVATIONS = { key: "activations", label: "What its ReLU hands on" };
/** Beside the schemes: what all the others have. */
const ALIKE = "";

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
  const menus = element("div", { class: "network-own" });
  const applies = element("dl", { class: "network-applies" });
  const shared = element("div", { class: "controls", "data-keys": SHARED });
  const side = element(
    "section",
    { class: "network-side", "aria-labelledby": "network-layer", hidden: true },
    name,
    choice,
    menus,
    applies,
    element("h3", {}, "For the whole network"),
    element("p", { class: "note" }, "Of every layer that has nothing of its own."),
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

  function make(layers, { data, settings }) {
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
    // Beside what it passes by; the first row is the picture's.
    const rows = layers.map(({ name: layer }) => layer);
    const past = skips[settings.model].map(([from, to]) => {
      const item = element("li", { class: "network-skip" }, element("span", { class: "visually-hidden" }, `What ${from} gives is added to what ${to} gives`));
      item.style.gridRow = `${rows.indexOf(from) + 3} / ${rows.indexOf(to) + 3}`;
      return item;
    });
    for (const [i, item] of items.entries()) item.style.gridRow = i + 2;
    row.replaceChildren(element("li", { class: "network-end" }, "A picture, 32 × 32"), ...items, element("li", { class: "network-end" }, `${data.classes.length} classes`), ...past);
  }

  function showBits(layer, names) {
    const { settings } = session;
    const own = settingsOfLayer(layer.name, settings);
    const setting = narrowed(settingOf("bits"), own);
    const now = bitsFor(layer.name, settings, names);
    const widths = own.quantizer === "none" ? [] : (setting.values ?? Array.from({ length: setting.max - setting.min + 1 }, (_, i) => setting.min + i));
    const key = JSON.stringify([layer.name, widths, now]);
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

  /** The menus of a layer: what it has of its own, or nothing. */
  function showOwn(layer, names) {
    const { settings } = session;
    const isLast = layer.name === names.at(-1);
    const own = settingsOfLayer(layer.name, settings);
    const rows = OWN.filter((key) => key !== ACTIVATIONS.key || !isLast).map((key) => {
      const setting = settingOf(key);
      const { label } = key === ACTIVATIONS.key ? ACTIVATIONS : setting;
      const taken = schemeValues(setting, own);
      const entries = setting.choices.filter(({ name }) => name !== "net" && (!taken || taken.includes(name)));
      const now = hasOwn(layer.name, settings, key) ? own[key] : ALIKE;
      return { key, label, entries, now, others: display(setting, settings[key]) };
    });
    const shown = JSON.stringify([layer.name, rows.map(({ entries, now, others }) => [entries.map(({ name }) => name), now, others])]);
    if (menus.dataset.shown === shown) return;
    menus.dataset.shown = shown;
    const focused = menus.contains(document.activeElement) ? document.activeElement.id : null;
    menus.replaceChildren(
      ...rows.map(({ key, label, entries, now, others }) => {
        const select = element("select", { id: `own-${key}` }, element("option", { value: ALIKE }, `Like the others: ${others}`), ...options(entries));
        select.value = now;
        select.addEventListener("change", () => session.set("layers", withOwn(session.settings, layer.name, key, select.value === ALIKE ? null : select.value)));
        return element("div", { class: "control" }, element("label", { class: "label", for: select.id }, label), select);
      }),
    );
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }

  function showSide(layer, names) {
    side.hidden = !layer;
    if (!layer) return;
    setText(name, `${layer.name}: ${shapeText(layer.shape)}, ${whole(layer.count)} weights`);
    showBits(layer, names);
    showOwn(layer, names);
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
      make(layers, run);
    }
    for (const layer of layers) {
      const { button, bits } = boxes.get(layer.name);
      const width = bitsFor(layer.name, settings, names);
      setText(bits, bitsText(width));
      setAttribute(button, "aria-pressed", String(layer.name === chosen));
      setAttribute(button, "aria-label", `${layer.name}, ${whole(layer.count)} weights, ${width === null ? "FP32" : `${width} bits`}: what applies to it, and what it has of its own`);
    }
    const size = layers.some(quantized) ? ` They take ${bytes(Math.ceil(weightBits(layers) / 8))}, ${bytes(4 * layers.reduce((sum, { count }) => sum + count, 0))} as FP32.` : "";
    setText(about, `${display(settingOf("model"), run.settings.model)}, ${whole(run.info.parameters)} parameters.${size} Press a layer to give it something of its own.`);
    showSide(layers.find(({ name: layer }) => layer === chosen), names);
  }, 60);
  session.on(["run", "settings"], draw);
}
