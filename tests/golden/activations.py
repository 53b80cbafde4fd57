"""Activations, rounded by every scheme: the reference of Nibble's, from the papers, PyTorch and ml_dtypes.

usage: python activations.py     write activations.json beside this script

needs: torch, numpy, ml_dtypes and scikit-learn, which schemes.py imports (written with torch 2.15.0 and ml_dtypes 0.6.0
on x86-64, CPU). README.md says what is in the file.
"""

import math
import warnings
from pathlib import Path

import ml_dtypes
import numpy as np
import torch

from generate import short, unit
from quantizers import EDGE, learned, paper, rounded_first
from schemes import FORMATS, Rounded, cast, digits, float_edges, floor_log2, shorts, write

f32, f64 = np.float32, np.float64

SHAPES = ("2x2x3x7", "2x2x1x33", "1x1x1x70", "1x1x1x1")
UGLY = ("zero", "negative", "constant", "outlier", "denormal", "least", "steps")
BITS = range(2, 9)
# Ugly tensors by so many bits only.
FEW = (2, 4, 8)
SIZES = [(shape, bits) for shape in SHAPES[:2] for bits in BITS] + [(shape, 4) for shape in SHAPES[2:]]
BLOCK = 32
# PyTorch multiplies by a step's reciprocal, which of a smaller one is infinite.
INVERTIBLE = 2.0**-128
DECAY = 0.25
# A case whose values stay as they are.
AS_THEY_ARE = {"scale": 0, "levels": ""}

tally = {"values": 0, "edges": 0, "ties": 0, "clipped": 0, "values that PyTorch rounds too": 0, "of them otherwise": 0}


def dims(shape):
    return tuple(map(int, shape.split("x")))


def values(kind, shape, bits=4, seed=""):
    """What goes into the ReLU before the rounding: f32, in the order `[n][h][w][c]`."""
    size = math.prod(dims(shape))
    index, n = np.arange(size), 2**bits - 1
    u = unit(f"activations/{kind}/{shape}{seed}", size)
    but = lambda value, x: np.where(index == size // 2, f32(value), x)
    power = lambda exponent: np.ldexp(f32(1), exponent)
    found = {
        "noise": lambda: u,
        "wide": lambda: u * f32(16),
        "zero": lambda: u * f32(0),
        "negative": lambda: np.abs(u) * f32(-1) - f32(0.01),
        "constant": lambda: np.full_like(u, f32(0.37)),
        "outlier": lambda: but(8, u * f32(0.1)),
        "denormal": lambda: u * f32(2.0**-130),
        "least": lambda: (index % 5 - 1) * f32(2.0**-149),
        "steps": lambda: but(1, (index * 37 % 257 - 128) * f32(2.0**-7)),
        "quarters": lambda: (index % 49 - 24) * f32(0.25),
        # Ties of integers up to n: with a range of n the scale is 1.
        "halves": lambda: but(n, (index * 37 % (4 * n + 1) - 2 * n) * f32(0.5)),
        # Sixteenths from 2^-8 on, half of them ties of e4m3: with a range of 448 the scale is 1.
        "sixteenths": lambda: but(448, np.where(index % 4 == 3, -1, 1) * (index * 5 % 16 + 16) * power(index // 6 - 12)),
    }[kind]().astype(f32)
    assert found.dtype == f32 and np.isfinite(found).all()
    return found


def rectified(x):
    return np.maximum(x, f32(0)) + f32(0)


def gradient(shape):
    return unit(f"activations/dy/{shape}", math.prod(dims(shape)))


def head(kind, shape, bits, seed=None):
    return {"kind": kind, "shape": dims(shape), "bits": bits} | ({} if seed is None else {"seed": seed})


def autograd(function, x, dy):
    """The gradient of x, f64."""
    x = torch.from_numpy(x.astype(f64)).requires_grad_()
    function(torch.relu(x)).backward(torch.from_numpy(dy.astype(f64)))
    return x.grad.numpy()


def stopped(x, dy, clipped, dx):
    """Checks that dx is dy but where a ReLU or the clip stops it; gives the indices that the clip stops."""
    assert np.array_equal(dx, np.where((x > 0) & ~clipped, dy, 0).astype(dx.dtype))
    assert not clipped[x <= 0].any()
    tally["clipped"] += int(clipped.sum())
    return {"clipped": np.flatnonzero(clipped).tolist()} if clipped.any() else {}


# Integers -------------------------------------------------------------------------------------------------------


def integers(x, step, n, dy, room=EDGE):
    """Levels of the ReLU's output by the formula in f64; `step` may be f64. PyTorch rounds the same values with the step
    as f32, and lets the gradient of those pass that round to a level."""
    v = rectified(x).astype(f64) / float(step)
    found = np.clip(np.round(v), 0, n).astype(int)
    fraction = np.abs(v - np.floor(v) - 0.5)
    exact = math.frexp(step)[0] == 0.5 and step == f32(step)
    edge = (fraction < room) & (v < n + 1) & (not exact)
    tally["values"] += x.size
    tally["edges"] += int(edge.sum())
    tally["ties"] += int((fraction == 0).sum()) if exact else 0
    if f32(step) > INVERTIBLE:
        w = torch.from_numpy(x).requires_grad_()
        y = torch.fake_quantize_per_tensor_affine(torch.relu(w), float(f32(step)), 0, 0, n)
        y.backward(torch.from_numpy(dy))
        levels = np.round(y.detach().numpy().astype(f64) / f64(f32(step))).astype(int)
        assert np.array_equal(y.detach().numpy(), levels.astype(f32) * f32(step))
        assert np.array_equal(levels[~edge], found[~edge])
        tally["values that PyTorch rounds too"] += x.size
        tally["of them otherwise"] += int((levels != found).sum())
        passed, _ = rounded_first(rectified(x), f32(step), 0, n, 1, dy)
        assert np.array_equal(w.grad.numpy()[~edge], (passed * (x > 0)).astype(f32)[~edge])
    width = 1 if n < 16 else 2
    return {"scale": short(step)} | edges(edge) | {"levels": digits(found, width)}


def edges(at):
    return {"edges": np.flatnonzero(at).tolist()} if at.any() else {}


def followed(before, tracking, n=15):
    """Largest value of batches, by PyTorch's observers, after each; and the scale of n levels."""
    common = {"dtype": torch.quint8, "quant_min": 0, "quant_max": n, "eps": 2.0**-149}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.ao.quantization.observer import MinMaxObserver, MovingAverageMinMaxObserver

        if tracking == "average":
            observer = MovingAverageMinMaxObserver(averaging_constant=0.01, **common)
        else:
            observer = MinMaxObserver(**common)
        found = []
        for x in before:
            observer(torch.from_numpy(rectified(x)))
            scale, zero_point = observer.calculate_qparams()
            assert zero_point.item() == 0
            largest = observer.max_val.numpy()[()]
            # PyTorch never takes a step below its eps.
            assert scale.item() == max(f32(largest) / f32(n), f32(2.0**-149))
            found.append(largest)
    return found


RUNS = (
    ("noise", "wide", "noise", "zero", "outlier", "constant", "negative", "noise"),
    ("outlier", "noise", "denormal", "wide"),
    ("denormal", "least", "steps", "wide", "wide"),
)


def ranges():
    """The ranges after each of some batches."""
    for kinds in RUNS:
        for tracking in ("average", "largest"):
            shape = SHAPES[0]
            found = followed([values(kind, shape) for kind in kinds], tracking)
            yield {"shape": dims(shape), "kinds": kinds, "tracking": tracking, "range": shorts(found)}


def measured(bits, ugly):
    """Inputs of a scheme with a measured range: kind, shape, bits, the kinds of batches before, how they are followed."""
    sizes = SIZES if len(bits) > 1 else [(shape, bits[0]) for shape in SHAPES]
    for shape, b in sizes:
        yield "noise", shape, b, (), "average"
        yield "wide", shape, b, ("noise",), "average"
    for kind in ugly:
        for b in FEW if len(bits) > 1 else bits:
            yield kind, SHAPES[0], b, (), "largest"
            yield kind, SHAPES[0], b, ("steps",), "average"
    yield "noise", SHAPES[0], bits[-1], ("wide",), "largest"


def of_batches(kind, shape, bits, before, tracking):
    """The values of a case, its range by PyTorch, 0 where all are 0, and the start of the case."""
    x = values(kind, shape, bits)
    batches = [values(k, shape, bits) for k in before] + [x]
    largest = followed(batches, tracking)[-1]
    case = head(kind, shape, bits) | ({"before": before} if before else {})
    return x, largest, case | {"tracking": tracking, "range": short(largest)}


def clamped(x, dy, largest):
    """Straight through rounding, and through the clamp of equation 12 of arXiv 1712.05877. At the range itself that has
    no derivative: PyTorch's clamp stops the gradient, its fake quantization passes it on, as is done here."""
    dx = autograd(lambda x: torch.clamp(x, max=float(largest)), x, dy)
    assert (dx[x == largest] == 0).all()
    return stopped(x, dy, x > largest, np.where(x == largest, dy * (x > 0), dx))


def affine():
    """arXiv 1712.05877, equation 12, for values from 0 to the range."""
    for of in measured(BITS, UGLY + ("halves",)):
        x, largest, case = of_batches(*of)
        n, dy = 2 ** of[2] - 1, gradient(of[1])
        step = largest / f32(n)
        if step == 0:
            # Nothing but zeros, or a range of which a step is no f32: values stay as they are.
            yield case | AS_THEY_ARE
            continue
        yield case | integers(x, step, n, dy) | clamped(x, dy, largest)


def dorefa():
    """arXiv 1606.06160, equations 5 and 11, behind a clip to 0..1, at whose ends PyTorch stops gradients."""
    inputs = [(kind, *size) for kind in ("noise", "wide") for size in [(SHAPES[0], 1), *SIZES]]
    inputs += [(kind, SHAPES[0], bits) for kind in UGLY for bits in (1, *FEW)]
    for kind, shape, bits in inputs:
        x, n, dy = values(kind, shape, bits), 2**bits - 1, gradient(shape)
        dx = autograd(lambda x: Rounded.apply(n * x.clamp(0, 1)) / n, x, dy)
        assert np.allclose(dx, np.where((x > 0) & (x < 1), dy, 0), rtol=1e-15, atol=0)
        yield head(kind, shape, bits) | integers(x, 1 / n, n, dy) | stopped(x, dy, x >= 1, dx.astype(f32))


def pact():
    """arXiv 1805.06085, equations 1 to 3, with the penalty decay / 2 clip^2. The clip is the exponential of `log`."""
    inputs = [(kind, *size, math.log(clip)) for kind, clip in (("wide", 10), ("noise", 0.7)) for size in SIZES]
    inputs += [(kind, SHAPES[0], bits, 0.0) for kind in UGLY for bits in FEW]
    for kind, shape, bits, log in inputs:
        x, n, dy, log = values(kind, shape, bits), 2**bits - 1, gradient(shape), f32(log)
        clip = math.exp(log)
        # Where a gradient jumps: every f32 exponential is on the same side, or exact.
        away = np.abs(x / clip - 1)
        assert away[away > 0].min() > 1e-6
        clipped = x >= clip
        dclip = dy.astype(f64)[clipped].sum() + DECAY * clip
        case = head(kind, shape, bits) | {"log": short(log), "decay": DECAY}
        case |= integers(x, clip / n, n, dy) | {"clip": short(clip), "dlog": short(clip * dclip)}
        case |= stopped(x, dy, clipped, np.where(clipped | (x <= 0), 0, dy))
        # At the clip itself, as at 0, an absolute value has no derivative; equation 3 says which.
        if not (x == clip).any():
            a = torch.tensor(float(log), dtype=torch.float64, requires_grad=True)
            w = torch.from_numpy(x.astype(f64)).requires_grad_()
            alpha = a.exp()
            y = 0.5 * (w.abs() - (w - alpha).abs() + alpha)
            rounded = torch.round(y * n / alpha) * alpha / n
            y = y + (rounded - y).detach()
            (y @ torch.from_numpy(dy.astype(f64)) + DECAY / 2 * alpha**2).backward()
            assert math.isclose(a.grad.item(), clip * dclip, rel_tol=1e-9, abs_tol=1e-12)
            assert np.array_equal(w.grad.numpy()[x != 0], np.where(clipped | (x < 0), 0, dy).astype(f64)[x != 0])
        yield case


def lsq():
    """arXiv 1902.08153, equations 1 to 3 and 5, section 2.2 with the features of one image; Q_N is 0."""
    for shape, bits in SIZES:
        for cut in (False, True):
            yield lsq_case("noise", shape, bits, cut)
    for kind in UGLY:
        for bits in FEW:
            yield lsq_case(kind, SHAPES[0], bits, False)
    for bits in FEW:
        yield lsq_case("halves", SHAPES[0], bits, False, log=f32(0))


def lsq_case(kind, shape, bits, cut, log=None):
    n, features = 2**bits - 1, math.prod(dims(shape)[1:])
    factor, dy = 1 / math.sqrt(features * n), gradient(shape)
    for seed in range(100):
        x = values(kind, shape, bits, f"/{seed}")
        y = rectified(x)
        initial = f32(2 * y.astype(f64).mean() / math.sqrt(n))
        case = head(kind, shape, bits, seed)
        if initial == 0:
            return case | AS_THEY_ARE
        step = math.exp(log if log is not None else f32(math.log(f32(0.6) * y.max() / n if cut else initial)))
        v = y.astype(f64) / step
        exact = log is not None
        # A subnormal step has few digits.
        room = 1e-3 if initial < 2**-126 else EDGE
        jumps = np.minimum(np.abs(v - np.floor(v) - 0.5), np.abs(v - n))
        if exact or kind != "noise" or jumps.min() > room:
            break
    log = f32(math.log(step)) if log is None else log
    case |= {"initial": short(initial), "log": short(log)} | integers(x, step, n, dy, room)
    dx, dstep, _, above = paper(y, step, 0, n, factor, dy)
    if not exact and np.abs(v - n).min() < room or "edges" in case:
        return case
    case |= stopped(x, dy, above, dx.astype(f32)) | {"dlog": short(step * dstep)}
    if f32(step) > INVERTIBLE:
        _, found, dfound = learned(y, np.array([step], f32), 0, n, factor, dy, False)
        passed, slope = rounded_first(y, step, 0, n, factor, dy)
        assert np.array_equal(found, passed.astype(f32))
        assert abs(dfound[0] - slope) <= 4e-7 * n * np.abs(dy).sum() * factor
        # The highest level, and what rounds to it from above: PyTorch lets the gradient pass, the paper does not.
        band = (v >= n) & (v <= n + 0.5)
        assert np.array_equal(passed[~band & (y > 0)], dx[~band & (y > 0)])
    return case


# Floating point -------------------------------------------------------------------------------------------------


def floats(name):
    """The largest value of the batches so far becomes the format's largest number."""
    _, largest_number, _, width = FORMATS[name]
    ugly = UGLY + ({"e2m1": "quarters", "e4m3": "sixteenths"}[name],)
    for of in measured((4 * width,), ugly):
        x, largest, case = of_batches(*of)
        scale = largest / f32(largest_number)
        if scale == 0:
            yield case | AS_THEY_ARE
            continue
        quotient = rectified(x) / scale
        found = float_edges(quotient, np.full_like(x, scale), name)
        case |= {"scale": short(scale)} | ({"edges": found} if found else {})
        case |= {"levels": digits(cast(quotient, name), width)}
        yield case | clamped(x, gradient(of[1]), largest)


def pixels(shape):
    """Indices of the channels that share a scale: [pixel][block], the last of a pixel perhaps short."""
    *_, c = dims(shape)
    index = np.arange(math.prod(dims(shape))).reshape(-1, c)
    return [row[start : start + BLOCK] for row in index for start in range(0, c, BLOCK)]


def microscaled():
    """OCP microscaling formats 1.0, section 6.3: a scale 2^-127 to 2^127 a block, the lowest for a block of zeros."""
    dtype, _, e_max, width = FORMATS["e2m1"]
    inputs = [(kind, s) for kind in ("noise", "wide", "quarters") for s in SHAPES] + [(kind, SHAPES[0]) for kind in UGLY]
    inputs += [("outlier", s) for s in SHAPES[1:3]]
    for kind, shape in inputs:
        x, dy = values(kind, shape), gradient(shape)
        y, blocks = rectified(x), pixels(shape)
        exponent = [int(max(floor_log2(y[b].max()) - e_max, -127)) for b in blocks]
        scale = np.zeros_like(x)
        for b, e in zip(blocks, exponent):
            scale[b] = 2.0**e
        assert np.array_equal(scale.astype(ml_dtypes.float8_e8m0fnu).astype(f32), scale)
        codes = cast(y / scale, "e2m1")
        exact = codes.astype(np.uint8).view(dtype).astype(f64) * scale
        assert np.array_equal(exact.astype(f32).astype(f64), exact)
        case = head(kind, shape, 4) | {"exponent": exponent, "levels": digits(codes, width)}
        # Straight through, also where a block's largest value lies beyond 6 of its scale.
        yield case | stopped(x, dy, np.zeros(x.size, bool), autograd(lambda x: x, x, dy))


def main():
    torch.set_num_threads(1)
    parts = {
        "ranges": ranges(),
        "affine": affine(),
        "pact": pact(),
        "lsq": lsq(),
        "dorefa": dorefa(),
        "fp4": floats("e2m1"),
        "fp8_e4m3": floats("e4m3"),
        "mxfp4": microscaled(),
    }
    print("cases and bytes:", *write(Path(__file__).with_suffix(".json"), parts), "bytes;", tally)


if __name__ == "__main__":
    main()
