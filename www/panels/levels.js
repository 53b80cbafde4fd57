/**
 * Under the settings: the levels of the chosen schemes for weights and activations, as the engine tells them, and the rule
 * for gradients, whose levels are those of each batch.
 */
import { drawing } from "../frames.js";
import { describeLevels } from "../grid.js";
import { drawLevels } from "../plots/levels.js";
import { onThemeChange } from "../plots/theme.js";
import { schemeLevels } from "../schemelevels.js";
import { bitsOf, settingOf } from "../settings.js";
import { element, setAttribute, setText } from "../ui/dom.js";

/** What is rounded, with the keys of its scheme and of its bits, and whether its levels are drawn. */
const LINES = [
  { of: "weights", title: "Weights", scheme: "quantizer", bits: "bits", hasLevels: true },
  { of: "activations", title: "Activations", scheme: "activations", bits: "actbits", hasLevels: true },
  { of: "gradients", title: "Gradients", scheme: "gradients", bits: "gradbits", hasLevels: false },
];

/** The scheme and the bits that the settings ask for. */
function choice(line, settings) {
  const scheme = settingOf(line.scheme).choices.find(({ name }) => name === settings[line.scheme]);
  return { of: line.of, scheme, bits: bitsOf(settings[line.bits]).all };
}

/** A choice in words: what it does, or what the engine has told of its levels. */
function wordsOf({ of, scheme, bits }, told) {
  const name = `${scheme.label}, ${bits} ${bits === 1 ? "bit" : "bits"}`;
  if (!told) return `${name}. ${scheme.about}.`;
  const { levels, sampled } = told;
  const whose = sampled ? `; they follow from the ${of}, here from normally distributed ones` : "";
  return `${name}: ${describeLevels(levels)}, times the scale${whose}.`;
}

function makeLine(line) {
  const canvas = element("canvas", { role: "img", hidden: !line.hasLevels });
  const words = element("span", { class: "levels-words" });
  const formula = element("span", { class: "levels-formula" });
  const caption = element("figcaption", {}, element("strong", {}, line.title), " ", words, " ", formula);
  return { ...line, canvas, words, formula, box: element("figure", { "data-of": line.of }, canvas, caption), drawn: null };
}

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  const lines = LINES.map(makeLine);
  root.append(...lines.map(({ box }) => box));
  const known = schemeLevels(session);

  const show = () => {
    for (const line of lines) {
      const chosen = choice(line, session.settings);
      const { scheme } = chosen;
      line.box.hidden = scheme.format === "full";
      const told = line.hasLevels ? known.of(chosen) : undefined;
      setText(line.formula, `${scheme.formula} (${scheme.source})`);
      const now = told ?? `${scheme.name} ${chosen.bits}`;
      if (line.box.hidden || line.drawn === now) continue;
      line.drawn = now;
      const words = told || !line.hasLevels ? wordsOf(chosen, told) : `${scheme.label}.`;
      setText(line.words, words);
      setAttribute(line.canvas, "aria-label", `${line.title}: ${words}`);
      if (told) drawLevels(line.canvas, told.levels);
    }
  };
  const draw = drawing(show);
  // What is known of the schemes takes its room at once.
  show();

  known.listen(draw);
  session.on(["settings", "engine"], () => {
    known.want(LINES.filter(({ hasLevels }) => hasLevels).map((line) => choice(line, session.settings)));
    draw();
  });
  const again = () => {
    for (const line of lines) line.drawn = null;
    draw();
  };
  onThemeChange(again);
  new ResizeObserver(again).observe(root);
}
