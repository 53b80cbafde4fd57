/** A picture of 32 x 32 pixels with its heat map: what speaks for the network's answer in one colour, what speaks against it in another. */
import { element } from "../ui/dom.js";
import { mixed, SIDE } from "./relevance.js";
import { shade } from "./shade.js";

const rgb = (name) => shade(name, 1).background.match(/\d+/g).map(Number);

/**
 * @param {HTMLCanvasElement} canvas of 32 x 32 pixels
 * @param {Uint8ClampedArray} pixels [32][32] R G B A
 * @param {Float32Array|null} map [32][32]; null: the picture as it is
 */
export function drawHeat(canvas, pixels, map) {
  const inks = () => ({ paper: rgb("--panel"), positive: rgb("--level"), negative: rgb("--test") });
  const shown = map ? mixed(pixels, map, inks()) : new Uint8ClampedArray(pixels);
  canvas.getContext("2d").putImageData(new ImageData(shown, SIDE, SIDE), 0, 0);
}

/**
 * The switch that lays heat maps over pictures, off at first, and the key that stands beside it while it is on.
 * @param {string} id of its box
 * @param {(on: boolean) => void} changed
 * @returns {{tick: HTMLElement, key: HTMLElement}}
 */
export function heatSwitch(id, changed) {
  const box = element("input", { type: "checkbox", id });
  const name = "What it looked at";
  const mark = element("button", { type: "button", class: "term term-mark", "data-term": "heat-map", "aria-label": `What is meant by ${name}` }, "?");
  const tick = element("div", { class: "heat-tick" }, element("label", { class: "tick" }, box, ` ${name}`), mark);
  const side = (ink, text) => element("span", {}, element("i", { class: `swatch ${ink}` }), text);
  const key = element("p", { class: "key heat-key", hidden: true }, side("level", "for its answer"), side("against", "against it"));
  box.addEventListener("change", () => {
    key.hidden = !box.checked;
    changed(box.checked);
  });
  return { tick, key };
}
