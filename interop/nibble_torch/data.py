"""Images: those of a file that `cargo nibble export --to pytorch` writes, or CIFAR's binary batches; and batches of them, as
src/data/batches.rs makes them."""

import tarfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from . import random
from .checkpoint import IMAGES, LABELS, SUFFIX, read
from .problem import Problem

SIDE = 32
BYTES = 3 * SIDE * SIDE
# Pixels around an image before it is cropped back to its size.
PAD = 4
# By which the published runs normalise.
MEAN = np.float32([0.4914, 0.4822, 0.4465])
STD = np.float32([0.2023, 0.1994, 0.2010])

TAKEN = "a file of `cargo nibble export --to pytorch`, CIFAR's binary archive, or the folder of its .bin files"


@dataclass
class Split:
    """Images `[n][3][32][32]` as bytes, and the class of each."""

    images: np.ndarray
    labels: np.ndarray


@dataclass
class Dataset:
    """What is trained on and what is tested on."""

    train: Split
    test: Split

    def fingerprint(self, classes):
        """As `Dataset::fingerprint` of src/data/dataset.rs: names the images that a run was trained on."""
        crc, width = 0, np.uint8 if classes <= 256 else np.dtype("<u2")
        for split in (self.train, self.test):
            crc = zlib.crc32(split.labels.astype(width).tobytes(), crc)
            crc = zlib.crc32(np.ascontiguousarray(split.images), crc)
        return f"{crc:08x}"


def load(path, checkpoint):
    """The images that a saved run was trained on, which must be these."""
    about = checkpoint.about["data"]
    if path is None and IMAGES not in checkpoint.arrays:
        raise Problem("--data", f"where {about['name']} lies, which the run was trained on ({TAKEN})", "nothing")
    dataset = _of_checkpoint(checkpoint) if path is None else _read(Path(path))
    found = dataset.fingerprint(len(about["classes"]))
    if found != about["fingerprint"]:
        counts = [len(dataset.train.labels), len(dataset.test.labels)]
        wanted = f"{about['name']} as the run was trained on it ({about['images']} images, CRC-32 {about['fingerprint']})"
        raise Problem(path, wanted, f"{counts} images, CRC-32 {found}")
    return dataset


def _of_checkpoint(checkpoint):
    images, labels = checkpoint.arrays[IMAGES], checkpoint.arrays[LABELS]
    count = checkpoint.about["data"]["images"][0]
    return Dataset(Split(images[:count], labels[:count]), Split(images[count:], labels[count:]))


def _read(path):
    try:
        if path.name.endswith(SUFFIX):
            return _of_checkpoint(read(path))
        if path.is_dir():
            return _cifar({file.name: file.read_bytes() for file in path.rglob("*.bin")})
        with tarfile.open(path) as archive:
            members = [member for member in archive if member.isfile() and member.name.endswith(".bin")]
            return _cifar({Path(member.name).name: archive.extractfile(member).read() for member in members})
    except OSError as error:
        raise Problem(path, TAKEN, error.strerror or error) from None
    except (tarfile.TarError, KeyError, ValueError) as error:
        raise Problem(path, TAKEN, f"{type(error).__name__} {error}") from None


def _cifar(files):
    """CIFAR-10's six batches, or CIFAR-100's two, whose records have the coarse class first."""
    # Place of the class in a record, and the batches.
    if "train.bin" in files:
        place, parts = 1, [["train.bin"], ["test.bin"]]
    else:
        place, parts = 0, [[f"data_batch_{i}.bin" for i in range(1, 6)], ["test_batch.bin"]]
    splits = []
    for names in parts:
        records = np.frombuffer(b"".join(files[name] for name in names), np.uint8).reshape(-1, place + 1 + BYTES)
        images = records[:, place + 1 :].reshape(-1, 3, SIDE, SIDE)
        splits.append(Split(images, records[:, place].astype(np.uint16)))
    return Dataset(*splits)


class Images:
    """The images of a run, as src/run/images.rs has them: which of them it trains on, which it tests on, and its batches."""

    def __init__(self, dataset, settings):
        self.settings, self.seed = settings, settings.seed
        split, count = dataset.train, settings.holdout
        if count:
            train, test = random.kept_aside(len(split.labels), count)
            self.train = Split(split.images[train], split.labels[train])
            self.test = Split(split.images[test], split.labels[test])
            # Those that are mirrored in turn are told apart by their place in the whole set.
            self.places = train
        else:
            self.train, self.test, self.places = split, dataset.test, np.arange(len(split.labels))
        mean, std = _own_figures(split.images) if settings.normalization == "own" else (MEAN, STD)
        bytes = np.arange(256, dtype=np.float32)[None] / np.float32(255)
        self.table = (bytes - mean[:, None]) / std[:, None]

    @cached_property
    def _channels(self):
        return np.arange(3)[None, :, None, None]

    def normalized(self, bytes):
        """`[n][3][32][32]` of bytes as the network reads them."""
        return self.table[self._channels, bytes]

    def order(self, epoch):
        return random.order(len(self.train.labels), self.seed, epoch)

    def train_batch(self, order, position, mine, epoch):
        """Of the batch that begins at that position of the epoch's order the part `mine`, a slice of it."""
        places = np.arange(mine.start, mine.stop)
        chosen = order[position:][places]
        images = self.train.images[chosen]
        if self.settings.augment:
            images = self._augmented(images, chosen, position + places, epoch)
        return self.normalized(images), self.train.labels[chosen]

    def drawn_batch(self, epoch, number, mine):
        """Of a batch drawn for the estimation of statistics the part `mine`."""
        draws = random.words(self.seed, random.REESTIMATE, number, self.settings.batch, epoch)
        chosen = random.below(draws, len(self.train.labels))[mine]
        return self.normalized(self.train.images[chosen])

    def test_batch(self, places):
        return self.normalized(self.test.images[places]), self.test.labels[places]

    def _augmented(self, images, chosen, positions, epoch):
        reach = self.settings.crop
        draws = random.first_words(self.seed, random.AUGMENT, positions, epoch)
        top, left = (PAD - reach + random.below(draws[:, i], 2 * reach + 1) for i in (0, 1))
        if self.settings.flip == "alternating":
            first = random.first_words(self.seed, random.FIRST_FLIP, self.places[chosen])[:, 0]
            flip = (random.below(first, 2) + epoch) % 2 == 1
        else:
            flip = random.below(draws[:, 2], 2) == 1
        mode = "reflect" if self.settings.border == "mirrored" else "constant"
        padded = np.pad(images, ((0, 0), (0, 0), (PAD, PAD), (PAD, PAD)), mode)
        side = np.arange(SIDE)
        columns = np.where(flip[:, None], side[::-1], side) + left[:, None]
        rows = side + top[:, None]
        return padded[np.arange(len(images))[:, None, None, None], self._channels, rows[:, None, :, None], columns[:, None, None]]


def _own_figures(images):
    """Mean and deviation of each channel, from whole sums."""
    planes = images.transpose(1, 0, 2, 3).reshape(3, -1)
    counts = np.stack([np.bincount(plane, minlength=256) for plane in planes]).astype(np.int64)
    byte = np.arange(256)
    mean, squares = ((counts * values).sum(1) / planes.shape[1] for values in (byte, byte**2))
    deviation = np.sqrt(np.maximum(squares - mean * mean, 0)) / 255
    return (mean / 255).astype(np.float32), np.maximum(deviation.astype(np.float32), np.float32(1) / np.float32(255))
