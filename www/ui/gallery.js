/** Test images with what the network took them for. The figures are made once and shown again with others. */
import { element, setAttribute, setText } from "./dom.js";
import { ProbabilityBars } from "./bars.js";
import { percent } from "../format.js";
import { drawHeat } from "../plots/heat.js";
import { mapOf, SIDE, whereText } from "../plots/relevance.js";

/** Guesses shown of each image. */
const TOP = 3;

function makeItem() {
  const canvas = element("canvas", { width: SIDE, height: SIDE, role: "img", class: "pixels" });
  const truth = element("strong");
  const bars = new ProbabilityBars(TOP);
  const box = element("li", { class: "gallery-item" }, canvas, element("div", {}, element("p", { class: "gallery-truth" }, truth), bars.box));
  return { box, canvas, truth, bars };
}

export class Gallery {
  #items = [];
  #images = [];
  #classes = [];
  #maps = null;

  /** @param {HTMLElement} box a list */
  constructor(box) {
    this.box = box;
  }

  /**
   * @param {object[]} images as To.PREDICTIONS answers them
   * @param {string[]} classes
   * @param {Float32Array|null} [maps] what the network looked at, as To.HEAT_MAPS answers it for these images; null: they are shown as they are
   */
  show(images, classes, maps = null) {
    this.#images = images;
    this.#classes = classes;
    this.#maps = maps;
    while (this.#items.length < images.length) {
      const item = makeItem();
      this.#items.push(item);
      this.box.append(item.box);
    }
    this.#items.forEach(({ box, truth, bars }, i) => {
      const image = images[i];
      box.hidden = !image;
      if (!image) return;
      setText(truth, classes[image.label]);
      bars.show(image.top, classes, image.label);
    });
    this.redraw();
  }

  /** The same images as they are. */
  uncover() {
    this.#maps = null;
    this.redraw();
  }

  /** Draws the images anew, in the colours of now. */
  redraw() {
    this.#images.forEach((image, i) => {
      const { canvas } = this.#items[i];
      const map = this.#maps && mapOf(this.#maps, i);
      drawHeat(canvas, image.pixels, map);
      const [best] = image.top;
      const what = `Test image ${image.index}, ${this.#classes[image.label]}, taken for ${this.#classes[best.class]} with ${percent(best.probability, 0)}`;
      setAttribute(canvas, "aria-label", map ? `${what}. What it looked at: ${whereText(map)}` : what);
    });
  }
}
