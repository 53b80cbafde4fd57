/** Words that are told of in the glossary: buttons, so that a touch and a key open their entry too. */
import { element } from "./dom.js";

/** @param {string} entry of the glossary @param {string} [text] as it stands here */
export const term = (entry, text = "") => element("button", { type: "button", class: "term", "data-term": entry }, text);

/** The same as text, for markup. */
export const termMarkup = (entry, text) => `<button type="button" class="term" data-term="${entry}">${text}</button>`;

/** Opens the panel for whatever is pressed that asks for it; what it says is loaded then. */
export function wireTerms() {
  document.addEventListener("click", ({ target }) => {
    const asking = target.closest("[data-term]");
    if (asking) import("./help.js").then(({ openHelp }) => openHelp(asking.dataset.term, asking));
  });
}
