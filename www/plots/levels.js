/**
 * The levels of a scheme on a number line, in units of the scale: a tick each, a longer one for 0. Closer ones than a
 * pixel become a band.
 */
import { levelName, levelsToName } from "../grid.js";
import { FONT, prepare } from "./canvas.js";
import { color } from "./theme.js";

const EDGE = 12;
const LABELS = 15;
/** What a name of usual length takes of the width, and what is free between two. */
const NAME = 40;
const BETWEEN = 8;

/** Ticks are drawn broader where each has so many pixels. */
const ROOMY = 8;

/** Names the ends, and of the other levels as many as do not touch. */
function drawNames(context, levels, x, bottom) {
  context.fillStyle = color("--ink-2");
  context.font = FONT;
  context.textBaseline = "alphabetic";
  const last = levels.length - 1;
  const taken = [];
  for (const i of [0, last, ...levelsToName(levels, NAME / (x(1) - x(0)))]) {
    const at = x(levels[i]);
    const name = levelName(levels[i]);
    const half = context.measureText(name).width / 2;
    // Those of the ends begin and end with the line.
    const middle = i === 0 ? at - EDGE + half : i === last ? at + EDGE - half : at;
    if (taken.some((other) => Math.abs(other.middle - middle) < other.half + half + BETWEEN)) continue;
    taken.push({ middle, half });
    context.textAlign = "center";
    context.fillText(name, middle, bottom);
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Float32Array} levels lowest first
 * @param {{named?: boolean}} [how] `named`: with the names of the levels below (true unless told)
 */
export function drawLevels(canvas, levels, { named = true } = {}) {
  const drawn = prepare(canvas);
  if (!drawn) return;
  const { context, wide, high } = drawn;
  const [first, last] = [Math.min(0, levels[0]), Math.max(0, levels.at(-1))];
  const x = (level) => EDGE + ((level - first) / (last - first)) * (wide - 2 * EDGE);
  const base = named ? high - LABELS : high - 1;
  context.fillStyle = color("--line-strong");
  context.fillRect(EDGE, base - 1, wide - 2 * EDGE, 1);
  context.fillStyle = color("--level");
  const tick = levels.length * ROOMY < wide ? 2 : 1;
  let column = -1;
  for (const level of levels) {
    const at = Math.round(x(level));
    if (at === column) continue;
    column = at;
    const tall = Math.round(level === 0 ? base : base * 0.6);
    context.fillRect(at, base - tall, tick, tall);
  }
  if (named) drawNames(context, levels, x, high - 3);
}
