/** Parts of a room that need not be seen at once: a tab each, and one of them open. */
import { element, setAttribute } from "./dom.js";

/** What is seen of the tab before, in CSS pixels: that there is one. */
const BEFORE = 48;

export class PartTabs {
  #tabs;
  #opened;

  /**
   * @param {string} label of all of them together
   * @param {{part: string, label: string}[]} tabs the first is open
   * @param {() => void} changed called when another one is opened by hand
   */
  constructor(label, tabs, changed) {
    this.list = element("div", { class: "part-tabs", role: "tablist", "aria-label": label });
    this.#tabs = tabs.map(({ part, label: text }) => {
      const tab = element("button", { type: "button", role: "tab", class: "part-tab", id: `tab-${part}`, "aria-controls": `panel-${part}`, "data-opens": part }, text);
      const panel = element("div", { class: "column", role: "tabpanel", id: `panel-${part}`, "aria-labelledby": tab.id });
      tab.addEventListener("click", () => {
        this.open(part);
        changed();
      });
      this.list.append(tab);
      return { part, tab, panel };
    });
    this.list.addEventListener("keydown", (event) => this.#key(event));
    this.box = element("div", { class: "tabbed" }, this.list, ...this.#tabs.map(({ panel }) => panel));
    this.open(tabs[0].part);
  }

  /** The part that is seen. */
  get opened() {
    return this.#opened;
  }

  /** Whether it is one of them. @param {string} part */
  has(part) {
    return this.#tabs.some((one) => one.part === part);
  }

  /** @param {string} part */
  open(part) {
    this.#opened = part;
    for (const one of this.#tabs) {
      const is = one.part === part;
      one.panel.hidden = !is;
      one.tab.tabIndex = is ? 0 : -1;
      setAttribute(one.tab, "aria-selected", String(is));
      // On a phone the row is longer than the window.
      if (is) this.list.scrollLeft = one.tab.offsetLeft - BEFORE;
    }
  }

  /** Puts the parts into their panels, where they do not stand there. @param {Map<string, HTMLElement>} parts */
  take(parts) {
    for (const { part, panel } of this.#tabs) {
      if (parts.has(part) && parts.get(part).parentNode !== panel) panel.replaceChildren(parts.get(part));
    }
  }

  /** Arrows go from tab to tab, as everywhere. */
  #key(event) {
    const at = this.#tabs.findIndex(({ part }) => part === this.#opened);
    const last = this.#tabs.length - 1;
    const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#tabs[to].tab.click();
    this.#tabs[to].tab.focus();
  }
}
