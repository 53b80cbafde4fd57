//! A folder as the Hugging Face Hub takes it: a model card with front matter, the configuration, the weights in
//! safetensors, the network in ONNX, and a picture of the curves.

mod curves;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Artifact, Content, Network, Target, card, onnx, safetensors};
use crate::registry::{Entry, told};
use crate::{Error, Result};

pub(super) const TARGET: Target = Target {
    entry: Entry {
        name: "hub",
        label: told("Hugging Face Hub"),
        about: told(
            "A folder for a model hub: model card, configuration, safetensors, ONNX and a picture of the curves",
        ),
    },
    engine: false,
    images: false,
    whole: false,
    needs: "an account there and its program (pip install huggingface_hub, hf auth login); the licence is yours to choose, in README.md",
    run: "hf upload my-network \"{file}\"",
    write,
};

/// Files of the folder.
const CARD: &str = "README.md";
const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.safetensors";
const ONNX: &str = "model.onnx";
const CURVES: &str = "curves.svg";

fn write(network: &Network) -> Result<Artifact> {
    if network.story.is_none() {
        return Err(Error::Data {
            file: "history".into(),
            expected: "a run that was trained".into(),
            found: "a network without one".into(),
        });
    }
    let (weights, onnx) = (safetensors::bytes(network), onnx::write(network, false)?);
    let sizes = [weights.len(), onnx.len()];
    let files = vec![
        (CARD, readme(network, sizes).into_bytes()),
        (CONFIG, format!("{:#}\n", config(network)).into_bytes()),
        (WEIGHTS, weights),
        (ONNX, onnx),
        (CURVES, curves::svg(&card::reports(network)).into_bytes()),
    ];
    Ok(Artifact { extension: "hub", content: Content::Folder(files), notes: Vec::new() })
}

fn config(network: &Network) -> Value {
    let story = network.story.as_ref();
    let classes = || network.classes.iter().enumerate();
    json!({
        "library_name": "nibble",
        "architectures": [story.and_then(|story| story.settings.get("model"))],
        "image_size": network.lowered.input[0],
        "num_channels": network.lowered.input[2],
        "image_mean": network.mean,
        "image_std": network.std,
        "id2label": classes().map(|(i, class)| (i.to_string(), class)).collect::<BTreeMap<_, _>>(),
        "label2id": classes().map(|(i, class)| (class, i)).collect::<BTreeMap<_, _>>(),
        "training": story.map(|story| &story.settings),
    })
}

/// Text as YAML has it in double quotes, which JSON's are.
fn quoted(text: &str) -> String {
    json!(text).to_string()
}

fn readme(network: &Network, [weights, onnx]: [usize; 2]) -> String {
    let story = network.story.clone().unwrap_or_default();
    let setting = |key: &str| story.settings.get(key).map_or("", String::as_str);
    let (model, bits) = (setting("model"), setting("bits"));
    let mut text = String::from(
        "---\nlibrary_name: nibble\npipeline_tag: image-classification\ntags:\n- image-classification\n\
         - quantization-aware-training\n- nibble\n- onnx\n",
    );
    if let Some(accuracy) = card::accuracy(network) {
        let _ = write!(
            text,
            "model-index:\n- name: {}\n  results:\n  - task:\n      type: image-classification\n    dataset:\n      \
             name: {}\n      type: {}\n      split: test\n    metrics:\n    - type: accuracy\n      value: {:.4}\n",
            quoted(model),
            quoted(&story.data),
            quoted(&slug(&story.data)),
            accuracy.share,
        );
    }
    let _ = write!(
        text,
        "---\n\n# {model}, {} weights{}{}\n\nTrained by Nibble in quantization-aware training: what was trained is what is \
         in these files.\n\n| | |\n| --- | --- |\n",
        setting("quantizer"),
        if bits.is_empty() { String::new() } else { format!(" of {bits} bits") },
        if setting("layers").is_empty() { "" } else { ", but for single layers" },
    );
    for (label, fact) in card::facts(network) {
        let _ = writeln!(text, "| {label} | {} |", fact.replace('|', "\\|"));
    }
    let _ = write!(
        text,
        "\n![Loss and accuracy over the epochs]({CURVES})\n\n## Use\n\n`{ONNX}` ({onnx} bytes) takes bytes R G B, \
         `[batch, 32, 32, 3]`, and normalises them itself:\n\n```sh\npip install onnxruntime pillow\n{}\n```\n\n\
         `{WEIGHTS}` ({weights} bytes) holds the codes of the weights two to a byte, the low nibble first; its metadata \
         `nibble.network` says what the operations are and that a weight is `(levels[code] - zero point) * scale`.\n\n\
         ## Training\n\nAll settings are in `{CONFIG}`. Seed: {}.\n\n## Licence\n\nNone was chosen yet: add `license:` to \
         the first lines of this file.\n",
        onnx::RUN.replace("{file}", ONNX),
        setting("seed"),
    );
    text
}

/// Lower-case letters, digits and dashes.
fn slug(name: &str) -> String {
    let letters = name.to_lowercase();
    let words: Vec<&str> =
        letters.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("-")
}
