"""Rounding of the gradients that come back to layers with weights, as src/quant/gradients has it. Chance is a function of a key
and of a value's place `[n][h][w][c]` in the whole batch, so neither processes nor their number change a bit of it."""

import numpy as np
import torch

from .. import parallel, random
from ..problem import Problem, choose
from .activations import blocks_of_channels
from .numbers import E2M1, E5M2


class _Noise:
    """Numbers in [0, 1) by a key of 64 bits (src/kernels/gradients.rs)."""

    def __init__(self, low, high):
        self.low, self.high = np.uint32(low), np.uint32(high)

    def word(self, places):
        x = places.astype(np.uint32) + self.low
        x = (x ^ x >> np.uint32(16)) * np.uint32(0x21F0AAAD) ^ self.high
        x = (x ^ x >> np.uint32(15)) * np.uint32(0xD35A2D97)
        return x ^ x >> np.uint32(15)

    def at(self, places):
        return (self.word(places) >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)

    def coarse_at(self, places):
        """Numbers between -1/2 and 1/2, of 16 bits: a word serves two places, 16 apart."""
        word = self.word(places // 32 * 16 + places % 16)
        half = np.where(places % 32 < 16, word & np.uint32(0xFFFF), word >> np.uint32(16))
        return (half.astype(np.float32) + np.float32(0.5)) * np.float32(2.0**-16) - np.float32(0.5)

    def like(self, dy, first, at=None):
        """For a part of a batch, `[n][c]` or `[n][c][h][w]`, that begins with image number `first`."""
        n, c, *pixels = dy.shape
        count = int(np.prod(dy.shape[1:]))
        places = np.arange(first * count, (first + n) * count, dtype=np.uint64)
        noise = torch.from_numpy((at or self.at)(places)).reshape(n, *pixels, c)
        return noise.movedim(-1, 1).to(dy.device)


def _extent(dy):
    """The smallest and the largest of all processes' gradients, and 0."""
    zero = dy.new_zeros(1)
    flat = torch.cat([dy.reshape(-1), zero])
    return parallel.smallest(flat.min()), parallel.largest(flat.max())


def affine(bits, dy, noise):
    most = float(2**bits - 1)
    low, high = _extent(dy)
    spread = high - low
    if spread <= 0:
        return dy
    zero_point = (-low / spread * most).round()
    zero_point = zero_point.clamp(min=float(low < 0)).clamp(max=most - float(high > 0))

    def reach(end, steps):
        return end / steps if steps > 0 else torch.zeros_like(end)

    step = torch.maximum(reach(high, most - zero_point), reach(-low, zero_point))
    if step <= 0:
        return dy
    level = (dy / step + zero_point + noise()).floor().clamp(0, most)
    return (level - zero_point) * step


def symmetric(bits, dy, noise):
    most = float(2 ** (bits - 1) - 1)
    low, high = _extent(dy)
    step = torch.maximum(-low, high) / most
    if step < torch.finfo(torch.float32).tiny:
        return torch.zeros_like(dy)
    return (dy * (1.0 / step) + noise(coarse=True)).clamp(-most, most).round() * step


def dorefa(bits, dy, noise):
    most = float(2**bits - 1)
    spread = 2.0 * dy.abs().flatten(1).amax(1).reshape(-1, *[1] * (dy.dim() - 1)) if len(dy) else dy.new_ones(1)
    there = torch.where(spread > 0, spread, 1.0)
    level = ((dy / there + 0.5) * most + noise()).floor().clamp(max=most)
    return torch.where(spread > 0, (level / most - 0.5) * spread, 0.0)


def fp8_e5m2(bits, dy, noise):
    low, high = _extent(dy)
    scale = torch.maximum(-low, high) / E5M2.largest
    return E5M2.round(dy / scale) * scale if scale > 0 else dy


def mxfp4(bits, dy, noise):
    def change(blocks, scale):
        n, c, *pixels = dy.shape
        padded = dy.new_zeros((n, blocks.shape[1] * blocks.shape[2], *pixels))
        padded[:, :c] = noise()
        number = E2M1.round_by_chance(blocks * 0.75 / scale, padded.reshape(blocks.shape))
        return number * scale * float(np.float32(4.0) / np.float32(3.0))

    return blocks_of_channels(dy, change, E2M1)


# By name: what rounds, and the bits that it takes.
SCHEMES = {
    "none": (None, range(1, 9)),
    "affine": (affine, (4, 8)),
    "symmetric": (symmetric, (4, 8)),
    "dorefa": (dorefa, range(2, 9)),
    "fp8_e5m2": (fp8_e5m2, (8,)),
    "mxfp4": (mxfp4, (4,)),
}


def make(name, bits):
    """What rounds a batch of gradients; `None` where they stay as they are."""
    round, takes = choose("gradients", SCHEMES, name)
    if bits not in takes:
        raise Problem("gradbits", f"{', '.join(map(str, takes))} with {name}", bits)
    return (lambda dy, noise: round(bits, dy, noise)) if round else None


class _Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx, y, round, layer, batch):
        ctx.round, ctx.layer, ctx.batch = round, layer, batch
        return y.view_as(y)

    @staticmethod
    def backward(ctx, dy):
        batch = ctx.batch
        low, high = random.words(batch.seed, random.GRADIENTS, batch.step, 2, ctx.layer)
        noise = _Noise(low, high)

        def draws(coarse=False):
            return noise.like(dy, batch.first, noise.coarse_at if coarse else noise.at)

        return ctx.round(dy, draws), None, None, None


def rounded(y, round, layer, batch):
    """The output of layer number `layer`, whose gradient is rounded on the way back."""
    return _Rounded.apply(y, round, layer, batch)
