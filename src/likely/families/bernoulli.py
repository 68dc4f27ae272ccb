"""The Bernoulli distribution: yes or no."""

from __future__ import annotations

import numpy as np

from likely.core.data import Table
from likely.core.domains import Unit, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.support import BINARY
from likely.families.counts import Trials, expected_trials, log_failure, pretend_trials, success_share
from likely.families.linear import Features, Linear
from likely.numerics.soft import Array, safe_log, weigh


class Bernoulli(Linear):
    """1 with probability p, else 0; log probability x log p + (1 - x) log(1 - p).

    Parameters
    ----------
    p : number, array, Beta or shared      probability of a 1

    Notes
    -----
    Maximum likelihood is the (weighted) share of ones. A Beta(a, b) prior counts as a - 1 pretend ones and b - 1
    pretend zeros: the estimate is the mode of p (not of its logit).

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Bernoulli(), [1] * 8 + [0] * 2).model
    Bernoulli(p=0.8)
    >>> lk.fit(lk.Bernoulli(p=lk.Beta(2, 2)), [1] * 8 + [0] * 2).model
    Bernoulli(p=0.75)
    """

    p: Value = Unit(doc="probability of a 1")

    support = BINARY
    priors = {"p": ("Beta",)}

    def log_density(self, params: Params, data: Table) -> Array:
        return np.where(data.column() > 0, safe_log(params.p), log_failure(params.p))

    def statistics(self, params: Params | None, data: Table, weights: Array) -> Trials:
        x = data.column()
        return Trials(weigh(weights, x), weigh(weights, 1 - x))

    def features(self, data: Table) -> Features:
        return {"successes": data.column()}

    def natural(self, params: Params) -> dict[str, Array]:
        return {"successes": safe_log(params.p) - log_failure(params.p)}

    def constant(self, params: Params) -> Array:
        return log_failure(params.p)

    def recorded(self, weight: Array, totals: dict[str, Array]) -> Trials:
        """Where all rows are 1 both sums went the same way, so that not even rounding is left."""
        successes = totals["successes"]
        return Trials(successes, np.maximum(weight - successes, 0.0))

    def m_step(self, stats: Trials, params: Params | None) -> Params:
        return Params(p=success_share(self.slots["p"], stats))

    def expected_log_density(self, params: Params, stats: Trials) -> Array:
        return expected_trials(params.p, stats)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        return (rng.random(len(members)) < params.p[members]).astype(float)[:, None]

    def pretend(self, name: str, prior: Family) -> Trials:
        return pretend_trials(prior)

    @property
    def mean(self) -> Value:
        """Probability of a 1."""
        self._require_filled()
        return self.p

    @property
    def variance(self) -> Value:
        """p (1 - p)."""
        self._require_filled()
        return self.p * (1 - self.p)

    def cumulative(self, params: Params, data: Table) -> Array:
        x = data.column()
        return np.where(x < 0, 0.0, np.where(x < 1, 1 - params.p, 1.0))

    def inverse(self, params: Params, q: Array) -> Array:
        return np.where(q <= 1 - params.p, 0.0, 1.0)
