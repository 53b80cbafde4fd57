"""Which weights of a tensor share a scale (src/kernels/blocks.rs). A tensor is `[rows][outputs]`; a block is all of it, or a
stretch of rows of one output channel. Tables have a value a block, `[bands][outputs]`, or `[1][1]`."""

import torch
from torch.nn.functional import pad


class Blocks:
    def __init__(self, rows, outputs, granularity):
        self.rows, self.outputs = rows, outputs
        self.whole = granularity in ("net", "tensor")
        self.band = rows if self.whole or granularity == "channel" else int(granularity.removeprefix("group"))
        self.bands = 1 if self.whole else -(-rows // self.band)

    @property
    def count(self):
        return 1 if self.whole else self.bands * self.outputs

    def lengths(self, device=None):
        """Weights of each block."""
        if self.whole:
            return torch.tensor([[self.rows * self.outputs]], device=device)
        ends = torch.arange(1, self.bands + 1, device=device) * self.band
        return (ends.clamp(max=self.rows) - (ends - self.band))[:, None].expand(-1, self.outputs)

    def grouped(self, w, fill):
        """`[bands][weights of a block][outputs]`, the last band filled up; of the whole tensor `[1][weights][1]`."""
        if self.whole:
            return w.reshape(1, -1, 1)
        short = self.bands * self.band - self.rows
        return pad(w, (0, 0, 0, short), value=fill).reshape(self.bands, self.band, self.outputs)

    def spread(self, table):
        """A table as something that broadcasts to the weights."""
        table = table.reshape(-1, 1 if self.whole else self.outputs)
        return table if self.whole else table.repeat_interleave(self.band, 0)[: self.rows]

    def sums(self, values):
        """Sums of each block, in f64."""
        return self.grouped(values.double(), 0.0).sum(1)

    def extents(self, w):
        """The smallest and the largest weight of each block."""
        return self.grouped(w, torch.inf).amin(1), self.grouped(w, -torch.inf).amax(1)

    def abs_max(self, w):
        return self.grouped(w.abs(), 0.0).amax(1)

    def mean_magnitudes(self, w):
        """In f64."""
        return self.sums(w.abs()) / self.lengths(w.device)

    def median_magnitudes(self, w):
        """Of an even number the lower one of the two in the middle."""
        magnitudes = self.grouped(w.abs(), torch.inf).sort(1).values
        middle = (self.lengths(w.device) - 1) // 2
        return magnitudes.gather(1, middle[:, None]).squeeze(1)
