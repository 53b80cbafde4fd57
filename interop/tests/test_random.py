"""The streams of random numbers, word by word those of the engine (src/random.rs reads the same file)."""

import golden
from nibble_torch import random

PURPOSES = {
    "dropout": random.DROPOUT,
    "gradients": random.GRADIENTS,
    "shuffle": random.SHUFFLE,
    "augment": random.AUGMENT,
    "first_flip": random.FIRST_FLIP,
    "keep_aside": random.KEEP_ASIDE,
    "reestimate": random.REESTIMATE,
}


def test_words_are_those_of_the_engine():
    for case in golden.read("streams")["words"]:
        purpose, count = PURPOSES[case["purpose"]], len(case["words"])
        found = random.words(case["seed"], purpose, case["position"], count, case["detail"], case["start"])
        assert found.tolist() == case["words"], case


def test_the_order_of_images_is_that_of_the_engine():
    case = golden.read("streams")["order"]
    assert random.order(len(case["order"]), case["seed"], case["epoch"]).tolist() == case["order"]


def test_a_stream_is_the_same_however_it_is_cut():
    whole = random.words(3, random.DROPOUT, 9, 100, 5)
    for start, count in ((0, 1), (15, 2), (16, 16), (31, 40), (99, 1), (100, 0)):
        assert (random.words(3, random.DROPOUT, 9, count, 5, start) == whole[start : start + count]).all()
    firsts = random.first_words(3, random.AUGMENT, [4, 8], 2)
    assert (firsts[1] == random.words(3, random.AUGMENT, 8, 16, 2)).all()


def test_what_is_kept_aside_is_told_apart_from_the_rest():
    train, test = random.kept_aside(100, 30)
    assert len(test) == 30 and sorted([*train, *test]) == list(range(100))
