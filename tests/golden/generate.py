"""Golden training runs from PyTorch, read by tests/golden.rs.

usage: python generate.py            write the four files MODEL_QUANTIZER.json beside this script
       python generate.py --spread   print how far equally right PyTorch runs lie from one another

needs: torch and numpy (written with torch 2.15.0 on x86-64, CPU).

Each file holds one run of ten training steps: the published 4-bit method or its FP32 baseline, f32, no dropout,
lr 2e-5 (VGG4bit) or 2e-4 (SimpleResNet4bit) throughout, AdamW (0.9, 0.999, 1e-8, weight decay 5e-4 on everything), global gradient norm clipped
to 0.5, then the tanh soft clip of every parameter with two or more dimensions.

Inputs are not stored
---------------------
Weights and batches come from `unit` below, a keyed counter generator with a dozen lines in any language. Only
operations whose f32 result IEEE 754 fixes are used (one multiplication, one addition, a square root in f64), so
the Rust test starts from the very same bits.

    key(name)      FNV-1a, 64 bits, of the UTF-8 name
    bits(name, i)  splitmix64's output for the state key(name) + (i + 1) * 0x9E3779B97F4A7C15
    unit(name, i)  (bits >> 40) / 2^23 - 1, uniform in [-1, 1), exact in f32

    weight i       v = unit("conv1.weight", i) * 7, level = round half even(v), then
                   (level + 0.75 (v - level)) * f32(bound / 7), where i is no multiple of 512
                   v * f32(bound / 7), where it is
                   bound = sqrt(6 / fan_in) for convolutions, sqrt(3 / fan_in) for linear layers
    other          biases 0, batch norm 1 and 0, running mean 0, running variance 1
    label n        (bits("labels/BATCH", n) >> 33) mod 10
    image element  unit("pattern/LABEL", (c * 4 + h / 8) * 4 + w / 8) + 3 * unit("images/BATCH", index in NCHW)

BATCH is "train1" to "train10" and "test". Tensors are indexed in PyTorch's order: OIHW and [out][in].

The file
--------
    steps           loss, grad_norm (before clipping) and accuracy of each training step
    gradient        of step 1, before clipping: each tensor by a Sample
    final           after step 10: parameters and running statistics, each tensor by a Sample
    levels_before, levels_after   scale and counts of the 15 levels of each quantized tensor (quantizer on)
    eval_before, eval_after       logits [image][class] of the batch "test" in evaluation mode
    Sample          the elements 0, stride, 2 stride, ...; l2 = root of the sum of squares; sum; both in f64

What can be compared, and how closely
-------------------------------------
A bias in front of a batch norm has a gradient of exactly zero in real arithmetic. In floating point it is
rounding noise, which AdamW, being scale-free, turns into steps of up to +-lr. Such a bias changes no training
loss, but it does move the running mean. Both sides therefore set these biases (the file lists them as
`null_biases`) back to zero, their exact value, after every step, and leave them out of the comparison.

Ten steps amplify rounding: a ReLU or a maximum on the edge goes the other way, AdamW turns the sign of a gradient
of just zero into a whole step, and a weight on the border between two levels lands on either. The learning rates
are therefore small, and most weights start away from those borders. What is left, as `--spread` measured it, the
largest over the ten steps: relative difference of the losses, absolute difference of final weights and statistics.

                                   loss                             final
                                   2 threads no oneDNN f64          2 threads no oneDNN f64
    vgg4bit_none                   4.0e-07   8.7e-05   5.0e-07      4.8e-07   4.4e-04   1.7e-06
    vgg4bit_symmetric              2.0e-07   2.8e-06   2.9e-07      2.7e-07   6.2e-05   2.9e-05
    simple_resnet4bit_none         7.1e-07   1.2e-05   2.1e-06      7.3e-05   4.6e-04   1.5e-04
    simple_resnet4bit_symmetric    0.0e+00   1.9e-07   1.2e-07      1.4e-05   5.5e-04   2.9e-05

The test asks for 1e-4 and 1e-3.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

CLASSES = 10
STEPS = 10
BATCH = {"vgg4bit": 16, "simple_resnet4bit": 32}
LEVEL_MAX = 7
LR = {"vgg4bit": 2e-5, "simple_resnet4bit": 2e-4}


# The keyed generator ---------------------------------------------------------------------------------------


def key(name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


def bits(name, count):
    """`bits(name, i)` for i < count, u64."""
    z = np.uint64(key(name)) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def unit(name, count):
    """`unit(name, i)` for i < count, f32."""
    return (bits(name, count) >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)


def batch(name, size):
    """Images [size, 3, 32, 32] f32 and labels [size]."""
    labels = ((bits(f"labels/{name}", size) >> np.uint64(33)) % np.uint64(CLASSES)).astype(np.int64)
    patterns = np.stack([unit(f"pattern/{k}", 3 * 4 * 4).reshape(3, 4, 4) for k in range(CLASSES)])
    patterns = patterns.repeat(8, axis=2).repeat(8, axis=3)
    noise = unit(f"images/{name}", size * 3 * 32 * 32).reshape(size, 3, 32, 32)
    return torch.from_numpy(patterns[labels] + np.float32(3) * noise), torch.from_numpy(labels)


# The networks ----------------------------------------------------------------------------------------------


def fake_quantize(w):
    """W_q, with the straight-through gradient dL/dW = dL/dW_q."""
    scale = (w.abs().max() + 1e-8) / LEVEL_MAX
    levels = (w / scale).round().clamp(-LEVEL_MAX, LEVEL_MAX)
    return w + (levels * scale - w).detach()


class Conv(nn.Module):
    def __init__(self, quantize, c_in, c_out, stride=1):
        super().__init__()
        self.quantize, self.stride = quantize, stride
        self.bound = math.sqrt(6 / (9 * c_in))
        self.weight = nn.Parameter(torch.empty(c_out, c_in, 3, 3))
        self.bias = nn.Parameter(torch.zeros(c_out))

    def forward(self, x):
        w = fake_quantize(self.weight) if self.quantize else self.weight
        return F.conv2d(x, w, self.bias, self.stride, padding=1)


class Linear(nn.Module):
    def __init__(self, quantize, c_in, c_out):
        super().__init__()
        self.quantize = quantize
        self.bound = math.sqrt(3 / c_in)
        self.weight = nn.Parameter(torch.empty(c_out, c_in))
        self.bias = nn.Parameter(torch.zeros(c_out))

    def forward(self, x):
        return F.linear(x, fake_quantize(self.weight) if self.quantize else self.weight, self.bias)


class Vgg(nn.Module):
    null_biases = [f"conv{i}.bias" for i in range(1, 7)] + ["linear1.bias"]

    def __init__(self, quantize):
        super().__init__()
        channels = (3, 64, 64, 128, 128, 256, 256)
        for i, (c_in, c_out) in enumerate(zip(channels, channels[1:]), 1):
            self.add_module(f"conv{i}", Conv(quantize, c_in, c_out))
            self.add_module(f"bn{i}", nn.BatchNorm2d(c_out))
        self.linear1 = Linear(quantize, 4096, 512)
        self.bn7 = nn.BatchNorm1d(512)
        self.linear2 = Linear(quantize, 512, CLASSES)

    def forward(self, x):
        for i in range(1, 7):
            x = F.relu(self.get_submodule(f"bn{i}")(self.get_submodule(f"conv{i}")(x)))
            if i % 2 == 0:
                x = F.max_pool2d(x, 2)
        return self.linear2(F.relu(self.bn7(self.linear1(x.flatten(1)))))


class SimpleResNet(nn.Module):
    null_biases = [f"conv{i}.bias" for i in range(1, 7)]

    def __init__(self, quantize):
        super().__init__()
        shapes = ((3, 16, 1), (16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1))
        for i, (c_in, c_out, stride) in enumerate(shapes, 1):
            self.add_module(f"conv{i}", Conv(quantize, c_in, c_out, stride))
            self.add_module(f"bn{i}", nn.BatchNorm2d(c_out))
        self.linear1 = Linear(quantize, 64, CLASSES)

    def forward(self, x):
        for i in range(1, 7):
            y = F.relu(self.get_submodule(f"bn{i}")(self.get_submodule(f"conv{i}")(x)))
            x = y + x if i == 2 else y
        return self.linear1(x.mean((2, 3)))


MODELS = {"vgg4bit": Vgg, "simple_resnet4bit": SimpleResNet}


def weights(name, count, bound):
    """Uniform weights of which most keep away from the borders between two levels."""
    v = unit(f"{name}.weight", count) * np.float32(LEVEL_MAX)
    level = np.round(v)
    away = level + np.float32(0.75) * (v - level)
    return np.where(np.arange(count) % 512 == 0, v, away) * np.float32(bound / LEVEL_MAX)


def build(model, quantize):
    network = MODELS[model](quantize)
    with torch.no_grad():
        for name, module in network.named_children():
            if isinstance(module, (Conv, Linear)):
                values = weights(name, module.weight.numel(), module.bound)
                module.weight.copy_(torch.from_numpy(values).view_as(module.weight))
    return network


# One run ---------------------------------------------------------------------------------------------------


def evaluate(network, x):
    network.eval()
    with torch.no_grad():
        return network(x)


def levels(network):
    """Scale and counts of the levels -7..7 of each quantized weight."""
    report = {}
    for name, module in network.named_children():
        if isinstance(module, (Conv, Linear)):
            w = module.weight.detach()
            scale = (w.abs().max() + 1e-8) / LEVEL_MAX
            index = (w / scale).round().clamp(-LEVEL_MAX, LEVEL_MAX).long().flatten() + LEVEL_MAX
            report[name] = {"scale": scale.item(), "counts": torch.bincount(index, minlength=15).tolist()}
    return report


def run(model, quantize, dtype=torch.float32):
    """Ten steps. Tensors in the result are whole; `pack` samples them."""
    network = build(model, quantize).to(dtype)
    optimizer = torch.optim.AdamW(network.parameters(), lr=LR[model], weight_decay=5e-4)
    test = batch("test", BATCH[model])[0].to(dtype)
    result = {"steps": [], "eval_before": evaluate(network, test), "levels_before": levels(network)}
    for step in range(1, STEPS + 1):
        x, y = batch(f"train{step}", BATCH[model])
        network.train()
        optimizer.zero_grad()
        logits = network(x.to(dtype))
        loss = F.cross_entropy(logits, y)
        loss.backward()
        if step == 1:
            result["gradient"] = {n: p.grad.clone() for n, p in network.named_parameters()}
        grad_norm = nn.utils.clip_grad_norm_(network.parameters(), 0.5)
        optimizer.step()
        with torch.no_grad():
            for name, p in network.named_parameters():
                if p.dim() >= 2:
                    p.copy_(torch.tanh(p / 3) * 3)
                elif name in network.null_biases:
                    p.zero_()
        accuracy = (logits.argmax(1) == y).double().mean().item()
        result["steps"].append({"loss": loss.item(), "grad_norm": grad_norm.item(), "accuracy": accuracy})
    state = network.state_dict()
    result["final"] = {n: t.clone() for n, t in state.items() if "num_batches" not in n}
    result["levels_after"] = levels(network)
    result["eval_after"] = evaluate(network, test)
    for part in ("gradient", "final"):
        result[part] = {n: t for n, t in result[part].items() if n not in network.null_biases}
    result["null_biases"] = network.null_biases
    return result


# The file --------------------------------------------------------------------------------------------------


def short(value):
    """The shortest decimal that reads back as the same f32."""
    return float(str(np.float32(value)))


def sample(tensor, count):
    """About `count` elements at a stride that shares no factor with the size, so that it visits every axis."""
    flat = tensor.flatten()
    stride = max(1, flat.numel() // count)
    while math.gcd(stride, flat.numel()) != 1:
        stride += 1
    wide = flat.double()
    values = [short(v) for v in flat[::stride].tolist()]
    return {"stride": stride, "l2": wide.square().sum().sqrt().item(), "sum": wide.sum().item(), "values": values}


def pack(model, quantize, result):
    packed = {
        "torch": torch.__version__.split("+")[0],
        "model": model,
        "quantizer": "symmetric" if quantize else "none",
        "lr": LR[model],
        "batch": BATCH[model],
        "null_biases": result["null_biases"],
        "steps": [{k: short(v) for k, v in step.items()} for step in result["steps"]],
        "gradient": {n: sample(t, 24) for n, t in result["gradient"].items()},
        "final": {n: sample(t, 80) for n, t in result["final"].items()},
    }
    for when in ("before", "after"):
        if quantize:
            packed[f"levels_{when}"] = {
                n: {"scale": short(r["scale"]), "counts": r["counts"]} for n, r in result[f"levels_{when}"].items()
            }
        packed[f"eval_{when}"] = [[short(v) for v in row] for row in result[f"eval_{when}"].tolist()]
    return packed


def dump(packed):
    """JSON with one line for each step, tensor or image, so that differences read well."""
    parts = []
    for name, value in packed.items():
        if isinstance(value, dict):
            lines = ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
            text = "{\n" + lines + "\n  }"
        elif isinstance(value, list) and not isinstance(value[0], str):
            text = "[\n" + ",\n".join(f"    {json.dumps(v)}" for v in value) + "\n  ]"
        else:
            text = json.dumps(value)
        parts.append(f"  {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def each():
    for model in MODELS:
        for quantize in (False, True):
            yield model, quantize, f"{model}_{'symmetric' if quantize else 'none'}"


def write():
    torch.set_num_threads(1)
    for model, quantize, name in each():
        path = Path(__file__).parent / f"{name}.json"
        packed = pack(model, quantize, run(model, quantize))
        path.write_text(dump(packed))
        losses = " ".join(f"{step['loss']:.4f}" for step in packed["steps"])
        print(f"{path.name}: {path.stat().st_size} bytes, losses {losses}")


# How far equally right runs lie from one another ----------------------------------------------------------


def compare(a, b):
    """The largest differences between two runs, in the terms of tests/golden.rs."""
    step = lambda field: max(abs(p[field] - q[field]) / abs(p[field]) for p, q in zip(a["steps"], b["steps"]))
    logits = lambda part: (a[part].double() - b[part].double()).abs().max().item()
    grad = max((g.double() - b["gradient"][n]).norm() / g.double().norm() for n, g in a["gradient"].items()).item()
    far, count, worst, l2, rms = 0, 0, ("", 0.0), 0.0, 0.0
    for name, t in a["final"].items():
        d = (t.double() - b["final"][name].double()).abs()
        far, count = far + (d > 1e-3).sum().item(), count + d.numel()
        worst = max(worst, (name, d.max().item()), key=lambda w: w[1])
        l2 = max(l2, (t.double().norm() / b["final"][name].double().norm() - 1).abs().item())
        rms = max(rms, d.square().mean().sqrt().item())
    moved = sum(
        sum(abs(p - q) for p, q in zip(r["counts"], b["levels_after"][n]["counts"]))
        for n, r in a["levels_after"].items()
    )
    scale = max(abs(r["scale"] / b["levels_after"][n]["scale"] - 1) for n, r in a["levels_after"].items())
    return (
        f"loss {step('loss'):.1e} (at step 1 {abs(a['steps'][0]['loss'] / b['steps'][0]['loss'] - 1):.1e}) "
        f"grad_norm {step('grad_norm'):.1e} step-1 gradient {grad:.1e} "
        f"final max {worst[1]:.1e} in {worst[0]}, {far} of {count} over 1e-3, worst rms {rms:.1e}, l2 {l2:.1e} "
        f"levels moved {moved}, scale {scale:.1e} "
        f"eval_before {logits('eval_before'):.1e} eval_after {logits('eval_after'):.1e}"
    )


def spread():
    for model, quantize, name in each():
        torch.set_num_threads(1)
        golden = run(model, quantize)
        print(name)
        print("  1 thread again:", compare(golden, run(model, quantize)))
        torch.set_num_threads(2)
        print("  2 threads:     ", compare(golden, run(model, quantize)))
        torch.set_num_threads(1)
        with torch.backends.mkldnn.flags(enabled=False):
            print("  no oneDNN:     ", compare(golden, run(model, quantize)))
        print("  f64:           ", compare(golden, run(model, quantize, torch.float64)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--spread", action="store_true", help="measure the spread instead of writing files")
    spread() if parser.parse_args().spread else write()
