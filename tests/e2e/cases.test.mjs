/** The table of files that people have (tests/fixtures/readers/cases.py), as they would drop or choose them, and what is right. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { crc32, gunzipSync } from "node:zlib";
import { drop, untar, write } from "./fixture.mjs";
import { notices, runOf, trained, within } from "./support.mjs";

const open = within("data");

const FIXTURES = new URL("../fixtures/readers/", import.meta.url);
const RIGHT = JSON.parse(readFileSync(new URL("cases.json", FIXTURES), "utf8"));
const IMAGE = 3072;
const PATIENCE = { timeout: 60_000 };

/** What the page keeps of what it read. */
const loaded = (page) =>
  page.evaluate(async () => {
    const { info, source } = nibble.loaded;
    const bytes = new Uint8Array(await source.pixels.arrayBuffer());
    let text = "";
    for (let at = 0; at < bytes.length; at += 1 << 15) text += String.fromCharCode(...bytes.subarray(at, at + (1 << 15)));
    return { ...info, left: source.leftOut.length, labels: [...source.labels], pixels: btoa(text) };
  });

/** The CRC-32 of sorted lines of part, class and the CRC-32 of an image. */
function sum({ labels, pixels, classes, train }, given) {
  const bytes = Buffer.from(pixels, "base64");
  const part = (at) => (given ? (at < train ? "train" : "test") : "any");
  const lines = labels.map((label, at) => `${part(at)} ${classes[label]} ${crc32(bytes.subarray(at * IMAGE, (at + 1) * IMAGE)).toString(16).padStart(8, "0")}`);
  // As Python sorts, by code points.
  return crc32(lines.map((line) => Buffer.from(line)).sort(Buffer.compare).join("\n"));
}

/** What is wrong with what was read or said; nothing: it is as it should be. */
async function judge(page, isRead, right) {
  const missing = (parts, text) => parts.filter((part) => !text.includes(part)).map((part) => `${part} is not in ${text}`);
  const said = (await notices(page)).join(" ");
  if (right.refused) return isRead ? ["was read"] : missing(right.refused, said);
  if (!isRead) return [`was refused: ${said}`];
  const found = await loaded(page);
  const wrong = ["train", "test", "left"].filter((key) => found[key] !== right[key]).map((key) => `${key}: ${found[key]}, not ${right[key]}`);
  if (JSON.stringify(found.classes) !== JSON.stringify(right.classes)) wrong.push(`classes: ${found.classes}, not ${right.classes}`);
  if (right.images !== null && ![true, false].some((given) => sum(found, given) === right.images)) wrong.push("other images");
  return [...wrong, ...missing(right.notes, found.notes.join(" "))];
}

test("every row of the table is read or named, by drop and by the pickers, and the run stays", async (t) => {
  const files = Object.entries(untar(gunzipSync(readFileSync(new URL("cases.tar.gz", FIXTURES)))));
  const { folder } = write(t, Object.fromEntries(files));
  const page = await open(t, { settings: { train: 100, test: 100, batch: 16, epochs: 10, augment: 0 } });
  await page.click("#step");
  await trained(page, 1);
  const faults = [];
  const names = Object.keys(RIGHT);
  assert.ok(names.length > 60, `${names.length} rows`);
  for (const [number, name] of names.entries()) {
    const inside = [...new Set(files.filter(([path]) => path.startsWith(`${name}/`)).map(([path]) => path.split("/")[1]))].map((entry) => `${folder}/${name}/${entry}`);
    const isFolder = inside.length === 1 && files.some(([path]) => `${folder}/${path}`.startsWith(`${inside[0]}/`));
    // What hidden folders hold comes by each way.
    const ways = name === "hidden" || name === "checkpoints" ? ["drop", "picker"] : [number % 2 ? "picker" : "drop"];
    for (const way of ways) {
      await page.evaluate(() => {
        for (const close of document.querySelectorAll(".notice .close")) close.click();
        globalThis.before = nibble.loaded.dataset;
      });
      if (way === "drop") await drop(page, inside);
      else await page.setInputFiles(isFolder ? "#folder" : "#files", isFolder ? inside[0] : inside);
      const isRead = await (
        await page.waitForFunction(
          () => {
            if (nibble.busy || nibble.loading !== null) return null;
            if (nibble.loaded.dataset !== before) return { read: true };
            return [...document.querySelectorAll(".notice p")].some((p) => !p.textContent.startsWith("Reading what")) ? { read: false } : null;
          },
          null,
          PATIENCE,
        )
      ).evaluate(({ read }) => read);
      faults.push(...(await judge(page, isRead, RIGHT[name].page ?? RIGHT[name])).map((fault) => `${name} by ${way}: ${fault}`));
    }
  }
  assert.deepEqual(faults, []);
  const run = await runOf(page);
  assert.deepEqual([run.data.kind, run.globalStep], ["synthetic", 1]);
});
