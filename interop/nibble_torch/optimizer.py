"""AdamW, SGD with Nesterov momentum and Muon as src/optim has them, operation by operation where numbers are changed one by one.
Each changes a parameter by its gradient; what it remembers of one is tensors by name."""

from dataclasses import dataclass

import numpy as np
import torch

from .quant.numbers import soft_clip

# Of the Newton-Schulz iteration.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
# Both sides of a linear layer's matrix have at least so many where Muon takes it.
LARGE = 64


@dataclass(frozen=True)
class Update:
    """What a step asks for a parameter. `step` counts from 1."""

    step: int
    lr: float
    momentum: float
    weight_decay: float
    gradient_scale: float
    soft_clip: float | None


def _power(base, exponent):
    """By squaring, as the engine does it."""
    result = 1.0
    while exponent:
        if exponent % 2:
            result *= base
        base *= base
        exponent //= 2
    return result


def _f32(x):
    return float(np.float32(x))


def adamw(w, g, slots, at, layer=None):
    m, v = slots["m"], slots["v"]
    rate = _f32(at.lr / (1.0 - _power(at.momentum, at.step)))
    root = _f32(1.0 / (1.0 - _power(0.999, at.step)) ** 0.5)
    g = g * at.gradient_scale
    # No `alpha`, no `addcmul`: they fuse multiply and add.
    m += _f32(1.0 - at.momentum) * (g - m)
    v.copy_(_f32(0.999) * v + _f32(1.0 - 0.999) * (g * g))
    w.copy_(w * _f32(1.0 - at.lr * at.weight_decay) - rate * m / (v.sqrt() * root + _f32(1e-8)))
    _clip(w, at)


def sgd(w, g, slots, at, layer=None):
    v = slots["velocity"]
    momentum = _f32(at.momentum)
    g = g * at.gradient_scale + _f32(at.weight_decay) * w
    v.copy_(momentum * v + g)
    w -= _f32(at.lr) * (g + momentum * v)
    _clip(w, at)


def muon(w, g, slots, at, layer=None, matrices=True):
    takes = layer is not None and (w.dim() == 4 or matrices and min(w.shape) >= LARGE)
    if not takes:
        return adamw(w, g, slots, at)
    v, momentum = slots["velocity"], _f32(at.momentum)
    g = g * at.gradient_scale
    v += (1.0 - momentum) * (g - v)
    direction = orthogonal((g + momentum * (v - g)).flatten(1)).reshape(w.shape)
    factor = 0.2 * max(w.shape[0], w[0].numel()) ** 0.5
    w.copy_(w * _f32(1.0 - at.lr * at.weight_decay) + -_f32(at.lr * factor) * direction)
    _clip(w, at)


def orthogonal(g):
    """A matrix of the same singular vectors whose singular values lie near 1 (src/kernels/muon.rs)."""
    tall = g.shape[0] >= g.shape[1]
    x = g if tall else g.t()
    x = x / x.double().square().sum().sqrt().float().clamp(min=1e-7)
    first, second, third = COEFFICIENTS
    for _ in range(5):
        a = x.t() @ x
        x = first * x + x @ (second * a + third * (a @ a))
    return x if tall else x.t()


def _clip(w, at):
    if at.soft_clip is not None:
        w.copy_(soft_clip(w, at.soft_clip))


# By name: the rule, and the names of what it remembers.
OPTIMIZERS = {
    "adamw": (adamw, ("m", "v")),
    "sgd": (sgd, ("velocity",)),
    "muon": (muon, ("m", "v", "velocity")),
    "muon_conv": (lambda *of: muon(*of, matrices=False), ("m", "v", "velocity")),
}


def clip_factor(norm, limit):
    """The factor that brings a gradient of that norm to at most `limit`."""
    return _f32(min(limit / (norm + 1e-6), 1.0))
