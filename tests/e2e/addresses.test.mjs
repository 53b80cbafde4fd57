/** Every address of addresses.table.mjs opens what its row says. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as table from "./addresses.table.mjs";
import { ROOMS } from "../../www/rooms.js";
import { cifar10, drop, write } from "./fixture.mjs";
import { drawn, enter, frameOf, ISOLATED, partTabs, PATIENCE, theBrowser, unfold, watch, WIDE } from "./support.mjs";

/** Few images and no pool of threads, where the row does not say otherwise. */
const LIGHT = { train: 100, test: 100, build: "single" };
const ROOT = new URL("../../", import.meta.url);

/** A browser page for many addresses, one after the other; what the browser complains of fails the test. */
async function place(t, { engine = true } = {}) {
  const context = await (await theBrowser()).newContext({ viewport: WIDE, serviceWorkers: "block" });
  // What can be seen before there is an engine needs none.
  if (!engine) await context.addInitScript(() => (globalThis.Worker = class extends EventTarget { postMessage() {} terminate() {} }));
  // Whether or not this machine has the real ones. A route would have every request of every address ask this process.
  await context.addInitScript(() => {
    const { fetch } = globalThis;
    globalThis.fetch = (address, ...more) => (/\/data\/index\.json$/.test(address) ? Promise.resolve(Response.json({ files: [] })) : fetch(address, ...more));
  });
  const problems = [];
  context.on("page", (page) => watch(page, problems));
  const page = await context.newPage();
  t.after(async () => {
    await context.close();
    assert.deepEqual(problems, [], "the page had problems");
  });
  return page;
}

/** Opens an address and tells what is there. */
async function visit(page, query, { engine = true, lesson = false, controls = false, all = false } = {}) {
  await page.goto(`${ISOLATED}?${query}`, { waitUntil: "commit", ...PATIENCE });
  await page.waitForFunction((engine) => globalThis.nibble && document.body.dataset.room && (!engine || (nibble.run && !nibble.busy)), engine, PATIENCE);
  if (lesson) await page.waitForFunction(() => document.querySelector("#lesson-step").textContent !== "", null, PATIENCE);
  if (controls) await drawn(page);
  const seen = await page.evaluate(look, table.PARTS);
  if (!(controls || all)) return seen;
  // Parts and controls that stand in other rooms.
  for (const { name } of ROOMS) {
    await enter(page, name);
    for (const part of [null, ...(await partTabs(page))]) {
      if (part) await unfold(page, part);
      if (engine) await drawn(page);
      const there = await page.evaluate(look, table.PARTS);
      seen.parts = [...new Set([...seen.parts, ...there.parts])];
      Object.assign(seen.controls, there.controls);
    }
  }
  return seen;
}

/** Runs in the page: what is open there. */
function look(selectors) {
  const shownIn = (box) => {
    const radio = box.querySelector("input[type=radio]");
    if (radio) return box.querySelector("input[type=radio]:checked")?.value;
    // Some are made with the first frame.
    const field = box.querySelector("select, input");
    return field?.type === "checkbox" ? field.checked : field?.value;
  };
  const seen = (selector) => document.querySelector(selector)?.checkVisibility() ?? false;
  const { run, runs, engine } = globalThis.nibble;
  return {
    field: run?.info.config,
    second: runs[1]?.info.config,
    data: run && { ...run.data },
    engine: engine && { ...engine },
    controls: Object.fromEntries([...document.querySelectorAll("[data-key]")].map((box) => [box.dataset.key, shownIn(box)])),
    notices: [...document.querySelectorAll(".notice p")].map((p) => p.textContent),
    parts: Object.keys(selectors).filter((name) => seen(selectors[name])),
    whole: seen("footer"),
    step: document.querySelector("#lessons:not([hidden]) #lesson-step")?.textContent,
    count: document.querySelector("#lessons:not([hidden]) #lesson-count")?.textContent,
  };
}

const sorted = (names) => [...names].sort();

/** What a row asks for and is not there, in words. */
function missing(row, seen) {
  const problems = [];
  const must = (what, is, wanted) => {
    try {
      assert.deepEqual(is, wanted);
    } catch {
      problems.push(`${what} is ${JSON.stringify(is)}, not ${JSON.stringify(wanted)}`);
    }
  };
  for (const group of ["field", "second", "data", "engine"]) {
    for (const [name, wanted] of Object.entries(row[group] ?? {})) must(`${group} ${name}`, seen[group]?.[name], wanted);
  }
  if ("differs" in row) must("the second run", seen.second ?? null, row.differs && { ...seen.field, ...row.differs });
  for (const [key, wanted] of Object.entries(row.controls ?? {})) must(`the control of ${key}`, seen.controls[key], wanted);
  if (row.parts) must("what is to be seen", sorted(seen.parts), sorted(new Set([...table.ALWAYS, ...row.parts])));
  if ("whole" in row) must("the page's frame", seen.whole, row.whole);
  if (row.step) must("the step", seen.step, row.step);
  if (row.count) must("the place in the lesson", seen.count, row.count);
  for (const part of row.says ?? []) if (!seen.notices.join("\n").includes(part)) problems.push(`no sentence says ${part}; there are ${JSON.stringify(seen.notices)}`);
  if (row.quiet && seen.notices.length > 0) problems.push(`it says ${JSON.stringify(seen.notices)}`);
  return problems;
}

/** Visits every row, two at a time; all that is not as it must be is told together. */
async function visitAll(page, rows, options = {}) {
  const problems = [];
  const left = [...rows];
  const visitSome = async (where) => {
    for (let row = left.shift(); row; row = left.shift()) {
      const seen = await visit(where, row.query, { lesson: Boolean(row.step), controls: Boolean(row.controls), all: row.rooms, ...options });
      problems.push(...missing(row, seen).map((problem) => `?${row.query}: ${problem}`));
    }
  };
  const other = rows.length > 2 ? [visitSome(await page.context().newPage())] : [];
  await Promise.all([visitSome(page), ...other]);
  assert.deepEqual(problems, []);
}

/** A query with what of `LIGHT` it does not name itself. */
function light(query) {
  const named = new URLSearchParams(query);
  const rest = Object.entries(LIGHT).filter(([key]) => !named.has(key) && !(key === "build" && named.has("threads")));
  return [query, ...rest.map(([key, value]) => `${key}=${value}`)].filter(Boolean).join("&");
}
const lightened = (rows) => rows.map((row) => ({ ...row, query: light(row.query) }));

/** The key that a row has now. */
const today = ({ key, now }) => now ?? key;

/** Rows of different keys share an address: the first of each key, then the second; but for those that ask for their own. */
function rounds(rows) {
  const found = [];
  for (const row of rows) {
    const fits = (one) => !row.alone && one.every((other) => !other.alone && today(other) !== today(row));
    const round = found.find(fits) ?? found[found.push([]) - 1];
    round.push(row);
  }
  return found.map((of) => ({
    query: light(of.map(({ key, text }) => `${key}=${encodeURIComponent(text)}`).join("&")),
    field: Object.assign({}, ...of.map(({ field }) => field)),
    data: Object.assign({}, ...of.map(({ data }) => data)),
    engine: Object.assign({}, ...of.map(({ engine }) => engine)),
    controls: Object.fromEntries(of.map((row) => [today(row), row.control])),
    quiet: true,
  }));
}

test("settings: each reaches the run and its control", async (t) => {
  await visitAll(await place(t), [{ query: "", ...table.DEFAULTS, quiet: true }, ...rounds(table.SETTINGS)]);
});

/** Differences of the paper's run share an address where they are of different settings; each other race has its own. */
function races(rows) {
  const found = [];
  for (const row of rows) {
    const shared = !row.also && !row.says && !row.text.includes(" ");
    const fields = Object.keys(row.field ?? {});
    const group = shared && found.find((one) => one.shared && !one.fields.some((name) => fields.includes(name)));
    if (!group) found.push({ ...row, shared, fields });
    else Object.assign(group, { text: `${group.text} ${row.text}`, field: { ...group.field, ...row.field }, fields: [...group.fields, ...fields] });
  }
  return found;
}

test("a second run differs as race= says, and in nothing else", async (t) => {
  const rows = races(table.RACES).map(({ text, also = {}, field, says }) => ({
    query: light(new URLSearchParams({ ...also, race: text }).toString()), differs: field ?? null, says, quiet: !says,
  }));
  await visitAll(await place(t), rows);
});

/**
 * A few addresses from which each name's part is known: the names are numbered from 1, and the address of a binary digit
 * shows those that have it. No two are shown in the same addresses.
 */
function digits(names) {
  const count = Math.ceil(Math.log2(names.length + 1));
  return Array.from({ length: count }, (_, digit) => names.filter((_name, i) => ((i + 1) >> digit) & 1));
}

test("parts: each name, views, frames", async (t) => {
  const each = digits(Object.keys(table.PARTS)).map((parts) => ({ query: `show=${parts.join()}`, parts, whole: true }));
  const views = table.VIEWS.map((row) => ({ whole: false, ...row }));
  await visitAll(await place(t, { engine: false }), [...each, ...views], { engine: false });
});

test("lessons: each opens, at its first step and at its last", async (t) => {
  const rows = table.LESSONS.flatMap(({ id, steps, first, last }, i) => [
    { query: `lesson=${id}${i % 2 ? ".1" : ""}`, step: first, count: `1 of ${steps}` },
    { query: `lesson=${id}.${steps}`, step: last, count: `${steps} of ${steps}` },
  ]);
  const beyond = { query: "lesson=levels.99", step: table.LESSONS[0].last, count: "4 of 4" };
  await visitAll(await place(t), lightened([...rows, beyond]));
});

test("what is wrong is said, and the default used", async (t) => {
  // As many to an address as a message shows.
  const groups = [];
  for (let i = 0; i < table.WRONG.length; i += 8) groups.push(table.WRONG.slice(i, i + 8));
  const { data: _images, ...usual } = table.DEFAULTS;
  const rows = groups.map((of) => ({ query: light(of.map(({ query }) => query).join("&")), says: of.flatMap(({ says }) => says), ...usual }));
  await visitAll(await place(t), [...rows, ...table.WRONG_ALONE, ...table.ODD.map((row) => ({ ...row, quiet: true }))]);
});

test("images that are kept on this device are found by their fingerprint", async (t) => {
  const { files, query, data, other } = table.KEPT;
  const page = await place(t);
  await visit(page, light(""));
  const { paths } = write(t, Object.fromEntries(Object.entries(files).map(([name, of]) => [name, cifar10(...of)])));
  await drop(page, paths);
  await page.waitForFunction(() => nibble.store.sets.length === 1 && !nibble.store.writing && !nibble.busy, null, PATIENCE);
  await visitAll(page, [{ query, data, quiet: true }, { ...other, data }]);
});

test("links and codes of Share open what they were made of", async (t) => {
  const page = await place(t);
  await visitAll(page, table.SHARED.map((row) => ({ ...row, quiet: true })));
  // The last one stands: its settings go into new links and codes, the parts do not.
  const [, { query }] = table.SHARED;
  await visit(page, query.replace(/&embed.*/, ""), { controls: true });
  await enter(page, "export");
  await page.evaluate(() => (document.querySelector(".share-embed").open = true));
  await drawn(page);
  const made = new URLSearchParams(new URL(await page.inputValue("#share-link")).search);
  for (const [key, value] of new URLSearchParams(query.replace(/&embed.*/, ""))) {
    // What is at its default need not be named.
    assert.equal(made.get(key) ?? value, value, key);
  }
  for (const { choose, parts, allow } of table.FRAMED) {
    await page.evaluate((wanted) => {
      for (const box of document.querySelectorAll(".share-choice input")) if (box.checked !== wanted.includes(box.value)) box.click();
    }, choose);
    await drawn(page);
    const { src, allow: allowed, height, ...rest } = await frameOf(page, await page.inputValue("#share-code"));
    assert.deepEqual([rest, allowed], [table.FRAME, allow]);
    assert.ok(Number(height) > 0);
    const there = await place(t);
    await visitAll(there, [{ ...table.SHARED[1], query: new URL(src).search.slice(1), parts, whole: false }]);
  }
});

/** Queries that the docs quote: within quotes, backticks or an address. */
const QUOTES = /(?:[`"]|\/\?|`\?)(?<query>(?:embed|[a-z]+=[\w:.,+-]+)(?:&(?:embed|[a-z]+=[\w:.,+-]+))*)[`"]/g;

test("what README and docs quote", async (t) => {
  const known = new Set(["embed", ...table.SETTINGS.map(({ key }) => key), "race", "show", "lesson", "images"]);
  const rows = new Set(table.QUOTED.map(({ query }) => query));
  for (const file of ["README.md", "docs/TEACHING.md", "docs/ARCHITECTURE.md", "docs/BENCHMARKS.md"]) {
    const text = readFileSync(new URL(file, ROOT), "utf8").replaceAll("`?", "`");
    const quoted = [...text.matchAll(QUOTES)].map(({ groups }) => groups.query).filter((query) => [...new URLSearchParams(query).keys()].every((key) => known.has(key)) && query !== "embed");
    for (const query of quoted) assert.ok(rows.has(query), `${file} quotes ${query}: it has no row in addresses.table.mjs`);
  }
  await visitAll(await place(t), lightened(table.QUOTED).map((row) => ({ ...row, quiet: true })));
});
