/**
 * Addresses that people have: in links, in lessons, in the pages of courses that frame Nibble. Each row says what its
 * address must open. THIS TABLE IS KEPT FOR EVER: rows are added, none is taken away or changed. What a row asks for may
 * come to be called otherwise or stand elsewhere; then the page learns to understand the old name, and only how
 * addresses.test.mjs looks for it changes.
 *
 * The first rows hold what the page understood at commit 9290ccb.
 */

/**
 * Settings: key, text in the address, what it must come to be. `field` is that of the run's configuration, and its value;
 * a setting that is none of the run's has `engine` (what the engine tells of itself) or `data` (what is loaded).
 * `control` is what the setting's control shows: the value of a menu or a number, true or false of a switch.
 */
export const SETTINGS = [
  { key: "model", text: "vgg4bit", field: { model: "vgg4bit" }, control: "vgg4bit" },
  { key: "model", text: "convnetjs_cifar10", field: { model: "convnetjs_cifar10" }, control: "convnetjs_cifar10" },
  { key: "model", text: "simple_resnet4bit", field: { model: "simple_resnet4bit" }, control: "simple_resnet4bit" },
  { key: "quantizer", text: "none", field: { quantizer: "none" }, control: "none" },
  { key: "quantizer", text: "symmetric", field: { quantizer: "symmetric" }, control: "symmetric" },
  { key: "bits", text: "3", field: { bits: 3 }, control: "3" },
  { key: "bits", text: "2", field: { bits: 2 }, control: "2" },
  { key: "bits", text: "8", field: { bits: 8 }, control: "8" },
  { key: "epochs", text: "3", field: { epochs: 3 }, control: "3" },
  { key: "epochs", text: "1", field: { epochs: 1 }, control: "1" },
  { key: "epochs", text: "1000", field: { epochs: 1000 }, control: "1000" },
  { key: "batch", text: "32", field: { batch: 32 }, control: "32" },
  { key: "batch", text: "2", field: { batch: 2 }, control: "2" },
  { key: "batch", text: "50", field: { batch: 50 }, control: "50" },
  { key: "lr", text: "0.003", field: { lr: 0.003 }, control: "0.003" },
  { key: "lr", text: "0.00001", field: { lr: 0.00001 }, control: "0.00001" },
  { key: "lr", text: "1e-2", field: { lr: 0.01 }, control: "0.01" },
  { key: "schedule", text: "cosine_climbing", field: { schedule: "cosine_climbing" }, control: "cosine_climbing" },
  { key: "schedule", text: "cosine", field: { schedule: "cosine" }, control: "cosine" },
  { key: "tanh", text: "0", field: { tanhClip: false }, control: false },
  { key: "tanh", text: "1", field: { tanhClip: true }, control: true },
  { key: "scale", now: "granularity", text: "0", field: { granularity: "net" }, control: "net" },
  { key: "scale", now: "granularity", text: "1", field: { granularity: "tensor" }, control: "tensor" },
  { key: "ste", text: "0", field: { straightThrough: false }, control: false },
  { key: "ste", text: "1", field: { straightThrough: true }, control: true },
  { key: "clip", text: "0", field: { gradClip: false }, control: false },
  { key: "clip", text: "1", field: { gradClip: true }, control: true },
  { key: "augment", text: "0", field: { augment: false }, control: false },
  { key: "augment", text: "1", field: { augment: true }, control: true },
  { key: "seed", text: "7", field: { seed: 7 }, control: "7" },
  { key: "seed", text: "0", field: { seed: 0 }, control: "0" },
  { key: "seed", text: "999999", field: { seed: 999999 }, control: "999999" },
  { key: "winograd", text: "0", field: { winograd: false }, control: false },
  { key: "winograd", text: "1", field: { winograd: true }, control: true },
  { key: "compute", text: "f32", field: { compute: "f32" }, control: "f32" },
  // Most other settings of the second round cannot be computed so.
  { key: "compute", text: "int8", field: { compute: "int8" }, control: "int8", alone: true },
  { key: "threads", text: "1", engine: { threads: 1 }, control: "1" },
  { key: "build", text: "simd", engine: { build: "simd", exact: true }, control: "simd" },
  { key: "build", text: "single", engine: { build: "single", threads: 1 }, control: "single" },
  { key: "build", text: "relaxed", engine: { build: "relaxed" }, control: "relaxed" },
  { key: "data", text: "builtin", data: { kind: "synthetic" }, control: "builtin" },
  { key: "train", text: "300", data: { train: 300 }, control: "300" },
  { key: "train", text: "100", data: { train: 100 }, control: "100" },
  { key: "test", text: "200", data: { test: 200 }, control: "200" },
  { key: "test", text: "100", data: { test: 100 }, control: "100" },
  { key: "quantizer", text: "affine", field: { quantizer: "affine" }, control: "affine" },
  { key: "quantizer", text: "lsq", field: { quantizer: "lsq" }, control: "lsq" },
  { key: "quantizer", text: "apot", field: { quantizer: "apot" }, control: "apot" },
  { key: "quantizer", text: "dorefa", field: { quantizer: "dorefa" }, control: "dorefa" },
  { key: "quantizer", text: "fp4", field: { quantizer: "fp4" }, control: "fp4" },
  { key: "quantizer", text: "codebook", field: { quantizer: "codebook" }, control: "codebook" },
  { key: "quantizer", text: "shift", field: { quantizer: "shift" }, control: "shift" },
  { key: "schedule", text: "one_cycle", field: { schedule: "one_cycle" }, control: "one_cycle" },
  { key: "schedule", text: "warmup_linear", field: { schedule: "warmup_linear" }, control: "warmup_linear" },
  { key: "schedule", text: "steps", field: { schedule: "steps" }, control: "steps" },
  { key: "granularity", text: "net", field: { granularity: "net" }, control: "net" },
  { key: "granularity", text: "channel", field: { granularity: "channel" }, control: "channel" },
  { key: "granularity", text: "group128", field: { granularity: "group128" }, control: "group128" },
  { key: "granularity", text: "group64", field: { granularity: "group64" }, control: "group64" },
  { key: "granularity", text: "group32", field: { granularity: "group32" }, control: "group32" },
  { key: "granularity", text: "tensor", field: { granularity: "tensor" }, control: "tensor" },
  { key: "steplr", text: "0.0001", field: { stepLr: 0.0001 }, control: "0.0001" },
  { key: "optimizer", text: "muon_conv", field: { optimizer: "muon_conv" }, control: "muon_conv" },
  { key: "optimizer", text: "muon", field: { optimizer: "muon" }, control: "muon" },
  { key: "optimizer", text: "sgd", field: { optimizer: "sgd" }, control: "sgd" },
  { key: "optimizer", text: "adamw", field: { optimizer: "adamw" }, control: "adamw" },
  { key: "momentum", text: "0.95", field: { momentum: 0.95 }, control: "0.95" },
  { key: "decay", text: "0.01", field: { weightDecay: 0.01 }, control: "0.01" },
  { key: "decay", text: "0", field: { weightDecay: 0 }, control: "0" },
  { key: "decaynorms", text: "0", field: { decayNorms: false }, control: false },
  { key: "decaynorms", text: "1", field: { decayNorms: true }, control: true },
  { key: "clipnorm", text: "2", field: { clipNorm: 2 }, control: "2" },
  { key: "tanhlimit", text: "1.5", field: { tanhLimit: 1.5 }, control: "1.5" },
  { key: "smoothing", text: "0.1", field: { labelSmoothing: 0.1 }, control: "0.1" },
  { key: "dropout", text: "0.25", field: { dropout: 0.25 }, control: "0.25" },
  { key: "bnmomentum", text: "0.05", field: { bnMomentum: 0.05 }, control: "0.05" },
  { key: "warmup", text: "0.2", field: { warmUp: 0.2 }, control: "0.2" },
  { key: "crop", text: "2", field: { crop: 2 }, control: "2" },
  { key: "border", text: "mirrored", field: { border: "mirrored" }, control: "mirrored" },
  { key: "border", text: "black", field: { border: "black" }, control: "black" },
  { key: "layers", text: "conv1.quantizer:lsq,conv1.granularity:channel,conv2.activations:pact", field: { layers: "conv1.quantizer:lsq,conv1.granularity:channel,conv2.activations:pact" }, control: "conv1.quantizer:lsq, conv1.granularity:channel, conv2.activations:pact" },
  { key: "flip", text: "alternating", field: { flip: "alternating" }, control: "alternating" },
  { key: "flip", text: "random", field: { flip: "random" }, control: "random" },
  { key: "normrate", text: "8", field: { normRate: 8 }, control: "8" },
  { key: "reestimate", text: "2", field: { reestimate: 2 }, control: "2" },
  { key: "ema", text: "0.999", field: { ema: 0.999 }, control: "0.999" },
  { key: "normalization", text: "own", field: { normalization: "own" }, control: "own" },
  { key: "normalization", text: "paper", field: { normalization: "paper" }, control: "paper" },
  { key: "ends", text: "8", field: { ends: "8" }, control: "8" },
  { key: "ends", text: "full", field: { ends: "full" }, control: "full" },
  { key: "ends", text: "same", field: { ends: "same" }, control: "same" },
  { key: "activations", text: "pact", field: { activations: "pact" }, control: "pact" },
  { key: "activations", text: "lsq", field: { activations: "lsq" }, control: "lsq" },
  { key: "activations", text: "affine", field: { activations: "affine" }, control: "affine" },
  { key: "actbits", text: "4", field: { activationBits: 4 }, control: "4" },
  { key: "actrange", text: "largest", field: { activationRange: "largest" }, control: "largest" },
  { key: "clipdecay", text: "0.01", field: { clipDecay: 0.01 }, control: "0.01" },
  { key: "gradients", text: "affine", field: { gradients: "affine" }, control: "affine" },
  { key: "gradients", text: "symmetric", field: { gradients: "symmetric" }, control: "symmetric" },
  { key: "gradients", text: "dorefa", field: { gradients: "dorefa" }, control: "dorefa" },
  { key: "gradients", text: "fp8", field: { gradients: "fp8_e5m2" }, control: "fp8_e5m2" },
  { key: "gradbits", text: "4", field: { gradientBits: 4 }, control: "4" },
  { key: "rebits", text: "200", field: { rebits: 200 }, control: "200" },
  { key: "bitbudget", text: "2.5", field: { bitBudget: 2.5 }, control: "2.5" },
  { key: "holdout", text: "50", field: { holdout: 50 }, control: "50" },
  { key: "activations", text: "fp8", field: { activations: "fp8_e4m3" }, control: "fp8_e4m3" },
  { key: "activations", text: "fp8_e4m3", field: { activations: "fp8_e4m3" }, control: "fp8_e4m3" },
  { key: "gradients", text: "fp8_e5m2", field: { gradients: "fp8_e5m2" }, control: "fp8_e5m2" },
];

/** What the run is made with where the address says nothing; `data` and `engine` as above. */
export const DEFAULTS = {
  field: {
    model: "simple_resnet4bit", quantizer: "symmetric", bits: 4, epochs: 10, batch: 128, lr: 0.001, schedule: "cosine",
    tanhClip: true, granularity: "tensor", straightThrough: true, gradClip: true, augment: true, seed: 1, winograd: true, compute: "f32",
  },
  data: { kind: "synthetic", train: 10000, test: 2000 },
};

/** `race=`: the second run has this of its own, and the rest of the first. */
export const RACES = [
  { text: "quantizer:none", field: { quantizer: "none" } },
  { text: "bits:3", field: { bits: 3 } },
  { text: "lr:0.01", field: { lr: 0.01 } },
  { text: "schedule:cosine_climbing", field: { schedule: "cosine_climbing" } },
  { text: "tanh:0", field: { tanhClip: false } },
  { text: "scale:0", field: { granularity: "net" } },
  { text: "ste:0", field: { straightThrough: false } },
  { text: "clip:0", field: { gradClip: false } },
  { text: "augment:0", field: { augment: false } },
  { text: "quantizer:affine", field: { quantizer: "affine" } },
  { text: "quantizer:lsq", field: { quantizer: "lsq" } },
  { text: "granularity:channel", field: { granularity: "channel" } },
  { text: "gradients:affine", field: { gradients: "affine" } },
  { text: "gradients:fp8", field: { gradients: "fp8_e5m2" } },
  { text: "activations:fp8", field: { activations: "fp8_e4m3" } },
  { text: "optimizer:muon", field: { optimizer: "muon" } },
  { text: "momentum:0.8", field: { momentum: 0.8 } },
  { text: "smoothing:0.1", field: { labelSmoothing: 0.1 } },
  { text: "ema:0.99", field: { ema: 0.99 } },
  { text: "reestimate:2", field: { reestimate: 2 } },
  // The other way round, on top of what the address says of the first.
  { also: { quantizer: "none" }, text: "quantizer:symmetric", field: { quantizer: "symmetric" } },
  { also: { tanh: "0" }, text: "tanh:1", field: { tanhClip: true } },
  // Several: each in any order, parted by a space, which an address writes as a plus.
  { text: "tanh:0 lr:0.003", field: { tanhClip: false, lr: 0.003 } },
  { text: "bits:4, conv1:8 scale:0", field: { bits: "4,conv1:8", granularity: "net" } },
  // An engineer's: per-channel 4-bit LSQ weights, 4-bit PACT activations, first and last layer 8 bits, against the paper's.
  {
    text: "quantizer:lsq granularity:channel ends:8 activations:pact actbits:4",
    field: { quantizer: "lsq", granularity: "channel", ends: "8", activations: "pact", activationBits: 4 },
  },
  {
    also: { quantizer: "lsq", granularity: "channel", ends: "8", activations: "pact", actbits: "4" },
    text: "quantizer:symmetric granularity:tensor ends:same activations:none",
    field: { quantizer: "symmetric", granularity: "tensor", ends: "same", activations: "none" },
  },
  // No difference: one run, and a sentence.
  { text: "bits:4", says: ["The second run would now be the same as the first"] },
];

/**
 * The names of the parts, as `show=`, the code to embed and the lessons' `part.NAME` have them, each with where it
 * stands. The bar of buttons is there in every view.
 */
export const PARTS = {
  transport: ".transport", health: "#health", settings: "#settings", accuracy: "#accuracy", loss: "#loss", compare: "#compare",
  ptq: "#ptq", outlier: "#outlier", weights: "#weights", errors: "#errors", try: "#try", share: "#share", data: "#drop",
  engine: ".engine-settings", device: "#device", epochs: "#epochs-panel", activations: "#activations", gradients: "#gradients",
  sweep: "#sweep", now: "#now", "live-layer": "#live-layer", network: "#network", moment: "#moment", schemes: "#schemes", recipes: "#recipes", levels: "#levels", runtable: "#runtable", fixed: "#fixed", networks: "#networks", exports: "#exports", sensitivity: "#sensitivity", assignment: "#assignment", pareto: "#pareto",
};
export const ALWAYS = ["transport"];

/** Views: query -> exactly these parts are to be seen besides those that always are, `rooms`: in one or another of its rooms. Each name alone goes without a row. */
export const VIEWS = [
  { query: "", rooms: true, parts: Object.keys(PARTS), whole: true },
  { query: "embed=0", rooms: true, parts: Object.keys(PARTS), whole: true },
  { query: "show=", rooms: true, parts: Object.keys(PARTS), whole: true },
  { query: "embed", parts: ["health", "settings", "accuracy", "loss", "weights"] },
  { query: "embed=1", parts: ["health", "settings", "accuracy", "loss", "weights"] },
  { query: "embed=1&show=loss", parts: ["loss"] },
  { query: "embed&show=accuracy,errors", parts: ["accuracy", "errors"] },
  { query: "show=accuracy%2Cshare", parts: ["accuracy", "share"], whole: true },
  { query: "show=weights,accuracy", parts: ["accuracy", "weights"], whole: true },
  { query: "room=inside", parts: ["moment", "weights", "activations", "gradients"], whole: true },
  { query: "room=errors", parts: ["errors", "try", "networks"], whole: true },
  { query: "room=bits", parts: ["sensitivity", "assignment", "pareto"], whole: true },
  { query: "embed&show=sensitivity,assignment&sensitivity=noise&budget=30KB", parts: ["sensitivity", "assignment"] },
  { query: "embed&show=try,networks", parts: ["try", "networks"] },
  { query: "room=export&embed&show=loss", parts: ["loss"] },
];

/** Lessons: `lesson=ID`, `lesson=ID.N` -> the step of that title. */
export const LESSONS = [
  { id: "levels", steps: 4, first: "A weight is a number", last: "No levels at all" },
  { id: "scales", steps: 2, first: "Two layers, two rulers", last: "One ruler for all" },
  { id: "straight-through", steps: 3, first: "A staircase has no slope", last: "Without it" },
  { id: "tanh", steps: 3, first: "The largest weight rules", last: "The same with tanh" },
  { id: "cliff", steps: 2, first: "Train first, round later", last: "Walk to the edge" },
  { id: "race", steps: 2, first: "A fair start", last: "Run" },
  { id: "grids", steps: 3, first: "The same weights, two grids", last: "One weight too large" },
  { id: "activations", steps: 4, first: "Weights alone", last: "Two bits" },
  { id: "picture", steps: 2, first: "Teach it shapes", last: "Show it yours" },
];

/**
 * What is not understood: a sentence is shown with all of `says` in it, and the run has the default of `DEFAULTS`, or what
 * `instead` says. Several of them stand in one address.
 */
export const WRONG = [
  { query: "bits=9", says: ["Bits", '"9"', "Using 4"] },
  { query: "bits=1", says: ["Bits", '"1"', "Using 4"] },
  { query: "bits=four", says: ["Bits", '"four"'] },
  { query: "bits=4.5", says: ["Bits", '"4.5"'] },
  { query: "epochs=0", says: ["Epochs", '"0"', "Using 10"] },
  { query: "epochs=1001", says: ["Epochs", '"1001"'] },
  { query: "batch=1", says: ["Batch size", '"1"', "Using 128"] },
  { query: "lr=-1", says: ["Learning rate", '"-1"', "Using 0.001"] },
  { query: "lr=NaN", says: ["Learning rate", '"NaN"'] },
  { query: "schedule=linear", says: ["Schedule", '"linear"', "Using cosine"] },
  { query: "tanh=yes", says: ["Tanh clipping", '"yes"', "Using 1"] },
  { query: "scale=", says: ["One scale for", '""', "Using tensor"] },
  { query: "ste=true", says: ["Straight-through", '"true"'] },
  { query: "clip=2", says: ["Gradient clipping", '"2"'] },
  { query: "augment=off", says: ["Augmentation", '"off"'] },
  { query: "model=alexnet", says: ["Model", '"alexnet"', "Using simple_resnet4bit"] },
  { query: "quantizer=Symmetric", says: ["Precision", '"Symmetric"', "Using symmetric"] },
  { query: "data=mnist", says: ["Data set", '"mnist"', "Using builtin"] },
  { query: "seed=-1", says: ["Seed", '"-1"', "Using 1"] },
  { query: "winograd=no", says: ["Winograd", '"no"'] },
  { query: "threads=999", says: ["Threads", '"999"', "Using auto"] },
  { query: "build=fast", says: ["Arithmetic", '"fast"', "Using auto"] },
  { query: "race=seed:3", says: ["Second run", '"seed"'] },
  { query: "race=bits:9", says: ["Second run", "Bits", '"9"'] },
  { query: "race=bits", says: ["Second run", "Bits"] },
  { query: "race=tanh:0+seed:3", says: ["Second run", '"seed"'] },
  { query: "race=bits:3+tanh:0+bits:5", says: ["Second run", '"bits" twice'] },
  { query: "race=bits:99+lr:fast", says: ["Second run", "Bits", '"99"', "Learning rate", '"fast"'] },
  { query: "embed=yes", says: ["Embedded view", '"yes"'] },
  { query: "show=accuracy,moon", says: ["Parts shown", '"moon"'] },
  { query: "room=cellar", says: ["Room", '"cellar"', "Using train"] },
  { query: "lesson=Levels", says: ["Lesson", '"Levels"'] },
  { query: "lesson=levels.0", says: ["Lesson", '"levels.0"'] },
  { query: "lesson=http://example.org/mine.json", says: ["Lesson", '"http://example.org/mine.json"'] },
  { query: "granularity=row", says: ["One scale for", '"row"', "Using tensor"] },
  { query: "optimizer=adam", says: ["Optimizer", '"adam"', "Using adamw"] },
  { query: "momentum=1", says: ["Momentum", '"1"', "Using 0.9"] },
  { query: "smoothing=0.95", says: ["Label smoothing", '"0.95"', "Using 0"] },
  { query: "ema=1", says: ["Average of weights", '"1"', "Using 0"] },
  { query: "holdout=-1", says: ["Hold-out", '"-1"', "Using 0"] },
  { query: "colour=1", says: ['"colour"', "no setting"] },
];

/** Wrong ones that need an address of their own. */
export const WRONG_ALONE = [
  { query: "train=99&test=99", says: ["Training images", '"99"', "Using 10000", "Test images", "Using 2000"], data: { train: 10000, test: 2000 } },
  { query: "train=100&test=100&lesson=unknown", says: ["There is no lesson", '"unknown"', "levels"], data: { train: 100 } },
  { query: "train=100&test=100&data=cifar10", says: ["The link asks for CIFAR-10", "the built-in images"], data: { kind: "synthetic", train: 100 } },
  { query: "train=100&test=100&data=images&images=abc", says: ["The link asks for Own images", "not on this device"], data: { kind: "synthetic", train: 100 } },
];

/** Later ones win; what the address says twice, and what it says in other letters of the same meaning. */
export const ODD = [
  { query: "train=100&test=100&bits=3&bits=5", field: { bits: 5 } },
  { query: "test=100&train=100&images=abc", data: { kind: "synthetic", train: 100 } },
  { query: "train=1e2&test=%31%30%30&lr=1E-3", data: { train: 100, test: 100 }, field: { lr: 0.001 } },
];

/** Images that are on this device, by `images=`: tests/e2e/fixture.mjs makes these files. */
export const KEPT = {
  files: { "data_batch_1.bin": [100, 1], "test_batch.bin": [100, 2] },
  query: "data=cifar10&images=65a6d694",
  data: { kind: "cifar10", train: 100, test: 100 },
  other: { query: "data=cifar10&images=0000", says: ["The link was made with other images than these", "0000", "65a6d694"] },
};

/** Whole addresses as Share made them, and what it must go on making codes and links of. */
export const SHARED = [
  {
    query: "data=builtin&model=simple_resnet4bit&quantizer=affine&bits=4&epochs=2&batch=50&lr=0.003&schedule=cosine&tanh=1&scale=0&ste=1&clip=1&augment=0&train=100&test=100&seed=3&winograd=1&threads=auto&build=single&granularity=tensor&steplr=0.001&optimizer=adamw",
    field: { quantizer: "affine", granularity: "net" },
    data: { train: 100, test: 100 },
  },
  {
    query: "data=builtin&model=simple_resnet4bit&quantizer=lsq&bits=4&epochs=2&batch=50&lr=0.003&schedule=cosine&tanh=1&scale=1&ste=1&clip=1&augment=0&train=100&test=100&seed=3&winograd=1&threads=auto&build=single&granularity=channel&steplr=0.001&optimizer=adamw",
    field: { quantizer: "lsq", granularity: "channel" },
    data: { train: 100, test: 100 },
  },
  {
    query: "data=builtin&model=convnetjs_cifar10&quantizer=symmetric&bits=3&epochs=5&batch=50&lr=0.003&schedule=cosine&tanh=1&scale=0&ste=1&clip=1&augment=0&train=200&test=100&seed=42&winograd=1&threads=auto&build=single&race=bits%3A8",
    field: { model: "convnetjs_cifar10", bits: 3, epochs: 5, batch: 50, lr: 0.003, granularity: "net", augment: false, seed: 42 },
    second: { bits: 8 },
    data: { train: 200, test: 100 },
  },
  {
    query: "data=builtin&model=simple_resnet4bit&quantizer=none&bits=4&epochs=10&batch=32&lr=0.001&schedule=cosine_climbing&tanh=0&scale=1&ste=1&clip=1&augment=1&train=100&test=100&seed=1&winograd=0&threads=1&build=auto&embed=1&show=health%2Caccuracy",
    field: { quantizer: "none", batch: 32, schedule: "cosine_climbing", tanhClip: false, winograd: false },
    data: { train: 100, test: 100 },
    parts: ["health", "accuracy"],
  },
  {
    query: "data=builtin&model=simple_resnet4bit&quantizer=symmetric&bits=4&epochs=2&batch=50&lr=0.003&schedule=cosine&tanh=1&granularity=tensor&ste=1&clip=1&augment=0&train=100&test=100&seed=3&winograd=1&threads=auto&build=single&ends=same&activations=none&actbits=8&race=quantizer%3Alsq+granularity%3Achannel+ends%3A8+activations%3Apact+actbits%3A4",
    field: { quantizer: "symmetric", granularity: "tensor", ends: "same", activations: "none" },
    second: { quantizer: "lsq", bits: 4, granularity: "channel", ends: "8", activations: "pact", activationBits: 4 },
    data: { train: 100, test: 100 },
  },
];

/** The frame that Share's code makes, but for its address; `show` of the parts that are chosen, none for the usual ones. */
export const FRAME = { title: "Nibble: 4-bit training", width: "100%", style: "border: 0", loading: "lazy" };
export const FRAMED = [
  { choose: ["health", "settings", "accuracy", "loss", "weights"], parts: ["health", "settings", "accuracy", "loss", "weights"], allow: "clipboard-write" },
  { choose: ["accuracy", "try"], parts: ["accuracy", "try"], allow: "clipboard-write; camera" },
];

/** What README and docs quote: query -> what it opens. A test finds every query that they quote in here. */
export const QUOTED = [
  { query: "lesson=tanh", step: "The largest weight rules" },
  { query: "lesson=tanh.2" },
  { query: "lesson=lessons/tanh.json", step: "The largest weight rules" },
  { query: "lesson=race&seed=7", step: "A fair start", field: { seed: 7 } },
  { query: "compute=int8", field: { compute: "int8" } },
  { query: "build=simd", engine: { build: "simd" } },
  { query: "show=accuracy,weights", parts: ["accuracy", "weights"] },
  { query: "show=accuracy,errors", parts: ["accuracy", "errors"] },
  { query: "train=1000&test=200", data: { train: 1000, test: 200 } },
  { query: "train=1000&test=1000", data: { train: 1000, test: 1000 } },
  { query: "embed&bits=3", parts: ["health", "settings", "accuracy", "loss", "weights"], field: { bits: 3 } },
  { query: "race=bits:3", second: { bits: 3 } },
  { query: "race=quantizer:lsq+granularity:channel", second: { quantizer: "lsq", granularity: "channel" } },
  { query: "model=vgg4bit&epochs=1&seed=2", field: { model: "vgg4bit", epochs: 1, seed: 2 } },
  { query: "model=simple_resnet4bit&epochs=5&lr=0.004", field: { model: "simple_resnet4bit", epochs: 5, lr: 0.004 } },
  { query: "epochs=5", field: { epochs: 5 } },
  { query: "model=vgg4bit&epochs=10&train=10000", field: { model: "vgg4bit", epochs: 10 } },
  { query: "reestimate=60", field: { reestimate: 60 } },
  { query: "model=vgg4bit&epochs=10&train=2048&test=100", field: { model: "vgg4bit", epochs: 10 }, data: { train: 2048, test: 100 } },
];
