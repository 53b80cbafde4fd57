/** The panel behind "?": what the page is, how it trains, and what its words mean. */
import { GLOSSARY } from "../help/glossary.js";
import { element } from "./dom.js";

const ABOUT = `
  <h3 id="help-about">About</h3>
  <p>Nibble trains a convolutional network with 4-bit weights in this tab. Nothing is sent anywhere: pictures, runs and settings stay on this device. Runs are kept as they train, and the page works without a network after the first visit.</p>
  <p>The address of the page holds every setting: a link to it is a link to this run.</p>
  <h3 id="help-method">Method</h3>
  <p>Unless the settings say otherwise, at every step each layer’s weights are rounded to 15 evenly spaced values before the network sees them, and the gradient goes straight through the rounding to the 32-bit weights behind. That is the method of <a href="https://arxiv.org/abs/2603.13931">True 4-Bit Quantized Convolutional Neural Network Training on CPU</a> (2026), whose published curves are drawn faintly where they apply. What no setting changes stands in the room Model, under “What is fixed”.</p>
  <h3 id="help-words">Glossary</h3>`;

const idOf = (name) => `word-${name}`;

function make() {
  const close = element("button", { type: "button", class: "small", "aria-label": "Close" }, "Close");
  const words = Object.entries(GLOSSARY).flatMap(([name, { word, text }]) => [element("dt", { id: idOf(name), tabindex: "-1" }, word), element("dd", {}, text)]);
  const body = element("div", { class: "help-body" });
  body.innerHTML = ABOUT;
  body.append(element("dl", { class: "words" }, ...words));
  const dialog = element("dialog", { class: "help", id: "help", "aria-labelledby": "help-title" }, element("header", {}, element("h2", { id: "help-title", tabindex: "-1" }, "About and glossary"), close), body);
  close.addEventListener("click", () => dialog.close());
  // A press on the backdrop is a press on the dialog itself.
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  document.body.append(dialog);
  return dialog;
}

let dialog = null;

/**
 * @param {string} name of the entry that is shown; "": the panel from its beginning
 * @param {HTMLElement} from what was pressed: the focus goes back there
 */
export function openHelp(name, from) {
  dialog ??= make();
  if (!dialog.open) {
    dialog.showModal();
    dialog.addEventListener("close", () => from.focus({ preventScroll: true }), { once: true });
  }
  for (const marked of dialog.querySelectorAll(".meant")) marked.classList.remove("meant");
  const entry = name && document.getElementById(idOf(name));
  if (entry) entry.classList.add("meant");
  const shown = entry || document.getElementById("help-title");
  shown.focus({ preventScroll: true });
  shown.scrollIntoView({ block: entry ? "start" : "nearest" });
}
