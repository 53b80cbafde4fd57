/**
 * What the user wants (settings), what is loaded (data) and what trains (the runs), and the one order in which
 * they change: engine, then data, then runs. Nothing trained is thrown away but by reset, new seed or restart.
 */
import { Client } from "./client.js";
import { changed, differing, labels, matters } from "./difference.js";
import { Events } from "./events.js";
import { aboutOf, settingsOf } from "./kept/header.js";
import { Keeping, MORE_EPOCHS } from "./kept/keeping.js";
import { restored } from "./kept/notes.js";
import { Experiments } from "./experiments.js";
import { builds } from "./features.js";
import { fewTests, FITTED, fitting, fittingText } from "./fitting.js";
import { Notebook } from "./lesson/notebook.js";
import { listen } from "./listen.js";
import { To } from "./protocol.js";
import { RunRecord } from "./runs.js";
import { askingFor, askingForSaved, dataKey, readable, Sources } from "./sources.js";
import { adoptThreads, defaults, differences, display, fromQuery, lossText, OF_A_SCHEME, ofRun, runConfig, settingOf, settled, SETTINGS, toQuery } from "./settings.js";
import { Store } from "./store.js";

/** A slider moves often: the address and an untrained run follow after this pause. */
const SETTLE_MS = 250;
/** Seeds drawn by "New seed": short enough to be read out in class. */
const SEEDS = 100_000;

/** What names the engine that `settings` ask for. */
const engineKey = ({ threads, build }) => `${threads} ${build}`;
/** Of these settings those that a scheme takes only some values of. */
const askedOf = (settings) => Object.fromEntries(OF_A_SCHEME.filter((key) => key in settings).map((key) => [key, settings[key]]));
/** A data set as the menu calls it. */
const nameOf = (data) => display(settingOf("data"), data);

/**
 * What it holds is read as properties and changed by its methods alone, which tell of it; `settings` is frozen, another one
 * after each change.
 */
export class Session extends Events {
  #settings;
  /** What was last asked for of settings that a scheme takes only some values of: another scheme may take it again. */
  #asked;
  #touched = new Set();
  /** Keys of settings that the user has changed on this visit. */
  #chosen = new Set();
  /** What own images have made of settings that nobody has set. */
  #fitted = {};
  #engine = null;
  #memory = NaN;
  #loaded = null;
  #offline = null;
  #runs = [];
  #loading = null;
  /** Ends the reading of files that is under way; null: there is none. @type {AbortController|null} */
  #reading = null;
  /** Takes away what was said of the files that were read last. @type {(() => void)[]} */
  #saidOfFiles = [];
  #busy = "starting";
  #turn = Promise.resolve();
  #waitingTurns = 0;
  #failure = null;
  /** What to do once there is a run: "play", "step" or null. */
  #wish = null;
  #settleTimer = 0;

  /**
   * @param {import("./features.js").Features} features
   * @param {typeof import("./ui/notices.js").notify} notify
   */
  constructor(features, notify) {
    super();
    this.features = features;
    this.notify = notify;
    this.client = new Client();
    adoptThreads(features.cores);
    const { settings, problems } = fromQuery(location.search);
    this.#settings = Object.freeze(settings);
    this.#asked = askedOf(settings);
    /** What the address says wrongly, in sentences. */
    this.problems = problems;
    /** Data sets kept on this device. */
    this.store = new Store(() => this.tell("kept"));
    this.sources = new Sources(this.store, (progress) => this.progress(progress));
    /** What is done with runs beside training them: race, fork, drop, outlier, quantizing after training. */
    this.experiments = new Experiments(this);
    listen(this);
    /** What learners leave in lessons. */
    this.notebook = new Notebook();
    /** Runs kept on this device. */
    this.keeping = new Keeping(this);
  }

  /** What the user wants. @type {Readonly<import("./settings.js").Settings>} */
  get settings() {
    return this.#settings;
  }

  /** Keys of settings changed before the engine was there. @type {string[]} */
  get touched() {
    return [...this.#touched];
  }

  /** engineInfo() of the running engine, with the key of the settings that it was started for; null: none runs. */
  get engine() {
    return this.#engine;
  }

  /** Bytes that the engine holds. */
  get memory() {
    return this.#memory;
  }

  /** The loaded data: {dataset, info, samples, key, source}. */
  get loaded() {
    return this.#loaded;
  }

  /** How it stands with use without a network: {version} once the page is kept, {error} where it cannot be; null: not yet. */
  get offline() {
    return this.#offline;
  }

  /**
   * One run, or two side by side. The first is the one that the settings belong to.
   * @type {readonly RunRecord[]}
   */
  get runs() {
    return this.#runs;
  }

  /** Progress of the load under way: {label, done, total}, or null. */
  get loading() {
    return this.#loading;
  }

  /** What is being changed, or null: "starting", "loading", "creating", "waiting". */
  get busy() {
    return this.#busy;
  }

  /** Why what was changed last did not come about, in the words of its message; null: it did. @type {string|null} */
  get failure() {
    return this.#failure;
  }

  /** Settles once what is being changed now, and what waits for it, is done. */
  get turn() {
    return this.#turn;
  }

  /** The first run. @type {RunRecord|null} */
  get run() {
    return this.runs[0] ?? null;
  }

  /** The run that has trained least: two runs are shown by where both have come. @type {RunRecord|null} */
  get behind() {
    return this.runs.reduce((least, run) => (least && least.globalStep <= run.globalStep ? least : run), null);
  }

  /** Whether there are two runs, or will be in a moment. */
  get paired() {
    return this.runs.length > 1 || this.settings.race !== "";
  }

  /** Rows of the table that wait for a reset. */
  get waiting() {
    return this.run ? differences(this.run.settings, this.settings) : [];
  }

  #put(changes) {
    this.#settings = Object.freeze({ ...this.#settings, ...changes });
  }

  /** The user wants these from now on. @param {Partial<import("./settings.js").Settings>} changes */
  take(changes) {
    Object.assign(this.#asked, askedOf(changes));
    const wanted = { ...this.#settings, ...changes };
    this.#put(settled({ ...wanted, ...this.#asked }));
    this.tellLoss(wanted, this.#settings);
    this.tell("settings");
  }

  /** Says what of these settings their schemes and model have left nothing of. */
  tellLoss(wanted, fit) {
    const text = lossText(wanted, fit);
    if (text) this.notify("info", text);
  }

  /** What the page shows, for the address: of the settings that say so. @param {Partial<import("./settings.js").Settings>} view */
  look(view) {
    this.#put(view);
    this.writeUrl();
  }

  /** `body` fills a part of the page that comes late: it hears of what is there already. */
  catchUp(body) {
    const { engine, loaded, offline, runs } = this;
    const there = { engine, data: loaded, run: runs.length > 0, kept: true, keptRuns: true, offline, settings: true };
    super.catchUp(body, Object.keys(there).filter((name) => there[name]));
  }

  /** What to do as soon as there is a run. @param {"play"|"step"} how */
  wishTo(how) {
    this.#wish = how;
  }

  /** How far the load under way is; null: it is over. @param {{label: string, done: number, total: number}|null} progress */
  progress(progress) {
    this.#loading = progress;
    this.tell("loading");
  }

  /** The engine holds so many bytes now. */
  holds(bytes) {
    this.#memory = bytes;
  }

  /** How it stands with use without a network. @param {{version: string}|{error: string}} how */
  isOffline(how) {
    this.#offline = how;
    this.tell("offline");
  }

  /** Starts engine, data and run as the address asks. */
  start() {
    const { problems } = this;
    return this.inTurn("starting", async () => {
      await this.#startEngine();
      if (problems.length > 0) this.notify("error", problems.join(" "));
      this.tell("settings");
      await this.#firstData();
      await this.#createRuns();
      this.writeUrl();
    });
  }

  async #firstData() {
    const { data, images } = this.settings;
    await this.#loadOrDraw(() => this.sources.find(this.settings), ["info", `The link asks for ${nameOf(data)}.`]);
    const here = this.settings.images;
    if (images && here && images !== here) {
      this.notify("info", `The link was made with other images than these: fingerprint ${images}, here ${here}.`);
    }
  }

  /** Changes of engine, data and run wait for each other; an error is told and leaves the rest as it was. */
  inTurn(what, body) {
    this.#waitingTurns += 1;
    this.#turn = this.turn.then(async () => {
      this.#busy = what;
      this.#failure = null;
      this.tell("status");
      try {
        await body();
      } catch (error) {
        this.#failure = error.message;
        this.#wish = null;
        this.notify("error", error.message);
      }
      this.#waitingTurns -= 1;
      this.#busy = this.#waitingTurns > 0 ? "waiting" : null;
      this.#loading = null;
      this.tell("loading");
      if (!this.busy) this.#grantWish();
      this.tell("status");
    });
    return this.turn;
  }

  async #startEngine() {
    const { threads, build } = this.settings;
    const count = threads === "auto" ? this.features.cores : Number(threads);
    const order = builds(this.features, build);
    this.forsake();
    const { info, memory, skipped } = await this.client.start({
      builds: order,
      threads: count,
      isolated: this.features.isolated,
    });
    this.#engine = { ...info, key: engineKey(this.settings), skipped };
    this.#memory = memory;
    if (build !== "auto" && info.build !== build) {
      this.notify("info", `This browser cannot run the build "${build}": using "${info.build}".`);
    }
    this.tell("engine");
  }

  /** With the engine goes what it held: the data, and the runs but for what is drawn of them. */
  forsake() {
    this.#engine = null;
    this.#loaded = null;
    this.keeping.forsaken();
    for (const run of this.runs) run.status = "lost";
    this.tell("status");
  }

  async #load(source) {
    const view = await this.client.request(To.LOAD, { source });
    this.#put(askingFor(view.info));
    // What fits other images goes with them.
    if (view.info.kind !== "images") this.#fit(null);
    this.#loaded = { ...view, source, key: view.info.isStandIn ? "" : dataKey(this.settings) };
    this.sources.remember(this.settings.data, source);
    this.tell("data");
    this.tell("settings");
  }

  /**
   * Gives settings that nobody has set what fits own images; the usual for null. An address names every setting: a value that is
   * not the usual one was set by somebody.
   * @param {{train: number, test: number}|null} info
   * @returns {Partial<import("./settings.js").Settings>} what they have now, of those that nobody has set
   */
  #fit(info) {
    const { settings } = this;
    const usual = defaults();
    const isFree = (key) => !this.#chosen.has(key) && (settings[key] === usual[key] || settings[key] === this.#fitted[key]);
    const kept = Object.fromEntries(FITTED.filter((key) => !isFree(key)).map((key) => [key, settings[key]]));
    const fit = info ? fitting(info, kept) : usual;
    this.#fitted = Object.fromEntries(FITTED.filter(isFree).map((key) => [key, fit[key]]));
    this.#put(this.#fitted);
    return this.#fitted;
  }

  /**
   * Loads what `find` finds, or else the built-in images: an engine without any can train nothing.
   * @param {() => Promise<object>} find resolves with a source of `To.LOAD`
   * @param {[kind: "error"|"info", text: string]} lead how the message begins that tells why
   */
  async #loadOrDraw(find, [kind, text]) {
    try {
      await this.#load(await find());
    } catch (error) {
      if (this.settings.data === "builtin") throw error;
      this.notify(kind, `${text} ${error.message} Until then: the built-in images.`);
      this.#put({ data: "builtin", images: "" });
      await this.#load(await this.sources.find(this.settings));
    }
  }

  /** Fresh runs by the settings: one, and a second that differs as `settings.race` says. */
  async #createRuns() {
    const { settings, loaded } = this;
    const second = settings.race !== "" && matters(settings, settings.race);
    if (settings.race !== "" && !second) {
      this.notify("info", "The second run would now be the same as the first: there is one run.");
      this.#put({ race: "" });
    }
    // The first keeps its number, and with it its colour.
    const id = this.run?.id ?? 1;
    const runs = [await this.create(id, { ...settings, race: "" }, loaded, true)];
    try {
      if (second) {
        const other = differing(settings, settings.race);
        this.tellLoss(changed(settings, settings.race), other);
        runs.push(await this.create(3 - id, other, loaded));
      }
    } catch (error) {
      this.#put({ race: "" });
      this.notify("error", `There is no second run: ${error.message}`);
    }
    this.adoptRuns(runs);
  }

  /**
   * Makes a run on loaded data in the worker, in place of all others if `alone`.
   * @returns {Promise<RunRecord>} its record, not yet one of the session's
   */
  async create(id, settings, loaded, alone = false) {
    const config = runConfig(settings);
    const { info, layers } = await this.client.request(To.CREATE, { run: id, dataset: loaded.dataset, config, alone });
    return new RunRecord(id, ofRun(settings), loaded.info, info, layers, loaded);
  }

  /** These are the runs from now on. */
  adoptRuns(runs) {
    const names = labels(runs.map(({ settings }) => settings));
    runs.forEach((run, i) => (run.label = names[i]));
    this.#runs = runs;
    this.tell("run");
  }

  /** Engine, data and run as the settings ask, each only where it differs. */
  async #rebuild() {
    const { settings } = this;
    const other = this.loaded?.key !== dataKey(settings);
    if (this.engine?.key !== engineKey(settings)) {
      // What can be known to fail fails while the engine that is there still holds everything.
      const known = this.engine && (await (other ? this.sources.find(settings) : this.#sourceAgain()));
      const name = nameOf(settings.data);
      await this.#startEngine();
      await this.#loadOrDraw(async () => known ?? this.sources.find(settings), ["error", `${name} could not be loaded again.`]);
    } else if (other) {
      await this.#load(await this.sources.find(settings));
    }
    await this.#createRuns();
    this.writeUrl();
  }

  /** Where the loaded data came from, if it can be read from there once more. */
  async #sourceAgain() {
    const { source, info } = this.loaded;
    if (await readable(source)) return source;
    throw new Error(`The engine stays as it is: a new one would have to read ${info.name} again, and its files are no longer there. Load it again first.`);
  }

  #grantWish() {
    const wish = this.#wish;
    this.#wish = null;
    const ready = this.runs.filter(({ status }) => status !== "finished" && status !== "lost");
    if (!wish || ready.length === 0) return;
    const least = Math.min(...ready.map(({ globalStep }) => globalStep));
    // A step is that of the run behind: two runs then come to the same step.
    const runs = wish === "play" ? ready : ready.filter(({ globalStep }) => globalStep === least);
    const ids = runs.map(({ id }) => id);
    this.keeping.begin(runs);
    this.client.request(wish === "play" ? To.PLAY : To.STEP, { runs: ids }).catch((error) => {
      if (runs.some(({ status }) => status !== "lost")) this.notify("error", error.message);
    });
  }

  get playing() {
    return this.#wish === "play" || this.runs.some(({ status }) => status === "playing");
  }

  /** Whether every run has trained all its epochs. */
  get finished() {
    return this.runs.length > 0 && this.runs.every(({ status }) => status === "finished");
  }

  /** Whether the images of the runs are here; where those of one are not, that is told. */
  hasImages() {
    const without = this.runs.find(({ data }) => data.isStandIn);
    if (!without) return true;
    const { name } = without.data;
    this.notify("info", `Only a network that was trained on ${name} is here, without its images. Load ${name} and open the network again: then it can be trained and tested.`);
    return false;
  }

  /** Trains, as soon as there is a run to train. @param {"play"|"step"} how */
  async train(how) {
    if (!this.hasImages()) return;
    if (this.finished && this.#wantsMoreEpochs()) return this.experiments.lengthen(this.settings.epochs);
    if (this.finished && this.waiting.length === 0) {
      const epochs = this.settings.epochs + MORE_EPOCHS;
      this.notify("info", "This run is finished. Reset begins it again.", {
        label: `Train ${MORE_EPOCHS} epochs more`,
        act: () => this.experiments.lengthen(epochs),
      });
      return;
    }
    if (this.run?.status === "lost" && !this.busy) {
      this.notify("info", "This run cannot go on: its engine is gone. Reset begins anew.");
      return;
    }
    this.#wish = how;
    this.tell("status");
    if (this.busy) return;
    await this.#settleNow();
    this.#grantWish();
  }

  /** Whether all that is waited for is that the runs go on for longer. */
  #wantsMoreEpochs() {
    const [row, ...others] = this.waiting;
    return others.length === 0 && row?.key === "epochs" && this.settings.epochs > this.run.settings.epochs;
  }

  pause() {
    this.#wish = null;
    this.tell("status");
    const runs = this.runs.map(({ id }) => id);
    if (runs.length > 0) this.client.request(To.PAUSE, { runs }).catch(() => {});
  }

  /** Begins again with the settings as they are now, the seed among them. */
  reset() {
    clearTimeout(this.#settleTimer);
    return this.inTurn("creating", async () => {
      const { loaded } = this;
      try {
        const left = await this.keeping.leave(this.runs);
        await this.#rebuild();
        this.keeping.tellLeft(left);
      } catch (error) {
        this.#stay();
        // A load that failed leaves the menu on what is loaded.
        this.take(this.loaded === loaded && loaded ? askingFor(loaded.info) : {});
        throw error;
      }
    });
  }

  newSeed() {
    this.take({ seed: Math.floor(Math.random() * SEEDS) });
    return this.reset();
  }

  /** Takes a control's value. A run with trained steps goes on; an untrained one is made anew. */
  set(key, value) {
    this.adopt({ [key]: value });
  }

  /** Takes the values of several controls. @param {Partial<import("./settings.js").Settings>} changes */
  adopt(changes) {
    for (const key of Object.keys(changes)) {
      this.#chosen.add(key);
      if (!this.engine) this.#touched.add(key);
    }
    this.take(changes);
    clearTimeout(this.#settleTimer);
    this.#settleTimer = setTimeout(() => this.#settleNow(), SETTLE_MS);
  }

  /** Goes back to the settings of the run. */
  undo() {
    this.takeSettings(this.run, { race: this.settings.race });
    this.tell("settings");
    this.writeUrl();
  }

  /** Takes the settings of a run, but for `others`; and its images, which the engine has as long as the run. */
  takeSettings(run, others) {
    this.#put({ ...run.settings, ...others });
    this.#asked = askedOf(this.#settings);
    if (run.status === "lost" || this.loaded === run.loaded || dataKey(this.settings) !== run.loaded.key) return;
    this.#loaded = run.loaded;
    this.tell("data");
  }

  async #settleNow() {
    clearTimeout(this.#settleTimer);
    this.writeUrl();
    if (this.busy || !this.engine || this.runs.some(({ begun }) => begun)) return;
    // Where none could be made, another try is due.
    if (!this.run || this.waiting.length > 0) await this.reset();
  }

  /** The address says what the settings say. */
  writeUrl() {
    history.replaceState(null, "", toQuery(this.settings) + location.hash);
  }

  /**
   * Opens a saved run in place of those that are there.
   * @param {() => Promise<{file: Blob, name: string}[]>} find copies of it, the newest first, once those are left: another
   *   one is tried where one is damaged
   * @param {{key?: string, epochs?: number, play?: boolean}} [how] `key`: where it is kept; `epochs` that it goes on for
   */
  open(find, { key = null, epochs, play = false } = {}) {
    return this.inTurn("loading", async () => {
      try {
        if (!this.engine) await this.#startEngine();
        const left = await this.keeping.leave(this.runs);
        const { run, intact, name } = await this.#firstIntact(await find(), epochs);
        run.key = key;
        this.takeSettings(run, { race: "" });
        this.adoptRuns([run]);
        this.tell("settings");
        this.writeUrl();
        if (!intact) this.notify("info", `${name}: its checksum does not match, so it was changed after it was saved. It was opened with what it holds.`);
        this.keeping.tellLeft(left.filter((one) => one !== key));
        if (play) this.#wish = "play";
      } catch (error) {
        this.#stay();
        throw error;
      }
    });
  }

  /** What was to be replaced is there as before, and kept again. */
  #stay() {
    this.keeping.begin(this.runs.filter(({ trained, status }) => trained && status !== "lost"));
  }

  /** The first copy that is as it was saved; where none is, the first. */
  async #firstIntact(copies, epochs) {
    let opened = null;
    for (const [i, copy] of copies.entries()) {
      try {
        opened = await this.#opened(copy, epochs);
        if (opened.intact) return opened;
      } catch (error) {
        if (!opened && i === copies.length - 1) throw error;
      }
    }
    return copies.length > 1 ? this.#opened(copies[0], epochs).catch(() => opened) : opened;
  }

  async #opened({ file, name }, epochs) {
    const about = await aboutOf(file);
    const wanted = about && askingForSaved(about.data);
    // What is no saved run the engine says in its own words.
    const { settings, problems } = settingsOf(about ?? { settings: {} });
    if (problems.length > 0) throw new Error(`${name} has settings that this page does not: ${problems.join(" ")}`);
    const ofEngine = about ? Object.fromEntries(SETTINGS.filter(({ field }) => field).map((row) => [row.key, settings[row.key]])) : {};
    const goal = { ...this.settings, ...ofEngine, ...wanted, race: "" };
    if (epochs) goal.epochs = Math.max(epochs, goal.epochs);
    if (wanted && this.loaded?.key !== dataKey(goal)) await this.#loadFor(goal, { file, name, packed: about.packed });
    const { loaded } = this;
    if (!loaded) throw new Error(`${name} does not say on which images it was trained: load these first.`);
    const id = this.run?.id ?? 1;
    const config = epochs ? runConfig(goal) : {};
    const answer = await this.client.request(To.OPEN, { run: id, dataset: loaded.dataset, file, name, config, alone: true });
    const run = restored(id, ofRun(goal), loaded, answer);
    if (about?.packed) run.packedEpochs = run.epochs.length;
    return { run, intact: answer.history.intact, name };
  }

  /**
   * Loads the images of a saved run. Own pictures are kept here under their fingerprint, or in its file; a packed network can
   * be looked at without any.
   */
  async #loadFor(settings, { file, name, packed }) {
    const { data, images } = settings;
    const isKept = this.store.sets.some((set) => set.data === data && set.fingerprint === images);
    if (packed && data !== "builtin" && !isKept) return this.#load({ kind: "standIn", name, files: [file] });
    try {
      if (data !== "images") await this.#load(await this.sources.find(settings));
      else if (isKept) await this.#load(await this.sources.ready(await this.store.find(data, images)));
      else await this.#load({ kind: "saved", name, files: [file] });
    } catch (error) {
      throw new Error(`${name} was trained on ${nameOf(data)}, which has to be loaded first. ${error.message} Then open it again.`);
    }
  }

  /**
   * Reads files, beside what trains, and loads the set; what is loaded and trained stays as it is if that fails. Files that
   * come later take the place of those that are still being read.
   * @param {import("./images/read.js").Entry[]} entries
   * @param {{sample?: number}} [how] take only about so many pictures
   */
  async read(entries, { sample } = {}) {
    this.#reading?.abort();
    const reading = new AbortController();
    this.#reading = reading;
    this.#unsayOfFiles();
    const away = this.notify("info", "Reading what you have dropped.", { label: "Cancel", act: () => this.cancelReading() });
    // The worker that reads has yet to start, and a long list takes its time to get there.
    this.progress({ label: "Looking at the files", done: 0, total: entries.length });
    let source;
    try {
      // Where the engine starts, how much room it has is not known yet: it is counted again there.
      const room = this.engine ? (await this.client.request(To.ROOM).catch(() => ({}))).bytes : undefined;
      source = await this.sources.read(entries, { signal: reading.signal, room, sample });
    } catch (error) {
      if (!reading.signal.aborted) this.#notRead(error, entries);
    }
    away();
    if (this.#reading !== reading) return;
    this.#reading = null;
    this.#loading = null;
    this.tell("loading");
    if (source) await this.loadFrom(async () => source);
  }

  #notRead(error, entries) {
    const { message, most } = error;
    const sample = most > 1 ? { label: `Take a sample of ${most.toLocaleString("en")}`, act: () => this.read(entries, { sample: most }) } : [];
    this.#sayOfFiles("error", message, sample);
  }

  /** Says something of the files that were read last. What is said of a load goes with the next one. */
  #sayOfFiles(kind, text, actions) {
    this.#saidOfFiles.push(this.notify(kind, text, actions));
  }

  #unsayOfFiles() {
    for (const away of this.#saidOfFiles.splice(0)) away();
  }

  /** Says how files were read, and what of them is in no set. */
  #tellLeftOut({ name, notes }, { leftOut = [] }) {
    if (leftOut.length === 0) return;
    const list = leftOut.map(([path, why]) => `${path}\t${why}\n`).join("");
    this.#sayOfFiles("info", notes.join(" "), {
      label: "List what was left out",
      act: () => import("./share/save.js").then(({ save, plain }) => save(new Blob([list], { type: "text/plain" }), `${plain(name)}-left-out.txt`)),
    });
  }

  /** Ends the reading of files that is under way. */
  cancelReading() {
    this.#reading?.abort();
    this.#reading = null;
    this.#loading = null;
    this.tell("loading");
  }

  /**
   * Loads what `find` finds, and keeps it on this device; what is loaded and trained stays as it is if that fails.
   * @param {() => Promise<object>} find resolves with a source of `To.LOAD`, or with files as an earlier version kept them
   */
  async loadFrom(find) {
    const training = this.playing;
    this.#unsayOfFiles();
    // What is dropped while the engine starts is read once it runs.
    await this.inTurn("loading", async () => {
      if (!this.engine) throw new Error("The engine is not running: files can be read only with it.");
      const source = await this.sources.ready(await find());
      await this.#load(source);
      const { info } = this.loaded;
      const { name, train, test } = info;
      const fitted = info.kind === "images" ? this.#fit(info) : {};
      const fit = fittingText(fitted);
      const hint = [fit, fewTests(this.settings.holdout || test)].filter(Boolean).map((text) => ` ${text}`).join("");
      const usual = Object.fromEntries(Object.keys(fitted).map((key) => [key, defaults()[key]]));
      const undo = fit ? [{ label: "Use the usual settings", act: () => this.adopt(usual) }] : [];
      this.tell("settings");
      if (this.runs.some(({ trained }) => trained)) {
        this.#sayOfFiles("info", `${name} is loaded. The trained run stays until you start one on the new images.${hint}`, [
          { label: `Train on ${name}`, act: () => this.reset() },
          ...undo,
        ]);
      } else {
        await this.#createRuns();
        this.#sayOfFiles("info", `${name} is loaded: ${train.toLocaleString("en")} training and ${test.toLocaleString("en")} test images.${hint}`, undo);
      }
      this.#tellLeftOut(info, source);
      this.writeUrl();
      // Not waited for: a training run may begin while an archive is still being written.
      if (!this.settings.embed) this.store.keep(this.settings.data, info, source);
    });
    // A load stops what trains, and takes nothing from it: it goes on, also where the load was refused.
    if (training && this.runs.some(({ trained, status }) => trained && status === "paused")) await this.train("play");
  }
}
