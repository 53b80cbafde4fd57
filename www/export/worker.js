/**
 * Writes a network for another program: {target, network, story, images} -> {extension, mime, bytes, notes} or {error}. How
 * knows the module of the exports (pkg/exports), which is loaded here and nowhere else.
 */
const EXPORTS = new URL("../../pkg/exports/", import.meta.url);

addEventListener("message", async ({ data: { target, network, story, images } }) => {
  try {
    const module = await import(new URL("nibble.js", EXPORTS));
    await module.default({ module_or_path: new URL("nibble_bg.wasm", EXPORTS) });
    const made = module.exportTo(target, network, story, images);
    postMessage(made, [made.bytes.buffer]);
  } catch (error) {
    postMessage({ error: error?.message || String(error) });
  }
});
