/** `cargo xtask torture`, its parts for the page, as short as they go. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** The columns of each line that a script leaves. */
export async function torture(t, name, ...options) {
  const folder = await mkdtemp(join(tmpdir(), "nibble-short-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const results = join(folder, "results.tsv");
  const script = new URL(`../torture/${name}`, import.meta.url).pathname;
  await promisify(execFile)(process.execPath, [script, ...options, results], { timeout: 170_000 });
  return (await readFile(results, "utf8")).trim().split("\n").map((line) => line.split("\t"));
}
