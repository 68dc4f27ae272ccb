"""The log-normal distribution: the logarithm is normal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from likely.core.data import Table
from likely.core.domains import Positive, Real, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.posterior import Fused, Share
from likely.core.support import POSITIVE
from likely.core.written import plain
from likely.families.fused import fused_columns, fused_normals
from likely.families.gaussian import LOG_2PI, expected_gaussian, maximise_one_column, pretend_scatter
from likely.families.moments import Moments, moments
from likely.numerics import special
from likely.numerics.soft import Array, safe_log, weigh


class LogNormal(Family):
    """A log-normal distribution; log density that of Normal(log_mean, log_variance) at log x, minus log x, for x > 0.

    Parameters
    ----------
    log_mean : number, array, Normal or shared                 mean of log x
    log_variance : number, array, InverseGamma or shared       variance of log x; its estimate divides by n
        (`log_variance=unbiased` divides by n - 1)

    Notes
    -----
    Maximum likelihood is the mean and the mean squared deviation of log x; priors mean what they mean for Normal. The
    moments of x itself are `.mean` = exp(log_mean + log_variance / 2) and `.variance`; the median is exp(log_mean).

    Examples
    --------
    >>> import likely as lk
    >>> fitted = lk.fit(lk.LogNormal(), [1.0, 10.0, 100.0]).model
    >>> fitted
    LogNormal(log_mean=2.302585, log_variance=3.534599)
    >>> fitted.quantile(0.5)
    10.0
    """

    log_mean: Value = Real(doc="mean of log x")
    log_variance: Value = Positive(doc="variance of log x")

    fuses = fuses_columns = True
    support = POSITIVE
    priors = {"log_mean": ("Normal",), "log_variance": ("InverseGamma", "Unbiased")}

    def log_density(self, params: Params, data: Table) -> Array:
        z = _logged(data).column()
        v = params.log_variance
        return -0.5 * (LOG_2PI + np.log(v) + (z - params.log_mean) ** 2 / v) - z

    def statistics(self, params: Params | None, data: Table, weights: Array) -> Moments:
        logged = _logged(data)
        return replace(moments(logged.x, weights), base=-weigh(weights, logged.column()))

    def m_step(self, stats: Moments, params: Params | None) -> Params:
        slots = self.slots["log_mean"], self.slots["log_variance"]
        mean, variance = maximise_one_column(stats, *slots, params)
        return Params(log_mean=mean[:, 0], log_variance=variance[:, 0, 0])

    def expected_log_density(self, params: Params, stats: Moments) -> Array:
        return expected_gaussian(stats, params.log_variance[:, None, None], stats.about(params.log_mean[:, None]))

    def fused(self, params: Params) -> Fused:
        return self._from_logs(fused_normals(params.log_mean[:, None], params.log_variance[:, None, None]))

    def fused_columns(self, params: Params, k: int) -> Fused:
        return self._from_logs(fused_columns(params.log_mean.reshape(k, -1), params.log_variance.reshape(k, -1)))

    def _from_logs(self, of_logs: Fused) -> Fused:
        """A pass over rows out of one over their logarithms."""

        def one_go(data: Table, log_weights: Array, hard: bool) -> Share | None:
            found = of_logs(_logged(data), log_weights, hard) if self.outside(data) is None else None
            if found is None:
                return None
            base = -found.stats.weight * found.stats.mean[:, 0]
            return Share(found.log_likelihood + base.sum(), found.counts, replace(found.stats, base=base))

        return one_go

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        z = rng.standard_normal(len(members))
        return np.exp(params.log_mean[members] + np.sqrt(params.log_variance[members]) * z)[:, None]

    def pretend(self, name: str, prior: Family) -> Moments | None:
        return None if name == "log_mean" else pretend_scatter(prior, 1)

    @property
    def mean(self) -> Value:
        """Mean of x, in the data's units."""
        self._require_filled()
        return plain(np.exp(self.log_mean + self.log_variance / 2))

    @property
    def variance(self) -> Value:
        """Mean squared deviation of x, in the data's units squared."""
        self._require_filled()
        return plain(np.expm1(self.log_variance) * np.exp(2 * self.log_mean + self.log_variance))

    def cumulative(self, params: Params, data: Table) -> Array:
        return special.ndtr(self._standardised(params, data))

    def log_tails(self, params: Params, data: Table) -> tuple[Array, Array]:
        z = self._standardised(params, data)
        return special.log_ndtr(z), special.log_ndtr(-z)

    def _standardised(self, params: Params, data: Table) -> Array:
        return (safe_log(np.maximum(data.column(), 0.0)) - params.log_mean) / np.sqrt(params.log_variance)

    def inverse(self, params: Params, q: Array) -> Array:
        return np.exp(params.log_mean + np.sqrt(params.log_variance) * special.ndtri(q))


def _logged(data: Table) -> Table:
    return data.once("log", lambda: data.with_(x=np.log(data.x)))
