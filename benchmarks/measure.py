"""Timing in turns, so that a drift of the machine's speed touches all sides."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

Side = TypeVar("Side")
Row = dict[str, Any]  # one line of a stored result


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    rounds: int = 5
    quick: bool = False


@dataclass(frozen=True)
class Spread:
    """Lowest, median and highest of several runs."""

    low: float
    median: float
    high: float

    @staticmethod
    def of(values: Iterable[float]) -> Spread:
        values = list(values)
        return Spread(min(values), statistics.median(values), max(values))

    def __str__(self) -> str:
        return f"{self.median:.4g} ({self.low:.4g} to {self.high:.4g})"


@dataclass(frozen=True)
class Run:
    """One fit of so many iterations."""

    log_likelihood: float
    iteration: float  # seconds of one iteration
    whole: float  # seconds of the whole call


def seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def between(stamps: list[float]) -> float:
    """Seconds of an iteration, from the times at which the same point of each was passed."""
    return (stamps[-1] - stamps[0]) / (len(stamps) - 1)


def in_turns(sides: Mapping[str, Callable[[], Side]], rounds: int) -> dict[str, list[Side]]:
    """What every side returned, round by round."""
    results: dict[str, list[Side]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, run in sides.items():
            results[name].append(run())
    return results


def ratios(theirs: Iterable[float], ours: Iterable[float]) -> Spread:
    """Theirs over ours, formed round by round."""
    return Spread.of(a / b for a, b in zip(theirs, ours, strict=True))
