"""PyTorch's optimizers, learning-rate schedules and label smoothing on small tensors: references for Nibble's own.

usage: python optimizers.py     write optimizers.json beside this script

needs: torch 2.9 or later, for its Muon, and numpy (written with torch 2.15.0 on x86-64, CPU). README.md says what is
in the file.
"""

import inspect
import json
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch.optim import _muon as torch_muon

from generate import short, unit

STEPS = 12
STORED = (1, 2, 12)
LRS = [0.01 * f for f in (1, 1, 0.5, 0.5, 2, 1, 1, 0.25, 0.25, 1, 1, 0.125)]
MOMENTA = [0.95, 0.94, 0.93, 0.92, 0.91, 0.9, 0.89, 0.88, 0.87, 0.86, 0.85, 0.85]


def start(name, shape):
    return torch.from_numpy(unit(f"optimizers/{name}/start", math.prod(shape)).reshape(shape).copy())


def gradient(name, shape, step):
    """Of step 1 and so on: the odd ones a thousandth in size, so that the second moments have something to weigh."""
    g = unit(f"optimizers/{name}/gradient/{step}", math.prod(shape)) * np.float32(1 if step % 2 == 0 else 0.001)
    return torch.from_numpy(g.reshape(shape).copy())


def shorts(tensor):
    return [short(v) for v in tensor.detach().flatten().tolist()]


def train(optimizer, params, lrs, momenta=None, transposed=False):
    """Twelve steps; the parameters after some of them."""
    stored = []
    for step in range(1, STEPS + 1):
        for group in optimizer.param_groups:
            group["lr"] = lrs[step - 1]
            if momenta and "betas" in group:
                group["betas"] = (momenta[step - 1], group["betas"][1])
            elif momenta:
                group["momentum"] = momenta[step - 1]
        for name, p in params.items():
            shape = tuple(p.shape)[::-1] if transposed else tuple(p.shape)
            g = gradient(name, shape, step).to(p.dtype)
            p.grad = g.T.contiguous() if transposed else g
        optimizer.step()
        if step in STORED:
            stored.append({name: (p.T if transposed else p).detach().clone() for name, p in params.items()})
    return stored


# AdamW and SGD ---------------------------------------------------------------------------------------------

PARAMS = {"matrix": (5, 3), "bias": (5,)}


def first_order(kind, decay, weight_decay, momenta, dtype):
    params = {name: start(name, shape).to(dtype).requires_grad_() for name, shape in PARAMS.items()}
    groups = [
        {"params": [params["matrix"]], "weight_decay": weight_decay},
        {"params": [params["bias"]], "weight_decay": weight_decay if decay == "all" else 0.0},
    ]
    if kind == "adamw":
        optimizer = torch.optim.AdamW(groups, lr=1, betas=(0.9, 0.999), eps=1e-8)
    else:
        optimizer = torch.optim.SGD(groups, lr=1, momentum=0.9, nesterov=True)
    return train(optimizer, params, LRS, momenta)


def first_orders():
    for kind in ("adamw", "sgd"):
        for decay, weight_decay, momenta in (
            ("none", 0.0, None),
            ("all", 0.1, None),
            ("matrices", 0.1, None),
            ("all", 0.1, MOMENTA),
        ):
            runs = [first_order(kind, decay, weight_decay, momenta, t) for t in (torch.float32, torch.float64)]
            spread = max((a[n].double() - b[n]).abs().max().item() for a, b in zip(*runs) for n in PARAMS)
            print(f"{kind} {decay} {'cycled' if momenta else ''}: f32 is within {spread:.1e} of f64")
            yield {
                "kind": kind,
                "decay": decay,
                "weight_decay": weight_decay,
                "lr": LRS,
                "momentum": momenta or [0.9] * STEPS,
                "after": [{n: shorts(t) for n, t in values.items()} for values in runs[1]],
            }


# Muon ------------------------------------------------------------------------------------------------------


def wide_precision():
    """PyTorch's own orthogonalisation with its bfloat16 replaced by f64."""
    source = inspect.getsource(torch_muon._zeropower_via_newtonschulz)
    assert source.count("torch.bfloat16") == 1
    scope = dict(vars(torch_muon))
    exec(source.replace("torch.bfloat16", "torch.float64"), scope)
    return scope["_zeropower_via_newtonschulz"]


IN_BF16 = torch_muon._zeropower_via_newtonschulz
IN_F64 = wide_precision()
COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def transcript(g, dtype):
    """The published iteration in NumPy, in one precision."""
    x = g.astype(dtype)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    norm = np.sqrt(np.square(x).sum(dtype=dtype))
    x = x / max(norm, dtype(1e-7))
    a, b, c = (dtype(v) for v in COEFFICIENTS)
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.T if tall else x


# rows, cols, what: [rows][cols] as Nibble stores weights, so cols is C_out.
MATRICES = [
    (1, 1, "plain"),
    (1, 7, "plain"),
    (5, 1, "plain"),
    (3, 3, "plain"),
    (6, 6, "zero"),
    (27, 5, "plain"),
    (5, 27, "plain"),
    (16, 10, "tiny"),
    (9, 8, "rank one"),
    (12, 12, "one large"),
    (36, 32, "plain"),
    (65, 33, "plain"),
    (288, 64, "plain"),
]


def matrix(rows, cols, what):
    g = unit(f"muon/{rows}x{cols}/{what}", rows * cols).reshape(rows, cols)
    if what == "zero":
        return np.zeros_like(g)
    if what == "tiny":
        return g * np.float32(2.0**-30)
    if what == "rank one":
        return g[:, :1] * g[:1, :]
    if what == "one large":
        g = g.copy()
        g[rows // 2, cols // 2] = 100
    return g


# What other precisions may differ by, relative to the largest element.
LIMITS = {"numpy": 1e-12, "f32": 1e-5, "bf16": 0.05}


def orthogonalized():
    for rows, cols, what in MATRICES:
        g = matrix(rows, cols, what)
        run = lambda f: f(torch.from_numpy(g.T.copy()), COEFFICIENTS, 5, 1e-7).double().numpy().T
        exact, coarse = run(IN_F64), run(IN_BF16)
        scale = max(np.abs(exact).max(), 1e-30)
        errors = {
            "numpy": np.abs(transcript(g.T, np.float64).T - exact).max() / scale,
            "f32": np.abs(transcript(g.T, np.float32).T - exact).max() / scale,
            "bf16": np.abs(coarse - exact).max() / scale,
        }
        sigma = np.linalg.svd(exact, compute_uv=False)
        print(f"orthogonalize {rows}x{cols} {what}: off by", {k: f"{e:.1e}" for k, e in errors.items()}, end=" ")
        print(f"singular values {sigma.min():.3f} to {sigma.max():.3f}")
        # Directions in which a matrix has next to nothing grow by a^5 = 485, and so does what rounding puts there.
        limits = {"numpy": 1e-12, "f32": 1e-4, "bf16": 10.0} if what == "rank one" else LIMITS
        assert all(errors[name] < limit for name, limit in limits.items()), errors
        stride = 1
        while rows * cols / stride > 400 or (stride > 1 and math.gcd(stride, rows * cols) != 1):
            stride += 1
        yield {
            "rows": rows,
            "cols": cols,
            "what": what,
            "stride": stride,
            "values": [short(v) for v in exact.flatten()[::stride]],
            "f32_error": float(f"{errors['f32']:.1e}"),
            "bf16_error": float(f"{errors['bf16']:.1e}"),
        }


MUON = [(27, 8), (9, 16), (16, 10), (6, 6)]


def muon_run(rows, cols, adjust, weight_decay, nesterov, momenta, orthogonalize, dtype):
    name = f"muon/{rows}x{cols}"
    p = start(name, (rows, cols)).T.contiguous().to(dtype).requires_grad_()
    optimizer = torch.optim.Muon(
        [p], lr=1, weight_decay=weight_decay, momentum=0.95, nesterov=nesterov, adjust_lr_fn=adjust
    )
    torch_muon._zeropower_via_newtonschulz = orthogonalize
    try:
        return [values[name] for values in train(optimizer, {name: p}, LRS, momenta, transposed=True)]
    finally:
        torch_muon._zeropower_via_newtonschulz = IN_BF16


def muon():
    for rows, cols in MUON:
        for adjust, weight_decay, nesterov, momenta in (
            ("original", 0.0, True, None),
            ("original", 0.1, True, None),
            ("match_rms_adamw", 0.1, True, None),
            ("original", 0.1, False, None),
            ("match_rms_adamw", 0.1, True, MOMENTA),
        ):
            of = (rows, cols, adjust, weight_decay, nesterov, momenta)
            exact = muon_run(*of, IN_F64, torch.float64)
            coarse = muon_run(*of, IN_BF16, torch.float32)
            error = max((a - b.double()).abs().max().item() for a, b in zip(exact, coarse))
            # Of a step's length, summed over the steps: bfloat16 has 8 bits.
            factor = math.sqrt(max(1, cols / rows)) if adjust == "original" else 0.2 * math.sqrt(max(rows, cols))
            length = sum(LRS) * factor
            print(f"muon {rows}x{cols} {adjust}: bfloat16 is off by {error / length:.1e} of the way")
            assert error < 0.05 * length
            yield {
                "rows": rows,
                "cols": cols,
                "adjust": adjust,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "lr": LRS,
                "momentum": momenta or [0.95] * STEPS,
                "after": [shorts(t) for t in exact],
                "bf16_error": float(f"{error:.1e}"),
            }


# Schedules -------------------------------------------------------------------------------------------------


def follow(steps, make, lr=1.0):
    """Rate and momentum in each step of a run."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr, momentum=0.9)
    scheduler = make(optimizer)
    rows = []
    for _ in range(steps):
        rows.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]))
        optimizer.step()
        scheduler.step()
    return [list(column) for column in zip(*rows)]


def schedules():
    lr = torch.optim.lr_scheduler
    for steps in (10, 37, 100):
        one = lambda o: lr.OneCycleLR(
            o, max_lr=1.0, total_steps=steps, pct_start=0.3, anneal_strategy="cos", cycle_momentum=True,
            base_momentum=0.85, max_momentum=0.95, div_factor=25, final_div_factor=1e4,
        )
        rates, momentum = follow(steps, one)
        yield {"kind": "one_cycle", "total": steps, "lr": rates, "momentum": momentum}
    for steps, warm in ((10, 1), (37, 5), (100, 10)):
        factor = lambda s: (s + 1) / warm if s < warm else (steps - s) / (steps - warm)
        rates, _ = follow(steps, lambda o: lr.LambdaLR(o, factor))
        if warm > 1:
            parts = lambda o: [
                lr.LinearLR(o, start_factor=1 / warm, end_factor=1.0, total_iters=warm - 1),
                lr.LinearLR(o, start_factor=1.0, end_factor=0.0, total_iters=steps - warm),
            ]
            chain, _ = follow(steps, lambda o: lr.SequentialLR(o, parts(o), milestones=[warm]))
            assert np.allclose(chain, rates, rtol=1e-12, atol=0), "two ways to say it"
        yield {"kind": "warmup_linear", "total": steps, "warmup": warm, "lr": rates}
    for steps, milestones, gamma in ((10, [5, 8], 0.1), (37, [12, 24, 36], 0.5), (20, [10, 15], 0.1)):
        rates, _ = follow(steps, lambda o: lr.MultiStepLR(o, milestones, gamma))
        yield {"kind": "multi_step", "total": steps, "milestones": milestones, "gamma": gamma, "lr": rates}
    for steps in (10, 37):
        rates, _ = follow(steps, lambda o: lr.CosineAnnealingLR(o, T_max=steps))
        yield {"kind": "cosine", "total": steps, "lr": rates}


# Label smoothing -------------------------------------------------------------------------------------------


def label_smoothing():
    for rows, classes, size in ((1, 2, 1.0), (6, 10, 8.0), (3, 100, 4.0), (2, 10, 200.0)):
        name = f"smoothing/{rows}x{classes}"
        values = torch.from_numpy(unit(name, rows * classes).reshape(rows, classes) * np.float32(size))
        labels = torch.tensor([(7 * r + 3) % classes for r in range(rows)])
        for smoothing in (0.0, 0.1):
            exact = values.double().requires_grad_()
            loss = F.cross_entropy(exact, labels, label_smoothing=smoothing)
            loss.backward()
            single = F.cross_entropy(values, labels, label_smoothing=smoothing)
            target = F.one_hot(labels, classes).double() * (1 - smoothing) + smoothing / classes
            by_formula = -(target * exact.log_softmax(1)).sum(1).mean()
            assert abs(by_formula.item() - loss.item()) < 1e-12 * max(1, loss.item())
            assert abs(single.item() - loss.item()) < 1e-6 * max(1, loss.item())
            yield {
                "rows": rows,
                "classes": classes,
                "size": size,
                "labels": labels.tolist(),
                "smoothing": smoothing,
                "loss": short(loss.item()),
                "gradient": shorts(exact.grad),
            }


def main():
    torch.set_num_threads(1)
    parts = {
        "optimizers": list(first_orders()),
        "orthogonalize": list(orthogonalized()),
        "muon": list(muon()),
        "schedules": list(schedules()),
        "label_smoothing": list(label_smoothing()),
    }
    text = f'{{\n  "torch": "{torch.__version__.split("+")[0]}"'
    for name, list_of in parts.items():
        lines = ",\n".join("    " + json.dumps(case, separators=(",", ":")) for case in list_of)
        text += f',\n  "{name}": [\n{lines}\n  ]'
    path = Path(__file__).with_name("optimizers.json")
    path.write_text(text + "\n}\n")
    print({name: len(list_of) for name, list_of in parts.items()}, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
