"""Powers of two and floating-point formats of a few bits (src/kernels/minifloat.rs)."""

from dataclasses import dataclass

import torch

_BIAS = 127
_MANTISSA_BITS = 23


def floor_log2(x):
    """floor(log2 |x|) of normal numbers; -127 of 0 and of subnormals."""
    return (x.contiguous().view(torch.int32) >> _MANTISSA_BITS & 0xFF) - _BIAS


def power_of_two(exponent):
    """2^exponent, for the exponents of normal numbers."""
    return (exponent + _BIAS << _MANTISSA_BITS).view(torch.float32)


@dataclass(frozen=True)
class Minifloat:
    """A sign, a few bits of exponent and of mantissa, with subnormals and without infinities."""

    mantissa_bits: int
    lowest_exponent: int
    largest: float
    largest_exponent: int

    def round(self, x):
        """The nearest number of the format, ties to an even mantissa."""
        x = x.clamp(-self.largest, self.largest)
        step = self.step(x)
        return (x * power_of_two(-step)).round() * power_of_two(step)

    def round_by_chance(self, x, noise):
        """One of the two numbers around x: the upper one by a chance that is x's distance from the lower one."""
        step = self.step(x)
        return (x * power_of_two(-step) + noise).floor() * power_of_two(step)

    def step(self, x):
        """log2 of the distance of the numbers around x."""
        return floor_log2(x).clamp(min=self.lowest_exponent) - self.mantissa_bits

    def block_scale(self, largest):
        """The power of two that a block of that largest magnitude is divided by."""
        exponent = floor_log2(largest) - self.largest_exponent
        return torch.where(exponent > -_BIAS, power_of_two(exponent.clamp(min=1 - _BIAS)), 2.0**-127)

    def values(self):
        """All numbers, lowest first; 0 once."""
        positive, value = [], 2.0 ** (self.lowest_exponent - self.mantissa_bits)
        while value <= self.largest:
            positive.append(value)
            value += 2.0 ** int(self.step(torch.tensor(value)))
        return torch.tensor([-value for value in reversed(positive)] + [0.0] + positive)


E2M1 = Minifloat(1, 0, 6.0, 2)
E4M3 = Minifloat(3, -6, 448.0, 8)
E5M2 = Minifloat(2, -14, 57344.0, 15)


def tanh(x):
    """tanh by the rational function of src/kernels/weights.rs, operation by operation: the same bits."""
    t = _tanh_to_1(x.clamp(-10.0, 10.0) * 0.0625)
    for _ in range(4):
        t = 2.0 * t / (1.0 + t * t)
    return torch.where(x.abs() <= 1.0, _tanh_to_1(x), t.clamp(-1.0, 1.0))


def _tanh_to_1(x):
    a = x * x
    numerator = x * (135135.0 + a * (17325.0 + a * (378.0 + a)))
    denominator = 135135.0 + a * (62370.0 + a * (3150.0 + a * 28.0))
    return numerator / denominator


def soft_clip(w, limit):
    """`limit tanh(w / limit)`, the reciprocal rounded first."""
    limit = torch.tensor(limit, dtype=torch.float32, device=w.device)
    return limit * tanh(w * (1.0 / limit))
