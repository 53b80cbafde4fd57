/** The colours of the style sheet, for what is drawn on a canvas; light or dark as the system asks. */

const dark = matchMedia("(prefers-color-scheme: dark)");
const cache = new Map();

/** Value of a custom property, e.g. color("--train"). */
export function color(name) {
  if (!cache.has(name)) cache.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return cache.get(name);
}

/** Calls `redraw` when the colours have changed. */
export function onThemeChange(redraw) {
  dark.addEventListener("change", () => {
    cache.clear();
    redraw();
  });
}
