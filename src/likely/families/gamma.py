"""The gamma distribution: waiting times, rain, claims; and the prior of a rate."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.data import Table
from likely.core.domains import Positive, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.support import POSITIVE
from likely.families.gammas import Logs, expected_gamma, log_column, maximise_gamma, pretend_rate
from likely.families.limits import powered
from likely.families.linear import Features, Linear
from likely.numerics import special
from likely.numerics.soft import Array, safe_log


class Gamma(Linear):
    """A gamma distribution; log density shape log(rate) - log gamma(shape) + (shape - 1) log x - rate x for x > 0.

    Parameters
    ----------
    shape : number, array, Gamma, LogNormal or shared      without unit
    rate : number, array, Gamma or shared       in one over the data's units

    Notes
    -----
    Maximum likelihood is Newton's method on the sums of x and log x, from the approximation of Minka (2002, "Estimating
    a gamma distribution"). A Gamma(shape, rate) prior on the rate counts as (shape - 1) pretend powers of the rate and
    a pretend total of `rate`: the estimate is the mode. A prior on the shape is not conjugate: log-likelihood + log
    prior is climbed numerically, to the mode in (shape, rate). As a prior itself, Gamma(shape, rate) has its mode at
    (shape - 1) / rate.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Gamma(), [3, 5, 7, 18, 43, 85, 91, 98, 100, 130, 230, 487]).model
    Gamma(shape=0.706493, rate=0.006536)
    >>> lk.Gamma(shape=2, rate=0.5).mean
    4.0
    """

    shape: Value = Positive(doc="shape, without unit")
    rate: Value = Positive(doc="rate, in one over the data's units")

    support = POSITIVE
    record = Logs
    priors = {"shape": ("Gamma", "LogNormal"), "rate": ("Gamma",)}

    def log_density(self, params: Params, data: Table) -> Array:
        powers = powered(params.shape - 1, log_column(data))
        return self.constant(params) + powers - params.rate * data.column()

    def features(self, data: Table) -> Features:
        return {"total": data.column(), "log_total": log_column(data)}

    def natural(self, params: Params) -> dict[str, Array]:
        return {"total": -params.rate, "log_total": params.shape - 1}

    def constant(self, params: Params) -> Array:
        return params.shape * np.log(params.rate) - special.gammaln(params.shape)

    def m_step(self, stats: Logs, params: Params | None) -> Params:
        shape, rate = maximise_gamma(stats, self.slots["shape"], self.slots["rate"], params)
        return Params(shape=shape, rate=rate)

    def expected_log_density(self, params: Params, stats: Logs) -> Array:
        return expected_gamma(stats, params.shape, params.rate)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        return (rng.standard_gamma(params.shape[members]) / params.rate[members])[:, None]

    def pretend(self, name: str, prior: Family) -> Any:
        return pretend_rate(prior) if name == "rate" else super().pretend(name, prior)

    @property
    def mean(self) -> Value:
        """Mean, in the data's units."""
        self._require_filled()
        return self.shape / self.rate

    @property
    def variance(self) -> Value:
        """Mean squared deviation, in the data's units squared."""
        self._require_filled()
        return self.shape / self.rate**2

    def cumulative(self, params: Params, data: Table) -> Array:
        return special.gammainc(params.shape, params.rate * np.maximum(data.column(), 0.0))

    def log_tails(self, params: Params, data: Table) -> tuple[Array, Array]:
        x = params.rate * np.maximum(data.column(), 0.0)
        return safe_log(special.gammainc(params.shape, x)), safe_log(special.gammaincc(params.shape, x))

    def inverse(self, params: Params, q: Array) -> Array:
        return special.gammaincinv(params.shape, q) / params.rate
