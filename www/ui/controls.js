/**
 * Builds the controls from the table of settings, each into the element that names its key or its group; the controls of
 * a group that has none stand under a heading of their own. What is not valid is never changed
 * into something else in silence: the value stays, and a sentence at the control says what was wrong.
 */
import { drawing } from "../frames.js";
import { PLACES } from "../parts.js";
import { SETTINGS, bitsOf, display, format, groupTitle, misfit, narrowed, parse } from "../settings.js";
import { element } from "./dom.js";
import { typed, typedLayers } from "./typed.js";

/** Steps of a logarithmic slider a decade. */
const DECADE_STEPS = 20;
/** Steps of any other slider, from end to end. */
const SLIDER_STEPS = 100;
/** A logarithmic slider whose range begins with 0 has decades from here on, as a share of the largest. */
const LEAST_SHARE = 1e-6;

/**
 * @typedef {object} Control
 * @property {HTMLElement[]} nodes the first is described by the hint
 * @property {(settings: object) => void} show
 * @property {(off: boolean) => void} disable
 *
 * @typedef {(text: string) => boolean} Commit takes a value as the address has it; false: it is none, and that was told
 */

/** What menus call the kinds of number. */
export const FORMATS = { integer: "Integer", float: "Floating point", custom: "Custom" };

/** The entries of a menu, under a heading each kind of number. */
export function options(choices) {
  const groups = new Map();
  const nodes = [];
  for (const { name, label, about, formula, format: kind } of choices) {
    const title = formula ? `${about}. ${formula}` : about;
    const option = element("option", { value: name, title }, label);
    if (kind in FORMATS) {
      if (!groups.has(kind)) {
        groups.set(kind, element("optgroup", { label: FORMATS[kind] }));
        nodes.push(groups.get(kind));
      }
      groups.get(kind).append(option);
    } else nodes.push(option);
  }
  return nodes;
}

/** A menu. @returns {Control} */
function choiceControl(setting, id, commit) {
  const select = element("select", { id });
  let shown = setting.default;
  select.addEventListener("change", () => {
    if (!commit(select.value)) select.value = shown;
  });
  return {
    nodes: [select],
    show(settings) {
      const names = setting.choices.map(({ name }) => name).join("\n");
      if (select.dataset.names !== names) {
        select.dataset.names = names;
        select.replaceChildren(...options(setting.choices));
      }
      select.value = shown = settings[setting.key];
      select.title = setting.choices.find(({ name }) => name === select.value)?.about ?? setting.hint ?? "";
    },
    disable: (off) => (select.disabled = off),
  };
}

/** The next of the values that a scheme takes, the next multiple of the step, or the slider's next value. @param {1|-1} way */
function stepped(setting, value, way) {
  const { kind, min, max, values, step = kind === "number" ? null : 1 } = setting;
  if (values) return (way > 0 ? values.find((one) => one > value) : values.findLast((one) => one < value)) ?? (way > 0 ? max : min);
  const { of, at } = slide(setting);
  const next = step ? (way > 0 ? Math.floor(value / step) + 1 : Math.ceil(value / step) - 1) * step : at(Math.round(of(value)) + way);
  return Math.min(max, Math.max(min, next));
}

/**
 * A field for one number. It is one of text, since fields of numbers drop what they do not know, a comma for one,
 * without a word; the arrow keys move it all the same.
 * @param {Commit} commit
 */
function numberField(setting, id, commit) {
  const whole = setting.kind !== "number";
  const input = element("input", {
    id, type: "text", inputmode: whole ? "numeric" : "decimal", role: "spinbutton", autocomplete: "off",
    "aria-valuemin": setting.min, "aria-valuemax": setting.max,
  });
  let shown = "";
  input.addEventListener("change", () => {
    if (!commit(typed(setting, input.value))) input.value = shown;
  });
  input.addEventListener("keydown", (event) => {
    const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!way || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const value = Number(typed(setting, input.value));
    const text = String(stepped(setting, Number.isFinite(value) && input.value.trim() !== "" ? value : Number(shown), way));
    // Also where the value is the one before, and what is typed is not.
    if (commit(text)) input.value = text;
  });
  return {
    input,
    show(value) {
      const before = shown;
      shown = String(value);
      input.setAttribute("aria-valuenow", shown);
      // What is being typed stays, unless the value has changed under it.
      if (document.activeElement !== input || before !== shown) input.value = shown;
    },
  };
}

/** @returns {Control} */
function integerControl(setting, id, commit) {
  const field = numberField(setting, id, commit);
  return {
    nodes: [field.input],
    show: (settings) => field.show(settings[setting.key]),
    disable: (off) => (field.input.disabled = off),
  };
}

/** How a slider's place and a value belong together. */
function slide({ min, max, log }) {
  if (!log) {
    const step = (max - min) / SLIDER_STEPS;
    return { first: 0, last: SLIDER_STEPS, of: (value) => (value - min) / step, at: (place) => Number((min + place * step).toPrecision(4)) };
  }
  const least = min || max * LEAST_SHARE;
  const placeOf = (value) => Math.log10(value) * DECADE_STEPS;
  // One place more below the decades, for 0.
  const first = placeOf(least) - (min === 0 ? 1 : 0);
  return {
    first, last: placeOf(max),
    of: (value) => (value < least ? first : placeOf(value)),
    at: (place) => (min === 0 && place < placeOf(least) - 0.5 ? 0 : Number((10 ** (place / DECADE_STEPS)).toPrecision(2))),
  };
}

/** A number with its slider. @returns {Control} */
function sliderControl(setting, id, commit) {
  const field = numberField(setting, id, commit);
  const { first, last, of, at } = slide(setting);
  const slider = element("input", {
    type: "range", "aria-label": `${setting.label}, ${setting.log ? "logarithmic slider" : "slider"}`, min: first, max: last, step: 1,
  });
  slider.addEventListener("input", () => commit(String(at(Number(slider.value)))));
  return {
    nodes: [field.input, slider],
    show(settings) {
      const value = settings[setting.key];
      field.show(value);
      slider.value = of(value);
      slider.setAttribute("aria-valuetext", String(value));
    },
    disable: (off) => (field.input.disabled = slider.disabled = off),
  };
}

/** A width for all layers, and a text for those that are exceptions. @returns {Control} */
function bitsControl(setting, id, commit) {
  const list = element("input", {
    id: `${id}-layers`, class: "exceptions", type: "text", autocomplete: "off", spellcheck: "false", placeholder: "conv1:8",
    "aria-label": `${setting.label} of single layers, as conv1:8, linear2:8`,
    title: "Other widths for single layers: conv1:8, linear2:8",
  });
  let now = setting.default;
  const listed = () => bitsOf(now).layers.map((pair) => pair.join(":"));
  const field = numberField(setting, id, (text) => commit([text, ...listed()].join()));
  list.addEventListener("change", () => {
    // A long list with one mistake in it is not thrown away.
    const good = commit([bitsOf(now).all, ...typedLayers(list.value)].join());
    list.setAttribute("aria-invalid", String(!good));
  });
  return {
    nodes: [field.input, list],
    show(settings) {
      const before = now;
      now = settings[setting.key];
      field.show(bitsOf(now).all);
      const wrong = list.getAttribute("aria-invalid") === "true" && before === now;
      if (wrong || (document.activeElement === list && before === now)) return;
      list.value = listed().join(", ");
      list.removeAttribute("aria-invalid");
    },
    disable: (off) => (field.input.disabled = list.disabled = off),
  };
}

/** What single layers have of their own, as text; the Model room has menus for it. @returns {Control} */
function layersControl(setting, id, commit) {
  const input = element("input", { id, type: "text", autocomplete: "off", spellcheck: "false", placeholder: "conv1.quantizer:lsq" });
  let shown = "";
  input.addEventListener("change", () => commit(input.value));
  return {
    nodes: [input],
    show(settings) {
      const before = shown;
      shown = settings[setting.key];
      if (before !== shown || (document.activeElement !== input && input.value === "")) input.value = shown.replaceAll(",", ", ");
    },
    disable: (off) => (input.disabled = off),
  };
}

/** @returns {Control} */
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
  integer: integerControl,
  number: sliderControl,
  bits: bitsControl,
  layers: layersControl,
  switch: switchControl,
};

/** Settings whose label is a word of the glossary, or needs one: key -> name of the entry. */
const WORDS = {
  quantizer: "scheme", bits: "level", granularity: "granularity", ste: "straight-through", tanh: "tanh-clipping", clip: "gradient",
  activations: "activation", gradients: "gradient",
};

/** The place that has every setting once: lessons point at those there. */
const MAIN = "set";

/** One control with its label and help, as it stands in the page. */
function build(row, change, place) {
  // Its range is that of the schemes chosen.
  const setting = { ...row };
  const id = `${place}-${setting.key}`;
  const problem = element("span", { class: "problem", role: "alert" });
  const tell = (text) => {
    problem.textContent = text;
    // It hangs below its control, and reaches to the side where there is room.
    box.classList.toggle("to-the-left", text !== "" && box.getBoundingClientRect().left > innerWidth / 2);
  };
  // It lies over what is below: whatever is pressed next takes it away.
  document.addEventListener("pointerdown", () => tell(""));
  let shown = setting.default;
  let all = null;
  /** What was refused because it did not go with the others. */
  let refused;
  const commit = (text) => {
    const parsed = parse(setting, text);
    const problem = "problem" in parsed ? parsed.problem : all && misfit(setting, parsed.value, all);
    refused = problem ? parsed.value : undefined;
    const good = !problem;
    tell(good ? "" : `${problem}. It stays ${display(setting, shown)}.`);
    if (good) change(setting.key, parsed.value);
    return good;
  };
  const control = MAKERS[setting.kind](setting, id, commit);
  const label = element("label", { class: "label", for: id }, setting.label);
  const box = element("div", { class: `control control-${setting.kind}`, [place === MAIN ? "data-key" : "data-again"]: setting.key }, label, ...control.nodes);
  if (setting.hint) {
    const hint = element("span", { class: "hint", id: `${id}-hint` }, setting.hint);
    if (setting.kind !== "switch") {
      hint.classList.add("visually-hidden");
      box.title = setting.hint;
    }
    control.nodes[0].setAttribute("aria-describedby", hint.id);
    box.append(hint);
  }
  // Not within the label, which is its control's.
  if (WORDS[setting.key]) box.append(element("button", { type: "button", class: "term term-mark", "data-term": WORDS[setting.key], "aria-label": `What is meant by ${setting.label}` }, "?"));
  box.append(problem);
  box.addEventListener("input", () => tell(""));
  const show = (settings) => {
    if (settings[setting.key] !== shown || (refused !== undefined && !misfit(setting, refused, settings))) {
      tell("");
      refused = undefined;
    }
    shown = settings[setting.key];
    all = settings;
    const { min, max, values } = narrowed(row, settings);
    Object.assign(setting, { min, max, values });
    if (setting.kind !== "number" && control.nodes[0].hasAttribute("aria-valuemax")) {
      control.nodes[0].setAttribute("aria-valuemin", min);
      control.nodes[0].setAttribute("aria-valuemax", max);
    }
    control.show(settings);
  };
  return { setting, box, show, disable: control.disable };
}

/** Where the controls of `root` stand: setting -> its place. Those of groups without one go into `.groups`, where there is that. */
function placesIn(root) {
  const byKey = new Map([...root.querySelectorAll("[data-keys]")].flatMap((node) => node.dataset.keys.split(" ").map((key) => [key, node])));
  const byGroup = new Map([...root.querySelectorAll("[data-place]")].map((node) => [node.dataset.place, node]));
  const rest = root.querySelector(".groups");
  const elsewhere = ["hidden", "view", ...Object.keys(PLACES)];
  return ({ key, group }) => {
    if (byKey.has(key)) return byKey.get(key);
    if (!byGroup.has(group) && rest && !elsewhere.includes(group)) {
      byGroup.set(group, element("fieldset", {}, element("legend", {}, groupTitle(group))));
      rest.append(byGroup.get(group));
    }
    return byGroup.get(group);
  };
}

export class Controls {
  #controls;

  /**
   * @param {HTMLElement} root
   * @param {(key: string, value: string|number|boolean) => void} change called with a valid new value
   * @param {string} [place] what their ids begin with
   */
  constructor(root, change, place = MAIN) {
    const placeOf = placesIn(root);
    this.#controls = SETTINGS.filter(placeOf).map((setting) => build(setting, change, place));
    const boxes = new Map(this.#controls.map(({ setting, box }) => [setting.key, box]));
    for (const { setting, box } of this.#controls) placeOf(setting).append(box);
    for (const node of root.querySelectorAll("[data-keys]")) node.append(...node.dataset.keys.split(" ").map((key) => boxes.get(key)));
  }

  /**
   * Shows `settings`, and marks the controls that differ from the run's.
   * @param {object} settings
   * @param {object[]} waiting rows that wait for a new run
   */
  show(settings, waiting) {
    for (const { setting, box, show, disable } of this.#controls) {
      disable(setting.applies ? !setting.applies(settings) : false);
      show(settings);
      box.classList.toggle("waiting", waiting.includes(setting));
      if (setting.group === "data") box.hidden = !setting.applies(settings);
    }
  }
}

/**
 * The controls within `root`, which follow the session.
 * @param {HTMLElement} root
 * @param {import("../session.js").Session} session
 * @param {string} [place] what their ids begin with, where the settings stand elsewhere too
 */
export function wireControls(root, session, place) {
  const controls = new Controls(root, (key, value) => {
    session.set(key, value);
    // At once: keys come faster than frames, and one setting decides what another one takes.
    show();
  }, place);
  const show = () => controls.show(session.settings, session.run?.begun ? session.waiting : []);
  show();
  session.on(["settings", "engine", "run", "status"], drawing(show));
}

/** "Batch size 128 → 64, Tanh clipping on → off". */
export function changesText(waiting, from, to) {
  return waiting
    .map((setting) => {
      const name = setting.group === "hidden" ? "Image files" : setting.label;
      return `${name} ${display(setting, from[setting.key])} → ${display(setting, to[setting.key])}`;
    })
    .join(", ");
}
