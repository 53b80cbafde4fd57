/**
 * Trains the runs of a sweep one after the other, each as a user would: settings, Reset, Train. Whatever somebody does to
 * the runs meanwhile makes it pause.
 *
 * States: "none" there is no sweep; "running"; "paused", by a person or for want of something; "elsewhere" another tab runs
 * it; "stopped" and "done".
 */
import { differences } from "../settings.js";
import { begin, Missing } from "./begin.js";
import { failure, resultOf } from "./results.js";
import { secondsOf } from "./plan.js";

export class Queue {
  /** @type {import("./plan.js").Plan|null} */
  plan = null;
  /** By the runs' keys. @type {Map<string, import("./results.js").Result>} */
  results = new Map();
  /** @type {"none"|"running"|"paused"|"elsewhere"|"stopped"|"done"} */
  state = "none";
  /** Why it is paused, in a sentence; "" where a person has pressed Pause. */
  why = "";
  /**
   * The run under way: `run` is null until it is made, `begun` once it has trained, `still` while it does not, `asked`
   * when it has been told to and has not answered yet.
   * @type {{entry: import("./plan.js").Entry, run: import("../runs.js").RunRecord|null, begun: boolean, still: boolean, asked: boolean}|null}
   */
  current = null;
  /** The run that was under way when the page was closed, and where it is kept. @type {{entry: string, key: string}|null} */
  #open = null;
  #session;
  #keep;
  #tab;
  #changed;
  /** Whatever waits for a run to be made goes on only while this is what it was. */
  #turn = {};
  /** Whether it waits for another tab's end. */
  #awaiting = false;

  /**
   * @param {import("../session.js").Session} session
   * @param {import("./keep.js").Keep} keep
   * @param {import("./browser.js").OneTab} tab
   * @param {() => void} changed
   */
  constructor(session, keep, tab, changed) {
    this.#session = session;
    this.#keep = keep;
    this.#tab = tab;
    this.#changed = changed;
    session.on(["run", "status", "alarm", "layers"], () => this.#look());
  }

  /** Runs that have no result yet. */
  get left() {
    return this.plan ? this.plan.runs.filter(({ key }) => !this.results.has(key)) : [];
  }

  /** Whether there is more to train. */
  get unfinished() {
    return this.left.length > 0;
  }

  /** Shows what is kept, as another tab or an earlier visit has left it. */
  async restore() {
    const elsewhere = await this.#tab.elsewhere();
    if (this.state === "running" || (this.state === "paused" && this.current)) return;
    const kept = this.#keep.load();
    if (!kept) return;
    Object.assign(this, { plan: kept.plan, results: kept.results, current: null });
    this.#open = kept.open;
    if (elsewhere) this.#put("elsewhere", "");
    else if (!this.unfinished) this.#put("done", "");
    else if (kept.stopped) this.#put("stopped", "");
    else this.#put("paused", "It was under way when the page was closed.");
    if (elsewhere) this.#await();
  }

  /** Shows it anew once the other tab has ended. */
  async #await() {
    if (this.#awaiting) return;
    this.#awaiting = true;
    await this.#tab.free();
    this.#awaiting = false;
    if (this.state === "elsewhere") this.restore();
  }

  /** Another tab has written. */
  follow() {
    if (this.state !== "running" && !this.current) this.restore();
  }

  /** Begins a sweep in place of the one that was. @param {import("./plan.js").Plan} plan */
  async start(plan) {
    if (!(await this.#own())) return;
    Object.assign(this, { plan, results: new Map(), current: null });
    this.#next();
  }

  pause() {
    if (this.state !== "running") return;
    this.#put("paused", "");
    this.#session.pause();
  }

  async goOn() {
    if (this.state !== "paused" && this.state !== "stopped") return;
    if (!(await this.#own())) return;
    const { run, begun } = this.current ?? {};
    if (run && begun && this.#stands(run) && run.status === "paused") {
      this.current.asked = true;
      this.#put("running", "");
      this.#session.train("play");
    } else this.#next();
  }

  /** Ends it; what was found stays. */
  stop() {
    if (this.state !== "running" && this.state !== "paused") return;
    if (this.current?.run && this.#stands(this.current.run)) this.#session.pause();
    this.#end("stopped");
  }

  /** Whether this tab may run it now. */
  async #own() {
    if (await this.#tab.take()) return true;
    this.#put("elsewhere", "");
    await this.restore();
    return false;
  }

  #put(state, why) {
    this.#turn = {};
    this.state = state;
    this.why = why;
    this.#session.keeping.trainedBy("sweep", state === "running");
    this.#changed();
  }

  #end(state) {
    this.current = null;
    this.#put(state, "");
    this.#save();
    this.#tab.give();
  }

  #save() {
    const { plan, results, state, current } = this;
    if (current?.run?.key) this.#open = { entry: current.entry.key, key: current.run.key };
    this.#keep.save({ plan, results, stopped: state === "stopped", open: this.#open });
    this.#changed();
  }

  async #next() {
    const [entry] = this.left;
    if (!entry) return this.#end("done");
    this.current = { entry, run: null, begun: false, still: true, asked: true };
    this.#put("running", "");
    this.#save();
    const turn = this.#turn;
    try {
      const run = await begin(this.#session, entry.settings, this.#open?.entry === entry.key ? this.#open.key : null);
      if (this.#turn !== turn) return;
      if (!run) return this.#interrupted();
      this.current.run = run;
      this.#session.train("play");
    } catch (error) {
      if (this.#turn !== turn) return;
      if (error instanceof Missing) this.#put("paused", error.message);
      else this.#found(failure(error.message));
    }
  }

  /** Whether the session still has this run as the sweep has made it. */
  #stands(run) {
    const { runs } = this.#session;
    return runs.length === 1 && runs[0] === run && run.marks.length === 0;
  }

  #interrupted() {
    this.current.run = null;
    this.#put("paused", "The runs were changed by hand: going on begins this run again.");
  }

  /** Looks what has become of the run under way. */
  #look() {
    const { state, current } = this;
    const run = current?.run;
    if (!run) return;
    if (!this.#stands(run)) return this.#interrupted();
    if (run.status === "playing") {
      // Somebody goes on with it; a run that was told to pause may play a moment longer.
      const goesOn = current.begun && current.still;
      const first = !current.begun;
      Object.assign(current, { begun: true, still: false, asked: false });
      // From here on it is kept, under a key.
      if (first) this.#save();
      if (state === "paused" && goesOn) this.#put("running", "");
      return;
    }
    if (!current.begun) return;
    current.still = true;
    if (run.status === "lost") this.#found(resultOf(run, "failed", "The engine was lost."));
    else if (run.alarm) this.#found(resultOf(run, "diverged", `It diverged at step ${run.alarm.step}.`));
    else if (run.failure) this.#found(resultOf(run, "failed", run.failure));
    else if (run.status === "finished") this.#found(resultOf(run, "done"));
    else if (state === "running" && !current.asked && !this.#session.playing) this.#put("paused", "");
  }

  /** The run under way has ended. */
  #found(result) {
    const { current, state } = this;
    this.results.set(current.entry.key, result);
    // While it runs, the next one takes its place.
    if (state === "running") current.run = null;
    else this.current = null;
    this.#save();
    if (state !== "running") return this.unfinished ? undefined : this.#end("done");
    const rows = differences(this.#session.settings, current.entry.settings);
    if (this.unfinished && rows.length > 0) {
      this.current = null;
      const names = rows.map(({ label }) => label).join(", ");
      return this.#put("paused", `Settings were changed meanwhile (${names}): going on takes those of the sweep again.`);
    }
    // Not within the message that told of the end: others have yet to hear of it.
    const turn = this.#turn;
    queueMicrotask(() => this.#turn === turn && this.#next());
  }

  /** About how many seconds are left, by what was trained here; NaN: not known. */
  get secondsLeft() {
    const { entry, run } = this.current ?? {};
    const share = run ? run.epochsTrained / run.epochsTotal : 0;
    const seen = this.seen;
    const all = secondsOf(this.left, seen);
    return entry ? all - share * secondsOf([entry], seen) : all;
  }

  /** What is known of how long an epoch takes. @returns {import("./plan.js").Seen[]} */
  get seen() {
    const done = this.plan ? this.plan.runs.map((run) => ({ ...run, result: this.results.get(run.key) })).filter(({ result }) => result?.secs) : [];
    const found = done.map(({ settings, result }) => ({ settings, secs: result.secs / result.epochs }));
    const { run } = this.#session;
    // Two runs share the engine: how long one takes alone is not seen.
    return run && this.#session.runs.length === 1 ? [...found, { settings: run.settings, secs: secsOf(run) }] : found;
  }
}

/** Seconds of an epoch of a run with its test pass, as far as it has come; NaN: nothing is known. */
function secsOf({ epochs, smooth, info, progress }) {
  if (epochs.length > 0) return epochs.reduce((sum, { secs }) => sum + secs, 0) / epochs.length;
  const { stepsPerEpoch, config } = info;
  return (stepsPerEpoch * config.batch * smooth.ms.value + progress.testTotal * (smooth.testMs.value || 0)) / 1000;
}
