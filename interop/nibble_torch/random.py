"""The streams of random numbers of src/random.rs: ChaCha with 8 rounds, keyed by what it is for."""

import numpy as np

# A purpose is ("key", kind) or ("number", kind): where it enters a stream.
DROPOUT = ("key", 2)
GRADIENTS = ("key", 3)
SHUFFLE = ("number", 1)
AUGMENT = ("number", 2)
KEEP_ASIDE = ("number", 6)
REESTIMATE = ("number", 7)
FIRST_FLIP = ("number", 9)

WORDS = 16
_CONSTANTS = np.frombuffer(b"expand 32-byte k", dtype="<u4")
_COLUMNS = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)]
_DIAGONALS = [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
_LOW = 0xFFFF_FFFF
_EPOCHS = 0xFF_FFFF
_WIDE = (1 << 64) - 1


def _rotate(x, by):
    return x << np.uint32(by) | x >> np.uint32(32 - by)


def blocks(key, numbers, counters):
    """Blocks of streams, `[count][16]` words: those of the counters in the streams of those numbers."""
    counters, numbers = np.broadcast_arrays(np.asarray(counters, np.uint64), np.asarray(numbers, np.uint64))
    start = np.empty((WORDS, counters.size), np.uint32)
    start[:4] = _CONSTANTS[:, None]
    start[4:12] = np.asarray(key, np.uint32)[:, None]
    for place, value in ((12, counters), (14, numbers)):
        start[place] = value.ravel() & np.uint64(_LOW)
        start[place + 1] = value.ravel() >> np.uint64(32)
    x = start.copy()
    for _ in range(4):
        for a, b, c, d in _COLUMNS + _DIAGONALS:
            for first, second, third, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                x[first] += x[second]
                x[third] = _rotate(x[third] ^ x[first], by)
    return (x + start).T


def _spread(seed):
    """The key that a seed of 64 bits stands for: PCG32, as rand's `seed_from_u64` has it."""
    key, state = [], seed
    for _ in range(8):
        state = (state * 6364136223846793005 + 11634580027462260723) & _WIDE
        mixed = ((state >> 18 ^ state) >> 27) & _LOW
        turn = state >> 59
        key.append((mixed >> turn | mixed << (32 - turn) % 32) & _LOW)
    return key


def key_and_numbers(seed, purpose, positions, detail=0):
    """The key and the numbers of the streams at some positions. `detail` is the layer, or the epoch."""
    way, kind = purpose
    positions = np.asarray(positions, np.uint64)
    if way == "key":
        return [seed & _LOW, kind, detail, seed >> 32, 0, 0, 0, 0], positions
    return _spread(seed), np.uint64(kind << 56 | (detail & _EPOCHS) << 32) | positions


def words(seed, purpose, position, count, detail=0, start=0):
    """`count` words of one stream, from word `start` on."""
    key, number = key_and_numbers(seed, purpose, position, detail)
    first, last = start // WORDS, -(-(start + count) // WORDS)
    stream = blocks(key, number, np.arange(first, max(last, first), dtype=np.uint64)).ravel()
    return stream[start - first * WORDS :][:count]


def first_words(seed, purpose, positions, detail=0):
    """The first 16 words of the streams at some positions, `[positions][16]`."""
    key, numbers = key_and_numbers(seed, purpose, positions, detail)
    return blocks(key, numbers, 0)


def below(words, n):
    """Numbers in `0..n`, one a word."""
    return (words.astype(np.uint64) * np.asarray(n, np.uint64) >> np.uint64(32)).astype(np.int64)


def order(len, seed, epoch):
    """The order of `len` images in an epoch: a Fisher-Yates shuffle."""
    draws = below(words(seed, SHUFFLE, epoch, max(len - 1, 0)), np.arange(len, 1, -1)).tolist()
    order = list(range(len))
    for i, j in zip(range(len - 1, 0, -1), draws):
        order[i], order[j] = order[j], order[i]
    return np.array(order, np.int64)


def kept_aside(len, count):
    """Places of the images that are trained on and of those that are kept aside, the same for every seed."""
    draws = below(words(0, KEEP_ASIDE, 0, count), len - np.arange(count)).tolist()
    order = list(range(len))
    for place, draw in enumerate(draws):
        order[place], order[place + draw] = order[place + draw], order[place]
    return np.sort(order[count:]), np.sort(order[:count])
