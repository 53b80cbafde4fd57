/** Marks what a lesson's step points at; opens the room that it is in, and what hides it. */
import { selectorOf } from "../lesson/format.js";
import { partOf } from "../parts.js";
import { settingOf } from "../settings.js";

const groupOf = (key) => settingOf(key).group;

export class Pointer {
  #places;
  #name = null;
  #marked = null;
  #turn = null;

  /** @param {import("../ui/places.js").Places} places */
  constructor(places) {
    this.#places = places;
  }

  /**
   * @param {string|null} name "part.NAME", "button.NAME" or "setting.KEY"
   * @param {string[]} [stage] parts that are shown together
   */
  async at(name, stage) {
    const turn = (this.#turn = {});
    this.#name = name;
    if (stage) await this.#places.stage(stage);
    if (name) await this.reveal(name);
    // Another step was opened meanwhile.
    if (this.#turn !== turn) return;
    const target = name && document.querySelector(selectorOf(name));
    this.#marked?.classList.remove("pointed-at");
    this.#marked = target;
    if (!target) return;
    for (let closed; (closed = target.closest("details:not([open])")); ) closed.open = true;
    target.classList.add("pointed-at");
    this.scroll();
  }

  /** Opens the room that has what a lesson points at or presses. @param {string} name */
  reveal(name) {
    return this.#places.reveal(partOf(name, groupOf));
  }

  scroll() {
    // The bar of buttons is always in sight.
    if (this.#marked?.closest(".transport, .pending")) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#marked?.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
  }

  /** Takes the keyboard there, also where its room was left meanwhile. */
  async focus() {
    const name = this.#name;
    if (name) await this.reveal(name);
    for (let closed; (closed = this.#marked?.closest("details:not([open])")); ) closed.open = true;
    this.scroll();
    const usable = "button:not(:disabled, .term), input:not(:disabled), select:not(:disabled), a[href], [tabindex]";
    const target = this.#marked?.matches(usable) ? this.#marked : this.#marked?.querySelector(usable);
    target?.focus({ preventScroll: true });
  }
}
