/** What computes: threads and arithmetic, and how fast each way to compute is on this device. */
import { whole } from "../format.js";
import { drawing } from "../frames.js";
import { display, settingOf } from "../settings.js";
import { computeSpeeds } from "../speeds.js";
import { wireControls } from "../ui/controls.js";
import { setText } from "../ui/dom.js";

const MARKUP = `
  <h2 id="engine-title">Engine</h2>
  <div class="engine-settings" data-place="engine"></div>
  <p class="note" id="compute-speeds" role="status"></p>
  <button type="button" class="small" id="time-computes">Measure here</button>`;

const COMPUTE = settingOf("compute");

const wayText = (way) => display(COMPUTE, way).toLowerCase();

/** "Here SimpleResNet4bit trains 2,100 images/s in floating point, 2,200 in 8-bit integers (1.05 times)". */
function speedsText(model, speeds) {
  const [base, ...others] = Object.keys(speeds);
  const times = others.map((way) => `${whole(speeds[way])} in ${wayText(way)} (${(speeds[way] / speeds[base]).toFixed(2)} times)`);
  return `Here ${display(settingOf("model"), model)} trains ${whole(speeds[base])} images/s in ${wayText(base)}, ${times.join(", ")}.`;
}

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  root.innerHTML = MARKUP;
  wireControls(root, session);
  const [told, button] = ["#compute-speeds", "#time-computes"].map((selector) => root.querySelector(selector));
  button.addEventListener("click", () => session.run && session.experiments.timeComputes(session.run));
  const draw = drawing(() => {
    const { run, engine } = session;
    const speeds = run && engine && computeSpeeds(run.settings, engine);
    const isTiming = run?.timing !== undefined;
    button.disabled = !run || isTiming;
    setText(button, isTiming ? `Measuring: ${whole(100 * run.timing)} %` : speeds ? "Measure again" : "Measure here");
    setText(told, speeds ? speedsText(run.settings.model, speeds) : "How fast this network trains here by each way to compute: some steps of copies, timed in turn.");
  }, 200);
  draw();
  session.on(["run", "engine", "timed", "settings"], draw);
}
