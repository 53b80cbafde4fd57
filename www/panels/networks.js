/** Trained networks that come with the page: fetched when they are asked for, opened without the images that they learnt from. */
import { bytes, estimate, whole } from "../format.js";
import { drawing } from "../frames.js";
import { recipeOf } from "../recipes.js";
import { DATA_OF_KIND } from "../sources.js";
import { display, settingOf } from "../settings.js";
import { margin } from "../stats.js";
import { element, setText } from "../ui/dom.js";

const FOLDER = new URL("../networks/", import.meta.url);

const MARKUP = `
  <header><h2 id="networks-title">Open a trained network</h2><p class="panel-about">In a second, without any data.</p></header>
  <ul class="network-list"></ul>
  <details class="network-card" hidden><summary></summary><dl></dl></details>`;

/** "VGG4bit on CIFAR-10" */
const nameOf = (model, data) => `${display(settingOf("model"), model)} on ${display(settingOf("data"), data)}`;

/** "92.4 ±0.5 %", with what chance does with so many test images. */
const accuracyText = (share, images) => estimate(share, margin(share, images));

async function fetched(address, how) {
  const response = await fetch(address).catch(() => null);
  if (!response?.ok) throw new Error(`${how} could not be fetched. Is there a network?`);
  return response;
}

/** What a reader has to know before relying on it. @param {import("../runs.js").RunRecord} run */
function cardOf({ settings, data, info, epochs, packedEpochs }) {
  const last = epochs[packedEpochs - 1];
  const recipe = recipeOf(settings);
  const training = `${packedEpochs} epochs, seed ${settings.seed}`;
  return [
    ["Learnt from", `${data.name}: ${whole(info.images[0])} training images of ${whole(data.classes.length)} classes, 32 × 32 pixels`],
    ["Recipe", recipe ? `${recipe.label}: ${training}` : training],
    ["Accuracy", `${accuracyText(last.testAccuracy, info.images[1])} of ${whole(info.images[1])} test images, after the last epoch`],
    ["Weights", `${whole(info.parameters)}, ${display(settingOf("quantizer"), settings.quantizer)}${settings.quantizer === "none" ? "" : `, ${settings.bits} bits`}`],
    ["Limits", `Whatever it is shown it calls one of its ${whole(data.classes.length)} classes: ${data.classes.slice(0, 12).join(", ")}${data.classes.length > 12 ? ", …" : ""}. It was trained to be looked at: do not decide anything by it.`],
  ];
}

class Networks {
  #session;

  constructor(root, session) {
    root.innerHTML = MARKUP;
    this.#session = session;
    this.list = root.querySelector(".network-list");
    this.card = root.querySelector(".network-card");
    this.redraw = drawing(() => this.#draw(), 200);
    session.on("run", this.redraw);
    this.redraw();
    fetched(new URL("index.json", FOLDER), "The list of networks")
      .then((response) => response.json())
      .then((networks) => this.list.append(...networks.map((network) => this.#entry(network))))
      .catch((error) => this.list.append(element("li", { class: "note" }, error.message)));
  }

  #entry({ file, bytes: size, model, kind, images, accuracy }) {
    const name = nameOf(model, DATA_OF_KIND[kind]);
    const button = element("button", { type: "button", class: "small", "data-network": file, "aria-label": `Open ${name}` }, "Open");
    button.addEventListener("click", () => this.#open(file, name));
    return element("li", {}, element("strong", {}, name), button, element("p", { class: "note" }, `${accuracyText(accuracy, images)} of ${whole(images)} test images. ${bytes(size)} to fetch.`));
  }

  #open(file, name) {
    return this.#session.open(async () => {
      const response = await fetched(new URL(file, FOLDER), name);
      return [{ file: await response.blob(), name }];
    });
  }

  #draw() {
    const { run } = this.#session;
    this.card.hidden = !run?.packedEpochs;
    if (this.card.hidden) return;
    const rows = cardOf(run).flatMap(([term, text]) => [element("dt", {}, term), element("dd", {}, text)]);
    this.card.querySelector("dl").replaceChildren(...rows);
    setText(this.card.querySelector("summary"), `About ${nameOf(run.settings.model, run.settings.data)}`);
  }
}

/** @type {import("../rooms.js").Part["mount"]} */
export const mount = (root, session) => void new Networks(root, session);
