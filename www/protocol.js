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

/** Asked by the page. What names a run or a data set that there is not is refused as a whole, and nothing changes. */
export const To = Object.freeze({
  /**
   * {builds: string[], threads: number, isolated: boolean}: load the first build that starts.
   * -> {info: engineInfo(), memory: bytes, skipped: string[] (why earlier builds failed)}
   */
  BOOT: "boot",
  /**
   * {source: {kind: "builtin", train, test} | SetSource of images/read.js |
   * {kind: "images", name, classes: string[], pixels: Uint8Array (n * 32 * 32 * 3, RGB), labels: Uint8Array} |
   * {kind: "saved", name, files: [Blob] (a saved run that has its own pictures with it)} |
   * {kind: "standIn", name, files: [Blob] (a saved run that is looked at without its images)}}.
   * What trains goes on. -> DatasetView. On an error nothing that was loaded changes.
   */
  LOAD: "load",
  /** {} -> {bytes: number}: what a data set may take beside the runs that are there and what they train on. */
  ROOM: "room",
  /**
   * {run: number, dataset: number, config: RunConfig, alone: boolean}: a fresh run under that number, replacing the
   * one that had it, or, alone, every run; pauses every run first. -> {info: RunInfo, layers: LayerReport[]}. On an
   * error, as where it has no room in memory, the old runs stay.
   */
  CREATE: "create",
  /**
   * {run: number, from: number, config: RunConfig}: a copy of run `from` as it is now, which goes on with
   * `config` (and at once, where `from` is training); `run` may be `from` itself: it goes on with other settings.
   * -> {info: RunInfo, layers: LayerReport[]}. On an error the run that had the number `run` stays as it was.
   */
  FORK: "fork",
  /** {run}: forgets that run. -> {} */
  DROP: "drop",
  /**
   * {run: number, dataset: number, file: Blob, name: string, config: object, alone: boolean}: a saved run under that number,
   * as `To.CREATE` makes a fresh one; `config` says what it goes on with, where that is not what it was saved with.
   * -> {info: RunInfo, layers: LayerReport[], history: {losses: Float64Array, epochs: string[] (EpochReports as JSON),
   * bits: {step, bits}[] (where they were chosen anew), notes: string, intact: boolean, step: number}}
   */
  OPEN: "open",
  /**
   * {run, key: string, notes: string, interval: number|null}: saves the run in the browser's own file system, in a folder of
   * that name, from now on, at least every `interval` milliseconds of training, `From.KEPT` telling of each time; with notes
   * as `To.NOTE`. -> {}. On an error it is not saved.
   */
  KEEP: "keep",
  /** {run, notes: string}: what the page wants to find again in what is saved. -> {} */
  NOTE: "note",
  /** {runs: number[]}: saves these now, as far as they are kept and have changed. -> {} */
  SAVE: "save",
  /** {runs: number[]}: these are saved no more; nobody holds their files now. -> {} */
  LEAVE: "leave",
  /** {run, notes: string, images?: boolean} -> {file: Blob}: the run as a file, with its images where those are asked for. */
  FILE: "file",
  /**
   * {runs: number[]}: train them until paused or finished, the one that is behind in steps always next. -> {}
   */
  PLAY: "play",
  /** {runs: number[]}: train each one step (and the test pass, if one is due first), then pause. -> {} */
  STEP: "step",
  /**
   * {runs: number[]}: -> {} once no further unit will run. Runs that are a step apart end at the same step; those that
   * there are not stand still anyway.
   */
  PAUSE: "pause",
  /**
   * {run, layer: string, factor: number}: multiplies the layer's largest weight.
   * -> {layer, index, before, after, absmaxBefore, absmaxAfter, layersBefore: LayerReport[], layers: LayerReport[]}
   */
  OUTLIER: "outlier",
  /**
   * {run, quantizations: (object|null)[]}: quantizes a copy of the run's weights as they are now in each of these ways, see
   * Run.evaluator of the engine (null: as they are), and tests it, `From.PTQ` telling how far it is; training may go on
   * meanwhile. A second request for the run ends the first; one for no ways does nothing else.
   * -> {} when done
   */
  PTQ: "ptq",
  /**
   * {run, name: string, images?: number (in a batch; as is usual unless told)}: measures how much each layer minds losing bits, in the way of that name, over the weights as they are
   * now, `From.SENSING` telling how far it is; training may go on meanwhile. A second request for the run ends the first; one
   * for no name does nothing else.
   * -> {step, layers: LayerSensitivity[], fronts: Front[]} when done; without the last two where it was ended
   */
  SENSE: "sense",
  /**
   * {run, configs: RunConfig[]}: trains copies of the run with these settings in turn, some steps each, and times them,
   * `From.SPEEDS` telling how far it is; training may go on meanwhile. A second request for the run ends the first.
   * -> {speeds: number[] (images a second)}; without them where it was ended
   */
  SPEEDS: "speeds",
  /** {run} -> {costs: {name, passes, seconds}[]}: what each way of measuring takes at most, with nothing beside it. */
  SENSE_COSTS: "sense_costs",
  /**
   * {truth: number[], others: number[][]}: how alike the others rank layers, each a list of [rise, error] one after the other.
   * -> {agreements: [tau, deviation][]}
   */
  AGREEMENT: "agreement",
  /**
   * {run, pixels: Uint8ClampedArray (n times 32 x 32 RGBA)}: how much each pixel has to do with the class that its picture is
   * taken for. -> {maps: Float32Array ([n][32][32])}
   */
  HEAT_MAPS: "heat_maps",
  /**
   * {run, label?: number, predicted?: number, limit: number}: test images as the last full test pass saw them,
   * see Run.predictions of the engine.
   * -> {images: {index, label, top: {class, probability}[], loss, pixels: Uint8ClampedArray (32 x 32 RGBA)}[]}
   */
  PREDICTIONS: "predictions",
  /**
   * {of: "weights"|"activations", scheme: string, bits: number}: what such a scheme rounds to. No run is needed.
   * -> {levels: Float32Array in units of the scale, sampled: boolean (they follow from the values: those of a sample)}
   */
  LEVELS: "levels",
  /** {run, layer: string, grid: number}: one of the layer's grids and the weights on it. -> GridReport */
  GRID: "grid",
  /** {run}: what the ReLUs give for some test images. -> {layers: ActivationReport[]} */
  ACTIVATIONS: "activations",
  /** {run, layer: string} -> {count, height, width, channels, latent: Float32Array, quantized: Float32Array} */
  FILTERS: "filters",
  /**
   * {run, pixels: Uint8ClampedArray (32 x 32 RGBA) | null}: the run's weights, packed two to a byte, classify a
   * picture. -> {classes: {class, probability}[] (none without a picture), info: {packedBytes, fp32Bytes, layers}}
   */
  CLASSIFY: "classify",
  /**
   * {run, target: string, images: number}: the network as a file of another program, with so many training images at most.
   * -> {extension, mime, bytes: Uint8Array, images: Uint8Array ([n][3][32][32])}
   */
  EXPORT: "export",
});

/** Told by the worker. */
export const From = Object.freeze({
  /** {id, result} or {id, error: string}: the answer to the request `id`. */
  REPLY: "reply",
  /** {label: string, done: number, total: number (bytes)}: progress of a load. */
  PROGRESS: "progress",
  /** {run, steps: StepEvent[], memory: bytes}: training steps since the last such message, in order. */
  STEPS: "steps",
  /** {run, epoch, done, total, ms (of the batch)}: progress of the test pass, in images. */
  EVALUATE: "evaluate",
  /**
   * {run, what: "reestimate"|"average", done, total}: progress of what goes with a test pass: statistics estimated again
   * (in batches), the averaged weights tested (in images).
   */
  BESIDE: "beside",
  /** {run, step, bits: string (as the setting has them)}: some layers have other bits from now on. */
  BITS: "bits",
  /**
   * {run, epoch: EpochEvent, ms (of its last test batch), filters (of its first layer, as `To.FILTERS` answers)}: an
   * epoch has ended.
   */
  EPOCH: "epoch",
  /** {run, layers: LayerReport[]}: the weights as they are now; about once a second while training. */
  LAYERS: "layers",
  /**
   * {run, key, step, bytes, ms} or {run, key, error: string}: the run was saved in that folder, which took so long, or could
   * not be.
   */
  KEPT: "kept",
  /** {run, status: "playing"|"paused"|"finished"}: what the run does now. */
  STATUS: "status",
  /**
   * {run, index: number (of the quantization asked for), done, total (images), result: null|{loss, accuracy, bits},
   * problem?: string}: a test of the weights quantized after training. What is done before the test counts as no images. A
   * problem is why the engine refuses it; there is no test then.
   */
  PTQ: "ptq",
  /** {run, name: string, done, total (passes over a batch)}: how far a measurement is. */
  SENSING: "sensing",
  /** {run, done, total (steps)}: how far the timing of copies is. */
  SPEEDS: "speeds",
  /**
   * {run, message, fatal: boolean, kind, step, loss, gradNorm}: a unit of the run failed, or, fatal, the engine itself:
   * it is lost.
   * kind "diverged": loss or gradient were no longer finite at `step`; the weights are those before it.
   */
  CRASHED: "crashed",
});
