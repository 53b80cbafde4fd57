/** The controls of what is done besides rounding the weights: made once, read when a test begins. */
import { options } from "../ui/controls.js";
import { settingOf } from "../settings.js";
import { CALIBRATIONS, fitting, hasRange } from "./options.js";

/** Batches that statistics can be re-estimated from. */
const BATCHES = [1, 4, 16, 64];

export const FORM = `
  <fieldset class="ptq-options">
    <legend>Besides rounding the weights</legend>
    <label><input type="checkbox" id="ptq-fold"> Fold batch norm</label>
    <label><input type="checkbox" id="ptq-equalise"> Equalise neighbouring layers <span class="note" id="ptq-needs">(folds batch norm)</span></label>
    <label><input type="checkbox" id="ptq-correct"> Correct the biases</label>
    <div class="ptq-menus">
      <label>One scale for <select id="ptq-granularity"></select></label>
      <label>Re-estimated statistics <select id="ptq-reestimate"><option value="0">No</option></select></label>
      <label>Activations <select id="ptq-activations"><option value="">As the run has them</option></select></label>
      <label>Activation bits <select id="ptq-actbits"></select></label>
      <label class="ptq-range">Range of activations <select id="ptq-calibration"></select></label>
    </div>
  </fieldset>`;

export class Form {
  #find;

  /** @param {HTMLElement} root that holds `FORM` */
  constructor(root) {
    this.#find = (name) => root.querySelector(`#ptq-${name}`);
    const rounding = settingOf("activations").choices.filter(({ format }) => format !== "full");
    this.#find("granularity").append(...options(settingOf("granularity").choices));
    this.#find("reestimate").append(...BATCHES.map((count) => new Option(count === 1 ? "From 1 batch" : `From ${count} batches`, count)));
    this.#find("activations").append(...options(rounding));
    this.#find("calibration").append(...options(CALIBRATIONS));
    this.#find("equalise").addEventListener("change", ({ target }) => {
      if (target.checked) this.#find("fold").checked = true;
    });
    this.#find("fold").addEventListener("change", ({ target }) => {
      if (!target.checked) this.#find("equalise").checked = false;
    });
    root.addEventListener("change", () => this.#show());
    this.#show();
  }

  /** The scales that a run has are the first choice. @param {string} granularity */
  begin(granularity) {
    this.#find("granularity").value = granularity;
  }

  /** @returns {import("./options.js").Options} */
  get options() {
    const checked = (name) => this.#find(name).checked;
    const value = (name) => this.#find(name).value;
    return fitting({
      granularity: value("granularity"),
      fold: checked("fold"),
      equalise: checked("equalise"),
      correct: checked("correct"),
      reestimate: Number(value("reestimate")),
      activations: value("activations") || null,
      activationBits: Number(value("actbits")),
      calibration: value("calibration"),
    });
  }

  /** What others leave no choice of is disabled; activations have the bits that their scheme takes. */
  #show() {
    const scheme = settingOf("activations").choices.find(({ name }) => name === this.#find("activations").value);
    const bits = this.#find("actbits");
    const widths = (scheme ?? settingOf("activations").choices[0]).bits;
    if (bits.dataset.widths !== widths.join()) {
      const wanted = Number(bits.value) || settingOf("actbits").default;
      bits.dataset.widths = widths.join();
      bits.replaceChildren(...widths.map((width) => new Option(width, width)));
      bits.value = widths.includes(wanted) ? wanted : widths.at(-1);
    }
    bits.disabled = !scheme;
    this.#find("calibration").disabled = !hasRange(scheme?.name);
    this.#find("reestimate").disabled = this.#find("fold").checked;
  }
}
