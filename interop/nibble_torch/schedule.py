"""Learning-rate schedules, as src/schedule.rs has them: of a place in a run the share of the rate and the momentum, or None."""

import math


def _cosine(t):
    return 0.5 * (1 + math.cos(math.pi * t))


def _one_cycle(step, steps, **_):
    last = max(steps - 1.0, 1.0)
    peak = min(max(0.3 * steps - 1.0, 0.0), last)
    step = min(float(step), last)

    def between(start, end, share):
        return end + (start - end) * _cosine(share)

    low, least = 1 / 25, 1 / 25 / 1e4
    if step <= peak and peak > 0:
        return between(low, 1.0, step / peak), between(0.95, 0.85, step / peak)
    share = (step - peak) / max(last - peak, 1.0)
    return between(1.0, least, share), between(0.85, 0.95, share)


def _round(x):
    """To the nearest whole number, of two the one further from 0."""
    return math.floor(x + 0.5) if x >= 0 else math.ceil(x - 0.5)


def _warmup_linear(step, steps, warm_up, **_):
    rise = max(_round(warm_up * steps), 1)
    return (step + 1) / rise if step < rise else max((steps - step) / (steps - rise), 0.0), None


def _steps(epoch, epochs, **_):
    done = epoch / epochs
    return 1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01, None


SCHEDULES = {
    "cosine": lambda epoch, epochs, **_: (_cosine(epoch / epochs), None),
    "cosine_climbing": lambda epoch, **_: (_cosine(epoch / 100), None),
    "one_cycle": _one_cycle,
    "warmup_linear": _warmup_linear,
    "steps": _steps,
}
