"""The references in tests/golden, and the keyed values that they are of: see the README there."""

import json
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[2] / "tests" / "golden"


def read(file):
    return json.loads((FOLDER / f"{file}.json").read_text())


def unit(name, count):
    """`count` numbers in [-1, 1), keyed by a name."""
    key = 0xCBF29CE484222325
    for byte in name.encode():
        key = (key ^ byte) * 0x100000001B3 % (1 << 64)
    z = np.uint64(key) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float32) / np.float32(1 << 23) - np.float32(1)


def values(folder, case, shape):
    """What a case is about, of that shape; `folder` says which of the files it is in."""
    count, i = int(np.prod(shape)), np.arange(np.prod(shape))
    kind, size = case.get("kind", "noise"), "x".join(map(str, shape))
    seed = f"/{case['seed']}" if "seed" in case else ""
    u = unit(f"{folder}/{kind}/{size}{seed}", count)
    n = 2 ** case["bits"] - 1
    tenth, denormal = np.float32(0.1), np.float32(2.0**-130)
    weights, activations, gradients = (folder == name for name in ("quantizers", "activations", "gradients"))

    def at_middle(values, value):
        values = np.asarray(values, np.float32).copy()
        values[count // 2] = value
        return values

    made = {
        "noise": lambda: u if activations else u * tenth,
        "wide": lambda: u * 16 if activations else u * 2,
        "zero": lambda: u * 0,
        "constant": lambda: np.full(count, 0.3 if weights else 0.37),
        "minus": lambda: np.full(count, -0.37),
        "outlier": lambda: at_middle(u * tenth, 8),
        "lowest": lambda: at_middle(u * tenth, -8),
        "denormal": lambda: u * denormal,
        "positive": lambda: np.abs(u) * tenth + np.float32(0.01),
        "negative": lambda: -np.abs(u) - np.float32(0.01) if activations else np.abs(u) * -tenth - np.float32(0.01),
        "quarters": lambda: (i % 49 - 24) / 4,
        "steps": lambda: at_middle((37 * i % 257 - 128) / 128, 1) if activations else (37 * i % 257 - 128) / 128,
        "halves": lambda: at_middle((37 * i % (4 * n + 1) - 2 * n) / 2, n),
        "least": lambda: (i % 5 - (2 if gradients else 1)) * 2.0**-149,
        "sixteenths": lambda: at_middle((5 * i % 16 + 16) * 2.0 ** (i // 6 - 12) * np.where(i % 4 == 3, -1, 1), 448),
        "eighths": lambda: at_middle((3 * i % 8 + 8) * 2.0 ** (i // 4 - 20) * np.where(i % 3 == 2, -1, 1), 57344),
        "images": lambda: u * np.repeat(np.float32([1e-4, 3, 0]), count // 3),
    }[kind]()
    return np.asarray(made, np.float32).reshape(shape)


def digits(case, count):
    """The levels of a case, of one or two hexadecimal digits each."""
    width = len(case["levels"]) // count
    return np.array([int(case["levels"][i : i + width], 16) for i in range(0, count * width, width)])
