"""The exponential distribution: waiting times without memory."""

from __future__ import annotations

import numpy as np

from likely.core.data import Table
from likely.core.domains import Positive, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.stats import Counts
from likely.core.support import NONNEGATIVE
from likely.families.limits import TOO_WEAK, refuse
from likely.families.linear import Features, Linear
from likely.numerics.soft import Array, safe_log


class Exponential(Linear):
    """An exponential distribution; log density log(rate) - rate x for x >= 0.

    Parameters
    ----------
    rate : number, array, Gamma or shared      in one over the data's units

    Notes
    -----
    Maximum likelihood is one over the mean. A Gamma(shape, rate) prior counts as shape - 1 pretend values that sum to
    `rate`: the estimate (n + shape - 1) / (total + rate) is the mode.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Exponential(), [1.0, 2.0, 5.0]).model
    Exponential(rate=0.375)
    >>> lk.Exponential(rate=0.375).mean
    2.666667
    """

    rate: Value = Positive(doc="rate, in one over the data's units")

    support = NONNEGATIVE
    record = Counts
    priors = {"rate": ("Gamma",)}

    def log_density(self, params: Params, data: Table) -> Array:
        return np.log(params.rate) - params.rate * data.column()

    def features(self, data: Table) -> Features:
        return {"total": data.column()}

    def natural(self, params: Params) -> dict[str, Array]:
        return {"total": -params.rate}

    def constant(self, params: Params) -> Array:
        return np.log(params.rate)

    def m_step(self, stats: Counts, params: Params | None) -> Params:
        slot = self.slots["rate"]
        count, total = slot.pool(stats.weight), slot.pool(stats.total)
        rate = slot.settle(np.where(count == 0, np.nan, count / total))
        refuse(
            np.isinf(rate), stats.weight, "its rate grew without bound", "Its values are all 0; give the rate a value."
        )
        refuse(rate <= 0, stats.weight, "its prior on rate grows without bound at 0", TOO_WEAK)
        return Params(rate=rate)

    def expected_log_density(self, params: Params, stats: Counts) -> Array:
        return stats.weight * np.log(params.rate) - params.rate * stats.total

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        return (rng.standard_exponential(len(members)) / params.rate[members])[:, None]

    def pretend(self, name: str, prior: Family) -> Counts:
        q = prior.known_params()
        return Counts(q.shape - 1, q.rate)

    @property
    def mean(self) -> Value:
        """Mean, in the data's units."""
        self._require_filled()
        return 1 / self.rate

    @property
    def variance(self) -> Value:
        """Mean squared deviation, in the data's units squared."""
        self._require_filled()
        return 1 / self.rate**2

    def cumulative(self, params: Params, data: Table) -> Array:
        return -np.expm1(-params.rate * np.maximum(data.column(), 0.0))

    def log_tails(self, params: Params, data: Table) -> tuple[Array, Array]:
        above = -params.rate * np.maximum(data.column(), 0.0)
        return safe_log(-np.expm1(above)), above

    def inverse(self, params: Params, q: Array) -> Array:
        with np.errstate(divide="ignore"):
            return -np.log1p(-q) / params.rate
