"""Poisson regression: counts, given covariates."""

from __future__ import annotations

import numpy as np

from likely.core.data import Table
from likely.core.domains import Real, Value
from likely.core.params import Params
from likely.core.support import COUNTS
from likely.families.counts import log_inverse_factorial
from likely.families.glm import Glm
from likely.numerics.soft import Array, safe_log


class PoissonRegression(Glm):
    """Counts with expected value exp(eta), where eta = coefficients . given + intercept.

    Log probability x eta - exp(eta) - log x!.

    Parameters
    ----------
    coefficients : array (p,), Normal or shared      change of the log rate with each covariate, per its unit
    intercept : number, Normal or shared             log rate where all covariates are 0

    Raises
    ------
    ModelError      no covariates, or covariates that depend linearly on one another
    FitError        all counts are 0 towards one end of a combination of covariates: no coefficients are large enough

    Notes
    -----
    Maximum likelihood by Newton's method (iteratively reweighted least squares), exact to rounding for any weights of
    the rows (McCullagh & Nelder 1989, chapter 6). A known coefficient of 1 on the logarithm of an exposure makes the
    rest rates per unit of exposure: `coefficients=[nan, 1]`. A Normal(0, variance) prior on the coefficients is ridge
    regression with penalty sum of coefficients^2 / (2 variance); the mode is that of the coefficients themselves.

    Examples
    --------
    >>> import likely as lk
    >>> fit = lk.fit(lk.PoissonRegression(), [1, 0, 2, 3, 7, 9], given=[0, 1, 2, 3, 4, 5])
    >>> fit.model
    PoissonRegression(coefficients=[0.5745], intercept=-0.577)
    >>> fit.predict(given=[6]).round(2)
    array([17.64])
    """

    coefficients: Value = Real("p", doc="change of the log rate with each covariate")
    intercept: Value = Real(doc="log rate where all covariates are 0")

    support = COUNTS
    runs_off = "all counts are 0 towards one end of {subject}", "all counts are 0"

    def features(self, data: Table) -> Array:
        return data.column()[:, :, None]

    def base(self, data: Table) -> Array:
        return log_inverse_factorial(data)

    def cumulant(self, eta: Array) -> Array:
        return np.exp(eta[..., 0])

    def moments(self, eta: Array) -> tuple[Array, Array, Array]:
        rate = np.exp(eta)
        return rate[:, 0], rate, rate[:, :, None]

    def losing(self, features: Array, direction: Array) -> Array:
        return np.where(features > 0, np.abs(direction), np.maximum(direction, 0.0))[:, 0]

    def link(self, mean: Array) -> Array:
        return np.maximum(safe_log(mean), -10.0)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        return rng.poisson(self.expected(params, members, data)).astype(float)
