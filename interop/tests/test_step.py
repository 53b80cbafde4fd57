"""One step here beside the engine's own, from the same file: every scheme, optimizer and rule."""

import handover
import pytest
from handover import needs_engine, nibble
from nibble_torch import Run, checkpoint

START = "start.nibble.safetensors"
# Gradient descent, whose steps are as far off as the gradients; AdamW makes a whole step of a gradient of just zero.
BASE = {"train": 160, "test": 100, "batch": 32, "epochs": 3, "optimizer": "sgd", "lr": 0.01}

# The engine adds up a batch norm's statistics in f32, which is off by 1e-6 of them; a loss is a mean of 32. A ReLU on the edge that
# opens on one side only moves a channel's gradient by up to a hundredth (tests/golden.rs has the same bound).
PLAIN = {"loss": 1e-6, "movement": 2e-2, "statistics": 1e-5}
# A gradient on the edge between two levels goes up on one side only: by a step of 1 / 15 of the largest.
GRADIENTS = {**PLAIN, "movement": 0.15}
# Of three million activations some lie on an edge between two levels; each that falls to the other side moves others in the next
# layer by more than rounding errors do, and these others. What is rounded to what is in test_quantizers.
ACTIVATIONS = {"loss": 2e-3, "movement": 0.4, "statistics": 5e-3}

SCHEMES = [
    "symmetric", "affine", "lsq", "dorefa", "dorefa bits=1", "dfp bits=8", "fp4", "fp8_e4m3 bits=8", "fp8_e5m2 bits=8", "mxfp4",
    "mxfp8 bits=8", "nvfp4", "binary bits=1", "ternary_mean bits=2", "ternary_median bits=2", "shift", "apot", "apot bits=5",
    "codebook", "none", "symmetric granularity=net", "lsq granularity=group64", "ternary_median bits=2 granularity=channel",
]
CASES = [
    *((f"quantizer={scheme}", PLAIN) for scheme in SCHEMES),
    *((f"activations={of}", ACTIVATIONS) for of in ("affine actbits=4", "pact", "lsq", "dorefa", "fp4 actbits=4", "mxfp4 actbits=4")),
    ("activations=fp8_e4m3 actrange=largest", ACTIVATIONS),
    *((f"gradients={of}", GRADIENTS) for of in ("affine gradbits=4", "dorefa", "fp8_e5m2", "mxfp4 gradbits=4")),
    ("ends=8 activations=affine gradients=affine", ACTIVATIONS),
    ("ends=full bits=4,conv2:8", PLAIN),
    ("granularity=net layers=conv2.quantizer:lsq,conv2.granularity:channel,conv3.activations:pact", ACTIVATIONS),
    *((f"optimizer={of} lr=0.001", {**PLAIN, "movement": 0.05}) for of in ("adamw", "muon", "muon_conv")),
    *((f"schedule={of}", PLAIN) for of in ("one_cycle", "warmup_linear")),
    ("flip=alternating crop=2 border=mirrored smoothing=0.1", PLAIN),
    ("augment=0 holdout=50 normalization=own", PLAIN),
    ("ste=0 quantizer=lsq tanh=0 clip=0", PLAIN),
    ("normrate=3 decaynorms=0 tanhlimit=0.5 bnmomentum=0.3", PLAIN),
    ("model=vgg4bit", PLAIN),
    ("model=convnetjs_cifar10", PLAIN),
]


@needs_engine
@pytest.mark.parametrize("settings, most", CASES, ids=[settings for settings, _ in CASES])
def test_a_step_is_the_engines(tmp_path, settings, most):
    asked = {**BASE, **dict(setting.split("=") for setting in settings.split())}
    flags = " ".join(f"--{key} {value}" for key, value in asked.items())
    nibble(tmp_path, f"train {flags} --out {START} --steps 2 --exact")
    nibble(tmp_path, f"export {START} --to pytorch")
    nibble(tmp_path, f"train --resume {START} --out engine.nibble.safetensors --steps 1 --exact")
    run = Run.load(tmp_path / "start.pytorch.nibble.safetensors")
    run.advance()
    run.save(tmp_path / "here.nibble.safetensors")
    files = (tmp_path / name for name in (START, "engine.nibble.safetensors", "here.nibble.safetensors"))
    handover.distance(*files).within(**most)


@needs_engine
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_where_gradients_are_zero_weights_decay_and_are_clipped_as_the_engines_to_the_bit(tmp_path, optimizer):
    asked = {**BASE, "optimizer": optimizer, "ste": 0, "decay": 0.1, "tanhlimit": 0.2}
    nibble(tmp_path, "train", *(f"--{key} {value}" for key, value in asked.items()), f"--out {START} --steps 1 --exact")
    nibble(tmp_path, f"export {START} --to pytorch")
    nibble(tmp_path, f"train --resume {START} --out engine.nibble.safetensors --steps 2 --exact")
    run = Run.load(tmp_path / "start.pytorch.nibble.safetensors")
    run.advance()
    run.advance()
    run.save(tmp_path / "here.nibble.safetensors")
    start, engine, here = (checkpoint.read(tmp_path / name).arrays for name in (START, "engine.nibble.safetensors", "here.nibble.safetensors"))
    weights = [name for name in start if name.endswith(".weight") and start[name].ndim > 1]
    assert len(weights) == 7
    for name in weights:
        assert (start[name] != engine[name]).mean() > 0.9
        assert (here[name] == engine[name]).all(), name


@needs_engine
def test_an_epoch_ends_as_the_engines(tmp_path):
    """Its last step, statistics estimated again, the tests of the weights and of their averages, and the report."""
    flags = " ".join(f"--{key} {value}" for key, value in {**BASE, "reestimate": 2, "ema": 0.5, "quantizer": "affine"}.items())
    nibble(tmp_path, f"train {flags} --out {START} --steps 4 --exact")
    nibble(tmp_path, f"export {START} --to pytorch")
    run = Run.load(tmp_path / "start.pytorch.nibble.safetensors")
    run.advance()
    report = run.advance()
    run.advance()
    run.save(tmp_path / "here.nibble.safetensors")
    nibble(tmp_path, f"train --resume {START} --out engine.nibble.safetensors --steps 2 --exact")
    files = [tmp_path / name for name in (START, "engine.nibble.safetensors", "here.nibble.safetensors")]
    handover.distance(*files).within(**PLAIN)
    engine = handover.reports(files[1])[-1]
    assert report.keys() == engine.keys()
    for mine, its in zip(report["layers"], engine["layers"], strict=True):
        assert mine.keys() == its.keys()
        exact = ("name", "shape", "count", "bits", "scales", "bitsAWeight", "levelTotal", "signs")
        assert [mine[key] for key in exact] == [its[key] for key in exact]
        assert mine["levels"] == pytest.approx(its["levels"], rel=1e-4)
        # One weight in a thousand may be on another level or in another bin.
        for counts, others in ((mine["levelCounts"], its["levelCounts"]), (mine["histogram"]["counts"], its["histogram"]["counts"])):
            assert sum(abs(a - b) for a, b in zip(counts, others, strict=True)) <= 2 + mine["count"] // 500
        for key in ("entropyBits", "flippedShare", "flipsPerStep", "saturatedShare", "gradNorm"):
            assert mine[key] == pytest.approx(its[key], rel=2e-2, abs=2e-3), key
    for key in ("epoch", "lr", "trainLoss", "trainAccuracy", "testLoss", "testAccuracy"):
        assert report[key] == pytest.approx(engine[key], rel=1e-4), key
    assert report["average"] == pytest.approx(engine["average"], rel=1e-3)
    assert report["confusion"] == engine["confusion"]
