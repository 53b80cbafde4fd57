/** What one run's packed weights say about a picture, and how large they are packed and as 32-bit floats. */
import { bytes, percent, whole } from "../format.js";
import { packingText } from "../schemes.js";
import { ProbabilityBars } from "../ui/bars.js";
import { element, setAttribute, setText } from "../ui/dom.js";

/** Guesses shown. */
const TOP = 5;

function sizeLine(name) {
  const value = element("span", { class: "size-value" });
  const fill = element("span", { class: "size-fill" });
  const box = element("li", {}, element("span", { class: "size-name" }, name), element("span", { class: "size-track", "aria-hidden": "true" }, fill), value);
  return { box, value, fill };
}

/** How far the run is, in words. */
function stateText(run) {
  if (!run.trained) return "Not trained yet: this is a guess.";
  const { epoch, step, stepsPerEpoch } = run.progress;
  return step === stepsPerEpoch ? `After epoch ${epoch} of ${run.epochsTotal}.` : `In epoch ${epoch} of ${run.epochsTotal}, step ${whole(step)}.`;
}

export class Verdict {
  #bars = new ProbabilityBars(TOP);
  #packed = sizeLine("Packed");
  #float = sizeLine("FP32");
  #last = null;

  /**
   * @param {object} run RunRecord
   * @param {boolean} single the only one on the page
   */
  constructor(run, single) {
    this.run = run;
    this.state = element("p", { class: "verdict-state" });
    this.ratio = element("p", { class: "size-ratio" });
    const title = element("h3", { class: `run-name run-slot-${run.slot}` }, run.label);
    title.hidden = single;
    this.box = element(
      "section",
      { class: "verdict", "aria-label": `What ${run.label} says`, "data-slot": run.slot },
      title,
      this.#bars.box,
      this.state,
      element("ul", { class: "sizes", "aria-label": "Size of the model" }, this.#packed.box, this.#float.box),
      this.ratio,
    );
    setText(this.state, "No picture yet.");
  }

  /** @param {{classes: object[], info: object}} answer of To.CLASSIFY */
  show({ classes, info }) {
    this.#last = classes;
    if (classes.length > 0) {
      this.#bars.show(classes.slice(0, TOP), this.run.data.classes);
      setText(this.state, stateText(this.run));
    }
    const { packedBytes, fp32Bytes, layers } = info;
    setText(this.#packed.value, bytes(packedBytes));
    setText(this.#float.value, bytes(fp32Bytes));
    this.#packed.fill.style.transform = `scaleX(${packedBytes / fp32Bytes})`;
    this.#float.fill.style.transform = "scaleX(1)";
    const rounded = this.run.info.config.quantizer === "none" ? ", rounded for this: the run itself is FP32" : "";
    setText(this.ratio, `${packingText(layers)}${rounded}. ${(fp32Bytes / packedBytes).toFixed(1)} times smaller.`);
    setAttribute(this.ratio, "title", layers.map((layer) => `${layer.name}: ${bytes(layer.packedBytes)} of ${bytes(layer.fp32Bytes)}`).join("\n"));
  }

  /** The likeliest class in words; empty without a picture. */
  get text() {
    const [best] = this.#last ?? [];
    return best ? `${this.run.data.classes[best.class]}, ${percent(best.probability, 0)}` : "";
  }
}
