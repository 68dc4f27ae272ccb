"""Linear regression with normal errors: one or several responses, given covariates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np

from likely.core.data import Table
from likely.core.domains import PositiveDefinite, Real, Value
from likely.core.door import table_of
from likely.core.family import Family
from likely.core.params import Params
from likely.core.posterior import Fused, Share
from likely.core.setting import Setting
from likely.core.slot import Axis
from likely.errors import DataError, ModelError
from likely.families.fused import fused_forms
from likely.families.gaussian import (
    LOG_2PI,
    alternate,
    check_collapse,
    expected_gaussian,
    log_gaussian,
    normal_draws,
    precisions,
    pretend_scatter,
    scaled_covariance,
    whitening,
)
from likely.families.moments import Moments, moments, near
from likely.families.regression import Regressions, own_regressions, refuse_dependent, residual_scatter
from likely.numerics.soft import Array

EXPLAINED = 1e-12  # of a response's variance: what is left of it after a regression that explains it wholly

EXACT = (
    "The covariates explain a response exactly (or responses depend on one another, or there are too few rows). Leave "
    "covariates or responses out, or give the covariance a value or a prior."
)


class LinearGaussian(Family):
    """A regression of d responses on p covariates; log density -1/2 [d log(2 pi) + log |V| + r' V^-1 r].

    Here V is the covariance and r = x - coefficients given - intercept the error.

    Parameters
    ----------
    coefficients : array (d, p), Normal (of each) or shared      responses' units per covariate's unit
    intercept : array (d,), Normal (of each) or shared           in the responses' units; 0 is a regression through
        the origin
    covariance : array (d, d), number, InverseWishart or shared      of the errors; its estimate divides by n
        (`covariance=unbiased` divides by n - 1 - p)

    Raises
    ------
    ModelError      no covariates, or covariates that depend linearly on one another

    Notes
    -----
    Maximum likelihood is least squares. Where coefficients or intercepts are tied or known in part, least squares and
    the errors' covariance depend on one another and are worked out in turn until neither moves. An InverseWishart(dof,
    scale) prior counts as dof + d + 1 pretend errors that scatter as `scale`. A Normal(mean, variance) prior on the
    coefficients (of each by itself) draws them towards its mean: with a known error variance this is ridge regression
    with a penalty of error variance / prior variance. Statistics are the moments of (given, x).

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.LinearGaussian(), [1.0, 3.0, 6.0], given=[0.0, 1.0, 2.0]).model.coefficients
    array([[2.5]])
    >>> lk.LinearGaussian(coefficients=2, intercept=1, covariance=1).log_prob([7.0], given=[3.0]).round(4)
    array([-0.9189])
    """

    coefficients: Value = Real("d p", doc="change of each response with each covariate")
    intercept: Value = Real("d", doc="mean response where all covariates are 0")
    covariance: Value = PositiveDefinite("d d", doc="covariance of the errors")

    priors = {
        "coefficients": ("Normal",), "intercept": ("Normal",), "covariance": ("InverseWishart", "Unbiased"),
    }  # fmt: skip
    fuses = True
    several_columns = True
    uses_given = True

    def own_setting(self, setting: Setting) -> Setting:
        if setting.rows is not None and setting.rows.given is None:
            raise ModelError(f"{self!r} conditions on covariates; name them with given=...")
        return setting

    def bind(self, axes: tuple[Axis, ...] = (), setting: Setting | dict[str, int] | None = None) -> Self:
        out = super().bind(axes, setting)
        slot = out.slots["covariance"]
        if slot.prior is None:
            return out
        prior = slot.prior.estimating(1 + out.setting.dims["p"])
        return out._changed(slots={**out.slots, "covariance": replace(slot, prior=prior)})

    def log_density(self, params: Params, data: Table) -> Array:
        white, log_det = whitening(params.covariance)
        k, _, p = params.coefficients.shape
        joint = _joint(data)
        given = near(joint[..., :p].reshape(-1, p)) if len(joint) else np.zeros(p)
        zeros = np.concatenate([np.broadcast_to(given, (k, p)), params.coefficients @ given + params.intercept], 1)
        return log_gaussian(joint, np.concatenate([-white @ params.coefficients, white], 2), zeros, log_det)

    def statistics(self, params: Params | None, data: Table, weights: Array) -> Moments:
        return moments(_joint(data), weights)

    def m_step(self, stats: Moments, params: Params | None) -> Params:
        coefficients, intercept, covariance = (self.slots[n] for n in self.domains)
        d, p = coefficients.event
        response = Moments(stats.weight, stats.dof, stats.mean[:, p:], stats.scatter[:, p:, p:])
        seen = stats.weight > 0
        names = () if self.setting.rows is None else self.setting.rows.given_names
        refuse_dependent(stats, coefficients, intercept, names)

        def errors(slopes: Array, heights: Array) -> Array:
            at = [np.where(np.isnan(v), 0.0, v) for v in (slopes, heights)]
            scatter = np.where(seen[:, None, None], residual_scatter(stats, *at), stats.scatter[:, p:, p:])
            value = scaled_covariance(scatter, stats.dof, covariance)
            check_collapse(response, covariance, value, least=EXPLAINED, cure=EXACT)
            return value

        if coefficients.simple and intercept.simple:
            slopes, heights = own_regressions(stats, p)
            return Params(coefficients=slopes, intercept=heights, covariance=errors(slopes, heights))
        equations = Regressions(stats, coefficients, intercept)

        def step(now: Array) -> tuple[Array, Array]:
            slopes, heights = equations.solve(precisions(seen.astype(float), now))
            return np.concatenate([slopes, heights[:, :, None]], 2), errors(slopes, heights)

        start = np.broadcast_to(np.eye(d), (len(seen), d, d)) if params is None else params.covariance
        both, value = alternate(step, start)
        return Params(coefficients=both[:, :, :p], intercept=both[:, :, p], covariance=value)

    def expected_log_density(self, params: Params, stats: Moments) -> Array:
        scatter = residual_scatter(stats, params.coefficients, params.intercept)
        return expected_gaussian(stats, params.covariance, scatter)

    def fused(self, params: Params) -> Fused:
        """That of forms in (given, x): |white (x - coefficients given - intercept)|^2, and none of `given` alone."""
        white, log_det = whitening(params.covariance)
        k, d, p = params.coefficients.shape
        forms = np.zeros((k, p + d, p + d))
        forms[:, p:, :p], forms[:, p:, p:] = -white @ params.coefficients, white
        zeros = np.concatenate([np.zeros((k, p)), params.intercept], 1)
        of_joint = fused_forms(zeros, forms, -0.5 * (d * LOG_2PI + log_det), np.full((k, p + d), np.inf))

        def one_go(data: Table, log_weights: Array, hard: bool) -> Share | None:
            if not isinstance(data.x, np.ndarray) or data.x.ndim != 2:
                return None
            return of_joint(data.once("joint", lambda: data.with_(x=_joint(data))), log_weights, hard)

        return one_go

    def regress(self, given: Any) -> Array:
        """Expected responses at covariates (n, p): (n,) for one response, else (n, d)."""
        covariates = table_of(given).x
        self._require_filled()
        coefficients, intercept = np.atleast_2d(self.coefficients), np.atleast_1d(self.intercept)
        if covariates.shape[1] != coefficients.shape[1]:
            wanted, found = coefficients.shape[1], covariates.shape[1]
            raise DataError(f"the model was fitted with {wanted} covariates; given has {found} columns.")
        return self.present(covariates @ coefficients.T + intercept)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        p = params.coefficients.shape[2]
        if data.given is None or data.given.shape[1] != p:
            raise DataError(f"LinearGaussian needs given=... with {p} covariate{'s' * (p != 1)}, one row a draw.")
        out = normal_draws(params.covariance, members, rng)
        for i in np.unique(members):
            rows = members == i
            out[rows] += data.given[rows] @ params.coefficients[i].T + params.intercept[i]
        return out

    def pretend(self, name: str, prior: Family) -> Moments | None:
        if name != "covariance":
            return None
        d, p = self.slots["coefficients"].event
        extra = pretend_scatter(prior, d)
        scatter = np.pad(extra.scatter, ((0, 0), (p, 0), (p, 0)))
        return Moments(extra.weight, extra.dof, np.zeros((len(scatter), p + d)), scatter)


def _joint(data: Table) -> Array:
    """Covariates and responses side by side: (n, p + d), or (n, k, p + d)."""
    assert data.given is not None
    if data.x.ndim == 2:
        return np.concatenate([data.given, data.x], 1)
    given = np.broadcast_to(data.given[:, None, :], (*data.x.shape[:2], data.given.shape[1]))
    return np.concatenate([given, data.x], 2)
