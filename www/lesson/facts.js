/**
 * What a lesson can ask about: each fact is one number, word or switch read from the session. Pure functions, so
 * that lessons are checked under Node too. Adding a fact is one line here and one in docs/TEACHING.md.
 */
import { fixed, percent, short, whole } from "../format.js";
import { quantized } from "../grid.js";
import { FIRST } from "../ptq/options.js";
import { format, FORMER, parse, presentText, SETTINGS } from "../settings.js";

const last = (run) => run.epochs.at(-1);
const gridded = (run) => run.layers.filter(quantized);
const levelsUsed = (run) => gridded(run).map((layer) => layer.levelsUsed);
const scales = (run) => gridded(run).map(({ scale }) => scale);
/** The largest weight of a layer, either sign. */
const largest = ({ histogram: { min, max } }) => Math.max(-min, max);
const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

const SWITCH = [true, false];

/**
 * Of one run; not known (undefined) where there is none. The second column is how it reads in a lesson's text, the
 * third what it can be: "number" unless told, "string", or the values themselves.
 */
const OF_RUN = {
  steps: [(run) => run.globalStep, whole],
  epochs: [(run) => run.epochs.length, whole],
  status: [(run) => run.status, String, ["paused", "playing", "finished", "lost"]],
  loss: [(run) => run.smooth.loss.value, (value) => fixed(value, 2)],
  trainAccuracy: [(run) => run.smooth.accuracy.value, percent],
  testAccuracy: [(run) => last(run)?.testAccuracy, percent],
  bestAccuracy: [(run) => run.best, percent],
  levelsLeast: [(run) => Math.min(...levelsUsed(run)), whole],
  levelsMost: [(run) => Math.max(...levelsUsed(run)), whole],
  scaleLeast: [(run) => Math.min(...scales(run)), short],
  scaleMost: [(run) => Math.max(...scales(run)), short],
  entropy: [(run) => mean(gridded(run).map(({ entropyBits }) => entropyBits)), (value) => fixed(value, 2)],
  largestWeight: [(run) => Math.max(...run.layers.map(largest)), short],
  outlier: [(run) => Boolean(run.outlier), String, SWITCH],
  /** The largest weight right after the outlier was put in. */
  outlierWeight: [(run) => run.outlier && largest(run.outlier.after), short],
  diverged: [(run) => Boolean(run.alarm), String, SWITCH],
  forked: [(run) => Boolean(run.fork), String, SWITCH],
  label: [(run) => run.label, String, "string"],
};

/** Accuracy of the weights of any run that were quantized after training by the usual scheme, at a width. */
const afterTraining = (bits) => (session) =>
  session.runs.map((run) => run.afterTraining?.resultsOf(FIRST).get(bits)?.accuracy).find((accuracy) => accuracy !== undefined);

/** Of the page. `seen` is what the lesson's runner has counted. */
const OF_PAGE = {
  runs: [(session) => session.runs.length, whole],
  playing: [(session) => session.playing, String, SWITCH],
  waiting: [(session) => session.waiting.length, whole],
  data: [(session) => session.loaded?.info.kind, String, ["synthetic", "cifar10", "cifar100", "images"]],
  pictures: [(_session, seen) => seen.pictures, whole],
  gap: [
    ({ runs: [first, second] }) => second && last(second)?.testAccuracy - last(first)?.testAccuracy,
    (value) => (Number.isFinite(value) ? `${fixed(100 * value, 1)} points` : "–"),
  ],
  "ptq.tested": [(session) => Math.max(0, ...session.runs.map((run) => run.afterTraining?.resultsOf(FIRST).size ?? 0)), whole],
  ...Object.fromEntries([2, 3, 4, 5, 6, 7, 8].map((bits) => [`ptq.${bits}`, [afterTraining(bits), percent]])),
  "ptq.fp32": [afterTraining(null), percent],
};

const prefixed = (prefix, table, pick) =>
  Object.entries(table).map(([name, [of, ...rest]]) => [`${prefix}.${name}`, [(session) => (pick(session) ? of(pick(session)) : undefined), ...rest]]);
const settingFacts = (prefix, pick) => [
  ...SETTINGS.filter(({ group }) => group !== "view").flatMap((setting) =>
    [setting.key, ...(setting.aliases ?? [])].map((key) => [`${prefix}.${key}`, [(session) => pick(session)?.[setting.key], String, setting]]),
  ),
  ...[...FORMER].map(([key, { setting, values }]) => {
    const isOn = (now) => now === undefined ? now : now !== values.get("0");
    return [`${prefix}.${key}`, [(session) => isOn(pick(session)?.[setting.key]), String, SWITCH]];
  }),
];

const first = (session) => session.runs[0];
const second = (session) => session.runs[1];

/** Every fact: name -> [value of (session, seen), text of the value, what it can be: as above, or a row of the settings]. */
const FACTS = new Map([
  ...Object.entries(OF_PAGE),
  ...prefixed("run", OF_RUN, first),
  ...prefixed("second", OF_RUN, second),
  // What the controls say, and what the runs were made with.
  ...settingFacts("setting", (session) => session.settings),
  ...settingFacts("run.setting", (session) => first(session)?.settings),
  ...settingFacts("second.setting", (session) => second(session)?.settings),
]);

export const factNames = [...FACTS.keys()];
export const isFact = (name) => FACTS.has(name);

const kindOf = (name) => FACTS.get(name)[2] ?? "number";
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
  const value = FACTS.get(name)[0](session, seen);
  return value === null || (typeof value === "number" && !Number.isFinite(value)) ? undefined : value;
}

/** A fact as a lesson's text shows it. */
export function factText(name, session, seen) {
  const value = fact(name, session, seen);
  if (value === undefined) return "–";
  const text = FACTS.get(name)[1](value);
  return typeof value === "number" ? text.replaceAll("-", "−") : text;
}
