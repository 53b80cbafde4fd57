"""Quantizers against the references that the engine is held against (tests/golden): levels equal, but where either neighbour is
right; scales the same f32."""

from types import SimpleNamespace

import golden
import numpy as np
import pytest
import torch
from nibble_torch.quant import activations, gradients, weights
from nibble_torch.quant.numbers import E2M1, E4M3, E5M2

SETTINGS = SimpleNamespace(actrange="average", clipdecay=0.25)


def ordered(blocks, table):
    """A table as the references have it, `[c_out][group]`."""
    return table.reshape(1 if blocks.whole else blocks.bands, -1).t().reshape(-1)


def quantizer(scheme, case):
    granularity = {32: "tensor", 16: "tensor"}.get(weights.SCHEMES[scheme][2], case["per"])
    return weights.make(scheme, case["bits"], granularity, case["k"], case["c_out"])


def weights_of(case):
    return torch.from_numpy(golden.values("quantizers", case, (case["k"], case["c_out"])))


def assert_levels(found, wanted, case):
    wrong = np.flatnonzero(np.asarray(found).reshape(-1) != np.asarray(wanted))
    assert set(wrong) <= set(case.get("edges", ())), (case, wrong)


@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
def test_integers(scheme):
    for case in golden.read("quantizers")[scheme]:
        made, w = quantizer(scheme, case), weights_of(case)
        made.fit(w)
        grid = made.grid()
        assert ordered(made.blocks, grid.scales).tolist() == np.float32(case["scale"]).tolist(), case
        assert_levels(grid.levels[grid.codes(made.quantize(w))], case["levels"], case)
        if scheme == "affine":
            assert ordered(made.blocks, grid.zero_points).tolist() == case["zero_point"], case


@pytest.mark.parametrize("scheme", ["binary", "ternary_mean", "ternary_median"])
def test_few_levels(scheme):
    for case in golden.read("schemes")[scheme]:
        made, w = quantizer(scheme, case), weights_of(case)
        made.fit(w)
        np.testing.assert_allclose(ordered(made.blocks, made.scale), np.float32(case["scale"]), rtol=1e-6)
        codes = made.grid().codes(made.quantize(w))
        # Of a scale of 0 every level has the same value.
        scale = made.blocks.spread(made.scale).expand(w.shape)
        wanted = golden.digits(case, w.numel()).reshape(w.shape)
        assert_levels(torch.where(scale > 0, codes, torch.from_numpy(wanted)), wanted.reshape(-1), case)


@pytest.mark.parametrize("scheme, format", [("fp4", E2M1), ("fp8_e4m3", E4M3), ("fp8_e5m2", E5M2), ("mxfp4", E2M1), ("mxfp8", E4M3)])
def test_floating_point(scheme, format):
    for case in golden.read("schemes")[scheme]:
        made, w = quantizer(scheme, case), weights_of(case)
        made.fit(w)
        scales = np.float32(case["scale"]) if "scale" in case else 2.0 ** np.float64(case["exponent"])
        assert ordered(made.blocks, made.scale).tolist() == scales.tolist(), case
        numbers = number(golden.digits(case, w.numel()), format)
        wanted = torch.from_numpy(numbers).float().reshape(w.shape) * made.blocks.spread(made.scale)
        assert_levels(made.quantize(w), wanted.reshape(-1), case)


def number(codes, format):
    """The numbers of a format, sign first, by their bits."""
    positive = format.values()[format.values() >= 0].double().numpy()
    half = 8 if format is E2M1 else 128
    return np.where(codes >= half, -1, 1) * positive[codes % half]


def test_normalised_powers_of_two():
    for case in golden.read("schemes")["apot"]:
        made, w = quantizer("apot", case), weights_of(case)
        made.log_clip.start(torch.full((made.blocks.count,), case["alpha"]))
        made.fit(w)
        assert_levels(made.grid().codes(made.quantize(w)), golden.digits(case, w.numel()), case)


def relu(case):
    """What goes into a quantizer of activations, `[n][c][h][w]`."""
    return torch.from_numpy(golden.values("activations", case, case["shape"])).clamp(min=0).permute(0, 3, 1, 2)


@pytest.mark.parametrize("scheme", ["affine", "pact", "lsq", "dorefa", "fp4", "fp8_e4m3", "mxfp4"])
def test_activations(scheme):
    compared = 0
    for case in golden.read("activations")[scheme]:
        if "before" in case or not case["levels"]:
            continue
        settings = SimpleNamespace(actrange=case.get("tracking", "average"), clipdecay=case.get("decay", 0.0))
        made, x = activations.make(scheme, case["bits"], settings), relu(case)
        for name in ("log_step", "log_clip"):
            if hasattr(made, name):
                with torch.no_grad():
                    getattr(made, name).logs.fill_(case["log"])
        x.requires_grad_()
        y = made(x)
        scale = case["scale"] if scheme != "mxfp4" else None
        if scale:
            # An exponential in f32, where the scale is learned.
            np.testing.assert_allclose(float(made.scale(True)), np.float32(scale), rtol=3e-7 if scheme in ("pact", "lsq") else 0)
        format = {"fp4": E2M1, "mxfp4": E2M1, "fp8_e4m3": E4M3}.get(scheme)
        shape = case["shape"]
        levels = golden.digits(case, x.numel()).reshape(shape)
        levels = torch.from_numpy(levels if format is None else number(levels, format)).float()
        if scale:
            unit = made.scale(True)
        else:
            exponents = torch.tensor(case["exponent"]).reshape(*shape[:3], -1).repeat_interleave(32, 3)[..., : shape[3]]
            unit = (2.0 ** exponents.double()).float()
        assert_levels(y.detach().permute(0, 2, 3, 1), (levels * unit).reshape(-1), case)
        compared += 1
        if scheme == "lsq" and "dlog" not in case:
            # Values at the edge of being clipped.
            continue

        dy = torch.from_numpy(golden.unit(f"activations/dy/{'x'.join(map(str, shape))}", x.numel())).reshape(shape)
        y.backward(dy.permute(0, 3, 1, 2))
        stopped = np.zeros(x.numel(), bool)
        stopped[case.get("clipped", [])] = True
        found = x.grad.permute(0, 2, 3, 1).reshape(-1).numpy()
        positive = x.detach().permute(0, 2, 3, 1).reshape(-1).numpy() > 0
        assert (found == np.where(stopped, 0, dy.reshape(-1).numpy()))[positive].all(), case
        if "dlog" in case:
            (learned,) = made.parameters()
            # As tests/golden/README.md says: of the sum of magnitudes.
            assert abs(learned.grad.item() - case["dlog"]) <= 1e-6 * (dy.abs().sum().item() * 2 ** case["bits"]), case
    assert compared > 8


@pytest.mark.parametrize("scheme", ["affine", "dorefa", "fp8_e5m2", "mxfp4"])
def test_gradients(scheme):
    for case in golden.read("gradients")[scheme]:
        dy = torch.from_numpy(golden.values("gradients", case, case["shape"]))
        noise = gradients._Noise(case["key"] % (1 << 32), case["key"] >> 32)
        dy = dy.permute(0, 3, 1, 2)
        round = gradients.make(scheme, case["bits"])
        found = round(dy, lambda: noise.like(dy, 0)).permute(0, 2, 3, 1).reshape(-1).numpy()
        if not case["levels"]:
            assert (found == dy.permute(0, 2, 3, 1).reshape(-1).numpy()).all()
            continue
        levels, most = golden.digits(case, dy.numel()), 2 ** case["bits"] - 1
        match scheme:
            case "affine":
                wanted = (levels - np.float32(case["zero_point"])).astype(np.float32) * np.float32(case["step"])
            case "dorefa":
                largest = np.repeat(np.float32(case["largest"]), dy.numel() // len(dy))
                wanted = np.where(largest > 0, 2 * largest * (levels / most - 0.5), 0)
            case "fp8_e5m2":
                wanted = number(levels, E5M2).astype(np.float32) * np.float32(case["step"])
            case "mxfp4":
                n, h, w, c = case["shape"]
                exponents = np.repeat(np.reshape(case["exponent"], (n, h, w, -1)), 32, 3)[..., :c].reshape(-1)
                wanted = 4 / 3 * number(levels, E2M1) * 2.0**exponents
        # As tests/golden/README.md says; and the smallest subnormal.
        tolerance = {"dorefa": lambda: 6e-8 * 2 * largest, "mxfp4": lambda: 1.2e-7 * np.abs(wanted)}.get(scheme, lambda: 0)()
        apart = np.abs(found - wanted) > tolerance + 2.0**-149
        assert set(np.flatnonzero(apart)) <= set(case.get("edges", ())), case


def test_noise_can_be_drawn_a_part_at_a_time():
    noise, dy = gradients._Noise(7, 9), torch.zeros(6, 3, 2, 2)
    parts = torch.cat([noise.like(dy[:4], 0), noise.like(dy[4:], 4)])
    assert (parts == noise.like(dy, 0)).all()
