"""Taking the time on machines that are busy with other things."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import torch

Result = TypeVar("Result")

RUNS = 3


def timed(do: Callable[[], Result], runs: int = RUNS, device: str = "cpu") -> tuple[float, Result]:
    """Seconds of the best run, and what it gave: of this process's processor time, or on a GPU of the wall.

    A neighbour on the same core makes processor time worse, never better: hence the best.
    """
    clock = time.process_time if device == "cpu" else time.perf_counter
    best = float("inf")
    for _ in range(runs):
        _wait_for(device)
        begin = clock()
        result = do()
        _wait_for(device)
        best = min(best, clock() - begin)
    return best, result


def name_of(device: str, runs: int = RUNS) -> str:
    kind = "process CPU time, one thread" if device == "cpu" else "wall clock"
    return f"{kind}, best of {runs} runs"


def _wait_for(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize(device)
