"""What cannot be done is said in a sentence."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from handover import needs_engine, nibble
from nibble_torch import Problem, Run, checkpoint
from nibble_torch.data import Dataset, Split
from nibble_torch.network import Network
from nibble_torch.quant import activations, gradients, weights
from nibble_torch.settings import Settings


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    nibble(folder, "train --train 160 --test 100 --epochs 1 --model convnetjs_cifar10 --out run --steps 1 --exact")
    nibble(folder, "export run --to pytorch --out all.nibble.safetensors")
    return folder


def refused(asked, sentence):
    with pytest.raises(Problem) as problem:
        asked()
    assert sentence in str(problem.value)


@needs_engine
def test_files_that_are_no_runs(saved, tmp_path):
    refused(lambda: checkpoint.read(saved / "none"), "expected a run saved by Nibble, of format 1 to 1, found No such file")
    content = (saved / "run").read_bytes()
    for part in (b"", b"{}", content[:100], content[:-100]):
        (tmp_path / "part").write_bytes(part)
        refused(lambda: checkpoint.read(tmp_path / "part"), "something else, or a part of one")
    damaged = bytearray(content)
    damaged[-1000] ^= 1
    (tmp_path / "damaged").write_bytes(damaged)
    refused(lambda: checkpoint.read(tmp_path / "damaged"), "expected the file as it was saved, found another checksum")


@needs_engine
def test_a_network_alone_and_settings_that_are_not_known(saved, tmp_path):
    nibble(tmp_path, "train --train 100 --test 100 --epochs 1 --model convnetjs_cifar10 --out run --exact")
    nibble(tmp_path, "pack run --out packed")
    refused(lambda: checkpoint.read(tmp_path / "packed"), "found a network alone")
    for key, value, sentence in (
        ("model", "lenet", "model: expected convnetjs_cifar10, simple_resnet4bit, vgg4bit, found lenet"),
        ("quantizer", "log2", "quantizer: expected none, symmetric, affine"),
        ("optimizer", "lion", "optimizer: expected adamw, sgd, muon, muon_conv, found lion"),
        ("schedule", "stairs", "schedule: expected cosine"),
        ("bits", "4,conv9:8", "bits: expected conv1, conv2, conv3, linear1, found conv9"),
    ):
        run = checkpoint.read(saved / "all.nibble.safetensors")
        run.settings[key] = value
        checkpoint.write(run, tmp_path / "changed", images=True)
        refused(lambda: Run.load(tmp_path / "changed"), sentence)
    run = checkpoint.read(saved / "all.nibble.safetensors")
    del run.settings["warmup"]
    checkpoint.write(run, tmp_path / "older", images=True)
    refused(lambda: Run.load(tmp_path / "older"), "settings: expected all of this version's: warmup, found a file of an earlier one")


@needs_engine
def test_other_images(saved, tmp_path):
    refused(lambda: Run.load(saved / "run"), "--data: expected where Shapes and textures lies")
    refused(lambda: Run.load(saved / "run", saved / "none.tar"), "none.tar: expected a file of `cargo nibble export")
    (tmp_path / "no.tar.gz").write_bytes(b"none")
    refused(lambda: Run.load(saved / "run", tmp_path / "no.tar.gz"), "no.tar.gz: expected a file of `cargo nibble export")
    records = np.zeros((10, 3073), np.uint8)
    for name in [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]:
        records.tofile(tmp_path / name)
    refused(lambda: Run.load(saved / "run", tmp_path), "found [50, 10] images, CRC-32")


@needs_engine
def test_the_command_says_it_in_a_line_and_keeps_other_files(saved):
    words = ["-m", "nibble_torch.train", "--resume", "all.nibble.safetensors", "--out", "run"]
    done = subprocess.run([sys.executable, *words], cwd=saved, capture_output=True, text=True)
    sentence = "nibble_torch: run: expected a name that no file has, or --force to overwrite it, found a file\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", sentence)


def test_what_a_scheme_does_not_take():
    refused(lambda: weights.make("fp4", 3, "tensor", 4, 4), "bits: expected 4 with fp4, found 3")
    refused(lambda: weights.make("codebook", 4, "channel", 4, 4), "granularity: expected tensor with codebook, found channel")
    refused(lambda: weights.make("mxfp4", 4, "group64", 4, 4), "granularity: expected tensor with mxfp4, found group64")
    refused(lambda: activations.make("fp4", 3, SimpleNamespace()), "actbits: expected 4 with fp4, found 3")
    refused(lambda: gradients.make("log", 3), "gradients: expected none, affine, symmetric, dorefa, fp8_e5m2, mxfp4, found log")


class Chosen(SimpleNamespace):
    of, is_own = Settings.of, Settings.is_own


def settings():
    return Chosen(
        bits=SimpleNamespace(all=4, layers={}, of=lambda name: 4),
        layers={},
        **{"quantizer": "symmetric", "granularity": "channel", "ends": "same", "ste": True, "gradients": "none", "gradbits": 8},
        **{"activations": "none", "actbits": 8, "compute": "f32", "bnmomentum": 0.1, "reestimate": 0, "dropout": 0.5},
    )


def test_a_network_may_be_any_graph_of_the_known_layers():
    specs = [
        {"type": "conv2d", "out": 8},
        {"type": "batch_norm"},
        {"type": "relu", "id": "stem"},
        {"type": "conv2d", "out": 16, "stride": 2},
        {"type": "batch_norm", "id": "deep"},
        {"type": "projection", "out": 16, "stride": 2, "inputs": ["stem"]},
        {"type": "batch_norm"},
        {"type": "add", "from": "deep"},
        {"type": "relu"},
        {"type": "max_pool"},
        {"type": "flatten"},
        {"type": "dropout", "p": 0.25},
        {"type": "linear"},
    ]
    network = Network(specs, 7, settings())
    # The second batch norm and the sum are one node, as the engine has it.
    names = ["conv1", "bn1", "conv2", "bn2", "projection1", "bn3", "relu1", "max_pool", "flatten", "dropout", "linear1"]
    assert [node.name for node in network.nodes] == names
    assert network.nodes[-1].shape == (7, 1, 1)
    refused(lambda: Network([{"type": "pool"}], 7, settings()), "layer 0 (pool): expected conv2d")
    refused(lambda: Network([{"type": "add"}], 7, settings()), "layer 0 (add): expected 2 inputs, found 1")
    refused(lambda: Network([{"type": "relu", "from": "x"}], 7, settings()), "the id of an earlier layer, found x")
    refused(lambda: Network(specs[:3], 7, settings()), "last layer: expected an output of 7 classes, found shape (8, 32, 32)")
    refused(lambda: Network([{"type": "conv2d", "out": 8, "depth": 3}], 7, settings()), "layer 0 (conv2d): expected its settings")


def test_cifar_is_read_from_its_archive_or_folder(tmp_path):
    import tarfile

    from nibble_torch.data import _read

    folder = tmp_path / "cifar-100-binary"
    folder.mkdir()
    draw = np.random.default_rng(1)
    parts = {}
    for name, count in (("train.bin", 20), ("test.bin", 10)):
        parts[name] = draw.integers(0, 100, (count, 3074), dtype=np.uint8)
        parts[name].tofile(folder / name)
    with tarfile.open(tmp_path / "cifar-100-binary.tar.gz", "w:gz") as archive:
        archive.add(folder, folder.name)
    train, test = parts.values()
    wanted = Dataset(*(Split(part[:, 2:].reshape(-1, 3, 32, 32), part[:, 1].astype(np.uint16)) for part in (train, test)))
    for path in (folder, tmp_path / "cifar-100-binary.tar.gz"):
        assert _read(path).fingerprint(100) == wanted.fingerprint(100)


