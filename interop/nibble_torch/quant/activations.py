"""Quantizers of activations, behind the ReLUs, as src/quant/activations has them. A range is one of the whole batch, so the
processes agree on it."""

import math

import torch
from torch import nn

from .. import parallel
from ..checkpoint import bits_of, float_of
from ..problem import Problem, choose
from .learned import Learned
from .numbers import E2M1, E4M3

# Channels that share a scale where a format has blocks.
BLOCK = 32


class Uniform(nn.Module):
    """Levels from 0 to 2^bits - 1 times a scale."""

    def __init__(self, settings, bits):
        super().__init__()
        self.bits, self.most = bits, 2**bits - 1

    def observe(self, x):
        """Looks at a training batch before it is rounded."""

    def scale(self, training):
        """Distance of the levels; `None` before anything was seen."""
        raise NotImplementedError

    def bound(self):
        """From where on values of a training pass are clipped, and their gradients end."""
        return self.scale(True) * self.most

    def round(self, x, scale):
        return (x / scale).round().clamp(0, self.most) * scale

    def learn(self, dy, x, clipped, scale):
        """The gradients of what it learns, in the order of its parameters."""
        return []

    def end_step(self):
        """The step that the batch seen last was for is taken."""

    def read_numbers(self, state, prefix):
        """Takes what it keeps in numbers from a checkpoint's state."""

    def write_numbers(self, state, prefix):
        """Puts it there."""

    def forward(self, x):
        if self.training:
            self.observe(x.detach())
        scale = self.scale(self.training)
        return x if scale is None else _Rounded.apply(x, self, scale, *self.parameters())


class _Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, quantizer, scale, *learned):
        ctx.quantizer, ctx.scale, ctx.bound = quantizer, scale, quantizer.bound()
        ctx.save_for_backward(x)
        return quantizer.round(x, scale)

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        clipped = x >= ctx.bound
        learned = ctx.quantizer.learn(dy, x, clipped, ctx.scale)
        return torch.where(clipped, 0.0, dy), None, None, *learned


class Measured(Uniform):
    """Over the largest value of the batches so far."""

    def __init__(self, settings, bits, format=None):
        super().__init__(settings, bits)
        self.average, self.format = settings.actrange == "average", format
        # An f32 each: 0 before anything was seen; what it becomes with the batch seen last.
        self.range, self.next = torch.tensor(0.0), None

    def observe(self, x):
        largest = x.max().clamp(min=0) if x.numel() else x.new_zeros(())
        largest, now = parallel.largest(largest), self.range.to(x.device)
        moved = now + 0.01 * (largest - now) if self.average else torch.maximum(now, largest)
        self.next = torch.where(now == 0, largest, moved)

    def _present(self, training):
        return self.next if training and self.next is not None else self.range

    def scale(self, training):
        range = self._present(training)
        scale = range / (self.format.largest if self.format else self.most)
        return scale if scale > 0 else None

    def bound(self):
        range = self._present(True)
        return torch.nextafter(range, range.new_tensor(torch.inf))

    def round(self, x, scale):
        return self.format.round(x / scale) * scale if self.format else super().round(x, scale)

    def end_step(self):
        if self.next is not None:
            self.range, self.next = self.next, None

    def read_numbers(self, state, prefix):
        self.range = torch.tensor(float_of(state[f"{prefix}.range"]))

    def write_numbers(self, state, prefix):
        state[f"{prefix}.range"] = bits_of(float(self.range))


class Pact(Uniform):
    """Up to a clip that is learned, with a penalty on it."""

    def __init__(self, settings, bits):
        super().__init__(settings, bits)
        self.decay = settings.clipdecay
        self.log_clip = Learned(1, bits)

    def bound(self):
        return self.log_clip.values()[0]

    def scale(self, training):
        return self.bound() / self.most

    def learn(self, dy, x, clipped, scale):
        clip = self.bound()
        stopped = torch.where(clipped, dy, 0.0).double().sum()
        # The gradients of the processes are summed, and the penalty is there once.
        penalty = float(torch.tensor(self.decay)) * clip.double() / parallel.processes()
        return [self.log_clip.gradient(clip, (stopped + penalty).reshape(1))]


class Lsq(Uniform):
    """Levels whose distance is learned."""

    def __init__(self, settings, bits):
        super().__init__(settings, bits)
        self.log_step = Learned(1, bits)

    def observe(self, x):
        if self.log_step.is_known:
            return
        sum, count = parallel.total(torch.stack([x.double().sum(), x.new_tensor(x.numel()).double()]))
        step = (2 * sum / count / math.sqrt(self.most)).float()
        if step > 0 and step.isfinite():
            self.log_step.start(step)

    def scale(self, training):
        return self.log_step.values()[0] if self.log_step.is_known else None

    def learn(self, dy, x, clipped, scale):
        v = x / scale
        residuals = torch.where(clipped, 0.0, v.round() - v)
        stopped = torch.where(clipped, dy, 0.0).double().sum()
        sums = (residuals.double() * dy.double()).sum() + self.most * stopped
        features = math.prod(x.shape[1:])
        gradient = sums / math.sqrt(features * self.most)
        return [self.log_step.gradient(scale, gradient.reshape(1))]

    def read_numbers(self, state, prefix):
        self.log_step.learned_bits = state[f"{prefix}.bits"]

    def write_numbers(self, state, prefix):
        state[f"{prefix}.bits"] = self.log_step.learned_bits


class Dorefa(Uniform):
    """Clipped to 0 to 1."""

    def scale(self, training):
        return torch.tensor(1.0) / self.most

    def bound(self):
        return 1.0


class Mxfp4(Uniform):
    """32 channels of a pixel share a power of two; gradients pass straight through."""

    def scale(self, training):
        return 1.0

    def bound(self):
        return torch.inf

    def round(self, x, scale):
        return blocks_of_channels(x, lambda x, scale: E2M1.round(x / scale) * scale, E2M1)


def blocks_of_channels(x, change, format):
    """`change` of all blocks of channels of a pixel, `[n][blocks][32][h][w]`, and of their scales."""
    n, channels, *pixels = x.shape
    count = -(-channels // BLOCK)
    short = count * BLOCK - channels
    filled = torch.cat([x, x.new_zeros((n, short, *pixels))], 1) if short else x
    blocks = filled.reshape(n, count, BLOCK, *pixels)
    scale = format.block_scale(blocks.abs().amax(2, keepdim=True))
    return change(blocks, scale).reshape(filled.shape)[:, :channels]


# By name: what makes one, and the bits that it takes.
SCHEMES = {
    "none": (None, range(1, 9)),
    "affine": (Measured, range(2, 9)),
    "pact": (Pact, range(2, 9)),
    "lsq": (Lsq, range(2, 9)),
    "dorefa": (Dorefa, range(1, 9)),
    "fp4": (lambda *of: Measured(*of, E2M1), (4,)),
    "fp8_e4m3": (lambda *of: Measured(*of, E4M3), (8,)),
    "mxfp4": (Mxfp4, (4,)),
}


def make(name, bits, settings):
    """A quantizer behind a ReLU; `None` where values stay as they are."""
    build, takes = choose("activations", SCHEMES, name)
    if bits not in takes:
        raise Problem("actbits", f"{', '.join(map(str, takes))} with {name}", bits)
    return build(settings, bits) if build else None
