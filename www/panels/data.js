/** The loaded data set: its name and size, some images of each class, what the loader has to say; and others to load. */
import { obstacle } from "../features.js";
import { fewTests } from "../fitting.js";
import { whole } from "../format.js";
import { taking } from "../taking.js";
import { wireControls } from "../ui/controls.js";
import { wirePickers } from "../ui/drop.js";

const MARKUP = `
  <header><h2 id="data-title">Data</h2><p class="dataset-name"><strong id="dataset-name">–</strong> <span id="dataset-size"></span></p></header>
  <div class="dataset-board">
    <div class="samples" id="samples"></div>
    <div class="dataset-side">
      <div class="data-settings" data-place="data"></div>
      <ul class="dataset-notes" id="dataset-notes"></ul>
      <div class="dropzone">
        <p><button type="button" class="small" id="pick">Choose files…</button> <button type="button" class="small" id="pick-folder">Choose a folder…</button> or drop them anywhere on the page: your own pictures, one folder for each class, as they are or as .zip or .tar.gz; CIFAR-10 or CIFAR-100 as they come; arrays with labels (.npz, .npy, .mat); tables (Parquet). Nothing leaves this device.</p>
        <input type="file" id="folder" webkitdirectory hidden aria-label="Folder of images">
        <input type="file" id="files" multiple hidden aria-label="Files of images">
      </div>
    </div>
  </div>`;

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
function show({ info, samples }) {
  const many = samples.length > ROWS_MOST;
  at("dataset-name").textContent = info.name;
  at("dataset-size").textContent = `${whole(info.train)} training, ${whole(info.test)} test images, ${info.classes.length} classes`;
  const box = at("samples");
  box.classList.toggle("many", many);
  box.replaceChildren(...(many ? tiles(samples, info.classes) : rows(samples, info.classes, 4)));
  at("dataset-notes").replaceChildren(
    ...[...info.notes, fewTests(info.test)].filter(Boolean).map((note) => {
      const item = document.createElement("li");
      item.textContent = note;
      return item;
    }),
  );
}

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  root.innerHTML = MARKUP;
  root.classList.add("dataset");
  wireControls(root, session);
  wirePickers(root, taking(session), session.notify);
  // Without an engine there is nothing to load them for.
  for (const button of root.querySelectorAll("#pick, #pick-folder")) button.disabled = obstacle(session.features) !== null;
  session.on("data", () => session.loaded && show(session.loaded));
}
