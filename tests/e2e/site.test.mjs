/**
 * The folder that `cargo xtask site` writes, as a host of plain files has it: below a path, without headers of its own.
 * Environment: NIBBLE_SITE, the folder, which `cargo xtask test page` has written.
 */
import assert from "node:assert/strict";
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { test } from "node:test";
import { hasRun, open, PATIENCE, shows, trained } from "./support.mjs";

const PATH = "/courses/networks/nibble/";
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".svg": "image/svg+xml", ".png": "image/png", ".wasm": "application/wasm", ".csv": "text/csv", ".webmanifest": "application/manifest+json" };

/** A teacher's own lesson, in the folder beside www/. */
const MINE = { id: "mine", title: "Mine", about: "Mine.", minutes: 1, settings: { train: 100, test: 100, batch: 50 }, steps: [{ title: "From beside the page", text: ["Train."], point: "button.step" }] };

/** Serves a folder below a path; what is asked for anywhere else is noted. */
async function host(t, folder) {
  const strays = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://host");
    if (!pathname.startsWith(PATH)) strays.push(pathname);
    if (pathname === `${PATH}mine.json`) return void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(MINE));
    const named = join(folder, pathname.slice(PATH.length));
    const file = pathname.endsWith("/") ? join(named, "index.html") : named;
    if (!pathname.startsWith(PATH) || !existsSync(file) || !statSync(file).isFile()) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return { strays, url: `http://127.0.0.1:${server.address().port}${PATH}` };
}

test("the folder for a host: below a path, without headers, it trains on threads, keeps its address and finds a lesson beside it", async (t) => {
  const folder = process.env.NIBBLE_SITE;
  assert.ok(folder, "NIBBLE_SITE is not set: run `cargo xtask test page`");
  const { strays, url } = await host(t, folder);
  const page = await open(t, { url, search: "?train=100&test=100&batch=50&bits=3&lesson=../mine.json" });
  assert.ok(page.url().startsWith(`${url}www/?`), page.url());
  await page.waitForFunction(() => crossOriginIsolated, null, PATIENCE);
  await hasRun(page);
  await shows(page, "#lesson-step", /^From beside the page$/);
  assert.equal(await page.evaluate(() => nibble.run.settings.bits), 3);
  await page.click("#step");
  await trained(page, 1);
  await page.waitForFunction(() => nibble.offline, null, PATIENCE);
  assert.ok(await page.evaluate(() => nibble.offline.version), "it is kept for use without a network");
  assert.deepEqual(strays, []);
  // As a teacher writes it who sees the folder's own address.
  await open(t, { url, search: "?train=100&test=100&batch=50&lesson=mine.json" }).then((other) => shows(other, "#lesson-step", /^From beside the page$/));
  const other = await open(t, { url, search: "?train=100&test=100&batch=50&lesson=gone.json" });
  await shows(other, "#lessons-wrong", /There is no such file at http:\S+\/www\/gone\.json nor at http:\S+\/gone\.json\.$/);
});
