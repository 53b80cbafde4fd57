/**
 * How much of the page is shown, by its address: `?embed` leaves a page's frame away, so that it fits into another
 * one, and `show=accuracy,weights` names the parts that stay.
 */
import { EMBEDDED, PARTS } from "./parts.js";
import { defaults, toQuery } from "./settings.js";

/** What is there in every view: the buttons, and what holds other parts. */
const ALWAYS = ["transport"];

/**
 * Applies the view, once, before anything is drawn.
 * @param {import("./settings.js").Settings} settings
 */
export function applyView({ embed, show }) {
  document.body.classList.toggle("embed", embed);
  if (!embed && show === "") return;
  const wanted = new Set([...ALWAYS, ...(show === "" ? EMBEDDED : show.split(","))]);
  for (const [name, selector] of Object.entries(PARTS)) {
    document.querySelector(selector)?.classList.toggle("left-out", !wanted.has(name));
  }
  document.body.classList.add("some-parts");
  // A column whose parts are all left out would keep its place; the inner ones first.
  for (const column of [...document.querySelectorAll(".column, .plots")].reverse()) {
    const parts = [...column.children];
    column.classList.toggle("left-out", parts.length > 0 && parts.every((part) => part.classList.contains("left-out")));
  }
}

/** Address of the whole page with the same settings, for the link that an embedded page carries. */
export const wholePage = (settings) => {
  const { embed, show } = defaults();
  return toQuery({ ...settings, embed, show });
};
