/**
 * One layer enlarged, beside the others where there is room, else in a dialog over the page: its weights with the numbers of the levels, its figures with
 * their course over the epochs, and for the first layer its filters as images.
 */
import { oneAtATime } from "../ask.js";
import { fixed, percent, short, whole } from "../format.js";
import { drawing } from "../frames.js";
import { hasInside, levelNames, meanOf, quantized, reachOf, severalGrids } from "../grid.js";
import { drawFilters, mostOf } from "../plots/filters.js";
import { axisEnd } from "../plots/histogram.js";
import { describeLayer, drawLayer, shapeText } from "../plots/layer.js";
import { onThemeChange } from "../plots/theme.js";
import { drawTrend } from "../plots/trend.js";
import { To } from "../protocol.js";
import { element, setAttribute, setText } from "../ui/dom.js";
import { ReplayControl } from "../ui/replay.js";
import { term } from "../ui/term.js";
import { layersAt, NOW, startOf } from "./history.js";

const DRAW_INTERVAL_MS = 50;
/** There is room for it beside the others. */
const wide = matchMedia("(min-width: 1100px)");

/**
 * Figures that have a course of their own: title and entry of the glossary -> value of a LayerReport, its text, and the
 * value at the top of the little plot, given the layer and the largest value.
 */
const TRENDS = [
  {
    title: "Entropy",
    entry: "entropy",
    of: (layer) => layer.entropyBits,
    text: (value, layer) => `${fixed(value, 2)} of ${fixed(Math.log2(layer.levelTotal), 2)} bits`,
    top: (layer) => Math.log2(layer.levelTotal),
  },
  {
    title: "Levels in use",
    entry: "level",
    of: (layer) => layer.levelsUsed,
    text: (value, layer) => `${value} of ${layer.levelTotal}`,
    top: (layer) => layer.levelTotal,
  },
  {
    title: "Level flips a step",
    entry: "flip",
    of: (layer) => layer.flipsPerStep,
    text: (value) => percent(value, 2),
    top: (_layer, most) => most,
  },
];

/** Figures of the moment alone: title, text, whether there is one, entry of the glossary. */
const FACTS = [
  ["Weights", (layer) => whole(layer.count), () => true],
  ["Largest", (layer) => short(layer.histogram.max), () => true],
  ["Scale", (layer) => short(layer.scale) + meanOf(layer), quantized, "scale"],
  ["On an outermost level", (layer) => percent(layer.saturatedShare, 2), hasInside, "saturation"],
  ["Moved since the last epoch", (layer) => percent(layer.flippedShare), quantized],
  ["Bits a weight, scales included", (layer) => fixed(layer.bitsAWeight, 2), () => true],
  ["Gradient norm", (layer) => fixed(layer.gradNorm, 4), () => true, "gradient"],
];

const button = (label, text, act) => {
  const made = element("button", { type: "button", class: "small", "aria-label": label }, text);
  made.addEventListener("click", act);
  return made;
};

/** The part of the dialog that belongs to one run. */
function makeSheet(run, single) {
  const title = element("h3", { class: `run-name run-slot-${run.slot}` }, run.label);
  title.hidden = single;
  const canvas = element("canvas", { class: "layer-large", role: "img" });
  const grid = {
    slider: element("input", { type: "range", min: 0, value: 0, step: 1, "aria-label": "Grid of the layer" }),
    text: element("span", { class: "grid-text" }),
  };
  grid.box = element("div", { class: "grid-choice" }, grid.slider, grid.text);
  const trends = TRENDS.map(({ title: name, entry }) => {
    const value = element("span", { class: "trend-value" });
    const line = element("canvas", { class: "trend", role: "img" });
    return { value, line, box: element("div", { class: "trend-box" }, element("span", { class: "trend-title" }, term(entry, name)), value, line) };
  });
  const facts = FACTS.map(([name, , , entry]) => {
    const value = element("dd");
    return { value, box: element("div", {}, element("dt", {}, entry ? term(entry, name) : name), value) };
  });
  const filters = {
    box: element("div", { class: "filters" }),
    latent: element("canvas", { role: "img" }),
    quantized: element("canvas", { role: "img" }),
    before: element("figcaption"),
    rounded: element("figcaption"),
    note: element("p", { class: "filters-note" }),
  };
  filters.second = element("figure", {}, filters.quantized, filters.rounded);
  filters.box.append(
    element("h3", {}, "Filters"),
    element("div", { class: "filters-pair" }, element("figure", {}, filters.latent, filters.before), filters.second),
    filters.note,
  );
  const table = element("tbody");
  const counts = element(
    "details",
    { class: "counts" },
    element("summary", {}, "Weights on each level, as a table"),
    element("table", {}, element("thead", {}, headings("Level", "Value", "Weights")), table),
  );
  const box = element(
    "section",
    { class: "sheet", "aria-label": run.label },
    title,
    canvas,
    grid.box,
    element("div", { class: "trends" }, ...trends.map((trend) => trend.box)),
    element("dl", { class: "layer-facts", "aria-label": "Figures of the whole layer" }, ...facts.map((fact) => fact.box)),
    filters.box,
    counts,
  );
  return { run, box, canvas, grid, trends, facts, filters, counts, table, drawnFilters: null };
}

/** Which grid it is, in words: the channel, counted from 1, which of its weights, and its own figures. */
function gridText({ channels: [channel], weights: [first, end], scale, levelCounts }, { shape: [channels, ...inputs], levelTotal }) {
  const all = inputs.reduce((product, size) => product * size, 1);
  const which = end - first < all ? `, weights ${whole(first + 1)} to ${whole(end)} of ${whole(all)}` : "";
  // Of more levels neighbours are counted together.
  const used = levelCounts.length === levelTotal ? `, ${levelCounts.filter((count) => count > 0).length} of ${levelTotal} levels` : "";
  return `Channel ${whole(channel + 1)} of ${whole(channels)}${which}: scale ${short(scale)}${used}`;
}

const headings = (...titles) => element("tr", {}, ...titles.map((title) => element("th", { scope: "col" }, title)));

export class LayerDialog {
  #session;
  #replay;
  #hooks;
  #name = "";
  #sheets = [];
  /** Filters of each run as they are now: RunRecord -> filters. Those of past moments are kept by the run. */
  #filtersNow = new WeakMap();
  /** The chosen grid of each run's layer as it is now, where it has several: RunRecord -> {layer, report}. */
  #gridsNow = new WeakMap();

  /**
   * @param {HTMLElement} root of the panel
   * @param {import("../session.js").Session} session
   * @param {import("../ui/replay.js").Replay} replay shared with the panel
   * @param {object} hooks
   * @param {() => object[]} hooks.runs RunRecords that the panel shows
   * @param {(name: string) => void} hooks.chosen told of the layer that is shown beside the others; "": none is
   */
  constructor(root, session, replay, hooks) {
    this.#session = session;
    this.#replay = replay;
    this.#hooks = hooks;
    this.title = element("h2", { id: "layer-title" });
    this.shape = element("span", { class: "shape" });
    const moment = element("div", { role: "group", "aria-label": "Moment of the run" });
    this.sheets = element("div", { class: "sheets" });
    this.close = button("Close", "Close", () => this.dialog.close());
    /** One time slider is enough where the panel's own is in sight. */
    this.moment = moment;
    this.view = element(
      "div",
      { class: "layer-view" },
      element(
        "header",
        {},
        this.title,
        this.shape,
        element(
          "div",
          { class: "layer-buttons" },
          button("Layer before", "‹", () => this.#turn(-1)),
          button("Layer after", "›", () => this.#turn(1)),
          this.close,
        ),
      ),
      moment,
      this.sheets,
    );
    this.dialog = element("dialog", { class: "layer-dialog", id: "layer-dialog", "aria-labelledby": "layer-title" });
    this.beside = element("section", { class: "layer-beside", id: "layer-beside", "aria-labelledby": "layer-title" });
    root.append(this.beside, this.dialog);
    wide.addEventListener("change", () => this.#settle());
    this.#settle();
    new ReplayControl(moment, replay, "The layer over the epochs");
    this.redraw = drawing(() => this.#draw(), DRAW_INTERVAL_MS);
    replay.listen(() => this.#shown() && this.redraw());
    onThemeChange(() => this.redraw());
    new ResizeObserver(() => this.redraw()).observe(this.view);
    // A press on the backdrop is a press on the dialog itself, outside of its contents.
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.#outside(event) && this.dialog.close());
  }

  #outside({ clientX, clientY }) {
    const { left, right, top, bottom } = this.dialog.getBoundingClientRect();
    return clientX < left || clientX > right || clientY < top || clientY > bottom;
  }

  /** Puts the layer where there is room for it. */
  #settle() {
    if (wide.matches && this.dialog.open) this.dialog.close();
    (wide.matches ? this.beside : this.dialog).append(this.view);
    this.beside.hidden = !wide.matches;
    this.close.hidden = this.moment.hidden = wide.matches;
  }

  #shown() {
    return wide.matches ? this.#name !== "" : this.dialog.open;
  }

  /** Shows a layer. @param {string} name */
  open(name) {
    this.#name = name;
    this.#makeSheets();
    this.#hooks.chosen(wide.matches ? name : "");
    if (!this.#shown()) {
      this.dialog.showModal();
      // Not by autofocus, which browsers complain about in a frame of another site.
      this.close.focus();
    }
    this.#ask();
    this.redraw();
  }

  #names() {
    return this.#hooks.runs()[0]?.layers.map((layer) => layer.name) ?? [];
  }

  #turn(by) {
    const names = this.#names();
    this.open(names[(names.indexOf(this.#name) + by + names.length) % names.length]);
  }

  #makeSheets() {
    const runs = this.#hooks.runs();
    this.#sheets = runs.map((run) => makeSheet(run, runs.length === 1));
    for (const { grid } of this.#sheets) grid.slider.addEventListener("input", () => this.#askGrids());
    this.sheets.classList.toggle("of-two", runs.length > 1);
    this.sheets.replaceChildren(...this.#sheets.map(({ box }) => box));
  }

  /** Other runs are shown: the layer of that name, where they have one. */
  runs() {
    const names = this.#names();
    // Beside the others there is always one: at first the last convolution, which moves most.
    if (wide.matches && names.length > 0) return this.open(names.includes(this.#name) ? this.#name : (names.findLast((name) => name.startsWith("conv")) ?? names[0]));
    if (!this.#shown()) return;
    if (names.includes(this.#name)) this.open(this.#name);
    else this.dialog.close();
  }

  /** There are newer weights. */
  newer() {
    if (!this.#shown()) return;
    this.#ask();
    this.redraw();
  }

  #ask() {
    this.#askFilters();
    this.#askGrids();
  }

  /** Only the first layer reads the image: its filters are images. */
  #isFirst() {
    return this.#names()[0] === this.#name;
  }

  #askFilters = oneAtATime(async () => {
    const name = this.#name;
    if (!this.#isFirst()) return;
    await this.#forEachRun(`The filters of ${name} could not be read`, async (run) => {
      this.#filtersNow.set(run, await this.#session.client.request(To.FILTERS, { run: run.id, layer: name }));
    });
  });

  #askGrids = oneAtATime(async () => {
    const name = this.#name;
    await this.#forEachRun(`The grids of ${name} could not be read`, async (run) => {
      const layer = run.layers.find((one) => one.name === name);
      const sheet = this.#sheets.find((one) => one.run === run);
      if (!layer || !sheet || !severalGrids(layer)) return;
      const grid = Math.min(Number(sheet.grid.slider.value), layer.scales - 1);
      this.#gridsNow.set(run, { name, report: await this.#session.client.request(To.GRID, { run: run.id, layer: name, grid }) });
    });
  });

  /** Asks for something of every run, and shows it. */
  async #forEachRun(problem, ask) {
    try {
      for (const run of this.#hooks.runs()) await ask(run);
    } catch (error) {
      this.#session.notify("error", `${problem}: ${error.message}`);
    }
    this.redraw();
  }

  #draw() {
    const moment = this.#replay.shown;
    if (!this.#shown() || !moment) return;
    setText(this.title, this.#name);
    const layerOf = ({ run }) => layersAt(run, moment.key).find(({ name }) => name === this.#name);
    // An axis that fits what is there at this moment.
    const end = axisEnd(Math.max(0, ...this.#sheets.map(layerOf).filter(Boolean).map(reachOf)));
    for (const sheet of this.#sheets) {
      const layer = layerOf(sheet);
      if (!layer) continue;
      setText(this.shape, shapeText(layer.shape));
      const one = this.#showGrid(sheet, layer, moment);
      drawLayer(sheet.canvas, layer, { end, large: true, one });
      setAttribute(sheet.canvas, "aria-label", describeLayer(layer));
      this.#drawTrends(sheet, layer);
      this.#showFacts(sheet, layer);
      this.#drawFilters(sheet, layer, moment);
    }
  }

  /** The chosen one of several grids, which are told of as they are now. @returns {object|null} its GridReport */
  #showGrid({ run, grid }, layer, moment) {
    const now = moment.key === NOW;
    const { name, report } = this.#gridsNow.get(run) ?? {};
    const one = now && name === layer.name && severalGrids(layer) ? report : null;
    grid.box.hidden = !severalGrids(layer);
    grid.slider.max = Math.max(0, layer.scales - 1);
    grid.slider.disabled = !now;
    const text = one ? gridText(one, layer) : now ? "" : "Single grids are shown of the weights as they are now.";
    setText(grid.text, text);
    setAttribute(grid.slider, "aria-valuetext", text);
    return one;
  }

  #drawTrends({ run, trends }, layer) {
    const course = this.#replay.stops.map(({ key }) => layersAt(run, key).find(({ name }) => name === layer.name) ?? layer);
    TRENDS.forEach(({ title, of, text, top }, i) => {
      const { box, value, line } = trends[i];
      box.hidden = !quantized(layer);
      if (box.hidden) return;
      const values = course.map(of);
      setText(value, text(of(layer), layer));
      drawTrend(line, { values, most: top(layer, Math.max(...values)), at: this.#replay.index });
      setAttribute(line, "aria-label", `${title} over the epochs: ${text(values[0], layer)} ${startOf(run)}, ${text(values.at(-1), layer)} now`);
    });
  }

  #showFacts({ facts, counts, table }, layer) {
    FACTS.forEach(([, text, applies], i) => {
      facts[i].box.hidden = !applies(layer);
      setText(facts[i].value, text(layer));
    });
    counts.hidden = !quantized(layer);
    const together = layer.levelTotal / layer.levels.length;
    setText(counts.querySelector("summary"), `Weights on each ${together > 1 ? `${together} neighbouring levels` : "level"}, as a table`);
    setText(counts.querySelector("th:nth-child(2)"), `Value${meanOf(layer)}`);
    const names = levelNames(layer);
    while (table.rows.length > layer.levels.length) table.deleteRow(-1);
    layer.levelCounts.forEach((count, i) => {
      const row = table.rows[i] ?? table.insertRow();
      while (row.cells.length < 3) row.insertCell();
      [names[i], short(layer.levels[i]), whole(count)].forEach((text, c) => setText(row.cells[c], text));
    });
  }

  #drawFilters(sheet, layer, moment) {
    const { run, filters } = sheet;
    const kept = run.filters.get(moment.key);
    const values = kept ?? this.#filtersNow.get(run);
    filters.box.hidden = !this.#isFirst() || !values;
    if (filters.box.hidden) return;
    setText(filters.note, kept || moment.key === NOW ? "Grey is 0; full colour is the largest weight." : "As they are now: this moment's were not kept.");
    setText(filters.before, layer.signs ? "Latent variables of the signs, 32-bit" : "Latent, 32-bit");
    setText(filters.rounded, `${layer.signs ? "The weights, on" : "Rounded to"} ${layer.levelTotal} levels${layer.scales > 1 ? ` of each of ${layer.scales} scales` : ""}`);
    filters.second.hidden = !quantized(layer);
    if (sheet.drawnFilters === values) return;
    sheet.drawnFilters = values;
    const most = mostOf(values.latent);
    drawFilters(filters.latent, values, values.latent, most);
    drawFilters(filters.quantized, values, values.quantized, most);
    const what = `${values.count} filters of ${values.height} by ${values.width} pixels`;
    setAttribute(filters.latent, "aria-label", `${what}, latent ${layer.signs ? "variables" : "weights"} as colours`);
    setAttribute(filters.quantized, "aria-label", `${what}, ${layer.signs ? "" : "rounded "}weights as colours`);
  }
}
