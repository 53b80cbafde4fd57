/**
 * The weights of every layer as small multiples: above the line the histogram of the latent weights with the
 * quantizer's grid laid over it, below it how many weights round to each level. Own canvas, one a layer.
 */
import { drawing } from "../frames.js";
import { fixed, percent, short, whole } from "../format.js";
import { color, onThemeChange } from "./theme.js";

const DRAW_INTERVAL_MS = 250;
/** Share of the canvas above the line, where there are levels to show below it. */
const ABOVE = 0.62;
const EDGE = 8;
const LABELS = 16;
/** Closer levels than this, in pixels, would only be a grey smear. */
const CLOSEST_GRID = 3;

/** Square roots keep the tails visible: the outermost level may hold a single weight. */
const height = (count, most, full) => (most > 0 ? Math.sqrt(count / most) * full : 0);

function shapeText([out, inside, ...kernel]) {
  return `${inside}→${out}${kernel.length > 0 ? ` · ${kernel.join("×")}` : ""}`;
}

const quantized = (layer) => layer.levelCounts.length > 0;

/** What the picture of a layer shows, in words. */
function describe(layer) {
  const levels = quantized(layer) ? `${layer.levelsUsed} of ${layer.levelCounts.length} levels in use, entropy ${fixed(layer.entropyBits, 2)} bits, scale ${short(layer.scale)}` : "not quantized";
  return `Weights of ${layer.name}: ${whole(layer.count)} from ${short(layer.histogram.min)} to ${short(layer.histogram.max)}, ${levels}.`;
}

function drawLatent(context, { histogram: { min, max, counts } }, x, base, full) {
  const most = Math.max(...counts);
  const width = (max - min) / counts.length;
  context.beginPath();
  context.moveTo(x(min), base);
  counts.forEach((count, i) => {
    const top = base - height(count, most, full);
    context.lineTo(x(min + i * width), top);
    context.lineTo(x(min + (i + 1) * width), top);
  });
  context.lineTo(x(max), base);
  context.closePath();
  context.fillStyle = color("--latent");
  context.fill();
}

function drawGrid(context, layer, x, top, base) {
  const half = (layer.levelCounts.length - 1) / 2;
  const spacing = x(layer.scale) - x(0);
  if (spacing < CLOSEST_GRID) return;
  context.beginPath();
  for (let k = -half; k <= half; k++) {
    const at = Math.round(x(k * layer.scale)) + 0.5;
    context.moveTo(at, top);
    context.lineTo(at, base);
  }
  context.strokeStyle = color("--level-grid");
  context.lineWidth = 1;
  context.stroke();
}

function drawLevels(context, layer, x, base, full) {
  const { levelCounts, scale } = layer;
  const half = (levelCounts.length - 1) / 2;
  const most = Math.max(...levelCounts);
  const width = Math.max(1, Math.min(14, 0.55 * (x(scale) - x(0))));
  levelCounts.forEach((count, i) => {
    const at = x((i - half) * scale);
    if (count > 0) {
      context.fillStyle = color("--level");
      context.fillRect(at - width / 2, base, width, Math.max(2, height(count, most, full)));
    } else if (width > 2) {
      context.beginPath();
      context.arc(at, base + 5, 2.5, 0, 2 * Math.PI);
      context.strokeStyle = color("--unused");
      context.lineWidth = 1.25;
      context.stroke();
    }
  });
}

function drawLabels(context, reach, x, bottom) {
  context.fillStyle = color("--ink-2");
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "alphabetic";
  for (const [value, align] of [[-reach, "left"], [0, "center"], [reach, "right"]]) {
    context.textAlign = align;
    context.fillText(value === 0 ? "0" : short(value).replace("-", "−"), x(value), bottom);
  }
}

/** Draws one layer into its canvas, at the device's resolution. */
function drawLayer(canvas, layer) {
  const ratio = Math.min(2, devicePixelRatio || 1);
  const [wide, high] = [canvas.clientWidth, canvas.clientHeight];
  if (wide === 0) return;
  if (canvas.width !== Math.round(wide * ratio) || canvas.height !== Math.round(high * ratio)) {
    canvas.width = Math.round(wide * ratio);
    canvas.height = Math.round(high * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, wide, high);

  const half = (layer.levelCounts.length - 1) / 2;
  const ends = [Math.abs(layer.histogram.min), Math.abs(layer.histogram.max), quantized(layer) ? half * layer.scale : 0];
  const reach = Math.max(...ends) || 1;
  const x = (value) => wide / 2 + (value / reach) * (wide / 2 - EDGE);
  const room = high - LABELS;
  const base = Math.round(quantized(layer) ? room * ABOVE : room - 1);
  drawLatent(context, layer, x, base, base - 4);
  if (quantized(layer)) {
    drawGrid(context, layer, x, 4, base);
    drawLevels(context, layer, x, base + 1, room - base - 3);
  }
  context.fillStyle = color("--line-strong");
  context.fillRect(EDGE, base, wide - 2 * EDGE, 1);
  drawLabels(context, reach, x, high - 3);
}

/** The cell of one layer: name and count of levels, picture, figures. */
function makeCell(layer) {
  const figure = document.createElement("figure");
  figure.className = "layer";
  const part = (name, className, parent) => {
    const node = document.createElement(name);
    node.className = className;
    parent.append(node);
    return node;
  };
  const caption = part("figcaption", "", figure);
  part("strong", "", caption).textContent = layer.name;
  part("span", "shape", caption).textContent = shapeText(layer.shape);
  const count = part("span", "count", caption);
  const canvas = part("canvas", "", figure);
  canvas.setAttribute("role", "img");
  const below = part("p", "facts", figure);
  const facts = [part("span", "", below), part("span", "", below)];
  below.title = "Moved: share of the weights whose level has changed since the last epoch's end";
  return { figure, count, canvas, facts, layer, stale: true };
}

export class Histograms {
  #cells = new Map();
  #box = document.getElementById("layers");

  constructor() {
    this.redraw = drawing(() => this.#draw(), DRAW_INTERVAL_MS);
    new ResizeObserver(() => this.#all()).observe(this.#box);
    onThemeChange(() => this.#all());
  }

  /** Shows these LayerReports. */
  show(layers) {
    const names = layers.map(({ name }) => name);
    if ([...this.#cells.keys()].join() !== names.join()) this.#build(layers);
    for (const layer of layers) {
      const cell = this.#cells.get(layer.name);
      cell.layer = layer;
      cell.stale = true;
    }
    this.redraw();
  }

  #build(layers) {
    this.#cells = new Map(layers.map((layer) => [layer.name, makeCell(layer)]));
    this.#box.replaceChildren(...[...this.#cells.values()].map(({ figure }) => figure));
  }

  #all() {
    for (const cell of this.#cells.values()) cell.stale = true;
    this.redraw();
  }

  #draw() {
    for (const cell of this.#cells.values()) {
      if (!cell.stale) continue;
      cell.stale = false;
      const { layer } = cell;
      drawLayer(cell.canvas, layer);
      cell.canvas.setAttribute("aria-label", describe(layer));
      const grid = quantized(layer);
      cell.count.textContent = grid ? `${layer.levelsUsed}/${layer.levelCounts.length} levels` : "FP32";
      const facts = grid
        ? [`entropy ${fixed(layer.entropyBits, 2)} bits`, `${percent(layer.flippedShare)} moved`]
        : [`${whole(layer.count)} weights`];
      facts.forEach((fact, i) => (cell.facts[i].textContent = fact));
    }
  }
}
