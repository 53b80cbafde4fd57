/** The settings: those that are changed most, and all others in a drawer that can be searched. */
import { runTitle } from "../ui/bar.js";
import { wireControls } from "../ui/controls.js";
import { setText } from "../ui/dom.js";

const MARKUP = `
  <header>
    <h2 id="settings-title">Settings</h2> <p class="panel-about" id="settings-summary"></p>
    <p class="settings-find"><label for="settings-search">Search all</label> <input type="search" id="settings-search" autocomplete="off" placeholder="rate, tanh, batch norm"> <span class="note" id="settings-found" role="status"></span></p>
  </header>
  <div class="controls quick" data-keys="data model quantizer bits epochs lr"></div>
  <details class="all-settings" id="all-settings">
    <summary>All settings</summary>
    <div class="groups">
      <fieldset data-place="top"><legend>Run</legend></fieldset>
      <fieldset class="method" data-place="method"><legend>Method</legend></fieldset>
      <fieldset data-place="seed"><legend>Seed</legend></fieldset>
    </div>
  </details>`;

/** Shows the controls that have all these words in their label, hint or address. */
function find(root, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  const drawer = root.querySelector("#all-settings");
  for (const box of drawer.querySelectorAll(".control")) {
    const about = `${box.textContent} ${box.dataset.key}`.toLowerCase();
    const found = words.every((word) => about.includes(word));
    box.classList.toggle("not-found", !found);
    count += found ? 1 : 0;
  }
  for (const group of drawer.querySelectorAll("fieldset")) group.classList.toggle("not-found", !group.querySelector(".control:not(.not-found)"));
  return words.length === 0 ? "" : `${count} found`;
}

/** Closes the drawer. */
export const fold = () => (document.getElementById("all-settings").open = false);

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  root.innerHTML = MARKUP;
  wireControls(root, session);
  const search = root.querySelector("#settings-search");
  search.addEventListener("input", () => {
    setText(root.querySelector("#settings-found"), find(root, search.value));
    if (search.value) root.querySelector("#all-settings").open = true;
  });
  session.on("run", () => setText(root.querySelector("#settings-summary"), session.run ? runTitle(session.run) : ""));
}
