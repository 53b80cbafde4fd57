/** The loaded data set: its name and size, some images of each class, what the loader has to say. */
import { whole } from "../format.js";

const SIDE = 32;
/** With more classes than this, one image a class and names on hover. */
const ROWS_MOST = 12;

const at = (id) => document.getElementById(id);

/** Draws the first `count` images of a strip side by side. */
function strip({ pixels }, count, name) {
  const images = Math.min(count, pixels.length / (SIDE * SIDE * 4));
  const canvas = document.createElement("canvas");
  canvas.width = SIDE * Math.max(1, images);
  canvas.height = SIDE;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", images > 0 ? `${images} images: ${name}` : `${name}: no image`);
  const context = canvas.getContext("2d");
  for (let i = 0; i < images; i++) {
    const image = pixels.subarray(i * SIDE * SIDE * 4, (i + 1) * SIDE * SIDE * 4);
    context.putImageData(new ImageData(image, SIDE, SIDE), i * SIDE, 0);
  }
  return canvas;
}

function rows(samples, classes, count) {
  return samples.map((sample) => {
    const row = document.createElement("figure");
    const name = document.createElement("figcaption");
    name.textContent = classes[sample.label];
    row.append(name, strip(sample, count, classes[sample.label]));
    return row;
  });
}

function tiles(samples, classes) {
  return samples.map((sample) => {
    const canvas = strip(sample, 1, classes[sample.label]);
    canvas.title = classes[sample.label];
    return canvas;
  });
}

/** @param {object} loaded see Session.loaded */
export function showDataset({ info, samples }) {
  const many = samples.length > ROWS_MOST;
  at("dataset-name").textContent = info.name;
  at("dataset-size").textContent = `${whole(info.train)} training, ${whole(info.test)} test images, ${info.classes.length} classes`;
  const box = at("samples");
  box.classList.toggle("many", many);
  box.replaceChildren(...(many ? tiles(samples, info.classes) : rows(samples, info.classes, 4)));
  at("dataset-notes").replaceChildren(
    ...info.notes.map((note) => {
      const item = document.createElement("li");
      item.textContent = note;
      return item;
    }),
  );
}
