"""Quantizers of weights, as src/quant/weights has them. They see a tensor as `[rows][outputs]`, rows being kh, kw, c_in."""

import math

import torch
from torch import nn

from ..problem import Problem, choose
from .blocks import Blocks
from .learned import Learned, parameter
from .numbers import E2M1, E4M3, E5M2, floor_log2, power_of_two, tanh


class Grid:
    """The values that a tensor can take, `(level - zero point) * scale`, the lowest level first."""

    def __init__(self, blocks, levels, scales, zero_points=None, overhead_bits=None):
        self.blocks, self.levels, self.scales = blocks, levels, scales.reshape(-1)
        self.zero_points = None if zero_points is None else zero_points.reshape(-1)
        self.code_bits = max(len(levels) - 1, 1).bit_length()
        zeros = 0 if zero_points is None else self.code_bits * zero_points.numel()
        self.overhead_bits = 32 * self.scales.numel() + zeros if overhead_bits is None else overhead_bits

    @property
    def is_uniform(self):
        return bool((self.levels.diff() == 1).all()) and float(self.levels[0]).is_integer()

    def codes(self, values):
        """Of values on the grid, as indices of levels."""
        scale = self.blocks.spread(self.scales)
        position = torch.where(scale == 0, 0.0, values / scale)
        if self.zero_points is not None:
            position = position + self.blocks.spread(self.zero_points)
        last = len(self.levels) - 1
        if self.is_uniform:
            return (position - self.levels[0]).round().clamp(0, last).long()
        above = torch.searchsorted(self.levels, position.contiguous())
        below = (above - 1).clamp(min=0)
        above = above.clamp(max=last)
        return torch.where(position - self.levels[below] <= self.levels[above] - position, below, above)


class Quantizer(nn.Module):
    """Straight through, unless `backward` says otherwise. Most have a scale a block, and levels that all blocks share."""

    def __init__(self, bits, blocks):
        super().__init__()
        self.bits, self.blocks, self.scale = bits, blocks, None

    def fit(self, w, net=None):
        """Finds the grid of the weights; `net` are the smallest and the largest of the whole network, where it shares one."""

    def quantize(self, w):
        """The values on the grid that stand for the weights."""
        raise NotImplementedError

    def grid(self):
        raise NotImplementedError

    def backward(self, w, dw):
        """The gradient of the weights from that of the rounded ones; that of what is learned, by its name."""
        return dw, {}

    def read_numbers(self, state, prefix):
        """Takes what it keeps in numbers from a checkpoint's state."""
        for learned in self.children():
            learned.learned_bits = state[f"{prefix}.bits"]

    def write_numbers(self, state, prefix):
        """Puts it there."""
        for learned in self.children():
            state[f"{prefix}.bits"] = learned.learned_bits

    def _abs_max(self, w, net):
        return self.blocks.abs_max(w) if net is None else torch.maximum(-net[0], net[1]).clamp(min=0).reshape(1, 1)


class _Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx, w, quantizer, straight_through, *learned):
        ctx.save_for_backward(w)
        ctx.quantizer, ctx.straight_through = quantizer, straight_through
        return quantizer.quantize(w)

    @staticmethod
    def backward(ctx, dw):
        (w,) = ctx.saved_tensors
        dw, gradients = ctx.quantizer.backward(w, dw)
        learned = [gradients[name] for name, _ in ctx.quantizer.named_parameters()]
        if not ctx.straight_through:
            dw = torch.zeros_like(dw)
            roles = [parameter.role for parameter in ctx.quantizer.parameters()]
            learned = [torch.zeros_like(g) if role == "latent" else g for g, role in zip(learned, roles)]
        return dw, None, None, *learned


def rounded(w, quantizer, straight_through):
    """The weights of the forward pass, by the grid that was fitted."""
    return _Rounded.apply(w, quantizer, straight_through, *quantizer.parameters())


class Symmetric(Quantizer):
    def __init__(self, bits, blocks):
        super().__init__(bits, blocks)
        self.most = 2 ** (bits - 1) - 1

    def fit(self, w, net=None):
        self.scale = (self._abs_max(w, net) + 1e-8) / self.most

    def quantize(self, w):
        scale = self.blocks.spread(self.scale)
        return (w / scale).round().clamp(-self.most, self.most) * scale

    def grid(self):
        return Grid(self.blocks, _integers(-self.most, self.most, self.scale), self.scale)


class Affine(Quantizer):
    def __init__(self, bits, blocks):
        super().__init__(bits, blocks)
        self.most = 2**bits - 1

    def fit(self, w, net=None):
        low, high = self.blocks.extents(w) if net is None else (end.reshape(1, 1) for end in net)
        low, high = low.clamp(max=0), high.clamp(min=0)
        scale = (high - low) / self.most
        self.scale = torch.where(scale > 0, scale, 1.0)
        self.zero_point = torch.where(scale > 0, (-low / self.scale).round().clamp(0, self.most), 0.0)

    def quantize(self, w):
        scale, zero_point = self.blocks.spread(self.scale), self.blocks.spread(self.zero_point)
        return (((w / scale).round() + zero_point).clamp(0, self.most) - zero_point) * scale

    def grid(self):
        return Grid(self.blocks, _integers(0, self.most, self.scale), self.scale, self.zero_point)


class Lsq(Quantizer):
    def __init__(self, bits, blocks):
        super().__init__(bits, blocks)
        self.low, self.high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        self.log_step = Learned(blocks.count, bits)

    def fit(self, w, net=None):
        if not self.log_step.is_known:
            step = 2 * self.blocks.mean_magnitudes(w) / math.sqrt(self.high)
            self.log_step.start(step.float().clamp(min=1e-8))
        self.scale = self.log_step.values()

    def quantize(self, w):
        scale = self.blocks.spread(self.scale)
        return (w / scale).round().clamp(self.low, self.high) * scale

    def backward(self, w, dw):
        v = w / self.blocks.spread(self.scale)
        slope = torch.where(v <= self.low, self.low, torch.where(v >= self.high, self.high, v.round() - v))
        sums = self.blocks.sums(slope.double() * dw.double())
        factor = (self.blocks.lengths(w.device).double() * self.high).rsqrt()
        step = self.log_step.gradient(self.scale, (sums * factor).reshape(-1))
        return torch.where((v > self.low) & (v < self.high), dw, 0.0), {"log_step.logs": step}

    def grid(self):
        return Grid(self.blocks, _integers(self.low, self.high, self.scale), self.scale)


class Dorefa(Quantizer):
    def __init__(self, bits, blocks):
        super().__init__(bits, blocks)
        self.steps = 2**bits - 1

    def fit(self, w, net=None):
        if self.steps == 1:
            self.scale = self.blocks.mean_magnitudes(w).float()
        else:
            largest = self.blocks.abs_max(w)
            self.scale = torch.where(largest > 0, tanh(largest), 1.0)

    def quantize(self, w):
        scale = self.blocks.spread(self.scale)
        if self.steps == 1:
            return torch.where(w >= 0, scale, -scale)
        level = (self.steps * (tanh(w) / (2.0 * scale) + 0.5)).round()
        return 2.0 * (level / self.steps) - 1.0

    def backward(self, w, dw):
        if self.steps == 1:
            return dw, {}
        t = tanh(w)
        return dw * (1.0 - t * t) / self.blocks.spread(self.scale), {}

    def grid(self):
        if self.steps == 1:
            return Grid(self.blocks, self.scale.new_tensor([-1.0, 1.0]), self.scale)
        levels = 2.0 * (_integers(0, self.steps, self.scale) / self.steps) - 1.0
        return Grid(self.blocks, levels, torch.ones_like(self.scale), overhead_bits=0)


class Dfp(Quantizer):
    def __init__(self, bits, blocks):
        super().__init__(bits, blocks)
        self.half = 2 ** (bits - 1)

    def fit(self, w, net=None):
        exponent = floor_log2(self._abs_max(w, net)) - self.bits + 2
        self.scale = power_of_two(exponent.clamp(min=-126))

    def quantize(self, w):
        scale = self.blocks.spread(self.scale)
        return (w / scale).round().clamp(-self.half, self.half - 1) * scale

    def grid(self):
        levels = _integers(-self.half, self.half - 1, self.scale)
        return Grid(self.blocks, levels, self.scale, overhead_bits=8 * self.scale.numel())


class Float(Quantizer):
    """Numbers of a format, the largest weight becoming the largest of them."""

    def __init__(self, bits, blocks, format):
        super().__init__(bits, blocks)
        self.format = format

    def fit(self, w, net=None):
        self.scale = _scale_to(self._abs_max(w, net), self.format.largest)

    def quantize(self, w):
        scale = self.blocks.spread(self.scale)
        return self.format.round(w / scale) * scale

    def grid(self):
        return Grid(self.blocks, self.format.values().to(self.scale), self.scale)


class Microscaled(Float):
    def fit(self, w, net=None):
        self.scale = self.format.block_scale(self.blocks.abs_max(w))

    def grid(self):
        return Grid(self.blocks, self.format.values().to(self.scale), self.scale, overhead_bits=8 * self.scale.numel())


class Nvfp4(Quantizer):
    def fit(self, w, net=None):
        largest = self.blocks.abs_max(w)
        tensor = _scale_to(largest.max(), E2M1.largest * E4M3.largest)
        self.scale = E4M3.round(largest / (E2M1.largest * tensor)) * tensor

    def quantize(self, w):
        scale = self.blocks.spread(self.scale)
        there = torch.where(scale > 0, scale, 1.0)
        return torch.where(scale > 0, E2M1.round(w / there) * there, 0.0)

    def grid(self):
        bits = 8 * self.scale.numel() + 32
        return Grid(self.blocks, E2M1.values().to(self.scale), self.scale, overhead_bits=bits)


class Binary(Quantizer):
    def fit(self, w, net=None):
        self.scale = self.blocks.mean_magnitudes(w).float()

    def quantize(self, w):
        scale = self.blocks.spread(self.scale)
        return torch.where(w >= 0, scale, -scale)

    def backward(self, w, dw):
        share = self.blocks.spread(1.0 / self.blocks.lengths(w.device).float())
        return dw * (share + torch.where(w.abs() <= 1, self.blocks.spread(self.scale), 0.0)), {}

    def grid(self):
        return Grid(self.blocks, self.scale.new_tensor([-1.0, 1.0]), self.scale)


class Ternary(Quantizer):
    def __init__(self, bits, blocks, middle):
        super().__init__(bits, blocks)
        self.middle = middle

    def fit(self, w, net=None):
        self.scale = self.middle(self.blocks, w).float()

    def quantize(self, w):
        scale = self.blocks.spread(self.scale)
        return (w / (scale + 1e-5)).round().clamp(-1, 1) * scale

    def grid(self):
        return Grid(self.blocks, _integers(-1, 1, self.scale), self.scale)


class Shift(Quantizer):
    """Signed powers of two whose exponents latent variables count (src/kernels/dense_shift.rs)."""

    def __init__(self, bits, blocks):
        super().__init__(bits, blocks)
        count = 2 ** (bits - 1) - 1
        self.latents = parameter((count, blocks.rows * blocks.outputs), "latent", decays=False)
        self.exponent = 0

    def fit(self, w, net=None):
        last, before = torch.zeros_like(w), torch.zeros_like(w)
        for latent in self.latents.detach():
            on = latent.reshape(w.shape) > 0
            before = torch.where(on, before, last + 1)
            last = torch.where(on, last + 1, 0.0)
        # Of each weight the length of its last run of positive latents, and 1 more than that of the run before.
        self.last, self.before = last, before

    def quantize(self, w):
        return torch.where(w >= 0, 1.0, -1.0) * power_of_two(self.last.int() + self.exponent)

    def backward(self, w, dw):
        scale = 2.0**self.exponent
        root = (self.last + 1.0).sqrt()
        slope = (torch.where(w >= 0, dw, -dw) * scale * 0.5 / root).reshape(-1)
        last, before = self.last.reshape(-1), self.before.reshape(-1)
        behind = torch.arange(len(self.latents) - 1, -1, -1, device=w.device, dtype=w.dtype)[:, None]
        factors = (last - behind).clamp(min=0) + torch.where(last == behind, before, 0.0)
        return dw * (root * scale), {"latents": slope * factors}

    def read_numbers(self, state, prefix):
        exponent = state[f"{prefix}.exponent"]
        self.exponent = exponent - (1 << 64 if exponent >> 63 else 0)

    def write_numbers(self, state, prefix):
        state[f"{prefix}.exponent"] = self.exponent % (1 << 64)

    def grid(self):
        powers = 2.0 ** _integers(0, len(self.latents), self.last)
        levels = torch.cat([-powers.flip(0), powers])
        return Grid(self.blocks, levels, powers.new_tensor([2.0**self.exponent]), overhead_bits=8)


class Apot(Quantizer):
    """Sums of powers of two up to a clip that is learned, for weights that are normalised first."""

    def __init__(self, bits, blocks):
        super().__init__(bits, blocks)
        self.log_clip = Learned(blocks.count, bits)
        self.register_buffer("levels", _sums_of_powers(bits), persistent=False)

    def fit(self, w, net=None):
        if not self.log_clip.is_known:
            self.log_clip.start(torch.full((self.blocks.count,), 3.0))
        count = self.blocks.lengths(w.device)
        mean = self.blocks.sums(w) / count
        variance = self.blocks.sums(w.double() ** 2) / count - mean * mean
        self.mean, self.deviation = mean.float(), (variance.clamp(min=0).sqrt() + 1e-5).float()
        self.clip = self.log_clip.values()
        self.scale = self.deviation * self.clip.reshape(self.deviation.shape)

    def _part(self, w):
        return (w - self.blocks.spread(self.mean)) / self.blocks.spread(self.scale)

    def quantize(self, w):
        return _nearest(self.levels, self._part(w)) * self.blocks.spread(self.scale)

    def backward(self, w, dw):
        part = self._part(w)
        inside = part.abs() <= 1
        slope = torch.where(inside, _nearest(self.levels, part) - part, part.sign())
        passed = torch.where(inside, dw, 0.0)
        centred = w - self.blocks.spread(self.mean)
        clip = self.blocks.sums(slope.double() * dw.double()) * self.deviation.double()
        count, deviation = self.blocks.lengths(w.device).double(), self.deviation.double()
        bare = deviation - 1e-5
        pull = self.blocks.sums(passed.double() * centred.double()) / (count * bare * deviation)
        pull = torch.where(bare > 0, pull, 0.0).float()
        mean = (self.blocks.sums(passed) / count).float()
        dw = passed - self.blocks.spread(mean) - centred * self.blocks.spread(pull)
        return dw, {"log_clip.logs": self.log_clip.gradient(self.clip, clip.reshape(-1))}

    def grid(self):
        return Grid(self.blocks, self.levels, self.scale)


class Codebook(Quantizer):
    """Weights that share 2^bits values, which are learned with them."""

    def __init__(self, bits, blocks):
        super().__init__(bits, blocks)
        self.centroids = parameter((2**bits,), "level", decays=False)

    def fit(self, w, net=None):
        self.levels, self.order = self.centroids.detach().sort(stable=True)

    def quantize(self, w):
        return _nearest(self.levels, w)

    def backward(self, w, dw):
        place = torch.searchsorted(_middles(self.levels), w.reshape(-1).contiguous())
        sums = torch.zeros(len(self.levels), dtype=torch.float64, device=w.device)
        sums.index_add_(0, place, dw.reshape(-1).double())
        return dw, {"centroids": torch.zeros_like(self.levels).index_copy_(0, self.order, sums.float())}

    def grid(self):
        return Grid(self.blocks, self.levels, torch.ones_like(self.levels[:1]), overhead_bits=32 * len(self.levels))


def _integers(first, last, like):
    return torch.arange(first, last + 1, dtype=torch.float32, device=like.device)


def _scale_to(abs_max, largest):
    scale = abs_max / largest
    return torch.where(scale > 0, scale, 1.0)


def _middles(levels):
    return ((levels[1:].double() + levels[:-1].double()) / 2).float()


def _nearest(levels, x):
    """Of two levels that are equally near the lower."""
    return levels[torch.searchsorted(_middles(levels), x.contiguous())]


def _sums_of_powers(bits):
    """The levels of APoT, between -1 and 1."""
    pairs, odd = divmod(bits - 1, 2)
    sums = [0.0]
    for i in range(pairs):
        terms = [0.0, 2.0**-i, 2.0 ** -(i + pairs), 2.0 ** -(i + 2 * pairs + odd)]
        sums = [sum + term for sum in sums for term in terms]
    if odd:
        sums = [sum + term for sum in sums for term in (0.0, 2.0 ** (-2 * pairs))]
    magnitudes = torch.tensor([sum / max(sums) for sum in sums], dtype=torch.float64).float()
    return torch.cat([magnitudes, -magnitudes]).unique()


ANY = ("net", "tensor", "channel", "group128", "group64", "group32")
WITHIN_TENSOR = ANY[1:]
WHOLE = ("tensor",)

# By name: what makes one, the bits that it takes, and which weights may share a scale; a number: blocks of so many.
SCHEMES = {
    "none": (None, range(1, 17), ANY),
    "symmetric": (Symmetric, range(2, 9), ANY),
    "affine": (Affine, range(2, 9), ANY),
    "lsq": (Lsq, range(2, 9), WITHIN_TENSOR),
    "dorefa": (Dorefa, range(1, 9), WITHIN_TENSOR),
    "dfp": (Dfp, (8, 12, 16), ANY),
    "fp4": (lambda *of: Float(*of, E2M1), (4,), ANY),
    "fp8_e4m3": (lambda *of: Float(*of, E4M3), (8,), ANY),
    "fp8_e5m2": (lambda *of: Float(*of, E5M2), (8,), ANY),
    "mxfp4": (lambda *of: Microscaled(*of, E2M1), (4,), 32),
    "mxfp8": (lambda *of: Microscaled(*of, E4M3), (8,), 32),
    "nvfp4": (Nvfp4, (4,), 16),
    "binary": (Binary, (1,), WITHIN_TENSOR),
    "ternary_mean": (lambda *of: Ternary(*of, Blocks.mean_magnitudes), (2,), WITHIN_TENSOR),
    "ternary_median": (lambda *of: Ternary(*of, Blocks.median_magnitudes), (2,), WITHIN_TENSOR),
    "shift": (Shift, (2, 3, 4), WHOLE),
    "apot": (Apot, range(2, 9), WITHIN_TENSOR),
    "codebook": (Codebook, range(1, 9), WHOLE),
}


def make(name, bits, granularity, rows, outputs):
    """A quantizer for a tensor; `None` where weights stay as they are."""
    build, takes, sharing = choose("quantizer", SCHEMES, name)
    if bits not in takes:
        raise Problem("bits", f"{', '.join(map(str, takes))} with {name}", bits)
    if build is None:
        return None
    if isinstance(sharing, int):
        if granularity != "tensor":
            raise Problem("granularity", f"tensor with {name}", granularity)
        granularity = f"group{sharing}"
    elif granularity not in sharing:
        raise Problem("granularity", f"{', '.join(sharing)} with {name}", granularity)
    return build(bits, Blocks(rows, outputs, granularity))
