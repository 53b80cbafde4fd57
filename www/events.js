/** What a session tells of, and who listens. A name that is not in the table is a mistake, and fails at once. */

/** Every event: its name, and what has changed. A listener reads what it needs from the session. */
export const EVENTS = Object.freeze({
  settings: "a setting, and with it what waits for a reset",
  engine: "the engine is there",
  data: "other images are loaded",
  run: "which runs there are",
  status: "what a run does, or what is being changed",
  steps: "a run has trained or tested a little further",
  epoch: "a run has ended an epoch",
  layers: "there are newer reports of the weights",
  loading: "how far the load under way is",
  tested: "how far the test of weights quantized after training is",
  sensed: "what is known of how much layers mind losing bits, and how far a measurement is",
  timed: "how fast copies of a run train, and how far their timing is",
  alarm: "a run has diverged",
  kept: "which data sets are kept on this device",
  keptRuns: "which runs are kept on this device",
  offline: "whether the page is kept for use without a network",
});

/** @typedef {keyof typeof EVENTS} EventName */

function assertKnown(name) {
  if (!Object.hasOwn(EVENTS, name)) throw new Error(`"${name}" is no event: there are ${Object.keys(EVENTS).join(", ")}.`);
}

export class Events {
  /** @type {Map<EventName, ((name: EventName) => void)[]>} */
  #listeners = new Map(Object.keys(EVENTS).map((name) => [name, []]));

  /**
   * Calls `listener` with the name of every such event, after those who listened before.
   * @param {EventName|EventName[]} names
   * @param {(name: EventName) => void} listener
   */
  on(names, listener) {
    for (const name of [names].flat()) {
      assertKnown(name);
      this.#listeners.get(name).push(listener);
    }
  }

  /** Calls `listener` with the name of every event that there is. */
  onAny(listener) {
    this.on(Object.keys(EVENTS), listener);
  }

  /** Those who begin to listen within `body` hear at once what has been told of before: of these events. */
  catchUp(body, names) {
    const before = new Map([...this.#listeners].map(([name, list]) => [name, list.length]));
    body();
    for (const name of names) {
      assertKnown(name);
      for (const listener of this.#listeners.get(name).slice(before.get(name))) listener(name);
    }
  }

  /** @param {EventName} name */
  tell(name) {
    assertKnown(name);
    for (const listener of this.#listeners.get(name)) listener(name);
  }
}
