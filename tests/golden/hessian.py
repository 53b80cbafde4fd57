"""Curvature of SimpleResNet4bit by double backward, read by src/sensitivity/tests.rs.

usage: python hessian.py    write hessian.json beside this script

needs: torch and numpy (written with torch 2.15.0 on x86-64, CPU).

The network of generate.py with its initial weights, FP32, batch norm in evaluation, on the first 16 images of its batch
"train1"; in f64. Of each layer's part of the loss's Hessian, H:

    product      H v, v = sign of unit("hessian/LAYER.weight", i), 1 where that is 0: a Sample, as generate.py has them
    curvature    v H v
    eigenvalue   the largest, by 200 steps of power iteration from v

Tensors are in PyTorch's order. A second derivative of a ReLU or of batch norm with fixed statistics is 0 in double backward
too, so this is what a network has wherever it has a Hessian.
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from generate import batch, build, dump, sample, unit

MODEL = "simple_resnet4bit"
IMAGES = 16
ITERATIONS = 200


def curvature(network, images, labels, layer):
    weight = network.get_parameter(f"{layer}.weight")
    loss = F.cross_entropy(network(images), labels)
    (gradient,) = torch.autograd.grad(loss, weight, create_graph=True)

    def product(v):
        return torch.autograd.grad(gradient, weight, v, retain_graph=True)[0]

    signs = np.where(unit(f"hessian/{layer}.weight", weight.numel()) < 0, -1.0, 1.0)
    start = torch.from_numpy(signs).view_as(weight)
    first = product(start)
    v = start / start.norm()
    for _ in range(ITERATIONS):
        moved = product(v)
        eigenvalue = (v * moved).sum().item()
        v = moved / moved.norm()
    return {**sample(first, 48), "curvature": (start * first).sum().item(), "eigenvalue": eigenvalue}


def main():
    torch.set_num_threads(1)
    network = build(MODEL, False).double().eval()
    images, labels = batch("train1", IMAGES)
    layers = [name for name, module in network.named_children() if hasattr(module, "bound")]
    found = {layer: curvature(network, images.double(), labels, layer) for layer in layers}
    for layer, values in found.items():
        print(f"{layer}: v H v {values['curvature']:.6f}, largest eigenvalue {values['eigenvalue']:.6f}")
    packed = {"torch": torch.__version__.split("+")[0], "images": IMAGES, "layers": found}
    (Path(__file__).parent / "hessian.json").write_text(dump(packed))


main()
