"""The Weibull distribution: lifetimes whose risk grows or falls as a power of age."""

from __future__ import annotations

import numpy as np

from likely.core.data import Table
from likely.core.domains import Positive, Value
from likely.core.params import Params
from likely.core.support import POSITIVE
from likely.core.written import plain
from likely.families.gammas import log_column
from likely.families.gumbels import maximise_weibull
from likely.families.held import Held, Holding
from likely.numerics import special
from likely.numerics.soft import Array, safe_log


class Weibull(Holding):
    """A Weibull distribution; log density log(shape / x) + t - exp(t) with t = shape log(x / scale), for x > 0.

    Parameters
    ----------
    shape : number, array, Gamma or shared                     above 1 the risk grows with age, below 1 it falls
    scale : number, array, Gamma, InverseGamma or shared       the age that a share of 1/e reaches, in the data's units

    Notes
    -----
    Maximum likelihood is Newton's method on the rows themselves, in log(shape) and log(scale), from the moments of
    log x; powers are taken as exp(shape (log x - log scale)). A prior gives the mode in the parameter it stands on. For
    lifetimes of which some are known to lie only beyond a time, see `Censored`.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Weibull(), [3, 5, 7, 18, 43, 85, 91, 98, 100, 130, 230, 487]).model
    Weibull(shape=0.793944, scale=94.964895)
    >>> lk.Weibull(shape=1, scale=10).mean
    10.0
    """

    shape: Value = Positive(doc="shape, without unit")
    scale: Value = Positive(doc="scale, in the data's units")

    support = POSITIVE
    priors = {"shape": ("Gamma",), "scale": ("Gamma", "InverseGamma")}

    def log_density(self, params: Params, data: Table) -> Array:
        z = log_column(data)
        t = params.shape * (z - np.log(params.scale))
        with np.errstate(over="ignore"):
            return np.log(params.shape) - z + t - np.exp(t)

    def m_step(self, stats: Held, params: Params | None) -> Params:
        begin = None if params is None else np.stack([params.shape, params.scale], 1)
        shape, scale = maximise_weibull(stats, self.slots["shape"], self.slots["scale"], begin)
        return Params(shape=shape, scale=scale)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        risk = rng.standard_exponential(len(members))
        return (params.scale[members] * risk ** (1 / params.shape[members]))[:, None]

    @property
    def mean(self) -> Value:
        """Mean, in the data's units."""
        self._require_filled()
        return plain(self.scale * special.gamma(1 + 1 / np.asarray(self.shape)))

    @property
    def variance(self) -> Value:
        """Mean squared deviation, in the data's units squared."""
        self._require_filled()
        inverse = 1 / np.asarray(self.shape)
        return plain(self.scale**2 * (special.gamma(1 + 2 * inverse) - special.gamma(1 + inverse) ** 2))

    def cumulative(self, params: Params, data: Table) -> Array:
        return -np.expm1(-_risk(params, data))

    def log_tails(self, params: Params, data: Table) -> tuple[Array, Array]:
        risk = _risk(params, data)
        return safe_log(-np.expm1(-risk)), -risk

    def inverse(self, params: Params, q: Array) -> Array:
        with np.errstate(divide="ignore"):
            return params.scale * (-np.log1p(-q)) ** (1 / params.shape)


def _risk(params: Params, data: Table) -> Array:
    """(n, k): the cumulative hazard (x / scale)^shape."""
    with np.errstate(over="ignore"):
        return (np.maximum(data.column(), 0.0) / params.scale) ** params.shape
