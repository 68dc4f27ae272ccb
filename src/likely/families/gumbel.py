"""The Gumbel distribution: the largest of many values."""

from __future__ import annotations

import numpy as np

from likely.core.data import Table
from likely.core.domains import Positive, Real, Value
from likely.core.params import Params
from likely.core.written import plain
from likely.families.gumbels import EULER, SD, maximise_gumbel
from likely.families.held import Held, Holding
from likely.numerics.soft import Array, safe_log


class Gumbel(Holding):
    """A Gumbel distribution of largest values; log density -log(scale) - z - exp(-z) with z = (x - location) / scale.

    Parameters
    ----------
    location : number, array, Normal or shared                 the mode, in the data's units
    scale : number, array, Gamma, InverseGamma or shared       spread, in the data's units

    Notes
    -----
    Maximum likelihood is Newton's method on the rows themselves, in the location and log(scale), from their moments
    (mean location + .5772 scale, variance pi^2 scale^2 / 6). A prior gives the mode in the parameter it stands on.
    For least values turn the sign of the data.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Gumbel(), [32.7, 30.4, 31.8, 33.2, 33.8, 35.3, 34.6, 33, 32, 35.7]).model.location
    32.465255
    >>> lk.Gumbel(location=0, scale=1).mean
    0.577216
    """

    location: Value = Real(doc="the mode")
    scale: Value = Positive(doc="spread, in the data's units")

    priors = {"location": ("Normal",), "scale": ("Gamma", "InverseGamma")}

    def log_density(self, params: Params, data: Table) -> Array:
        z = (data.column() - params.location) / params.scale
        with np.errstate(over="ignore"):
            return -np.log(params.scale) - z - np.exp(-z)

    def m_step(self, stats: Held, params: Params | None) -> Params:
        begin = None if params is None else np.stack([params.location, params.scale], 1)
        location, scale = maximise_gumbel(stats, self.slots["location"], self.slots["scale"], begin)
        return Params(location=location, scale=scale)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        return rng.gumbel(params.location[members], params.scale[members])[:, None]

    @property
    def mean(self) -> Value:
        """Mean, in the data's units."""
        self._require_filled()
        return plain(self.location + EULER * np.asarray(self.scale))

    @property
    def variance(self) -> Value:
        """Mean squared deviation, in the data's units squared."""
        self._require_filled()
        return plain((SD * np.asarray(self.scale)) ** 2)

    def cumulative(self, params: Params, data: Table) -> Array:
        return np.exp(self.log_tails(params, data)[0])

    def log_tails(self, params: Params, data: Table) -> tuple[Array, Array]:
        with np.errstate(over="ignore"):
            below = -np.exp(-(data.column() - params.location) / params.scale)
        return below, safe_log(-np.expm1(below))

    def inverse(self, params: Params, q: Array) -> Array:
        with np.errstate(divide="ignore"):
            return params.location - params.scale * np.log(-np.log(q))
