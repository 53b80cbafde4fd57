/**
 * Runs the page's tests: files that measure no time two at a time, then those that do, alone. Started by `cargo xtask
 * test page`, which serves the page (support.mjs names the environment). Arguments: the file that gets the results as TAP,
 * then beginnings of names, to run these files only. Every file has a browser, ports and folders of its own.
 */
import { createWriteStream, mkdtempSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { basename, join } from "node:path";
import { finished } from "node:stream/promises";
import { run } from "node:test";
import { spec, tap } from "node:test/reporters";

/** What asserts milliseconds or frames: nothing else may have the cores meanwhile. */
const ALONE = ["timing"];

/** Those of the others that take longest, the longest first: two that are left over at the end waste a core. */
const LONGEST = ["lessons", "places", "addresses", "look", "bits", "ptq", "runs", "quantizers", "offline", "errors", "fork", "weights"];

const [results, ...wanted] = process.argv.slice(2);
if (!results) throw new Error("the file for the results is missing: run `cargo xtask test page`");

const HERE = new URL(".", import.meta.url).pathname;
const ENDING = ".test.mjs";
const names = readdirSync(HERE)
  .filter((name) => name.endsWith(ENDING))
  .map((name) => name.slice(0, -ENDING.length));
for (const name of [...ALONE, ...LONGEST]) if (!names.includes(name)) throw new Error(`there is no ${name}${ENDING}`);
const chosen = names.filter((name) => wanted.length === 0 || wanted.some((start) => name.startsWith(start)));
const rank = (name) => (LONGEST.includes(name) ? LONGEST.indexOf(name) : LONGEST.length);
const together = chosen.filter((name) => !ALONE.includes(name)).sort((a, b) => rank(a) - rank(b));
const alone = chosen.filter((name) => ALONE.includes(name));

/** A file system in memory, and what all tests' browsers and folders take of it by far not. */
const MEMORY = "/dev/shm";
const ROOM = 4 * 2 ** 30;

/** Has browsers keep what they keep in memory: on a disk that is a quarter of some files' time. */
function inMemory() {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    if (bavail * bsize < ROOM) return;
    const folder = mkdtempSync(join(MEMORY, "nibble-tests-"));
    process.env.TMPDIR = folder;
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  } catch {
    // Other systems have none.
  }
}
inMemory();

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop.abort());

/** Seconds of a file's tests. */
const took = new Map();
/** What the lanes' own totals add up to, by TAP's words for them. */
const totals = { pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0 };

function addTotal({ message, nesting }) {
  const [what, number, ...more] = message.split(" ");
  if (nesting === 0 && more.length === 0 && what in totals) totals[what] += Number(number);
}

function addTime({ nesting, file, details }) {
  if (nesting > 0 || !file) return;
  const name = basename(file, ENDING);
  took.set(name, (took.get(name) ?? 0) + details.duration_ms / 1000);
}

const report = createWriteStream(results);
/** Runs files, so many at a time, and prints what they say. */
async function lane(files, concurrency) {
  if (files.length === 0 || stop.signal.aborted) return;
  const paths = files.map((name) => `${HERE}${name}${ENDING}`);
  const events = run({ files: paths, concurrency, signal: stop.signal });
  events.on("test:diagnostic", addTotal).on("test:pass", addTime).on("test:fail", addTime);
  const said = [
    [events.compose(new spec()), process.stdout],
    [events.compose(tap), report],
  ];
  for (const [text, to] of said) text.pipe(to, { end: false });
  await Promise.all(said.map(([text]) => finished(text, { writable: false })));
}

await lane(together, 2);
// Milliseconds are those of a browser as people have it.
delete process.env.HEADLESS_SHELL;
await lane(alone, 1);
// The last totals of the file count: those of both lanes.
report.end(Object.entries(totals).map(([what, number]) => `# ${what} ${number}\n`).join(""));
await finished(report);
const slowest = [...took].sort(([, a], [, b]) => b - a);
console.log(`seconds: ${slowest.map(([name, seconds]) => `${name} ${Math.round(seconds)}`).join(", ")}`);
process.exitCode = totals.fail + totals.cancelled > 0 || stop.signal.aborted ? 1 : 0;
