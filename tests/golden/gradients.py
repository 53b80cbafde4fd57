"""Gradients, rounded by every scheme: the reference of Nibble's, from the papers, PyTorch and ml_dtypes.

usage: python gradients.py     write gradients.json beside this script

needs: torch, numpy, ml_dtypes and scikit-learn, which schemes.py imports (written with torch 2.15.0 and ml_dtypes 0.6.0
on x86-64, CPU). README.md says what is in the file.
"""

import math
from pathlib import Path

import ml_dtypes
import numpy as np
import torch

from activations import INVERTIBLE, dims, edges, pixels
from generate import bits as random_bits, short, unit
from quantizers import EDGE
from schemes import FORMATS, cast, digits, float_edges, floor_log2, numbers, shorts, write

f32, f64, u32 = np.float32, np.float64, np.uint32

SHAPES = ("3x2x3x7", "2x2x1x33", "1x1x1x70", "1x1x2x64", "1x1x1x1")
UGLY = ("zero", "constant", "minus", "outlier", "lowest", "denormal", "least", "positive", "negative", "images", "quarters")

tally = {"values": 0, "edges": 0, "values that PyTorch rounds too": 0, "of them otherwise": 0, "on a level": 0}


def values(kind, shape):
    """Gradients in the order `[n][h][w][c]`, f32."""
    size = math.prod(dims(shape))
    index, image = np.arange(size), size // dims(shape)[0]
    u = unit(f"gradients/{kind}/{shape}", size)
    but = lambda value, x: np.where(index == size // 2, f32(value), x)
    power = lambda exponent: np.ldexp(f32(1), exponent)
    found = {
        "noise": lambda: u * f32(0.1),
        "zero": lambda: u * f32(0),
        "constant": lambda: np.full_like(u, f32(0.37)),
        "minus": lambda: np.full_like(u, f32(-0.37)),
        "outlier": lambda: but(8, u * f32(0.1)),
        "lowest": lambda: but(-8, u * f32(0.1)),
        "denormal": lambda: u * f32(2.0**-130),
        "least": lambda: (index % 5 - 2) * f32(2.0**-149),
        "positive": lambda: np.abs(u) * f32(0.1) + f32(0.01),
        "negative": lambda: np.abs(u) * f32(-0.1) - f32(0.01),
        # Images of their own size: small, large, none.
        "images": lambda: u * np.array([1e-4, 3, 0], f32)[index // image],
        "quarters": lambda: (index % 49 - 24) * f32(0.25),
        # Eighths from 2^-17 on, half of them ties of e5m2, subnormal ones too: the scale is 1.
        "eighths": lambda: but(57344, np.where(index % 3 == 2, -1, 1) * (index * 3 % 8 + 8) * power(index // 4 - 20)),
    }[kind]().astype(f32)
    assert np.isfinite(found).all()
    return found


def words(key, count):
    """32 bits for each of the places 0, 1, ..."""
    low, high = u32(key & 0xFFFFFFFF), u32(key >> 32)
    x = np.arange(count, dtype=u32) + low
    x = (x ^ (x >> u32(16))) * u32(0x21F0AAAD) ^ high
    x = (x ^ (x >> u32(15))) * u32(0xD35A2D97)
    return x ^ (x >> u32(15))


def noise(key, count):
    """Nibble's numbers in [0, 1) for the places 0, 1, ...: multiples of 2^-24."""
    return (words(key, count) >> u32(8)).astype(f64) * 2.0**-24


def coarse(key, count):
    """The same of 16 bits: of 32 places the first 16 have the low halves of 16 words, the others the high ones."""
    place = np.arange(count)
    word = (words(key, count)[place // 32 * 16 + place % 16]).astype(np.int64)
    half = np.where(place % 32 < 16, word & 0xFFFF, word >> 16)
    return (half + 0.5) * 2.0**-16


def head(scheme, kind, shape, bits, draw=noise):
    """A case, its values, its draws."""
    key = int(random_bits(f"gradients/{scheme}/{kind}/{shape}/{bits}", 1)[0])
    case = {"kind": kind, "shape": dims(shape), "bits": bits, "key": key}
    return case, values(kind, shape), draw(key, math.prod(dims(shape)))


def draws():
    """The first draws of some keys, in units of 2^-24."""
    for key in (0, 1, 2**32, 0x0123456789ABCDEF, 2**64 - 1):
        yield {"key": key, "draws": (noise(key, 16) * 2**24).astype(int).tolist()}


def by_chance(position, u):
    """Of integers around a position the upper one with a chance that is the position's distance from the lower one:
    where the draw is in the upper end of [0, 1). Given too: where the draw is within EDGE of deciding otherwise."""
    lower = np.floor(position)
    chance = position - lower
    found = lower + (u >= 1 - chance)
    margin = chance - (1 - u)
    # Next to an integer the position itself may be taken for one a little lower or higher.
    edge = (np.abs(margin) < EDGE) | ((chance > 1 - EDGE) & (u < EDGE)) | ((chance < EDGE) & (u > 1 - EDGE))
    # The mean over all draws is the position.
    assert np.allclose(lower * (1 - chance) + (lower + 1) * chance, position, rtol=1e-12, atol=1e-12)
    tally["values"] += position.size
    tally["edges"] += int(edge.sum())
    tally["on a level"] += int((chance == 0).sum())
    return found.astype(int), edge


def by_torch(x, step, zero_point, n):
    """Levels by PyTorch's fake quantization of values that bring their noise."""
    y = torch.fake_quantize_per_tensor_affine(torch.from_numpy(x.astype(f32)), float(step), zero_point, 0, n)
    return np.round(y.numpy().astype(f64) / f64(f32(step))).astype(int) + zero_point


def compare(theirs, found, edge):
    assert np.array_equal(theirs[~edge], found[~edge])
    tally["values that PyTorch rounds too"] += found.size
    tally["of them otherwise"] += int((theirs != found).sum())


def inputs(sizes, ugly):
    for shape in SHAPES:
        for bits in sizes:
            yield "noise", shape, bits
    for kind in ugly:
        for bits in sizes:
            yield kind, SHAPES[0], bits


def affine():
    """arXiv 1806.08342, sections 2.1 and 2.3: round((x + e) / step) + z with e uniform in half a step to either side. The
    zero point is the nearest, but leaves a level to either side on which there are values; the step is the least that
    holds both ends."""
    for kind, shape, bits in inputs((4, 8), UGLY):
        case, x, u = head("affine", kind, shape, bits)
        n = f32(2**bits - 1)
        low, high = min(x.min(), f32(0)), max(x.max(), f32(0))
        # An empty range, or one of which a step is no f32: values stay as they are.
        if high == low:
            yield case | {"levels": ""}
            continue
        exact = -float(low) / (float(high) - float(low)) * float(n)
        z = int(np.round(-low / (high - low) * n))
        assert z == round(exact) and (exact % 1 == 0.5 or abs(exact % 1 - 0.5) > 1e-4)
        z = min(max(z, int(low < 0)), int(n) - int(high > 0))
        step = max(high / f32(n - z) if high > 0 else f32(0), -low / f32(z) if low < 0 else f32(0))
        if step == 0:
            yield case | {"levels": ""}
            continue
        position = x.astype(f64) / f64(step) + z
        # Nothing is cut off. A subnormal step has few digits: of these no level is further off than its rounding.
        slack = 1e-6 * n if step > 2**-126 else 2.0**-150 / float(step) * float(n)
        assert position.min() >= -slack and position.max() <= n + slack
        assert kind in ("denormal", "least") or step <= (high - low) / n * (1 + 1 / min(z or n, n - z or n))
        found, edge = by_chance(np.clip(position, 0, n), u)
        found = np.clip(found, 0, int(n))
        if step > INVERTIBLE:
            compare(by_torch(x + (u - 0.5) * step, step, z, int(n)), found, edge)
        case |= {"step": short(step), "zero_point": z} | edges(edge)
        yield case | {"levels": digits(found, 1 if bits == 4 else 2)}


def symmetric():
    """arXiv 1806.08342, sections 2.2 and 2.3, with the same noise: no zero point, as many levels to either side."""
    for kind, shape, bits in inputs((4, 8), UGLY):
        case, x, u = head("symmetric", kind, shape, bits, coarse)
        n = 2 ** (bits - 1) - 1
        step = np.abs(x).max() / f32(n)
        case |= {"step": short(step), "zero_point": n}
        # Too small for a step of its own: all are 0.
        if step < 2.0**-126:
            yield case | {"levels": digits(np.full(x.size, n), 1 if bits == 4 else 2)}
            continue
        position = np.clip(x.astype(f64) / f64(step), -n, n)
        found, edge = by_chance(position, u)
        found = np.clip(found, -n, n) + n
        if step > INVERTIBLE:
            compare(by_torch(x + (u - 0.5) * step, step, n, 2 * n), found, edge)
        yield case | edges(edge) | {"levels": digits(found, 1 if bits == 4 else 2)}


def dorefa():
    """arXiv 1606.06160, equation 12: noise of half a step to either side, the largest of an image."""
    sizes = [("noise", shape, bits) for shape in SHAPES[:2] for bits in range(2, 9)] + [("noise", s, 4) for s in SHAPES[2:]]
    sizes += [(kind, SHAPES[0], bits) for kind in UGLY for bits in (2, 4, 8)]
    for kind, shape, bits in sizes:
        case, x, u = head("dorefa", kind, shape, bits)
        n, images = 2**bits - 1, dims(shape)[0]
        of_image = np.abs(x.reshape(images, -1)).max(axis=1)
        largest = np.repeat(of_image.astype(f64), x.size // images)
        t = x / (2 * np.where(largest > 0, largest, 1)) + 0.5
        found, edge = by_chance(n * t, u)
        # The equation as it stands.
        literal = np.round(n * (t + (u - 0.5) / n))
        assert np.array_equal(literal[~edge], found[~edge])
        compare(by_torch(t + (u - 0.5) / n, f32(1 / n), 0, n), np.clip(found, 0, n), edge)
        empty = largest == 0
        found = np.where(empty, 0, np.clip(found, 0, n))
        case |= {"largest": shorts(of_image)} | edges(edge & ~empty)
        yield case | {"levels": digits(found, 1 if bits <= 4 else 2)}


def fp8_e5m2():
    """arXiv 2209.05433 and the OCP's format: the largest of the batch becomes e5m2's largest number; no chance."""
    for kind, shape, bits in inputs((8,), UGLY + ("eighths",)):
        case, x, _ = head("fp8_e5m2", kind, shape, bits)
        scale = np.abs(x).max() / f32(FORMATS["e5m2"][1])
        if scale == 0:
            yield case | {"levels": ""}
            continue
        quotient = x / scale
        found = float_edges(quotient, np.full_like(x, scale), "e5m2")
        tally["values"] += x.size
        case |= {"step": short(scale)} | ({"edges": found} if found else {})
        yield case | {"levels": digits(cast(quotient, "e5m2"), 2)}


def mxfp4():
    """arXiv 2502.20586, section 3: three quarters of a value, in blocks of the OCP's microscaling formats, one of its two
    neighbours among the numbers of e2m1; four thirds of that stand for it."""
    dtype, largest, e_max, width = FORMATS["e2m1"]
    grid, _ = numbers("e2m1")
    for kind, shape, bits in inputs((4,), UGLY):
        case, x, u = head("mxfp4", kind, shape, bits)
        blocks = pixels(shape)
        exponent = [int(max(floor_log2(np.abs(x[b]).max()) - e_max, -127)) for b in blocks]
        scale = np.zeros(x.size)
        for b, e in zip(blocks, exponent):
            scale[b] = 2.0**e
        assert np.array_equal(scale.astype(f32).astype(ml_dtypes.float8_e8m0fnu).astype(f64), scale)
        v = 0.75 * x.astype(f64) / scale
        assert np.abs(v).max() < largest
        below = np.searchsorted(grid, v, side="right") - 1
        above = np.minimum(below + 1, len(grid) - 1)
        place = below + (v - grid[below]) / np.where(above > below, grid[above] - grid[below], 1)
        found, edge = by_chance(place, u)
        number = grid[found].astype(f32).astype(dtype)
        assert np.array_equal(number.astype(f64), grid[found])
        # The nearest number by ml_dtypes is one of the two.
        nearest = v.astype(f32).astype(dtype).astype(f64)
        assert ((nearest == grid[below]) | (nearest == grid[above])).all()
        case |= {"exponent": exponent} | edges(edge)
        yield case | {"levels": digits(number.view(np.uint8).astype(int), width)}


def main():
    torch.set_num_threads(1)
    parts = {"noise": draws(), "affine": affine(), "symmetric": symmetric(), "dorefa": dorefa(), "fp8_e5m2": fp8_e5m2(), "mxfp4": mxfp4()}
    print("cases and bytes:", *write(Path(__file__).with_suffix(".json"), parts), "bytes;", tally)


if __name__ == "__main__":
    main()
