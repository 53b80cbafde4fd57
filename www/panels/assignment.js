/** A budget of bits, and which layers it is spent on: the best by a measurement, or as one's own hand moves it. */
import { bestFor, costOf, rangeOf, riseOf, roundedTo, settingFor, uniformFor } from "../bits/assign.js";
import { amountText, budgetOf, budgetText, UNITS } from "../bits/budget.js";
import { wayOf } from "../bits/measurements.js";
import { short, whole } from "../format.js";
import { drawing } from "../frames.js";
import { bitsFor } from "../layers.js";
import { wireControls } from "../ui/controls.js";
import { element, setAttribute, setText } from "../ui/dom.js";

const MARKUP = `
  <header>
    <h2 id="assignment-title">Spend a budget of bits</h2>
    <p class="panel-about">Bits go where they are missed most. Move a layer’s slider to overrule that.</p>
  </header>
  <div class="bits-tools">
    <label class="bits-budget"><span id="assignment-amount-text">Budget</span> <input type="range" id="assignment-amount" min="0" max="100" step="1" disabled></label>
    <label>counted in <select id="assignment-unit"></select></label>
  </div>
  <ol class="bits-plan" id="assignment-plan" aria-label="Bits of each layer"></ol>
  <p class="bits-left" id="assignment-left" role="status"></p>
  <p class="note" id="assignment-note"></p>
  <div class="bits-tools">
    <button type="button" id="assignment-use" disabled>Use these bits</button>
    <button type="button" id="assignment-race" disabled>Race them against uniform bits</button>
    <button type="button" id="assignment-best" class="quiet" disabled>Back to the best</button>
  </div>
  <details class="bits-training" id="assignment-training">
    <summary>While it trains</summary>
    <p class="note">Every so many steps the bits are chosen anew, by what rounding does to the loss and to the updates of those steps (SNIP). Changes stand on the time axis of the curves.</p>
    <div class="controls" data-keys="rebits bitbudget"></div>
  </details>`;

/** Steps of the budget's slider from end to end. */
const STEPS = 100;

/** Whether two measurements are of the same layers. */
const sameLayers = (a, b) => [a, b].every(Boolean) && a.layers.map(({ layer }) => layer).join() === b.layers.map(({ layer }) => layer).join();

class Assignment {
  #session;
  /** The measurement that is spent by, and the layers' widths. @type {import("../bits/assign.js").Measured|null} */
  #measured = null;
  /** Of what `#measured` is. */
  #way = "";
  #bits = [];
  /** Whether somebody has moved a layer. */
  #byHand = false;
  #rows = [];
  /** Of which budget `#bits` are the best; null: they are to be found anew. @type {string|null} */
  #solved = null;

  constructor(root, session) {
    root.innerHTML = MARKUP;
    this.#session = session;
    const part = (name) => root.querySelector(`#assignment-${name}`);
    Object.assign(this, { amount: part("amount"), amountText: part("amount-text"), unit: part("unit"), list: part("plan"), left: part("left"), note: part("note"), use: part("use"), race: part("race"), best: part("best") });
    this.unit.append(...UNITS.map(({ name, label, about }) => element("option", { value: name, title: about }, label)));
    this.amount.addEventListener("input", () => this.#spend(this.unit.value, this.#amountAt(Number(this.amount.value))));
    this.unit.addEventListener("change", () => this.#changeUnit());
    this.use.addEventListener("click", () => session.adopt(roundedTo(this.#setting(), session.settings)));
    this.race.addEventListener("click", () => session.experiments.raceBits(this.#setting(), this.#uniform()));
    this.best.addEventListener("click", () => {
      this.#solved = null;
      this.#draw();
      // The button can do nothing now.
      this.amount.focus({ preventScroll: true });
    });
    wireControls(root, session, "bits");
    this.redraw = drawing(() => this.#draw(), 60);
    session.on(["run", "settings", "sensed", "status", "epoch"], this.redraw);
    this.redraw();
  }

  get #budget() {
    return budgetOf(this.#session.settings.budget);
  }

  #amountAt(step) {
    const [least, most] = rangeOf(this.#measured, this.unit.value);
    return least + (step / STEPS) * (most - least);
  }

  #spend(unit, amount) {
    this.#session.look({ budget: budgetText({ unit, amount }) });
    this.#draw();
  }

  /** The same bits, counted otherwise. */
  #changeUnit() {
    const { value } = this.unit;
    if (this.#measured) this.#spend(value, costOf(this.#measured, value, this.#bits));
    else this.#session.look({ budget: budgetText({ unit: value, amount: 3 }) });
  }

  #setting() {
    return settingFor(this.#measured, this.#bits, this.#session.run.settings);
  }

  #uniform() {
    return uniformFor(this.#measured, this.#budget);
  }

  /** The measurement by the way that is chosen, or by any other. */
  #choose() {
    const { run, settings } = this.#session;
    const results = run?.measurements?.results ?? new Map();
    const way = results.has(settings.sensitivity) ? settings.sensitivity : ([...results.keys()].at(-1) ?? "");
    const measured = results.get(way) ?? null;
    // What was moved by hand stays where the same layers are measured again.
    if (measured !== this.#measured && !(this.#byHand && sameLayers(measured, this.#measured))) this.#solved = null;
    this.#measured = measured;
    this.#way = way;
  }

  #draw() {
    const { run, settings, busy } = this.#session;
    this.#choose();
    const measured = this.#measured;
    const budget = this.#budget;
    this.unit.value = budget.unit;
    this.amount.disabled = !measured;
    if (measured && this.#solved !== settings.budget) {
      this.#solved = settings.budget;
      this.#byHand = false;
      this.#bits = [...bestFor(measured, budget).bits];
    }
    this.#showBudget(budget);
    this.#showRows(run);
    for (const button of [this.use, this.race]) button.disabled = !measured || Boolean(busy);
    this.best.disabled = !measured || !this.#byHand;
    const uniform = measured ? this.#uniform() : null;
    setText(this.race, uniform ? `Race them against ${uniform} bits everywhere` : "Race them against uniform bits");
    this.#say(budget, uniform);
  }

  #showBudget({ unit, amount }) {
    setText(this.amountText, `Budget: ${amountText(amount, unit)}`);
    if (!this.#measured) return;
    const [least, most] = rangeOf(this.#measured, unit);
    const step = Math.round((STEPS * (amount - least)) / Math.max(most - least, Number.MIN_VALUE));
    if (document.activeElement !== this.amount || Math.abs(Number(this.amount.value) - step) > 1) this.amount.value = step;
    setAttribute(this.amount, "aria-valuetext", amountText(amount, unit));
  }

  /** A row a layer: what it has now, and a slider over the widths that it can have. */
  #showRows(run) {
    const measured = this.#measured;
    const layers = measured?.layers ?? run?.layers.map(({ name, count }) => ({ layer: name, weights: count, widths: [] })) ?? [];
    const key = JSON.stringify(layers.map(({ layer, widths }) => [layer, widths.map(({ bits }) => bits)]));
    if (this.list.dataset.key !== key) {
      this.list.dataset.key = key;
      this.#rows = layers.map(({ layer, weights, widths }, i) => this.#row(layer, weights, widths, i));
      this.list.replaceChildren(...this.#rows.map(({ item }) => item));
    }
    const names = layers.map(({ layer }) => layer);
    for (const [i, { slider, before, after, name }] of this.#rows.entries()) {
      const now = run ? bitsFor(name, { ...run.settings, bits: run.bits }, names) : null;
      setText(before, now === null ? "FP32" : String(now));
      slider.disabled = !measured;
      const bits = this.#bits[i];
      if (!measured) {
        setText(after, "–");
        continue;
      }
      slider.value = measured.layers[i].widths.findIndex((width) => width.bits === bits);
      setAttribute(slider, "aria-valuetext", `${bits} ${bits === 1 ? "bit" : "bits"}`);
      setText(after, String(bits));
    }
  }

  #row(name, weights, widths, i) {
    const slider = element("input", { type: "range", min: 0, max: Math.max(1, widths.length - 1), step: 1, "aria-label": `Bits of ${name}` });
    slider.addEventListener("input", () => {
      this.#bits[i] = this.#measured.layers[i].widths[Number(slider.value)].bits;
      this.#byHand = true;
      this.#draw();
    });
    const [before, after] = [element("span", { class: "bits-before" }), element("output", { class: "bits-after" })];
    const item = element("li", {}, element("span", { class: "bits-layer" }, name), element("span", { class: "note" }, whole(weights)), before, slider, after);
    return { item, name, slider, before, after };
  }

  #say(budget, uniform) {
    if (!this.#measured) {
      setText(this.left, "");
      setText(this.note, "Measure how much layers mind first: then a budget can be spent.");
      return;
    }
    const spent = costOf(this.#measured, budget.unit, this.#bits);
    const left = budget.amount - spent;
    // Of what is left a rounding is nothing.
    const over = left < -1e-9 * budget.amount;
    setText(this.left, `Spent: ${amountText(spent, budget.unit)}. ${over ? `Over the budget by ${amountText(-left, budget.unit)}.` : `Left: ${amountText(Math.max(0, left), budget.unit)}.`}`);
    this.left.classList.toggle("over", over);
    const rise = riseOf(this.#measured, this.#bits);
    const all = this.#measured.layers.map(() => uniform);
    const other = uniform ? `, with ${uniform} bits everywhere ${short(riseOf(this.#measured, all))} (${amountText(costOf(this.#measured, budget.unit, all), budget.unit)})` : "";
    setText(this.note, `By “${wayOf(this.#way).label}” rounding does ${short(rise)} in all${other}.${this.#byHand ? " Moved by hand." : " Nothing that costs as little does less."}`);
  }
}

/** @type {import("../rooms.js").Part["mount"]} */
export const mount = (root, session) => void new Assignment(root, session);
