/**
 * The weights of every layer as small multiples, at any moment of the run: latent weights above, levels below. Where master
 * weights are not rounded but latent variables of signs, the weights themselves are above.
 * One layer is enlarged (layer.js).
 */
import { bytes, fixed, percent, whole } from "../format.js";
import { drawing } from "../frames.js";
import { quantized, severalGrids, weightBits } from "../grid.js";
import { axisEnd } from "../plots/histogram.js";
import { describeLayer, drawLayer, shapeText } from "../plots/layer.js";
import { onThemeChange } from "../plots/theme.js";
import { signSchemes } from "../schemes.js";
import { element, setAttribute, setText } from "../ui/dom.js";
import { ReplayControl } from "../ui/replay.js";
import { RunSwitch } from "../ui/runswitch.js";
import { term } from "../ui/term.js";
import { layersAt, reaches, replayOf } from "./history.js";
import { LayerDialog } from "./layer.js";

/** The cores are for training. */
const DRAW_INTERVAL_MS = 50;

/** The picture of one run's layer within a cell: a line of text, the canvas, the figures. */
function makePicture(run, single) {
  const name = element("strong");
  const about = element("span", { class: single ? "shape" : `run-name run-slot-${run.slot}` });
  const count = element("span", { class: "count" });
  const canvas = element("canvas", { "aria-hidden": "true" });
  const facts = [element("span"), element("span")];
  const box = element(
    "span",
    { class: "layer-run" },
    element("span", { class: "layer-line" }, name, about, count),
    canvas,
    element("span", { class: "facts" }, ...facts),
  );
  return { run, single, box, name, about, count, canvas, facts, drawn: null };
}

function countOf(layer) {
  if (!quantized(layer)) return "FP32";
  const grids = severalGrids(layer) ? `, ${whole(layer.scales)} grids` : "";
  return `${layer.levelsUsed}/${layer.levelTotal} levels${grids}`;
}

function factsOf(layer) {
  if (!quantized(layer)) return [`${whole(layer.count)} weights`, ""];
  return [`entropy ${fixed(layer.entropyBits, 2)} bits`, `flips ${percent(layer.flipsPerStep, 2)} a step`];
}

/** What the pictures of these runs show, above the line and below it. */
function keyTexts(runs) {
  const signs = signSchemes(runs).join(" and ");
  if (!signs) return ["latent 32-bit weights", "the levels they are rounded to"];
  return [`latent 32-bit weights; of ${signs}, whose latent variables are not shown, the weights themselves`, "the levels they are rounded to, or lie on"];
}

/** What all weights take, scales and the like included. */
function sizeText(layers) {
  const count = layers.reduce((sum, layer) => sum + layer.count, 0);
  const bits = weightBits(layers);
  const each = `${whole(count)} weights take ${bytes(Math.ceil(bits / 8))}`;
  return layers.some(quantized) ? `${each}, ${fixed(bits / count, 2)} bits each with their scales; ${bytes(4 * count)} as FP32.` : `${each} as FP32.`;
}

class Weights {
  #session;
  #cells = new Map();
  #replay;
  #ownAxis = false;

  constructor(root, session) {
    this.#session = session;
    this.#replay = replayOf(session);
    this.#build(root);
    this.redraw = drawing(() => this.#draw(), DRAW_INTERVAL_MS);
    this.dialog = new LayerDialog(root, session, this.#replay, {
      runs: () => this.#switch.shown,
      chosen: (name) => {
        for (const [layer, { button }] of this.#cells) {
          if (name) setAttribute(button, "aria-pressed", String(layer === name));
          else button.removeAttribute("aria-pressed");
        }
      },
    });
    this.#replay.listen(() => this.redraw());
    onThemeChange(() => this.#all());
    new ResizeObserver(() => this.#all()).observe(this.#box);
    session.on("run", () => {
      this.#runs();
      this.dialog.runs();
    });
    session.on("layers", this.redraw);
    session.on(["epoch", "layers"], () => this.dialog.newer());
  }

  #box;
  #switch;
  #summary;
  #size;
  #pale;
  /** Parts of the key for levels at places of their own. */
  #ofLevels;
  /** What stands in the key for what is above the line and what below. */
  #keys = [term("latent"), term("level")];

  #build(root) {
    const axis = element("input", { type: "checkbox", id: "weights-own-axis" });
    axis.addEventListener("change", () => {
      this.#ownAxis = axis.checked;
      this.redraw();
    });
    const replay = element("div", { role: "group", "aria-label": "Moment of the run" });
    const runs = element("div");
    const changed = () => {
      this.#runs();
      this.dialog.runs();
    };
    this.#switch = new RunSwitch(runs, { label: "Weights of which run", both: true, changed });
    this.#box = element("div", { class: "layers", id: "layers" });
    this.#summary = element("p", { class: "visually-hidden", id: "weights-summary" });
    const key = element("p", { class: "key" });
    this.#pale = element("span", {}, element("i", { class: "swatch level pale" }), "what they are rounded to by all grids of a layer");
    this.#size = element("p", { class: "note", id: "weights-size" });
    key.innerHTML = `<span><i class="swatch"></i></span> <span><i class="swatch level"></i></span> <span><i class="swatch unused"></i>a level out of use</span> <span>heights on a square-root scale</span>`;
    this.#keys.forEach((text, i) => key.children[i].append(text));
    this.#showKey([]);
    key.append(this.#pale);
    this.#ofLevels = [...key.children].slice(1, 3);
    // What stands below the pictures stands in buttons, which hold no others.
    key.append(element("span", { class: "key-facts" }, "below: ", term("entropy", "entropy"), ", ", term("flip", "flips")));
    root.append(
      element("header", {}, element("h2", { id: "weights-title" }, "Weights"), key),
      element("div", { class: "panel-tools" }, replay, element("label", { class: "tick" }, axis, " An axis for each layer"), runs),
      this.#size,
      this.#summary,
      this.#box,
    );
    // Where the slider of the room is not there to be moved.
    new ReplayControl(replay, this.#replay, "Weights over the epochs");
  }

  #showKey(runs) {
    keyTexts(runs).forEach((text, i) => setText(this.#keys[i], text));
  }

  /** Other runs, or others of them to show. */
  #runs() {
    this.#switch.setRuns(this.#session.runs);
    const shown = this.#switch.shown;
    const layers = shown[0]?.layers ?? [];
    this.#cells = new Map(layers.map(({ name }) => [name, this.#makeCell(name, shown)]));
    this.#box.classList.toggle("of-two", shown.length > 1);
    this.#box.replaceChildren(...[...this.#cells.values()].map(({ button }) => button));
    this.redraw();
  }

  #makeCell(name, runs) {
    const pictures = runs.map((run) => makePicture(run, runs.length === 1));
    const button = element("button", { type: "button", class: "layer", "data-layer": name }, ...pictures.map(({ box }) => box));
    button.addEventListener("click", () => this.dialog.open(name));
    return { button, pictures };
  }

  #all() {
    for (const { pictures } of this.#cells.values()) for (const picture of pictures) picture.drawn = null;
    this.redraw();
  }

  /** Where the axis of each layer ends. */
  #ends() {
    const each = reaches(this.#switch.shown);
    const all = axisEnd(Math.max(...each.values()));
    return new Map([...each].map(([name, reach]) => [name, this.#ownAxis ? axisEnd(reach) : all]));
  }

  #draw() {
    const moment = this.#replay.shown;
    if (!moment) return;
    const ends = this.#ends();
    const shown = this.#switch.shown;
    const reports = new Map(shown.map((run) => [run, new Map(layersAt(run, moment.key).map((layer) => [layer.name, layer]))]));
    for (const [name, { button, pictures }] of this.#cells) {
      const layers = pictures.map(({ run }) => reports.get(run)?.get(name));
      if (layers.some((layer) => !layer)) continue;
      pictures.forEach((picture, i) => this.#drawPicture(picture, layers[i], ends.get(name), i === 0));
      setAttribute(button, "aria-label", this.#label(pictures, layers));
    }
    setText(this.#summary, this.#describe(shown, moment, reports));
    const all = shown.map((run) => [...reports.get(run).values()]);
    setText(this.#size, all.map((layers, i) => (all.length > 1 ? `${shown[i].label}: ` : "") + sizeText(layers)).join(" "));
    // Levels at places of their own are drawn where a layer has one grid.
    const layers = all.flat();
    this.#pale.hidden = !layers.some(severalGrids);
    for (const part of this.#ofLevels) part.hidden = !this.#pale.hidden && layers.every(severalGrids);
    this.#showKey(shown);
  }

  #drawPicture(picture, layer, end, first) {
    if (picture.drawn?.layer === layer && picture.drawn.end === end) return;
    picture.drawn = { layer, end };
    drawLayer(picture.canvas, layer, { end });
    setText(picture.name, first ? layer.name : "");
    setText(picture.about, picture.single ? shapeText(layer.shape) : picture.run.label);
    setText(picture.count, countOf(layer));
    factsOf(layer).forEach((fact, i) => setText(picture.facts[i], fact));
  }

  #label(pictures, layers) {
    const each = layers.map((layer, i) => (pictures.length > 1 ? `${pictures[i].run.label}, ` : "") + describeLayer(layer));
    return `${each.join(" ")} Enlarge.`;
  }

  /** The whole panel in a sentence for each run. */
  #describe(runs, moment, reports) {
    const sentences = runs.map((run) => {
      const layers = [...reports.get(run).values()];
      const grids = layers.filter(quantized);
      const who = runs.length > 1 ? `${run.label}: ` : "";
      if (grids.length === 0) return `${who}${layers.length} layers, none quantized.`;
      const used = grids.map(({ levelsUsed }) => levelsUsed);
      const entropy = grids.reduce((sum, layer) => sum + layer.entropyBits, 0) / grids.length;
      return `${who}${grids.length} quantized layers, ${Math.min(...used)} to ${Math.max(...used)} levels in use, mean entropy ${fixed(entropy, 2)} bits.`;
    });
    return `Weights ${moment.label}. ${sentences.join(" ")}`;
  }
}

/** @type {import("../rooms.js").Part["mount"]} */
export const mount = (root, session) => void new Weights(root, session);
