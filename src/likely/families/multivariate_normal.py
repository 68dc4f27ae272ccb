"""The multivariate normal distribution of several columns."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from likely.core.data import Table
from likely.core.domains import Domain, PositiveDefinite, Real, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.written import free, written
from likely.families.covariance import FORMS, check_form
from likely.families.gaussian import (
    check_collapse,
    expected_gaussian,
    log_gaussian,
    maximise_gaussian,
    normal_draws,
    pretend_scatter,
    whitening,
)
from likely.families.moments import Moments, moments
from likely.numerics.soft import Array


class MultivariateNormal(Family):
    """A normal distribution of d columns; log density -1/2 [d log(2 pi) + log |covariance| + r' covariance^-1 r].

    Here r = x - mean.

    Parameters
    ----------
    form : str or choose(...)        "full"; "diagonal" (independent columns) or "spherical" (and one variance for all)
    mean : array (d,) or shared      in the data's units
    covariance : array (d, d), number, InverseWishart or shared      in units squared; a number is that many times the
        identity. The estimate divides by n (`covariance=unbiased` divides by n - 1)

    Raises
    ------
    ModelError      the form is none of the three

    Notes
    -----
    Maximum likelihood is the sample's mean and its scatter over n: all of it, its diagonal, or the mean of that.
    `covariance=shared` in a mixture is one covariance common to all components. An InverseWishart(dof, scale) prior
    counts as dof + d + 1 pretend rows that scatter as `scale` (the mode is that of the covariance itself). A known
    covariance stays as it is, whatever the form.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.MultivariateNormal("diagonal"), [[1.0, 2.0], [3.0, 2.0], [2.0, 5.0]]).model.mean
    array([2., 3.])
    >>> lk.MultivariateNormal(mean=[0, 0], covariance=[[2, 1], [1, 2]]).log_prob([[1, 1]]).round(4)
    array([-2.7205])
    """

    mean: Value = Real("d", doc="centre of each column")
    covariance: Value = PositiveDefinite("d d", doc="mean products of deviations")
    form: Any

    priors = {"covariance": ("InverseWishart", "Unbiased")}
    several_columns = True

    def __init__(self, form: Any = "full", *, mean: Value = free, covariance: Value = free, **unknown: Any):
        check_form("MultivariateNormal", form)
        self.__dict__["form"] = form
        self._fill(mean=mean, covariance=covariance, **unknown)

    def arguments(self) -> list[str]:
        return [] if self.form == "full" else [written(self.form)]

    def domain(self, name: str) -> Domain:
        declared = super().domain(name)
        if not isinstance(declared, PositiveDefinite):
            return declared
        narrowed = copy.copy(declared)
        narrowed.form = self.form
        return narrowed

    def log_density(self, params: Params, data: Table) -> Array:
        white, log_det = whitening(params.covariance)
        return log_gaussian(data.x, white, params.mean, log_det)

    def statistics(self, params: Params | None, data: Table, weights: Array) -> Moments:
        return moments(data.x, weights)

    def m_step(self, stats: Moments, params: Params | None) -> Params:
        slots = self.slots["mean"], self.slots["covariance"]
        project = FORMS[self.form].project
        mean, covariance = maximise_gaussian(stats, *slots, params, ("mean", "covariance"), project)
        check_collapse(stats, slots[1], covariance, cure=_flat(stats.mean.shape[1]))
        return Params(mean=mean, covariance=covariance)

    def expected_log_density(self, params: Params, stats: Moments) -> Array:
        return expected_gaussian(stats, params.covariance, stats.about(params.mean))

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        return normal_draws(params.covariance, members, rng) + params.mean[members]

    def pretend(self, name: str, prior: Family) -> Moments:
        return pretend_scatter(prior, self.setting.dims["d"])


def _flat(d: int) -> str:
    return (
        f"The rows lie in a plane of fewer than {d} dimensions: a column depends on others, or there are too few rows. "
        "Leave columns out, or give the covariance a simpler form or a prior."
    )
