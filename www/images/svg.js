/** Drawings (SVG): browsers decode them in a page alone, and draw nothing of one that does not say how large it is. */

/** Pixels on the longer side of one that was drawn. */
const LONGER_SIDE = 512;
/** First bytes that tell: editors begin with a comment. */
const HEAD = 4096;
/** The element that holds all. Found in the text: the page's policy has something to say on every style of a document. */
const ROOT = /<svg(?=[\s>])(?:"[^"]*"|'[^']*'|[^>"'])*>/i;

/** @param {Blob} blob */
export const isSvg = async (blob) => /^\s*<(?:[^]*<)?svg[\s>]/i.test(await blob.slice(0, HEAD).text());

/** The value of an attribute of a tag; "" where it has none. */
const attribute = (tag, name) => new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(tag)?.slice(1).find((value) => value !== undefined) ?? "";

/** Width and height as its numbers say, in whatever unit, or else its viewBox. */
function proportions(tag) {
  const sides = ["width", "height"].map((name) => attribute(tag, name).trim()).map((text) => (text.endsWith("%") ? NaN : Number.parseFloat(text)));
  if (sides.every((side) => side > 0)) return sides;
  const [, , ...box] = attribute(tag, "viewBox").trim().split(/[\s,]+/).map(Number);
  return box.length === 2 && box.every((side) => side > 0) ? box : [1, 1];
}

/**
 * @param {Blob} blob
 * @returns {Promise<Blob>} the same with a size in pixels
 * @throws {Error} it is none
 */
export async function sized(blob) {
  const text = await blob.text();
  const [tag] = ROOT.exec(text) ?? [];
  if (!tag) throw new Error("no SVG");
  const [width, height] = proportions(tag);
  const scale = LONGER_SIDE / Math.max(width, height);
  const [across, down] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  const rest = tag.slice(4).replace(/\s(?:width|height)\s*=\s*(?:"[^"]*"|'[^']*')/g, "");
  const box = attribute(tag, "viewBox") ? "" : ` viewBox="0 0 ${width} ${height}"`;
  return new Blob([text.replace(tag, () => `<svg width="${across}" height="${down}"${box}${rest}`)], { type: "image/svg+xml" });
}
