/** What computes: threads and arithmetic. */
import { wireControls } from "../ui/controls.js";

const MARKUP = `
  <h2 id="engine-title">Engine</h2>
  <div class="engine-settings" data-place="engine"></div>`;

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  root.innerHTML = MARKUP;
  wireControls(root, session);
}
