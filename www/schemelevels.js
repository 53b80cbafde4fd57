/** The levels of schemes, as the engine tells them: each is asked for once, whichever parts show it. No DOM here. */
import { oneAtATime } from "./ask.js";
import { To } from "./protocol.js";

/**
 * @typedef {object} Choice
 * @property {"weights"|"activations"} of what is rounded
 * @property {import("./settings.js").Choice} scheme
 * @property {number} bits
 */

const keyOf = ({ of, scheme, bits }) => `${of} ${scheme.name} ${bits}`;

class SchemeLevels {
  #session;
  #known = new Map();
  /** What is to be asked, by its key. @type {Map<string, Choice>} */
  #wanted = new Map();
  #listeners = [];

  constructor(session) {
    this.#session = session;
    session.on("engine", () => this.#ask());
  }

  /** Calls `listener` when more is known. */
  listen(listener) {
    this.#listeners.push(listener);
  }

  /** @param {Choice} choice @returns {{levels: Float32Array, sampled: boolean}|undefined} undefined: not told yet */
  of(choice) {
    return this.#known.get(keyOf(choice));
  }

  /** Asks for what is not known of these; of FP32 there is nothing to tell. @param {Choice[]} choices */
  want(choices) {
    for (const choice of choices) if (choice.scheme.format !== "full" && !this.of(choice)) this.#wanted.set(keyOf(choice), choice);
    this.#ask();
  }

  #ask = oneAtATime(async () => {
    while (this.#wanted.size > 0 && this.#session.engine) {
      const [[key, { of, scheme, bits }]] = this.#wanted;
      this.#wanted.delete(key);
      // An engine that is lost is told of elsewhere.
      const told = await this.#session.client.request(To.LEVELS, { of, scheme: scheme.name, bits }).catch(() => null);
      if (!told) continue;
      this.#known.set(key, told);
      for (const listener of this.#listeners) listener();
    }
  });
}

const all = new WeakMap();

/** Those that this session's engine tells. @param {import("./session.js").Session} session */
export function schemeLevels(session) {
  if (!all.has(session)) all.set(session, new SchemeLevels(session));
  return all.get(session);
}
