/**
 * What a lesson can ask about: each fact is one number, word or switch read from the session. Pure functions, so
 * that lessons are checked under Node too. Adding a fact is one line here and one in docs/TEACHING.md.
 */
import { TRUTH } from "../bits/measurements.js";
import { estimate, fixed, percent, short, whole } from "../format.js";
import { quantized, weightBits } from "../grid.js";
import { FIRST } from "../ptq/options.js";
import { display, format, FORMER, parse, presentText, SETTINGS } from "../settings.js";
import { margin } from "../stats.js";

const last = (run) => run.epochs.at(-1);
const gridded = (run) => run.layers.filter(quantized);
const levelsUsed = (run) => gridded(run).map((layer) => layer.levelsUsed);
const scales = (run) => gridded(run).map(({ scale }) => scale);
/** The largest weight of a layer, either sign. */
const largest = ({ histogram: { min, max } }) => Math.max(-min, max);
const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

const SWITCH = [true, false];

/** How many images a run is tested on. */
const tested = ({ info }) => info.images[1];

/**
 * Of one run; not known (undefined) where there is none.
 *
 * @typedef {object} Fact
 * @property {string} label what a table calls it
 * @property {Function} of its value
 * @property {(value: any) => string} [text] how it reads in a lesson's text
 * @property {"string"|(string|boolean)[]|object} [kind] what it can be: a number unless told, any text, one of these values,
 *   or what a row of the settings says
 * @property {Function} [images] of a share of test images: how many there are
 *
 * @type {Record<string, Fact>}
 */
const OF_RUN = {
  steps: { label: "Steps", of: (run) => run.globalStep, text: whole },
  epochs: { label: "Epochs", of: (run) => run.epochs.length, text: whole },
  status: { label: "Status", of: (run) => run.status, kind: ["paused", "playing", "finished", "lost"] },
  loss: { label: "Loss", of: (run) => run.smooth.loss.value, text: (value) => fixed(value, 2) },
  trainAccuracy: { label: "Training accuracy", of: (run) => run.smooth.accuracy.value, text: percent },
  testAccuracy: { label: "Test accuracy", of: (run) => last(run)?.testAccuracy, text: percent, images: tested },
  bestAccuracy: { label: "Best test accuracy", of: (run) => run.best, text: percent, images: tested },
  levelsLeast: { label: "Fewest levels in use", of: (run) => Math.min(...levelsUsed(run)), text: whole },
  levelsMost: { label: "Most levels in use", of: (run) => Math.max(...levelsUsed(run)), text: whole },
  scaleLeast: { label: "Smallest scale", of: (run) => Math.min(...scales(run)), text: short },
  scaleMost: { label: "Largest scale", of: (run) => Math.max(...scales(run)), text: short },
  entropy: { label: "Entropy in bits", of: (run) => mean(gridded(run).map(({ entropyBits }) => entropyBits)), text: (value) => fixed(value, 2) },
  largestWeight: { label: "Largest weight", of: (run) => Math.max(...run.layers.map(largest)), text: short },
  outlier: { label: "Outlier", of: (run) => Boolean(run.outlier), kind: SWITCH },
  /** The largest weight right after the outlier was put in. */
  outlierWeight: { label: "Outlier’s weight", of: (run) => run.outlier && largest(run.outlier.after), text: short },
  diverged: { label: "Diverged", of: (run) => Boolean(run.alarm), kind: SWITCH },
  forked: { label: "Forked", of: (run) => Boolean(run.fork), kind: SWITCH },
  kilobytes: { label: "Kilobytes of weights", of: (run) => weightBits(run.layers) / 8e3, text: (value) => fixed(value, 1) },
  label: { label: "Name", of: (run) => run.label, kind: "string" },
};

/** Accuracy of the weights of any run that were quantized after training by the usual scheme, at a width. */
const afterTraining = (bits) => (session) =>
  session.runs.map((run) => run.afterTraining?.resultsOf(FIRST).get(bits)?.accuracy).find((accuracy) => accuracy !== undefined);

const anyTested = ({ runs }) => runs.find(({ afterTraining }) => afterTraining);
const ptq = (bits, label) => ({ label, of: afterTraining(bits), text: percent, images: (session) => anyTested(session) && tested(anyTested(session)) });

/** Layers by how much they mind, the most first: by the plain experiment. */
function ranked(session) {
  const found = session.run?.measurements?.results.get(TRUTH)?.layers;
  return found && [...found].sort((a, b) => b.value - a.value).map(({ layer }) => layer);
}

/** Of the page. `seen` is what the lesson's runner has counted. @type {Record<string, Fact>} */
const OF_PAGE = {
  runs: { label: "Runs", of: (session) => session.runs.length, text: whole },
  playing: { label: "Trains", of: (session) => session.playing, kind: SWITCH },
  waiting: { label: "Settings that wait", of: (session) => session.waiting.length, text: whole },
  data: { label: "Data", of: (session) => session.loaded?.info.kind, kind: ["synthetic", "cifar10", "cifar100", "images"] },
  pictures: { label: "Pictures", of: (_session, seen) => seen.pictures, text: whole },
  gap: {
    label: "Gap",
    of: ({ runs: [first, second] }) => second && last(second)?.testAccuracy - last(first)?.testAccuracy,
    text: (value) => (Number.isFinite(value) ? `${fixed(100 * value, 1)} points` : "–"),
  },
  "sensitivity.measured": { label: "Ways measured", of: (session) => session.run?.measurements?.results.size ?? 0, text: whole },
  "sensitivity.most": { label: "Minds most", of: (session) => ranked(session)?.[0], kind: "string" },
  "sensitivity.least": { label: "Minds least", of: (session) => ranked(session)?.at(-1), kind: "string" },
  "sensitivity.agreement": { label: "Kendall’s τ", of: (session) => [...(session.run?.measurements?.agreements.values() ?? [])].at(-1)?.[0], text: (value) => fixed(value, 2) },
  "ptq.tested": { label: "Widths tested", of: (session) => Math.max(0, ...session.runs.map((run) => run.afterTraining?.resultsOf(FIRST).size ?? 0)), text: whole },
  ...Object.fromEntries([2, 3, 4, 5, 6, 7, 8].map((bits) => [`ptq.${bits}`, ptq(bits, `Rounded to ${bits} bits`)])),
  "ptq.fp32": ptq(null, "As trained"),
};

/** The label of a fact, with whose it is where it is not the first run's. */
const labelled = (prefix, label) => (prefix.startsWith("second") ? `${label}, second run` : label);

const ofRun = (prefix, pick) =>
  Object.entries(OF_RUN).map(([name, { label, of, images, ...rest }]) => {
    const lifted = (from) => (session) => (pick(session) ? from(pick(session)) : undefined);
    return [`${prefix}.${name}`, { label: labelled(prefix, label), of: lifted(of), images: images && lifted(images), ...rest }];
  });
const ofSettings = (prefix, pick) => [
  ...SETTINGS.filter(({ group }) => group !== "view").flatMap((setting) =>
    [setting.key, ...(setting.aliases ?? [])].map((key) => {
      const text = (value) => display(setting, value);
      return [`${prefix}.${key}`, { label: labelled(prefix, setting.label), of: (session) => pick(session)?.[setting.key], text, kind: setting }];
    }),
  ),
  ...[...FORMER].map(([key, { setting, values }]) => {
    const isOn = (now) => now === undefined ? now : now !== values.get("0");
    return [`${prefix}.${key}`, { label: labelled(prefix, setting.label), of: (session) => isOn(pick(session)?.[setting.key]), kind: SWITCH }];
  }),
];

const first = (session) => session.runs[0];
const second = (session) => session.runs[1];

/** @type {Map<string, Fact>} */
const FACTS = new Map([
  ...Object.entries(OF_PAGE),
  ...ofRun("run", first),
  ...ofRun("second", second),
  // What the controls say, and what the runs were made with.
  ...ofSettings("setting", (session) => session.settings),
  ...ofSettings("run.setting", (session) => first(session)?.settings),
  ...ofSettings("second.setting", (session) => second(session)?.settings),
]);

export const factNames = [...FACTS.keys()];
export const isFact = (name) => FACTS.has(name);

/** What a table calls a fact. */
export const factLabel = (name) => FACTS.get(name).label;

const kindOf = (name) => FACTS.get(name).kind ?? "number";
/** Whether a fact is a number: it can be above, below, and grow. */
export const isNumber = (name) => kindOf(name) === "number" || typeof kindOf(name).default === "number";

/** Why a setting is never `value`, in a sentence without its full stop; null if it can be. */
export function settingProblem(setting, value) {
  const text = format(setting, value);
  const now = presentText(setting.key, text);
  const parsed = parse(setting, now);
  if ("problem" in parsed) return parsed.problem;
  return now !== text || parsed.value === value ? null : `${setting.key} is written ${JSON.stringify(parsed.value)}, not ${JSON.stringify(value)}`;
}

/** Why a fact is never `value`, likewise. */
export function factProblem(name, value) {
  const kind = kindOf(name);
  if (kind.key) {
    const problem = settingProblem(kind, value);
    return problem && `${name}: ${problem}`;
  }
  const values = Array.isArray(kind) && kind;
  if (values ? values.includes(value) : typeof value === kind) return null;
  const what = values ? `one of ${values.map((one) => JSON.stringify(one)).join(", ")}` : `a ${kind}`;
  return `${name} is ${what}, not ${JSON.stringify(value)}`;
}

/** What a fact is compared with, by its present name. */
export function presentValue(name, value) {
  const { key } = kindOf(name);
  return key && typeof value === "string" ? presentText(key, value) : value;
}

/** @returns {number|string|boolean|undefined} undefined: not known now */
export function fact(name, session, seen) {
  const value = FACTS.get(name).of(session, seen);
  return value === null || (typeof value === "number" && !Number.isFinite(value)) ? undefined : value;
}

/** A fact as a lesson's text shows it. */
export function factText(name, session, seen) {
  const value = fact(name, session, seen);
  if (value === undefined) return "–";
  const { text = String } = FACTS.get(name);
  return typeof value === "number" ? text(value).replaceAll("-", "−") : text(value);
}

/** A fact as a table of results shows it: a share of test images with what chance does to it. */
export function resultText(name, session, seen) {
  const count = FACTS.get(name).images?.(session);
  const share = fact(name, session, seen);
  return count > 0 && share !== undefined ? estimate(share, margin(share, count)) : factText(name, session, seen);
}
