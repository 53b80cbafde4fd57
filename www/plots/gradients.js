/** The norm of each layer's gradient over the epochs, on a logarithmic axis: a line a layer, the paler the nearer to the image. */
import { short } from "../format.js";
import { FONT, prepare } from "./canvas.js";
import { shade } from "./shade.js";
import { color } from "./theme.js";

const EDGES = { left: 52, right: 74, top: 10, bottom: 22 };
/** Pixels between two names at the ends of lines. */
const NAME_HEIGHT = 14;
/** The palest line, as a share of the full colour. */
const PALEST = 0.35;
/** Norms below this are drawn as this. */
const LEAST = 1e-9;
/** Lines across are at these times a power of ten, or at the powers alone where there would be more than so many. */
const LINES = [1, 2, 5];
const MOST_LINES = 8;

const decadeOf = (norm) => 10 ** Math.floor(Math.log10(norm));
/** Where the axis begins and where it ends for norms from `least` to `most`: at a line across each. */
function reach(least, most) {
  const low = decadeOf(least) * LINES.findLast((factor) => factor * decadeOf(least) <= least);
  const above = decadeOf(most) * (LINES.find((factor) => factor * decadeOf(most) > most) ?? 10);
  return [low, above];
}

/** Lines across between the ends of an axis, both included. */
function linesAcross(low, top) {
  const inside = (factors) => {
    const lines = [];
    // A little beyond, since powers of ten are not exact.
    for (let decade = decadeOf(low); decade <= top * 1.001; decade *= 10) {
      lines.push(...factors.map((factor) => factor * decade).filter((line) => line > low * 0.999 && line < top * 1.001));
    }
    return lines;
  };
  const fine = inside(LINES);
  return fine.length > MOST_LINES ? inside([1]) : fine;
}

/** Places of the names, each as near to the end of its line as the others let it be. */
function spread(ends, top, bottom) {
  const order = ends.map((_, i) => i).sort((a, b) => ends[a] - ends[b]);
  const places = [...ends];
  let least = top;
  for (const i of order) {
    places[i] = Math.max(places[i], least);
    least = places[i] + NAME_HEIGHT;
  }
  let most = bottom;
  for (const i of order.toReversed()) {
    places[i] = Math.min(places[i], most);
    most = places[i] - NAME_HEIGHT;
  }
  return places;
}

function drawAxis(context, { wide, high, x, y, across, epochs }) {
  context.font = FONT;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const norm of across) {
    context.fillStyle = color("--grid");
    context.fillRect(EDGES.left, Math.round(y(norm)), wide - EDGES.left - EDGES.right, 1);
    context.fillStyle = color("--ink-2");
    context.fillText(short(norm).replace("-", "−"), EDGES.left - 8, y(norm));
  }
  context.textBaseline = "alphabetic";
  for (const [epoch, align] of [[epochs[0], "left"], [epochs.at(-1), "right"]]) {
    context.textAlign = align;
    context.fillText(`epoch ${epoch}`, x(epoch), high - 5);
    if (epochs.length === 1) return;
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {object} norms
 * @param {number[]} norms.epochs in order
 * @param {{name: string, values: number[]}[]} norms.layers from the image to the classes; a value an epoch
 * @param {number} at which of the epochs is shown elsewhere: marked, where it is not the last; -1: none is
 */
export function drawGradients(canvas, { epochs, layers }, at) {
  const drawn = prepare(canvas);
  if (!drawn || epochs.length === 0) return;
  const { context, wide, high } = drawn;
  const all = layers.flatMap(({ values }) => values).map((norm) => Math.max(norm, LEAST));
  const [low, top] = reach(Math.min(...all), Math.max(...all));
  const [width, height] = [wide - EDGES.left - EDGES.right, high - EDGES.top - EDGES.bottom];
  const x = (epoch) => EDGES.left + (epochs.length > 1 ? ((epoch - epochs[0]) / (epochs.at(-1) - epochs[0])) * width : 0);
  const y = (norm) => EDGES.top + (1 - Math.log(Math.max(norm, low) / low) / Math.log(top / low)) * height;
  drawAxis(context, { wide, high, x, y, across: linesAcross(low, top), epochs });

  if (at >= 0 && at < epochs.length - 1) {
    context.fillStyle = color("--line-strong");
    context.fillRect(Math.round(x(epochs[at])), EDGES.top, 1, height);
  }
  const names = spread(layers.map(({ values }) => y(values.at(-1))), EDGES.top, high - EDGES.bottom);
  layers.forEach(({ name, values }, i) => {
    const ink = shade("--train", PALEST + (1 - PALEST) * (layers.length > 1 ? i / (layers.length - 1) : 1)).background;
    context.strokeStyle = context.fillStyle = ink;
    context.lineWidth = 2;
    context.lineJoin = "round";
    context.beginPath();
    values.forEach((norm, k) => context.lineTo(x(epochs[k]), y(norm)));
    context.stroke();
    if (at >= 0) {
      context.beginPath();
      context.arc(x(epochs[at]), y(values[at]), 2.5, 0, 2 * Math.PI);
      context.fill();
    }
    context.fillStyle = color("--ink");
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.fillText(name, x(epochs.at(-1)) + 10, names[i]);
  });
}
