"""PyTorch as a contestant of `cargo xtask bench peers`: the same networks, and the same training step, natively.

usage: python pytorch.py REQUEST, one JSON object: model, quantizer, batch, threads, layout (contiguous or
channels_last), warmUp. Then each line {"steps": n} of the input is answered by {"ms": [...]}, until the input ends.

One step is what Nibble's is: weights rounded to 15 levels a layer, forward, cross-entropy, backward straight through
the rounding, gradient norm clipped to 0.5, AdamW, soft clipping of the weights by tanh, and loss and hits read back.
Not in it, in PyTorch's favour: choosing, cropping, flipping and normalising the images. One batch lies ready in
memory and is used again and again.
"""

import json
import math
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

CLASSES = 10
QUANT_MAX = 7


class FakeQuantize(torch.autograd.Function):
    """Rounds half to even onto -7..7 times the scale; the gradient passes straight through."""

    @staticmethod
    def forward(ctx, weight):
        scale = (weight.abs().max() + 1e-8) / QUANT_MAX
        return weight.div(scale).round_().clamp_(-QUANT_MAX, QUANT_MAX).mul_(scale)

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class Conv2d(nn.Conv2d):
    """A square kernel with padding that keeps the size at stride 1, with fan-in initialisation."""

    def __init__(self, c_in, c_out, quantized, kernel=3, stride=1):
        super().__init__(c_in, c_out, kernel, stride, padding=kernel // 2)
        self.quantized = quantized
        nn.init.normal_(self.weight, std=math.sqrt(2 / (c_in * kernel * kernel)))
        nn.init.zeros_(self.bias)

    def forward(self, x):
        weight = FakeQuantize.apply(self.weight) if self.quantized else self.weight
        return self._conv_forward(x, weight, self.bias)


class Linear(nn.Linear):
    def __init__(self, inputs, outputs, quantized):
        super().__init__(inputs, outputs)
        self.quantized = quantized
        nn.init.normal_(self.weight, std=math.sqrt(1 / inputs))
        nn.init.zeros_(self.bias)

    def forward(self, x):
        return F.linear(x, FakeQuantize.apply(self.weight) if self.quantized else self.weight, self.bias)


class Skip(nn.Module):
    """The inner layers' output plus their input."""

    def __init__(self, *layers):
        super().__init__()
        self.inner = nn.Sequential(*layers)

    def forward(self, x):
        return self.inner(x) + x


def conv_bn_relu(c_in, c_out, quantized, stride=1):
    return [Conv2d(c_in, c_out, quantized, stride=stride), nn.BatchNorm2d(c_out), nn.ReLU(inplace=True)]


def vgg4bit(quantized):
    layers = []
    for c_in, c_out in [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256)]:
        layers += conv_bn_relu(c_in, c_out, quantized)
        if c_in == c_out:
            layers.append(nn.MaxPool2d(2))
    layers += [nn.Flatten(), Linear(4096, 512, quantized), nn.BatchNorm1d(512), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.Dropout(0.5), Linear(512, CLASSES, quantized))


def simple_resnet4bit(quantized):
    return nn.Sequential(
        *conv_bn_relu(3, 16, quantized),
        Skip(*conv_bn_relu(16, 16, quantized)),
        *conv_bn_relu(16, 32, quantized, stride=2),
        *conv_bn_relu(32, 32, quantized),
        *conv_bn_relu(32, 64, quantized, stride=2),
        *conv_bn_relu(64, 64, quantized),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        Linear(64, CLASSES, quantized),
    )


def convnetjs_cifar10(quantized):
    layers = []
    for c_in, c_out in [(3, 16), (16, 20), (20, 20)]:
        layers += [Conv2d(c_in, c_out, quantized, kernel=5), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), Linear(320, CLASSES, quantized))


MODELS = {model.__name__: model for model in (vgg4bit, simple_resnet4bit, convnetjs_cifar10)}


class Trainer:
    def __init__(self, request):
        torch.manual_seed(1)
        quantized = {"symmetric": True, "none": False}[request["quantizer"]]
        layout = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}[request["layout"]]
        self.model = MODELS[request["model"]](quantized).to(memory_format=layout).train()
        self.x = torch.randn(request["batch"], 3, 32, 32).to(memory_format=layout)
        self.labels = torch.randint(0, CLASSES, (request["batch"],))
        parameters = list(self.model.parameters())
        self.weights = [parameter for parameter in parameters if parameter.dim() > 1]
        # Its own fastest: one kernel for the whole update.
        self.optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=5e-4, fused=True)

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.model(self.x)
        loss = F.cross_entropy(logits, self.labels)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 0.5)
        self.optimizer.step()
        with torch.no_grad():
            for weight in self.weights:
                weight.div_(3).tanh_().mul_(3)
            hits = (logits.argmax(1) == self.labels).sum()
        return loss.item(), hits.item()

    def timed_step(self):
        start = time.perf_counter()
        loss, _ = self.step()
        if not math.isfinite(loss):
            raise RuntimeError(f"the loss is {loss}")
        return (time.perf_counter() - start) * 1e3


def say(answer):
    print(json.dumps(answer), flush=True)


def main():
    request = json.loads(sys.argv[1])
    torch.set_num_threads(request["threads"])
    trainer = Trainer(request)
    for _ in range(request["warmUp"]):
        trainer.step()
    capability = torch.backends.cpu.get_cpu_capability()
    say({"ready": f"PyTorch {torch.__version__}, {capability}, {torch.get_num_threads()} threads"})
    for line in sys.stdin:
        say({"ms": [trainer.timed_step() for _ in range(json.loads(line)["steps"])]})


try:
    main()
except Exception as error:  # Whatever it is, the table of results shall say it.
    say({"error": f"{type(error).__name__}: {error}"})
    sys.exit(1)
