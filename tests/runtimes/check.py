"""Reads exports with the programs that they are for: `check.py WHAT FOLDER...`, a line for each folder that is right.

A folder holds what tests/runtimes/main.rs wrote: the exports of one network, `pictures.rgb` [n][32][32][3], and
`logits.f32` [n][classes], Nibble's own.
"""

import json
import pathlib
import sys

import numpy as np

SIDE = 32


def picture_bytes(folder):
    return np.fromfile(folder / "pictures.rgb", dtype=np.uint8).reshape(-1, SIDE, SIDE, 3)


def expected(folder, images):
    return np.fromfile(folder / "logits.f32", dtype=np.float32).reshape(images, -1)


def compare(found, wanted, exact, name):
    """Logits, but for the order of sums; where activations are rounded that order may change a level."""
    distance = np.abs(found - wanted).max() / np.abs(wanted).max()
    alike = (found.argmax(1) == wanted.argmax(1)).mean()
    assert np.isfinite(found).all(), name
    if exact:
        assert distance <= 1e-4 and alike == 1, f"{name}: {distance} apart, {alike} alike"
    else:
        assert alike >= 0.8, f"{name}: {distance} apart, {alike} alike"
    return f"{name}: {distance:.1e} apart, {alike:.2f} alike"


def session_of(path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    return onnxruntime.InferenceSession(path, options)


def answers(folder):
    """The likeliest class of every picture: another one only where two were as likely but for the order of sums."""
    pictures = picture_bytes(folder)
    wanted = expected(folder, len(pictures))
    session = session_of(folder / "network.onnx")
    parts = [session.run(None, {"pixels": pictures[at : at + 500]})[0] for at in range(0, len(pictures), 500)]
    found = np.concatenate(parts)
    scale = np.abs(wanted).max()
    others = np.flatnonzero(found.argmax(1) != wanted.argmax(1))
    best = np.sort(wanted[others], 1)
    assert (best[:, -1] - best[:, -2] <= 1e-4 * scale).all(), f"{others} of {len(pictures)}"
    listed = f" (pictures {', '.join(map(str, others))})" if len(others) else ""
    distance = np.abs(found - wanted).max() / scale
    return f"{len(pictures)} pictures, {len(others)} answers that are not the same{listed}, {distance:.1e} apart"


def onnx_runtime(folder):
    import onnx

    pictures = picture_bytes(folder)
    wanted = expected(folder, len(pictures))
    about = json.loads((folder / "about.json").read_text())
    lines = []
    for name in ("network.onnx", "network.float.onnx"):
        model = onnx.load(folder / name)
        onnx.checker.check_model(model, full_check=True)
        onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
        session = session_of(folder / name)
        assert json.loads(session.get_modelmeta().custom_metadata_map["classes"]) == about["classes"]
        found = session.run(None, {"pixels": pictures})[0]
        lines.append(compare(found, wanted, about["exact"], name))
        kinds = {onnx.TensorProto.DataType.Name(tensor.data_type) for tensor in model.graph.initializer}
        if name == "network.onnx" and about["packed"]:
            assert kinds & {"INT4", "UINT4"}, kinds
        if name == "network.float.onnx":
            assert kinds <= {"FLOAT", "INT64"}, kinds
    return "; ".join(lines)


def safetensors(folder):
    """The weights as the document says them, against those of the unpacked ONNX."""
    import onnx
    from onnx import numpy_helper
    from safetensors import safe_open

    graph = onnx.load(folder / "unfolded.onnx").graph
    initializers = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    file = safe_open(folder / "network.safetensors", "numpy")
    document = json.loads(file.metadata()["nibble.network"])
    count = 0
    for operation in document["operations"]:
        weight = operation.get("weight")
        if weight is None:
            continue
        dims, outputs = weight["dims"], weight["dims"][-1]
        size = int(np.prod(dims))
        if "codes" in weight:
            levels, scales = (file.get_tensor(weight[key]) for key in ("levels", "scales"))
            packed = file.get_tensor(weight["codes"])
            if len(levels) <= 16:
                packed = np.stack([packed & 15, packed >> 4], 1).reshape(-1)[:size]
            row, output = np.divmod(np.arange(size), outputs)
            rows = weight["rowsOfAScale"]
            block = row // rows * outputs + output if rows else np.zeros(size, int)
            zero = file.get_tensor(weight["zeroPoints"])[block] if weight["zeroPoints"] else np.float32(0)
            values = (levels[packed] - zero) * scales[block]
        else:
            values = file.get_tensor(weight["values"])
        values = values.reshape(dims)
        if len(dims) == 4:
            values = values.transpose(3, 2, 0, 1)
        there = initializers[operation["name"] + ".weight"]
        np.testing.assert_allclose(values, there, rtol=1e-6, atol=0)
        count += 1
    assert count > 0
    return f"{count} tensors of weights"


def tensorboard(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "network-tensorboard"), size_guidance={"scalars": 0, "histograms": 0})
    events.Reload()
    about = json.loads((folder / "about.json").read_text())
    steps = events.Scalars("loss/step")
    assert [event.step for event in steps] == list(range(1, about["steps"] + 1))
    assert events.Scalars("accuracy/test")[-1].value == np.float32(about["accuracy"])
    histograms = [tag for tag in events.Tags()["histograms"] if tag.startswith("latent weights/")]
    assert len(histograms) == about["layers"]
    return f"{len(steps)} steps, {len(histograms)} histograms"


def hub(folder):
    from huggingface_hub import ModelCard

    card = ModelCard.load(folder / "network-hub" / "README.md")
    about = json.loads((folder / "about.json").read_text())
    (result,) = card.data.eval_results
    assert result.metric_value == round(about["accuracy"], 4) and result.dataset_name == "Shapes and textures"
    assert "95 % interval" in card.text and "curves.svg" in card.text
    config = json.loads((folder / "network-hub" / "config.json").read_text())
    assert list(config["id2label"].values()) == about["classes"]
    return f"{result.metric_value} on {result.dataset_name}"


CHECKS = {"answers": answers, "onnx": onnx_runtime, "safetensors": safetensors, "tensorboard": tensorboard, "hub": hub}

if __name__ == "__main__":
    what, *folders = sys.argv[1:]
    for folder in map(pathlib.Path, folders):
        print(f"{folder.name}: {CHECKS[what](folder)}", flush=True)
