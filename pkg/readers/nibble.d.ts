/* tslint:disable */
/* eslint-disable */

/**
 * A data set that was read, to be taken out piece by piece.
 */
export class Found {
    private constructor();
    free(): void;
    [Symbol.dispose](): void;
    /**
     * What it is, and `leftOut`: paths, each with what it is.
     */
    info(): any;
    /**
     * Class of each image, those of the training set first.
     */
    labels(): Uint16Array;
    /**
     * Bytes of images of `train` or `test`, from a place on; none behind the last.
     */
    piece(split: string, offset: number, length: number): Uint8Array;
}

/**
 * Gathers what was dropped.
 */
export class Gathering {
    free(): void;
    [Symbol.dispose](): void;
    /**
     * Adds the next file.
     */
    add(path: string, size: number): void;
    /**
     * One of nothing. `read(file, offset, length)` gives that part of a file as a `Uint8Array`; files are counted from 0.
     */
    constructor(read: Function);
    /**
     * Looks at every file, and reads what is no picture. `looked(count)` is called as it goes.
     */
    plan(looked: Function): Reading;
    /**
     * Lets the images take so many bytes at most; more are refused before they are read.
     */
    setRoom(bytes: number): void;
    /**
     * Takes only about so many pictures, evenly of each class.
     */
    setSample(images: number): void;
}

/**
 * A picture to decode.
 */
export class Picture {
    private constructor();
    free(): void;
    [Symbol.dispose](): void;
    /**
     * Its bytes, where it lies in another file.
     */
    bytes(): Uint8Array;
    /**
     * The number of the file that it is; undefined where it lies in another.
     */
    get file(): number | undefined;
    /**
     * The number of the file that it is; undefined where it lies in another.
     */
    set file(value: number | null | undefined);
    /**
     * Its place, for `put` or `refuse`.
     */
    slot: number;
}

/**
 * A data set while its pictures are decoded.
 */
export class Reading {
    private constructor();
    free(): void;
    [Symbol.dispose](): void;
    /**
     * The data set.
     */
    finish(): Found;
    /**
     * The next of them; undefined after the last.
     */
    nextPicture(): Picture | undefined;
    /**
     * How many pictures there are to decode.
     */
    pictures(): number;
    /**
     * Puts a decoded picture in its place: 32 x 32 pixels R G B A.
     */
    put(slot: number, rgba: Uint8Array | number[]): void;
    /**
     * A picture could not be decoded; `head` are its first bytes.
     */
    refuse(slot: number, head: Uint8Array | number[]): void;
}

/**
 * Whether a picture says in its first bytes that it has more pixels than are decoded.
 */
export function isTooLarge(head: Uint8Array | number[]): boolean;

export function start(): void;

export type InitInput = RequestInfo | URL | Response | BufferSource | WebAssembly.Module;

export interface InitOutput {
    readonly memory: WebAssembly.Memory;
    readonly __wbg_found_free: (a: number, b: number) => void;
    readonly __wbg_gathering_free: (a: number, b: number) => void;
    readonly __wbg_get_picture_file: (a: number) => number;
    readonly __wbg_get_picture_slot: (a: number) => number;
    readonly __wbg_picture_free: (a: number, b: number) => void;
    readonly __wbg_reading_free: (a: number, b: number) => void;
    readonly __wbg_set_picture_file: (a: number, b: number) => void;
    readonly __wbg_set_picture_slot: (a: number, b: number) => void;
    readonly found_info: (a: number) => [number, number, number];
    readonly found_labels: (a: number) => any;
    readonly found_piece: (a: number, b: number, c: number, d: number, e: number) => any;
    readonly gathering_add: (a: number, b: number, c: number, d: number) => void;
    readonly gathering_new: (a: any) => number;
    readonly gathering_plan: (a: number, b: any) => [number, number, number];
    readonly gathering_setRoom: (a: number, b: number) => void;
    readonly gathering_setSample: (a: number, b: number) => void;
    readonly isTooLarge: (a: number, b: number) => number;
    readonly picture_bytes: (a: number) => any;
    readonly reading_finish: (a: number) => [number, number, number];
    readonly reading_nextPicture: (a: number) => [number, number, number];
    readonly reading_pictures: (a: number) => number;
    readonly reading_put: (a: number, b: number, c: number, d: number) => void;
    readonly reading_refuse: (a: number, b: number, c: number, d: number) => void;
    readonly start: () => void;
    readonly __wbindgen_malloc: (a: number, b: number) => number;
    readonly __wbindgen_realloc: (a: number, b: number, c: number, d: number) => number;
    readonly __wbindgen_free: (a: number, b: number, c: number) => void;
    readonly __wbindgen_exn_store: (a: number) => void;
    readonly __externref_table_alloc: () => number;
    readonly __wbindgen_externrefs: WebAssembly.Table;
    readonly __externref_table_dealloc: (a: number) => void;
    readonly __wbindgen_start: () => void;
}

export type SyncInitInput = BufferSource | WebAssembly.Module;

/**
 * Instantiates the given `module`, which can either be bytes or
 * a precompiled `WebAssembly.Module`.
 *
 * @param {{ module: SyncInitInput }} module - Passing `SyncInitInput` directly is deprecated.
 *
 * @returns {InitOutput}
 */
export function initSync(module: { module: SyncInitInput } | SyncInitInput): InitOutput;

/**
 * If `module_or_path` is {RequestInfo} or {URL}, makes a request and
 * for everything else, calls `WebAssembly.instantiate` directly.
 *
 * @param {{ module_or_path: InitInput | Promise<InitInput> }} module_or_path - Passing `InitInput` directly is deprecated.
 *
 * @returns {Promise<InitOutput>}
 */
export default function __wbg_init (module_or_path?: { module_or_path: InitInput | Promise<InitInput> } | InitInput | Promise<InitInput>): Promise<InitOutput>;
