"""Runs that go from the engine to several processes here and back: five steps each, beside fifteen steps of the engine.

How far they may end apart: every sum of f32 is off by some 1e-6 of what is summed, in another order by another 1e-6. That is
nothing by itself, but a ReLU on the edge opens or does not, and a weight within 1e-6 of the middle between two levels lands on
either: of the 73 thousand of SimpleResNet4bit, whose levels are 0.05 apart, that is some three in five steps. One moves a
channel by up to 7 %, and the loss by 1e-4 (the gradient of a weight, 2e-3, times a level). AdamW makes steps of one size of
gradients that differ in the last bit. So the engine's own two arithmetics, with multiplications and additions fused or not,
drift apart too: that distance is measured each time, and here it may be four times as much, or what ten such weights come to.
"""

import handover
import pytest
from handover import needs_engine, nibble, train

LEVELS = {"loss": 1e-3, "movement": 0.05, "statistics": 0.01}
TIMES = 4
# Seven steps an epoch, so that it ends in the middle of the steps here.
SMALL = "--epochs 3 --test 100"


@needs_engine
@pytest.mark.parametrize(
    "flags",
    [
        # Rates as in tests/golden.rs, small, so that this does not feed on itself: at 0.001 the engine's two arithmetics end 3 %
        # apart in VGG4bit's loss.
        f"{SMALL} --train 448 --batch 64 --lr 0.0002",
        f"{SMALL} --train 112 --batch 16 --model vgg4bit --lr 0.00002",
    ],
    ids=["simple_resnet4bit", "vgg4bit"],
)
def test_five_steps_there_five_here_and_five_there_are_fifteen_there(tmp_path, flags):
    def file(name):
        return f"{name}.nibble.safetensors"

    nibble(tmp_path, f"train {flags} --out {file('start')} --steps 5 --exact")
    nibble(tmp_path, f"export {file('start')} --to pytorch")
    for name, arithmetic in (("fifteen", "--exact"), ("fused", "")):
        nibble(tmp_path, f"train --resume {file('start')} --out {file(name)} --steps 10 {arithmetic}")
    told = train(tmp_path, "--resume", file("start.pytorch"), "--out", file("here"), "--steps", 5, processes=2)
    assert "epoch 1 of 3" in told and "5 steps in 2 processes" in told
    assert "the last ones by PyTorch" in nibble(tmp_path, f"inspect {file('here')}")
    nibble(tmp_path, f"eval {file('here')}")
    nibble(tmp_path, f"train --resume {file('here')} --out {file('back')} --steps 5 --exact")

    start, fifteen, fused, back = (tmp_path / file(name) for name in ("start", "fifteen", "fused", "back"))
    own = handover.distance(start, fifteen, fused)
    found = handover.distance(start, fifteen, back)
    largest = {"loss": own.loss, "movement": max(own.movement.values()), "statistics": max(own.statistics.values())}
    print("the engine's own:", largest, "here:", found.loss, max(found.movement.values()), max(found.statistics.values()))
    found.within(**{what: max(TIMES * largest[what], LEVELS[what]) for what in LEVELS})
    assert [len(handover.reports(path)) for path in (fifteen, back)] == [2, 2]


@needs_engine
@pytest.mark.parametrize(
    "flags",
    [
        # An epoch's last batch is of two images: the third process has none.
        "--train 162 --gradients affine --gradbits 4 --activations pact --smoothing 0.1",
        "--train 162 --gradients dorefa --quantizer lsq --reestimate 2 --ema 0.9 --activations lsq",
        "--train 162 --gradients mxfp4 --gradbits 4 --model vgg4bit",
    ],
)
def test_three_processes_train_as_one_does(tmp_path, flags):
    """Chance, dropout and ranges are those of the whole batch."""
    nibble(tmp_path, f"train {flags} --test 100 --batch 32 --epochs 3 --optimizer sgd --lr 0.001 --out start --steps 5 --exact")
    nibble(tmp_path, "export start --to pytorch --out all.nibble.safetensors")
    for processes in (1, 3):
        train(tmp_path, "--resume", "all.nibble.safetensors", "--out", f"by{processes}", "--steps", 2, processes=processes)
    # The order of sums: see test_step.
    found = handover.distance(tmp_path / "start", tmp_path / "by1", tmp_path / "by3")
    found.within(loss=2e-3, movement=0.2, statistics=5e-3)
    nibble(tmp_path, "eval by3")


@needs_engine
def test_a_file_saved_in_its_own_place_keeps_its_images(tmp_path):
    nibble(tmp_path, "train --train 160 --test 100 --batch 32 --epochs 2 --model convnetjs_cifar10 --out start --steps 1 --exact")
    nibble(tmp_path, "export start --to pytorch --out all.nibble.safetensors")
    train(tmp_path, "--resume", "all.nibble.safetensors", "--steps", 2, processes=1)
    # Where a file has no images, another one says where they are.
    train(tmp_path, "--resume", "all.nibble.safetensors", "--out", "without", "--steps", 1, processes=1)
    assert (tmp_path / "without").stat().st_size < (tmp_path / "all.nibble.safetensors").stat().st_size / 2
    train(tmp_path, "--resume", "without", "--data", "all.nibble.safetensors", processes=1)
    assert "epoch 2 of 2" in nibble(tmp_path, "inspect without")
    assert nibble(tmp_path, "train --resume without --epochs 3").startswith("epoch 3 of 3")
