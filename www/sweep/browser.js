/** What a sweep asks of the browser: to be the only tab that runs one, and that the screen stays on. */

const NAME = "nibble-sweep";

/** The right to run a sweep, which one tab has at a time. Where the browser has no locks, every tab has it. */
export class OneTab {
  #release = null;
  /** Settles once the lock that was given back is free. */
  #given = Promise.resolve();

  /** @returns {Promise<boolean>} whether this tab has it now */
  async take() {
    if (this.#release || !navigator.locks) return true;
    await this.#given;
    try {
      // Somebody who waits for the lock has it for a moment, and shares it: that is no other sweep.
      return (await this.#ask({ ifAvailable: true })) || (!(await this.elsewhere()) && (await this.#ask({})));
    } catch {
      return true; // frames without an origin of their own have no locks
    }
  }

  #ask(options) {
    return new Promise((resolve, reject) => {
      this.#given = navigator.locks
        .request(NAME, options, (lock) => {
          resolve(lock !== null);
          return lock && new Promise((release) => (this.#release = release));
        })
        .catch(reject);
    });
  }

  give() {
    this.#release?.();
    this.#release = null;
  }

  /** Whether another tab has it. */
  async elsewhere() {
    if (this.#release || !navigator.locks) return false;
    try {
      const { held } = await navigator.locks.query();
      return held.some(({ name, mode }) => name === NAME && mode === "exclusive");
    } catch {
      return false;
    }
  }

  /** Resolves once no tab has it. */
  free() {
    return navigator.locks.request(NAME, { mode: "shared" }, () => {});
  }
}

/** Keeps the screen on while it is wanted. The browser lets go of it with every change to another tab. */
export class Screen {
  /** Whether this browser can at all, and does in a frame of another page, where it has to be allowed. */
  static able = "wakeLock" in navigator && (document.featurePolicy?.allowsFeature("screen-wake-lock") ?? true);
  /** Why it does not, in the browser's words; null: it does, or is not asked to. @type {string|null} */
  problem = null;
  #wanted = false;
  #lock = null;
  #changed;

  /** @param {() => void} changed */
  constructor(changed) {
    this.#changed = changed;
    if (Screen.able) document.addEventListener("visibilitychange", () => this.#ask());
  }

  /** @param {boolean} wanted */
  keep(wanted) {
    if (wanted === this.#wanted || !Screen.able) return;
    this.#wanted = wanted;
    if (wanted) this.#ask();
    else this.#drop();
  }

  get on() {
    return this.#lock !== null;
  }

  #drop() {
    this.#lock?.release().catch(() => {});
    this.#lock = null;
    this.problem = null;
    this.#changed();
  }

  async #ask() {
    if (!this.#wanted || this.#lock || document.visibilityState !== "visible") return;
    try {
      const lock = await navigator.wakeLock.request("screen");
      lock.addEventListener("release", () => {
        if (this.#lock !== lock) return;
        this.#lock = null;
        this.#changed();
      });
      this.#lock = lock;
      this.problem = null;
      // No longer wanted meanwhile, or there are two.
      if (!this.#wanted) this.#drop();
    } catch (error) {
      this.problem = error.message;
    }
    this.#changed();
  }
}
