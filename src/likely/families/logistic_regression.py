"""Logistic regression: yes or no, given covariates."""

from __future__ import annotations

import numpy as np

from likely.core.data import Table
from likely.core.domains import Real, Value
from likely.core.params import Params
from likely.core.support import BINARY
from likely.families.glm import Glm
from likely.numerics.soft import Array


class LogisticRegression(Glm):
    """1 with probability 1 / (1 + exp(-eta)), else 0, where eta = coefficients . given + intercept.

    Parameters
    ----------
    coefficients : array (p,), Normal or shared      change of the log odds with each covariate, per its unit
    intercept : number, Normal or shared             log odds where all covariates are 0

    Raises
    ------
    ModelError      no covariates, or covariates that depend linearly on one another
    FitError        a combination of covariates separates the ones from the zeros: no coefficients are large enough

    Notes
    -----
    Maximum likelihood by Newton's method (iteratively reweighted least squares), exact to rounding for any weights of
    the rows, so that mixtures of logistic regressions have an exact M-step (McCullagh & Nelder 1989, chapter 4). The
    rows themselves are kept: no finite statistics suffice. A Normal(0, variance) prior on the coefficients is ridge
    regression with penalty sum of coefficients^2 / (2 variance); the mode is that of the coefficients themselves, so
    the covariates' units matter. With such a prior separated data have a maximum as well.

    Examples
    --------
    >>> import likely as lk
    >>> fit = lk.fit(lk.LogisticRegression(), [0, 0, 1, 0, 1, 1], given=[1, 2, 3, 4, 5, 6])
    >>> fit.model
    LogisticRegression(coefficients=[1.214], intercept=-4.249)
    >>> fit.predict(given=[3.5]).round(3)
    array([0.5])
    """

    coefficients: Value = Real("p", doc="change of the log odds with each covariate")
    intercept: Value = Real(doc="log odds where all covariates are 0")

    support = BINARY
    runs_off = "{subject} separates the ones from the zeros", "all rows are alike"

    def features(self, data: Table) -> Array:
        return data.column()[:, :, None]

    def cumulant(self, eta: Array) -> Array:
        one = eta[..., 0]
        return np.maximum(one, 0.0) + np.log1p(np.exp(-np.abs(one)))

    def moments(self, eta: Array) -> tuple[Array, Array, Array]:
        e = np.exp(-np.abs(eta))
        rest = 1 / (1 + e)
        variance = e * rest * rest
        return (np.maximum(eta, 0.0) + np.log1p(e))[:, 0], np.where(eta >= 0, rest, e * rest), variance[:, :, None]

    def losing(self, features: Array, direction: Array) -> Array:
        return (np.maximum(direction, 0.0) - features * direction)[:, 0]

    def link(self, mean: Array) -> Array:
        p = np.clip(mean, 1e-3, 1 - 1e-3)
        return np.log(p) - np.log1p(-p)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        return (rng.random((len(members), 1)) < self.expected(params, members, data)).astype(float)
