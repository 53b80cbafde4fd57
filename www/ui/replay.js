/**
 * Which moment of a run's history is shown: the newest one, and then it follows the run, or an earlier one.
 * A `Replay` knows the moments, a `ReplayControl` is a play button with a slider over them; two controls may
 * share a replay.
 */
import { element, setAttribute, setText } from "./dom.js";

/** A replay takes about this long, whatever the number of moments. */
const WHOLE_MS = 8_000;
/** Bounds of the time that one moment is shown. */
const QUICKEST_MS = 60;
const SLOWEST_MS = 500;
/** With reduced motion it advances no quicker than this. */
const CALM_MS = 1_000;

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Replay {
  /** @type {{key: string|number, label: string}[]} */
  #stops = [];
  /** Key of the stop that is shown; null: the newest. */
  #key = null;
  #timer = 0;
  #listeners = [];

  /** Calls `listener` when another moment is shown, or playing begins or ends. */
  listen(listener) {
    this.#listeners.push(listener);
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }

  /** The moments in order, the newest last. The shown one stays, while it exists. */
  setStops(stops) {
    this.#stops = stops;
    if (this.#key !== null && !stops.some(({ key }) => key === this.#key)) {
      this.stop();
      this.#key = null;
    }
    this.#tell();
  }

  get stops() {
    return this.#stops;
  }

  get count() {
    return this.#stops.length;
  }

  get index() {
    const found = this.#key === null ? -1 : this.#stops.findIndex(({ key }) => key === this.#key);
    return found >= 0 ? found : this.#stops.length - 1;
  }

  /** The shown stop; undefined while there is none. */
  get shown() {
    return this.#stops[this.index];
  }

  get following() {
    return this.#key === null;
  }

  get playing() {
    return this.#timer !== 0;
  }

  #show(index) {
    this.#key = index >= this.#stops.length - 1 ? null : this.#stops[Math.max(0, index)].key;
  }

  /** Shows the stop at `index`; the last one follows the run. */
  move(index) {
    this.stop();
    this.#show(index);
    this.#tell();
  }

  /** Runs through the moments, from the first one if the newest is shown. */
  play() {
    if (this.#stops.length < 2 || this.playing) return;
    if (this.following) this.#show(0);
    const quick = Math.min(SLOWEST_MS, Math.max(QUICKEST_MS, WHOLE_MS / this.#stops.length));
    this.#timer = setInterval(() => this.#advance(), calm.matches ? CALM_MS : quick);
    this.#tell();
  }

  #advance() {
    this.#show(this.index + 1);
    if (this.following) this.stop();
    this.#tell();
  }

  /** Stays where it is. */
  stop() {
    if (!this.playing) return;
    clearInterval(this.#timer);
    this.#timer = 0;
    this.#tell();
  }
}

const ICON = `<svg viewBox="0 0 20 20" aria-hidden="true"><path class="replay-play" d="M5 3.2v13.6L16.6 10z"/><path class="replay-stop" d="M4.5 3.5h4v13h-4zm7 0h4v13h-4z"/></svg>`;

export class ReplayControl {
  #replay;

  /**
   * @param {HTMLElement} box made into the control
   * @param {Replay} replay
   * @param {string} what it runs through, for the labels: "Epochs of the weights"
   */
  constructor(box, replay, what) {
    this.#replay = replay;
    this.what = what;
    this.button = element("button", { type: "button", class: "small replay-button" });
    this.button.innerHTML = ICON;
    this.button.addEventListener("click", () => (replay.playing ? replay.stop() : replay.play()));
    this.slider = element("input", { type: "range", min: 0, max: 0, value: 0, step: 1, "aria-label": what });
    this.slider.addEventListener("input", () => replay.move(Number(this.slider.value)));
    this.text = element("span", { class: "replay-text" });
    box.classList.add("replay");
    box.append(this.button, this.slider, this.text);
    replay.listen(() => this.show());
    this.show();
  }

  /** Shows where the replay is. */
  show() {
    const { count, index, playing, shown } = this.#replay;
    const label = shown?.label ?? "no epoch yet";
    this.slider.max = Math.max(0, count - 1);
    this.slider.value = Math.max(0, index);
    this.slider.disabled = this.button.disabled = count < 2;
    setAttribute(this.slider, "aria-valuetext", label);
    setText(this.text, label);
    this.button.classList.toggle("playing", playing);
    setAttribute(this.button, "aria-label", playing ? `Stop: ${this.what}` : `Play: ${this.what}`);
  }
}
