"""Weights by the schemes that are not uniform grids, or that no library trains: the reference of Nibble's.

usage: python schemes.py     write schemes.json beside this script

needs: torch, numpy, ml_dtypes and scikit-learn (written with torch 2.15.0, ml_dtypes 0.6.0 and scikit-learn 1.9.1 on
x86-64, CPU). README.md says what is in the file.
"""

import itertools
import json
import math
import warnings
from pathlib import Path

import ml_dtypes
import numpy as np
import torch
from sklearn.cluster import KMeans

from generate import short, unit
from quantizers import SHAPES, UGLY, shares, spread, weights

f32, f64 = np.float32, np.float64

INPUTS = [("noise", shape) for shape in SHAPES] + [(kind, "27x5") for kind in UGLY]


def values(kind, shape):
    """Flat weights in stored order, f32: those of quantizers.py, and three kinds more."""
    k, c_out = SHAPES[shape]
    index = np.arange(k * c_out)
    more = {
        # -6 to 6 in quarters: with a scale of 1 all the ties of e2m1.
        "quarters": lambda: (index % 49 - 24) * f32(0.25),
        # -1 to 1 in steps of 2^-7: ties of 8-bit integers, and of e4m3.
        "steps": lambda: (index * 37 % 257 - 128) * f32(2.0**-7),
        # Beyond 1 on either side.
        "wide": lambda: unit(f"quantizers/wide/{shape}", index.size) * f32(2),
    }
    return more[kind]().astype(f32) if kind in more else weights(kind, shape).flatten()


def gradient(shape):
    k, c_out = SHAPES[shape]
    return unit(f"quantizers/dy/{shape}", k * c_out).astype(f64)


def blocks(per, shape):
    k, c_out = SHAPES[shape]
    return shares(per, k, c_out)


def digits(codes, width):
    """Codes as hexadecimal digits, `width` for each."""
    assert all(0 <= c < 16**width for c in codes)
    return "".join(f"{c:0{width}x}" for c in codes)


def head(kind, shape, bits, per):
    k, c_out = SHAPES[shape]
    return {"kind": kind, "k": k, "c_out": c_out, "bits": bits, "per": per}


def near(x, edges, room):
    """Indices of the values within `room` of one of the edges, a sorted array."""
    at = np.clip(np.searchsorted(edges, x), 1, len(edges) - 1)
    return np.minimum(np.abs(x - edges[at - 1]), np.abs(x - edges[at])) <= room


def shorts(v):
    return [short(x) for x in v]


def cover(parts, size, dtype):
    """One array of (indices, values) parts."""
    out = np.zeros(size, dtype)
    for at, v in parts:
        out[at] = v
    return out


# DoReFa, ternary, binary ----------------------------------------------------------------------------------------


def dorefa():
    """arXiv 1606.06160, equation 9, and 8 for one bit. f64; what is within 1e-4 steps of an edge is listed."""
    for kind, shape in INPUTS:
        w = values(kind, shape).astype(f64)
        for bits, per in itertools.product((1, 2, 4, 8), ("tensor", "channel", "group32")):
            if bits == 8 and per == "group32":
                continue
            case = head(kind, shape, bits, per)
            sets = blocks(per, shape)
            if bits == 1:
                case["scale"] = shorts(np.abs(w[s]).mean() for s in sets)
                yield case | {"edges": [], "levels": digits((w >= 0).astype(int), 1)}
                continue
            steps = 2**bits - 1
            size = [np.abs(np.tanh(w[s])).max() for s in sets]
            position = steps * (np.tanh(w) / (2 * spread(sets, [m or 1 for m in size], w.size, f64)) + 0.5)
            edges = np.flatnonzero(np.abs(position - np.floor(position) - 0.5) < 1e-4)
            case["scale"] = shorts(size)
            levels = digits(np.round(position).astype(int), 2 if bits > 4 else 1)
            yield case | {"edges": edges.tolist(), "levels": levels}


class Rounded(torch.autograd.Function):
    """Rounding, straight through."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, dy):
        return dy


def dorefa_gradients():
    for kind, shape, per in (("noise", "27x5", "tensor"), ("wide", "27x5", "channel"), ("wide", "45x1", "group32")):
        w, dy, sets = values(kind, shape).astype(f64), gradient(shape), blocks(per, shape)
        held, through, largest = np.zeros_like(w), np.zeros_like(w), []
        for s in sets:
            t = np.tanh(w[s])
            m, top = np.abs(t).max(), int(np.abs(t).argmax())
            held[s] = dy[s] * (1 - t * t) / m
            through[s] = held[s]
            through[s[top]] -= np.sign(t[top]) * (1 - t[top] ** 2) / m**2 * (dy[s] * t).sum()
            largest.append(int(s[top]))
            for hold, mine in ((True, held[s]), (False, through[s])):
                x = torch.from_numpy(w[s]).requires_grad_()
                y = torch.tanh(x)
                size = y.abs().max()
                y = 2 * Rounded.apply(15 * (y / (2 * (size.detach() if hold else size)) + 0.5)) / 15 - 1
                y.backward(torch.from_numpy(dy[s]))
                assert np.allclose(x.grad.numpy(), mine, rtol=1e-12, atol=1e-12)
        case = head(kind, shape, 4, per)
        yield case | {"dw": shorts(held), "largest": largest, "dw_largest": shorts(through[largest])}


def ternary(middle):
    """arXiv 2402.17764, equations 1 to 3; 2407.09527 for the median, which torch takes to be the lower of two."""
    for kind, shape in INPUTS:
        w = values(kind, shape)
        for per in ("tensor", "channel", "group32"):
            sets = blocks(per, shape)
            gamma = np.array([middle(np.abs(w[s])) for s in sets], f64)
            ratio = w / (spread(sets, gamma, w.size, f64) + 1e-5)
            levels = np.clip(np.round(ratio), -1, 1).astype(int)
            edges = np.flatnonzero(np.abs(np.abs(ratio) - 0.5) < 1e-5)
            case = head(kind, shape, 2, per) | {"scale": shorts(gamma)}
            yield case | {"edges": edges.tolist(), "levels": digits(levels + 1, 1)}


def lower_median(magnitudes):
    median = torch.from_numpy(magnitudes).median().item()
    assert median == np.sort(magnitudes)[(len(magnitudes) - 1) // 2]
    return median


def binary():
    """arXiv 1603.05279, equations 5 and 6 and the gradient of section 3.1."""
    for kind, shape in INPUTS + [("wide", "27x5"), ("wide", "36x8")]:
        w, dy = values(kind, shape).astype(f64), gradient(shape)
        for per in ("tensor", "channel", "group32"):
            sets = blocks(per, shape)
            scale = [np.abs(w[s]).mean() for s in sets]
            case = head(kind, shape, 1, per) | {"scale": shorts(scale)}
            case |= {"edges": [], "levels": digits((w >= 0).astype(int), 1)}
            if kind == "wide":
                inside = np.abs(w) <= 1
                case["outside"] = np.flatnonzero(~inside).tolist()
                if shape == "27x5":
                    count = spread(sets, [len(s) for s in sets], w.size, f64)
                    slope = 1 / count + spread(sets, scale, w.size, f64) * inside
                    assert np.allclose(slope, binary_diagonal(w, sets), rtol=1e-12)
                    case["dw"] = shorts(dy * slope)
            yield case


class Sign(torch.autograd.Function):
    """The sign, straight through within -1 to 1."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)

    @staticmethod
    def backward(ctx, dy):
        return dy * (ctx.saved_tensors[0].abs() <= 1)


def binary_diagonal(w, sets):
    """The paper's factor is d W_q[i] / d W[i], without the part of the other weights: autograd says so too."""
    out = np.zeros_like(w)
    for s in sets:
        x = torch.from_numpy(w[s])
        jacobian = torch.autograd.functional.jacobian(lambda x: Sign.apply(x) * x.abs().mean(), x)
        out[s] = jacobian.diagonal().numpy()
    return out


# Powers of two --------------------------------------------------------------------------------------------------


def shift():
    """DenseShift, arXiv 2208.09708: w = sign 2^S, S = S_n, S_t = (S_t-1 + 1) [latent t > 0], S_0 = 0; in the backward
    pass sqrt(S + 1) stands for 2^S."""
    for shape, bits in itertools.product(("27x5", "45x1"), (2, 3, 4)):
        k, c_out = SHAPES[shape]
        size, count = k * c_out, 2 ** (bits - 1) - 1
        latent = [unit(f"schemes/shift/{shape}/{t}", size).astype(f64) * 1e-3 for t in range(count + 1)]
        # The value 0 counts as positive in a sign, and as not in an exponent.
        for t in range(count + 1):
            latent[t][t] = 0
        dy = gradient(shape)
        sign = np.where(latent[0] >= 0, 1, -1)
        on = [latent[t] > 0 for t in range(1, count + 1)]
        stages = [np.zeros(size, int)]
        for b in on:
            stages.append((stages[-1] + 1) * b)
        exponent = stages[-1]
        grads = [dy * np.sqrt(exponent + 1)]
        d = dy * sign * 0.5 / np.sqrt(exponent + 1)
        for b, before in zip(reversed(on), reversed(stages[:-1])):
            grads.insert(1, d * (before + 1))
            d = d * b
        for mine, theirs in zip(grads, shift_autograd(latent, dy)):
            assert np.allclose(mine, theirs, rtol=1e-12, atol=0)
        codes = (sign < 0) * 2 ** (bits - 1) + exponent
        case = {"k": k, "c_out": c_out, "bits": bits, "levels": digits(codes, 1)}
        # The gradients of the sign whole, of every other latent the first 16.
        grads = [shorts(g if t == 0 else g[:16]) for t, g in enumerate(grads)]
        yield case | {"dlatent": grads}


class Above(torch.autograd.Function):
    """1 above 0, else 0, straight through."""

    @staticmethod
    def forward(ctx, x):
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx, dy):
        return dy


class Either(torch.autograd.Function):
    """1 from 0 on, else -1, straight through."""

    @staticmethod
    def forward(ctx, x):
        return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)

    @staticmethod
    def backward(ctx, dy):
        return dy


def shift_autograd(latent, dy):
    x = [torch.from_numpy(v).requires_grad_() for v in latent]
    s = torch.zeros_like(x[0])
    for v in x[1:]:
        s = (s + 1) * Above.apply(v)
    (Either.apply(x[0]) * torch.sqrt(s + 1)).backward(torch.from_numpy(dy))
    return [v.grad.numpy() for v in x]


def apot_magnitudes(bits):
    """Equations 5 and 6 of arXiv 1909.13144 with k = 2 for the bits - 1 of a magnitude, divided by the largest."""
    n, odd = divmod(bits - 1, 2)
    terms = [[0, 2.0**-i, 2.0 ** -(i + n), 2.0 ** -(i + 2 * n + odd)] for i in range(n)]
    terms += [[0, 2.0 ** -(2 * n)]] * odd
    sums = sorted({sum(t) for t in itertools.product(*terms)})
    assert len(sums) == 2 ** (bits - 1)
    return np.array(sums) / sums[-1]


def apot_grid(bits):
    m = apot_magnitudes(bits)
    return np.concatenate([-m[:0:-1], m])


class Projected(torch.autograd.Function):
    """The nearest number of a grid, straight through."""

    @staticmethod
    def forward(ctx, x, grid):
        return grid[(x[:, None] - grid).abs().argmin(1)]

    @staticmethod
    def backward(ctx, dy):
        return dy, None


APOT_EPSILON = 1e-5


def apot_share(w, alpha, bits, dy):
    """Weights normalised, clipped at alpha and projected (equations 7 to 9). Autograd checks the gradients."""
    grid = apot_grid(bits)
    mean, std = w.mean(), w.std()
    x = (w - mean) / (std + APOT_EPSILON)
    v = np.clip(x / alpha, -1, 1)
    middles = (grid[1:] + grid[:-1]) / 2
    level = np.searchsorted(middles, v)
    inside = np.abs(x) <= alpha
    dalpha = (dy * np.where(inside, grid[level] - x / alpha, np.sign(x))).sum()
    g = dy * inside
    dw = (g - g.mean()) / (std + APOT_EPSILON)
    if std > 0:
        dw -= (w - mean) / (len(w) * std * (std + APOT_EPSILON) ** 2) * (g * (w - mean)).sum()
        a, b = torch.from_numpy(w).requires_grad_(), torch.tensor(alpha, dtype=torch.float64, requires_grad=True)
        y = (a - a.mean()) / (a.std(correction=0) + APOT_EPSILON)
        y = b * Projected.apply((y / b).clamp(-1, 1), torch.from_numpy(grid))
        y.backward(torch.from_numpy(dy))
        assert np.allclose(a.grad.numpy(), dw, rtol=1e-9, atol=1e-12)
        assert math.isclose(b.grad.item(), dalpha, rel_tol=1e-9, abs_tol=1e-12)
    return mean, std, level, near(v, middles, 1e-5) | (np.abs(np.abs(x) - alpha) < 1e-5), dalpha, dw


def apot():
    for kind, shape in INPUTS:
        w, dy = values(kind, shape).astype(f64), gradient(shape)
        for bits, per in itertools.product((2, 3, 4, 5, 6), ("tensor", "channel")):
            if per == "channel" and (bits not in (3, 4) or kind != "noise"):
                continue
            for alpha in (3.0, 1.25) if kind == "noise" else (3.0,):
                sets = blocks(per, shape)
                parts = [apot_share(w[s], alpha, bits, dy[s]) for s in sets]
                mean, std, level, edge, dalpha, dw = zip(*parts)
                at = lambda v, dtype: cover(zip(sets, v), w.size, dtype)
                case = head(kind, shape, bits, per) | {"alpha": alpha, "mean": shorts(mean), "std": shorts(std)}
                case |= {"edges": np.flatnonzero(at(edge, bool)).tolist()}
                case |= {"levels": digits(at(level, int), 1 if bits < 5 else 2)}
                if kind == "noise" and not case["edges"]:
                    case["dalpha"] = shorts(dalpha)
                    if shape == "27x5" and bits in (3, 4) and alpha < 2:
                        case["dw"] = shorts(at(dw, f64))
                yield case


# Centroids ------------------------------------------------------------------------------------------------------


def lloyd(w, count, limit=300):
    """K-means from centroids spaced equally between the ends (arXiv 1510.00149, section 3.2). An empty cluster keeps
    its centroid; of two centroids equally near the lower one counts. Returned too: how close a value came to an edge,
    as a part of the range, and whether a cluster was ever empty."""
    low, high = w.min(), w.max()
    centers = low + (high - low) * np.arange(count) / (count - 1)
    label, closest, emptied = None, math.inf, False
    for rounds in range(limit):
        middles = (centers[1:] + centers[:-1]) / 2
        new = np.searchsorted(middles, w)
        if high > low:
            closest = min(closest, np.abs(w[:, None] - middles).min() / (high - low))
        if label is not None and np.array_equal(new, label):
            return centers, label, rounds, closest, emptied
        label = new
        sizes = np.bincount(label, minlength=count)
        emptied |= bool((sizes == 0).any())
        sums = np.bincount(label, weights=w, minlength=count)
        centers = np.where(sizes > 0, sums / np.maximum(sizes, 1), centers)
    raise AssertionError("no convergence")


def codebook():
    for kind, shape in INPUTS:
        w, dy = values(kind, shape).astype(f64), gradient(shape)
        for bits, per in ((2, "tensor"), (4, "tensor"), (8, "tensor"), (2, "channel")):
            if kind != "noise" and bits == 8:
                continue
            sets, count = blocks(per, shape), 2**bits
            parts = [lloyd(w[s], count) for s in sets]
            # In no round a value came near an edge: every implementation with sums in f64 goes the same way.
            assert all(p[3] > 1e-7 for p in parts), (kind, shape, bits)
            label = cover([(s, p[1]) for s, p in zip(sets, parts)], w.size, int)
            for s, (centers, mine, rounds, _, emptied) in zip(sets, parts):
                if not emptied and len(np.unique(w[s])) >= count:
                    check_means(w[s], count, centers, mine)
            dcentroid = [np.bincount(p[1], weights=dy[s], minlength=count) for s, p in zip(sets, parts)]
            case = head(kind, shape, bits, per) | {"rounds": [p[2] for p in parts], "edges": []}
            case |= {"centroids": [shorts(p[0]) for p in parts], "levels": digits(label, 1 if bits <= 4 else 2)}
            if kind == "noise" and bits <= 4:
                case["dcentroid"] = [shorts(d) for d in dcentroid]
            yield case


def check_means(w, count, centers, label):
    start = w.min() + (w.max() - w.min()) * np.arange(count) / (count - 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = KMeans(count, init=start[:, None], n_init=1, algorithm="lloyd", tol=0, max_iter=1000).fit(w[:, None])
    assert np.array_equal(found.labels_, label)
    assert np.allclose(found.cluster_centers_[:, 0], centers, rtol=1e-9, atol=1e-12)
    tally["sets that scikit-learn clusters alike"] += 1


# Floating-point formats -----------------------------------------------------------------------------------------

FORMATS = {
    "e2m1": (ml_dtypes.float4_e2m1fn, 6, 2, 1),
    "e4m3": (ml_dtypes.float8_e4m3fn, 448, 8, 2),
    "e5m2": (ml_dtypes.float8_e5m2, 57344, 15, 2),
}
tally = {"values in a float format": 0, "of them exact ties": 0, "of them on an edge": 0}
tally |= {"sets that scikit-learn clusters alike": 0}


def numbers(name):
    """Every finite number of a format, ascending, and the middles between neighbours."""
    dtype, largest, _, width = FORMATS[name]
    every = np.arange(16**width).astype(np.uint8).view(dtype).astype(f64)
    every = np.unique(np.abs(every[np.isfinite(every)]))
    assert every[-1] == largest
    every = np.concatenate([-every[:0:-1], every])
    return every, (every[1:] + every[:-1]) / 2


def cast(x, name):
    """The format's bits of f32 values, which are clamped first; every one is checked to be a nearest number."""
    dtype, largest, _, _ = FORMATS[name]
    clamped = np.clip(x, -f32(largest), f32(largest))
    found = clamped.astype(dtype)
    every, middles = numbers(name)
    place = np.searchsorted(middles, clamped.astype(f64))
    # Ties go to the even mantissa, that is to an even place among the numbers, counted from 0 in the middle.
    tie = np.isin(clamped.astype(f64), middles)
    place += tie & ((place - len(every) // 2) % 2 == 1)
    assert np.array_equal(found.astype(f64), every[place])
    tally["values in a float format"] += x.size
    tally["of them exact ties"] += int(tie.sum())
    return found.view(np.uint8).astype(int)


def float_edges(x, scale, name):
    """Where x, a quotient by f32 scales, is on an edge that a multiplication by a reciprocal could miss."""
    _, middles = numbers(name)
    exact = np.log2(scale.astype(f64)) % 1 == 0
    found = np.flatnonzero(near(x.astype(f64), middles, 4e-7 * np.abs(x.astype(f64))) & ~exact)
    tally["of them on an edge"] += found.size
    return found.tolist()


def scale_to(largest, maximum):
    """max / maximum in f32; 1 where that is 0."""
    return (f32(largest) / f32(maximum)) or f32(1)


def floats(name):
    _, largest, _, width = FORMATS[name]
    for kind, shape in INPUTS + [("quarters", "27x5")]:
        w = values(kind, shape)
        for per in ("tensor", "channel", "group32"):
            sets = blocks(per, shape)
            scale = np.array([scale_to(np.abs(w[s]).max(), largest) for s in sets], f32)
            each = spread(sets, scale, w.size, f32)
            quotient = w / each
            case = head(kind, shape, 4 * width, per) | {"scale": shorts(scale)}
            edges = float_edges(quotient, each, name)
            yield case | {"edges": edges, "levels": digits(cast(quotient, name), width)}


def floor_log2(x):
    return math.frexp(float(x))[1] - 1 if x > 0 else -math.inf


def microscaled(name):
    """OCP microscaling formats 1.0, section 6.3: a scale 2^-127 to 2^127, the lowest for a block of zeros."""
    _, _, e_max, width = FORMATS[name]
    for kind, shape in INPUTS + [("quarters", "27x5"), ("steps", "130x3")]:
        w = values(kind, shape)
        sets = blocks("group32", shape)
        exponent = [int(max(floor_log2(np.abs(w[s]).max()) - e_max, -127)) for s in sets]
        scale = np.array([2.0**e for e in exponent], f32)
        assert np.array_equal(scale.astype(ml_dtypes.float8_e8m0fnu).astype(f32), scale)
        each = spread(sets, scale, w.size, f32)
        codes = cast(w / each, name)
        exact = (codes.astype(np.uint8).view(FORMATS[name][0]).astype(f64)) * each
        assert np.array_equal(exact.astype(f32).astype(f64), exact)
        case = head(kind, shape, 4 * width, "group32") | {"exponent": exponent}
        yield case | {"edges": [], "levels": digits(codes, width)}


def nvfp4():
    for kind, shape in INPUTS + [("quarters", "27x5")]:
        w = values(kind, shape)
        sets = blocks("group16", shape)
        largest = np.array([np.abs(w[s]).max() for s in sets], f32)
        tensor = scale_to(largest.max(), 6 * 448)
        ratio = largest / (f32(6) * tensor)
        assert not float_edges(ratio, np.full_like(ratio, tensor), "e4m3"), (kind, shape)
        block = cast(ratio, "e4m3")
        each = spread(sets, block.astype(np.uint8).view(ml_dtypes.float8_e4m3fn).astype(f32) * tensor, w.size, f32)
        divisor = np.where(each > 0, each, f32(1))
        quotient = np.where(each > 0, w / divisor, f32(0))
        case = head(kind, shape, 4, "group16") | {"tensor": short(tensor), "block": digits(block, 2)}
        yield case | {"edges": float_edges(quotient, divisor, "e2m1"), "levels": digits(cast(quotient, "e2m1"), 1)}


# Dynamic fixed point --------------------------------------------------------------------------------------------


def dfp():
    """arXiv 1802.00930, section 3: E = exponent of the largest magnitude - (bits - 2), integers of so many bits."""
    for kind, shape in INPUTS + [("steps", "27x5"), ("steps", "130x3")]:
        w = values(kind, shape).astype(f64)
        for bits, per in itertools.product((8, 12, 16), ("tensor", "channel")):
            if per == "channel" and bits != 8:
                continue
            sets = blocks(per, shape)
            exponent = [int(max(floor_log2(np.abs(w[s]).max()) - (bits - 2), -126)) for s in sets]
            scale = spread(sets, [2.0**e for e in exponent], w.size, f64)
            levels = np.clip(np.round(w / scale), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1).astype(int)
            assert np.array_equal((levels * scale).astype(f32).astype(f64), levels * scale)
            case = head(kind, shape, bits, per) | {"exponent": exponent, "edges": []}
            yield case | {"levels": digits(levels % 2**bits, bits // 4)}


def write(path, parts):
    """Cases, one a line, under the names of their parts. Returns how many cases and bytes each part has, and all."""
    text, counts = f'{{\n  "torch": "{torch.__version__.split("+")[0]}"', {}
    for name, cases in parts.items():
        lines = [json.dumps(case, separators=(",", ":")) for case in cases]
        counts[name] = (len(lines), sum(map(len, lines)))
        text += f',\n  "{name}": [\n' + ",\n".join("    " + line for line in lines) + "\n  ]"
    path.write_text(text + "\n}\n")
    return counts, path.stat().st_size


def main():
    torch.set_num_threads(1)
    parts = {
        "dorefa": dorefa(),
        "dorefa_gradients": dorefa_gradients(),
        "ternary_mean": ternary(lambda m: m.astype(f64).mean()),
        "ternary_median": ternary(lower_median),
        "binary": binary(),
        "shift": shift(),
        "apot_grids": ({"bits": bits, "magnitudes": shorts(apot_magnitudes(bits))} for bits in range(2, 9)),
        "apot": apot(),
        "codebook": codebook(),
        "fp4": floats("e2m1"),
        "fp8_e4m3": floats("e4m3"),
        "fp8_e5m2": floats("e5m2"),
        "mxfp4": microscaled("e2m1"),
        "mxfp8": microscaled("e4m3"),
        "nvfp4": nvfp4(),
        "dfp": dfp(),
    }
    print("cases and bytes:", *write(Path(__file__).with_suffix(".json"), parts), "bytes;", tally)


if __name__ == "__main__":
    main()
