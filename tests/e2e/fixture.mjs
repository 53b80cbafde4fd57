/** Files in CIFAR's formats, made on the spot: images that show their label, so that they can be learned. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { mkdirSync } from "node:fs";
import { crc32, deflateRawSync, gzipSync } from "node:zlib";

const SIDE = 32;
const PLANE = SIDE * SIDE;

/** Park and Miller's generator: the same bytes everywhere. */
function random(seed) {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

/** One image, three planes: noise, and a bright bar whose place is the label's and whose colour is its parity. */
function image(label, dice) {
  const bytes = Buffer.alloc(3 * PLANE);
  for (let i = 0; i < bytes.length; i++) bytes[i] = 70 + 70 * dice();
  for (let y = 0; y < SIDE; y++) {
    for (let x = 3 * label; x < 3 * label + 4; x++) bytes[(label % 2) * PLANE + y * SIDE + x] = 235;
  }
  return bytes;
}

/** A binary batch of CIFAR-10. */
export function cifar10(count, seed) {
  const dice = random(seed);
  return Buffer.concat(Array.from({ length: count }, (_, i) => Buffer.concat([Buffer.from([i % 10]), image(i % 10, dice)])));
}

/** A binary batch of CIFAR-100: coarse label, fine label, image. */
export function cifar100(count, seed) {
  const dice = random(seed);
  const record = (i) => Buffer.concat([Buffer.from([(i % 100) / 5, i % 100]), image(i % 10, dice)]);
  return Buffer.concat(Array.from({ length: count }, (_, i) => record(i)));
}

/** A POSIX tar archive. @param {Record<string, Buffer>} files */
export function tar(files) {
  const blocks = Object.entries(files).flatMap(([name, content]) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write("0000644\0", 100);
    header.write("0000000\0", 108);
    header.write("0000000\0", 116);
    header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("00000000000\0", 136);
    header.write("        ", 148); // the checksum is summed over blanks
    header.write("0ustar\x0000", 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** The files of a POSIX tar archive without extended headers. @returns {Record<string, Buffer>} by path */
export function untar(archive) {
  const files = {};
  const text = (at, length) => archive.toString("utf8", at, at + length).split("\0")[0];
  for (let at = 0; archive[at] !== 0; ) {
    const [name, size, prefix] = [text(at, 100), Number.parseInt(text(at + 124, 12), 8), text(at + 345, 155)];
    files[prefix ? `${prefix}/${name}` : name] = archive.subarray(at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

/** A zip archive. @param {Record<string, Buffer>} files */
export function zip(files) {
  const [locals, entries] = [[], []];
  let at = 0;
  for (const [name, content] of Object.entries(files)) {
    const [path, packed] = [Buffer.from(name), deflateRawSync(content)];
    const about = Buffer.alloc(26);
    about.writeUInt16LE(20, 0);
    about.writeUInt16LE(8, 4); // Deflate
    about.writeUInt32LE(crc32(content), 10);
    about.writeUInt32LE(packed.length, 14);
    about.writeUInt32LE(content.length, 18);
    about.writeUInt16LE(path.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), about, path, packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(at, 10);
    entries.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\0"), about, tail, path]));
    locals.push(local);
    at += local.length;
  }
  const list = Buffer.concat(entries);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, list, end]);
}

/** The archive as the official one is laid out. */
export const archive = (train, test) =>
  gzipSync(
    tar({
      "cifar-10-batches-bin/data_batch_1.bin": train,
      "cifar-10-batches-bin/test_batch.bin": test,
      "cifar-10-batches-bin/readme.html": Buffer.from("<p>readme"),
    }),
  );

/**
 * Writes files into a folder that goes with the test.
 * @param {import("node:test").TestContext} t
 * @param {Record<string, Buffer>} files by name
 * @returns {{folder: string, paths: string[]}}
 */
export function write(t, files) {
  const folder = mkdtempSync(join(tmpdir(), "nibble-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const paths = Object.entries(files).map(([name, content]) => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  });
  return { folder, paths };
}

/** @param {() => Promise} [held] happens while it is held over the page */
async function drag(page, data, held = async () => {}) {
  const session = await page.context().newCDPSession(page);
  const { width, height } = page.viewportSize();
  for (const type of ["dragEnter", "dragOver", "drop"]) {
    if (type === "drop") await held();
    await session.send("Input.dispatchDragEvent", { type, x: width / 2, y: height / 2, data: { ...data, dragOperationsMask: 1 } });
  }
  await session.detach();
}

/** Drops files or folders of this machine on the page as a user does, through the browser's own input. */
export const drop = (page, paths, held) => drag(page, { items: [], files: paths }, held);

/** Drops no file at all, but a piece of text. */
export const dropText = (page) => drag(page, { items: [{ mimeType: "text/plain", data: "no file" }] });

/** Has the worker that the page starts next to read files fail after so many milliseconds. */
export const breakNextReader = (page, after) =>
  page.evaluate((wait) => {
    const { Worker } = globalThis;
    globalThis.Worker = class extends Worker {
      constructor(url, options) {
        super(url, options);
        if (options.name === "nibble-readers") setTimeout(() => this.dispatchEvent(new ErrorEvent("error", { message: "out of memory", cancelable: true })), wait);
        globalThis.Worker = Worker;
      }
    };
  }, after);
