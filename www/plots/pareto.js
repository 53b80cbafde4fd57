/** Accuracy against kilobytes: a dot a run with what chance does to it, and a line along those that nothing smaller beats. */
import { frontOf, marksOf } from "../bits/pareto.js";
import { percent } from "../format.js";
import { FONT, prepare } from "./canvas.js";
import { color } from "./theme.js";

const EDGES = { left: 46, right: 16, top: 12, bottom: 34 };
const RADIUS = 5;
const LINES = 4;

function axes(dots) {
  const sizes = dots.map(({ kilobytes }) => Math.log(kilobytes));
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const pad = Math.max(0.1, 0.08 * (most - least));
  const lows = dots.map(({ accuracy, margin }) => accuracy - margin);
  const highs = dots.map(({ accuracy, margin }) => accuracy + margin);
  const [low, high] = [Math.max(0, Math.min(...lows)), Math.min(1, Math.max(...highs))];
  return { x: [least - pad, most + pad], y: [low, Math.max(high, low + 0.01)] };
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {import("../bits/pareto.js").Dot[]} dots
 * @returns {{dot: import("../bits/pareto.js").Dot, x: number, y: number}[]} where each stands, in CSS pixels
 */
export function drawPareto(canvas, dots) {
  const prepared = prepare(canvas);
  if (!prepared || dots.length === 0) return [];
  const { context, wide, high } = prepared;
  const range = axes(dots);
  const x = (kilobytes) => EDGES.left + ((Math.log(kilobytes) - range.x[0]) / (range.x[1] - range.x[0])) * (wide - EDGES.left - EDGES.right);
  const y = (share) => high - EDGES.bottom - ((share - range.y[0]) / (range.y[1] - range.y[0])) * (high - EDGES.top - EDGES.bottom);
  drawAxes(context, { range, wide, high, x, y });
  const placed = dots.map((dot) => ({ dot, x: x(dot.kilobytes), y: y(dot.accuracy) }));
  const front = frontOf(dots);
  context.strokeStyle = color("--level");
  context.lineWidth = 1.5;
  context.beginPath();
  front.forEach(({ kilobytes, accuracy }, i) => {
    if (i > 0) context.lineTo(x(kilobytes), y(front[i - 1].accuracy));
    context.lineTo(x(kilobytes), y(accuracy));
  });
  context.stroke();
  for (const { dot, x: at, y: on } of placed) {
    context.strokeStyle = context.fillStyle = color(dot.here ? "--test" : "--run-a");
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(at, y(dot.accuracy - dot.margin));
    context.lineTo(at, y(dot.accuracy + dot.margin));
    context.stroke();
    context.beginPath();
    context.arc(at, on, dot.here ? RADIUS + 1 : RADIUS, 0, 2 * Math.PI);
    context.fill();
  }
  return placed;
}

function drawAxes(context, { range, wide, high, x, y }) {
  context.font = FONT;
  context.textAlign = "right";
  context.textBaseline = "middle";
  const digits = range.y[1] - range.y[0] < 0.08 ? 1 : 0;
  for (let line = 0; line <= LINES; line++) {
    const share = range.y[0] + (line / LINES) * (range.y[1] - range.y[0]);
    context.fillStyle = color("--grid");
    context.fillRect(EDGES.left, Math.round(y(share)), wide - EDGES.left - EDGES.right, 1);
    context.fillStyle = color("--ink-2");
    context.fillText(percent(share, digits), EDGES.left - 6, y(share));
  }
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  for (const size of marksOf(range.x.map(Math.exp))) context.fillText(`${Number(size.toPrecision(2))} KB`, x(size), high - 18);
  context.fillText("weights, without their scales", (EDGES.left + wide - EDGES.right) / 2, high - 3);
}
