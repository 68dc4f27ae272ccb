"""The geometric distribution: failures before the first success."""

from __future__ import annotations

import numpy as np

from likely.core.data import Table
from likely.core.domains import Unit, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.support import COUNTS
from likely.families.counts import (
    Trials,
    expected_trials,
    log_failure,
    pretend_trials,
    smallest_count,
    success_share,
    times,
)
from likely.families.linear import Features, Linear
from likely.numerics.soft import Array


class Geometric(Linear):
    """Number of failures before the first success, 0, 1, 2, ...; log probability log p + x log(1 - p).

    Parameters
    ----------
    p : number, array, Beta or shared      probability of success in each trial, above 0

    Notes
    -----
    Maximum likelihood is rows / (rows + sum x): each row is one success and x failures. A Beta(a, b) prior counts as a
    - 1 more successes and b - 1 more failures: the estimate is the mode of p. Where every row is 0, p = 1. Some texts
    count the trials, which is one more than the failures: subtract 1 first.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Geometric(), [0, 3, 1, 2]).model
    Geometric(p=0.4)
    >>> lk.Geometric(0.25).mean
    3.0
    """

    p: Value = Unit(doc="probability of success in each trial", zero=False)

    support = COUNTS
    priors = {"p": ("Beta",)}

    def log_density(self, params: Params, data: Table) -> Array:
        return np.log(params.p) + times(data.column(), log_failure(params.p))

    def features(self, data: Table) -> Features:
        return {"failures": data.column()}

    def natural(self, params: Params) -> dict[str, Array]:
        return {"failures": log_failure(params.p)}

    def constant(self, params: Params) -> Array:
        return np.log(params.p)

    def recorded(self, weight: Array, totals: dict[str, Array]) -> Trials:
        return Trials(weight, totals["failures"])

    def m_step(self, stats: Trials, params: Params | None) -> Params:
        return Params(p=success_share(self.slots["p"], stats))

    def expected_log_density(self, params: Params, stats: Trials) -> Array:
        return expected_trials(params.p, stats)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        return rng.geometric(params.p[members]).astype(float)[:, None] - 1

    def pretend(self, name: str, prior: Family) -> Trials:
        return pretend_trials(prior)

    @property
    def mean(self) -> Value:
        """Expected number of failures, (1 - p) / p."""
        self._require_filled()
        return (1 - self.p) / self.p

    @property
    def variance(self) -> Value:
        """(1 - p) / p^2."""
        self._require_filled()
        return (1 - self.p) / self.p**2

    def cumulative(self, params: Params, data: Table) -> Array:
        return _cumulative(data.column(), params.p)

    def inverse(self, params: Params, q: Array) -> Array:
        largest = np.where(params.p < 1, np.inf, 0.0)
        return smallest_count(q, lambda x: _cumulative(x, params.p), largest)


def _cumulative(x: Array, p: Array) -> Array:
    return -np.expm1(times(np.maximum(np.floor(x) + 1, 0.0), log_failure(p)))
