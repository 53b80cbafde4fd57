/** The trained network as a file of another program: each with its size, what it needs, and the line that runs it. */
import { targets } from "../../pkg/registry.js";
import { make } from "../export/make.js";
import { bytes as sizeText } from "../format.js";
import { drawing } from "../frames.js";
import { copy, fileName, save } from "../share/save.js";
import { element, setText } from "../ui/dom.js";

const MARKUP = `
  <header><h2 id="exports-title">Take the network with you</h2><p class="panel-about" id="exports-about"></p></header>
  <ul class="export-list"></ul>
  <p class="visually-hidden" role="status"></p>`;

/** How a folder comes. */
const ZIP = ".zip";

/** What was saved: its size, what it needs, what there is to say of it, and the line that runs it. */
function savedBox({ name, bytes, notes }, { needs, run }) {
  const id = `export-line-${name}`;
  const folder = name.endsWith(ZIP) ? name.slice(0, -ZIP.length) : null;
  const command = folder ? `python3 -m zipfile -e ${name} ${folder} && ${run.replaceAll("{file}", folder)}` : run.replaceAll("{file}", name);
  const line = element("input", { type: "text", readonly: true, id, value: command, "aria-label": "The line that runs it" });
  const button = element("button", { type: "button", class: "small" }, "Copy");
  button.addEventListener("click", () => copy(line));
  const told = [`Saved ${name}, ${sizeText(bytes)}.`, ...notes.map((note) => `${note}.`), `It needs ${needs}.`];
  return [...told.map((text) => element("p", { class: "note" }, text)), element("div", { class: "copy" }, line, button)];
}

class Exports {
  #session;

  constructor(root, session) {
    root.innerHTML = MARKUP;
    this.#session = session;
    this.about = root.querySelector("#exports-about");
    this.said = root.querySelector('[role="status"]');
    this.buttons = targets.map((target) => this.#entry(root.querySelector(".export-list"), target));
    this.redraw = drawing(() => this.#draw(), 200);
    session.on(["run", "status", "epoch", "steps"], this.redraw);
    this.redraw();
  }

  #entry(list, target) {
    const button = element("button", { type: "button", class: "small", "data-target": target.name, "aria-label": `Save as ${target.label}` }, "Save");
    const saved = element("div", { class: "export-saved" });
    button.addEventListener("click", () => this.#export(target, button, saved));
    list.append(element("li", {}, element("strong", {}, target.label), button, element("p", {}, `${target.about}.`), saved));
    return button;
  }

  #draw() {
    const [run] = this.#session.runs;
    for (const button of this.buttons) button.disabled = !run?.trained || run.status === "lost" || button.ariaBusy === "true";
    setText(this.about, run?.trained ? `${run.label}, as its last step left it.` : "There is nothing to save before the first training step.");
  }

  async #export(target, button, saved) {
    const [run] = this.#session.runs;
    button.ariaBusy = "true";
    this.#draw();
    try {
      const { extension, mime, bytes, notes } = await make(this.#session.client, run, target);
      const name = fileName([run], /\.(zip|nibble\.safetensors)$/.test(extension) ? extension : `network.${extension}`);
      const file = new Blob([bytes], { type: mime });
      save(file, name);
      saved.replaceChildren(...savedBox({ name, bytes: file.size, notes }, target));
      setText(this.said, `Saved ${name}.`);
    } catch (error) {
      this.#session.notify("error", `${target.label}: the network could not be saved. ${error.message}`);
    }
    button.ariaBusy = null;
    this.#draw();
  }
}

/** @type {import("../rooms.js").Part["mount"]} */
export const mount = (root, session) => void new Exports(root, session);
