/**
 * What is done with runs beside training them: a second run from the same start (race) or from this moment on
 * (fork), either of the two dropped, an outlier put among the weights, weights quantized after training, and layers asked
 * how much they mind losing bits.
 * All of it leaves the run that is there as it is and training.
 */
import { roundedTo } from "./bits/assign.js";
import { figuresOf, Measurements, TRUTH } from "./bits/measurements.js";
import { between, changed, differing, labels } from "./difference.js";
import { MORE_EPOCHS } from "./kept/keeping.js";
import { To } from "./protocol.js";
import { AfterTraining } from "./ptq/results.js";
import { differences, runConfig, settingOf } from "./settings.js";
import { learnComputes } from "./speeds.js";

/** What an injected outlier multiplies a layer's largest weight by. */
export const OUTLIER_FACTOR = 20;

/** The values that `settings` have in these rows. */
const valuesIn = (rows, settings) => Object.fromEntries(rows.map(({ key }) => [key, settings[key]]));

/** Whether the outlier of `run` is still its layer's largest weight, and about as large as it was made. */
export function outlierStands({ outlier, layers }) {
  if (!outlier) return false;
  const times = layers.find(({ name }) => name === outlier.layer).histogram.max / outlier.after.histogram.max;
  return times > 0.5 && times < 2;
}

/** Of a run that goes on under these settings: with the bits that were chosen since, where nobody asks for others. */
const configOf = (settings, run) => runConfig(settings.bits === run.settings.bits ? { ...settings, bits: run.bits } : settings);

export class Experiments {
  /** @param {import("./session.js").Session} session */
  constructor(session) {
    this.session = session;
  }

  /**
   * Puts a run beside the first that begins from the same seed, batches and weights, and differs as told. Where
   * the first has trained already, it stays where it is and the new one catches up.
   * @param {string} difference see difference.js
   */
  race(difference) {
    return this.#add(difference, async (first, settings) =>
      this.session.create(2 - first.slot, settings, first.loaded),
    );
  }

  /** Races what waits for a reset against the run that is there, where two runs can differ so. */
  raceWaiting() {
    const { session } = this;
    const shared = session.waiting.filter(({ races }) => !races).map(({ label }) => label);
    if (session.runs.length > 1) return session.notify("info", "There are two runs already: drop one of them first.");
    if (shared.length > 0) {
      return session.notify("info", `Two runs side by side have this in common: ${shared.join(", ")}. Undo that change, or start a new run with it.`);
    }
    return this.race(between(session.run.settings, session.settings));
  }

  /** Finished runs go on until so many epochs. */
  lengthen(epochs) {
    const { session } = this;
    if (!session.hasImages()) return;
    return session.inTurn("creating", async () => {
      for (const run of session.runs) {
        await this.#goOn(run, { ...run.settings, epochs }, `${epochs} epochs`);
        run.status = "paused";
      }
      this.#playOn({ epochs });
    });
  }

  /**
   * Copies the first run as it is now, and goes on with both: a finished one for some epochs more, so that the copy has
   * something to do.
   * @param {string} difference see difference.js
   */
  async fork(difference) {
    await this.#copy(difference);
    if (this.session.finished && this.session.runs.length > 1) await this.lengthen(this.session.settings.epochs + MORE_EPOCHS);
  }

  #copy(difference) {
    return this.#add(difference, async (first, settings) => {
      const id = 2 - first.slot;
      const { info, layers } = await this.session.client.request(To.FORK, {
        run: id,
        from: first.id,
        config: configOf(settings, first),
      });
      return first.forked(id, settings, info, layers);
    });
  }

  /**
   * Changes a run where it stands: it goes on from its last good weights.
   * @param {import("./runs.js").RunRecord} run
   * @param {string} difference see difference.js
   */
  goOnWith(run, difference) {
    const { session } = this;
    if (!session.hasImages()) return;
    return session.inTurn("creating", async () => {
      if (!session.runs.includes(run)) return;
      const settings = this.#changedOf(run, difference);
      const before = run.settings;
      await this.#goOn(run, settings, labels([before, settings])[1]);
      this.#playOn(run === session.run ? valuesIn(differences(before, settings), settings) : null);
    });
  }

  /** A run goes on in its own place with other settings; `text` marks where. */
  async #goOn(run, settings, text) {
    const { info, layers } = await this.session.client.request(To.FORK, { run: run.id, from: run.id, config: configOf(settings, run) });
    run.goOn(settings, info, layers, text);
  }

  /** The runs have other settings now, and train. @param {Partial<import("./settings.js").Settings>|null} taken by the first of them */
  #playOn(taken) {
    const { session } = this;
    if (taken) session.take(taken);
    session.adoptRuns(session.runs);
    session.writeUrl();
    session.wishTo("play");
  }

  /** Settings of a run that differs from `run` so; what the difference leaves nothing of is told. */
  #changedOf({ settings }, difference) {
    const fit = differing(settings, difference);
    this.session.tellLoss(changed(settings, difference), fit);
    return fit;
  }

  async #add(difference, make) {
    const { session } = this;
    if (session.busy || !session.engine || session.runs.length !== 1 || !session.hasImages()) return;
    const [first] = session.runs;
    if (session.playing) session.wishTo("play");
    const settings = this.#changedOf(first, difference);
    // What waits for a reset goes on waiting, but for what the new run has: it is held against the one that is there.
    const given = session.waiting.filter(({ key }) => session.settings[key] === settings[key]);
    const waited = valuesIn(given, session.settings);
    session.take({ ...valuesIn(given, first.settings), race: difference });
    await session.inTurn("creating", async () => {
      try {
        const second = await make(first, settings);
        session.adoptRuns([first, second]);
        session.writeUrl();
      } catch (error) {
        // Told here: the run that is there goes on.
        session.take({ ...waited, race: "" });
        session.notify("error", error.message);
      }
    });
  }

  /** Takes one of two runs away; the other becomes the one that the settings belong to. */
  drop(run) {
    const { session } = this;
    return session.inTurn("creating", async () => {
      const others = session.runs.filter((other) => other !== run);
      if (others.length !== 1 || !session.runs.includes(run)) return;
      const left = await session.keeping.leave([run]);
      await session.client.request(To.DROP, { run: run.id });
      const waiting = Object.fromEntries(session.waiting.map(({ key }) => [key, session.settings[key]]));
      // Whoever waits for other images waits for these very ones.
      if ("data" in waiting) waiting.images = session.settings.images;
      session.takeSettings(others[0], { ...(run === session.run ? {} : waiting), race: "" });
      session.adoptRuns(others);
      session.writeUrl();
      session.keeping.tellLeft(left);
    });
  }

  /**
   * Multiplies the largest weight of one layer, in every run, and shows the weights anew.
   * @param {string} layer
   * @param {number} factor
   */
  async injectOutlier(layer, factor = OUTLIER_FACTOR) {
    const { session } = this;
    try {
      for (const run of session.runs) {
        // One that stands is the weight that grows now: taken out, it is what it was before the first.
        const standing = run.outlier?.layer === layer && outlierStands(run) ? run.outlier : null;
        const { before, after } = await this.#multiply(run, layer, factor);
        run.outlier = {
          layer, after,
          factor: factor * (standing?.factor ?? 1),
          step: run.globalStep,
          before: standing?.before ?? before,
        };
        run.mark("outlier");
      }
      session.tell("layers");
    } catch (error) {
      session.notify("error", error.message);
    }
  }

  /** Makes the outlier of `run` as large as it was, while it stands there, and goes on. */
  removeOutlier(run) {
    const { session } = this;
    return session.inTurn("creating", async () => {
      if (!session.runs.includes(run) || !outlierStands(run)) return;
      await this.#multiply(run, run.outlier.layer, 1 / run.outlier.factor);
      Object.assign(run, { outlier: null, alarm: null });
      run.mark("outlier taken out");
      session.tell("layers");
      session.wishTo("play");
    });
  }

  /** @returns {Promise<{before: object, after: object}>} reports of the layer */
  async #multiply(run, layer, factor) {
    const { layersBefore, layers } = await this.session.client.request(To.OUTLIER, { run: run.id, layer, factor });
    run.layers = layers;
    const named = (reports) => reports.find(({ name }) => name === layer);
    return { before: named(layersBefore), after: named(layers) };
  }

  /**
   * Tests the weights of `run` as they are now, rounded by each scheme at each of its widths.
   * @param {import("./runs.js").RunRecord} run
   * @param {import("./settings.js").Choice[]} schemes
   * @param {import("./ptq/options.js").Options} options
   */
  async quantizeAfterTraining(run, schemes, options) {
    const { session } = this;
    if (!session.hasImages()) return;
    if (!run.afterTraining?.isOf(run)) run.afterTraining = new AfterTraining(run);
    const test = run.afterTraining;
    const quantizations = test.begin(schemes, options);
    session.tell("tested");
    try {
      await session.client.request(To.PTQ, { run: run.id, quantizations });
    } catch (error) {
      session.notify("error", error.message);
    }
    test.running = false;
    if (test.refusals) session.notify("error", test.refusals);
    session.tell("tested");
  }

  /** What is known of how much the layers of `run` mind losing bits. @param {import("./runs.js").RunRecord} run @returns {Measurements} */
  measurementsOf(run) {
    run.measurements ??= new Measurements();
    return run.measurements;
  }

  /** Asks what measuring takes. @param {import("./runs.js").RunRecord} run */
  async askCosts(run) {
    const measurements = this.measurementsOf(run);
    try {
      const { costs } = await this.session.client.request(To.SENSE_COSTS, { run: run.id });
      measurements.costs = new Map(costs.map(({ name, seconds }) => [name, seconds]));
      this.session.tell("sensed");
    } catch {
      // Measuring itself says what is in its way.
    }
  }

  /** Measures how much the layers of `run` mind losing bits. @param {import("./runs.js").RunRecord} run @param {string} name of the way */
  async measure(run, name) {
    const { session } = this;
    if (!session.hasImages()) return;
    const measurements = this.measurementsOf(run);
    if (measurements.running) return;
    measurements.begin(name);
    session.tell("sensed");
    const from = performance.now();
    try {
      const { step, layers, fronts } = await session.client.request(To.SENSE, { run: run.id, name });
      measurements.end(name, layers ? { step, layers, fronts, seconds: (performance.now() - from) / 1000 } : null);
      await this.#compare(measurements);
    } catch (error) {
      measurements.end(name, null);
      if (session.runs.includes(run)) session.notify("error", error.message);
    }
    session.tell("sensed");
  }

  /** How alike the ways rank the layers. */
  async #compare(measurements) {
    const truth = measurements.results.get(TRUTH);
    const { others } = measurements;
    if (!truth || others.length === 0) return;
    const { agreements } = await this.session.client.request(To.AGREEMENT, { truth: figuresOf(truth), others: others.map(([, other]) => figuresOf(other)) });
    measurements.agreements = new Map(others.map(([name], i) => [name, agreements[i]]));
  }

  /** Ends the measurement of `run` that is under way. */
  stopMeasuring(run) {
    return this.session.client.request(To.SENSE, { run: run.id, name: "" }).catch(() => {});
  }

  /** Times how fast copies of `run` train by each way to compute. @param {import("./runs.js").RunRecord} run */
  async timeComputes(run) {
    const { session } = this;
    if (!session.hasImages() || run.timing !== undefined) return;
    const ways = settingOf("compute").choices.map(({ name }) => name);
    const { settings } = run;
    run.timing = 0;
    session.tell("timed");
    try {
      // Copies have something to do, also where the run is finished.
      const configs = ways.map((compute) => configOf({ ...settings, compute, epochs: settings.epochs + MORE_EPOCHS }, run));
      const { speeds } = await session.client.request(To.SPEEDS, { run: run.id, configs });
      if (speeds) learnComputes(settings, session.engine, Object.fromEntries(ways.map((way, i) => [way, speeds[i]])));
    } catch (error) {
      if (session.runs.includes(run)) session.notify("error", error.message);
    }
    delete run.timing;
    session.tell("timed");
  }

  /**
   * New runs side by side from one seed: one with these bits, the other with as many for all layers; both keep them.
   * @param {string|number} bits
   * @param {number} uniform
   */
  raceBits(bits, uniform) {
    const { session } = this;
    session.adopt({ ...roundedTo(bits, session.run.settings), rebits: 0, race: `bits:${uniform}` });
    return session.reset();
  }

  /** Ends the tests of `run`'s weights that are under way. */
  stopQuantizing(run) {
    // Without the run there is nothing to end.
    return this.session.client.request(To.PTQ, { run: run.id, quantizations: [] }).catch(() => {});
  }
}
