"""The Laplace (double exponential) distribution of one column."""

from __future__ import annotations

import math

import numpy as np

from likely.core.data import Table
from likely.core.domains import Positive, Real, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.slot import Slot
from likely.families.held import Held, Holding
from likely.families.location_scale import check_scale
from likely.numerics.soft import Array

SWEEPS = 500
SETTLED = 1e-14  # change of the scale below which location and scale have nothing left to tell one another
LEVEL = 1e-12  # of the weight: both sides of a value weigh the same


class Laplace(Holding):
    """A Laplace distribution; log density -|x - location| / scale - log(2 scale).

    Parameters
    ----------
    location : number, array, Normal or shared              the centre, in the data's units
    scale : number, array, InverseGamma, Gamma or shared    mean distance from the location, in the data's units

    Raises
    ------
    FitError      all values alike: the likelihood has no maximum

    Notes
    -----
    Maximum likelihood is the weighted median and the mean distance from it. Where a whole interval between two values
    maximises, as for an even number of rows, the location is its middle. No few sums suffice, so the statistics are the
    rows themselves: a fit holds n (k + 1) numbers for k components, and sorts them.

    Priors are on the location and the scale themselves: the estimate is the mode in these, exactly. A location that is
    tied while scales differ, or has a prior, depends on the scales: then the two are maximised in turns. The likelihood
    has a kink at every value, so the location has no curvature there and no standard error from it.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Laplace(), [1.0, 2.0, 3.0, 7.0]).model
    Laplace(location=2.5, scale=1.75)
    >>> lk.Laplace(0, 1).cdf([0, 1]).round(3)
    array([0.5  , 0.816])
    """

    location: Value = Real(doc="centre, in the data's units")
    scale: Value = Positive(doc="mean distance from the location, in the data's units")

    priors = {"location": ("Normal",), "scale": ("InverseGamma", "Gamma")}
    nonregular = ("location",)

    def log_density(self, params: Params, data: Table) -> Array:
        return -np.abs(data.column() - params.location) / params.scale - np.log(2 * params.scale)

    def m_step(self, stats: Held, params: Params | None) -> Params:
        slot, scale_slot = self.slots["location"], self.slots["scale"]
        weight = stats.weight
        medians = _Medians(stats, slot)
        scale = np.where(weight > 0, 1.0, np.nan) if params is None else params.scale
        location = medians.best(scale_slot.settle(scale))
        for _ in range(SWEEPS):
            middle = np.where(np.isnan(location), 0.0, location)[:, None]
            before, scale = scale, _best_scale(scale_slot, stats.total(lambda x, m=middle: np.abs(x - m)), weight)
            if not medians.depend or np.allclose(scale, before, rtol=SETTLED, atol=0, equal_nan=True):
                break
            if not (scale[weight > 0] > 0).all():
                break
            location = medians.best(scale)
        check_scale(stats, scale_slot, location, scale)
        return Params(location=location, scale=scale)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        return rng.laplace(params.location[members], params.scale[members])[:, None]

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
        return 2 * self.scale**2

    def cumulative(self, params: Params, data: Table) -> Array:
        z = (data.column() - params.location) / params.scale
        tail = np.exp(-np.abs(z)) / 2
        return np.where(z < 0, tail, 1 - tail)

    def log_tails(self, params: Params, data: Table) -> tuple[Array, Array]:
        z = (data.column() - params.location) / params.scale
        small = -np.abs(z) - math.log(2)
        large = np.log1p(-np.exp(small))
        return np.where(z < 0, small, large), np.where(z < 0, large, small)

    def inverse(self, params: Params, q: Array) -> Array:
        with np.errstate(divide="ignore"):
            z = np.where(q < 0.5, np.log(2 * np.minimum(q, 0.5)), -np.log(2 * np.minimum(1 - q, 0.5)))
        return params.location + params.scale * z


class _Medians:
    """The values of the members that have one location, sorted; and where it is best, given the scales."""

    def __init__(self, stats: Held, slot: Slot):
        self.slot, self.stats = slot, stats
        self.depend = not slot.fixed and (bool(slot.ties) or slot.prior is not None)
        self.groups: list[tuple[Array, Array, Array]] = []  # members, their values sorted (n,) and the order
        if slot.fixed:
            return
        offsets = np.broadcast_to(slot.offsets, slot.k)
        number = slot.spread(np.arange(len(slot.one(np.zeros(slot.k)))))
        common = len(stats.values) == 1 and not offsets.any()
        everywhere = _sorted(stats.values[0]) if common else None
        for group in range(number.max() + 1):
            members = np.flatnonzero(number == group)
            own = everywhere or _sorted((self._of(stats.values, members) - offsets[members, None]).ravel())
            self.groups.append((members, *own))
        self.common = common

    @staticmethod
    def _of(values: Array, members: Array) -> Array:
        return np.repeat(values, len(members), 0) if len(values) == 1 else values[members]

    def best(self, scale: Array) -> Array:
        """(k,): locations of highest likelihood times prior at these scales."""
        found = np.full(self.slot.k, np.nan)
        for members, values, order in self.groups:
            pull = self.stats.weights[members]
            if self.depend:
                told = pull.any(1)
                pull = pull / np.where(told, scale[members], 1.0)[:, None]
            pull = pull.sum(0) if self.common else pull.ravel()
            found[members] = self._one(values, pull[order], members[0])
        return self.slot.settle(found + self.slot.offsets)

    def _one(self, values: Array, pull: Array, member: int) -> float:
        """Where the pulls of the values (sorted) to either side, and that of the prior, cancel."""
        below = pull.cumsum()
        total = below[-1]
        if self.slot.prior is None:
            if not total > 0:
                return np.nan
            first = np.searchsorted(below, total * (0.5 - LEVEL))
            last = np.searchsorted(below, total * (0.5 + LEVEL))
            return float(values[first] + (values[last] - values[first]) / 2)
        prior = self.slot.prior.known_params()
        centre, variance = prior.mean[member], prior.variance[member]
        # Right of each value the slope is total - 2 below - (m - centre) / variance, which falls all along.
        first = int(np.argmax(np.append((total - 2 * below) <= (values - centre) / variance, True)))
        before = below[first - 1] if first else 0.0
        inside = centre + variance * (total - 2 * before)
        return float(inside if first == len(values) else min(inside, values[first]))


def _sorted(values: Array) -> tuple[Array, Array]:
    order = np.argsort(values)
    return values[order], order


def _best_scale(slot: Slot, distance: Array, weight: Array) -> Array:
    """(k,): the scale of highest likelihood times prior for these sums of distances."""
    distance, weight = slot.pool(distance), slot.pool(weight)
    if slot.prior is None:
        return slot.settle(distance / weight)
    q = slot.prior.known_params()
    if type(slot.prior).__name__ == "InverseGamma":
        return slot.settle((distance + q.scale) / (weight + q.shape + 1))
    power = q.shape - 1 - weight  # maximise power log b - rate b - distance / b
    root = np.sqrt(power**2 + 4 * q.rate * distance)
    return slot.settle(np.where(power > 0, (power + root) / (2 * q.rate), 2 * distance / (root - power)))
