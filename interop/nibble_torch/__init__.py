"""Goes on in PyTorch with networks that Nibble trains: see README.md.

    from nibble_torch import Run
    run = Run.load("mine.pytorch.nibble.safetensors")
    run.network                 # a torch.nn.Module
"""

from .problem import Problem
from .run import Run

__all__ = ["Problem", "Run"]
