/**
 * Sweep: every combination of some settings and seeds, trained one run after the other. This is what stands there until
 * somebody uses it; all else is loaded then, or when an earlier visit has left a sweep.
 */
import { sweepIsLeft } from "../keys.js";

const MARKUP = `
  <header>
    <h2 id="sweep-title">Sweep</h2>
    <p class="plot-about">The same training with several values of a setting, over several seeds: what makes a difference, and what is chance.</p>
  </header>
  <div class="sweep-open" id="sweep-closed">
    <button type="button" id="sweep-open">Set up a sweep</button>
    <p class="note">Trains every combination of the values that you choose, each with several seeds, and shows means with their deviations.</p>
  </div>`;

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  root.innerHTML = MARKUP;
  const button = root.querySelector("#sweep-open");
  let opening = null;
  const open = () => {
    opening ??= import("../sweep/panel.js").then(
      ({ fill }) => fill(root, session),
      (error) => {
        opening = null;
        session.notify("error", `The sweep could not be loaded: ${error.message}`);
      },
    );
    return opening;
  };
  button.addEventListener("click", async () => (await open())?.focus());
  if (!sweepIsLeft(session.settings)) return;
  // Not before the page has its first run.
  let seen = false;
  session.on("run", () => {
    if (!seen) open();
    seen = true;
  });
}
