/** How far apart two runs are: training accuracy all along, test accuracy after each epoch. Own canvas. */
import { drawing } from "../frames.js";
import { gapCurve, testGap } from "./measure.js";
import { FONT, prepare } from "../plots/canvas.js";
import { epochsEnd, RUN_COLORS } from "../plots/curves.js";
import { color, onThemeChange } from "../plots/theme.js";

const DRAW_INTERVAL_MS = 125;
const EDGES = { left: 46, right: 12, top: 8, bottom: 20 };
/** The axis reaches at least this many points up and down, and ends at a multiple of it. */
const ROUND_TO = 5;

export class GapPlot {
  #runs = [];
  #canvas;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    this.redraw = drawing(() => this.#draw(), DRAW_INTERVAL_MS);
    new ResizeObserver(this.redraw).observe(canvas);
    onThemeChange(this.redraw);
  }

  /** Shows the gap between these two runs from now on; with one run, an empty plot. */
  show(runs) {
    this.#runs = [...runs].sort((a, b) => a.slot - b.slot);
    this.redraw();
  }

  #draw() {
    const prepared = prepare(this.#canvas);
    if (!prepared) return;
    const { context, wide, high } = prepared;
    if (this.#runs.length < 2) return;

    const [a, b] = this.#runs;
    const training = gapCurve(a.curves.trainAccuracy, b.curves.trainAccuracy);
    const test = testGap(a, b);
    const most = Math.max(0, ...[...training.ys, ...test.ys].map(Math.abs));
    const reach = (Math.max(1, Math.ceil((100 * most * 1.05) / ROUND_TO)) * ROUND_TO) / 100;
    const end = epochsEnd(Math.max(a.epochsTrained, b.epochsTrained), Math.max(a.epochsTotal, b.epochsTotal));
    const x = (epoch) => EDGES.left + (epoch / end) * (wide - EDGES.left - EDGES.right);
    const middle = (EDGES.top + high - EDGES.bottom) / 2;
    const y = (gap) => middle - (gap / reach) * (middle - EDGES.top);
    drawAxis(context, { wide, high, x, y, reach, end });
    shade(context, training, x, y, [high, middle, color(RUN_COLORS[0])]);
    shade(context, training, x, y, [0, middle, color(RUN_COLORS[1])]);
    drawTest(context, test, x, y);
  }
}

function drawAxis(context, { wide, high, x, y, reach, end }) {
  context.font = FONT;
  context.fillStyle = color("--ink-2");
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const gap of [reach, 0, -reach]) {
    context.fillText(`${gap > 0 ? "+" : ""}${Math.round(100 * gap)}`.replace("-", "−"), EDGES.left - 8, y(gap));
    context.fillRect(EDGES.left, Math.round(y(gap)), wide - EDGES.left - EDGES.right, gap === 0 ? 1 : 0);
  }
  context.textBaseline = "alphabetic";
  context.textAlign = "center";
  for (const epoch of [0, end]) context.fillText(String(epoch), x(epoch), high - 4);
}

/** Fills between the curve and zero, on one side of it: the colour says who is ahead. */
function shade(context, { xs, ys }, x, y, [edge, middle, fill]) {
  if (xs.length === 0) return;
  context.save();
  context.beginPath();
  context.rect(0, Math.min(edge, middle), context.canvas.width, Math.abs(edge - middle));
  context.clip();
  context.beginPath();
  context.moveTo(x(xs[0]), middle);
  xs.forEach((epoch, i) => context.lineTo(x(epoch), y(ys[i])));
  context.lineTo(x(xs.at(-1)), middle);
  context.closePath();
  context.globalAlpha = 0.35;
  context.fillStyle = fill;
  context.fill();
  context.globalAlpha = 1;
  context.strokeStyle = fill;
  context.lineWidth = 1.5;
  context.beginPath();
  xs.forEach((epoch, i) => context.lineTo(x(epoch), y(ys[i])));
  context.stroke();
  context.restore();
}

function drawTest(context, { xs, ys }, x, y) {
  xs.forEach((epoch, i) => {
    context.beginPath();
    context.arc(x(epoch), y(ys[i]), 4, 0, 2 * Math.PI);
    context.fillStyle = color("--panel");
    context.fill();
    context.strokeStyle = color(RUN_COLORS[ys[i] > 0 ? 1 : 0]);
    context.lineWidth = 2;
    context.stroke();
  });
}
