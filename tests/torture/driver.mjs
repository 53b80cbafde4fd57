/** What the scripts share: waiting. The driver's own makes functions of texts in the page, which its policy refuses. */

const PATIENCE_MS = 120_000;

export const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Until `condition` holds in the page. */
export async function until(page, condition) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await page.evaluate(condition))) {
    if (Date.now() > end) throw new Error(`never: ${condition}`);
    await rest(50);
  }
}
