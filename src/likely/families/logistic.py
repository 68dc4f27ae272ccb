"""The logistic distribution of one column."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from likely.core.data import Table
from likely.core.domains import Positive, Real, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.families.held import Held, Holding
from likely.families.location_scale import Totals, begun, maximise_location_scale, quantile_start
from likely.numerics import special
from likely.numerics.soft import Array

WIDTH = 2 * math.log(3)  # the interquartile range where the scale is 1


class Logistic(Holding):
    """A logistic distribution; log density -z - 2 log(1 + exp(-z)) - log(scale), z = (x - location) / scale.

    Parameters
    ----------
    location : number, array, Normal or shared              the centre, in the data's units
    scale : number, array, InverseGamma, Gamma or shared    in the data's units; the standard deviation over 1.814

    Raises
    ------
    FitError      all values alike: the likelihood has no maximum

    Notes
    -----
    No few sums suffice, so its statistics are the rows themselves: a fit holds n (k + 1) numbers for k components.
    Maximum likelihood is Newton's method in the location and log scale, from the median and the quartiles; the
    log-likelihood is concave in location / scale and 1 / scale (Pratt 1981, "Concavity of the log likelihood"), so the
    maximum is the only one. Priors are on the location and the scale themselves: the estimate is the mode in these.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Logistic(), [1.0, 2.0, 3.0, 6.0]).model
    Logistic(location=2.769, scale=1.094)
    >>> lk.Logistic(0, 1).cdf(0)
    array([0.5])
    """

    location: Value = Real(doc="centre, in the data's units")
    scale: Value = Positive(doc="in the data's units; the standard deviation over 1.814")

    priors = {"location": ("Normal",), "scale": ("InverseGamma", "Gamma")}

    def log_density(self, params: Params, data: Table) -> Array:
        size = np.abs(data.column() - params.location) / params.scale
        return -size - 2 * np.log1p(np.exp(-size)) - np.log(params.scale)

    def m_step(self, stats: Held, params: Params | None) -> Params:
        slots = [self.slots["location"], self.slots["scale"]]

        def climb(some: Held, begin: Array) -> Array:
            return maximise_location_scale(some, slots, begin, _law)

        if params is None:
            begin = begun(stats, lambda some: climb(some, quantile_start(some, slots, WIDTH)))
        else:
            begin = np.stack([params.location, params.scale], 1)
        location, scale = climb(stats, begin).T
        return Params(location=location, scale=scale)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        return rng.logistic(params.location[members], params.scale[members])[:, None]

    def pretend(self, name: str, prior: Family) -> None:
        """The M-step deals with priors itself."""

    @property
    def mean(self) -> Value:
        """Mean, in the data's units."""
        self._require_filled()
        return self.location

    @property
    def variance(self) -> Value:
        """Mean squared deviation, in the data's units squared."""
        self._require_filled()
        return (math.pi * self.scale) ** 2 / 3

    def cumulative(self, params: Params, data: Table) -> Array:
        return special.expit((data.column() - params.location) / params.scale)

    def log_tails(self, params: Params, data: Table) -> tuple[Array, Array]:
        z = (data.column() - params.location) / params.scale
        return special.log_expit(z), special.log_expit(-z)

    def inverse(self, params: Params, q: Array) -> Array:
        return params.location + params.scale * special.logit(q)


def _law(totals: Totals, weight: Array, _: Array) -> Sequence[Array]:
    """Sums over -z - 2 log(1 + exp(-z)) and its derivatives: -t and (t^2 - 1) / 2 with t = tanh(z / 2)."""

    def functions(z: Array) -> Sequence[Array]:
        t = np.tanh(z / 2)
        zt, tt = z * t, t * t
        bend = z * tt - z
        return -np.abs(z) - 2 * np.log1p(np.exp(-np.abs(z))), t, zt, tt, bend, z * bend

    h, t, zt, tt, once, twice = totals(functions)
    return h, -t, -zt, (tt - weight) / 2, once / 2, twice / 2
