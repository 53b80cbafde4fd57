/** Wires the page: features -> session -> controls and drawings. Everything heavy is in the worker. */
import { besides, roundings } from "./difference.js";
import { detect, obstacle } from "./features.js";
import { fixed, megabytes, percent, short } from "./format.js";
import { drawing } from "./frames.js";
import { isolate } from "./isolation.js";
import { isSavedRun } from "./kept/keeping.js";
import { keepOffline } from "./offline.js";
import { accuracyPlot } from "./plots/accuracy.js";
import { lossPlot } from "./plots/loss.js";
import * as activations from "./panels/activations.js";
import * as compare from "./panels/compare.js";
import * as device from "./panels/device.js";
import * as errors from "./panels/errors.js";
import * as gradients from "./panels/gradients.js";
import * as health from "./panels/health.js";
import * as lessons from "./panels/lessons.js";
import * as levels from "./panels/levels.js";
import * as outlier from "./panels/outlier.js";
import * as ptq from "./panels/ptq.js";
import * as runs from "./panels/runs.js";
import * as share from "./panels/share.js";
import * as sweep from "./panels/sweep.js";
import * as tryIt from "./panels/try.js";
import * as weights from "./panels/weights.js";
import { Session } from "./session.js";
import { display, SETTINGS } from "./settings.js";
import { showEpochs, speak } from "./ui/a11y.js";
import { changesText, Controls } from "./ui/controls.js";
import { showDataset } from "./ui/dataset.js";
import { wireDrop } from "./ui/drop.js";
import { notify } from "./ui/notices.js";
import { otherFile } from "./ui/otherfiles.js";
import { showProgress } from "./ui/progress.js";
import { showTransport, wireTransport } from "./ui/transport.js";
import { applyView, wholePage } from "./view.js";

/**
 * The panels of the page, in the order in which they stand: name, module and the id of the element that takes them
 * in. The panel is a <section id="NAME" class="panel NAME" aria-labelledby="NAME-title">, made here, with a heading
 * NAME-title, made by the module; where that element is itself called NAME, it is the panel.
 *
 * @typedef {(root: HTMLElement, session: Session) => void} Mount
 *   The panel listens to what it needs of the session (events.js); what it draws goes through frames.js
 * @type {[string, {mount: Mount}, string][]}
 */
const PANELS = [
  ["health", health, "health"],
  ["levels", levels, "levels"],

  ["compare", compare, "lab"],
  ["ptq", ptq, "lab"],
  ["sweep", sweep, "lab"],
  ["outlier", outlier, "lab"],

  ["weights", weights, "panels"],
  ["activations", activations, "panels"],
  ["gradients", gradients, "panels"],
  ["errors", errors, "panels"],
  ["try", tryIt, "panels"],
  ["runs", runs, "panels"],
  ["share", share, "panels"],

  ["device", device, "aside"],
  ["lessons", lessons, "lessons"],
];

/** Makes a panel's place in the page and lets the module fill it. */
function mountPanel([name, module, place], session) {
  let root = at(place);
  if (place !== name) {
    root = root.appendChild(document.createElement("section"));
    root.id = name;
    root.className = `panel ${name}`;
    root.setAttribute("aria-labelledby", `${name}-title`);
  }
  module.mount(root, session);
}

const at = (id) => document.getElementById(id);
const SIMD_NAMES = { "relaxed-simd": "relaxed SIMD", simd128: "SIMD", scalar: "scalar" };

/** One line that says what a run is. */
function runTitle({ info, settings, data }) {
  const parts = ["model", "quantizer", "batch", "lr", "seed"].map((key) => SETTINGS.find((setting) => setting.key === key));
  const values = parts.map((setting) => {
    const text = display(setting, settings[setting.key]);
    if (setting.key === "quantizer") return [roundings(settings), ...besides(settings)].join(", ");
    return { batch: `batch ${text}`, lr: `rate ${text}`, seed: `seed ${text}` }[setting.key] ?? text;
  });
  return [...values, data.name, `${info.parameters.toLocaleString("en")} parameters`].join(" · ");
}

function showEngine({ engine, memory, features }) {
  if (!engine) return;
  const threads = at("engine-threads");
  threads.textContent = String(engine.threads);
  threads.title = features.isolated ? `${features.cores} cores` : "One: the page is not cross-origin isolated";
  at("engine-simd").textContent = SIMD_NAMES[engine.simd] ?? engine.simd;
  at("engine-simd").title = `Build "${engine.build}", ${engine.exact ? "exact" : "fast: may differ between processors"}`;
  at("engine-memory").textContent = megabytes(memory);
}

function showPending(session) {
  const { waiting, run, settings } = session;
  const some = waiting.length > 0 && run.begun;
  at("pending").classList.toggle("on", some);
  at("reset").classList.toggle("waiting", some);
  const text = some
    ? `Waiting for a reset: ${changesText(waiting, run.settings, settings)}.`
    : "Changes during a run wait for a reset.";
  at("pending-text").textContent = at("pending-text").title = text;
  for (const button of at("pending").querySelectorAll("button")) button.disabled = !some;
}

function build(features) {
  const session = new Session(features, notify);
  const plots = [accuracyPlot(), lossPlot()];
  const controls = new Controls((key, value) => {
    session.set(key, value);
    // At once: keys come faster than frames, and one setting decides what another one takes.
    showSettings();
  });

  const drawStatus = drawing(() => {
    showTransport(session);
    showProgress(session);
    showEngine(session);
    const { run, runs } = session;
    const whose = runs.length > 1 ? ` (${run.label})` : "";
    at("lr-now").textContent = short(run?.last?.lr) + whose;
    at("grad-now").textContent = fixed(run?.last?.gradNorm, 2) + whose;
    at("best-now").textContent = percent(run?.best) + whose;
  }, 60);
  const showSettings = () => {
    controls.show(session.settings, session.run?.begun ? session.waiting : []);
    showPending(session);
    at("plots").classList.toggle("paired", session.paired);
    at("whole-page").href = wholePage(session.settings);
    if (session.run) at("settings-summary").textContent = runTitle(session.run);
  };
  const drawSettings = drawing(showSettings);

  /** What each event of the session makes the page's frame do; the panels have their own. */
  const reactions = {
    settings: drawSettings,
    engine: () => {
      drawSettings();
      drawStatus();
    },
    data: () => showDataset(session.loaded),
    run: () => {
      for (const plot of plots) plot.show(session.runs);
      showEpochs(session.runs);
      drawSettings();
      drawStatus();
    },
    status: () => {
      drawStatus();
      drawSettings();
      if (session.run && !session.playing) speak(session, true);
    },
    steps: () => {
      for (const plot of plots) plot.redraw();
      drawStatus();
      speak(session);
    },
    epoch: () => {
      for (const plot of plots) plot.redraw();
      showEpochs(session.runs);
      drawStatus();
    },
    loading: drawStatus,
  };

  // The frame first, then the panels in their order.
  for (const [name, react] of Object.entries(reactions)) session.on(name, react);
  for (const panel of PANELS) mountPanel(panel, session);
  wireTransport(session);
  wireDrop(async (entries) => {
    if (entries.length === 1 && isSavedRun(entries[0].file)) return session.keeping.openFile(entries[0].file);
    const other = entries.length === 1 ? await otherFile(entries[0].file) : null;
    if (other) return notify("info", other.text, other.actions);
    return session.read(entries);
  }, notify);
  const actions = { apply: () => session.reset(), "race-waiting": () => session.experiments.raceWaiting(), undo: () => session.undo() };
  for (const [id, act] of Object.entries(actions)) {
    at(id).addEventListener("click", () => {
      // The button can be pressed no more: the focus stays in its panel.
      at("settings").querySelector("summary").focus({ preventScroll: true });
      act();
    });
  }
  applyView(session.settings);
  drawSettings();
  drawStatus();
  return session;
}

/** The page without an engine: says why, and lets nothing be pressed in vain. */
function showObstacle(reason) {
  at("obstacle").textContent = reason;
  at("obstacle").hidden = false;
  document.body.dataset.status = "unable";
  for (const button of document.querySelectorAll(".transport button, #pick, #pick-folder")) button.disabled = true;
}

const reason = obstacle(detect());
const session = build(detect());
/** For the console and for tests: what the page knows. */
globalThis.nibble = session;

if (reason) {
  showObstacle(reason);
} else {
  const { embed } = session.settings;
  // A frame is small, and on one thread by nature: the engine's line says so.
  const lost = embed ? null : await isolate();
  if (lost) notify("info", lost);
  await session.start();
  // A frame of another page keeps nothing; and only once the first run is there does it take a turn.
  if (!embed) {
    // At once: all that is kept for offline use may take its time.
    await session.keeping.offer();
    session.isOffline(await keepOffline());
  }
}
