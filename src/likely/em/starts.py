"""Many short starts, raced; the best run to the end; and a record of what each one reached."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from likely.core.params import Params
from likely.em.loop import Step
from likely.em.outcome import Outcome
from likely.em.stopping import rounding_of
from likely.errors import Degenerate

FIRST_LEG = 20  # passes each start gets before the first are dropped; later legs double
FINISHERS = 3  # starts that run on for as long as they may still win
SAME = 1e-4  # nats within which two finished starts count as one optimum


@dataclass(frozen=True)
class Optimum:
    """One place where starts ended, and how many did."""

    objective: float
    hits: int


@dataclass(frozen=True)
class Starts:
    """What became of the starts: distinct optima (best first), how many were dropped, reasons of collapses."""

    optima: tuple[Optimum, ...]
    dropped: int = 0  # starts given up on the way: they were behind the others
    collapsed: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many starts there were."""
        return sum(o.hits for o in self.optima) + self.dropped + len(self.collapsed)

    def __str__(self) -> str:
        lines = [f"{o.objective:14.4f}  reached by {o.hits} of {self.count} starts" for o in self.optima]
        if self.dropped:
            lines.append(f"{'':14s}  {self.dropped} dropped on the way: behind the others")
        reasons = dict.fromkeys(self.collapsed)
        lines += [f"{'':14s}  {self.collapsed.count(r)} collapsed: {r}" for r in reasons]
        return "\n".join(lines)


@dataclass(frozen=True)
class Mark:
    """What is remembered of a step: no parameters, no statistics."""

    passes: int
    objective: float
    kind: str
    gain_left: float | None = None


@dataclass
class Runner:
    """One start on its way: its generator, the marks of all its steps, and its last step whole."""

    steps: Iterator[Step]
    trace: list[Mark] = field(default_factory=list)
    last: Step | None = None
    hits: int = 1  # starts that this one stands for

    def advance(self) -> Step | None:
        """One pass more; None when the run is over."""
        step = next(self.steps, None)
        if step is not None:
            self.last = step
            self.trace.append(Mark(step.passes, step.objective, step.kind, step.gain_left))
        return step

    @property
    def done(self) -> bool:
        return self.last is not None and self.last.outcome is not None

    @property
    def objective(self) -> float:
        """Of the last step; below everything before the first."""
        return -math.inf if self.last is None else self.last.objective

    def projected(self) -> float:
        """Where the objective seems to be heading: a slow start may have the higher limit."""
        if self.last is None:
            return -math.inf
        if self.last.gain_left is not None:
            return self.last.objective + self.last.gain_left
        gains = np.diff([s.objective for s in self.trace[-3:]])
        if len(gains) < 2 or not 0 < gains[1] < gains[0]:
            return self.last.objective + (float(gains[-1]) if len(gains) else 0.0)
        factor = min(gains[1] / gains[0], 0.95)
        return self.last.objective + float(gains[1]) * factor / (1 - factor)

    def hope(self) -> float:
        """Where it might end at best: projections fall short while the gains have not settled."""
        return self.objective + 3 * max(self.projected() - self.objective, 0.0)


Watch = Callable[[Step], None]


@dataclass
class Race:
    """Starts racing one another. It can be interrupted at any pass: `best` is always there once one step was made."""

    watch: Watch
    runners: list[Runner] = field(default_factory=list)
    collapsed: list[str] = field(default_factory=list)
    error: Degenerate | None = None  # of the last start that collapsed
    behind: int = 0  # starts that an earlier heat gave up

    def enter(self, begin: Callable[[], Iterator[Step]]) -> None:
        """One more start; it may collapse while it is being worked out."""
        try:
            self.runners.append(Runner(begin()))
        except Degenerate as error:
            self._lose(error)

    def _lose(self, error: Degenerate) -> None:
        self.collapsed.append(error.why)
        self.error = error

    def run(self, *, legs: int | None = None) -> None:
        """Legs of doubling length, after each of which those that fell behind are dropped, until all have ended.

        With `legs=0` every runner makes one pass only, to be known at all.
        """
        if legs == 0:
            self._leg(self.runners, 1)
            return
        running, leg = list(self.runners), FIRST_LEG
        while running:
            running = self._keep_best(self._leg(running, leg))
            leg *= 2
            if not running and (best := self.best) is not None and not best.done:
                running = [best]  # dropped too soon: nobody who ran on came up to it

    def _leg(self, running: list[Runner], passes: int) -> list[Runner]:
        return [r for r in list(running) if self._advance(r, passes) and not r.done]

    def _keep_best(self, running: list[Runner]) -> list[Runner]:
        """The better half runs on, and of the last few those that may still end above what has been reached."""
        running = sorted(running, key=Runner.projected, reverse=True)
        running = running[: max(len(running) // 2, FINISHERS)]
        best = self.best
        return [r for r in running if best is None or r is best or r.hope() > best.objective - SAME]

    def _advance(self, runner: Runner, passes: int) -> bool:
        """Some passes more; False if the start collapsed."""
        until = len(runner.trace) + passes
        try:
            while len(runner.trace) < until and (step := runner.advance()):
                self.watch(step)
        except Degenerate as error:
            self._lose(error)
            self.runners.remove(runner)
            return False
        return True

    @property
    def best(self) -> Runner | None:
        """The runner with the highest objective so far; one that has finished, where it makes no difference."""
        alive = [r for r in self.runners if r.last is not None]
        if not alive:
            return None
        top = max(alive, key=_standing)
        level = [r for r in alive if r.done and _standing(r)[0] and r.objective > top.objective - SAME]
        return max(level, key=_standing, default=top)

    def distinct(self, limit: int) -> list[tuple[Params, int]]:
        """The best distinct ends so far, with how many starts each stands for."""
        groups = _groups([r for r in self.runners if r.last is not None])
        return [(g[0].last.params, sum(r.hits for r in g)) for g in groups[:limit] if g[0].last is not None]

    def record(self) -> Starts:
        """The table of what was reached."""
        groups = _groups([r for r in self.runners if r.done])
        optima = tuple(Optimum(g[0].objective, sum(r.hits for r in g)) for g in groups)
        unfinished = sum(r.hits for r in self.runners if not r.done)
        return Starts(optima, self.behind + unfinished, tuple(self.collapsed))


def _groups(runners: list[Runner]) -> list[list[Runner]]:
    """Runners that ended at the same objective, best first."""
    groups: list[list[Runner]] = []
    for runner in sorted(runners, key=_standing, reverse=True):
        if groups and groups[-1][0].objective - runner.objective <= max(SAME, rounding_of(runner.objective)):
            groups[-1].append(runner)
        else:
            groups.append([runner])
    return groups


def _standing(runner: Runner) -> tuple[bool, float]:
    good = runner.last is not None and runner.last.outcome is not Outcome.decreased
    return good, runner.objective
