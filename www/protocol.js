/**
 * Every message between the page and the worker, by name. The page asks (`To`), each with an `id`, and the
 * worker answers each with one `From.REPLY`; what the worker tells of its own accord has the other names.
 * Nothing else crosses.
 *
 * @typedef {object} DatasetView a loaded data set, as the page sees it
 * @property {number} dataset handle, for `To.CREATE`
 * @property {object} info DatasetInfo of the engine: kind, name, classes, train, test, notes, fingerprint
 * @property {{label: number, pixels: Uint8ClampedArray}[]} samples one strip of 32 x 32 RGBA images a class
 */

/** Asked by the page. */
export const To = Object.freeze({
  /**
   * {builds: string[], threads: number, isolated: boolean}: load the first build that starts.
   * -> {info: engineInfo(), registry: registry(), memory: bytes, skipped: string[] (why earlier builds failed)}
   */
  BOOT: "boot",
  /**
   * {source: {kind: "builtin", train, test} | {kind: "files", files: File[]} | {kind: "origin", name}}.
   * Pauses every run first. -> DatasetView. On an error nothing that was loaded changes.
   */
  LOAD: "load",
  /**
   * {run: number, dataset: number, config: RunConfig}: a fresh run under that number, replacing the one that
   * had it. -> {info: RunInfo, layers: LayerReport[]}. On an error the old run stays.
   */
  CREATE: "create",
  /** {run}: train until paused or finished. -> {} */
  PLAY: "play",
  /** {run}: train one step (and the test pass, if one is due first), then pause. -> {} */
  STEP: "step",
  /** {run}: -> {} once no further unit will run. */
  PAUSE: "pause",
});

/** Told by the worker. */
export const From = Object.freeze({
  /** {id, result} or {id, error: string}: the answer to the request `id`. */
  REPLY: "reply",
  /** {label: string, done: number, total: number (bytes)}: progress of a load. */
  PROGRESS: "progress",
  /** {run, steps: StepEvent[], memory: bytes}: training steps since the last such message, in order. */
  STEPS: "steps",
  /** {run, epoch, done, total}: progress of the test pass, in images. */
  EVALUATE: "evaluate",
  /** {run, epoch: EpochEvent}: an epoch has ended. */
  EPOCH: "epoch",
  /** {run, layers: LayerReport[]}: the weights as they are now; about once a second while training. */
  LAYERS: "layers",
  /** {run, status: "playing"|"paused"|"finished"}: what the run does now. */
  STATUS: "status",
  /** {run, message, fatal: boolean}: a unit failed. Fatal: the engine itself is lost. */
  CRASHED: "crashed",
});
