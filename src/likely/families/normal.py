"""The normal distribution of one column."""

from __future__ import annotations

import numpy as np

from likely.core.data import Table
from likely.core.domains import Positive, Real, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.posterior import Fused, Streaming
from likely.families.fused import fused_columns, fused_normals
from likely.families.gaussian import LOG_2PI, expected_gaussian, maximise_one_column, pretend_scatter
from likely.families.moments import Moments, moments
from likely.families.nearest import or_nearest
from likely.families.pretend_rows import PretendRows, pretend_rows
from likely.families.streams import stream_normal
from likely.numerics import special
from likely.numerics.soft import Array


class Normal(Family):
    """A normal (Gaussian) distribution; log density -1/2 [log(2 pi variance) + (x - mean)^2 / variance].

    Parameters
    ----------
    mean : number, array, Normal, PretendRows or shared      in the data's units
    variance : number, array, InverseGamma or shared   in units squared; its estimate divides by n
        (`variance=unbiased` divides by n - 1)

    Notes
    -----
    Maximum likelihood is the sample's mean and mean squared deviation. A Normal prior on the mean gives the
    precision-weighted average; an InverseGamma(shape, scale) prior on the variance counts as 2 (shape + 1) pretend
    squared deviations that sum to 2 scale (the mode is that of the variance itself). `mean=PretendRows(rows, mean)`
    beside it is the normal-inverse-gamma prior, maximised jointly in mean and variance.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Normal(), [1.0, 2.0, 3.0, 6.0]).model
    Normal(mean=3.0, variance=3.5)
    >>> lk.Normal(0, 1).cdf(1.96).round(3)
    array([0.975])
    """

    mean: Value = Real(doc="centre")
    variance: Value = Positive(doc="mean squared deviation")

    fuses = fuses_columns = True
    reads_single = True
    priors = {"mean": ("Normal", "PretendRows"), "variance": ("InverseGamma", "Unbiased")}

    def log_density(self, params: Params, data: Table) -> Array:
        out = data.column().T - params.mean[:, None]  # a line for each member: many rows are worked on at a time
        out *= np.sqrt(0.5 / params.variance)[:, None]
        out *= out
        np.subtract(-0.5 * (LOG_2PI + np.log(params.variance))[:, None], out, out=out)
        return out.T

    def statistics(self, params: Params | None, data: Table, weights: Array) -> Moments:
        return moments(data.x, weights)

    def m_step(self, stats: Moments, params: Params | None) -> Params:
        slots = self.slots["mean"], self.slots["variance"]
        mean, variance = maximise_one_column(stats, *slots, params)
        return Params(mean=mean[:, 0], variance=variance[:, 0, 0])

    def expected_log_density(self, params: Params, stats: Moments) -> Array:
        return expected_gaussian(stats, params.variance[:, None, None], stats.about(params.mean[:, None]))

    def fused(self, params: Params) -> Fused:
        mean, variance = params.mean[:, None], params.variance[:, None]
        return or_nearest(fused_normals(mean, variance[:, :, None]), mean, variance, _one_column)

    def in_stream(self, params: Params) -> Streaming:
        return stream_normal(params.mean, params.variance)

    def fused_columns(self, params: Params, k: int) -> Fused:
        return fused_columns(params.mean.reshape(k, -1), params.variance.reshape(k, -1))

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        z = rng.standard_normal(len(members))
        return (params.mean[members] + np.sqrt(params.variance[members]) * z)[:, None]

    def pretend(self, name: str, prior: Family) -> Moments | None:
        if name == "variance":
            return pretend_scatter(prior, 1)
        return pretend_rows(prior) if isinstance(prior, PretendRows) else None

    def cumulative(self, params: Params, data: Table) -> Array:
        return special.ndtr((data.column() - params.mean) / np.sqrt(params.variance))

    def log_tails(self, params: Params, data: Table) -> tuple[Array, Array]:
        z = (data.column() - params.mean) / np.sqrt(params.variance)
        return special.log_ndtr(z), special.log_ndtr(-z)

    def inverse(self, params: Params, q: Array) -> Array:
        return params.mean + np.sqrt(params.variance) * special.ndtri(q)


def _one_column(weight: Array, dof: Array, mean: Array, squares: Array) -> Moments:
    return Moments(weight, dof, mean, squares[:, :, None])
