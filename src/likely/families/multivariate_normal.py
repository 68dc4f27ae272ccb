"""The multivariate normal distribution of several columns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np

from likely.core.data import Table
from likely.core.domains import PositiveDefinite, Real, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.posterior import Fused
from likely.core.setting import Setting
from likely.core.slot import Axis, Slot
from likely.core.written import Choose, free, written
from likely.errors import ModelError
from likely.families.covariance import FORMS, MODELS, Covariances, Form, check_form, check_sharing
from likely.families.gaussian import check_collapse, maximise_gaussian
from likely.families.moments import Moments
from likely.families.pretend_rows import PretendRows
from likely.families.scatters import SCATTERS, Scatter
from likely.numerics.soft import Array


class MultivariateNormal(Family):
    """A normal distribution of d columns; log density -1/2 [d log(2 pi) + log |covariance| + r' covariance^-1 r].

    Here r = x - mean.

    Parameters
    ----------
    form : str or choose(...)        what covariances look like, and what all components of a mixture have in common
    mean : array (d,), Normal (of each column), MultivariateNormal, PretendRows or shared      in the data's units
    covariance : array (d, d), number, InverseWishart or shared      in units squared; a number is that many times the
        identity. The estimate divides by n (`covariance=unbiased` divides by n - 1)

    Raises
    ------
    ModelError      there is no such form, or its letters let covariances vary and the slot is shared

    Notes
    -----
    In words the form is "full", "diagonal" (independent columns), "spherical" (and one variance for all of them) or
    "shared" (full, and one covariance common to all components). Three letters say it all: of the volume, the shape
    and the axes of the components' covariances, whether each is Equal or Varies; I means axes along the columns, or no
    shape at all. With g components and d columns:

    ======= ========================================= ========================== =======================
    letters covariances of the components             in words                   parameters
    ======= ========================================= ========================== =======================
    EII     equal spheres                             "spherical" and shared     1
    VII     spheres of several sizes                  "spherical"                g
    EEI     equal, columns independent                "diagonal" and shared      d
    VEI     one shape along the columns               of several volumes         g + d-1
    EVI     several shapes along the columns          of one volume              1 + g (d-1)
    VVI     columns independent                       "diagonal"                 g d
    EEE     equal                                     "full" and shared          d (d+1)/2
    VEE     one shape and direction                   of several volumes         g + d-1 + d (d-1)/2
    EVE     several shapes, the same axes             of one volume              1 + g (d-1) + d (d-1)/2
    VVE     the same axes                             of any variances           g d + d (d-1)/2
    EEV     one shape in several directions           of one volume              d + g d (d-1)/2
    VEV     one shape in several directions           of several volumes         g + d-1 + g d (d-1)/2
    EVV     any shapes and directions                 of one volume              1 - g + g d (d+1)/2
    VVV     nothing in common                         "full"                     g d (d+1)/2
    ======= ========================================= ========================== =======================

    `choose("all")` leaves the choice among these fourteen open. The components are those of the nearest enclosing
    structure; without one, letters E and V say the same. A known covariance stays as it is, whatever the form.

    Maximum likelihood is the scatter over n for one component, and the joint maximum under what is common for several
    (Celeux & Govaert 1995; common axes as in Flury 1984). An InverseWishart(dof, scale) prior counts as dof + d + 1
    pretend rows that scatter as `scale`, in each component; where one covariance is common to all, once. A Normal or
    MultivariateNormal prior on the mean gives the precision-weighted average. `mean=PretendRows(rows, mean)` with
    `covariance=InverseWishart(dof, scale)` is the normal-inverse-Wishart prior, at its joint mode.

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

    priors = {"mean": ("Normal", "MultivariateNormal", "PretendRows"), "covariance": ("InverseWishart", "Unbiased")}
    covers = 1
    several_columns = True
    fuses = True
    reads_single = True

    def __init__(self, form: Any = "full", *, mean: Value = free, covariance: Value = free, **unknown: Any):
        self.__dict__["form"] = check_form("MultivariateNormal", form)
        self._fill(mean=mean, covariance=covariance, **unknown)
        check_sharing("MultivariateNormal", self.form, self.covariance)

    def arguments(self) -> list[str]:
        return [] if self.form == "full" else [written(self.form)]

    def bind(self, axes: tuple[Axis, ...] = (), setting: Setting | dict[str, int] | None = None) -> Self:
        if isinstance(self.form, Choose):
            raise ModelError(f"{self!r} is still open; fit(..., by='bic') resolves it.", slot="covariance")
        out = super().bind(axes, setting)
        slot = _joined(out.slots["covariance"], FORMS[self.form])
        return out._changed(slots={**out.slots, "covariance": slot})

    @property
    def covariances(self) -> Covariances:
        """What the covariances of a bound family look like and have in common: `.form.scatter`, `.form.common`, ..."""
        domain = self.slots["covariance"].domain
        assert isinstance(domain, Covariances)
        return domain

    @property
    def _scatter(self) -> Scatter:
        return SCATTERS[self.covariances.form.scatter]

    def log_density(self, params: Params, data: Table) -> Array:
        return self._scatter.log_density(data.x, params.mean, params.covariance)

    def statistics(self, params: Params | None, data: Table, weights: Array) -> Moments:
        return self._scatter.moments(data.x, weights)

    def m_step(self, stats: Moments, params: Params | None) -> Params:
        scatter, slot, covariances = self._scatter, self.slots["covariance"], self.covariances
        begin = None if params is None else scatter.layout(params.covariance)

        def check(value: Array) -> None:
            check_collapse(stats, slot, value, cure=_flat(value.shape[1]), hidden_cure=_simpler(self.form))

        def estimate(deviations: Array, before: Array | None) -> Array:
            if slot.known is not None:
                return scatter.layout(slot.known)
            weight, dof = slot.pool(stats.weight), slot.pool(stats.dof)
            dof = np.where((weight > 0) | (dof > 0), dof, 0.0)  # a prior that takes rows away leaves no fewer than none
            deviations = slot.pool(deviations)
            if not covariances.form.alone:
                check(covariances.pooled(deviations, dof))
            value = covariances.maximise(deviations, dof, before)
            check(value)
            return value

        mean, value = maximise_gaussian(stats, self.slots["mean"], estimate, begin, scatter.best_mean)
        return Params(mean=mean, covariance=scatter.covariance(value))

    def expected_log_density(self, params: Params, stats: Moments) -> Array:
        return self._scatter.expected(stats, params.mean, params.covariance)

    def fused(self, params: Params) -> Fused:
        different = self.slots["covariance"].one(params.covariance)
        return self._scatter.fused(params.mean, different if len(different) == 1 else params.covariance)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        return self._scatter.draws(params.covariance, members, rng) + params.mean[members]

    def pretend(self, name: str, prior: Family) -> Moments | None:
        if name == "covariance":
            return self._scatter.pretend(prior, self.setting.dims["d"])
        return self._scatter.pretend_rows(prior) if isinstance(prior, PretendRows) else None


def _joined(slot: Slot, form: Form) -> Slot:
    """The slot with what its members have in common: those along the last hidden axis, as with `shared`."""
    hidden = [i for i, a in enumerate(slot.axes) if a.hidden]
    joined = hidden[-1] if hidden else None
    form = form.plainest(1 if joined is None else slot.sizes[joined], slot.event[-1])
    ties = slot.ties
    if slot.known is not None and form.scatter != "full" and (slot.known * (1 - np.eye(slot.event[-1]))).any():
        form = Form("VVV")  # a known covariance stays as it is
    elif slot.known is None and form.common and joined is not None:
        ties = tuple(sorted({*ties, joined}))
    if form.common:
        form = form.separate()
    sizes = [1 if i in ties else size for i, size in enumerate(slot.sizes)]
    assert isinstance(slot.domain, PositiveDefinite)
    return replace(slot, ties=ties, domain=Covariances(slot.domain, form, sizes, joined))


def _simpler(form: str) -> str:
    """What to do about a component that collapses under letters; for words, the general advice holds."""
    if form not in MODELS:
        return ""
    return "Try fewer components, a simpler form such as 'EEE' or 'VII', or a prior in covariance=..."


def _flat(d: int) -> str:
    return (
        f"The rows lie in a plane of fewer than {d} dimensions: a column depends on others, or there are too few rows. "
        "Leave columns out, or give the covariance a simpler form or a prior."
    )
