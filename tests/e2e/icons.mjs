/**
 * Draws the icons that www/manifest.webmanifest names from www/favicon.svg, after a change of it:
 * `node tests/e2e/icons.mjs`. Environment: CHROMIUM (path, optional).
 */
import { readFileSync } from "node:fs";
import { launch } from "./browser.mjs";

const WWW = new URL("../../www/", import.meta.url);
const MARK = readFileSync(new URL("favicon.svg", WWW), "utf8");
/** A maskable icon fills its square; the system cuts a shape out of it and spares the middle four fifths. */
const MASKABLE = MARK.replace('viewBox="0 0 32 32"', 'viewBox="-3 -3 38 38"').replace(
  /<rect width="32" height="32" rx="7"/,
  '<rect x="-3" y="-3" width="38" height="38"',
);
const ICONS = [
  ["icon-192.png", MARK, 192],
  ["icon-512.png", MARK, 512],
  ["maskable-512.png", MASKABLE, 512],
  ["apple-touch-180.png", MASKABLE, 180],
];

const browser = await launch();
try {
  for (const [name, svg, side] of ICONS) {
    const page = await browser.newPage({ viewport: { width: side, height: side } });
    await page.setContent(`<style>body { margin: 0 } svg { display: block; width: 100vw; height: 100vh }</style>${svg}`);
    await page.screenshot({ path: new URL(`icons/${name}`, WWW).pathname, omitBackground: true });
    await page.close();
  }
} finally {
  await browser.close();
}
