/**
 * What the network gets wrong: the confusion matrix of the whole test set at the end of each epoch, the accuracy
 * of each class, and the images behind any cell, class or the worst mistakes of all.
 */
import { whole } from "../format.js";
import { drawing } from "../frames.js";
import { ClassBars } from "../plots/classbars.js";
import { Confusion } from "../plots/confusion.js";
import { ConfusionMap } from "../plots/confusionmap.js";
import { ConfusionTable } from "../plots/confusiontable.js";
import { heatSwitch } from "../plots/heat.js";
import { onThemeChange } from "../plots/theme.js";
import { To } from "../protocol.js";
import { element, setText } from "../ui/dom.js";
import { Gallery } from "../ui/gallery.js";
import { Replay, ReplayControl } from "../ui/replay.js";
import { RunSwitch } from "../ui/runswitch.js";

const DRAW_INTERVAL_MS = 50;
/** More classes than this are drawn as a picture. */
const TABLE_MOST = 12;
/** Images shown at a time. */
const IMAGES = 24;
/** Pairs of classes in the list of confusions. */
const PAIRS = 6;

/** What the gallery shows: the worst mistakes, a class's mistakes, or a cell of the matrix. */
const WORST = { kind: "worst" };

class Errors {
  #session;
  #replay = new Replay();
  #choice = WORST;
  #classes = [];
  /** Run whose matrix is laid out. */
  #run = null;
  #matrix = null;
  #bars = null;
  #drawn = null;
  #asking = false;
  #askAgain = false;
  /** Whether the images are shown with what the network looked at. */
  #heated = false;

  constructor(root, session) {
    this.#session = session;
    this.#build(root);
    this.redraw = drawing(() => this.#draw(), DRAW_INTERVAL_MS);
    this.#replay.listen(() => this.redraw());
    const again = () => this.#matrix?.redraw();
    onThemeChange(() => {
      again();
      this.gallery.redraw();
    });
    new ResizeObserver(again).observe(this.matrixBox);
    session.on("run", () => this.#runs());
    session.on("epoch", () => this.#epochs());
  }

  #build(root) {
    const replay = element("div", { role: "group", "aria-label": "Epoch of the matrix" });
    const runs = element("div");
    this.switch = new RunSwitch(runs, { label: "Errors of which run", changed: () => this.#runs() });
    this.about = element("p", { class: "panel-about", id: "errors-summary" });
    this.matrixBox = element("div", { class: "confusion", id: "confusion" });
    this.pairs = element("ul", { class: "pairs", "aria-label": "Most frequent confusions" });
    this.barsBox = element("div", { class: "classes", id: "class-accuracy", role: "group", "aria-labelledby": "classes-title" });
    this.galleryTitle = element("h3", { id: "gallery-title" }, "Most wrong");
    this.galleryNote = element("p", { class: "gallery-note" });
    this.backToWorst = element("button", { type: "button", class: "small quiet" }, "Show the most wrong");
    const list = element("ul", { class: "gallery", id: "gallery" });
    this.gallery = new Gallery(list);
    const images = (this.images = element("div", { class: "gallery-scroll", tabindex: "0", role: "region", "aria-labelledby": "gallery-title" }, list));
    const { tick, key } = heatSwitch("gallery-heat", (on) => this.#heat(on));
    this.heatTools = element("div", { class: "gallery-heat" }, tick, key);
    this.backToWorst.addEventListener("click", () => {
      this.#choose(WORST);
      // The button is gone: the focus follows to what it has brought.
      images.focus({ preventScroll: true });
    });
    root.append(
      element("header", {}, element("h2", { id: "errors-title" }, "Errors"), this.about),
      element("div", { class: "panel-tools" }, replay, runs),
      element(
        "div",
        { class: "errors-board" },
        element("div", { class: "errors-matrix" }, this.matrixBox, this.pairs),
        element(
          "section",
          { class: "errors-images", "aria-labelledby": "gallery-title" },
          element("header", {}, this.galleryTitle, this.backToWorst),
          this.galleryNote,
          this.heatTools,
          images,
        ),
        element("section", { class: "errors-classes", "aria-labelledby": "classes-title" }, element("h3", { id: "classes-title" }, "Accuracy of each class"), this.barsBox),
      ),
    );
    new ReplayControl(replay, this.#replay, "Confusion matrix over the epochs");
  }

  /** Another run, or other classes. */
  #runs() {
    this.switch.setRuns(this.#session.runs);
    const [run] = this.switch.shown;
    if (!run || run === this.#run) return;
    this.#run = run;
    if (run.data.classes.join("\n") !== this.#classes.join("\n")) this.#layOut(run.data.classes);
    this.#drawn = null;
    this.#choose(WORST);
    this.#epochs();
  }

  #layOut(classes) {
    this.#classes = classes;
    const Matrix = classes.length > TABLE_MOST ? ConfusionMap : ConfusionTable;
    this.#matrix = new Matrix(classes, (row, column) => this.#choose({ kind: "cell", row, column }));
    this.#bars = new ClassBars(classes, (label) => this.#choose({ kind: "class", label }));
    this.matrixBox.replaceChildren(this.#matrix.box);
    this.barsBox.replaceChildren(this.#bars.box);
    this.#matrix.show(null);
    this.#bars.show(null);
  }

  #epochs() {
    const run = this.#run;
    if (!run) return;
    this.#replay.setStops(run.epochs.map(({ epoch }) => ({ key: epoch, label: `after epoch ${epoch} of ${run.epochsTotal}` })));
    this.redraw();
    this.#ask();
  }

  /** Shows other images. */
  #choose(choice) {
    this.#choice = choice;
    this.#matrix.mark(choice.kind === "cell" ? [choice.row, choice.column] : null);
    this.#bars.mark(choice.kind === "class" ? choice.label : null);
    this.backToWorst.disabled = choice.kind === "worst";
    this.#ask();
  }

  #query() {
    const { kind, row, column, label } = this.#choice;
    if (kind === "cell") return { label: row, predicted: column };
    return kind === "class" ? { label } : {};
  }

  /** Asks for the images of the choice; a change meanwhile asks once more. */
  async #ask() {
    this.#askAgain = true;
    if (this.#asking) return;
    this.#asking = true;
    while (this.#askAgain) {
      this.#askAgain = false;
      const run = this.#run;
      const choice = this.#choice;
      const images = await this.#images(run);
      const maps = images && this.#heated ? await this.#maps(run, images.slice(0, IMAGES)) : null;
      if (images && run === this.#run && choice === this.#choice) this.#showImages(images, this.#heated ? maps : null);
    }
    this.#asking = false;
  }

  #heat(on) {
    this.#heated = on;
    if (on) this.#ask();
    else this.gallery.uncover();
  }

  /** What the network, as it is now, looks at in these images. */
  async #maps(run, images) {
    if (images.length === 0) return null;
    const size = images[0].pixels.length;
    const pixels = new Uint8ClampedArray(images.length * size);
    images.forEach((image, i) => pixels.set(image.pixels, i * size));
    try {
      return (await this.#session.client.request(To.HEAT_MAPS, { run: run.id, pixels })).maps;
    } catch (error) {
      this.#tell(run, `The heat maps could not be made: ${error.message}`);
      return null;
    }
  }

  #tell(run, problem) {
    // A run that was dropped meanwhile has no images, and an engine that was lost has told so itself.
    if (this.#session.runs.includes(run) && run.status !== "lost") this.#session.notify("error", problem);
  }

  async #images(run) {
    if (!run.showsTest) return [];
    try {
      const { images } = await this.#session.client.request(To.PREDICTIONS, { run: run.id, limit: IMAGES + 1, ...this.#query() });
      return images;
    } catch (error) {
      this.#tell(run, `The test images could not be shown: ${error.message}`);
      return null;
    }
  }

  /**
   * @param {object[]} found one more than are shown, where there are more
   * @param {Float32Array|null} maps of those shown
   */
  #showImages(found, maps) {
    const images = found.slice(0, IMAGES);
    const { kind, row, column, label } = this.#choice;
    const classes = this.#classes;
    const title = {
      worst: () => "Most wrong",
      class: () => `${classes[label]}: mistakes`,
      cell: () => (row === column ? `${classes[row]}, recognised` : `${classes[row]} taken for ${classes[column]}`),
    }[kind]();
    setText(this.galleryTitle, title);
    const last = this.#run.epochs.at(-1);
    const count = images.length === 0 ? "No" : `${found.length > IMAGES ? "The first " : ""}${images.length}`;
    const what = kind === "worst" ? "mistake" : "image";
    const sure = kind === "worst" && images.length > 1 ? ", the surest first" : "";
    const packed = Boolean(last) && !this.#run.showsTest;
    const tested = last
      ? `${count} ${what}${images.length === 1 ? "" : "s"} in the test after epoch ${last.epoch}${sure}.`
      : "After the first epoch's test pass its images are here.";
    setText(this.galleryNote, packed ? "This network came packed, without the images of its test." : tested);
    this.images.hidden = this.heatTools.hidden = packed;
    this.gallery.show(images, classes, maps);
  }

  #draw() {
    const epoch = this.#run?.epochs.find((one) => one.epoch === this.#replay.shown?.key) ?? null;
    if (!this.#run || (this.#drawn && this.#drawn.epoch === epoch)) return;
    this.#drawn = { epoch };
    const confusion = epoch ? new Confusion(epoch.confusion, this.#classes) : null;
    this.#matrix.show(confusion);
    this.#bars.show(confusion);
    setText(this.about, confusion?.text ?? "Each test pass counts which class was taken for which.");
    this.#showPairs(confusion);
  }

  #showPairs(confusion) {
    const worst = confusion?.worst(PAIRS) ?? [];
    const focused = [...this.pairs.children].findIndex((item) => item.contains(document.activeElement));
    this.pairs.replaceChildren(
      ...worst.map(({ row, column, count }) => {
        const button = element("button", { type: "button", class: "small pair" }, `${this.#classes[row]} → ${this.#classes[column]} `, element("b", {}, whole(count)));
        button.addEventListener("click", () => this.#choose({ kind: "cell", row, column }));
        return element("li", {}, button);
      }),
    );
    if (focused >= 0) this.pairs.children[focused]?.firstElementChild.focus();
  }
}

/** @type {import("../rooms.js").Part["mount"]} */
export const mount = (root, session) => void new Errors(root, session);
