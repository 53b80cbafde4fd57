/**
 * A strip: how fast it trains, how large the gradient is, how many weights sit at the ends of their grid, and whether
 * every number is still finite. Where one is not, training has stopped before that step: what to try is offered.
 */
import { outlierStands } from "../experiments.js";
import { fixed, percent, short, whole } from "../format.js";
import { drawing } from "../frames.js";
import { hasInside, pressure } from "../grid.js";
import { prepare } from "../plots/canvas.js";
import { RUN_COLORS } from "../plots/curves.js";
import { color, onThemeChange } from "../plots/theme.js";
import { remedies } from "../remedies.js";
import { speedOf } from "../runs.js";
import { display, settingOf } from "../settings.js";
import { computeSpeeds } from "../speeds.js";
import { median } from "../stats.js";
import { setText } from "../ui/dom.js";
import { termMarkup } from "../ui/term.js";

const MARKUP = `
  <h2 class="visually-hidden" id="health-title">Health of the training</h2>
  <dl>
    <div><dt>Speed</dt><dd><output id="speed">–</output> <span id="speed-unit">images/s</span> <span id="speed-beside"></span></dd></div>
    <div class="health-gradient"><dt>${termMarkup("gradient", "Gradient norm")}</dt><dd><span id="health-gradient">–</span><canvas id="health-trend" role="img" aria-label="Gradient norm: no training yet."></canvas></dd></div>
    <div><dt>${termMarkup("saturation", "Saturation")}</dt><dd id="health-saturation">–</dd></div>
    <div><dt>Numbers</dt><dd id="health-numbers">–</dd></div>
  </dl>
  <p id="health-verdict" class="health-verdict"></p>`;

/** A gradient this small moves nothing any more. */
const VANISHED = 1e-6;
/** A gradient so many times its usual size has left it. */
const GROWN = 10;
/** Steps that count as now: a single batch may be an odd one. */
const NOW = 5;
/** Before so many steps nothing is usual. */
const USUAL_FROM = 20;

/** The layer whose `value` is largest, of those that have more levels than ends; null where none has. */
function foremost(run, value) {
  return run.layers.filter(hasInside).reduce((most, layer) => (most && value(most) >= value(layer) ? most : layer), null);
}

/** The largest share of a layer's weights on its two outermost levels. */
const saturation = (run) => percent(foremost(run, ({ saturatedShare }) => saturatedShare)?.saturatedShare);

/** How many times its usual size the gradient is. */
const growth = ({ gradNorms }) => median(gradNorms.slice(-NOW)) / Math.max(VANISHED, median(gradNorms));

/** What is wrong with a run, in a sentence; null: nothing that these figures show. */
function trouble(run) {
  if (run.alarm) return `Stopped before step ${whole(run.alarm.step)}. The last good weights are kept.`;
  if (!run.trained || !run.last) return null;
  if (run.last.gradNorm < VANISHED) return "The gradient has vanished: nothing moves any more.";
  const layer = foremost(run, pressure);
  if (layer && pressure(layer) > 1) return `${layer.name} presses against the ends of its grid: ${percent(layer.saturatedShare, 0)} of its weights lie on them.`;
  if (run.gradNorms.length < USUAL_FROM) return null;
  const times = growth(run);
  if (times > GROWN) return `The gradient is ${whole(times)} times its usual size${run.settings.clip ? "" : ", and nothing clips it"}.`;
  return run.smooth.loss.value > Math.log(run.data.classes.length) ? "The loss is no better than guessing." : null;
}

/** What these figures mean, in a sentence. */
function verdict(run) {
  const wrong = trouble(run);
  if (wrong) return wrong;
  if (!run.trained || !run.last) return "Nothing trained yet.";
  const { clip, clipnorm } = run.settings;
  if (!clip) return "Healthy. Nothing clips the gradient.";
  return run.last.gradNorm > clipnorm ? `Healthy. The gradient is above ${short(clipnorm)}: it is clipped to that.` : "Healthy.";
}

/** Of a run that computes in another way than by default, how fast that would be: "(250 in floating point)"; nothing where it was not measured. */
function besideText({ run, engine }) {
  const compute = settingOf("compute");
  if (!run || !engine || run.settings.compute === compute.default) return "";
  const speed = computeSpeeds(run.settings, engine)?.[compute.default];
  return speed ? `(${whole(speed)} in ${display(compute, compute.default).toLowerCase()})` : "";
}

/** What happened, for the message. */
function story({ alarm, label }, two) {
  const what = Number.isFinite(alarm.loss) ? `the gradient was ${alarm.gradNorm}` : `the loss was ${alarm.loss}`;
  return `${two ? `${label} stopped` : "Training stopped"}: at step ${whole(alarm.step)} ${what}. That step was not taken; the weights are those before it. Go on with:`;
}

function drawTrend(canvas, runs) {
  const prepared = prepare(canvas);
  if (!prepared) return;
  const { context, wide, high } = prepared;
  const trends = runs.map(({ gradNorms, slot }) => ({ slot, ys: gradNorms.map((norm) => Math.log10(Math.max(norm, VANISHED))) }));
  const all = trends.flatMap(({ ys }) => ys).filter(Number.isFinite);
  if (all.length < 2) return;
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const reach = Math.max(0.3, most - least);
  for (const { slot, ys } of trends) {
    context.beginPath();
    ys.forEach((y, i) => context.lineTo(2 + (i / Math.max(1, ys.length - 1)) * (wide - 4), high - 3 - ((y - least) / reach) * (high - 6)));
    context.strokeStyle = color(RUN_COLORS[slot]);
    context.setLineDash(slot === 1 && runs.length > 1 ? [4, 3] : []);
    context.lineWidth = 1.5;
    context.stroke();
  }
}

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  root.innerHTML = MARKUP;
  const find = (id) => root.querySelector(`#health-${id}`);
  /** The alarms that a message tells of -> takes the message away. */
  const told = new Map();

  const show = (id, text) => {
    const node = find(id);
    if (node.textContent !== text) node.textContent = node.title = text;
  };

  const draw = drawing(() => {
    const { runs } = session;
    const alarmed = runs.find(({ alarm }) => alarm);
    root.classList.toggle("alarmed", Boolean(alarmed));
    setText(root.querySelector("#speed"), whole(session.run ? speedOf(runs) : NaN));
    setText(root.querySelector("#speed-unit"), session.paired ? "images/s, both" : "images/s");
    setText(root.querySelector("#speed-beside"), session.paired ? "" : besideText(session));
    const each = (value) => runs.map(value).join(" | ") || "–";
    show("gradient", each((run) => fixed(run.last?.gradNorm, 2)));
    show("saturation", each(saturation));
    show("numbers", alarmed ? "not finite" : runs.some(({ trained }) => trained) ? "all finite" : "–");
    const worst = alarmed ?? runs.find(trouble) ?? session.run;
    show("verdict", worst ? (runs.length > 1 ? `${worst.label}: ` : "") + verdict(worst) : "");
    const canvas = find("trend");
    canvas.setAttribute("aria-label", `Gradient norm of the last steps: ${each((run) => `${runs.length > 1 ? `${run.label} ` : ""}${fixed(run.last?.gradNorm, 2)}`)}.`);
    drawTrend(canvas, runs);
  }, 200);

  function alarm(run) {
    if (told.has(run.alarm)) return;
    const actions = remedies(run.settings).map(({ difference, label }) => ({
      label,
      act: () => session.experiments.goOnWith(run, difference),
    }));
    if (outlierStands(run)) actions.unshift({ label: "The outlier taken out", act: () => session.experiments.removeOutlier(run) });
    told.set(run.alarm, session.notify("error", story(run, session.runs.length > 1), actions));
  }

  /** Messages of alarms that are over go. */
  function dismiss() {
    for (const [over, remove] of told) {
      if (session.runs.some(({ alarm }) => alarm === over)) continue;
      remove();
      told.delete(over);
    }
  }

  onThemeChange(draw);
  new ResizeObserver(draw).observe(find("trend"));
  draw();
  session.on("alarm", () => {
    for (const run of session.runs) if (run.alarm) alarm(run);
  });
  session.onAny(dismiss);
  session.on(["run", "steps", "layers", "epoch", "status", "alarm"], draw);
}
