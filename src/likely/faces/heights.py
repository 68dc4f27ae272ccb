"""The objective of a fit where some of its numbers are others: what a surface shows."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from likely.core.data import Data
from likely.core.moved import moved
from likely.core.numbers import Numbers, numbers
from likely.core.setting import Setting
from likely.em.bank import bank_of
from likely.engines.local import Local, width_of
from likely.numerics.soft import Array

if TYPE_CHECKING:
    from likely.workflows.result import Fit

ROOM = 2**19  # rows x members of all models that are evaluated together


class Heights:
    """The objective, log-likelihood + log prior, as a function of some numbers; the others are those of the fit."""

    def __init__(self, fit: Fit, engine: Local):
        rows = engine.data.rows
        self._engine = engine
        self._family = fit.family.bind((), Setting.of(engine.data))
        self._params = fit.model.bind((), Setting.of(engine.data)).known_params()
        self.numbers: Numbers = numbers(self._family, self._params)
        self.cost = len(rows) * width_of(self._family)  # numbers that one model takes

    def at(self, changes: Mapping[str, Array]) -> Array:
        """(g,): the objective at values (g,) of some numbers; NaN where a value is not possible."""
        size = max(1, ROOM // self.cost)
        models = len(next(iter(changes.values())))
        some = [{n: v[a : a + size] for n, v in changes.items()} for a in range(0, models, size)]
        return np.concatenate([self._together(part) for part in some])

    def _together(self, changes: Mapping[str, Array]) -> Array:
        params, possible = moved(self._family, self._params, changes)
        models = len(possible)
        bank = bank_of(self._family, models)

        def work(chunk: Data) -> Array:
            with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
                log_prob = bank.infer(params, chunk).log_prob
                return np.where(chunk.weight_column() > 0, chunk.weight_column() * log_prob, 0.0).sum(0)

        total = sum(self._engine.map(work), np.zeros(models)) + bank.log_priors(params, models)
        return np.where(possible, total, np.nan)


@contextmanager
def heights(fit: Fit) -> Generator[Heights]:
    """The objective around a fit, with its data at hand."""
    assert fit.data is not None
    with Local(fit.data, width_of(fit.family.bind((), Setting.of(fit.data)))) as engine:
        yield Heights(fit, engine)
