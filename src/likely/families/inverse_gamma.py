"""The inverse gamma distribution: 1 / x is gamma. Above all, the prior of a variance."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.data import Table
from likely.core.domains import Positive, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.support import POSITIVE
from likely.core.written import plain
from likely.families.gammas import Logs, expected_gamma, log_column, maximise_gamma, pretend_rate
from likely.families.linear import Features, Linear
from likely.numerics import special
from likely.numerics.soft import Array, safe_log


class InverseGamma(Linear):
    """An inverse gamma distribution; log density shape log(scale) - log gamma(shape) - (shape + 1) log x - scale / x.

    Parameters
    ----------
    shape : number, array, Gamma, LogNormal or shared      without unit
    scale : number, array, Gamma or shared      in the data's units

    Notes
    -----
    Maximum likelihood is that of the gamma distribution for 1 / x, whose rate is `scale`. A Gamma prior on the scale
    works as there, and so does one on the shape. As a prior on a variance, InverseGamma(shape, scale) counts as 2
    (shape + 1) pretend squared deviations that sum to 2 scale: its mode, and the estimate without data, is scale /
    (shape + 1).

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.InverseGamma(shape=2), [1.0, 2.0, 4.0]).model
    InverseGamma(shape=2.0, scale=3.428571)
    >>> lk.fit(lk.Normal(mean=0, variance=lk.InverseGamma(3, 4)), [1.0, -1.0]).model
    Normal(mean=0.0, variance=1.0)
    """

    shape: Value = Positive(doc="shape, without unit")
    scale: Value = Positive(doc="scale, in the data's units")

    support = POSITIVE
    record = Logs
    priors = {"shape": ("Gamma", "LogNormal"), "scale": ("Gamma",)}

    def log_density(self, params: Params, data: Table) -> Array:
        inverted = _inverted(data)
        powers = (params.shape + 1) * log_column(inverted)
        return self.constant(params) + powers - params.scale * inverted.column()

    def features(self, data: Table) -> Features:
        inverted = _inverted(data)
        return {"total": inverted.column(), "log_total": log_column(inverted)}

    def natural(self, params: Params) -> dict[str, Array]:
        return {"total": -params.scale, "log_total": params.shape + 1}

    def constant(self, params: Params) -> Array:
        return params.shape * np.log(params.scale) - special.gammaln(params.shape)

    def m_step(self, stats: Logs, params: Params | None) -> Params:
        shape, scale = maximise_gamma(stats, self.slots["shape"], self.slots["scale"], params)
        return Params(shape=shape, scale=scale)

    def expected_log_density(self, params: Params, stats: Logs) -> Array:
        jacobian = 2 * stats.log_total
        return expected_gamma(stats, params.shape, params.scale) + jacobian

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        return (params.scale[members] / rng.standard_gamma(params.shape[members]))[:, None]

    def pretend(self, name: str, prior: Family) -> Any:
        return pretend_rate(prior) if name == "scale" else super().pretend(name, prior)

    def as_moments(self, d: int) -> tuple[Array, Array]:
        """As a prior on a variance: degrees of freedom (k,) and scatter (k, d, d) of pretend deviations."""
        q = self.known_params()
        return 2 * (q.shape + 1), 2 * q.scale[:, None, None] * np.eye(d)

    @property
    def mean(self) -> Value:
        """Mean, in the data's units; infinite for a shape of 1 or less."""
        self._require_filled()
        shape = np.asarray(self.shape)
        with np.errstate(divide="ignore"):
            return plain(np.where(shape > 1, self.scale / (shape - 1), np.inf))

    @property
    def variance(self) -> Value:
        """Mean squared deviation, in the data's units squared; infinite for a shape of 2 or less."""
        self._require_filled()
        shape = np.asarray(self.shape)
        with np.errstate(divide="ignore"):
            return plain(np.where(shape > 2, self.scale**2 / ((shape - 1) ** 2 * (shape - 2)), np.inf))

    def cumulative(self, params: Params, data: Table) -> Array:
        return special.gammaincc(params.shape, self._scaled(params, data))

    def log_tails(self, params: Params, data: Table) -> tuple[Array, Array]:
        x = self._scaled(params, data)
        return safe_log(special.gammaincc(params.shape, x)), safe_log(special.gammainc(params.shape, x))

    def _scaled(self, params: Params, data: Table) -> Array:
        x = data.column()
        return params.scale * np.divide(1.0, x, out=np.full_like(x, np.inf), where=x > 0)

    def inverse(self, params: Params, q: Array) -> Array:
        with np.errstate(divide="ignore"):
            return params.scale / special.gammainccinv(params.shape, q)


def _inverted(data: Table) -> Table:
    return data.once("inverse", lambda: data.with_(x=1 / data.x))
