"""Layers as src/layers has them, over `[n][c][h][w]`. A layer is told what a pass is for by a `Batch`."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from . import parallel, random
from .problem import Problem
from .quant import weights
from .quant.learned import parameter

EPSILON = 1e-5


@dataclass(frozen=True)
class Batch:
    """What a pass is for: a part of a batch, from image number `first` on, in step `step` of a run of that seed."""

    seed: int = 0
    step: int = 0
    first: int = 0


class Weights(nn.Module):
    """A layer with weights and biases, both as PyTorch orders them. `forward_weight` is what it computes with."""

    def __init__(self, *dims):
        super().__init__()
        self.weight, self.bias = parameter(dims, "weight"), parameter(dims[:1], "bias")
        self.quantizer, self.straight_through = None, True
        # The extent of the weights of the whole network, where it shares a grid.
        self.net = None

    def stored(self, w):
        """`[rows][outputs]`, as a file has it: rows are kh, kw, c_in."""
        return w.permute(2, 3, 1, 0).reshape(-1, w.shape[0]) if w.dim() == 4 else w.t()

    def published(self, w):
        """The inverse of `stored`."""
        out, *others = self.weight.shape
        return w.reshape(*others[1:], others[0], out).permute(3, 2, 0, 1) if others[1:] else w.t()

    def fit(self):
        """Finds the grid of the present weights."""
        if self.quantizer:
            self.quantizer.fit(self.stored(self.weight.detach()), self.net)

    def quantized(self):
        """The weights on their grid, `[rows][outputs]`."""
        return self.quantizer.quantize(self.stored(self.weight.detach()))

    @property
    def forward_weight(self):
        if not self.quantizer:
            return self.weight
        return self.published(weights.rounded(self.stored(self.weight), self.quantizer, self.straight_through))


class Conv2d(Weights):
    def __init__(self, shape, out, kernel=3, stride=1):
        c_in, h, w = shape
        super().__init__(out, c_in, kernel, kernel)
        self.stride, self.shape = stride, (out, -(-h // stride), -(-w // stride))

    def forward(self, x, batch):
        return F.conv2d(x, self.forward_weight, self.bias, self.stride, self.weight.shape[-1] // 2)


class Projection(Conv2d):
    def __init__(self, shape, out, stride=1):
        super().__init__(shape, out, 1, stride)


class Linear(Weights):
    def __init__(self, shape, out):
        if shape[1:] != (1, 1):
            raise Problem("linear", "a vector", f"an image of shape {shape}")
        super().__init__(out, shape[0])
        self.shape = (out, 1, 1)

    def forward(self, x, batch):
        return F.linear(x.flatten(1), self.forward_weight, self.bias)


class BatchNorm(nn.Module):
    """Over the batches of all processes."""

    def __init__(self, shape, momentum, estimates):
        super().__init__()
        self.shape, self.momentum, self.estimates = shape, momentum, estimates
        self.weight, self.bias = (parameter(shape[:1], "norm") for _ in range(2))
        for name in ("running_mean", "running_var", "estimated_mean", "estimated_var"):
            self.register_buffer(name, torch.zeros(shape[0]))
        self.estimated_batches = 0
        # Count, mean and biased variance of the last training pass.
        self.batch = None

    def forward(self, x, batch):
        if self.training:
            y, count, mean, variance = _Normalized.apply(x, self.weight, self.bias)
            self.batch = float(count), mean, variance
            return y
        mean, variance = self.evaluated()
        factor = (self.weight.double() / (variance.double() + EPSILON).sqrt()).float()
        return (x - _channels(mean, x)) * _channels(factor, x) + _channels(self.bias, x)

    def evaluated(self):
        if self.estimates and self.estimated_batches:
            return self.estimated_mean, self.estimated_var
        return self.running_mean, self.running_var

    def _fold(self, share, mean, variance):
        count, batch_mean, batch_variance = self.batch
        unbiased = float(torch.tensor(count) / max(count - 1, 1))
        mean += share * (batch_mean - mean)
        variance += share * (batch_variance * unbiased - variance)

    def end_step(self):
        """The step is accepted: its statistics are kept."""
        self._fold(self.momentum, self.running_mean, self.running_var)

    def estimate(self, done):
        """The statistics of the last training pass count as number `done` of those whose mean evaluation uses."""
        self.estimated_batches = done + 1
        self._fold(1 / (done + 1), self.estimated_mean, self.estimated_var)


def _channels(values, x):
    return values.reshape(1, -1, *[1] * (x.dim() - 2))


class _Normalized(torch.autograd.Function):
    """Sums go over all processes, forward and backward; the gradients of scale and shift are this process's part."""

    @staticmethod
    def forward(ctx, x, gamma, beta):
        over = [0, *range(2, x.dim())]
        count = x.numel() // x.shape[1]
        sums = torch.cat([x.sum(over).double(), gamma.new_tensor([count]).double()])
        sums = parallel.total(sums)
        count, mean = sums[-1], (sums[:-1] / sums[-1]).float()
        centred = x - _channels(mean, x)
        # What the rounding of the mean left over is taken out of the squares.
        moments = torch.stack([centred.sum(over).double(), centred.square().sum(over).double()])
        left, squares = parallel.total(moments) / count
        variance = (squares - left * left).clamp(min=0).float()
        inverse = 1 / (variance.double() + EPSILON).sqrt()
        scale = (gamma.double() * inverse).float()
        ctx.save_for_backward(centred, scale, inverse)
        ctx.count, ctx.over = count, over
        ctx.mark_non_differentiable(count, mean, variance)
        return centred * _channels(scale, x) + _channels(beta, x), count, mean, variance

    @staticmethod
    def backward(ctx, dy, *_):
        centred, scale, inverse = ctx.saved_tensors
        sums = torch.stack([dy.sum(ctx.over).double(), (dy * centred).sum(ctx.over).double()])
        dbeta, dgamma = sums[0].float(), (sums[1] * inverse).float()
        sums = parallel.total(sums) / ctx.count
        mean, slope = sums[0].float(), (sums[1] * inverse**2).float()
        dx = (dy - _channels(mean, dy) - centred * _channels(slope, dy)) * _channels(scale, dy)
        return dx, dgamma, dbeta


class Dropout(nn.Module):
    """An element is dropped where the stream's next word is below p 2^32. `place` is the layer's in the list of layers."""

    def __init__(self, shape, p, place):
        super().__init__()
        self.shape, self.place = shape, place
        self.p = float(torch.tensor(p))

    def forward(self, x, batch):
        if not self.training or self.p == 0:
            return x
        count = math.prod(x.shape)
        start = batch.first * math.prod(x.shape[1:])
        words = random.words(batch.seed, random.DROPOUT, batch.step, count, self.place, start)
        kept = 1.0 / (1.0 - torch.tensor(self.p))
        mask = torch.where(torch.from_numpy(words >= int(self.p * 2**32)), kept, 0.0)
        return x * mask.reshape(x.shape).to(x.device)


class Relu(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape

    def forward(self, x, batch):
        return F.relu(x)


class MaxPool(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = (shape[0], shape[1] // 2, shape[2] // 2)

    def forward(self, x, batch):
        return F.max_pool2d(x, 2)


class GlobalAvgPool(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = (shape[0], 1, 1)

    def forward(self, x, batch):
        return x.mean((2, 3))


class Flatten(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = (math.prod(shape), 1, 1)

    def forward(self, x, batch):
        return x.flatten(1)


class Add(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape

    def forward(self, x, batch, other):
        return x + other
