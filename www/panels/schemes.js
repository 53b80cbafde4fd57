/**
 * Every scheme for weights, by its kind of number and searched by words, each with what it makes of a value and with its
 * levels, as the engine tells them: a second way to the setting that the menu of the precision is one to.
 */
import { drawing } from "../frames.js";
import { drawLevels } from "../plots/levels.js";
import { drawStaircase } from "../plots/staircase.js";
import { onThemeChange } from "../plots/theme.js";
import { schemeLevels } from "../schemelevels.js";
import { bitsOf, settingOf, settled } from "../settings.js";
import { FORMATS } from "../ui/controls.js";
import { element, setText } from "../ui/dom.js";

const SETTING = "quantizer";

/** Kinds of number, as they stand beside each other. */
const COLUMNS = [["integer", "full"], ["float"], ["custom"]];
const TITLES = { ...FORMATS, full: "Not rounded" };

/** The bits that a scheme would have now. */
const bitsWith = (settings, scheme) => bitsOf(settled({ ...settings, [SETTING]: scheme.name }).bits).all;

const wordsOf = ({ name, label, about, formula = "", source = "", format }) => `${name} ${label} ${about} ${formula} ${source} ${TITLES[format]}`.toLowerCase();

function makeItem(scheme, choose) {
  const input = element("input", { type: "radio", name: "schemes", value: scheme.name });
  const note = element("span", { class: "scheme-note" });
  const stairs = element("canvas", { class: "scheme-stairs", "aria-hidden": "true" });
  const line = element("canvas", { class: "scheme-line", "aria-hidden": "true" });
  const pictures = scheme.format === "full" ? [] : [stairs, line];
  const box = element("label", { class: "scheme", title: `${scheme.about}.`, "data-scheme": scheme.name }, input, element("span", { class: "scheme-name" }, scheme.label), note, ...pictures);
  input.addEventListener("change", () => choose(scheme.name));
  return { scheme, input, note, stairs, line, box, words: wordsOf(scheme), drawn: null };
}

/** "4 bits, 15 levels". */
const noteOf = (bits, told) => `${bits} ${bits === 1 ? "bit" : "bits"}${told ? `, ${told.levels.length.toLocaleString("en")} levels` : ""}`;

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  const known = schemeLevels(session);
  const choose = (name) => session.set(SETTING, name);
  const items = settingOf(SETTING).choices.map((scheme) => makeItem(scheme, choose));
  const groups = Object.entries(TITLES).map(([format, title]) => ({ format, box: element("fieldset", {}, element("legend", {}, title), ...items.filter(({ scheme }) => scheme.format === format).map(({ box }) => box)) }));
  const search = element("input", { type: "search", id: "schemes-search", autocomplete: "off", placeholder: "power of two, learned" });
  const found = element("span", { class: "note", role: "status" });
  root.append(
    element(
      "header",
      {},
      element("h2", { id: "schemes-title" }, "What weights are rounded to"),
      element("p", { class: "settings-find" }, element("label", { for: "schemes-search" }, "Search"), " ", search, " ", found),
    ),
    element("p", { class: "note" }, "The stairs: across a weight, up the level nearest to it. The line: the levels themselves."),
    element("div", { class: "scheme-groups" }, ...COLUMNS.map((formats) => element("div", {}, ...formats.map((format) => groups.find((group) => group.format === format).box)))),
  );

  const choiceOf = (scheme) => ({ of: "weights", scheme, bits: bitsWith(session.settings, scheme) });
  const draw = drawing(() => {
    for (const item of items) {
      const { scheme, input, note, stairs, line } = item;
      input.checked = session.settings[SETTING] === scheme.name;
      if (scheme.format === "full") {
        setText(note, "32 bits");
        continue;
      }
      const choice = choiceOf(scheme);
      const told = known.of(choice);
      setText(note, noteOf(choice.bits, told));
      if (!told || item.drawn === told || stairs.clientWidth === 0) continue;
      item.drawn = told;
      drawStaircase(stairs, told.levels);
      drawLevels(line, told.levels, { named: false });
    }
  });
  const again = () => {
    for (const item of items) item.drawn = null;
    draw();
  };
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const { box, words: all } of items) box.hidden = !words.every((word) => all.includes(word));
    for (const { box } of groups) box.hidden = !box.querySelector(".scheme:not([hidden])");
    setText(found, words.length === 0 ? "" : `${items.filter(({ box }) => !box.hidden).length} found`);
  });
  known.listen(draw);
  onThemeChange(again);
  new ResizeObserver(again).observe(root);
  session.on(["settings", "engine"], () => {
    known.want(items.map(({ scheme }) => choiceOf(scheme)));
    draw();
  });
  draw();
}
