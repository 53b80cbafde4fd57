/** Writes small and large files to the browser's own file system. */
import { answerOf } from "../worker/once.js";

/**
 * In a worker of its own: every browser with this file system can write there, not every one here.
 * @param {string[]} path folders
 * @param {[name: string, contents: Blob][]} files in the order in which they are written
 */
export const write = (path, files) => answerOf(new URL("../worker/keep.js", import.meta.url), "nibble-keep", { path, files });
