"""What quantizers learn: steps and clips, by their logarithms (src/quant/learned.rs)."""

import torch
from torch import nn


def parameter(shape, role, decays=True, value=torch.nan):
    """One that the run's optimizer treats by its role, as src/param.rs names them."""
    made = nn.Parameter(torch.full(tuple(shape), value))
    made.role, made.decays = role, decays
    return made


class Learned(nn.Module):
    """Numbers above zero, learned for some bit width. In a file the parameter has the name that its quantizer gives to this."""

    def __init__(self, count, bits):
        super().__init__()
        self.logs = parameter((count,), "step", decays=False)
        self.bits = self.learned_bits = bits

    @property
    def is_known(self):
        return self.learned_bits == self.bits and not bool(self.logs.isnan().any())

    def start(self, values):
        with torch.no_grad():
            self.logs.copy_(values.double().log().float().reshape(-1))
        self.learned_bits = self.bits

    def values(self):
        # Exponentials of f64, rounded: the nearest f32, or its neighbour where the engine's own is off by a unit.
        return self.logs.detach().double().exp().float()

    def gradient(self, values, gradients):
        """That of the logarithms from those of the values."""
        return (gradients * values.double()).float()
