/** Sharing: the link, and the runs as tables, JSON, a picture and a report that needs nothing beside itself. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { RunRecord } from "../../www/runs.js";
import { report } from "../../www/share/report.js";
import { curvesCsv, epochsCsv, json } from "../../www/share/table.js";
import { defaults, fromQuery, toQuery } from "../../www/settings.js";
import { write } from "./fixture.mjs";
import { assertFits, enter, frameOf, NARROW, pause, runOf, screenshot, seriousFindings, shows, SMALL, theBrowser, WIDE, within } from "./support.mjs";

const open = within("export");
/** A link to the settings does not say where somebody has been. */
const linkOf = (page) => page.url().replace("&room=export", "");

/** More epochs than any test here waits for: a run that is paused has not ended. */
const RUN = { ...SMALL, epochs: 30, lr: 0.002 };

/** Rows of a CSV with quoted cells, as objects by the header's names. */
function readCsv(text) {
  const rows = text.trimEnd().split("\r\n").map((line) => [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].slice(0, -1).map(([, one]) => one.replace(/^"|"$/g, "").replaceAll('""', '"')));
  const [head, ...body] = rows;
  return body.map((cells) => Object.fromEntries(head.map((name, i) => [name, cells[i]])));
}

/** Presses a button of the panel and takes the file that comes. */
async function saved(page, kind, press = (button) => button.click()) {
  const button = page.locator(`[data-save="${kind}"]`);
  const [download] = await Promise.all([page.waitForEvent("download"), press(button)]);
  const path = await download.path();
  return { name: download.suggestedFilename(), path, bytes: readFileSync(path) };
}
const byKeyboard = async (button) => {
  await button.focus();
  await button.press("Enter");
};

for (const [width, viewport] of [[1440, WIDE], [390, NARROW]]) {
  test(`${width} px: every kind of file, from a run under way`, async (t) => {
    const press = viewport === NARROW ? byKeyboard : undefined;
    const page = await open(t, { settings: RUN, context: { viewport, acceptDownloads: true } });
    assert.ok(await page.locator('[data-save="report"]').isDisabled(), "nothing is trained yet");
    await page.click("#play");
    await pause(page, { epochs: 2 });
    const run = await runOf(page);
    const { epochs: events, label } = await page.evaluate(() => ({ epochs: nibble.run.epochs, label: nibble.run.label }));

    const table = await saved(page, "epochs", press);
    assert.match(table.name, /^nibble-simple-resnet4bit-4-bit-.*seed-1\.epochs\.csv$/);
    const rows = readCsv(table.bytes.toString());
    assert.equal(rows.length, events.length);
    rows.forEach((row, i) => {
      assert.equal(row.run, label);
      assert.equal(Number(row.epoch), events[i].epoch);
      for (const [column, key] of [["train_loss", "trainLoss"], ["test_accuracy", "testAccuracy"], ["learning_rate", "lr"]]) assert.equal(Number(row[column]), events[i][key], column);
      assert.ok(Number(row.levels_least) >= 2 && Number(row.levels_most) <= 15);
    });

    const points = readCsv((await saved(page, "curves", press)).bytes.toString());
    const batch = points.filter(({ curve }) => curve === "batch loss");
    assert.deepEqual(batch.map(({ value }) => Number(value)), run.losses);
    assert.equal(Number(batch.at(-1).epoch), run.globalStep / 10);
    assert.deepEqual(new Set(points.map(({ curve }) => curve)), new Set(["batch loss", "training loss", "training accuracy", "gradient norm", "test loss", "test accuracy"]));

    const all = JSON.parse((await saved(page, "json", press)).bytes);
    assert.equal(all.format, "nibble-runs/1");
    assert.deepEqual(all.runs[0].losses, run.losses);
    assert.deepEqual(all.runs[0].config, run.config);
    // The link in it is a link to this run.
    const { settings, problems } = fromQuery(new URL(all.url).search);
    assert.deepEqual(problems, []);
    assert.equal(toQuery(settings), new URL(linkOf(page)).search);

    const picture = await saved(page, "png", press);
    assert.equal(picture.bytes.subarray(1, 4).toString(), "PNG");
    assert.deepEqual([picture.bytes.readUInt32BE(16), picture.bytes.readUInt32BE(20)], [1920, 1600]);
    const ink = await page.evaluate(async (data) => {
      const bitmap = await createImageBitmap(new Blob([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))]));
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
      context.drawImage(bitmap, 0, 0);
      const { data: pixels } = context.getImageData(0, 0, bitmap.width, bitmap.height);
      const count = ([r, g, b]) => {
        let found = 0;
        for (let i = 0; i < pixels.length; i += 4) if (Math.abs(pixels[i] - r) + Math.abs(pixels[i + 1] - g) + Math.abs(pixels[i + 2] - b) < 12) found += 1;
        return found;
      };
      return { train: count([0, 114, 178]), test: count([196, 78, 0]), white: count([255, 255, 255]) };
    }, picture.bytes.toString("base64"));
    assert.ok(ink.train > 3000 && ink.test > 500 && ink.white > 2_000_000, JSON.stringify(ink));

    const html = await saved(page, "report", press);
    await shows(page, "#share-said", /Saved nibble-.*\.html/);
    await checkReport(t, html.bytes, viewport, (text) => {
      for (const { epoch, testAccuracy } of events) assert.match(text, new RegExp(`${epoch}\\b[\\s\\S]*${(100 * testAccuracy).toFixed(1)} %`));
    });
    await page.locator("#share").scrollIntoViewIfNeeded();
    await screenshot(page, `${width}-share`, false);
    assert.deepEqual(await seriousFindings(page), []);
  });
}

/** Opens a report as a file of its own, offline: it asks for nothing, has no problems and stands well. */
async function checkReport(t, bytes, viewport, check) {
  const { paths } = write(t, { "report.html": bytes });
  const context = await (await theBrowser()).newContext({ viewport, offline: true });
  t.after(() => context.close());
  const page = await context.newPage();
  const asked = [];
  const problems = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("console", (message) => problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(`file://${paths[0]}`);
  assert.deepEqual(asked, [`file://${paths[0]}`]);
  assert.deepEqual(problems, []);
  assert.ok((await page.locator("svg").count()) >= 9, "curves and layers");
  check(await page.locator("main").innerText());
  await assertFits(page);
  // Eleven pixels of type, at the least, and the chart as wide as the window lets it be.
  const texts = await page.evaluate(() => [...document.querySelectorAll("svg text")].filter((text) => text.checkVisibility()).map((text) => text.getBoundingClientRect().height));
  assert.ok(texts.length > 20 && Math.min(...texts) >= 11, `texts of the charts are ${Math.min(...texts)} px high`);
  assert.deepEqual(await seriousFindings(page), []);
  await screenshot(page, `${viewport.width}-report`);
}

test("a race in several settings: files and links have all of them", async (t) => {
  const race = "lr:0.003 tanh:0";
  const page = await open(t, { settings: { ...RUN, race }, context: { acceptDownloads: true } });
  await page.click("#step");
  await page.waitForFunction(() => nibble.runs.every(({ globalStep }) => globalStep === 1) && !nibble.playing);
  const names = ["rate 0.002", "rate 0.003, tanh off"];
  const rows = readCsv((await saved(page, "curves")).bytes.toString());
  assert.deepEqual(new Set(rows.map(({ run }) => run)), new Set(names));
  const { url, runs } = JSON.parse((await saved(page, "json")).bytes);
  assert.deepEqual(runs.map(({ label, settings: { lr, tanh } }) => [label, lr, tanh]), [[names[0], 0.002, true], [names[1], 0.003, false]]);
  await page.evaluate(() => (document.querySelector(".share-embed").open = true));
  const code = await page.inputValue("#share-code");
  for (const link of [url, await page.inputValue("#share-link"), code.match(/src="([^"]+)"/)[1].replaceAll("&amp;", "&")]) {
    assert.equal(fromQuery(new URL(link).search).settings.race, race);
  }
  const html = (await saved(page, "report")).bytes.toString();
  assert.ok(html.includes(names.join(" against ")), "the report's title");
  assert.match(html, /Learning rate<\/th><td>0\.002<\/td><td>0\.003<\/td>[\s\S]*Tanh clipping<\/th><td>on<\/td><td>off<\/td>/);
});

test("a race: both runs are in the files, told apart by their labels", async (t) => {
  const page = await open(t, { settings: { ...RUN, race: "quantizer:none" }, context: { acceptDownloads: true } });
  await page.waitForFunction(() => nibble.runs.length === 2);
  await page.click("#play");
  await pause(page, { epochs: 1 });
  await enter(page, "runs", "outlier");
  await page.click("#outlier-go");
  await page.waitForFunction(() => nibble.runs.every(({ outlier }) => outlier));
  await enter(page, "export");
  const rows = readCsv((await saved(page, "epochs")).bytes.toString());
  assert.deepEqual(new Set(rows.map(({ run }) => run)), new Set(["4-bit", "FP32"]));
  assert.ok(rows.filter(({ run }) => run === "FP32").every(({ levels_least }) => levels_least === ""));
  // The seed, and what the runs differ in, after the columns that there have always been.
  assert.deepEqual(Object.keys(rows[0]).slice(-3), ["seconds", "seed", "quantizer"]);
  for (const { run, seed, quantizer } of rows) assert.deepEqual([seed, quantizer], ["1", run === "FP32" ? "none" : "symmetric"]);
  const { url, runs } = JSON.parse((await saved(page, "json")).bytes);
  assert.match(url, /race=quantizer%3Anone/);
  for (const { marks, outlier, steps } of runs) assert.deepEqual([marks, outlier.step], [[{ step: steps, text: "outlier" }], steps]);
  const html = await saved(page, "report");
  await checkReport(t, html.bytes, { width: 1024, height: 800 }, (text) => {
    assert.match(text, /does not repeat what was done on the way: 4-bit was given an outlier \(\w+, times 20\) after \d+ steps; FP32 was/);
    assert.match(text, /Run: 4-bit[\s\S]*Run: FP32/);
    // What has no effect on a run is not told of it.
    for (const [row, value] of [["Bits", "4"], ["One scale for", "A layer"], ["Straight-through", "on"]]) assert.match(text, new RegExp(`^${row}\\s+${value}\\s+–$`, "m"));
  });
});

test("link and embed code are copied, by pointer and by keyboard", async (t) => {
  const page = await open(t, { context: { permissions: ["clipboard-read", "clipboard-write"] } });
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await page.getByRole("button", { name: "Copy link" }).click();
  await shows(page, "#share-said", /Copied/);
  assert.equal(await clipboard(), linkOf(page));
  await page.getByText("Embed in a page of yours").focus();
  await page.keyboard.press("Enter");
  await page.getByRole("checkbox", { name: "Weights" }).press("Space");
  await page.getByRole("button", { name: "Copy code" }).press("Enter");
  await page.waitForFunction(async () => (await navigator.clipboard.readText()).startsWith("<iframe"));
  const code = await clipboard();
  const { src: source } = await frameOf(page, code);
  const { settings, problems } = fromQuery(new URL(source).search);
  assert.deepEqual(problems, []);
  assert.equal(settings.embed, true);
  assert.ok(!settings.show.includes("weights") && settings.show.includes("accuracy"), settings.show);
  assert.match(code, /title="/);
  assert.match(code, /allow="clipboard-write"/);
  // The camera of the part that has one.
  await page.getByRole("checkbox", { name: "Try it" }).press("Space");
  await page.waitForFunction(() => /show=[^"]*try[^>]* allow="clipboard-write; camera"/.test(document.getElementById("share-code").value));
  // No part at all is not the usual ones: there is nothing to copy, and it says why.
  for (const box of await page.locator(".share-choice input").all()) if (await box.isChecked()) await box.press("Space");
  const copying = page.getByRole("button", { name: "Copy code" });
  await page.waitForFunction(() => document.getElementById("share-code").value === "");
  assert.ok(await copying.isDisabled());
  assert.match(await page.getAttribute("#share-code", "placeholder"), /at least one part/);
  assert.deepEqual(await seriousFindings(page, "#share"), []);
  await page.getByRole("checkbox", { name: "Loss" }).press("Space");
  await page.waitForFunction(() => /show=loss"/.test(document.getElementById("share-code").value));
  assert.ok(await copying.isEnabled());
});

test("a clipboard that is refused: told, and the text is selected", async (t) => {
  const init = () => {
    navigator.clipboard.writeText = () => Promise.reject(new Error("no"));
    document.execCommand = () => false;
  };
  const page = await open(t, { init });
  await page.getByRole("button", { name: "Copy link" }).click();
  await shows(page, "#share-said", /does not let this page copy/);
  // The field is selected whole, ready for the keyboard's copy.
  const chosen = await page.evaluate(() => {
    const { value, selectionStart, selectionEnd } = document.getElementById("share-link");
    return { value, text: value.slice(selectionStart, selectionEnd), focused: document.activeElement.id };
  });
  assert.deepEqual(chosen, { value: linkOf(page), text: linkOf(page), focused: "share-link" });
});

/** A run as the page has it after one epoch, on data whose names mean harm. */
function hostile() {
  const name = `</script><img src=x onerror=alert(1)> "&'`;
  const classes = ["=HYPERLINK(\"http://x\")", "<b>cat</b>", 'comma, "quote"'];
  const layer = { name, shape: [3, 3, 3, 3], count: 81, scale: 0.1, levels: [-0.1, 0, 0.1], scales: 1, levelsUsed: 3, levelTotal: 3, levelCounts: [20, 41, 20], entropyBits: 1.5, histogram: { min: -0.1, max: 0.1, counts: [20, 41, 20] } };
  const info = { model: name, parameters: 81, stepsPerEpoch: 2, images: [4, 3], tests: "test", config: { batch: 2, epochs: 3 } };
  const run = new RunRecord(1, defaults(), { kind: "images", name, classes, train: 4, test: 3, notes: [], fingerprint: name }, info, [layer], 1);
  run.label = "=1+1,\"x\"";
  run.settings.model = name;
  const step = (globalStep) => ({ globalStep, step: globalStep, stepsPerEpoch: 2, epoch: 1, loss: 1 / globalStep, accuracy: 0.5, gradNorm: NaN, ms: 5, images: 2, lr: 0.001 });
  run.addSteps([step(1), step(2)]);
  run.addEpoch({ epoch: 1, lr: 0.001, trainLoss: 0.75, trainAccuracy: 0.5, testLoss: Infinity, testAccuracy: 1 / 3, secs: 1, layers: [layer], confusion: [1, 0, 0, 0, 0, 1, 0, 1, 0] });
  return run;
}

const ABOUT = { url: "https://example.org/?a=1&b=2", made: "2026-01-01T00:00:00Z", engine: { simd: "simd128", threads: 2 } };

test("what was done to a run on its way is in its report and in the JSON", () => {
  const run = hostile();
  assert.doesNotMatch(report([run], ABOUT), /does not repeat/);
  run.label = "4-bit";
  const copy = run.forked(2, { ...run.settings, lr: 0.5 }, run.info, run.layers);
  copy.label = "rate 0.5";
  run.alarm = { step: 3, loss: NaN, gradNorm: Infinity };
  assert.match(report([run], ABOUT), /4-bit stopped at step 3: /);
  run.goOn({ ...run.settings, lr: 0.0001 }, run.info, run.layers, "rate 0.0001");
  const html = report([run, copy], ABOUT);
  assert.ok(html.includes("on the way: 4-bit went on with rate 0.0001 after 2 steps; rate 0.5 began as a copy of 4-bit after 2 steps."), html);
  assert.doesNotMatch(html, /stopped at step/);
  // What differs stands first.
  assert.deepEqual([...html.matchAll(/<th scope="row">([^<]*)<\/th><td>[^<]*<\/td><td>/g)].slice(0, 2).map(([, label]) => label), ["Learning rate", "Data set"]);
  for (const text of ["rate 0.0001", "fork"]) assert.equal(html.split(`font-size="11">${text}<`).length, 5, `${text} is marked in both charts, each drawn wide and narrow`);
  const { runs } = JSON.parse(json([run, copy], ABOUT));
  assert.deepEqual(runs.map(({ marks }) => marks), [[{ step: 2, text: "rate 0.0001" }], [{ step: 2, text: "fork" }]]);
  assert.deepEqual([runs[1].fork.step, runs[0].alarm, runs[0].outlier], [2, null, null]);
});

test("names that mean harm are text in every file", async (t) => {
  const run = hostile();
  const html = report([run], ABOUT);
  assert.equal(html.match(/<script/g).length, 1);
  const context = await (await theBrowser()).newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("dialog", (dialog) => problems.push(dialog.message()));
  page.on("request", (request) => problems.push(request.url()));
  await page.setContent(html);
  assert.equal(await page.locator("img, b").count(), 0);
  assert.match(await page.locator("h1").innerText(), /<img src=x onerror=alert\(1\)>/);
  const inside = await page.evaluate(() => JSON.parse(document.getElementById("nibble-runs").textContent));
  assert.equal(inside.runs[0].data.name, run.data.name);
  assert.deepEqual(problems, []);
  const [row] = readCsv(epochsCsv([run]));
  assert.equal(row.run, `'=1+1,"x"`, "a spreadsheet would take it for a formula");
  assert.equal(row.test_loss, "", "no number stands as an empty cell");
  assert.equal(readCsv(curvesCsv([run])).filter(({ curve }) => curve === "batch loss").length, 2);
  assert.equal(JSON.parse(json([run], ABOUT)).runs[0].data.classes[1], "<b>cat</b>");
});
