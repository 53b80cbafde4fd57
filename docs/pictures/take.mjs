/**
 * Takes the pictures of README: docs/page.png, and docs/run.webp, a run from noise to a trained network. Needs a page that is
 * served (`cargo xtask serve`, NIBBLE_URL), Chromium (CHROMIUM) and a Python with Pillow (PYTHON).
 *
 *     NIBBLE_URL=http://127.0.0.1:8000/ node docs/pictures/take.mjs
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch } from "../../tests/e2e/browser.mjs";

const DOCS = new URL("..", import.meta.url).pathname;
const EPOCHS = 5;
const FRAMES = 60;
const SIZE = { width: 1280, height: 800 };
/** Of the film: it is shown half as large as the page. */
const WIDTH = 960;
const MS = 110;

const JOIN = `
import sys
from pathlib import Path
from PIL import Image
frames = [Image.open(path).convert("RGB") for path in sorted(Path(sys.argv[1]).glob("*.png"))]
width = int(sys.argv[3])
frames = [frame.resize((width, frame.height * width // frame.width), Image.LANCZOS) for frame in frames]
last = [int(sys.argv[4])] * (len(frames) - 1) + [3000]
frames[0].save(sys.argv[2], save_all=True, append_images=frames[1:], duration=last, loop=0, quality=70, method=6)
`;

const frames = mkdtempSync(join(tmpdir(), "nibble-film-"));
const browser = await launch();
try {
  const page = await browser.newPage({ viewport: SIZE });
  await page.goto(`${process.env.NIBBLE_URL}?epochs=${EPOCHS}&lr=0.003`);
  await page.waitForFunction(() => globalThis.nibble?.run && !nibble.busy);
  const { stepsPerEpoch } = await page.evaluate(() => nibble.run.info);
  for (let i = 0; i < FRAMES; i += 1) {
    // More pictures of the beginning, where most happens.
    const step = Math.round(EPOCHS * stepsPerEpoch * (i / (FRAMES - 1)) ** 1.6);
    await page.waitForFunction((wanted) => nibble.run.globalStep >= wanted, step);
    if (i === FRAMES - 1) await page.getByText(/^Done: /).waitFor();
    await page.screenshot({ path: join(frames, `${String(i).padStart(3, "0")}.png`) });
    if (i === 0) await page.click("#play");
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.mouse.move(0, 0);
  await page.screenshot({ path: `${DOCS}page.png` });
  execFileSync(process.env.PYTHON ?? "python3", ["-c", JOIN, frames, `${DOCS}run.webp`, String(WIDTH), String(MS)], { stdio: "inherit" });
} finally {
  await browser.close();
  rmSync(frames, { recursive: true });
}
