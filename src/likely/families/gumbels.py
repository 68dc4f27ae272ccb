"""What the Weibull and the Gumbel share: the logarithm of one, and minus the other, is a law of least extremes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from likely.core.newton import maximise
from likely.core.slot import Slot
from likely.families.held import Held
from likely.families.limits import loose, refuse
from likely.numerics.soft import Array

EULER = float(np.euler_gamma)
SD = math.pi / math.sqrt(6)  # standard deviation of the standard law
ALIKE = 1e7  # values so alike (to one in so many) are taken as equal


@dataclass(frozen=True)
class Least:
    """Values y of which a (y - c) has the log density t - exp(t), in the coordinates c and log a."""

    held: Held

    def score(self, c: Array, log_a: Array) -> tuple[Array, Array, Array]:
        """The log-likelihood (k,), its gradient (k, 2) and Hessian (k, 2, 2) in c and log a, both (k,)."""
        a, weight = np.exp(log_a), self.held.weight

        def terms(y: Array) -> Array:
            t = a[:, None] * (y - c[:, None])
            e = np.exp(t)
            return np.stack([t, e, t * e, t * t * e])

        first, powers, once, twice = self.held.total(terms)
        slope, bend = np.empty((len(a), 2)), np.empty((len(a), 2, 2))
        slope[:, 0], slope[:, 1] = a * (powers - weight), weight + first - once
        bend[:, 0, 0], bend[:, 1, 1] = -(a**2) * powers, first - once - twice
        bend[:, 0, 1] = bend[:, 1, 0] = slope[:, 0] + a * once
        return weight * log_a + first - powers, slope, bend

    def moments(self) -> tuple[Array, Array]:
        """Mean (k,) and standard deviation (k,); NaN for members without weight."""
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = self.held.total(lambda y: y) / self.held.weight
            return mean, np.sqrt(self.held.total(lambda y: (y - mean[:, None]) ** 2) / self.held.weight)

    def begin(self) -> Array:
        """(k, 2): c and log a that have the mean and the standard deviation of the values; 0 without weight."""
        mean, sd = self.moments()
        with np.errstate(divide="ignore"):
            out = np.stack([mean + EULER * sd / SD, np.log(SD / sd)], 1)
        return np.where(np.isfinite(out), out, 0.0)


def maximise_weibull(stats: Held, shape: Slot, scale: Slot, begin: Array | None) -> tuple[Array, Array]:
    """Shape (k,) and scale (k,) that maximise the log-likelihood of positive values; `begin` (k, 2) has both."""
    least = Least(replace(stats, values=np.log(stats.values)))
    start = least.begin()[:, ::-1] if begin is None else np.log(begin)

    def score(u: Array) -> tuple[Array, Array, Array]:
        value, slope, bend = least.score(u[:, 1], u[:, 0])
        return value, slope[:, ::-1], bend[:, ::-1, ::-1]

    known = np.log(np.stack([_known(shape), _known(scale)], 1))
    a, b = np.exp(maximise([shape, scale], known, start, stats.weight, score)).T
    both = loose(shape) & loose(scale)
    cure = "Its values are alike; give the shape a value."
    refuse((a > ALIKE) & both, stats.weight, "its shape grew without bound", cure)
    return a, b


def maximise_gumbel(stats: Held, location: Slot, scale: Slot, begin: Array | None) -> tuple[Array, Array]:
    """Location (k,) and scale (k,) that maximise the log-likelihood of values; `begin` (k, 2) has both.

    Coordinates are the location without its offset, from the centre of all values in units of their spread, and the
    logarithm of the scale in that unit.
    """
    mean, sd = Least(stats).moments()
    seen = stats.weight > 0
    centre = float(np.average(mean[seen], weights=stats.weight[seen])) if seen.any() else 0.0
    around = sd[seen] ** 2 + (mean[seen] - centre) ** 2
    unit = float(np.sqrt(np.average(around, weights=stats.weight[seen]))) if seen.any() else 1.0
    unit = unit if unit > 0 else 1.0
    least = Least(replace(stats, values=(centre - stats.values) / unit))
    offsets = np.broadcast_to(location.offsets, (location.k,)) / unit

    def score(u: Array) -> tuple[Array, Array, Array]:
        value, slope, bend = least.score(-u[:, 0] - offsets, -u[:, 1])
        return value, -slope, bend

    def inside(values: Array) -> Array:
        return np.stack([(values[:, 0] - centre) / unit - offsets, np.log(values[:, 1] / unit)], 1)

    start = -least.begin() - np.stack([offsets, 0 * offsets], 1) if begin is None else inside(begin)
    known = inside(np.stack([_known(location), _known(scale)], 1))
    found = maximise([location, scale], known, start, stats.weight, score)
    refuse(
        (found[:, 1] < -math.log(ALIKE)) & loose(location) & loose(scale), stats.weight,
        "its scale vanished", "Its values are alike; give the scale a value.",
    )  # fmt: skip
    m = location.settle(centre + unit * (found[:, 0] + offsets))
    return m, scale.settle(unit * np.exp(found[:, 1]))


def _known(slot: Slot) -> Array:
    return np.full(slot.k, np.nan) if slot.known is None else slot.known
