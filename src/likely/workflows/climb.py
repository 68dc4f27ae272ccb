"""From starts to the best maximum: a heat on a sample where data is large, a race, moves from the best of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from likely.core.data import Data, Sequences, Table
from likely.core.family import Family
from likely.core.params import Params
from likely.em.bank import Bank
from likely.em.loop import Proposer, Step, em
from likely.em.outcome import Outcome
from likely.em.proposers import proposer_of
from likely.em.starts import Mark, Race, Starts
from likely.engines.local import Local, width_of
from likely.workflows.checks import collapse

SAMPLE = 20_000  # rows of the heat: on more rows than this, starts race on a random sample first
TOGETHER = 2**18  # rows x members x columns of all models in a bank: beyond a core's cache sharing passes saves nothing
EFFORT = 0.5  # of the passes of the race: so many may moves take in vain before they are given up
REPRESENTATIVES = 2  # distinct optima of the heat that go on to all the data

Begin = Callable[[], Params]
SETTLED = (Outcome.converged, Outcome.rounding_floor)


class _Stopped(Exception):
    """The callback asked to stop."""


@dataclass(frozen=True)
class Climb:
    """How EM is run: the options of `fit` that say so."""

    watch: Callable[[Step], None]
    callback: Callable[[Step], Any] | None
    starts: int
    seed: int
    temperature: float
    tol: float
    max_passes: int
    threads: int | None
    accelerate: bool
    init: str

    def run(self, family: Family, engine: Local, start: Params | None) -> tuple[list[Mark], Step, Starts]:
        """The trace and last step of the best run, and the record of all starts.

        Raises
        ------
        FitError      every start collapsed
        """
        race = Race(self._see)
        begin = self._begin(family, engine, start)
        if start is None and len(begin) > 1 and _large(engine.data):
            ended = self._heat(family, engine, race, begin)
            ended = self._go(lambda: race.run(legs=None if ended is None else 0)) or ended
        else:
            self._enter(race, family, engine, begin)
            ended = self._go(race.run if start is not None else lambda: self._race(race, family, engine))
        best = race.best
        if best is None or best.last is None:
            if race.error is None:
                raise KeyboardInterrupt
            raise collapse(race.error, family, engine.data, race.record()) from race.error
        return best.trace, best.last if ended is None else best.last.ending(ended), race.record()

    def _see(self, step: Step) -> None:
        self.watch(step)
        said = None if self.callback is None else self.callback(step)
        if isinstance(said, bool | np.bool_) and said:  # True, also NumPy's; not whatever else is true
            raise _Stopped

    def _enter(self, race: Race, family: Family, engine: Local, begin: list[Begin], hits: int = 1) -> None:
        """Every start into the race: several to a bank where that is faster, else each by itself."""
        options: dict[str, Any] = {"tol": self.tol, "max_passes": self.max_passes, "temperature": self.temperature}
        size = TOGETHER // (len(engine.data.rows) * width_of(family))
        if size < 2 or len(begin) < 2 or family.climbs:
            for make in begin:
                race.enter(
                    lambda make=make: em(family, engine, make(), proposer=self._proposer(family, engine), **options),
                    hits,
                )
            return

        def alone(step: Step) -> Iterator[Step]:
            return em(family, engine, step, proposer=self._proposer(family, engine, warm=True), **options)

        made = race.made(begin)
        for i in range(0, len(made), size):
            race.enter_together(Bank(family, engine, made[i : i + size], **options), alone, hits)

    def _proposer(self, family: Family, engine: Local, *, warm: bool = False) -> Proposer:
        return proposer_of(
            family, engine, self.tol, temperature=self.temperature, accelerate=self.accelerate, warm=warm
        )

    def _race(self, race: Race, family: Family, engine: Local) -> None:
        """The race, and where its starts disagree moves from the best, for as long as they lead higher."""
        race.run()
        if self.starts == 1 or len(engine.data.rows) > SAMPLE:
            return
        allowed, rng = EFFORT * race.passes, np.random.default_rng([self.seed, 1])
        rounds, in_vain = self._rounds(race, family, engine.data, rng), 0
        while in_vain < allowed and not race.agreed and (found := next(rounds, None)) is not None:
            known, passes = len(race.runners), race.passes
            self._enter(race, family, engine, [lambda params=params: params for params in found], hits=0)
            if race.contest(race.runners[known:]):
                rounds, in_vain = self._rounds(race, family, engine.data, rng), 0
            else:
                in_vain += max(race.passes - passes, 1)

    def _rounds(self, race: Race, family: Family, data: Data, rng: np.random.Generator) -> Iterator[list[Params]]:
        """Moves from the best optimum so far; none from a run that was not allowed to end."""
        last = None if race.best is None else race.best.last
        if last is None or last.outcome not in SETTLED:
            return iter(())
        data = data.double()
        weights = np.array(data.weight_column())
        return family.neighbours(last.params, data, weights, rng, temperature=self.temperature, kind=self.init)

    def _go(self, run: Callable[[], None]) -> Outcome | None:
        """Run it; how it was cut short, if it was."""
        try:
            run()
        except KeyboardInterrupt:
            return Outcome.interrupted
        except _Stopped:
            return Outcome.stopped
        return None

    def _heat(self, family: Family, engine: Local, race: Race, begin: list[Begin]) -> Outcome | None:
        """All starts on a sample; the best distinct optima enter the race on all the data."""
        sample = _sample(engine.data, SAMPLE, np.random.default_rng(self.seed))
        heat = Race(self._see)
        with Local(sample, width_of(family), self.threads, sweeps=family.sweeps) as small:
            self._enter(heat, family, small, begin)
            ended = self._go(lambda: self._race(heat, family, small))
        chosen = heat.distinct(REPRESENTATIVES)
        if not chosen and ended is Outcome.interrupted:
            raise KeyboardInterrupt  # there is nothing yet to be the best
        if not chosen:  # the sample may be to blame
            self._enter(race, family, engine, begin)
            return ended
        race.collapsed = list(heat.collapsed)
        race.behind = len(begin) - len(heat.collapsed) - sum(hits for _, hits in chosen)
        for params, hits in chosen:
            self._enter(race, family, engine, [lambda params=params: params], hits)
        return ended

    def _begin(self, family: Family, engine: Local, start: Params | None) -> list[Begin]:
        if start is not None:
            return [lambda: self._put_right(family, engine, start)]
        data = engine.data

        def make(rng: np.random.Generator) -> Params:
            rows = _sample(data, SAMPLE, rng)
            return family.start(rows, np.array(rows.weight_column()), rng, self.init)

        return [lambda rng=rng: make(rng) for rng in np.random.default_rng(self.seed).spawn(self.starts)]

    def _put_right(self, family: Family, engine: Local, params: Params) -> Params:
        """A user's start may break ties or known slots: one E- and M-step then comes before the guard begins."""
        if family.obeys(params):
            return params
        return family.maximize(engine.evaluate(family, params, self.temperature).stats, params)


def _large(data: Data) -> bool:
    return data.labels is None and data.rows.labels is None and len(data.rows) > SAMPLE


def _sample(data: Data, size: int, rng: np.random.Generator) -> Data:
    if not _large(data):
        return data
    if isinstance(data, Table):
        return data.take(np.sort(rng.choice(len(data), size, replace=False))).double()
    return _stretches(data, size, rng).double()


def _stretches(data: Sequences, size: int, rng: np.random.Generator) -> Sequences:
    """Some whole sequences of about so many rows together; of one that is longer than that, a stretch."""
    order = rng.permutation(len(data))
    kept = np.minimum(data.lengths[order], size).cumsum()
    chosen = np.sort(order[: int(np.searchsorted(kept, size)) + 1])
    lengths = np.minimum(data.lengths[chosen], size)
    spare = data.lengths[chosen] - lengths
    return data.stretches(chosen, (spare * rng.random(len(chosen))).astype(int), lengths)
