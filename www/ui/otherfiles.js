/** Files that are nothing to train on, and that the page knows all the same: what Share has saved, and lessons. */

/** More than any run takes. */
const LARGEST = 64 << 20;

/** @param {File} file @returns {Promise<unknown>} undefined: it is no JSON */
async function contents(file) {
  if (!/\.json$/i.test(file.name) || file.size > LARGEST) return undefined;
  try {
    return JSON.parse(await file.text());
  } catch {
    return undefined;
  }
}

/** The query of the link in a saved run; "" where it has none. */
function queryOf({ url }) {
  try {
    return new URL(url).search;
  } catch {
    return "";
  }
}

/**
 * What a file is that was dropped or chosen as data.
 * @param {File} file
 * @returns {Promise<{text: string, actions: {label: string, act: () => void}[]}|null>} null: nothing that the page knows
 */
export async function otherFile(file) {
  const held = await contents(file);
  if (typeof held !== "object" || held === null) return null;
  if (typeof held.format === "string" && held.format.startsWith("nibble-runs/")) {
    const query = queryOf(held);
    const actions = query ? [{ label: "Open its settings", act: () => location.assign(query) }] : [];
    return { text: `${file.name} holds runs that were saved here, and no images. Its settings can be opened, to train them again.`, actions };
  }
  if (Array.isArray(held.steps) && "settings" in held) {
    return { text: `${file.name} is a lesson: open it with Lessons, Open a lesson file….`, actions: [] };
  }
  return null;
}
