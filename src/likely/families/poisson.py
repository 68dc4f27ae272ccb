"""The Poisson distribution: how often something happens."""

from __future__ import annotations

import numpy as np

from likely.core.data import Table
from likely.core.domains import NonNegative, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.stats import Counts
from likely.core.support import COUNTS
from likely.families.counts import log_inverse_factorial, rate_of, smallest_count, times
from likely.families.linear import Features, Linear
from likely.numerics import special
from likely.numerics.soft import Array, safe_log


class Poisson(Linear):
    """Counts of independent events; log probability x log rate - rate - log x!.

    Parameters
    ----------
    rate : number, array, Gamma or shared      expected count of a row, 0 or above

    Notes
    -----
    Maximum likelihood is the (weighted) mean. A Gamma(shape, rate) prior counts as `shape - 1` pretend events in `rate`
    pretend rows: the estimate is the mode of the rate. Where every row is 0 the estimate is 0: a distribution that
    gives 0 and nothing else.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Poisson(), [2, 0, 4, 2]).model
    Poisson(rate=2.0)
    >>> lk.Poisson(3.5).quantile([0.025, 0.975])
    array([0., 8.])
    """

    rate: Value = NonNegative(doc="expected count of a row")

    support = COUNTS
    record = Counts
    priors = {"rate": ("Gamma",)}

    def log_density(self, params: Params, data: Table) -> Array:
        return times(data.column(), safe_log(params.rate)) - params.rate + log_inverse_factorial(data)

    def features(self, data: Table) -> Features:
        return {"total": data.column(), "base": log_inverse_factorial(data)}

    def natural(self, params: Params) -> dict[str, Array]:
        return {"total": safe_log(params.rate)}

    def constant(self, params: Params) -> Array:
        return -params.rate

    def m_step(self, stats: Counts, params: Params | None) -> Params:
        return Params(rate=rate_of(self.slots["rate"], stats))

    def expected_log_density(self, params: Params, stats: Counts) -> Array:
        out = special.xlogy(stats.total, params.rate) - stats.weight * params.rate
        return out if stats.base is None else out + stats.base

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        return rng.poisson(params.rate[members]).astype(float)[:, None]

    def pretend(self, name: str, prior: Family) -> Counts:
        q = prior.known_params()
        return Counts(q.rate, q.shape - 1)

    @property
    def mean(self) -> Value:
        """The rate."""
        self._require_filled()
        return self.rate

    @property
    def variance(self) -> Value:
        """The rate."""
        self._require_filled()
        return self.rate

    def cumulative(self, params: Params, data: Table) -> Array:
        return _cumulative(data.column(), params.rate)

    def inverse(self, params: Params, q: Array) -> Array:
        largest = np.where(params.rate > 0, np.inf, 0.0)
        return smallest_count(q, lambda x: _cumulative(x, params.rate), largest)


def _cumulative(x: Array, rate: Array) -> Array:
    """The chance that the (floor x + 1)-th event of a Poisson process comes after `rate` units of time."""
    return np.where(x < 0, 0.0, special.gammaincc(np.maximum(np.floor(x), 0.0) + 1, rate))
