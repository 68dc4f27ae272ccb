"""Many short starts, raced; the best run to the end, and moves from there; and a record of what each start reached."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from likely.core.params import Params
from likely.em.bank import Bank
from likely.em.loop import Step
from likely.em.outcome import Outcome
from likely.em.stopping import rounding_of
from likely.errors import Degenerate

FIRST_LEG = 10  # passes each start gets before the first are dropped; later legs double
LAST_TOGETHER = 20  # the longest leg in a bank; after it acceleration, which models alone can have, is worth more
FINISHERS = 3  # starts that run on for as long as they may still win
WIDE = 8  # moves that get a second leg
GLANCE = 3  # passes of that leg
SAME = 1e-4  # nats within which two finished starts count as one optimum


@dataclass(frozen=True)
class Optimum:
    """One place where starts ended, and how many did: none, where it was found by moving components."""

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
        lines = [f"{o.objective:14.4f}  {self._reached(o)}" for o in self.optima]
        if self.dropped:
            lines.append(f"{'':14s}  {self.dropped} dropped on the way: behind the others")
        reasons = dict.fromkeys(self.collapsed)
        lines += [f"{'':14s}  {self.collapsed.count(r)} collapsed: {r}" for r in reasons]
        return "\n".join(lines)

    def _reached(self, optimum: Optimum) -> str:
        if optimum.hits == 0:
            return "found by moving components of the best start"
        return f"reached by {optimum.hits} of {self.count} starts"


@dataclass(frozen=True)
class Mark:
    """What is remembered of a step: no parameters, no statistics."""

    passes: int
    objective: float
    kind: str
    gain_left: float | None = None


@dataclass(eq=False)
class Runner:
    """One start (or move) on its way: its generator, the marks of all its steps, and its last step whole."""

    steps: Iterator[Step] = field(default_factory=lambda: iter(()))
    trace: list[Mark] = field(default_factory=list)
    last: Step | None = None
    hits: int = 1  # starts that this one stands for: a move is none

    def advance(self) -> Step | None:
        """One pass more; None when the run is over."""
        step = next(self.steps, None)
        return None if step is None else self.note(step)

    def note(self, step: Step) -> Step:
        """A step was made."""
        if not self.hits and step.kind == "start":
            step = replace(step, kind="move")
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
class Crew:
    """Runners whose models share a bank, and with it every pass over the data; in the end each goes on alone."""

    bank: Bank
    runners: dict[int, Runner]  # by the place of their models in the bank
    alone: Callable[[Step], Iterator[Step]]  # a run that goes on from a step, yielding that step first

    def part(self, staying: list[Runner]) -> None:
        """All but these leave the bank."""
        leaving = [m for m in self.bank.models if self.runners[m] not in staying]
        for m in leaving:
            runner = self.runners[m]
            if runner.last is not None:
                runner.steps = self.alone(runner.last)
                next(runner.steps)
        self.bank.leave(leaving)


@dataclass
class Race:
    """Starts racing one another. It can be interrupted at any pass: `best` is always there once one step was made."""

    watch: Watch
    runners: list[Runner] = field(default_factory=list)
    collapsed: list[str] = field(default_factory=list)
    error: Degenerate | None = None  # of the last start that collapsed
    passes: int = 0  # of all runners together
    behind: int = 0  # starts that an earlier heat gave up
    crews: list[Crew] = field(default_factory=list)

    def enter(self, begin: Callable[[], Iterator[Step]], hits: int = 1) -> None:
        """One more start; it may collapse while it is being worked out."""
        try:
            self.runners.append(Runner(begin(), hits=hits))
        except Degenerate as error:
            self._lose(error)

    def made(self, begin: list[Callable[[], Params]]) -> list[Params]:
        """Where starts begin, without those that collapse while that is being worked out."""
        out = []
        for make in begin:
            try:
                out.append(make())
            except Degenerate as error:
                self._lose(error)
        return out

    def enter_together(self, bank: Bank, alone: Callable[[Step], Iterator[Step]], hits: int = 1) -> None:
        """The models of a bank, a start each."""
        crew = Crew(bank, {m: Runner(hits=hits) for m in bank.models}, alone)
        self.crews.append(crew)
        self.runners += crew.runners.values()

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
            self._part(running if leg <= LAST_TOGETHER else [])
            if not running and (best := self.best) is not None and not best.done:
                running = [best]  # dropped too soon: nobody who ran on came up to it

    @property
    def agreed(self) -> bool:
        """Did several starts end at the best optimum there is?"""
        groups = _groups([r for r in self.runners if r.done])
        return bool(groups) and sum(r.hits for r in groups[0]) >= FINISHERS

    def contest(self, movers: list[Runner]) -> bool:
        """Moves from the best optimum against it: did one come out higher? The others are forgotten.

        After a first pass fewer and fewer run on, each for as long as it may end above the bar.
        """
        bar, running, leg = self.best, list(movers), 1
        height = -math.inf if bar is None else bar.objective + SAME
        while running:
            places = max(WIDE, len(running) // 3) if leg == 1 else FINISHERS if leg < LAST_TOGETHER // 2 else 1
            running = sorted(self._leg(running, leg), key=Runner.projected, reverse=True)[:places]
            running = [r for r in running if leg == 1 or r.hope() > height]
            leg = max(2 * leg, GLANCE)
            self._part(running if leg <= LAST_TOGETHER else [])
        best, self.crews = self.best, []
        if best is None or best.objective <= height:
            best = bar
        self.runners = [r for r in self.runners if r.hits or r is best]
        return best is not bar

    def _part(self, staying: list[Runner]) -> None:
        for crew in self.crews:
            crew.part(staying)

    def _leg(self, running: list[Runner], passes: int) -> list[Runner]:
        """Those that are still running after so many passes more."""
        banks = [crew for crew in self.crews if crew.bank.models]
        together = [crew.runners[m] for crew in banks for m in crew.bank.models]
        for crew in banks:
            self._advance_together(crew, passes)
        for runner in [r for r in running if r not in together]:
            self._advance(runner, passes)
        return [r for r in running if r in self.runners and not r.done]

    def _advance_together(self, crew: Crew, passes: int) -> None:
        for _ in range(passes):
            if not crew.bank.models:
                return
            for m, fate in crew.bank.advance().items():
                if isinstance(fate, Degenerate):
                    self._drop(crew.runners[m], fate)
                else:
                    self._seen(crew.runners[m].note(fate))

    def _keep_best(self, running: list[Runner]) -> list[Runner]:
        """The better half runs on, and of the last few those that may still end above what has been reached."""
        running = sorted(running, key=Runner.projected, reverse=True)
        running = running[: max(len(running) // 2, FINISHERS)]
        best = self.best
        return [r for r in running if best is None or r is best or r.hope() > best.objective - SAME]

    def _advance(self, runner: Runner, passes: int) -> None:
        """Some passes more, of a runner by itself."""
        until = len(runner.trace) + passes
        try:
            while len(runner.trace) < until and (step := runner.advance()):
                self._seen(step)
        except Degenerate as error:
            self._drop(runner, error)

    def _seen(self, step: Step) -> None:
        self.passes += 1
        self.watch(step)

    def _drop(self, runner: Runner, error: Degenerate) -> None:
        self.runners.remove(runner)
        self.error = error
        if runner.hits:
            self.collapsed.append(error.why)

    @property
    def best(self) -> Runner | None:
        """The runner with the highest objective so far; one that has finished, where it makes no difference."""
        alive = [r for r in self.runners if r.last is not None]
        if not alive:
            return None
        top = max(alive, key=_standing)
        level = [r for r in alive if r.done and _standing(r)[0] and r.objective > top.objective - SAME]
        if not level:
            return top
        # Of those that rounding alone tells apart the first: which it is should not depend on the units of the data.
        highest = max(r.objective for r in level)
        return next(r for r in level if r.objective >= highest - rounding_of(highest))

    def distinct(self, limit: int) -> list[tuple[Params, int]]:
        """The best distinct ends so far, with how many starts each stands for."""
        groups = _groups([r for r in self.runners if r.last is not None])
        return [(g[0].last.params, sum(r.hits for r in g)) for g in groups[:limit] if g[0].last is not None]

    def record(self) -> Starts:
        """The table of what was reached: by starts, and the best also where a move found it."""
        groups = _groups([r for r in self.runners if r.done])
        each = [Optimum(g[0].objective, sum(r.hits for r in g)) for g in groups]
        optima = tuple(o for i, o in enumerate(each) if o.hits or i == 0)
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
