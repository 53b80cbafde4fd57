/**
 * What pictures of values and their levels are made of: a histogram, the lines of a grid, a bar for each level, and its
 * name. Heights are on a square-root scale. `x` gives the place of a value.
 */
import { gaps, levelNames, levelsToName } from "../grid.js";
import { color } from "./theme.js";

/** The lines of closer levels than this, in pixels, would only be a grey smear. */
const CLOSEST_GRID = 3;
/** An axis ends at one of these times a power of ten, so that it moves seldom. */
const ENDS = [1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];
/** Pixels between two names of levels, at least. */
const NAME_GAP = 6;
export const SMALL_FONT = "11px system-ui, sans-serif";

/** Square roots keep the tails visible: the outermost level may hold a single weight. */
const height = (count, most, full) => (most > 0 ? Math.sqrt(count / most) * full : 0);

/** Where an axis ends that reaches at least to `reach`. */
export function axisEnd(reach) {
  if (!(reach > 0) || !Number.isFinite(reach)) return 1;
  const decade = 10 ** Math.floor(Math.log10(reach));
  return decade * ENDS.find((end) => end * decade >= reach * (1 - 1e-9));
}

/** Above the line, or below it where `full` is negative. */
export function drawHistogram(context, { min, max, counts }, x, base, full) {
  const most = Math.max(...counts);
  const width = (max - min) / counts.length;
  context.beginPath();
  context.moveTo(x(min), base);
  counts.forEach((count, i) => {
    const top = base - height(count, most, full);
    context.lineTo(x(min + i * width), top);
    context.lineTo(x(min + (i + 1) * width), top);
  });
  context.lineTo(x(max), base);
  context.closePath();
  context.fill();
}

/** Where each level is, and how much room it has, in pixels. */
function places({ levels }, x) {
  const room = gaps(levels).map((gap) => x(gap) - x(0));
  return levels.map((level, i) => ({ at: x(level), room: room[i] }));
}

export function drawGrid(context, grid, x, top, base) {
  context.beginPath();
  for (const { at, room } of places(grid, x)) {
    if (room < CLOSEST_GRID) continue;
    const line = Math.round(at) + 0.5;
    context.moveTo(line, top);
    context.lineTo(line, base);
  }
  context.strokeStyle = color("--level-grid");
  context.lineWidth = 1;
  context.stroke();
}

export function drawLevels(context, grid, x, base, full, widest) {
  const { levelCounts } = grid;
  const most = Math.max(...levelCounts);
  places(grid, x).forEach(({ at, room }, i) => {
    const width = Math.max(1, Math.min(widest, 0.55 * room));
    if (levelCounts[i] > 0) {
      context.fillStyle = color("--level");
      context.fillRect(at - width / 2, base, width, Math.max(2, height(levelCounts[i], most, full)));
    } else if (width > 2) {
      context.beginPath();
      context.arc(at, base + 5, 2.5, 0, 2 * Math.PI);
      context.strokeStyle = color("--unused");
      context.lineWidth = 1.25;
      context.stroke();
    }
  });
}

/** What the levels are called, under their bars: every one, or as many as do not touch. */
export function drawLevelNames(context, grid, x, bottom) {
  const names = levelNames(grid);
  context.fillStyle = color("--level");
  context.font = SMALL_FONT;
  context.textAlign = "center";
  const widths = names.map((name) => context.measureText(name).width + NAME_GAP);
  const taken = [];
  for (const i of levelsToName(grid.levels, Math.max(...widths) / (x(1) - x(0)))) {
    const at = x(grid.levels[i]);
    if (taken.some(({ place, wide }) => Math.abs(place - at) < (wide + widths[i]) / 2)) continue;
    taken.push({ place: at, wide: widths[i] });
    context.fillText(names[i], at, bottom);
  }
}
