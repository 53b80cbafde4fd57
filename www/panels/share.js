/** Links, code to embed the page, and the runs as files: tables, JSON, a picture, a report. */
import { drawing } from "../frames.js";
import { EMBEDDED } from "../parts.js";
import { aboutOf, linkTo } from "../share/about.js";
import { copy, fileName, png, save } from "../share/save.js";
import { outcome, report } from "../share/report.js";
import { afterTrainingCsv, curvesCsv, epochsCsv, hasAfterTraining, json } from "../share/table.js";

const MARKUP = `
  <header><h2 id="share-title">Share</h2><p class="share-said" id="share-said" role="status"></p></header>
  <div class="share-parts">
    <div class="share-part">
      <label for="share-link">Link to these settings</label>
      <div class="copy"><input id="share-link" type="text" readonly><button type="button" class="small" data-copy="share-link">Copy link</button></div>
      <p class="share-note">The address holds every setting; the seed among them, so that the same machine repeats the very same run.</p>
    </div>
    <div class="share-part" role="group" aria-labelledby="share-files">
      <p id="share-files" class="share-label">Save the runs</p>
      <div class="share-buttons">
        <button type="button" class="small" data-save="report">Report (HTML)</button>
        <button type="button" class="small" data-save="png">Curves (PNG)</button>
        <button type="button" class="small" data-save="curves">Curves (CSV)</button>
        <button type="button" class="small" data-save="epochs">Epochs (CSV)</button>
        <button type="button" class="small" data-save="ptq">Quantized after training (CSV)</button>
        <button type="button" class="small" data-save="json">Everything (JSON)</button>
      </div>
      <p class="share-note" id="share-ready"></p>
    </div>
    <details class="share-part share-embed">
      <summary>Embed in a page of yours</summary>
      <fieldset class="share-choice"><legend>Parts to show</legend></fieldset>
      <label for="share-code">Code for the page</label>
      <div class="copy"><textarea id="share-code" rows="3" readonly></textarea><button type="button" class="small" data-copy="share-code">Copy code</button></div>
    </details>
  </div>`;

/** Parts offered for embedding: what teaches something by itself. The transport bar is always there. */
const OFFERED = {
  health: "Health", settings: "Settings", accuracy: "Accuracy", loss: "Loss", compare: "Race and fork",
  ptq: "Quantize after training", outlier: "Outlier", weights: "Weights", activations: "Activations",
  gradients: "Gradients", errors: "Errors", try: "Try it",
};
/** About how high a part is in a frame of 700 pixels, two of `BESIDE` taking the room of one; and the bar. */
const HEIGHTS = { health: 90, settings: 200, accuracy: 400, loss: 400, compare: 330, ptq: 900, outlier: 330, weights: 1000, activations: 480, gradients: 350, errors: 1250, try: 900 };
const BESIDE = ["accuracy", "loss"];
const BAR = 100;

/** Height of a frame for these parts; one whose host listens follows the page (docs/TEACHING.md). */
const frameHeight = (parts) => BAR + parts.reduce((sum, name) => sum + HEIGHTS[name], 0) - (BESIDE.every((name) => parts.includes(name)) ? HEIGHTS.loss : 0);

/** Code that frames these parts of the page; none for no parts, since an address without parts shows the usual ones. */
function embedCode(settings, parts) {
  if (parts.length === 0) return "";
  const show = parts.join();
  const source = linkTo(settings, { embed: true, show: show === EMBEDDED.join() ? "" : show });
  const allowed = ["clipboard-write", ...(parts.includes("try") ? ["camera"] : [])].join("; ");
  // In HTML an & of an address is written out.
  return `<iframe src="${source.replaceAll("&", "&amp;")}" title="Nibble: 4-bit training" width="100%" height="${frameHeight(parts)}" style="border: 0" loading="lazy" allow="${allowed}"></iframe>`;
}

class Share {
  constructor(root, session) {
    root.innerHTML = MARKUP;
    this.root = root;
    this.session = session;
    this.link = root.querySelector("#share-link");
    this.code = root.querySelector("#share-code");
    this.said = root.querySelector("#share-said");
    this.redraw = drawing(() => this.#draw(), 200);
    this.#choices();
    for (const button of root.querySelectorAll("[data-copy]")) button.addEventListener("click", () => this.#copy(button));
    for (const button of root.querySelectorAll("[data-save]")) button.addEventListener("click", () => this.#save(button.dataset.save));
    session.on(["settings", "run", "status", "epoch", "steps", "tested"], this.redraw);
    this.redraw();
  }

  #choices() {
    const box = this.root.querySelector(".share-choice");
    this.boxes = Object.entries(OFFERED).map(([name, text]) => {
        const input = document.createElement("input");
        Object.assign(input, { type: "checkbox", checked: EMBEDDED.includes(name), value: name });
        input.addEventListener("change", this.redraw);
        const label = document.createElement("label");
        label.append(input, ` ${text}`);
        box.append(label);
        return input;
      });
  }

  #draw() {
    const { settings, runs } = this.session;
    this.link.value = linkTo(settings);
    const parts = this.boxes.filter(({ checked }) => checked).map(({ value }) => value);
    this.code.value = embedCode(settings, parts);
    this.code.placeholder = parts.length > 0 ? "" : "Choose at least one part to show.";
    this.root.querySelector('[data-copy="share-code"]').disabled = parts.length === 0;
    const trained = runs.some((run) => run.trained);
    for (const button of this.root.querySelectorAll("[data-save]")) button.disabled = !trained;
    this.root.querySelector('[data-save="ptq"]').disabled = !hasAfterTraining(runs);
    this.root.querySelector("#share-ready").textContent = trained
      ? `${runs.map(outcome).join("; ")}.`
      : "There is nothing to save before the first training step.";
  }

  #say(text) {
    // The same words twice in a row would not be read out again.
    this.said.textContent = "";
    requestAnimationFrame(() => (this.said.textContent = text));
  }

  async #copy(button) {
    this.#draw(); // what is drawn may be a moment old
    const field = this.root.querySelector(`#${button.dataset.copy}`);
    const done = await copy(field);
    if (done) button.focus();
    this.#say(done ? "Copied." : "The browser does not let this page copy: the text is selected.");
  }

  async #save(kind) {
    const { session } = this;
    const { runs } = session;
    const about = aboutOf(session);
    const file = {
      epochs: () => [epochsCsv(runs), "text/csv", "epochs.csv"],
      curves: () => [curvesCsv(runs), "text/csv", "curves.csv"],
      ptq: () => [afterTrainingCsv(runs), "text/csv", "after-training.csv"],
      json: () => [json(runs, about), "application/json", "json"],
      report: () => [report(runs, about), "text/html", "html"],
    };
    try {
      let blob;
      let ending = "png";
      if (kind === "png") blob = await png(runs, runs.map(outcome).join("; "));
      else {
        const [text, type, end] = file[kind]();
        blob = new Blob([text], { type: `${type};charset=utf-8` });
        ending = end;
      }
      const name = fileName(runs, ending);
      save(blob, name);
      this.#say(`Saved ${name}.`);
    } catch (error) {
      session.notify("error", `The file could not be made: ${error.message}`);
    }
  }
}

/** @type {import("../rooms.js").Part["mount"]} */
export const mount = (root, session) => void new Share(root, session);
