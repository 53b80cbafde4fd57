/** Test images with what the network took them for. The figures are made once and shown again with others. */
import { element, setAttribute, setText } from "./dom.js";
import { ProbabilityBars } from "./bars.js";
import { percent } from "../format.js";

const SIDE = 32;
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

  /** @param {HTMLElement} box a list */
  constructor(box) {
    this.box = box;
  }

  /**
   * @param {object[]} images as To.PREDICTIONS answers them
   * @param {string[]} classes
   */
  show(images, classes) {
    while (this.#items.length < images.length) {
      const item = makeItem();
      this.#items.push(item);
      this.box.append(item.box);
    }
    this.#items.forEach(({ box, canvas, truth, bars }, i) => {
      const image = images[i];
      box.hidden = !image;
      if (!image) return;
      canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(image.pixels), SIDE, SIDE), 0, 0);
      const [best] = image.top;
      setAttribute(canvas, "aria-label", `Test image ${image.index}, ${classes[image.label]}, taken for ${classes[best.class]} with ${percent(best.probability, 0)}`);
      setText(truth, classes[image.label]);
      bars.show(image.top, classes, image.label);
    });
  }
}
