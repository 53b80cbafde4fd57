"""The settings of a run, from the texts in its file (src/settings/table.rs)."""

from dataclasses import dataclass

from .problem import Problem

TYPES = {
    **dict.fromkeys(("model", "quantizer", "granularity", "ends", "activations", "actrange", "gradients"), str),
    **dict.fromkeys(("optimizer", "schedule", "flip", "border", "normalization", "compute"), str),
    **dict.fromkeys(("epochs", "batch", "crop", "seed", "actbits", "gradbits", "reestimate", "holdout", "rebits"), int),
    **dict.fromkeys(("lr", "warmup", "clipdecay", "steplr", "momentum", "decay", "normrate", "clipnorm"), float),
    **dict.fromkeys(("tanhlimit", "smoothing", "dropout", "bnmomentum", "ema", "bitbudget"), float),
    **dict.fromkeys(("tanh", "ste", "clip", "augment", "decaynorms"), lambda text: text == "1"),
}


class Settings:
    """One attribute a setting, by its key."""

    def __init__(self, texts):
        missing = [key for key in [*TYPES, "bits", "layers"] if key not in texts]
        if missing:
            way = "which `cargo nibble train --resume FILE --out NEW` writes anew"
            raise Problem("settings", f"all of this version's: {', '.join(missing)}", f"a file of an earlier one, {way}")
        for key, type in TYPES.items():
            setattr(self, key, type(texts[key]))
        if self.rebits > 0:
            raise Problem("rebits", "0, since only the engine chooses bits anew", self.rebits)
        self.bits = Bits.parse(texts["bits"])
        self.layers = _of_layers(texts["layers"])

    def of(self, layer, key):
        """What a layer has, of its own or like the others."""
        return self.layers.get(layer, {}).get(key, getattr(self, key))

    def is_own(self, layer, *keys):
        return any(key in self.layers.get(layer, {}) for key in keys)


def _of_layers(text):
    """By layers their own settings by key, of `conv1.quantizer:lsq,conv1.granularity:channel`."""
    layers = {}
    for part in filter(None, text.split(",")):
        path, value = part.split(":")
        layer, key = path.rsplit(".", 1)
        layers.setdefault(layer, {})[key] = TYPES[key](value)
    return layers


@dataclass
class Bits:
    """Bit widths of the weights, as `4` or `4,conv1:8`."""

    all: int
    layers: dict

    @classmethod
    def parse(cls, text):
        first, *others = text.split(",")
        pairs = (other.split(":") for other in others)
        return cls(int(first), {name: int(bits) for name, bits in pairs})

    def of(self, layer):
        return self.layers.get(layer, self.all)
