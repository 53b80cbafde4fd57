/**
 * As a new user: a network is trained in a tab, saved by every button of the room Export, and each file is run from a folder
 * that holds nothing but it and a picture, by the line that the page gives for it. Environment: NIBBLE_PYTHON (with the
 * programs of requirements.txt beside it), NIBBLE_CASES (what tests/runtimes/main.rs wrote), and that of tests/e2e/support.mjs.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { delimiter, dirname, join } from "node:path";
import { test } from "node:test";
import { targets } from "../../pkg/registry.js";
import { drop } from "../e2e/fixture.mjs";
import { open, PATIENCE, pause, SMALL, theBrowser } from "../e2e/support.mjs";

const { NIBBLE_PYTHON, NIBBLE_CASES, PATH } = process.env;
const ROOT = join(NIBBLE_CASES, "../tab");
const PICTURE = "picture.png";

const ENVIRONMENT = {
  ...process.env,
  PATH: [dirname(NIBBLE_PYTHON), PATH].join(delimiter),
  // Where main.rs has installed interop/.
  PYTHONPATH: join(NIBBLE_CASES, "../interop"),
  // Says where it would go.
  BROWSER: "echo %s",
};

/** A line in a shell, in a folder: `said` grows. */
function shell(line, folder, more = {}) {
  const child = spawn("sh", ["-c", line], { cwd: folder, env: { ...ENVIRONMENT, ...more }, detached: true });
  const program = { said: "", ended: once(child, "exit"), end: () => process.kill(-child.pid, "SIGKILL") };
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (program.said += bytes));
  return program;
}

/** What a line says, which ends well. */
async function run(line, folder) {
  const program = shell(line, folder);
  const [code] = await program.ended;
  assert.equal(code, 0, `${line}\n${program.said}`);
  return program.said;
}

const says = (pattern) => async (line, folder) => assert.match(await run(line, folder), pattern);

let page;
const CASE = join(NIBBLE_CASES, "model-convnetjs_cifar10");
const { classes } = JSON.parse(readFileSync(join(CASE, "about.json"), "utf8"));

const isAClass = async (line, folder) => assert.ok(classes.includes((await run(line, folder)).trim()));

/** How each line is run, and what it must say or do. */
const LINES = {
  json: says(/^conv1 conv2d /m),
  safetensors: says(/"nibble\.lowered"/),
  onnx: isAClass,
  onnx_float: isAClass,
  c: says(/test pictures, 0 logits that are not/),
  html: async (line, folder) => {
    const address = (await run(line, folder)).trim();
    const home = await (await theBrowser()).newPage();
    await home.goto(address);
    await home.setInputFiles("#file", join(folder, PICTURE));
    await home.waitForFunction(() => document.querySelector("#said").textContent.startsWith("It takes this for"), null, PATIENCE);
    await home.close();
  },
  // Its own program, and a hub that lets nobody in.
  hub: async (line, folder) => {
    const asked = [];
    const hub = createServer((request, response) => {
      asked.push(request.url);
      response.writeHead(401).end();
    }).listen(0, "127.0.0.1");
    await once(hub, "listening");
    const program = shell(line, folder, { HF_ENDPOINT: `http://127.0.0.1:${hub.address().port}`, HF_TOKEN: "hf_nobody", HF_HOME: folder });
    await program.ended;
    hub.close();
    assert.ok(asked.length > 0 && /401/.test(program.said), `${line}\n${program.said}`);
  },
  tensorboard: async (line, folder) => {
    const program = shell(line, folder);
    try {
      const end = Date.now() + PATIENCE.timeout;
      let address;
      while (!(address = /http:\/\/localhost:\d+\//.exec(program.said)?.[0])) {
        assert.ok(Date.now() < end, program.said);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const tags = async () => Object.values(await (await fetch(`${address}data/plugin/scalars/tags`)).json());
      let found;
      while ((found = await tags()).length === 0) {
        assert.ok(Date.now() < end, "no run");
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      assert.ok("accuracy/test" in found[0], JSON.stringify(found));
    } finally {
      program.end();
    }
  },
  pytorch: async (line, folder) => {
    const left = await page.evaluate(() => nibble.run.info.config.epochs * nibble.run.info.stepsPerEpoch - nibble.run.globalStep);
    assert.ok(left > 0);
    assert.match(await run(line, folder), new RegExp(`^${left} steps in 2 processes; saved to trained`, "m"));
    // And back into the tab.
    await drop(page, [join(folder, "trained.nibble.safetensors")]);
    await page.waitForFunction(() => nibble.run?.status === "finished" && !nibble.busy, null, PATIENCE);
  },
};

test("each file that a tab saves is run by the line that the page gives for it", { timeout: 600_000 }, async (t) => {
  assert.deepEqual(Object.keys(LINES).sort(), targets.map(({ name }) => name).sort());
  rmSync(ROOT, { recursive: true, force: true });
  page = await open(t, { settings: { ...SMALL, model: "convnetjs_cifar10", epochs: 3 } });
  await page.click("#play");
  await pause(page, { epochs: 1, steps: 15 });
  await page.click('[data-tab="export"]');
  // The run is another one once the last has brought it back.
  for (const { name } of targets.toSorted((a, b) => Number(a.whole) - Number(b.whole))) {
    await t.test(name, async () => {
      const folder = join(ROOT, name);
      mkdirSync(folder, { recursive: true });
      const button = page.locator(`[data-target="${name}"]`);
      const [download] = await Promise.all([page.waitForEvent("download", PATIENCE), button.click()]);
      const file = join(folder, download.suggestedFilename());
      await download.saveAs(file);
      copyFileSync(join(CASE, PICTURE), join(folder, PICTURE));
      const line = await page.locator(`li:has([data-target="${name}"]) .export-saved input`).inputValue();
      await LINES[name](line, folder);
    });
  }
});
