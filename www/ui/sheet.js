/**
 * The height of a panel that is a sheet from below where the window is narrow: small, half or full, by dragging its handle, by
 * pressing it, or by the arrow keys on it. What each height is says the style sheet, by `data-sheet` of the body.
 */

/** From the lowest to the highest. */
const HEIGHTS = ["small", "half", "full"];
/** Pixels that a finger moves while it only presses. */
const STILL = 6;

export class Sheet {
  #panel;
  #handle;
  #changed;
  /** Where a drag began: {y, height, moved}; null: there is none. */
  #drag = null;

  /**
   * @param {HTMLElement} panel
   * @param {HTMLButtonElement} handle
   * @param {() => void} changed called once it has another height
   */
  constructor(panel, handle, changed) {
    this.#panel = panel;
    this.#handle = handle;
    this.#changed = changed;
    handle.addEventListener("pointerdown", (event) => this.#begin(event));
    handle.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) handle.addEventListener(end, () => this.#end());
    handle.addEventListener("click", () => this.#press());
    handle.addEventListener("keydown", (event) => this.#key(event));
    this.#name("half");
  }

  get height() {
    return document.body.dataset.sheet;
  }

  set height(height) {
    this.#name(height);
    this.#changed();
  }

  #name(height) {
    document.body.dataset.sheet = height;
    this.#handle.setAttribute("aria-label", `Height of the lessons: ${height}`);
  }

  /** Pixels of a height, as the style sheet has it. */
  #pixels(height) {
    const now = this.height;
    document.body.dataset.sheet = height;
    const pixels = this.#panel.offsetHeight;
    document.body.dataset.sheet = now;
    return pixels;
  }

  #begin({ pointerId, clientY, button }) {
    if (button !== 0) return;
    this.#handle.setPointerCapture(pointerId);
    this.#drag = { y: clientY, height: this.#panel.offsetHeight, moved: false };
  }

  #move({ clientY }) {
    const drag = this.#drag;
    if (!drag) return;
    const up = drag.y - clientY;
    drag.moved ||= Math.abs(up) > STILL;
    if (drag.moved) this.#panel.style.height = `${Math.max(0, drag.height + up)}px`;
  }

  /** Let go: the height that is nearest. */
  #end() {
    if (!this.#drag) return;
    // A click may follow at once, and a finger's drag has none.
    setTimeout(() => (this.#drag = null));
    if (!this.#drag.moved) return;
    const released = this.#panel.offsetHeight;
    this.#panel.style.height = "";
    const away = (height) => Math.abs(this.#pixels(height) - released);
    this.height = HEIGHTS.reduce((best, one) => (away(one) < away(best) ? one : best));
  }

  /** The next one, unless a drag has just ended. */
  #press() {
    if (!this.#drag?.moved) this.height = HEIGHTS[(HEIGHTS.indexOf(this.height) + 1) % HEIGHTS.length];
  }

  #key(event) {
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    const next = HEIGHTS[HEIGHTS.indexOf(this.height) + by];
    if (!next) return;
    event.preventDefault();
    this.height = next;
  }
}
