"""Weights, rounded by PyTorch's own fake quantization: the reference of the integer quantizers.

usage: python quantizers.py     write quantizers.json beside this script

needs: torch and numpy (written with torch 2.15.0 on x86-64, CPU). README.md says what is in the file.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch

from generate import short, unit

f32 = np.float32

# A value counts as lying on an edge if w / s is within so many steps of a half: 127 steps are known to 8e-6 in f32.
EDGE = 1e-4

SHAPES = {"27x5": (27, 5), "36x8": (36, 8), "130x3": (130, 3), "45x1": (45, 1), "1x1": (1, 1)}
GROUPS = {"27x5": (32,), "36x8": (32,), "130x3": (32, 64, 128), "45x1": (32,), "1x1": ()}
UGLY = ("zero", "constant", "outlier", "denormal", "positive", "negative")
INPUTS = [("noise", shape) for shape in SHAPES]
INPUTS += [(kind, "27x5") for kind in UGLY] + [("outlier", "130x3"), ("positive", "130x3")]


def weights(kind, shape, seed=""):
    """Values in stored order, `[K][C_out]`, f32."""
    k, c_out = SHAPES[shape]
    u = unit(f"quantizers/{kind}/{shape}{seed}", k * c_out)
    values = {
        "noise": lambda: u * f32(0.1),
        "zero": lambda: u * f32(0),
        "constant": lambda: np.full_like(u, f32(0.3)),
        "outlier": lambda: np.where(np.arange(u.size) == u.size // 2, f32(8), u * f32(0.1)),
        "denormal": lambda: u * f32(2.0**-130),
        "positive": lambda: np.abs(u) * f32(0.1) + f32(0.01),
        "negative": lambda: np.abs(u) * f32(-0.1) - f32(0.01),
    }[kind]()
    assert values.dtype == f32
    return values.reshape(k, c_out)


def shares(per, k, c_out):
    """Stored indices of the values that share a scale, set by set: [c_out][group], within an output channel."""
    index = np.arange(k * c_out).reshape(k, c_out)
    if per == "tensor":
        return [index.flatten()]
    size = k if per == "channel" else int(per.removeprefix("group"))
    return [index[start : start + size, c] for c in range(c_out) for start in range(0, k, size)]


def granularities(shape):
    return ["tensor", "channel"] + [f"group{size}" for size in GROUPS[shape]]


def fake_quantize(w, sets, scale, zero, low, high):
    """PyTorch's result for flat `w`: sets of one length are the channels of one call, a short last group of another."""
    out = np.full_like(w, np.nan)
    if len(sets) == 1:
        y = torch.fake_quantize_per_tensor_affine(torch.from_numpy(w), float(scale[0]), int(zero[0]), low, high)
        return y.numpy()
    for length in sorted({len(s) for s in sets}):
        of = [i for i, s in enumerate(sets) if len(s) == length]
        rows = np.stack([w[sets[i]] for i in of])
        y = torch.fake_quantize_per_channel_affine(
            torch.from_numpy(rows),
            torch.from_numpy(scale[of]),
            torch.from_numpy(zero[of]).to(torch.int32),
            0,
            low,
            high,
        )
        for i, row in zip(of, y.numpy()):
            out[sets[i]] = row
    return out


def spread(sets, values, size, dtype):
    """One value a set, to one a weight."""
    out = np.zeros(size, dtype)
    for s, v in zip(sets, values):
        out[s] = v
    return out


tally = {"values": 0, "edges": 0, "edges that differ": 0, "values by formula alone": 0}


def levels(w, sets, scale, zero, low, high):
    """Levels of every weight, less the zero point kept in; indices on an edge; whether PyTorch has an opinion."""
    size = w.size
    s, z = spread(sets, scale, size, f32), spread(sets, zero, size, np.int64)
    steps = w.astype(np.float64) / s
    fraction = np.abs(steps - np.floor(steps) - 0.5)
    edges = np.flatnonzero((fraction < EDGE) & (steps > low - z - 1) & (steps < high - z + 1))
    formula = np.clip(np.round(w / s) + z, low, high).astype(np.int64)
    with np.errstate(divide="ignore", over="ignore"):
        usable = np.isfinite(f32(1) / scale).all()
    if not usable:
        tally["values by formula alone"] += size
        return formula, edges, False
    y = fake_quantize(w, sets, scale, zero, low, high)
    found = np.round(y.astype(np.float64) / s).astype(np.int64) + z
    # The product that PyTorch stores is the level times the scale, rounded once: no bit is lost by storing levels.
    assert np.array_equal(y, (found - z).astype(f32) * s)
    away = np.ones(size, bool)
    away[edges] = False
    assert np.array_equal(found[away], formula[away])
    tally["values"] += size
    tally["edges"] += edges.size
    tally["edges that differ"] += int((found != formula).sum())
    return found, edges, True


def symmetric(w, sets, bits):
    q = 2 ** (bits - 1) - 1
    scale = np.array([(np.abs(w[s]).max() + f32(1e-8)) / f32(q) for s in sets], f32)
    return scale, np.zeros(len(sets), np.int64), -q, q


def affine(w, sets, bits):
    q = 2**bits - 1
    scale, zero = [], []
    for s in sets:
        low, high = min(w[s].min(), f32(0)), max(w[s].max(), f32(0))
        step = (high - low) / f32(q) if high > low else f32(1)
        scale.append(step)
        zero.append(min(max(int(np.round(-low / step)), 0), q))
    return np.array(scale, f32), np.array(zero, np.int64), 0, q


def cases(scheme, rule):
    for kind, shape in INPUTS:
        k, c_out = SHAPES[shape]
        w = weights(kind, shape).flatten()
        for per in granularities(shape):
            sets = shares(per, k, c_out)
            for bits in (2, 4, 8):
                scale, zero, low, high = rule(w, sets, bits)
                found, edges, usable = levels(w, sets, scale, zero, low, high)
                case = {"kind": kind, "k": k, "c_out": c_out, "bits": bits, "per": per}
                case["scale"] = [short(s) for s in scale]
                if scheme == "affine":
                    case["zero_point"] = zero.tolist()
                yield case | {"torch": usable, "edges": edges.tolist(), "levels": found.tolist()}


# Learned steps ---------------------------------------------------------------------------------------------


def learned(x, step, low, high, factor, dy, channels):
    """Forward values and gradients by PyTorch: `x` is [set][value], or one set for the per-tensor function."""
    x = torch.from_numpy(x).requires_grad_()
    step = torch.from_numpy(step).requires_grad_()
    zero = torch.zeros_like(step)
    if channels:
        y = torch._fake_quantize_learnable_per_channel_affine(x, step, zero, 0, low, high, factor)
    else:
        y = torch._fake_quantize_learnable_per_tensor_affine(x, step, zero, low, high, factor)
    y.backward(torch.from_numpy(dy))
    return y.detach().numpy(), x.grad.numpy(), step.grad.numpy()


def paper(x, step, low, high, factor, dy):
    """Equations 3 and 5 of arXiv 1902.08153 and its gradient scale, in f64: dx, dstep, and where x is outside."""
    v = x.astype(np.float64) / float(step)
    below, above = v <= low, v >= high
    slope = np.where(below, low, np.where(above, high, np.round(v) - v))
    return np.where(below | above, 0.0, dy), float((dy * slope).sum() * factor), below, above


def rounded_first(x, step, low, high, factor, dy):
    """The same where a value is outside only if it is so once rounded: what PyTorch does."""
    v = x.astype(np.float64) / float(step)
    level = np.round(v)
    below, above = level < low, level > high
    slope = np.where(below, low, np.where(above, high, level - v))
    return np.where(below | above, 0.0, dy), float((dy * slope).sum() * factor)


def clean(shape, per, bits, share):
    """Weights, sets and steps without a value on an edge: the first seed that gives such."""
    k, c_out = SHAPES[shape]
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    sets = shares(per, k, c_out)
    for seed in range(100):
        w = weights("noise", shape, f"/{seed}").flatten()
        initial = np.array([2 * np.abs(w[s].astype(np.float64)).mean() / math.sqrt(high) for s in sets])
        step = (initial * share).astype(f32)
        v = w.astype(np.float64) / spread(sets, step, w.size, f32)
        # Halves, and the two bounds, where the gradients jump.
        jumps = np.minimum(np.abs(v - np.floor(v) - 0.5), np.minimum(np.abs(v - low), np.abs(v - high)))
        if jumps.min() > EDGE:
            return seed, w, sets, initial.astype(f32), step, low, high
    raise AssertionError("no clean seed")


def lsq():
    for shape in ("27x5", "36x8", "130x3", "45x1"):
        k, c_out = SHAPES[shape]
        for per in granularities(shape):
            for bits in (2, 4, 8):
                # The step that training begins with, and one that cuts a good part of the values off.
                for share in (1.0, {2: 0.5, 4: 0.2, 8: 0.04}[bits]):
                    seed, w, sets, initial, step, low, high = clean(shape, per, bits, share)
                    yield lsq_case(shape, per, bits, seed, w, sets, initial, step, low, high)


def lsq_case(shape, per, bits, seed, w, sets, initial, step, low, high):
    k, c_out = SHAPES[shape]
    dy = unit(f"quantizers/dy/{shape}", w.size)
    y, dx = np.zeros_like(w), np.zeros_like(w)
    dstep = np.zeros(len(sets), f32)
    for length in sorted({len(s) for s in sets}):
        of = [i for i, s in enumerate(sets) if len(s) == length]
        at = np.stack([sets[i] for i in of])
        factor = 1 / math.sqrt(length * high)
        channels = len(sets) > 1
        part = (w[at], step[of], low, high, factor, dy[at], channels)
        y[at], dx[at], dstep[of] = learned(*part)
    by_paper, found = [], []
    for i, s in enumerate(sets):
        factor = 1 / math.sqrt(len(s) * high)
        mine, mine_step = rounded_first(w[s], step[i], low, high, factor, dy[s])
        # PyTorch's gradients are those of its rule: exact for w, up to the rounding of a sum for the step.
        assert np.array_equal(dx[s], mine.astype(f32))
        room = 4e-7 * np.abs(dy[s]).sum() * max(-low, 1) * factor
        assert abs(dstep[i] - mine_step) <= room, (dstep[i], mine_step, room)
        found.append(mine_step)
        by_paper.append(paper(w[s], step[i], low, high, factor, dy[s]))
    v = w.astype(np.float64) / spread(sets, step, w.size, f32)
    level = np.clip(np.round(v), low, high).astype(np.int64)
    assert np.array_equal(y, level.astype(f32) * spread(sets, step, w.size, f32))
    outside = np.flatnonzero((v <= low) | (v >= high))
    band = np.flatnonzero(((v > high) & (v < high + 0.5)) | ((v < low) & (v > low - 0.5)))
    assert set(outside) - set(band) == set(np.flatnonzero(dx == 0)), "what PyTorch lets through"
    dpaper = np.array([p[1] for p in by_paper])
    return {
        "k": k,
        "c_out": c_out,
        "bits": bits,
        "per": per,
        "seed": seed,
        "initial": [short(v) for v in initial],
        "step": [short(v) for v in step],
        "levels": level.tolist(),
        "outside": outside.tolist(),
        "band": band.tolist(),
        "dstep": [short(v) for v in dpaper],
        "dlog": [short(v) for v in dpaper * step.astype(np.float64)],
        "dstep_torch": [short(v) for v in dstep],
    }


def main():
    torch.set_num_threads(1)
    parts = {
        "symmetric": list(cases("symmetric", symmetric)),
        "affine": list(cases("affine", affine)),
        "lsq": list(lsq()),
    }
    text = f'{{\n  "torch": "{torch.__version__.split("+")[0]}"'
    for name, list_of in parts.items():
        lines = ",\n".join("    " + json.dumps(case, separators=(",", ":")) for case in list_of)
        text += f',\n  "{name}": [\n{lines}\n  ]'
    path = Path(__file__).with_name("quantizers.json")
    path.write_text(text + "\n}\n")
    print({name: len(list_of) for name, list_of in parts.items()}, path.stat().st_size, "bytes;", tally)
    band = sum(len(case["band"]) for case in parts["lsq"])
    outside = sum(len(case["outside"]) for case in parts["lsq"])
    print(f"lsq: {outside} values outside, of which PyTorch lets {band} through, which round to the bound")


if __name__ == "__main__":
    main()
