//! Every scheme of every registry: how it is tried, and what holds it against something that was not written for it (see
//! tests/golden/README.md).

use nibble::RunConfig;
use nibble::quant::{Format, SchemeEntry};
use nibble::settings::{Kind, SETTINGS};

/// What schemes are for, and the settings of the scheme and of its bits.
const KINDS: [[&str; 3]; 3] = [
    ["weights", "quantizer", "bits"],
    ["activations", "activations", "actbits"],
    ["gradients", "gradients", "gradbits"],
];

/// A scheme, and the settings that try it.
pub struct Tried {
    /// What it is for.
    pub kind: &'static str,
    pub scheme: SchemeEntry,
    pub bits: u8,
    pub config: RunConfig,
}

/// Every scheme that rounds, at so many bits where it can do them, else its fewest.
pub fn schemes(bits: u8) -> Vec<Tried> {
    let of_kind = |[kind, key, bits_key]: [&'static str; 3]| {
        let row = SETTINGS.iter().find(|row| row.key == key).expect("a setting");
        let Kind::Schemes(menu) = row.kind else { panic!("{key} is no menu of schemes") };
        menu().into_iter().filter(|scheme| scheme.format != Format::Full).map(move |scheme| {
            let bits = if scheme.bits.contains(&bits) { bits } else { scheme.bits[0] };
            let mut config = RunConfig::default();
            config.set(key, scheme.entry.name).expect("a name of its menu");
            config.set(bits_key, &bits.to_string()).expect("bits that it takes");
            Tried { kind, scheme, bits, config }
        })
    };
    KINDS.into_iter().flat_map(of_kind).collect()
}

/// By what a scheme is for and its name: the independent check.
pub const CHECKS: &[(&str, &str, &str)] = &[
    ("weights", "symmetric", "torch.fake_quantize_per_tensor_affine, per_channel_affine"),
    ("weights", "affine", "torch.fake_quantize_per_tensor_affine, per_channel_affine"),
    ("weights", "lsq", "torch._fake_quantize_learnable_per_tensor_affine; central differences"),
    ("weights", "dorefa", "transcript in NumPy; autograd"),
    ("weights", "dfp", "transcript in NumPy"),
    ("weights", "fp4", "ml_dtypes float4_e2m1fn"),
    ("weights", "fp8_e4m3", "ml_dtypes float8_e4m3fn"),
    ("weights", "fp8_e5m2", "ml_dtypes float8_e5m2"),
    ("weights", "mxfp4", "ml_dtypes float4_e2m1fn, float8_e8m0fnu"),
    ("weights", "mxfp8", "ml_dtypes float8_e4m3fn, float8_e8m0fnu"),
    ("weights", "nvfp4", "ml_dtypes float4_e2m1fn, float8_e4m3fn"),
    ("weights", "binary", "transcript in NumPy; autograd"),
    ("weights", "ternary_mean", "transcript in NumPy"),
    ("weights", "ternary_median", "transcript in NumPy"),
    ("weights", "shift", "transcript in NumPy; autograd"),
    ("weights", "apot", "transcript in NumPy; autograd"),
    ("weights", "codebook", "scikit-learn KMeans on the same start"),
    (
        "activations",
        "affine",
        "torch.fake_quantize_per_tensor_affine; its observers; autograd through a clamp",
    ),
    ("activations", "pact", "torch.fake_quantize_per_tensor_affine; autograd"),
    (
        "activations",
        "lsq",
        "torch.fake_quantize_per_tensor_affine, _fake_quantize_learnable_per_tensor_affine; transcript in NumPy",
    ),
    ("activations", "dorefa", "torch.fake_quantize_per_tensor_affine; autograd through a clamp"),
    ("activations", "fp4", "ml_dtypes float4_e2m1fn; torch's observers; autograd through a clamp"),
    ("activations", "fp8_e4m3", "ml_dtypes float8_e4m3fn; torch's observers; autograd through a clamp"),
    ("activations", "mxfp4", "ml_dtypes float4_e2m1fn, float8_e8m0fnu"),
    (
        "gradients",
        "affine",
        "draw by draw: transcript in NumPy, torch.fake_quantize_per_tensor_affine with noise",
    ),
    (
        "gradients",
        "dorefa",
        "draw by draw: transcript in NumPy, torch.fake_quantize_per_tensor_affine with noise",
    ),
    (
        "gradients",
        "symmetric",
        "draw by draw: transcript in NumPy, torch.fake_quantize_per_tensor_affine with noise",
    ),
    ("gradients", "fp8_e5m2", "ml_dtypes float8_e5m2"),
    ("gradients", "mxfp4", "draw by draw: neighbours in ml_dtypes float4_e2m1fn, float8_e8m0fnu"),
];
