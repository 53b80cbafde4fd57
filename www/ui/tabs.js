/** The tabs of the rooms: a rail at the left, or, where the window is narrow, a row below with those that are used most. */
import { ROOMS } from "../rooms.js";
import { element } from "./dom.js";

/** Rooms whose tabs a narrow window has; the others are behind "More". */
const FIRST = ["train", "inside", "errors", "runs"];

/** Outlines in a square of 20. */
const ICONS = {
  train: "M3 16l4-6 3 3 4-8 3 4",
  data: "M3 3h6v6H3zM11 3h6v6h-6zM3 11h6v6H3zM11 11h6v6h-6z",
  model: "M3 6h3v8H3zM8.5 4h3v12h-3zM14 7h3v6h-3z",
  inside: "M3 16h14M5 16v-4M8 16V8M12 16V5M15 16v-6",
  bits: "M3 4h14M3 8.5h10M3 13h6M3 17h3",
  errors: "M4 4h12v12H4zM4 10h12M10 4v12",
  runs: "M3 5h14M3 10h14M3 15h9",
  export: "M10 3v9M6.5 8.5L10 12l3.5-3.5M4 16h12",
};
/** For a room without one. */
const PLAIN = "M4 4h12v12H4z";
const MORE = "M4 10h.1M10 10h.1M16 10h.1";

function icon(path) {
  const box = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  box.setAttribute("viewBox", "0 0 20 20");
  box.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  box.append(line);
  return box;
}

/**
 * @param {import("./places.js").Places} places
 * @param {(room: string) => void} enter
 */
export function wireTabs(places, enter) {
  const box = document.getElementById("tabs");
  const more = element("button", { type: "button", class: "tab tab-more", "aria-expanded": "false" }, icon(MORE), element("span", {}, "More"));
  const fold = (open) => {
    box.classList.toggle("unfolded", open);
    more.setAttribute("aria-expanded", String(open));
  };
  const tabs = ROOMS.map(({ name, label }) => {
    const tab = element("button", { type: "button", class: `tab${FIRST.includes(name) ? "" : " tab-rare"}`, "data-tab": name }, icon(ICONS[name] ?? PLAIN), element("span", {}, label));
    tab.addEventListener("click", () => {
      // It goes with the others: the focus stays with what brought them.
      const folds = box.classList.contains("unfolded");
      fold(false);
      if (folds && !tab.checkVisibility()) more.focus();
      enter(name);
    });
    return tab;
  });
  more.addEventListener("click", () => fold(!box.classList.contains("unfolded")));
  box.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !box.classList.contains("unfolded")) return;
    fold(false);
    more.focus();
  });
  document.addEventListener("pointerdown", ({ target }) => !box.contains(target) && fold(false));
  // The rail has them in the order of the rooms: the keyboard passes them as they are seen there.
  box.replaceChildren(...tabs, more);
  const show = () => {
    for (const tab of tabs) {
      if (tab.dataset.tab === places.room) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    more.classList.toggle("here", ROOMS.some(({ name }) => name === places.room && !FIRST.includes(name)));
  };
  places.listen(show);
}
