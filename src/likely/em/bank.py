"""Starts as members of one bank: whole models side by side, stepped by plain EM in the same passes over the data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, reduce
from typing import Any, Protocol

import numpy as np

from likely.core.data import Data
from likely.core.family import Family
from likely.core.params import Params
from likely.core.posterior import Posterior
from likely.core.slot import Axis
from likely.em.loop import Step, impossible
from likely.em.outcome import Outcome
from likely.em.resolution import is_rounding
from likely.em.stopping import Settling
from likely.errors import Degenerate
from likely.numerics.soft import Array

Fate = Step | Degenerate  # what a pass made of a model


class Engine(Protocol):
    """Where work on the data runs, chunk by chunk."""

    @property
    def items(self) -> float:
        """How many items there are, by weight."""
        ...

    def map(self, work: Callable[[Data], Any]) -> Iterator[Any]:
        """Results in the order of the chunks."""
        ...

    def evaluate(self, family: Family, params: Params, temperature: float = 1.0) -> Any:
        """One E-step of one model."""
        ...

    def place(self, row: int) -> str:
        """A row in words."""
        ...


def bank_of(family: Family, models: int) -> Family:
    """So many whole models of a bound family side by side, none of which knows of the others.

    The new axis is not a hidden one: what belongs to hidden members together (a tie, the scale of a collapse) belongs
    to the members of one model.
    """
    return family.bind((Axis("start", models, hidden=False), *family.axes), family.setting)


def coordinates(family: Family, params: Params) -> list[int]:
    """How many free coordinates each slot has, in their order."""
    own = [slot.size(params[name]) for name, slot in family.slots.items() if not slot.fixed]
    return own + [size for name, part in family.parts().items() for size in coordinates(part, params[name])]


def laid_out(points: Array, sizes: Sequence[int]) -> Array:
    """Coordinates (models, q) of models as those of their bank: slot by slot, and there model by model."""
    return np.concatenate([np.zeros(0), *(c.ravel() for c in np.split(points, np.cumsum(sizes)[:-1], axis=1))])


@dataclass(frozen=True)
class _Pass:
    """What one pass over some rows brought back, for each model."""

    rows: int
    log_likelihood: Array  # (models,)
    impossible: Array  # (models,) the first row that has probability zero; past the last where there is none
    stats: Any

    def __add__(self, other: _Pass) -> _Pass:
        first = np.where(self.impossible < self.rows, self.impossible, self.rows + other.impossible)
        total = self.log_likelihood + other.log_likelihood
        return _Pass(self.rows + other.rows, total, first, self.stats + other.stats)


class Bank:
    """Models that run plain EM side by side: each comes to what it would come to alone.

    Parameters
    ----------
    family : Family        one model, bound
    engine : Engine        holds the data
    begin : list           the parameters where each model begins
    tol, max_passes, temperature      as for `em`
    """

    def __init__(
        self, family: Family, engine: Engine, begin: Sequence[Params], *,
        tol: float = 1e-3, max_passes: int = 10_000, temperature: float = 1.0,
    ):  # fmt: skip
        self.engine, self.tol, self.max_passes, self.temperature = engine, tol, max_passes, temperature
        self.family, self.passes = family, 0
        self.models = list(range(len(begin)))  # those still in, by their place in `begin`
        self._bank = cache(lambda models: bank_of(family, models))
        self._params, self._stats = Params.concatenate(begin), None
        self._lasts: dict[int, Step] = {}
        self._settling = [Settling(tol) for _ in begin]

    def advance(self) -> dict[int, Fate]:
        """One pass more: the next step of each model, or why it collapsed. Those whose run is over are out."""
        fates: dict[int, Fate] = {}
        if self._stats is not None:
            new = self._maximised(self._stats, self._params, len(self.models))
            fates = {m: one for m, one in zip(self.models, new, strict=True) if isinstance(one, Degenerate)}
            self.leave(fates)
            self._params = Params.concatenate([p for p in new if isinstance(p, Params)] or [Params()])
        if self.models:
            self.passes += 1
            fates |= self._evaluated()
            self.leave(m for m, fate in fates.items() if isinstance(fate, Degenerate) or fate.outcome is not None)
        return fates

    def leave(self, models: Iterable[int]) -> None:
        """These take no further part."""
        gone, of = set(models), len(self.models)
        stay = [i for i, m in enumerate(self.models) if m not in gone]
        self.models = [self.models[i] for i in stay]
        if 0 < len(stay) < of:
            self._params = self._params.blocks(stay, of)
            self._stats = None if self._stats is None else self._stats.blocks(stay, of)

    def _maximised(self, stats: Any, params: Params, models: int) -> list[Params | Degenerate]:
        """The M-step of each model. Where one of them collapses, halves are tried until it is found."""
        try:
            new = self._bank(models).maximize(stats, params)
        except Degenerate as error:
            if models == 1:
                return [error]
            halves = range(models // 2), range(models // 2, models)
            each = [self._maximised(stats.blocks(h, models), params.blocks(h, models), len(h)) for h in halves]
            return each[0] + each[1]
        return [new.blocks([i], models) for i in range(models)]

    def _evaluated(self) -> dict[int, Fate]:
        models = len(self.models)
        bank = self._bank(models)

        def work(chunk: Data) -> _Pass:
            weights = np.broadcast_to(chunk.weight_column(), (len(chunk), models))
            posterior = bank.infer(self._params, chunk, self.temperature)
            each = weights * posterior.log_prob
            first = _first_rows(~np.isfinite(each), chunk, posterior)
            return _Pass(len(chunk.rows), each.sum(0), first, bank.collect(self._params, posterior, chunk, weights))

        done = reduce(_Pass.__add__, self.engine.map(work))
        self._stats = done.stats
        objectives = done.log_likelihood + bank.log_priors(self._params, models)
        fates = {}
        for i, (m, objective) in enumerate(zip(self.models, objectives.tolist(), strict=True)):
            if done.impossible[i] < done.rows:
                fates[m] = impossible(self.engine.place(int(done.impossible[i])), self._bank(1))
                continue
            params, stats = self._params.blocks([i], models), done.stats.blocks([i], models)
            step = Step(
                self.passes, params, objective, float(done.log_likelihood[i]), stats, "start", items=self.engine.items
            )
            self._lasts[m] = fates[m] = self._judged(m, step)
        return fates

    def _judged(self, model: int, step: Step) -> Step:
        """The step as `em` would have it: compared with the one before."""
        last = self._lasts.get(model)
        outcome = Outcome.pass_limit if self.passes >= self.max_passes else None
        if last is None:
            return step.ending(outcome) if outcome else step
        gain, rounding = step.objective - last.objective, last.rounding
        if not gain >= -rounding:
            heights = last.objective, step.objective
            rounded = is_rounding(self.family, self.engine, last.params, *heights, self.temperature)
            return last.ending(Outcome.rounding_floor if rounded else Outcome.decreased, self.passes)
        remaining, settled = self._settling[model].update(gain, rounding)
        return replace(step, kind="em", gain_left=remaining, outcome=settled or outcome)


def _first_rows(wrong: Array, chunk: Data, posterior: Posterior) -> Array:
    """(models,) the first row at which an item becomes impossible; past the last where none does."""
    out = np.full(wrong.shape[1], len(chunk.rows))
    for model in np.flatnonzero(wrong.any(0)):
        item = int(wrong[:, model].argmax())
        out[model] = chunk.first_row(item) + posterior.stopped(item, int(model))
    return out
