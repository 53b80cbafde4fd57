/** PPM and PGM, which no browser decodes: in bytes (P5, P6) or in digits (P2, P3). */

/** Pixels of one that is decoded: more would take gigabytes. */
const MOST_PIXELS = 120e6;

/** Kind and numbers, each behind blanks, and behind comments up to the ends of their lines. */
const HEADER = /^(P[2356])(?:\s|#[^\n\r]*[\n\r])+(\d+)(?:\s|#[^\n\r]*[\n\r])+(\d+)(?:\s|#[^\n\r]*[\n\r])+(\d+)\s/;
/** Bytes that a header takes at most. */
const LONGEST_HEADER = 4096;

const latin = (bytes) => new TextDecoder("latin1").decode(bytes);

/** The numbers of the pixels, `count` of them; null where there are fewer. */
function values(kind, rest, most, count) {
  if (kind === "P2" || kind === "P3") {
    const digits = latin(rest).replace(/#[^\n\r]*/g, " ").match(/\d+/g) ?? [];
    return digits.length < count ? null : digits.slice(0, count).map(Number);
  }
  if (most < 256) return rest.length < count ? null : rest.subarray(0, count);
  if (rest.length < 2 * count) return null;
  const view = new DataView(rest.buffer, rest.byteOffset);
  return Array.from({ length: count }, (_, i) => view.getUint16(2 * i));
}

/**
 * @param {Uint8Array} bytes of a file
 * @returns {ImageData|null} null: it is none, or damaged
 */
function readPnm(bytes) {
  const header = HEADER.exec(latin(bytes.subarray(0, LONGEST_HEADER)));
  if (!header) return null;
  const kind = header[1];
  const [width, height, most] = header.slice(2).map(Number);
  const pixels = width * height;
  if (!(pixels > 0 && pixels <= MOST_PIXELS && most > 0 && most < 65536)) return null;
  const channels = kind === "P3" || kind === "P6" ? 3 : 1;
  const found = values(kind, bytes.subarray(header[0].length), most, pixels * channels);
  if (!found) return null;
  const image = new ImageData(width, height);
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let c = 0; c < 3; c++) image.data[4 * pixel + c] = Math.round((found[pixel * channels + (channels === 3 ? c : 0)] * 255) / most);
    image.data[4 * pixel + 3] = 255;
  }
  return image;
}

/**
 * The picture of a file that the browser itself cannot read.
 * @param {Blob} blob
 * @returns {Promise<ImageData>}
 * @throws {Error} it is none of these
 */
export async function pnmOf(blob) {
  const image = readPnm(new Uint8Array(await blob.arrayBuffer()));
  if (!image) throw new Error("no picture");
  return image;
}
