/** The form of a sweep: settings with the values that each is to take, and how many seeds. */
import { display, groupTitle, schemeValues, settingOf } from "../settings.js";
import { element, setText } from "../ui/dom.js";
import { asked, exampleOf, isListed, listOf, MOST_RUNS, MOST_SEEDS, plan, readValues, seedsProblem, SWEPT } from "./plan.js";

/** A list of few values begins with all of them ticked, a long one with that of the run. */
const FEW = 3;
/** Seeds unless told otherwise: two would be no deviation to speak of. */
const SEEDS = 3;

/** Rows' numbers are for their ids alone. */
let made = 0;

/** The setting that a sweep begins with: bits where the scheme has several, else the rate. */
function firstRow(settings) {
  const bits = settingOf("bits");
  const taken = schemeValues(bits, settings);
  const some = [2, 4, 8].filter((value) => taken.includes(value));
  return bits.applies(settings) && some.length > 1 ? { key: "bits", text: some.join(", ") } : { key: "lr" };
}

/** Whether a pointer is down. */
let pressed = false;
for (const [name, is] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false]]) {
  document.addEventListener(name, () => (pressed = is), { capture: true });
}

/** Does what moves the page once no pointer is down: else what is being pressed would move away from below it. */
function unpressed(act) {
  if (!pressed) return act();
  const done = new AbortController();
  for (const name of ["pointerup", "pointercancel"]) {
    document.addEventListener(name, () => {
      done.abort();
      setTimeout(act); // after the click
    }, { signal: done.signal });
  }
}

/** One setting and its values. */
class Row {
  #session;
  #changed;
  /** What was typed of settings chosen before. */
  #texts = new Map();

  constructor(session, key, text, { changed, remove }) {
    this.#session = session;
    this.#changed = changed;
    if (text) this.#texts.set(key, text);
    const id = `sweep-row-${++made}`;
    this.select = element("select", { id, class: "sweep-setting" });
    for (const group of new Set(SWEPT.map((row) => row.group))) {
      const entries = SWEPT.filter((row) => row.group === group).map((row) => element("option", { value: row.key }, row.label));
      this.select.append(element("optgroup", { label: groupTitle(group) }, ...entries));
    }
    this.select.value = key;
    this.select.addEventListener("change", () => {
      this.#showValues();
      changed();
    });
    this.values = element("div", { class: "sweep-values" });
    this.problem = element("p", { class: "sweep-problem", role: "alert", id: `${id}-problem` });
    this.removing = element("button", { type: "button", class: "small sweep-remove" }, "Remove");
    this.removing.addEventListener("click", () => remove(this));
    this.box = element("li", { class: "sweep-row" },
      element("div", { class: "sweep-field" }, element("label", { for: id }, "Setting"), this.select), this.values, this.removing, this.problem);
    this.#showValues();
  }

  get key() {
    return this.select.value;
  }

  #showValues() {
    const row = settingOf(this.key);
    setText(this.problem, "");
    this.removing.setAttribute("aria-label", `Remove ${row.label}`);
    this.values.replaceChildren(...(isListed(row) ? [this.#ticks(row)] : this.#field(row)));
  }

  #ticks(row) {
    const all = listOf(row);
    const now = this.#session.settings[row.key];
    const ticks = all.map((value, i) => {
      const box = element("input", { type: "checkbox", value: i, checked: all.length <= FEW || value === now });
      box.addEventListener("change", () => {
        this.read(true);
        this.#changed();
      });
      return element("label", { class: "tick" }, box, display(row, value));
    });
    return element("fieldset", { class: "sweep-ticks" }, element("legend", {}, "Values"), ...ticks);
  }

  #field(row) {
    const id = `${this.select.id}-values`;
    const input = element("input", {
      id, type: "text", autocomplete: "off", spellcheck: "false", value: this.#texts.get(row.key) ?? exampleOf(row),
      "aria-describedby": `${this.problem.id} ${this.select.id}-hint`, title: row.hint,
    });
    input.addEventListener("input", () => {
      this.#texts.set(row.key, input.value);
      setText(this.problem, "");
      this.#changed();
    });
    input.addEventListener("change", () => unpressed(() => this.read(true)));
    const range = row.kind === "number" ? `${row.min} to ${row.max}` : `whole, ${row.min} to ${row.max}`;
    const parted = row.kind === "bits" ? `${range}; 4,conv1:8 is 4 but for one layer` : `${range}; parted by commas or spaces`;
    return [element("label", { for: id }, "Values"), input, element("span", { class: "note", id: `${this.select.id}-hint` }, parted)];
  }

  /**
   * @param {boolean} told say what is wrong, here
   * @returns {{key: string, values: (string|number|boolean)[], problems: string[]}}
   */
  read(told = false) {
    const { key } = this;
    const row = settingOf(key);
    const field = this.values.querySelector("input[type=text]");
    const ticked = () => [...this.values.querySelectorAll("input:checked")].map(({ value }) => listOf(row)[value]);
    const found = field ? readValues(row, field.value) : { values: ticked(), problems: [] };
    if (!field && found.values.length === 0) found.problems = [`${row.label}: tick at least one value.`];
    if (told) setText(this.problem, found.problems.join(" "));
    if (field && (told || found.problems.length === 0)) field.setAttribute("aria-invalid", String(found.problems.length > 0));
    return { key, ...found };
  }

  focus() {
    (this.values.querySelector("input") ?? this.select).focus();
  }
}

export const FORM = `
  <form class="sweep-form" id="sweep-form" novalidate>
    <ol class="sweep-rows" id="sweep-rows" aria-label="Settings of the sweep"></ol>
    <div class="sweep-more">
      <button type="button" class="small" id="sweep-add">Add a setting</button>
      <span class="sweep-seeds"><label for="sweep-seeds">Seeds</label> <select id="sweep-seeds" aria-describedby="sweep-which"></select> <span class="note" id="sweep-which"></span></span>
    </div>
    <p class="sweep-plan" id="sweep-plan" tabindex="-1"></p>
    <ul class="sweep-out note" id="sweep-out" aria-label="What is left out"></ul>
  </form>`;

export class Form {
  #session;
  #changed;
  #rows = [];
  #find;
  /** Seconds that runs take, as far as that is known. @type {(runs: object[]) => string} */
  #lasting;

  /** @param {HTMLElement} root that holds `FORM` */
  constructor(root, session, { changed, submit, lasting }) {
    this.#session = session;
    this.#changed = changed;
    this.#lasting = lasting;
    this.#find = (id) => root.querySelector(`#${id}`);
    const seeds = this.#find("sweep-seeds");
    seeds.append(...Array.from({ length: MOST_SEEDS }, (_, i) => new Option(i + 1, i + 1)));
    seeds.value = SEEDS;
    seeds.addEventListener("change", changed);
    this.#find("sweep-add").addEventListener("click", () => {
      const used = this.#rows.map(({ key }) => key);
      this.#add(["bits", "lr", ...SWEPT.map(({ key }) => key)].find((key) => !used.includes(key))).select.focus();
      changed();
    });
    this.#find("sweep-form").addEventListener("submit", (event) => {
      event.preventDefault();
      submit();
    });
    const { key, text } = firstRow(session.settings);
    this.#add(key, text);
  }

  #add(key, text) {
    const row = new Row(this.#session, key, text, {
      changed: this.#changed,
      remove: (gone) => {
        const at = this.#rows.indexOf(gone);
        this.#rows.splice(at, 1);
        gone.box.remove();
        const next = this.#rows[Math.min(at, this.#rows.length - 1)];
        (next?.removing ?? this.#find("sweep-add")).focus();
        this.#changed();
      },
    });
    this.#rows.push(row);
    this.#find("sweep-rows").append(row.box);
    return row;
  }

  focus() {
    (this.#rows[0]?.select ?? this.#find("sweep-add")).focus();
  }

  /** The plan as the form has it; null where something in it is wrong, which is said at its place, and gets the focus. */
  take() {
    const rows = this.#rows.map((row) => row.read(true));
    const wrong = rows.findIndex(({ problems }) => problems.length > 0);
    if (wrong >= 0) this.#rows[wrong].focus();
    if (wrong >= 0) return null;
    const { plan: found } = this.#plan(rows);
    // It says there why not.
    if (!found) this.#find("sweep-plan").focus();
    return found;
  }

  /** @returns {{plan: import("./plan.js").Plan|null, problem: string}} */
  #plan(rows) {
    const { settings } = this.#session;
    const seeds = Number(this.#find("sweep-seeds").value);
    const count = asked(rows, seeds);
    const problem = seedsProblem(settings, seeds) ?? (count > MOST_RUNS ? `That would be ${count.toLocaleString("en")} runs: at most ${MOST_RUNS.toLocaleString("en")} are trained in a sweep.` : "");
    if (problem) return { plan: null, problem };
    const found = plan(settings, rows, seeds);
    return found.runs.length > 0 ? { plan: found, problem: "" } : { plan: null, problem: "No run is left to train.", leftOut: found.leftOut };
  }

  /** Says what it comes to. */
  show() {
    const keys = this.#rows.map(({ key }) => key);
    for (const { select, key } of this.#rows) {
      for (const option of select.options) option.disabled = option.value !== key && keys.includes(option.value);
    }
    this.#find("sweep-add").disabled = keys.length === SWEPT.length;
    const { seed } = this.#session.settings;
    const seeds = Number(this.#find("sweep-seeds").value);
    setText(this.#find("sweep-which"), seeds === 1 ? `that of the settings, ${seed}` : `${seed} to ${seed + seeds - 1}`);
    const rows = this.#rows.map((row) => row.read());
    const wrong = rows.some(({ problems }) => problems.length > 0);
    const { plan: found, problem, leftOut } = wrong ? { plan: null, problem: "Values that cannot be read have to be put right first." } : this.#plan(rows);
    setText(this.#find("sweep-plan"), found ? this.#text(found) : problem);
    const texts = [...(found?.leftOut ?? leftOut ?? []).map(outText), ...(found?.same ? [sameText(found.same)] : [])];
    const list = this.#find("sweep-out");
    if (list.dataset.texts !== texts.join("\n")) {
      list.dataset.texts = texts.join("\n");
      list.replaceChildren(...texts.map((text) => element("li", {}, text)));
      // A long one scrolls within itself: the keyboard has to reach it.
      list.tabIndex = list.scrollHeight > list.clientHeight + 1 ? 0 : -1;
    }
  }

  #text({ lines, runs, seeds }) {
    const count = runs.length === 1 ? "1 run" : `${runs.length.toLocaleString("en")} runs`;
    const of = lines.length === 1 ? "one combination" : `${lines.length.toLocaleString("en")} combinations`;
    const how = `${of}, ${seeds === 1 ? "one seed" : `${seeds} seeds`}${lines.length > 1 && seeds > 1 ? " each" : ""}`;
    return `${count}: ${how}.${this.#lasting(runs)} All other settings are as they stand.`;
  }
}

/** Names of combinations beyond these are counted. */
const MOST_NAMES = 3;

function outText({ names, why }) {
  const more = names.length - MOST_NAMES;
  const named = more > 0 ? `${names.slice(0, MOST_NAMES).join("; ")} and ${more} more` : names.join("; ");
  return `Left out: ${named}. ${why}.`;
}

const sameText = (same) => (same === 1 ? "One combination is the same run as another: it is trained once." : `${same} combinations are the same runs as others: each is trained once.`);
