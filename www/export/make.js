/** A run's network, or the whole run, in a file of another program. */
import { To } from "../protocol.js";
import { format, SETTINGS } from "../settings.js";
import { answerOf } from "../worker/once.js";

/** Training images by which a target chooses ranges, as many as the command line takes. */
const IMAGES = 256;
/** What the engine writes, and all other targets are made of. */
const OWN = "json";

/** What some targets tell of a run: a `Story` of src/export. @param {import("../runs.js").RunRecord} run */
function storyOf({ settings, data, info, losses, epochs }) {
  const texts = SETTINGS.filter(({ field }) => field).map((row) => [row.key, format(row, settings[row.key])]);
  return { data: data.name, images: info.images, settings: Object.fromEntries(texts), losses, reports: epochs.map((epoch) => JSON.stringify(epoch)) };
}

/**
 * @param {import("../client.js").Client} client
 * @param {import("../runs.js").RunRecord} run
 * @param {typeof import("../../pkg/registry.js").targets[number]} target
 * @returns {Promise<{extension: string, mime: string, bytes: Uint8Array|Blob, notes: string[]}>}
 */
export async function make(client, run, { name, engine, images, whole }) {
  if (whole) {
    const { file } = await client.request(To.FILE, { run: run.id, notes: "", images: true });
    return { extension: `${name}.nibble.safetensors`, mime: "application/octet-stream", bytes: file, notes: [] };
  }
  const own = await client.request(To.EXPORT, { run: run.id, target: engine ? name : OWN, images: images ? IMAGES : 0 });
  if (engine) return { ...own, notes: [] };
  const message = { target: name, network: own.bytes, story: storyOf(run), images: own.images };
  return answerOf(new URL("./worker.js", import.meta.url), "nibble-exports", message, [own.bytes.buffer]);
}
