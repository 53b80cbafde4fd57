/** What the browser itself says of frames, of long tasks and of layout shifts, for tests and benches. */

/** Runs in the page before its scripts. */
export function observe() {
  globalThis.observed = { tasks: [], shift: 0 };
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) observed.tasks.push({ at: startTime, ms: duration });
  }).observe({ type: "longtask", buffered: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) observed.shift += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
}

/**
 * Runs in the page: the intervals between animation frames over so many milliseconds, shortest first, and the tasks over
 * 50 ms meanwhile.
 */
export function frames(ms) {
  return new Promise((resolve) => {
    const intervals = [];
    const start = performance.now();
    let last = start;
    const frame = (now) => {
      intervals.push(now - last);
      last = now;
      if (now - start < ms) requestAnimationFrame(frame);
      else resolve({ intervals: intervals.slice(1).sort((a, b) => a - b), tasks: observed.tasks.filter(({ at }) => at >= start) });
    };
    requestAnimationFrame(frame);
  });
}

/** The number below which such a share of numbers is. @param {number[]} sorted the smallest first */
export const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

/** When the page first showed anything, in milliseconds after its address was opened. */
export const firstPaint = (page) => page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);

/**
 * Tasks over 50 ms on the page's thread while `wait` lasts. A task is also long when other programs have the cores: the
 * best of three windows is the page's own doing.
 * @param {(window: number) => Promise<unknown>} wait is given 1, 2, 3
 */
export async function longTasks(page, wait) {
  let tasks = [];
  for (let window = 1; window <= 3; window++) {
    const from = await page.evaluate(() => performance.now());
    await wait(window);
    tasks = await page.evaluate((start) => observed.tasks.filter(({ at }) => at >= start), from);
    if (tasks.length === 0) break;
  }
  return tasks;
}
