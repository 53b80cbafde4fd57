"""What a run tells at the end of an epoch, as src/metrics.rs and src/predictions.rs have it: the page draws it."""

import json

import numpy as np
import torch

from .checkpoint import EPOCHS

# Likeliest classes kept of an image.
TOP = 3
BINS = 64
MOST_LEVELS = 256
# Of a record as bytes.
RECORD = np.dtype([("label", "<u2"), ("loss", "<f4"), ("top", [("class", "<u2"), ("probability", "<f4")], TOP)])
FIGURES = ("epoch", "lr", "trainLoss", "trainAccuracy", "testLoss", "testAccuracy", "average")


def predictions(logits, labels):
    """A record an image: its class, the cross-entropy and the likeliest classes."""
    probabilities = torch.from_numpy(logits).softmax(1).numpy()
    records = np.zeros(len(labels), RECORD)
    rows = np.arange(len(labels))[:, None]
    order = np.argsort(-logits, 1, kind="stable")[:, :TOP]
    records["label"] = labels
    least = np.finfo(np.float32).tiny
    records["loss"] = -np.log(np.maximum(probabilities[rows[:, 0], labels], least))
    records["top"]["class"][:, : order.shape[1]] = order
    # Where there are fewer classes, the surplus is not used.
    records["top"]["probability"] = probabilities[:, :1]
    records["top"]["probability"][:, : order.shape[1]] = probabilities[rows, order]
    return records


def confusion(records, classes):
    """Images of class `i` that were taken for class `j`, at `i * classes + j`."""
    cells = records["label"].astype(np.int64) * classes + records["top"]["class"][:, 0]
    return np.bincount(cells, minlength=classes**2).tolist()


def levels(layer):
    """The level of every weight as a file has it, modulo 2^16; empty where there is no grid."""
    if not layer.quantizer:
        return np.zeros(0, "<u2")
    grid = layer.quantizer.grid()
    codes = grid.codes(layer.quantized())
    if grid.zero_points is not None:
        codes = codes - grid.blocks.spread(grid.zero_points).long()
    return codes.reshape(-1).cpu().numpy().astype("<u2")


def flipped(now, then):
    """Share of the weights that are on another level than before."""
    return float(np.count_nonzero(now != then)) / max(len(now), 1) if len(now) == len(then) else 0.0


def _short(values):
    """f32 as the shortest decimals."""
    return [float(str(value)) for value in np.asarray(values, np.float32).reshape(-1)]


def _histogram(values, bins):
    values = values.detach().cpu().numpy().reshape(-1)
    most = np.abs(values).max(initial=np.float32(0))
    if most > 0:
        places = ((values + most) * np.float32(bins / (2 * most))).astype(np.int64).clip(0, bins - 1)
    else:
        places = np.full(len(values), bins // 2)
    (end,) = _short(most)
    return {"min": -end, "max": end, "counts": np.bincount(places, minlength=bins).tolist()}


def layer(name, of, last_step, since_epoch, grad_norm):
    """Describes a weight tensor."""
    grid = of.quantizer.grid() if of.quantizer else None
    count = of.weight.numel()
    scales = grid.scales.double() if grid else torch.zeros(0)
    quantized = of.quantized() if grid else None
    counts, value, scale = np.zeros(0, np.int64), None, 0.0
    if grid:
        codes = grid.codes(quantized).reshape(-1).cpu().numpy()
        counts = np.bincount(codes, minlength=len(grid.levels))
        scale = scales.mean().item()
        offset = 0.0 if grid.zero_points is None else (scales * grid.zero_points.double()).mean().item()
        value = grid.levels.double().cpu().numpy() * scale - offset
    saturated = sum(int(counts[end]) for end, sign in ((0, -1), (-1, 1)) if grid and value[end] * sign > 0)
    shares = counts[counts > 0] / max(counts.sum(), 1)
    run = max(-(-len(counts) // MOST_LEVELS), 1)
    firsts = np.arange(0, len(counts), run)
    signs = hasattr(of.quantizer, "latents")
    report = {
        "name": name,
        "shape": list(of.weight.shape),
        "count": count,
        "bits": grid.code_bits if grid else 32,
        "scale": _short(scale)[0],
        "levels": _short(value[np.minimum(firsts + run // 2, len(counts) - 1)]) if grid else [],
        "scales": len(scales),
        "bitsAWeight": (count * grid.code_bits + grid.overhead_bits) / count if grid else 32.0,
        "levelTotal": len(counts),
        "levelsUsed": int(np.count_nonzero(counts)),
        "signs": signs,
        "histogram": _histogram(quantized, BINS + 1) if signs else _histogram(of.weight, BINS),
        "levelCounts": [int(counts[first : first + run].sum()) for first in firsts],
        "entropyBits": float(-(shares * np.log2(shares)).sum()) + 0.0,
        "flippedShare": since_epoch,
        "flipsPerStep": last_step,
        "saturatedShare": saturated / count,
        "gradNorm": grad_norm,
    }
    if len(scales) > 1:
        report["rounded"] = _histogram(quantized, BINS + 1)
    return report


def add(checkpoint, report):
    """Puts the report of an epoch into a file, in a line, and its figures into what the file says of itself."""
    line = json.dumps(report, separators=(",", ":"), ensure_ascii=False)
    before = checkpoint.text(EPOCHS)
    checkpoint.set_text(EPOCHS, f"{before}\n{line}" if before else line)
    checkpoint.about["epochs"].append({key: report[key] for key in FIGURES if key in report})
