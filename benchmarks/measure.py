"""Timing in turns, so that a drift of the machine's speed touches both sides; memory in processes of their own."""

from __future__ import annotations

import multiprocessing
import statistics
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Spread:
    """Lowest, median and highest of several runs."""

    low: float
    median: float
    high: float

    @staticmethod
    def of(values: list[float]) -> Spread:
        return Spread(min(values), statistics.median(values), max(values))

    def __str__(self) -> str:
        return f"{self.median:.4g} ({self.low:.4g} to {self.high:.4g})"


@dataclass(frozen=True)
class Duel:
    """Seconds of each side, and rival over ours, round by round."""

    ours: Spread
    rival: Spread
    ratio: Spread


def seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def duel(ours: Callable[[], float], rival: Callable[[], float], rounds: int) -> Duel:
    """Both sides in turn; each call returns its own seconds."""
    pairs = [(ours(), rival()) for _ in range(rounds)]
    mine, theirs = [p[0] for p in pairs], [p[1] for p in pairs]
    return Duel(Spread.of(mine), Spread.of(theirs), Spread.of([b / a for a, b in pairs]))


def peak_beyond(prepare: Callable[[], Any], work: Callable[[Any], Any]) -> float:
    """Megabytes by which the peak memory grows while `work` runs on what `prepare` made, in a fresh process."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    child = context.Process(target=_peak, args=(prepare, work, queue))
    child.start()
    grown = queue.get()
    child.join()
    return grown


def _peak(prepare: Callable[[], Any], work: Callable[[Any], Any], queue: Any) -> None:
    made = prepare()
    tracemalloc.start()  # NumPy reports its arrays to it
    work(made)
    queue.put(tracemalloc.get_traced_memory()[1] / 1e6)
