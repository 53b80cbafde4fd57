"""The file of a saved run, as src/checkpoint has it: safetensors with the run's facts as JSON in its metadata, and last the
SHA-256 of every byte before that sum. What this package does not change is written as it was read."""

import hashlib
import json
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .problem import Problem

SUFFIX = ".nibble.safetensors"
FORMAT = 1
PREFIX = "nibble."
SUM, LOSSES, EPOCHS = "nibble.sum", "nibble.losses", "nibble.epochs"
IMAGES, LABELS = "nibble.images", "nibble.labels"
DTYPES = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8"), "U8": np.dtype("u1"), "U16": np.dtype("<u2")}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


def float_of(bits):
    """A number of the state that is a float."""
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def bits_of(value):
    """The inverse."""
    return struct.unpack("<Q", struct.pack("<d", value))[0]


@dataclass
class Checkpoint:
    """A saved run: arrays in the file's order, and the metadata, whose values are decoded JSON."""

    arrays: dict
    about: dict

    @property
    def settings(self):
        """The texts of all settings by their keys."""
        return self.about["settings"]

    @property
    def state(self):
        """The numbers of the state; floating-point ones as their bits (`float_of`, `bits_of`)."""
        return self.about["state"]

    def text(self, name):
        return self.arrays[name].tobytes().decode() if name in self.arrays else ""

    def set_text(self, name, text):
        self.arrays[name] = np.frombuffer(text.encode(), np.uint8)


def read(path):
    """Reads a saved run."""
    wanted = f"a run saved by Nibble, of format 1 to {FORMAT}"
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise Problem(path, wanted, error.strerror or error) from None
    try:
        (length,) = struct.unpack_from("<Q", content)
        header = json.loads(content[8 : 8 + length])
        about = {key.removeprefix(PREFIX): json.loads(text) for key, text in header.pop("__metadata__").items()}
        base = 8 + length
        arrays = {}
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            start, end = entry["data_offsets"]
            values = np.frombuffer(content[base + start : base + end], DTYPES[entry["dtype"]])
            arrays[name] = values.reshape(entry["shape"])
        found_sum = arrays.pop(SUM).tobytes()
        found = about["format"]
    except (struct.error, ValueError, KeyError, TypeError, AttributeError, UnicodeDecodeError):
        raise Problem(path, wanted, "something else, or a part of one") from None
    if not 1 <= found <= FORMAT:
        raise Problem(path, wanted, f"format {found}")
    # A save would give what was damaged a checksum that holds.
    if hashlib.sha256(content[: len(content) - len(found_sum)]).digest() != found_sum:
        raise Problem(path, "the file as it was saved", "another checksum")
    if about.get("packed"):
        raise Problem(path, "a whole run", "a network alone (`cargo nibble pack`), which has no state to go on from")
    return Checkpoint(arrays, about)


def write(checkpoint, path, images=False):
    """Writes a saved run: the whole file, or the one that was there before stays. It has the run's images where they are
    somebody's own, whom nobody else has, or where that is asked for."""
    header = {"__metadata__": {PREFIX + key: _json(value) for key, value in checkpoint.about.items()}}
    end = 0
    images = images or checkpoint.about["data"].get("kind") == "images"
    arrays = {name: array for name, array in checkpoint.arrays.items() if images or name not in (IMAGES, LABELS)}
    sizes = [(name, NAMES[array.dtype], list(array.shape), array.nbytes) for name, array in arrays.items()]
    for name, dtype, shape, size in [*sizes, (SUM, "U8", [32], 32)]:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = _json(header).encode()
    text += b" " * (-len(text) % 8)
    part = Path(f"{path}.{os.getpid()}.part")
    sum = hashlib.sha256()
    try:
        with open(part, "wb") as file:
            for piece in (struct.pack("<Q", len(text)), text, *(array.tobytes() for array in arrays.values())):
                sum.update(piece)
                file.write(piece)
            file.write(sum.digest())
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Problem(path, "to save the run there", error.strerror or error) from None


def _json(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
