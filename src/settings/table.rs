//! The table: every setting there is, a row each. From a row come the field of [`RunConfig`], the check of its range,
//! the page's control, the key in the address, the rule for forks, the name of a run that differs in it, and the
//! line in docs/SETTINGS.md. What uses the value is elsewhere; nothing else has to be written.

use serde_json::{Value, json};

use super::Kind::{Auto, Bits as Widths, Choice, Integer, Layers as OfLayers, Number, Schemes, Switch};
use super::When::{By, Is, Not};
use super::{Bits, Layers, Setting};
use crate::models::MODELS;
use crate::optim::OPTIMIZERS;
use crate::quant::{self, ENDS, GRANULARITIES};
use crate::registry::{Entry, told};
use crate::schedule::SCHEDULES;

/// Where the images come from.
static DATA: [Entry; 4] = [
    Entry {
        name: "builtin",
        label: told("Shapes and textures"),
        about: told("Built in: ten classes, drawn on the spot, nothing to download."),
    },
    Entry {
        name: "cifar10",
        label: told("CIFAR-10"),
        about: told("60,000 photographs in 10 classes; drop the files or the archive."),
    },
    Entry {
        name: "cifar100",
        label: told("CIFAR-100"),
        about: told("60,000 photographs in 100 classes; drop the files or the archive."),
    },
    Entry {
        name: "images",
        label: told("Own images"),
        about: told("A folder of pictures of yours, one sub-folder a class."),
    },
];

/// Whose figures pixels are normalised by.
static NORMALIZATIONS: [Entry; 2] = [
    Entry {
        name: "paper",
        label: told("As published"),
        about: told("The mean and deviation that the published runs use."),
    },
    Entry {
        name: "own",
        label: told("The data's own"),
        about: told("Mean and deviation of the training images."),
    },
];

/// Which images are mirrored.
static FLIPS: [Entry; 2] = [
    Entry {
        name: "random",
        label: told("At random"),
        about: told("Each time with probability 1/2, as published."),
    },
    Entry {
        name: "alternating",
        label: told("Alternating"),
        about: told("At random in the first epoch, then the other way each time."),
    },
];

/// What comes in at the edge of a shifted image.
static BORDERS: [Entry; 2] = [
    Entry { name: "black", label: told("Black"), about: told("As published.") },
    Entry { name: "mirrored", label: told("Its mirror image"), about: told("No edge that was not there.") },
];

/// How a range of activations is measured.
static RANGES: [Entry; 2] = [
    Entry {
        name: "average",
        label: told("Moving average"),
        about: told("Of the largest values of the batches."),
    },
    Entry {
        name: "largest",
        label: told("Largest so far"),
        about: told("Nothing that was seen is clipped."),
    },
];

/// What products are made in.
static COMPUTES: [Entry; 2] = [
    Entry {
        name: "f32",
        label: told("Floating point"),
        about: told("Low bits are simulated: what is multiplied lies on a grid."),
    },
    Entry {
        name: "int8",
        label: told("8-bit integers"),
        about: told("Weights of up to 4 bits with activations and gradients of 8, in whole numbers."),
    },
];

/// Builds of the engine.
static BUILDS: [Entry; 4] = [
    Entry {
        name: "auto",
        label: told("Fastest here"),
        about: told("The first of these that the browser takes."),
    },
    Entry {
        name: "relaxed",
        label: told("Relaxed SIMD"),
        about: told("Fuses multiply and add; may differ between processors."),
    },
    Entry { name: "simd", label: told("Exact SIMD"), about: told("The same bits on every machine.") },
    Entry {
        name: "single",
        label: told("Exact SIMD, one thread"),
        about: told("For browsers without shared memory."),
    },
];

/// A row is `"key" { … }`: first, for a setting of the engine, the documented field of [`RunConfig`] with its type and
/// default; then the fields of [`Setting`] that are not those of [`Setting::ROW`].
macro_rules! settings {
    ($( $key:literal {
        $( $(#[$doc:meta])+ $field:ident: $type:ty = $default:expr; )?
        $( $name:ident: $value:expr ),* $(,)?
    } )*) => {
        /// The settings of one run. Together with the data set they determine every number of it.
        ///
        /// Serialises to camelCase JSON; missing fields take their default, unknown ones are an error.
        #[derive(Debug, Clone, PartialEq)]
        pub struct RunConfig {
            $( $( $(#[$doc])+ pub $field: $type, )? )*
        }

        impl RunConfig {
            /// The value of a field, as JSON; `None`: there is no such field.
            pub(super) fn get(&self, field: &str) -> Option<Value> {
                match field {
                    $( $( stringify!($field) => Some(json!(self.$field)), )? )*
                    _ => None,
                }
            }

            /// Puts a value in the place of a field's.
            ///
            /// # Errors
            /// What serde says of a value of another type.
            pub(super) fn put(&mut self, field: &str, value: Value) -> serde_json::Result<()> {
                match field {
                    $( $( stringify!($field) => self.$field = serde_json::from_value(value)?, )? )*
                    _ => {}
                }
                Ok(())
            }
        }

        impl Default for RunConfig {
            /// The published settings, but for the schedule (which only falls here) and the number of epochs.
            fn default() -> Self {
                Self { $( $( $field: $default, )? )* }
            }
        }

        /// Every setting, in the order of the address.
        pub static SETTINGS: &[Setting] = &[ $( Setting {
            key: $key,
            $( field: Some(stringify!($field)), )?
            $( $name: $value, )*
            ..Setting::ROW
        } ),* ];
    };
}

settings! {
    "data" {
        label: told("Data set"), group: told("top"), kind: Choice(|| DATA.iter().collect()), initial: "builtin", forks: false,
    }
    "model" {
        /// Name of a preset in [`MODELS`].
        model: String = "simple_resnet4bit".into();
        label: told("Model"), group: told("top"), kind: Choice(|| MODELS.iter().map(|preset| &preset.entry).collect()), forks: false,
    }
    "quantizer" {
        /// Name of a scheme in [`QUANTIZERS`]; `none` trains in FP32.
        quantizer: String = "symmetric".into();
        label: told("Precision"), group: told("top"), kind: Schemes(quant::weight_menu),
        races: told("{precision}"), hint: told("What the weights are rounded to while they train (quantization-aware training)."),
    }
    "bits" {
        /// Bit widths of the weights, 1 to 16 each; a scheme takes some of them.
        bits: Bits = 4.into();
        label: told("Bits"), group: told("top"), kind: Widths { min: 1, max: 16 }, races: told("{precision}"),
        applies: Not("quantizer", "none"),
        hint: told("b bits give up to 2^b levels, 15 for 4 bits as published; the line of levels shows them."),
    }
    "epochs" {
        /// Passes over the training images, 1 to 1000.
        epochs: u32 = 10;
        label: told("Epochs"), group: told("top"), kind: Integer { min: 1, max: 1000, step: 1 },
        hint: told("Passes over the training images."),
    }
    "batch" {
        /// Images a step, 2 to 1024.
        batch: u32 = 128;
        label: told("Batch size"), group: told("top"), kind: Integer { min: 2, max: 1024, step: 32 }, forks: false,
        hint: told("Images in one training step."),
    }
    "lr" {
        /// Initial learning rate, 0.00001 to 1.
        lr: f64 = 1e-3;
        label: told("Learning rate"), group: told("top"), kind: Number { min: 1e-5, max: 1.0, log: true }, races: told("rate {}"),
        hint: told("At the schedule's height. The paper trains at 0.001, with AdamW."),
    }
    "schedule" {
        /// Name of a rule in [`SCHEDULES`].
        schedule: String = "cosine".into();
        label: told("Schedule"), group: told("top"), kind: Choice(|| SCHEDULES.iter().map(|schedule| &schedule.entry).collect()),
        races: told("{}"),
    }
    "warmup" {
        /// Share of a run in which the rate rises, 0 to 0.9, where the schedule warms up.
        warm_up: f64 = 0.05;
        label: told("Warm-up"), group: told("optimizer"), kind: Number { min: 0.0, max: 0.9, log: false }, races: told("warm-up {}"),
        applies: Is("schedule", "warmup_linear"),
        hint: told("Share of the run in which the learning rate rises."),
    }
    "tanh" {
        /// `W <- l tanh(W / l)` after every step, `l` being `tanh_limit`.
        tanh_clip: bool = true;
        label: told("Tanh clipping"), group: told("method"), kind: Switch, races: told("tanh {}"),
        hint: told("After each step W becomes l tanh(W / l), l being the tanh limit, 3 as published: no outlier stretches the grid beyond it."),
    }
    "granularity" {
        /// Name of an entry of [`GRANULARITIES`]: which weights share a scale.
        granularity: String = "tensor".into();
        label: told("One scale for"), group: told("method"), former: &[("scale", "1", "tensor"), ("scale", "0", "net")],
        kind: Choice(|| GRANULARITIES.iter().map(|sharing| &sharing.entry).collect()), races: told("one scale for {}"),
        applies: Not("quantizer", "none"),
        hint: told("Granularity: which weights share the distance between two levels, per tensor, per channel or by group size."),
    }
    "layers" {
        /// What single layers have of their own, but for their bits.
        layers: Layers = Layers::default();
        label: told("Single layers"), group: told("method"), kind: OfLayers, races: told("{}"),
        hint: told("A scheme, granularity, or activations that one layer has of its own (conv1.quantizer:lsq); its bits are among the bits."),
    }
    "rebits" {
        /// Training steps between two choices of each layer's bits, 0 (they stay as they are) to 10,000.
        rebits: u32 = 0;
        label: told("Steps between new bits"), group: told("method"), kind: Integer { min: 0, max: 10_000, step: 50 },
        races: told("bits anew every {} steps"), applies: Not("quantizer", "none"),
        hint: told("Every so many training steps each layer gets the bits that harm the loss and the updates least within the budget (SNIP). 0: never."),
    }
    "bitbudget" {
        /// Mean bits of a weight that the choice of bits may spend, 1 to 8.
        bit_budget: f64 = 3.0;
        label: told("Budget of bits"), group: told("method"), kind: Number { min: 1.0, max: 8.0, log: false },
        races: told("{} bits on average"), applies: Not("rebits", "0"),
        hint: told("Bits of a weight on average, over the layers whose bits are chosen."),
    }
    "ste" {
        /// Passes the gradient of the quantized weights on to the master weights; off: the true derivative of
        /// rounding, which is 0.
        straight_through: bool = true;
        label: told("Straight-through"), group: told("method"), kind: Switch, races: told("straight-through {}"),
        applies: Not("quantizer", "none"),
        hint: told("Off: master weights get the true gradient of rounding, which is zero. Learned steps and levels go on learning, and activations are straight-through in any case."),
    }
    "clip" {
        /// Clips the global gradient norm to `clip_norm`.
        grad_clip: bool = true;
        label: told("Gradient clipping"), group: told("method"), kind: Switch, races: told("clipping {}"),
        hint: told("The gradient's norm over all parameters is held to a bound, 0.5 as published."),
    }
    "augment" {
        /// Random crops and horizontal flips of the training images.
        augment: bool = true;
        label: told("Augmentation"), group: told("method"), kind: Switch, races: told("augmentation {}"),
        hint: told("Each image is shifted by up to 4 pixels and mirrored at random."),
    }
    "crop" {
        /// Pixels by which an augmented image is shifted at most, 0 to [`PAD`](crate::data::PAD).
        crop: u32 = 4;
        label: told("Shifted by"), group: told("regularisation"), kind: Integer { min: 0, max: 4, step: 1 }, races: told("shifted by {}"),
        applies: Is("augment", "1"),
        hint: told("At most so many pixels, up or down and left or right."),
    }
    "border" {
        /// What comes in at the edge of a shifted image: `black` or `mirrored`.
        border: String = "black".into();
        label: told("At its edge"), group: told("regularisation"), kind: Choice(|| BORDERS.iter().collect()), races: told("edges: {}"),
        applies: Is("augment", "1"),
        hint: told("What comes in where an image was shifted away from."),
    }
    "flip" {
        /// How augmented images are mirrored: `random` or `alternating`.
        flip: String = "random".into();
        label: told("Mirrored"), group: told("regularisation"), kind: Choice(|| FLIPS.iter().collect()), races: told("mirrored: {}"),
        applies: Is("augment", "1"),
        hint: told("Alternating shows each image in turn as it is and mirrored, so that no two epochs in a row see the same."),
    }
    "train" {
        label: told("Training images"), group: told("data"), kind: Integer { min: 100, max: 50_000, step: 1000 }, initial: "10000",
        applies: Is("data", "builtin"), forks: false,
        hint: told("Of the built-in set."),
    }
    "test" {
        label: told("Test images"), group: told("data"), kind: Integer { min: 100, max: 10_000, step: 500 }, initial: "2000",
        applies: Is("data", "builtin"), forks: false,
        hint: told("Of the built-in set."),
    }
    "seed" {
        /// Seed of initial weights, shuffling, augmentation and dropout.
        seed: u32 = 1;
        label: told("Seed"), group: told("seed"), kind: Integer { min: 0, max: 999_999, step: 1 }, forks: false,
        hint: told("Sets the first weights, the order of the images and every random choice."),
    }
    "winograd" {
        /// Convolutions by Winograd's algorithm where that is faster; off: all by the direct one.
        winograd: bool = true;
        label: told("Winograd"), group: told("engine"), kind: Switch,
        hint: told("Convolutions with a quarter of the multiplications. Off: the direct way, slower."),
    }
    "compute" {
        /// What layers with weights compute in: `f32` or `int8`.
        compute: String = "f32".into();
        label: told("Computes in"), group: told("engine"), kind: Choice(|| COMPUTES.iter().collect()), races: told("in {}"),
        hint: told("8-bit integers: a convolution multiplies whole numbers, forward and backward, and is quicker. Activations and gradients that nothing else rounds then get 8 bits."),
    }
    "threads" {
        label: told("Threads"), group: told("engine"), kind: Auto { max: 1024 }, initial: "auto", forks: false,
        hint: told("Auto takes every core the browser tells of."),
    }
    "build" {
        label: told("Arithmetic"), group: told("engine"), kind: Choice(|| BUILDS.iter().collect()), initial: "auto", forks: false,
        hint: told("Relaxed SIMD fuses multiply and add: quicker, and it may differ between processors. Exact does not."),
    }
    "ends" {
        /// Name of an entry of [`ENDS`]: how the first and the last layer with weights are rounded.
        ends: String = "same".into();
        label: told("First and last layer"), group: told("quantization"), kind: Choice(|| ENDS.iter().map(|ends| &ends.entry).collect()),
        races: told("first and last layer: {}"),
        hint: told("The weights of both, their gradients, and what the last ReLU hands on; what bits say of a single layer's weights goes first."),
    }
    "activations" {
        /// Name of a scheme in [`ACTIVATIONS`]; `none` leaves activations in FP32.
        activations: String = "none".into();
        label: told("Activations"), group: told("quantization"), renamed: &[("fp8", "fp8_e4m3")],
        kind: Schemes(quant::activation_menu), races: told("activations {}"),
        hint: told("What the outputs of ReLUs are rounded by, not the images that the first layer reads. FP32 as published."),
    }
    "actbits" {
        /// Bit width of the activations, 1 to 8; a scheme takes some of them.
        activation_bits: u32 = 8;
        label: told("Activation bits"), group: told("quantization"), kind: Integer { min: 1, max: 8, step: 1 }, races: told("{}-bit activations"),
        applies: Not("activations", "none"),
        hint: told("b bits give up to 2^b levels, 0 among them; the line of levels shows them."),
    }
    "actrange" {
        /// How the range of activations follows the batches: `average` or `largest`.
        activation_range: String = "average".into();
        label: told("Activation range"), group: told("quantization"), kind: Choice(|| RANGES.iter().collect()), races: told("range: {}"),
        applies: By("ends", "activations", quant::measuring),
        hint: told("How the range follows the largest value of each training batch. Tests leave it as it is."),
    }
    "clipdecay" {
        /// L2 penalty on what PACT learns, 0 to 1.
        clip_decay: f64 = 1e-4;
        label: told("Decay of clips"), group: told("quantization"), kind: Number { min: 0.0, max: 1.0, log: true }, races: told("clip decay {}"),
        applies: Is("activations", "pact"),
        hint: told("Pulls learned clips towards 0, so that the levels lie closer."),
    }
    "gradients" {
        /// Name of a scheme in [`GRADIENTS`](crate::quant::GRADIENTS); `none` leaves gradients in FP32.
        gradients: String = "none".into();
        label: told("Gradients"), group: told("quantization"), renamed: &[("fp8", "fp8_e5m2")],
        kind: Schemes(quant::gradient_menu), races: told("gradients {}"),
        hint: told("What comes back to a layer with weights is rounded by this before the layer learns from it. FP32 as published."),
    }
    "gradbits" {
        /// Bit width of the gradients, 2 to 8; a scheme takes some of them.
        gradient_bits: u32 = 8;
        label: told("Gradient bits"), group: told("quantization"), kind: Integer { min: 2, max: 8, step: 1 }, races: told("{}-bit gradients"),
        applies: Not("gradients", "none"),
        hint: told("b bits give up to 2^b levels."),
    }
    "steplr" {
        /// Learning rate of what quantizers learn (the logarithms of steps), at the schedule's height, 0.000001 to 1.
        step_lr: f64 = 1e-3;
        label: told("Rate of learned steps"), group: told("quantization"), kind: Number { min: 1e-6, max: 1.0, log: true },
        races: told("step rate {}"), applies: By("quantizer", "activations", quant::learning), hint: told("Of the logarithm of a learned step or clip: 0.001 changes it by a thousandth a training step."),
    }
    "optimizer" {
        /// Name of an entry of [`OPTIMIZERS`].
        optimizer: String = "adamw".into();
        label: told("Optimizer"), group: told("optimizer"),
        kind: Choice(|| OPTIMIZERS.iter().map(|kind| &kind.entry).collect()), races: told("{}"),
    }
    "momentum" {
        /// Share of the past in the first moment (AdamW's beta 1) or the velocity, 0 to 0.999.
        momentum: f64 = 0.9;
        label: told("Momentum"), group: told("optimizer"), kind: Number { min: 0.0, max: 0.999, log: false }, races: told("momentum {}"),
        applies: Not("schedule", "one_cycle"),
        hint: told("How much of a step comes from the steps before. AdamW's beta 1."),
    }
    "decay" {
        /// Weight decay, 0 to 1.
        weight_decay: f64 = 5e-4;
        label: told("Weight decay"), group: told("optimizer"), kind: Number { min: 0.0, max: 1.0, log: true }, races: told("decay {}"),
        hint: told("How much of a weight each step takes away, times the learning rate."),
    }
    "normrate" {
        /// Factor on the learning rate of biases and normalisations, 0.01 to 100.
        norm_rate: f64 = 1.0;
        label: told("Rate of biases"), group: told("optimizer"), kind: Number { min: 0.01, max: 100.0, log: true }, races: told("bias rate {}"),
        hint: told("Times the learning rate, for biases and normalisations."),
    }
    "decaynorms" {
        /// Biases and normalisations decay too.
        decay_norms: bool = true;
        label: told("Decay of biases"), group: told("optimizer"), kind: Switch, races: told("bias decay {}"),
        hint: told("Biases and normalisations decay like weights, as published."),
    }
    "clipnorm" {
        /// Global gradient norm above which gradients are scaled down, 0.001 to 1000.
        clip_norm: f64 = 0.5;
        label: told("Clipped at"), group: told("optimizer"), kind: Number { min: 1e-3, max: 1e3, log: true }, races: told("clipped at {}"),
        applies: Is("clip", "1"),
        hint: told("The gradient's norm is held to this, where it is clipped."),
    }
    "tanhlimit" {
        /// Bound of the soft clip, 0.01 to 100.
        tanh_limit: f64 = 3.0;
        label: told("Tanh limit"), group: told("optimizer"), kind: Number { min: 0.01, max: 100.0, log: true }, races: told("tanh limit {}"),
        applies: Is("tanh", "1"),
        hint: told("The bound that tanh clipping keeps weights within."),
    }
    "smoothing" {
        /// Share of the target that is spread over all classes, 0 to 0.9.
        label_smoothing: f64 = 0.0;
        label: told("Label smoothing"), group: told("regularisation"), kind: Number { min: 0.0, max: 0.9, log: false },
        races: told("smoothing {}"),
        hint: told("So much of each target goes to all classes alike."),
    }
    "dropout" {
        /// Probability of dropping an element where the model has a dropout, 0 to 0.95.
        dropout: f64 = 0.5;
        label: told("Dropout"), group: told("regularisation"), kind: Number { min: 0.0, max: 0.95, log: false }, races: told("dropout {}"),
        applies: Is("model", "vgg4bit"),
        hint: told("Share of the last hidden layer that is left out at random in each step."),
    }
    "bnmomentum" {
        /// Weight of a new batch in the running statistics of batch norm, 0.001 to 1.
        bn_momentum: f64 = 0.1;
        label: told("Batch-norm momentum"), group: told("regularisation"), kind: Number { min: 1e-3, max: 1.0, log: true },
        races: told("batch-norm momentum {}"),
        hint: told("How fast the running mean and variance follow the batches."),
    }
    "reestimate" {
        /// Training batches by which the statistics of batch norm are estimated again before a test pass, 0 (the running
        /// ones are used) to 1000.
        reestimate: u32 = 0;
        label: told("Re-estimated batches"), group: told("evaluation"), kind: Integer { min: 0, max: 1000, step: 10 },
        races: told("re-estimated {}"),
        hint: told("Before a test pass, means and variances are taken again over so many training batches. 0: the running ones."),
    }
    "ema" {
        /// Share of the past in the average of the weights, 0 (no average) to 0.99999.
        ema: f64 = 0.0;
        label: told("Average of weights"), group: told("evaluation"), kind: Number { min: 0.0, max: 0.99999, log: false },
        races: told("average {}"),
        hint: told("The average is tested beside the weights themselves; 0.999 remembers some thousand steps. 0: none."),
    }
    "normalization" {
        /// Whose mean and deviation pixels are normalised by: `paper` or `own`.
        normalization: String = "paper".into();
        label: told("Normalisation"), group: told("evaluation"), kind: Choice(|| NORMALIZATIONS.iter().collect()), forks: false,
        hint: told("Whose mean and deviation the pixels are normalised by."),
    }
    "holdout" {
        /// Training images that are kept aside and tested on in place of the test images, 0 to 50,000.
        holdout: u32 = 0;
        label: told("Hold-out"), group: told("evaluation"), kind: Integer { min: 0, max: 50_000, step: 500 }, forks: false,
        hint: told("So many training images are kept aside and tested on instead of the test images, for choices that must not see those."),
    }
}
