"""One model fitted to many data sets: side by side in a bank where that is faster, else one after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar

import numpy as np

from likely.core.family import Family
from likely.core.params import Params
from likely.em.bank import bank_of
from likely.em.loop import Step, em
from likely.em.outcome import Outcome
from likely.em.proposers import proposer_of
from likely.em.stopping import Settling
from likely.engines.local import Local, width_of
from likely.errors import Degenerate
from likely.numerics.soft import Array
from likely.workflows.replicates import Draw, Side

TOL = 1e-2  # standard errors: a refit need not be closer to its maximum than a hundredth of its own scatter
MAX_PASSES = 10_000
TOGETHER = 1000  # plain passes side by side, at a tenth of the cost of a pass alone; whoever needs more goes on alone
GLANCE, RUNNING = 30, 2  # after so many passes so many of the starts for one data set run on
BEHIND = "other starts were higher"
CELLS = 2**18  # rows x members x columns of a bank: beyond a core's cache sharing passes saves nothing
MOST = 256  # data sets of a bank, so that threads have banks to share

Made = TypeVar("Made")


@dataclass(frozen=True)
class Refit:
    """What became of one data set: parameters and log-likelihood, or why there are none."""

    params: Params | None
    log_likelihood: float = -math.inf
    why: str = ""


@dataclass(frozen=True)
class Refitting:
    """A bound family, where its refits begin, and how EM is run.

    Parameters
    ----------
    family : Family              bound
    begin : Params               at which every refit begins; further starts may be given with the data
    temperature : float          1 is EM, 0 hard EM
    threads : int                for one refit alone
    tol : float                  standard errors within which a refit ends
    """

    family: Family
    begin: Params
    temperature: float = 1.0
    threads: int = 1
    tol: float = TOL

    def refit(self, data: Side, further: Sequence[Sequence[Params]] = ()) -> list[Refit]:
        """The fit to each data set; of several starts the best."""
        if not self.family.hidden:
            return _closed_form(self.family, data)
        begins = [[self.begin, *more] for more in further] or [[self.begin]] * data.count
        owner = np.repeat(np.arange(data.count), [len(b) for b in begins])
        flat = [params for b in begins for params in b]
        apart = self.family.hides_points and data.rows.x.ndim == 3  # a filter looks at the same points for all members
        if apart or alone(self.family, len(data.rows)):
            done = [self._alone(data, int(i), params) for i, params in zip(owner, flat, strict=True)]
        else:
            done = self._together(data.some(owner), flat, owner)
        return [max((d for d, o in zip(done, owner, strict=True) if o == i), key=_height) for i in range(data.count)]

    def _together(self, data: Side, begin: list[Params], owner: Array) -> list[Refit]:
        """Side by side; of the starts that have one owner only the best run on after a while."""
        climb = _Climb(self.family, data, begin, self.temperature, self.tol)
        climb.run(GLANCE)
        climb.keep_best(owner)
        climb.run(TOGETHER)
        for i, step in climb.unfinished().items():
            climb.refits[i] = self._alone(data, i, step)
        return [climb.refits[i] for i in range(data.count)]

    def _alone(self, data: Side, i: int, begin: Params | Step) -> Refit:
        """One data set by itself, accelerated."""
        options: dict[str, Any] = {"tol": self.tol, "max_passes": MAX_PASSES, "temperature": self.temperature}
        step = None
        try:
            with Local(data.one(i), width_of(self.family), self.threads, sweeps=self.family.sweeps) as engine:
                warm = isinstance(begin, Step)
                proposer = proposer_of(self.family, engine, self.tol, temperature=self.temperature, warm=warm)
                for last in em(self.family, engine, begin, proposer=proposer, **options):
                    step = last
        except Degenerate as error:
            return Refit(None, why=error.why)
        assert step is not None
        assert step.outcome is not None
        return Refit(step.params, step.log_likelihood) if step.outcome.good else Refit(None, why=_ending(step.outcome))


def alone(family: Family, rows: int) -> bool:
    """Are data sets of so many rows fitted one after the other? A search has a bank of its own."""
    return family.hidden and (family.climbs or rows * width_of(family) > CELLS // 2)


def _height(refit: Refit) -> tuple[float, bool]:
    """The best comes last; of those that failed one that was not merely behind."""
    return refit.log_likelihood, refit.why != BEHIND


def _ending(outcome: Outcome) -> str:
    if outcome is Outcome.decreased:
        return "its objective fell, which exact EM never does"
    if outcome is Outcome.stalled:
        return "the search for a maximum of its likelihood stalled"
    return f"it did not converge within {MAX_PASSES:,} passes"


def _closed_form(family: Family, data: Side) -> list[Refit]:
    """All at once; where one of them collapses, halves are tried until it is found."""
    count = data.count
    bank = bank_of(family, count)
    try:
        stats = bank.collect(None, None, data, np.broadcast_to(data.weight_column(), (len(data), count)))
        params = bank.maximize(stats, None)
    except Degenerate as error:
        if count == 1:
            return [Refit(None, why=error.why)]
        halves = range(count // 2), range(count // 2, count)
        return [refit for half in halves for refit in _closed_form(family, data.some(half))]
    each = bank.expected_log_density(params, stats)
    return [_possible(params.blocks([i], count), float(value)) for i, value in enumerate(each)]


def _possible(params: Params, log_likelihood: float) -> Refit:
    if math.isfinite(log_likelihood):
        return Refit(params, log_likelihood)
    return Refit(None, why="its likelihood has no finite maximum")


class _Climb:
    """Plain EM on data sets side by side, all members of one bank, until they have settled or passes run out."""

    def __init__(self, family: Family, data: Side, begin: list[Params], temperature: float, tol: float):
        self.family, self.data, self.temperature = family, data, temperature
        self.params, self.stats = Params.concatenate(begin), None
        self.refits: dict[int, Refit] = {}  # by the place of a data set in `data`
        self.members = list(range(data.count))  # those still in the bank
        self.steps: dict[int, Step] = {}  # the last of each
        self.passes = 0
        self._settling = [Settling(tol) for _ in begin]
        self._bank = cache(lambda models: bank_of(family, models))

    def run(self, until: int) -> None:
        """Climb until so many passes were made."""
        while self.members and self.passes < until:
            if self.stats is not None:
                self._maximise(list(range(len(self.members))), self.stats, self.params)
            if self.members:
                self.passes += 1
                self._evaluate(self.passes)

    def keep_best(self, owner: Array) -> None:
        """Of the members with one owner those that are highest run on."""
        height = {
            m: step.objective
            for m, step in self.steps.items()
            if m in self.members or self.refits[m].params is not None
        }
        running = {m: i for i, m in enumerate(self.members)}
        behind = []
        for one in np.unique(owner):
            own = sorted((m for m in height if owner[m] == one), key=lambda m: -height[m])
            behind += [m for m in own[RUNNING:] if m in running]
        self.refits.update(dict.fromkeys(behind, Refit(None, why=BEHIND)))
        self._leave([running[m] for m in behind])

    def unfinished(self) -> dict[int, Step]:
        """The last steps of those that have not settled."""
        of = len(self.members)
        return {
            m: replace(self.steps[m], params=self.params.blocks([i], of), stats=_blocks(self.stats, [i], of))
            for i, m in enumerate(self.members)
        }

    def _maximise(self, places: list[int], stats: Any, params: Params) -> None:
        """The M-step of all; those that collapse are out."""
        new = self._maximised(places, stats, params)
        self._leave([i for i in places if i not in new[0]])
        self.params = Params.concatenate(new[1]) if new[1] else self.params

    def _maximised(self, places: list[int], stats: Any, params: Params) -> tuple[list[int], list[Params]]:
        """Who did not collapse, and their parameters. Halves are tried until it is found who did."""
        try:
            return places, [self._bank(len(places)).maximize(stats, params)]
        except Degenerate as error:
            if len(places) == 1:
                self.refits[self.members[places[0]]] = Refit(None, why=error.why)
                return [], []
        of, half = len(places), len(places) // 2
        kept, made = [], []
        for some in (range(half), range(half, of)):
            part = self._maximised([places[i] for i in some], _blocks(stats, some, of), params.blocks(some, of))
            kept, made = kept + part[0], made + part[1]
        return kept, made

    def _evaluate(self, passes: int) -> None:
        models = len(self.members)
        bank, data = self._bank(models), self.data
        weights = np.broadcast_to(data.weight_column(), (len(data), models))
        posterior = bank.infer(self.params, data, self.temperature)
        totals = (weights * np.where(weights > 0, posterior.log_prob, 0.0)).sum(0)  # a row that is not there: 0
        self.stats = bank.collect(self.params, posterior, data, weights)
        objectives = totals + bank.log_priors(self.params, models)
        over = []
        for i, (m, total, objective) in enumerate(zip(self.members, totals.tolist(), objectives.tolist(), strict=True)):
            step = Step(passes, self.params, objective, total, None, "em", items=float(len(data.rows)))
            refit = self._judged(m, i, step)
            if refit is not None:
                self.refits[m] = refit
                over.append(i)
            self.steps[m] = step
        self._leave(over)

    def _judged(self, m: int, i: int, step: Step) -> Refit | None:
        """How it ended, if it did."""
        last = self.steps.get(m)
        if not math.isfinite(step.objective):
            return Refit(None, why=f"a {self.data.item} has probability zero under every component")
        if last is None:
            return None
        gain, rounding = step.objective - last.objective, last.rounding
        if gain < -rounding:
            return Refit(None, why=_ending(Outcome.decreased))
        if self._settling[m].update(gain, rounding)[1] is None:
            return None
        return Refit(self.params.blocks([i], len(self.members)), step.log_likelihood)

    def _leave(self, places: list[int]) -> None:
        """These take no further part."""
        of = len(self.members)
        stay = [i for i in range(of) if i not in set(places)]
        if len(stay) == of:
            return
        self.members = [self.members[i] for i in stay]
        if stay:
            self.data, self.params = self.data.some(stay), self.params.blocks(stay, of)
            self.stats = _blocks(self.stats, stay, of)


def _blocks(stats: Any, chosen: Sequence[int], of: int) -> Any:
    return None if stats is None else stats.blocks(chosen, of)


def batch_size(family: Family, rows: int) -> int:
    """How many data sets of so many rows go side by side."""
    return min(max(CELLS // (rows * width_of(family)), 1), MOST)


Job = Callable[[], tuple[Side, np.random.Generator]]


def batches(draw: Draw, family: Family, n: int, rows: int, seed: int) -> list[Job]:
    """n data sets in batches that suit a bank, each with a generator; they depend on the seed and the data alone."""
    size = batch_size(family, rows)
    counts = [min(size, n - a) for a in range(0, n, size)]
    generators = np.random.default_rng(seed).spawn(len(counts))
    return [lambda c=c, rng=rng: (draw(c, rng), rng) for c, rng in zip(counts, generators, strict=True)]


def in_parallel(work: Callable[[Any], Made], items: Sequence[Any], threads: int) -> Iterator[Made]:
    """Results in the order of the items; what has not begun is given up when somebody interrupts."""
    if threads <= 1 or len(items) <= 1:
        yield from map(work, items)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        yield from pool.map(work, items)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
