/* tslint:disable */
/* eslint-disable */

/**
 * A saved run of which the header has been read.
 */
export class Checkpoint {
    free(): void;
    [Symbol.dispose](): void;
    /**
     * Own pictures that the file has with it; undefined for other runs, whose images everybody can get.
     */
    images(): Dataset | undefined;
    /**
     * Reads the run, which goes on with the images that it was trained on.
     */
    load(dataset: Dataset): LoadedRun;
    /**
     * Opens a file of so many bytes by `read(offset, length)`, which returns a `Uint8Array` of that part of it.
     */
    constructor(name: string, size: number, read: Function);
    /**
     * What stands in for its images, where it is looked at without them; undefined where they tell how pixels are normalised.
     */
    standIn(): Dataset | undefined;
}

/**
 * A loaded or generated data set.
 */
export class Dataset {
    private constructor();
    free(): void;
    [Symbol.dispose](): void;
    /**
     * Bytes of its images.
     */
    bytes(): number;
    /**
     * A set of one's own pictures: `pixels` are 32 x 32 x RGB bytes an image, `labels` its class, an index into
     * `classes`, as any array of numbers. A tenth of each class, at least one image, is held out for testing. The pixels
     * stay where they are and are read one image at a time. Throws an Error of kind `data` where there is no memory for
     * them.
     */
    static fromImages(name: string, classes: string[], pixels: Uint8Array, labels: Uint16Array | number[], seed: number): Dataset;
    /**
     * A set that the readers' module has read. `kind` is that of its info; `labels` are those of its training and then of its
     * test images, of which the first `train` are the former. `read(image, count)` gives the bytes of so many images, as
     * [`Split`](data::Split) has them, as a `Uint8Array`. Throws an Error of kind `data` where there is no memory for them, before
     * any is read.
     */
    static fromPlanes(kind: string, name: string, classes: string[], notes: string[], labels: Uint16Array | number[], train: number, read: Function): Dataset;
    /**
     * Pixels of one image: 32 x 32 x RGBA bytes. `split` is `train` or `test`.
     */
    image(split: string, index: number): Uint8ClampedArray;
    /**
     * What it is.
     */
    info(): any;
    /**
     * Class of one image.
     */
    label(split: string, index: number): number;
    /**
     * The built-in set. Throws an Error of kind `data` where there is no memory for it.
     */
    static synthetic(train: number, test: number, seed: number): Dataset;
}

/**
 * A test pass over a copy of a run's weights.
 */
export class Evaluator {
    private constructor();
    free(): void;
    [Symbol.dispose](): void;
    /**
     * One batch, or as much of what comes before: `{done, total, result}`, where `result` is null until all images are
     * done, and `{loss, accuracy, bits}` then.
     */
    advance(): any;
}

/**
 * A run as it was.
 */
export class LoadedRun {
    private constructor();
    free(): void;
    [Symbol.dispose](): void;
    /**
     * What it had reported: `{losses, epochs, bits, notes, intact, step}`, the first a `Float64Array` of each step's, the second
     * a report of each epoch as JSON, then where bits changed, `{step, bits}` each; `intact` says whether the file is the one that was written.
     */
    history(): any;
    /**
     * The run.
     */
    take(): Run;
}

/**
 * A network with packed weights, for one picture at a time.
 */
export class PackedModel {
    private constructor();
    free(): void;
    [Symbol.dispose](): void;
    /**
     * Every class of a picture of 32 x 32 x RGBA bytes, the likeliest first: `[{class, probability}]`.
     */
    classify(rgba: Uint8Array | number[]): any;
    /**
     * `{packedBytes, fp32Bytes, layers: [{name, bits, packedBytes, fp32Bytes}]}`.
     */
    info(): any;
}

/**
 * A training run, and what it has reported.
 */
export class Run {
    free(): void;
    [Symbol.dispose](): void;
    /**
     * What the ReLUs give for some test images: an array of `ActivationReport`.
     */
    activationReports(): any;
    /**
     * One training step or one batch of the test pass. Throws an Error of kind `diverged` where loss or gradients
     * leave the finite numbers; the weights are then those before the step.
     */
    advance(): any;
    /**
     * Bytes that it takes while it trains, without its images.
     */
    bytes(): number;
    /**
     * Bytes that looking at it takes for a while: copies of it that are quantized, evaluated or packed.
     */
    copyBytes(): number;
    /**
     * A test pass over a copy of the weights as they are now, quantized by `{quantizer, bits, granularity, fold, equalise,
     * correct, reestimate, activations, activationBits, calibration}`, of which all but the first three may be absent, or
     * as the run does it where that is null or absent.
     */
    evaluator(quantization: any): Evaluator;
    /**
     * The network as it is now in a file of another program, by the name of a target: `{extension, mime, bytes}`, the
     * last a `Uint8Array`.
     */
    export(target: string): any;
    /**
     * The weights of a layer, filter by filter: `{count, height, width, channels, latent, quantized}`, the last
     * two a `Float32Array` `[count][height][width][channels]`.
     */
    filters(layer: string): any;
    /**
     * An exact copy that goes on with other settings: `config` is a `RunConfig`; what is absent stays as it is.
     */
    fork(config: any): Run;
    /**
     * One of the grids of a layer, by its number, and the weights on it: a `GridReport`.
     */
    gridReport(layer: string, grid: number): any;
    /**
     * How much each pixel of pictures of 32 x 32 x RGBA bytes has to do with the class that each is taken for.
     */
    heatMaps(rgba: Uint8Array | number[]): Float32Array;
    /**
     * What it is.
     */
    info(): any;
    /**
     * Multiplies the layer's largest weight by `factor`. Gives
     * `{layer, index, before, after, absmaxBefore, absmaxAfter}`.
     */
    injectOutlier(layer: string, factor: number): any;
    /**
     * The weights as they are now.
     */
    layerReports(): any;
    /**
     * Prepares a run on a data set; `config` is a `RunConfig` in which any field may be absent.
     */
    constructor(dataset: Dataset, config: any);
    /**
     * The network as it is now with weights packed two to a byte; those of an FP32 run are quantized to 4 bits.
     */
    packed(): PackedModel;
    /**
     * Milliseconds a phase since the last call.
     */
    phases(): any;
    /**
     * Images of the last complete test pass, by `{label, predicted, limit}`; an array of
     * `{index, label, top: [{class, probability}], loss}`.
     */
    predictions(query: any): any;
    /**
     * Takes most of what it needs to train now, which the first step would else take. Throws where there is not enough.
     */
    reserve(): void;
    /**
     * The same with its images, whichever they are, for programs that have none of their own.
     */
    saveWithImages(write: Function): void;
    /**
     * Writes it as a file, piece by piece, by `write(bytes)`, which takes a `Uint8Array`; with `notes`, which
     * [`LoadedRun::history`] gives back.
     */
    save(notes: string, write: Function): void;
    /**
     * Bytes that measuring takes for a while.
     */
    sensingBytes(): number;
    /**
     * What each way takes here: an array of `{name, passes, seconds}`.
     */
    sensingCosts(): any;
    /**
     * Begins to measure how much layers mind losing bits, by the way of that name, with so many images in a batch; 0: as
     * many as is usual.
     */
    sensing(name: string, images: number): Sensing;
}

/**
 * A measurement over a copy of a run's network.
 */
export class Sensing {
    private constructor();
    free(): void;
    [Symbol.dispose](): void;
    /**
     * A piece of it: `{done, total, result}`, where `result` is null until all is done, and then `{layers, fronts}`, an array
     * of `LayerSensitivity` and one of `Front`.
     */
    advance(): any;
}

/**
 * The same of a scheme for activations.
 */
export function activationLevels(scheme: string, bits: number): any;

/**
 * Kendall's tau of what two measurements say of some layers, and its standard deviation; each is an array of `[rise, error]`
 * one after the other.
 */
export function agreement(a: Float64Array | number[], b: Float64Array | number[]): Float64Array;

/**
 * Bytes that a data set of so many images takes, training and test images together: to ask whether there is room before
 * it is made. Beside it the making takes less than one image.
 */
export function datasetBytes(images: number): number;

/**
 * What this build is and how many threads it uses.
 */
export function engineInfo(): any;

export function initThreadPool(num_threads: number): Promise<any>;

/**
 * Size of the wasm memory, bytes. It never shrinks.
 */
export function memoryBytes(): number;

export function start(): void;

/**
 * Runs everything on the calling worker: for pages that are not cross-origin isolated.
 */
export function useCurrentThread(): void;

export class wbg_rayon_PoolBuilder {
    private constructor();
    free(): void;
    [Symbol.dispose](): void;
    build(): void;
    mainJS(): string;
    numThreads(): number;
    receiver(): number;
}

export function wbg_rayon_start_worker(receiver: number): void;

/**
 * The levels that a scheme for weights rounds to with so many bits: `{levels, sampled}`, the first a `Float32Array`.
 */
export function weightLevels(scheme: string, bits: number): any;

export type InitInput = RequestInfo | URL | Response | BufferSource | WebAssembly.Module;

export interface InitOutput {
    readonly __wbg_checkpoint_free: (a: number, b: number) => void;
    readonly __wbg_dataset_free: (a: number, b: number) => void;
    readonly __wbg_evaluator_free: (a: number, b: number) => void;
    readonly __wbg_loadedrun_free: (a: number, b: number) => void;
    readonly __wbg_packedmodel_free: (a: number, b: number) => void;
    readonly __wbg_run_free: (a: number, b: number) => void;
    readonly __wbg_sensing_free: (a: number, b: number) => void;
    readonly __wbg_wbg_rayon_poolbuilder_free: (a: number, b: number) => void;
    readonly activationLevels: (a: number, b: number, c: number) => [number, number, number];
    readonly agreement: (a: number, b: number, c: number, d: number) => [number, number];
    readonly checkpoint_images: (a: number) => [number, number, number];
    readonly checkpoint_load: (a: number, b: number) => [number, number, number];
    readonly checkpoint_new: (a: number, b: number, c: number, d: any) => [number, number, number];
    readonly checkpoint_standIn: (a: number) => [number, number, number];
    readonly datasetBytes: (a: number) => number;
    readonly dataset_bytes: (a: number) => number;
    readonly dataset_fromImages: (a: number, b: number, c: number, d: number, e: any, f: number, g: number, h: number) => [number, number, number];
    readonly dataset_fromPlanes: (a: number, b: number, c: number, d: number, e: number, f: number, g: number, h: number, i: number, j: number, k: number, l: any) => [number, number, number];
    readonly dataset_image: (a: number, b: number, c: number, d: number) => [number, number, number];
    readonly dataset_info: (a: number) => [number, number, number];
    readonly dataset_label: (a: number, b: number, c: number, d: number) => [number, number, number];
    readonly dataset_synthetic: (a: number, b: number, c: number) => [number, number, number];
    readonly engineInfo: () => [number, number, number];
    readonly evaluator_advance: (a: number) => [number, number, number];
    readonly initThreadPool: (a: number) => any;
    readonly loadedrun_history: (a: number) => any;
    readonly loadedrun_take: (a: number) => number;
    readonly memoryBytes: () => number;
    readonly packedmodel_classify: (a: number, b: number, c: number) => [number, number, number];
    readonly packedmodel_info: (a: number) => [number, number, number];
    readonly run_activationReports: (a: number) => [number, number, number];
    readonly run_advance: (a: number) => [number, number, number];
    readonly run_bytes: (a: number) => number;
    readonly run_copyBytes: (a: number) => number;
    readonly run_evaluator: (a: number, b: any) => [number, number, number];
    readonly run_export: (a: number, b: number, c: number) => [number, number, number];
    readonly run_filters: (a: number, b: number, c: number) => [number, number, number];
    readonly run_fork: (a: number, b: any) => [number, number, number];
    readonly run_gridReport: (a: number, b: number, c: number, d: number) => [number, number, number];
    readonly run_heatMaps: (a: number, b: number, c: number) => [number, number, number];
    readonly run_info: (a: number) => [number, number, number];
    readonly run_injectOutlier: (a: number, b: number, c: number, d: number) => [number, number, number];
    readonly run_layerReports: (a: number) => [number, number, number];
    readonly run_new: (a: number, b: any) => [number, number, number];
    readonly run_packed: (a: number) => [number, number, number];
    readonly run_phases: (a: number) => [number, number, number];
    readonly run_predictions: (a: number, b: any) => [number, number, number];
    readonly run_reserve: (a: number) => [number, number];
    readonly run_save: (a: number, b: number, c: number, d: any) => [number, number];
    readonly run_saveWithImages: (a: number, b: any) => [number, number];
    readonly run_sensing: (a: number, b: number, c: number, d: number) => [number, number, number];
    readonly run_sensingBytes: (a: number) => number;
    readonly run_sensingCosts: (a: number) => [number, number, number];
    readonly sensing_advance: (a: number) => [number, number, number];
    readonly start: () => void;
    readonly useCurrentThread: () => [number, number];
    readonly wbg_rayon_poolbuilder_build: (a: number) => void;
    readonly wbg_rayon_poolbuilder_mainJS: (a: number) => any;
    readonly wbg_rayon_poolbuilder_numThreads: (a: number) => number;
    readonly wbg_rayon_poolbuilder_receiver: (a: number) => number;
    readonly wbg_rayon_start_worker: (a: number) => void;
    readonly weightLevels: (a: number, b: number, c: number) => [number, number, number];
    readonly memory: WebAssembly.Memory;
    readonly __wbindgen_malloc: (a: number, b: number) => number;
    readonly __wbindgen_realloc: (a: number, b: number, c: number, d: number) => number;
    readonly __wbindgen_free: (a: number, b: number, c: number) => void;
    readonly __wbindgen_exn_store: (a: number) => void;
    readonly __externref_table_alloc: () => number;
    readonly __wbindgen_externrefs: WebAssembly.Table;
    readonly __externref_table_dealloc: (a: number) => void;
    readonly __externref_drop_slice: (a: number, b: number) => void;
    readonly __wbindgen_thread_destroy: (a?: number, b?: number, c?: number) => void;
    readonly __wbindgen_start: (a: number) => void;
}

export type SyncInitInput = BufferSource | WebAssembly.Module;

/**
 * Instantiates the given `module`, which can either be bytes or
 * a precompiled `WebAssembly.Module`.
 *
 * @param {{ module: SyncInitInput, memory?: WebAssembly.Memory, thread_stack_size?: number }} module - Passing `SyncInitInput` directly is deprecated.
 * @param {WebAssembly.Memory} memory - Deprecated.
 *
 * @returns {InitOutput}
 */
export function initSync(module: { module: SyncInitInput, memory?: WebAssembly.Memory, thread_stack_size?: number } | SyncInitInput, memory?: WebAssembly.Memory): InitOutput;

/**
 * If `module_or_path` is {RequestInfo} or {URL}, makes a request and
 * for everything else, calls `WebAssembly.instantiate` directly.
 *
 * @param {{ module_or_path: InitInput | Promise<InitInput>, memory?: WebAssembly.Memory, thread_stack_size?: number }} module_or_path - Passing `InitInput` directly is deprecated.
 * @param {WebAssembly.Memory} memory - Deprecated.
 *
 * @returns {Promise<InitOutput>}
 */
export default function __wbg_init (module_or_path?: { module_or_path: InitInput | Promise<InitInput>, memory?: WebAssembly.Memory, thread_stack_size?: number } | InitInput | Promise<InitInput>, memory?: WebAssembly.Memory): Promise<InitOutput>;
