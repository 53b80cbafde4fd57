"""Goes on with a saved run, in as many processes as torchrun starts: see README.md."""

import argparse
import os
import sys
import time
from pathlib import Path

import torch
import torch.distributed as dist

from . import parallel
from .data import TAKEN
from .problem import Problem
from .run import Diverged, Run

FAILED, REFUSED = 1, 2


def arguments(words=None):
    parser = argparse.ArgumentParser(prog="python -m nibble_torch.train", description=__doc__)
    parser.add_argument("--resume", metavar="FILE", type=Path, required=True, help="the saved run, NAME.nibble.safetensors")
    parser.add_argument("--data", metavar="PATH", help=f"its images, unless the file has them: {TAKEN}")
    parser.add_argument("--out", metavar="FILE", type=Path, help="where it is saved; by default in its own place")
    parser.add_argument("--steps", metavar="N", type=int, help="stop after so many training steps; by default at the run's end")
    parser.add_argument("--every", metavar="SECONDS", type=float, default=60, help="time between two saves (60)")
    parser.add_argument("--force", action="store_true", help="overwrite another file")
    return parser.parse_args(words)


def device():
    """This process's GPU where there is one, else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())


def say(text):
    if parallel.number() == 0:
        print(text, flush=True)


def train(asked):
    out = asked.out or asked.resume
    if out != asked.resume and out.exists() and not asked.force:
        raise Problem(out, "a name that no file has, or --force to overwrite it", "a file")
    run = Run.load(asked.resume, asked.data, device())

    def save():
        # In its own place a file keeps the images that it has.
        run.save(out, images=out == asked.resume)

    before, saved = run.step, time.monotonic()
    try:
        while not run.finished and (asked.steps is None or run.step - before < asked.steps):
            done = run.advance()
            if isinstance(done, dict):
                say(
                    f"epoch {done['epoch']} of {run.settings.epochs}: training loss {done['trainLoss']:.4f}, "
                    f"{100 * done['trainAccuracy']:.1f} %; test loss {done['testLoss']:.4f}, "
                    f"{100 * done['testAccuracy']:.1f} %, {done['secs']:.1f} s"
                )
            if isinstance(done, dict) or _time_to_save(run, saved, asked.every):
                save()
                saved = time.monotonic()
    except Diverged:
        save()
        raise
    save()
    say(f"{run.step - before} steps in {parallel.processes()} processes; saved to {out}")


def _time_to_save(run, saved, every):
    """One process's clock decides for all."""
    due = torch.tensor(float(time.monotonic() - saved >= every and parallel.number() == 0), device=run.device)
    return bool(parallel.largest(due))


def main():
    asked, chosen = arguments(), device()
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
        # f32 as the engine has it: TF32 keeps 10 bits of 23.
        torch.backends.cudnn.allow_tf32 = False
    if "RANK" in os.environ:
        dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        train(asked)
    except (Problem, Diverged) as problem:
        if parallel.number() == 0:
            print(f"nibble_torch: {problem}", file=sys.stderr)
        return FAILED if isinstance(problem, Diverged) else REFUSED
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
    return 0


if __name__ == "__main__":
    sys.exit(main())
