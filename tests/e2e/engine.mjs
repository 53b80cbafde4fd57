/** An engine that does in one thing as a test wants: what a real one does only where memory is short, or by mistake. */
import { hasRun, ISOLATED, open } from "./support.mjs";

/**
 * Opens the page with an altered engine; `settings` name the build "single".
 * @param {import("node:test").TestContext} t
 * @param {string} code run at the end of the engine's module, where `Run` is its class
 * @param {object} settings for the address
 */
export async function altered(t, code, settings) {
  const page = await open(t, { url: "about:blank", search: "", ready: false, context: { serviceWorkers: "block" } });
  await page.context().route("**/pkg/single/nibble.js", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${await response.text()}\n${code}` });
  });
  await page.goto(`${ISOLATED}?${new URLSearchParams(settings)}`);
  await hasRun(page);
  return page;
}
