/** Folders of pictures, made on the spot by the browser's own encoders. */
import { write } from "./fixture.mjs";

/**
 * Encodes pictures in the page. Each is a background with a disc of the class's colour, with chance for place and
 * size, and not square, so that cropping shows.
 * @param {import("playwright-core").Page} page
 * @param {{hue: number, count: number, type: string, width: number, height: number}} kind
 * @returns {Promise<Buffer[]>}
 */
async function encode(page, kind) {
  const encoded = await page.evaluate(async ({ hue, count, type, width, height }) => {
    const found = [];
    let state = hue + 1;
    const chance = () => (state = (state * 48271) % 2147483647) / 2147483647;
    for (let i = 0; i < count; i++) {
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext("2d");
      context.fillStyle = `hsl(${360 * chance()} 20% ${20 + 30 * chance()}%)`;
      context.fillRect(0, 0, width, height);
      context.fillStyle = `hsl(${hue} 90% 55%)`;
      context.beginPath();
      const least = Math.min(width, height);
      context.arc(width / 2 + (chance() - 0.5) * least * 0.3, height / 2 + (chance() - 0.5) * least * 0.3, least * (0.2 + 0.2 * chance()), 0, 7);
      context.fill();
      const bytes = new Uint8Array(await (await canvas.convertToBlob({ type, quality: 0.95 })).arrayBuffer());
      found.push(btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")));
    }
    return found;
  }, kind);
  return encoded.map((text) => Buffer.from(text, "base64"));
}

const ENDINGS = { "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp" };

/**
 * Writes a folder with a sub-folder a class.
 * @param {import("node:test").TestContext} t
 * @param {import("playwright-core").Page} page whose browser encodes
 * @param {Record<string, object>} classes name -> {hue, count, type, width, height}
 * @param {Record<string, Buffer>} more other files, by their path in the folder
 * @returns {Promise<string>} the folder's path; its name is "fruit"
 */
export async function pictureFolder(t, page, classes, more = {}) {
  const files = { ...Object.fromEntries(Object.entries(more).map(([path, bytes]) => [`fruit/${path}`, bytes])) };
  for (const [name, kind] of Object.entries(classes)) {
    const of = { count: 12, type: "image/png", width: 80, height: 60, ...kind };
    (await encode(page, of)).forEach((bytes, i) => (files[`fruit/${name}/${i + 1}.${ENDINGS[of.type]}`] = bytes));
  }
  return `${write(t, files).folder}/fruit`;
}
