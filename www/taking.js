/** What is done with files that were chosen or dropped. */
import { isSavedRun } from "./kept/keeping.js";
import { otherFile } from "./ui/otherfiles.js";

/**
 * @param {import("./session.js").Session} session
 * @returns {(entries: import("./images/read.js").Entry[]) => Promise<void>}
 */
export const taking = (session) => async (entries) => {
  if (entries.length === 1 && isSavedRun(entries[0].file)) return session.keeping.openFile(entries[0].file);
  const other = entries.length === 1 ? await otherFile(entries[0].file) : null;
  if (other) return void session.notify("info", other.text, other.actions);
  return session.read(entries);
};
