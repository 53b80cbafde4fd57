"""Optimizers, schedules and the loss against PyTorch's own in f64 (tests/golden, where the tolerances come from)."""

import golden
import numpy as np
import pytest
import torch
from nibble_torch.optimizer import OPTIMIZERS, Update, orthogonal
from nibble_torch.run import cross_entropy
from nibble_torch.schedule import SCHEDULES

STEPS = 12


def steps(case, name, count, shape, rule, check, layer=None, decays=True):
    """Twelve steps from the keyed start; `check` is given what is there after steps 1, 2 and 12."""
    w = torch.from_numpy(golden.unit(f"optimizers/{name}/start", count)).reshape(shape)
    slots = {slot: torch.zeros(shape) for slot in OPTIMIZERS[rule][1]}
    seen = []
    for step in range(1, STEPS + 1):
        g = golden.unit(f"optimizers/{name}/gradient/{step}", count) * np.float32(1 if step % 2 == 0 else 0.001)
        decay = case["weight_decay"] if decays else 0.0
        at = Update(step, case["lr"][step - 1], case["momentum"][step - 1], decay, 1.0, None)
        OPTIMIZERS[rule][0](w, torch.from_numpy(g).reshape(shape), slots, at, layer)
        if step in (1, 2, STEPS):
            seen.append(w.clone())
    check(seen)


def test_adamw_and_sgd():
    for case in golden.read("optimizers")["optimizers"]:
        for name, count in (("matrix", 15), ("bias", 5)):
            decays = name == "matrix" or case["decay"] != "matrices"

            def check(seen):
                for found, after in zip(seen, case["after"], strict=True):
                    np.testing.assert_allclose(found, after[name], atol=1e-6, rtol=0)

            steps(case, name, count, (count,), case["kind"], check, decays=decays)


def test_muon():
    cases = [case for case in golden.read("optimizers")["muon"] if case["adjust"] == "match_rms_adamw" and case["nesterov"]]
    assert cases
    for case in cases:
        rows, cols = case["rows"], case["cols"]
        if min(rows, cols) < 64:
            continue

        def check(seen):
            far = sum(case["lr"]) * 0.2 * max(rows, cols) ** 0.5
            for found, after in zip(seen, case["after"], strict=True):
                # The reference keeps every so many-th element.
                flat = found.reshape(-1)
                stride = -(-len(flat) // len(after))
                np.testing.assert_allclose(flat[::stride][: len(after)], after, atol=1e-5 * far, rtol=0)

        steps(case, f"muon/{rows}x{cols}", rows * cols, (rows, cols), "muon", check, layer=object())


def test_orthogonal_is_that_of_the_references():
    for case in golden.read("optimizers")["orthogonalize"]:
        if case["what"] != "plain":
            continue
        rows, cols = case["rows"], case["cols"]
        g = torch.from_numpy(golden.unit(f"muon/{rows}x{cols}/plain", rows * cols)).reshape(rows, cols)
        found = orthogonal(g).reshape(-1)[:: case["stride"]]
        np.testing.assert_allclose(found, case["values"], atol=1.2e-5 * np.abs(case["values"]).max(), rtol=0)


@pytest.mark.parametrize("kind", ["one_cycle"])
def test_schedules(kind):
    cases = [case for case in golden.read("optimizers")["schedules"] if case["kind"] == kind]
    assert cases
    for case in cases:
        for step, (lr, momentum) in enumerate(zip(case["lr"], case["momentum"], strict=True)):
            found = SCHEDULES[kind](step=step, steps=case["total"], epoch=0, epochs=1, warm_up=0)
            np.testing.assert_allclose(found, (lr, momentum), atol=1e-12, rtol=0)


def test_label_smoothing():
    for case in golden.read("optimizers")["label_smoothing"]:
        rows, classes = case["rows"], case["classes"]
        logits = torch.from_numpy(golden.unit(f"smoothing/{rows}x{classes}", rows * classes) * np.float32(case["size"]))
        logits = logits.reshape(rows, classes).requires_grad_()
        loss = cross_entropy(logits, torch.tensor(case["labels"]), case["smoothing"]).mean()
        loss.backward()
        np.testing.assert_allclose(loss.item(), case["loss"], rtol=1e-6)
        np.testing.assert_allclose(logits.grad.reshape(-1), case["gradient"], atol=1e-6 / rows, rtol=0)
