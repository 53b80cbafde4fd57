/**
 * A picture of one's own, classified by the run's weights as they would be shipped: two 4-bit levels to a byte.
 * Pictures come from a file, a drop, the clipboard, the pen or the camera, and never leave the page.
 */
import { drawing } from "../frames.js";
import { readPicture } from "../images/picture.js";
import { middle, SIDE, square } from "../images/square.js";
import { drawHeat, heatSwitch } from "../plots/heat.js";
import { whereText } from "../plots/relevance.js";
import { onThemeChange } from "../plots/theme.js";
import { To } from "../protocol.js";
import { element, setText } from "../ui/dom.js";
import { Camera } from "./camera.js";
import { Sketch } from "./sketch.js";
import { Verdict } from "./verdict.js";

/** Pixels on a side of the stage. */
const STAGE = 256;
/** The camera's picture is classified about this often: the cores are for training. */
const CAMERA_INTERVAL_MS = 300;
const SOURCES = [["picture", "Picture"], ["sketch", "Draw"], ["camera", "Camera"]];

/** Whether a drag holds one picture and nothing else. */
function isPicture(transfer) {
  const files = [...(transfer?.items ?? [])].filter(({ kind }) => kind === "file");
  return files.length === 1 && files[0].type.startsWith("image/");
}

/**
 * @typedef {object} Look what a run looked at
 * @property {HTMLElement} box
 * @property {HTMLCanvasElement} canvas
 * @property {{pixels: Uint8ClampedArray, map: Float32Array}|null} heat the picture that was asked of; null: none, or it is off
 */

/** @returns {Look} */
function makeLook() {
  const canvas = element("canvas", { width: SIDE, height: SIDE, class: "pixels", role: "img" });
  const box = element("figure", { class: "verdict-heat", hidden: true }, element("figcaption", {}, "What it looked at"), canvas);
  return { box, canvas, heat: null };
}

class Try {
  #session;
  #source = "picture";
  /** What the network sees now; null: no picture yet. @type {Uint8ClampedArray|null} */
  #pixels = null;
  #verdicts = [];
  /** Whether it is shown what the network looked at. */
  #heated = false;
  /** Of each verdict. @type {Look[]} */
  #looks = [];
  #asking = false;
  #askAgain = false;
  #cameraTimer = 0;

  constructor(root, session) {
    this.#session = session;
    this.sketch = new Sketch(() => this.redrawSketch());
    this.camera = new Camera(root, (running) => this.#cameraIs(running));
    this.#build(root);
    this.redrawSketch = drawing(() => this.#see(square(this.sketch.canvas, this.sketch.side, this.sketch.side)), 80);
    document.addEventListener("paste", (event) => this.#paste(event));
    this.#wireDrop();
    onThemeChange(() => this.#draw());
    session.on("run", () => this.#runs());
    session.on("epoch", () => this.#ask());
    session.on("status", () => !session.playing && this.#ask());
  }

  #build(root) {
    this.root = root;
    const sources = element("div", { class: "segments", role: "radiogroup", "aria-label": "Where the picture comes from" });
    this.radios = SOURCES.map(([name, label]) => {
      const input = element("input", { type: "radio", name: "try-source", value: name });
      input.checked = name === this.#source;
      input.addEventListener("change", () => this.#turnTo(name));
      sources.append(element("label", {}, input, element("span", {}, label)));
      return input;
    });
    this.file = element("input", { type: "file", accept: "image/*,.ppm,.pgm", hidden: true, "aria-label": "A picture", id: "try-file" });
    this.file.addEventListener("change", () => {
      const [file] = this.file.files;
      this.file.value = "";
      if (file) this.#take(file);
    });
    const pick = element("button", { type: "button", class: "small", id: "try-pick" }, "Choose a picture…");
    pick.addEventListener("click", () => this.file.click());
    this.picture = element("canvas", { width: STAGE, height: STAGE, role: "img", "aria-label": "No picture yet" });
    const touched = matchMedia("(pointer: coarse)").matches;
    this.empty = element("p", { class: "stage-empty" }, touched ? "Choose a picture of yours, draw one, or take one with the camera." : "Drop a picture anywhere on the page, paste one, or choose a file.");
    this.cameraButton = element("button", { type: "button", class: "small", id: "try-camera" }, "Start the camera");
    this.cameraButton.addEventListener("click", () => this.#toggleCamera());
    this.cameraEmpty = element("p", { class: "stage-empty" }, "The browser asks before it gives the camera's picture. It is looked at here and goes nowhere.");
    this.parts = {
      picture: element("div", { class: "stage" }, element("div", { class: "stage-square" }, this.picture, this.empty), element("div", { class: "stage-tools" }, pick, this.file)),
      sketch: element("div", { class: "stage" }, element("div", { class: "stage-square" }, this.sketch.stage), this.sketch.tools),
      camera: element("div", { class: "stage" }, element("div", { class: "stage-square" }, this.camera.video, this.cameraEmpty), element("div", { class: "stage-tools" }, this.cameraButton)),
    };
    this.seen = element("canvas", { width: SIDE, height: SIDE, class: "pixels", role: "img", "aria-label": "What the network sees: no picture yet", id: "try-seen" });
    const { tick, key } = heatSwitch("try-heat", (on) => this.#heat(on));
    this.verdicts = element("div", { class: "verdicts", id: "try-verdicts" });
    this.said = element("p", { class: "visually-hidden", role: "status", id: "try-said" });
    root.append(
      element("header", {}, element("h2", { id: "try-title" }, "Try it"), element("p", { class: "panel-about" }, "Your own picture, through the weights as they would be shipped. It does not leave this device.")),
      element(
        "div",
        { class: "try-board" },
        element("div", { class: "try-input" }, sources, ...Object.values(this.parts)),
        element("figure", { class: "try-seen" }, element("figcaption", {}, "What the network sees"), this.seen, element("p", {}, "The middle square, 32 × 32 pixels"), tick, key),
        this.verdicts,
      ),
      this.said,
    );
    this.#showSource();
  }

  #showSource() {
    for (const [name, part] of Object.entries(this.parts)) part.hidden = name !== this.#source;
  }

  #turnTo(name) {
    if (name === this.#source) return;
    if (this.#source === "camera") this.camera.stop();
    this.#source = name;
    this.radios.find(({ value }) => value === name).checked = true;
    this.#showSource();
    if (name === "sketch") this.redrawSketch();
  }

  #runs() {
    const { runs } = this.#session;
    this.#verdicts = runs.map((run) => new Verdict(run, runs.length === 1));
    this.verdicts.classList.toggle("of-two", runs.length > 1);
    this.verdicts.replaceChildren(...this.#verdicts.map(({ box }) => box));
    this.#looks = runs.map(() => makeLook());
    this.#verdicts.forEach(({ box }, i) => box.firstElementChild.after(this.#looks[i].box));
    this.#draw();
    this.#ask();
  }

  /** A single picture dropped anywhere is for here; everything else is data to train on. */
  #wireDrop() {
    const words = document.querySelector("#dropveil p");
    const usual = words.textContent;
    addEventListener("dragenter", ({ dataTransfer }) => setText(words, isPicture(dataTransfer) ? "Drop the picture to classify it" : usual), true);
    addEventListener(
      "drop",
      (event) => {
        if (!isPicture(event.dataTransfer)) return;
        event.preventDefault();
        this.#take(event.dataTransfer.files[0]);
      },
      true,
    );
  }

  #paste(event) {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    this.#take(file);
  }

  /** Classifies a picture file. */
  async #take(file) {
    try {
      const image = await readPicture(file);
      const { width, height } = image;
      const { left, top, side } = middle(width, height);
      const context = this.picture.getContext("2d");
      context.fillStyle = "#fff";
      context.fillRect(0, 0, STAGE, STAGE);
      context.imageSmoothingQuality = "high";
      context.drawImage(image, left, top, side, side, 0, 0, STAGE, STAGE);
      this.picture.setAttribute("aria-label", `The picture ${file.name}, ${width} by ${height} pixels, its middle square`);
      this.empty.hidden = true;
      this.#turnTo("picture");
      this.root.scrollIntoView({ block: "nearest" });
      this.#see(square(image, width, height));
      image.close();
    } catch (error) {
      this.#session.notify("error", error.message);
    }
  }

  async #toggleCamera() {
    if (this.camera.running) {
      this.camera.stop();
      return;
    }
    try {
      await this.camera.start();
    } catch (error) {
      this.#session.notify("error", error.message);
    }
  }

  #cameraIs(running) {
    setText(this.cameraButton, running ? "Stop the camera" : "Start the camera");
    this.cameraEmpty.hidden = running;
    clearInterval(this.#cameraTimer);
    if (running) this.#cameraTimer = setInterval(() => this.#look(), CAMERA_INTERVAL_MS);
  }

  #look() {
    const { video } = this.camera;
    if (this.#asking || video.videoWidth === 0) return;
    this.#see(square(video, video.videoWidth, video.videoHeight));
  }

  /** This is what the network sees from now on. */
  #see(pixels) {
    this.#pixels = pixels;
    this.#draw();
    this.#ask();
  }

  #heat(on) {
    this.#heated = on;
    if (on) return this.#ask();
    for (const look of this.#looks) look.heat = null;
    this.#draw();
  }

  /**
   * Draws what the network sees and what it looked at: one run's over the picture, those of two in their verdicts. A picture
   * that was looked at stays until the next one was too, so that the colours of a moving one do not flicker.
   */
  #draw() {
    const alone = this.#looks.length === 1 ? this.#looks[0].heat : null;
    const pixels = alone?.pixels ?? this.#pixels;
    if (!pixels) return;
    drawHeat(this.seen, pixels, alone?.map ?? null);
    const what = "What the network sees: the middle square of the picture, 32 by 32 pixels";
    this.seen.setAttribute("aria-label", alone ? `${what}. What it looked at: ${whereText(alone.map)}` : what);
    this.#looks.forEach(({ box, canvas, heat }, i) => {
      box.hidden = !heat || alone !== null;
      if (box.hidden) return;
      drawHeat(canvas, heat.pixels, heat.map);
      canvas.setAttribute("aria-label", `What ${this.#verdicts[i].run.label} looked at: ${whereText(heat.map)}`);
    });
  }

  /** Asks every run; a change meanwhile asks once more. */
  async #ask() {
    this.#askAgain = true;
    if (this.#asking) return;
    this.#asking = true;
    while (this.#askAgain) {
      this.#askAgain = false;
      const looks = this.#looks;
      for (const [i, verdict] of this.#verdicts.entries()) {
        await this.#askOne(verdict);
        if (this.#heated) await this.#askHeat(verdict.run, looks[i]);
      }
      if (this.#source !== "camera") this.#say();
    }
    this.#asking = false;
  }

  async #askOne(verdict) {
    const { run } = verdict;
    try {
      verdict.show(await this.#session.client.request(To.CLASSIFY, { run: run.id, pixels: this.#pixels }));
    } catch (error) {
      this.#tell(run, `The picture was not classified: ${error.message}`);
    }
  }

  /** @param {object} run RunRecord @param {Look} look */
  async #askHeat(run, look) {
    const pixels = this.#pixels;
    if (!pixels) return;
    let heat = null;
    try {
      const { maps: map } = await this.#session.client.request(To.HEAT_MAPS, { run: run.id, pixels });
      heat = { pixels, map };
    } catch (error) {
      this.#tell(run, `The heat map could not be made: ${error.message}`);
    }
    look.heat = this.#heated ? heat : null;
    this.#draw();
  }

  #tell(run, problem) {
    // A run that was dropped meanwhile, or is being replaced, says nothing; an engine that was lost has told so itself.
    const { runs, busy } = this.#session;
    if (!busy && runs.includes(run) && run.status !== "lost") this.#session.notify("error", problem);
  }

  #say() {
    const each = this.#verdicts.filter(({ text }) => text).map(({ run, text }) => (this.#verdicts.length > 1 ? `${run.label}: ` : "") + text);
    setText(this.said, each.join(". "));
  }
}

/** @type {import("../rooms.js").Part["mount"]} */
export const mount = (root, session) => void new Try(root, session);
