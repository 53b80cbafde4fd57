/** Colours between the panel and a series' colour, and an ink that can be read on them. */
import { color } from "./theme.js";

function channels(hex) {
  const digits = hex.length === 4 ? [...hex.slice(1)].map((digit) => digit + digit).join("") : hex.slice(1);
  return [0, 2, 4].map((i) => parseInt(digits.slice(i, i + 2), 16));
}

/** Relative luminance as WCAG defines it. */
function luminance(rgb) {
  const [r, g, b] = rgb.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Where black and white can be read equally well: either has a contrast of at least 4.58 to any colour. */
const MIDDLE = Math.sqrt(1.05 * 0.05) - 0.05;

/**
 * @param {string} name custom property of the full colour, as "--train"
 * @param {number} share 0: the panel's colour, 1: the full one
 * @returns {{background: string, ink: string}}
 */
export function shade(name, share) {
  const from = channels(color("--panel"));
  const to = channels(color(name));
  const mixed = from.map((value, i) => Math.round(value + (to[i] - value) * share));
  return { background: `rgb(${mixed.join(" ")})`, ink: luminance(mixed) > MIDDLE ? "#000" : "#fff" };
}
