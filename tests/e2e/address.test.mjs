/** The address holds everything: properties that hold for any settings and for any query, drawn from seeds. */
import assert from "node:assert/strict";
import { placeOf, placeText } from "../../www/lesson/place.js";
import { test } from "node:test";
import { choices } from "../../www/difference.js";
import { recipes } from "../../pkg/registry.js";
import { adoptThreads, defaults, format, fromQuery, layersText, misfit, ofRun, parse, runConfig, settingOf, SETTINGS, settled, toQuery } from "../../www/settings.js";

const CASES = 2000;
adoptThreads(4);

/** Mulberry32: small, seeded, the same everywhere. @returns {() => number} numbers from 0 to 1 */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

const oneOf = (dice, list) => list[Math.floor(dice() * list.length)];
/** Signs that mean something in an address, spaces, and letters beyond ASCII. */
const SIGNS = [..."abz019 &=?#%+/:;,.-_~'\"<>\\ é漢🜁\u0000\n"];
const text = (dice, longest = 12) => Array.from({ length: Math.floor(dice() * longest) }, () => oneOf(dice, SIGNS)).join("");

/** A valid value of a row. */
const VALUES = {
  switch: (dice) => dice() < 0.5,
  flag: (dice) => dice() < 0.5,
  integer: (dice, { min, max }) => min + Math.floor(dice() * (max - min + 1)),
  number: (dice, { min, max, log }) => Math.min(max, log && min > 0 ? min * (max / min) ** dice() : min + (max - min) * dice()),
  bits: (dice, row) => {
    const layers = ["conv1", "conv2", "linear 2"].filter(() => dice() < 0.2).map((layer) => `,${layer}:${VALUES.integer(dice, row)}`);
    const all = VALUES.integer(dice, row);
    return layers.length > 0 ? all + layers.join("") : all;
  },
  choice: (dice, { choices: of }) => oneOf(dice, of).name,
  layers: (dice) =>
    layersText(
      ["conv1", "conv3", "linear9"].flatMap((layer) =>
        settingOf("layers").keys.filter(() => dice() < 0.2).map((key) => {
          const row = settingOf(key);
          const value = VALUES[row.kind](dice, row);
          return [layer, key, String(value === "net" ? row.default : value)];
        }),
      ),
    ),
  text: (dice) => text(dice),
  names: (dice, { choices: of }) => of.filter(() => dice() < 0.3).map(({ name }) => name).join(),
  place: (dice) => oneOf(dice, ["", "levels", "why-4-bits", `levels.${1 + Math.floor(dice() * 9)}`]),
  budget: (dice) => oneOf(dice, ["3", "2.5", "400KB", `${1 + Math.floor(dice() * 90)}GBOP`]),
  // Drawn below, from what the other settings leave open.
  difference: () => "",
};

/** Settings as the page can have them: what does not apply is as it was. */
function draw(dice) {
  const settings = settled(Object.fromEntries(SETTINGS.map((row) => [row.key, VALUES[row.kind](dice, row)])));
  const initial = defaults();
  for (const { key, group, applies } of SETTINGS) {
    if ((group === "data" || group === "hidden") && applies && !applies(settings)) settings[key] = initial[key];
  }
  // To find all that a second run may do takes longest.
  if (dice() < 0.1) {
    const entries = choices(settings);
    // The first has several differences.
    settings.race = (dice() < 0.3 ? entries[0] : oneOf(dice, entries)).difference;
  }
  return settings;
}

/** What is drawn from each seed, once for all tests. */
let drawn = null;
const cases = () => (drawn ??= Array.from({ length: CASES }, (_, i) => ({ seed: i + 1, settings: draw(random(i + 1)) })));

test("every kind of row has a generator", () => {
  for (const { key, kind } of SETTINGS) assert.ok(VALUES[kind], `${key}: no generator for "${kind}"`);
});

test(`settings -> address -> settings is the identity (${CASES} cases)`, () => {
  for (const { seed, settings } of cases()) {
    const query = toQuery(settings);
    const { settings: read, problems } = fromQuery(query);
    assert.deepEqual(problems, [], `seed ${seed}: ${query}`);
    assert.deepEqual(read, settings, `seed ${seed}: ${query}`);
    assert.equal(toQuery(read), query, `seed ${seed}`);
    assert.deepEqual(runConfig(read), runConfig(settings), `seed ${seed}`);
    // Through a browser's own parser, as a link that somebody has clicked.
    const through = new URL(`https://example.org/lab/${query}#there`).search;
    assert.deepEqual(fromQuery(through).settings, settings, `seed ${seed}: ${through}`);
  }
});

test(`the cases reach every value of every menu, both ends of every switch, and races`, () => {
  const seen = new Map(SETTINGS.map(({ key }) => [key, new Set()]));
  for (const { settings } of cases()) for (const [key, value] of Object.entries(settings)) seen.get(key).add(value);
  for (const { key, kind, choices: menu } of SETTINGS) {
    if (kind === "switch" || kind === "flag") assert.equal(seen.get(key).size, 2, key);
    if (kind === "choice") assert.equal(seen.get(key).size, menu.length, key);
  }
  assert.ok(seen.get("race").size > 10);
});

const rowOf = (key) => SETTINGS.find((row) => row.key === key);

test(`any query at all gives valid settings and a sentence for each pair that it passes over (${CASES} cases)`, () => {
  const keys = [...SETTINGS.map(({ key }) => key), "colour", "__proto__", "constructor"];
  for (let seed = 1; seed <= CASES; seed++) {
    const dice = random(seed);
    const pairs = Array.from({ length: Math.floor(dice() * 8) }, () => [oneOf(dice, keys), dice() < 0.3 ? oneOf(dice, ["1", "0", "4", "-1", "1e999", "NaN", "builtin"]) : text(dice)]);
    const { settings, problems } = fromQuery(`?${new URLSearchParams(pairs)}`);
    assert.deepEqual(Object.keys(settings), Object.keys(defaults()), `seed ${seed}`);
    for (const row of SETTINGS) {
      const again = parse(row, format(row, settings[row.key]));
      assert.deepEqual(again, { value: settings[row.key] }, `seed ${seed}: ${row.key}`);
    }
    // In their order, each by the name that the user knows.
    const isWrong = ([key, value]) => {
      const parsed = rowOf(key) ? parse(rowOf(key), value) : { problem: "no setting" };
      return "problem" in parsed || Boolean(misfit(rowOf(key), parsed.value, settings));
    };
    const passedOver = pairs.filter(isWrong);
    assert.equal(problems.length, passedOver.length, `seed ${seed}: ${problems}`);
    passedOver.forEach(([key], i) => assert.ok(problems[i].includes(rowOf(key)?.label ?? `"${key}"`), `seed ${seed}: ${key}: ${problems[i]}`));
    const read = pairs.filter((pair) => !passedOver.includes(pair));
    for (const { key, default: initial } of SETTINGS) if (!read.some(([of]) => of === key)) assert.deepEqual(settings[key], initial, `seed ${seed}: ${key}`);
  }
});

test("what is not valid is left at its default and told", () => {
  const bad = {
    bits: ["1", "9", "4.5", "", "four", "4,", "4,conv1", "4,conv1:9", "4,:8", "4,conv1:8:2", "4,conv1:8,conv1:2", "9,conv1:8"], epochs: ["0", "1e9"], lr: ["0", "-0.1", "1e999", "NaN"], tanh: ["", "yes", "true", "2"], embed: ["yes"],
    model: ["alexnet"], recipe: ["", "Fast"], data: ["mnist"], quantizer: ["", "Symmetric"], show: ["accuracy,moon"], lesson: ["Levels", "levels.0", "levels.x", "http://example.org/a.json", "//example.org/a.json", "javascript:a.json", "data:,a.json", "https://me:word@example.org/a.json", "https://", "a.json#0", "a.json?b"],
    race: ["seed:3", "bits:9", "bits", "colour:1", "bits:4,conv1:9", "tanh:0 seed:3", "bits:3 bits:4", "scale:0 granularity:net", "quantizer:fp4 bits:3", "tanh:0;lr:0.01", " "], colour: ["1"], "": ["x"],
  };
  for (const [key, values] of Object.entries(bad)) {
    for (const value of values) {
      const { settings, problems } = fromQuery(`?${new URLSearchParams([[key, value]])}`);
      assert.deepEqual([problems.length, settings], [1, defaults()], `${key}=${value}: ${problems}`);
      assert.match(problems[0], /^[A-Z].{10,}\.$/, `${key}=${value}`);
    }
  }
});

test("a recipe sets what the address does not say itself, wherever it stands in it", () => {
  for (const { name, settings: pairs } of recipes) {
    const own = fromQuery(`?bits=3&recipe=${name}&seed=7`);
    assert.deepEqual(own.problems, [], name);
    const text = (key) => format(null, own.settings[key]);
    for (const [key, value] of pairs) assert.equal(text(key), value, `${name}: ${key}`);
    const others = SETTINGS.filter(({ key }) => !["bits", "seed", ...pairs.map(([key]) => key)].includes(key));
    for (const { key } of others) assert.equal(own.settings[key], defaults()[key], `${name}: ${key}`);
    assert.deepEqual([own.settings.bits, own.settings.seed], [3, 7], name);
    const [key, value] = pairs.find(([key]) => key === "epochs");
    assert.notEqual(value, "2", "another number of epochs");
    assert.equal(fromQuery(`?${key}=2&recipe=${name}`).settings.epochs, 2, name);
    assert.deepEqual(fromQuery(toQuery(own.settings)).settings, own.settings, `${name}: without its name`);
  }
});

test("how the page is shown is in the address and no part of a run", () => {
  const settings = { ...defaults(), embed: true, show: "accuracy,weights", lesson: "levels.2" };
  assert.match(toQuery(settings), /embed=1&show=accuracy%2Cweights&lesson=levels.2$/);
  assert.equal(fromQuery("?embed").settings.embed, true);
  for (const lesson of ["https://example.org/a/mine.json", "https://example.org/?mine&b=1#12", "mine.json", "../a/mine.json#2", "/a/mine.json"]) {
    assert.equal(fromQuery(toQuery({ ...settings, lesson })).settings.lesson, lesson);
    assert.equal(placeText({ ...placeOf(lesson), step: 3 }), `${lesson.split("#")[0]}#3`);
  }
  for (const key of ["embed", "show", "lesson"]) assert.ok(!(key in ofRun(settings)), key);
});
