"""Runs that go from `cargo nibble` to this package and back, and how far they end from one that stayed."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from nibble_torch import checkpoint

NIBBLE = os.environ.get("NIBBLE")
needs_engine = pytest.mark.skipif(NIBBLE is None, reason="NIBBLE does not say where the engine's program is")
# Biases before a batch norm: their gradient is 0, of which floating point leaves rounding errors. They change no logit.
NULL = {
    "simple_resnet4bit": [f"conv{i}.bias" for i in range(1, 7)],
    "vgg4bit": [*(f"conv{i}.bias" for i in range(1, 7)), "linear1.bias"],
}


def nibble(folder, *arguments):
    """What a command of the engine says."""
    words = [str(word) for argument in arguments for word in str(argument).split()]
    done = subprocess.run([NIBBLE, *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def train(folder, *arguments, processes=2):
    """What the package says, in so many processes."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [*torchrun, "-m", "nibble_torch.train", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass
class Distance:
    """Between two runs that went on from one start."""

    # Relative, the largest of all steps.
    loss: float
    # Of each tensor that is learned: the root mean square of the difference, by that of what the steps moved.
    movement: dict
    # Of statistics, by the largest of them.
    statistics: dict

    def within(self, loss, movement, statistics):
        """Whether it is no further than that; says where it is not."""
        parts = (("loss", {"loss": self.loss}, loss), ("movement", self.movement, movement), ("statistics", self.statistics, statistics))
        for what, found, most in parts:
            for name, value in found.items():
                assert value <= most, f"{what} of {name}: {value:.1e} apart, not {most:.1e}"


def distance(start, one, other):
    """How far two files are apart that both went on from `start`."""
    start, one, other = (checkpoint.read(path) for path in (start, one, other))
    assert one.settings == other.settings and list(one.arrays) == list(other.arrays)
    counts = ("step", "optimizer_step", "epoch", "stage", "position", "train.images")
    assert [one.state[key] for key in counts] == [other.state[key] for key in counts]
    losses, others = (file.arrays["nibble.losses"] for file in (one, other))
    assert len(losses) == len(others) > len(start.arrays["nibble.losses"])
    null = NULL.get(one.settings["model"], ())
    movement, statistics = {}, {}
    for name, values in one.arrays.items():
        difference = values.astype(np.float64) - other.arrays[name] if values.dtype == np.float32 else None
        if name.rpartition(".")[2] in ("running_mean", "running_var", "estimated_mean", "estimated_var"):
            statistics[name] = np.abs(difference).max() / max(np.abs(values).max(), 1e-12)
        elif f"{name}.grad_norm" in one.state and name not in null:
            moved = values.astype(np.float64) - start.arrays[name]
            movement[name] = np.linalg.norm(difference) / max(np.linalg.norm(moved), 1e-12)
    return Distance(float(np.abs(losses / others - 1).max()), movement, statistics)


def reports(path):
    """The reports of the epochs in a file."""
    return [json.loads(line) for line in checkpoint.read(path).text(checkpoint.EPOCHS).splitlines()]
