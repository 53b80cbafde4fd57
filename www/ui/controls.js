/** Builds the controls from the table of settings, each into the element with its `data-place`. */
import { SETTINGS, display, format, parse } from "../state.js";
import { element } from "./dom.js";

/** Steps of the logarithmic slider a decade. */
const RATE_STEPS = 20;

/** What a menu entry is called: with a single scheme besides FP32, the bits say more than its name. */
function choiceLabel(setting, choice, settings) {
  const schemes = setting.choices.filter(({ name }) => name !== "none");
  const isTheScheme = setting.key === "quantizer" && schemes.length === 1 && choice.name !== "none";
  return isTheScheme ? `${settings.bits}-bit` : choice.label;
}

/** A menu, or with few entries a row of radio buttons. */
function choiceControl(setting, id, commit) {
  const select = element("select", { id });
  select.addEventListener("change", () => commit(select.value));
  return {
    nodes: [select],
    show(settings) {
      const labels = setting.choices.map((choice) => choiceLabel(setting, choice, settings));
      if (select.dataset.labels !== labels.join("\n")) {
        select.dataset.labels = labels.join("\n");
        select.replaceChildren(
          ...setting.choices.map(({ name, about }, i) => element("option", { value: name, title: about }, labels[i])),
        );
      }
      select.value = settings[setting.key];
      select.title = setting.choices.find(({ name }) => name === select.value)?.about ?? setting.hint ?? "";
    },
    disable: (off) => (select.disabled = off),
  };
}

function segmentsControl(setting, id, commit) {
  const group = element("div", { class: "segments", role: "radiogroup", "aria-labelledby": `${id}-label` });
  let off = false;
  return {
    nodes: [group],
    show(settings) {
      const names = setting.choices.map(({ name }) => name);
      if (group.dataset.names !== names.join()) {
        group.dataset.names = names.join();
        group.replaceChildren(
          ...setting.choices.map(({ name, about }) => {
            const input = element("input", { type: "radio", name: id, value: name });
            input.addEventListener("change", () => commit(name));
            return element("label", { title: about }, input, element("span"));
          }),
        );
      }
      setting.choices.forEach((choice, i) => {
        const [input, label] = group.children[i].children;
        input.checked = settings[setting.key] === choice.name;
        input.disabled = off;
        label.textContent = choiceLabel(setting, choice, settings);
      });
    },
    disable: (now) => (off = now),
  };
}

/** Text of a number field -> the value in range that is nearest, or null if it is no number. */
function clamped(setting, text) {
  const number = Number(text);
  if (text.trim() === "" || !Number.isFinite(number)) return null;
  const whole = setting.kind === "integer" ? Math.round(number) : number;
  return String(Math.min(setting.max, Math.max(setting.min, whole)));
}

function numberField(setting, id, commit) {
  // No `min`: arrow keys then move by whole steps from 0 (128, 160, ...). The range is kept by clamped().
  const input = element("input", { id, type: "number", step: setting.step ?? "any", inputmode: "decimal" });
  input.addEventListener("change", () => {
    const text = clamped(setting, input.value);
    if (text === null) input.value = input.dataset.shown;
    else commit(text);
  });
  return input;
}

const showNumber = (input, value) => {
  input.dataset.shown = String(value);
  if (document.activeElement !== input || Number(input.value) !== value) input.value = value;
};

function integerControl(setting, id, commit) {
  const input = numberField(setting, id, commit);
  return {
    nodes: [input],
    show: (settings) => showNumber(input, settings[setting.key]),
    disable: (off) => (input.disabled = off),
  };
}

/** A logarithmic slider with its number. */
function rateControl(setting, id, commit) {
  const number = numberField(setting, id, commit);
  const slider = element("input", {
    type: "range", "aria-label": `${setting.label}, logarithmic slider`,
    min: Math.log10(setting.min) * RATE_STEPS, max: Math.log10(setting.max) * RATE_STEPS, step: 1,
  });
  slider.addEventListener("input", () => {
    const rate = 10 ** (Number(slider.value) / RATE_STEPS);
    commit(String(Number(rate.toPrecision(2))));
  });
  return {
    nodes: [number, slider],
    show(settings) {
      const rate = settings[setting.key];
      showNumber(number, rate);
      slider.value = Math.log10(rate) * RATE_STEPS;
      slider.setAttribute("aria-valuetext", String(rate));
    },
    disable: (off) => (number.disabled = slider.disabled = off),
  };
}

function switchControl(setting, id, commit) {
  const input = element("input", { id, type: "checkbox", role: "switch" });
  input.addEventListener("change", () => commit(input.checked ? "1" : "0"));
  return {
    nodes: [input],
    show: (settings) => (input.checked = settings[setting.key]),
    disable: (off) => (input.disabled = off),
  };
}

const MAKERS = {
  choice: choiceControl,
  segments: segmentsControl,
  integer: integerControl,
  rate: rateControl,
  switch: switchControl,
};

/** One control with its label and help, as it stands in the page. */
function build(setting, change) {
  const id = `set-${setting.key}`;
  const commit = (text) => {
    const parsed = parse(setting, text);
    if ("value" in parsed) change(setting.key, parsed.value);
  };
  const control = MAKERS[setting.kind](setting, id, commit);
  const grouped = setting.kind === "segments";
  const label = element(grouped ? "span" : "label", { class: "label", id: `${id}-label`, for: grouped ? undefined : id }, setting.label);
  const box = element("div", { class: `control control-${setting.kind}`, "data-key": setting.key }, label, ...control.nodes);
  if (setting.hint) {
    const hint = element("span", { class: "hint", id: `${id}-hint` }, setting.hint);
    if (setting.kind !== "switch") {
      hint.classList.add("visually-hidden");
      box.title = setting.hint;
    }
    control.nodes[0].setAttribute("aria-describedby", hint.id);
    box.append(hint);
  }
  return { setting, box, ...control };
}

export class Controls {
  #controls;

  /** @param {(key: string, value: string|number|boolean) => void} change called with a valid new value */
  constructor(change) {
    const places = new Map([...document.querySelectorAll("[data-place]")].map((node) => [node.dataset.place, node]));
    this.#controls = SETTINGS.filter(({ place }) => places.has(place)).map((setting) => build(setting, change));
    for (const { setting, box } of this.#controls) places.get(setting.place).append(box);
  }

  /**
   * Shows `settings`, and marks the controls that differ from the run's.
   * @param {object} settings
   * @param {object[]} waiting rows that wait for a reset
   */
  show(settings, waiting) {
    for (const { setting, box, show, disable } of this.#controls) {
      disable(setting.applies ? !setting.applies(settings) : false);
      show(settings);
      box.classList.toggle("waiting", waiting.includes(setting));
      if (setting.place === "data") box.hidden = !setting.applies(settings);
    }
  }
}

/** "Batch size 128 → 64, Tanh clipping on → off". */
export function changesText(waiting, from, to) {
  return waiting
    .map((setting) => {
      const name = setting.place === "hidden" ? "Image files" : setting.label;
      const short = (settings) => (setting.kind === "rate" ? format(setting, settings[setting.key]) : display(setting, settings[setting.key]));
      return `${name} ${short(from)} → ${short(to)}`;
    })
    .join(", ");
}
