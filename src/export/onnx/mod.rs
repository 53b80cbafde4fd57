//! The network in ONNX, opset 21: weights as INT4, UINT4 or what else their levels need, batch norm folded into their
//! scales, and the preprocessing inside, so that a picture goes in as bytes.

mod graph;
mod proto;
mod rounding;
mod weights;

use prost::Message;

use self::graph::{Attr, Builder};
use self::proto::{Model, OperatorSet, Property, data_type};
use super::{Artifact, Network, Target};
use crate::Result;
use crate::lower::{Op, Operation, fold};
use crate::registry::{Entry, told};

/// Asks the runtime to give up the few kernels that take quantized weights as they are, and to unpack them once instead
/// of at every picture: three times as fast.
pub(super) const RUN: &str = "python3 -c \"import json, numpy, onnxruntime, PIL.Image; \
    o = onnxruntime.SessionOptions(); o.add_session_config_entry('session.disable_quant_qdq', '1'); \
    s = onnxruntime.InferenceSession('{file}', o); \
    x = numpy.asarray(PIL.Image.open('picture.png').convert('RGB').resize((32, 32)))[None]; \
    y = s.run(None, {'pixels': x})[0][0]; \
    print(json.loads(s.get_modelmeta().custom_metadata_map['classes'])[y.argmax()])\"";

pub(super) const TARGET: Target = Target {
    entry: Entry {
        name: "onnx",
        label: told("ONNX"),
        about: told("For ONNX Runtime on any machine and in browsers, with 4-bit weights (opset 21)"),
    },
    engine: false,
    images: false,
    whole: false,
    needs: "ONNX Runtime 1.20 or later (pip install onnxruntime pillow) and a picture.png",
    run: RUN,
    write: |network| Ok(Artifact::file("onnx", MIME, write(network, false)?)),
};

pub(super) const FLOAT: Target = Target {
    entry: Entry {
        name: "onnx_float",
        label: told("ONNX, unpacked"),
        about: told(
            "The same with its weights as 32-bit numbers, for runtimes without 4-bit types (opset 18)",
        ),
    },
    engine: false,
    images: false,
    whole: false,
    needs: "any ONNX runtime since 2023 (pip install onnxruntime pillow) and a picture.png",
    run: RUN,
    write: |network| Ok(Artifact::file("float.onnx", MIME, write(network, true)?)),
};

const MIME: &str = "application/octet-stream";
/// The versions of ONNX's operators and of its format that know 4-bit types, and some that know none.
const PACKED: (i64, i64) = (21, 10);
const UNPACKED: (i64, i64) = (18, 8);
/// Names of what goes in and comes out.
const PIXELS: &str = "pixels";
const LOGITS: &str = "logits";

/// The file.
pub(super) fn write(network: &Network, float: bool) -> Result<Vec<u8>> {
    let lowered = fold(&network.lowered);
    let mut graph = Builder::default();
    let mut names = vec![preprocess(&mut graph, network)];
    // Whether a value is an image `[batch, c, h, w]`, not a vector `[batch, c]`.
    let mut images = vec![true];
    let last = lowered.operations.len() - 1;
    for (i, operation) in lowered.operations.iter().enumerate() {
        let inputs: Vec<&str> = operation.inputs.iter().map(|input| names[*input].as_str()).collect();
        let image = images[operation.inputs[0]];
        // Layers without weights may share a name, which nodes may not.
        let shared = lowered.operations[..i].iter().any(|earlier| earlier.name == operation.name);
        let own = if shared { format!("{}.{i}", operation.name) } else { operation.name.clone() };
        let name = if i == last { LOGITS } else { &own };
        let output = write_operation(&mut graph, operation, &inputs, image, [&own, name], float)?;
        names.push(output);
        let vector = matches!(operation.op, Op::GlobalAvgPool | Op::Flatten | Op::Linear { .. });
        images.push(image && !vector);
    }
    let [h, w, c] = lowered.input;
    let about = "R G B of each pixel, 0 to 255".into();
    let input = graph::batch(PIXELS, data_type::UINT8, &[h, w, c], about);
    let output = graph::batch(LOGITS, data_type::FLOAT, &[network.classes.len()], String::new());
    let (version, ir_version) = if float { UNPACKED } else { PACKED };
    let property = |key: &str, value: String| Property { key: key.into(), value };
    let model = Model {
        ir_version,
        producer_name: "nibble".into(),
        doc_string: format!(
            "Classifies pictures of {h} x {w} pixels. {PIXELS}: bytes R G B, normalised inside; {LOGITS}: one a class."
        ),
        graph: Some(graph.finish("nibble", input, output)),
        opset_import: vec![OperatorSet { domain: String::new(), version }],
        metadata_props: vec![
            property("classes", serde_json::json!(network.classes).to_string()),
            property("mean", serde_json::json!(network.mean).to_string()),
            property("std", serde_json::json!(network.std).to_string()),
        ],
    };
    Ok(model.encode_to_vec())
}

/// `(pixel / 255 - mean) / std`, channels first.
fn preprocess(graph: &mut Builder, network: &Network) -> String {
    let to = Attr::Int(data_type::FLOAT.into());
    let floats = graph.node("Cast", &[PIXELS], "image.floats", &[("to", to)]);
    let perm = [("perm", Attr::Ints(&[0, 3, 1, 2]))];
    let planes = graph.node("Transpose", &[&floats], "image.planes", &perm);
    let most = graph.float("image.most".into(), 255.0);
    let shares = graph.node("Div", &[&planes, &most], "image.shares", &[]);
    let mean = graph.floats("image.mean".into(), &[3, 1, 1], &network.mean);
    let centred = graph.node("Sub", &[&shares, &mean], "image.centred", &[]);
    let std = graph.floats("image.std".into(), &[3, 1, 1], &network.std);
    graph.node("Div", &[&centred, &std], "image", &[])
}

/// `own` begins the names of what the operation needs, `name` is that of its result.
fn write_operation(
    graph: &mut Builder,
    operation: &Operation,
    inputs: &[&str],
    image: bool,
    [own, name]: [&str; 2],
    float: bool,
) -> Result<String> {
    let x = inputs[0];
    // A value a channel, to be multiplied with or added to images or vectors.
    let by_channel = |count: usize| if image { vec![count, 1, 1] } else { vec![count] };
    Ok(match &operation.op {
        Op::Conv2d { weight, bias, stride } => {
            let size = weight.dims[0] as i64;
            let weight = weights::add(graph, &format!("{own}.weight"), weight, float);
            let bias = graph.floats(format!("{own}.bias"), &[bias.len()], bias);
            let attributes = [
                ("kernel_shape", Attr::Ints(&[size; 2])),
                ("pads", Attr::Ints(&[size / 2; 4])),
                ("strides", Attr::Ints(&[*stride as i64; 2])),
            ];
            graph.node("Conv", &[x, &weight, &bias], name, &attributes)
        }
        Op::Linear { weight, bias } => {
            let weight = weights::add(graph, &format!("{own}.weight"), weight, float);
            let bias = graph.floats(format!("{own}.bias"), &[bias.len()], bias);
            graph.node("Gemm", &[x, &weight, &bias], name, &[])
        }
        Op::Affine { factor, offset } => {
            let factor = graph.floats(format!("{own}.factor"), &by_channel(factor.len()), factor);
            let offset = graph.floats(format!("{own}.offset"), &by_channel(offset.len()), offset);
            let product = graph.node("Mul", &[x, &factor], format!("{own}.product"), &[]);
            graph.node("Add", &[&product, &offset], name, &[])
        }
        Op::Relu => graph.node("Relu", &[x], name, &[]),
        Op::MaxPool => {
            let two = [2, 2];
            let attributes = [("kernel_shape", Attr::Ints(&two)), ("strides", Attr::Ints(&two))];
            graph.node("MaxPool", &[x], name, &attributes)
        }
        Op::GlobalAvgPool => {
            let means = graph.node("GlobalAveragePool", &[x], format!("{own}.means"), &[]);
            graph.node("Flatten", &[&means], name, &[])
        }
        Op::Flatten => graph.node("Flatten", &[x], name, &[]),
        Op::Add => {
            let mut sum = x.to_owned();
            for (i, input) in inputs.iter().enumerate().skip(1) {
                let name = if i + 1 == inputs.len() { name.to_owned() } else { format!("{own}.{i}") };
                sum = graph.node("Add", &[&sum, input], name, &[]);
            }
            sum
        }
        Op::ScaleChannels => {
            let mut gate = inputs[1].to_owned();
            if image {
                let sizes = graph.ints(format!("{own}.sizes"), &[0, -1, 1, 1]);
                gate = graph.node("Reshape", &[&gate, &sizes], format!("{own}.gate"), &[]);
            }
            graph.node("Mul", &[x, &gate], name, &[])
        }
        Op::Sigmoid => graph.node("Sigmoid", &[x], name, &[]),
        Op::Round(rounding) => rounding::add(graph, rounding, x, own, operation.shape, name),
    })
}
