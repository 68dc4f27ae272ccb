"""The von Mises distribution: directions on a circle, hours of a day."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from likely.core.data import Table
from likely.core.domains import NonNegative, Real, Value
from likely.core.family import Family
from likely.core.newton import maximise_positive
from likely.core.params import Params
from likely.core.slot import Slot
from likely.core.stats import Stats
from likely.families.circle import below, mean_cosine, turned
from likely.families.limits import LARGEST, TOO_WEAK, loose, refuse
from likely.families.linear import Features, Linear
from likely.numerics import special
from likely.numerics.soft import Array

LOG_2PI = math.log(2 * math.pi)
SWEEPS = 1000
ROUNDING = 1e-15  # of the weight: points that cancel one another
SETTLED = 1e-13  # change of a direction (radians) and relative one of a concentration that is rounding


@dataclass(frozen=True)
class Directions(Stats):
    """Weight, and the sum of the points on the unit circle."""

    weight: Array  # (k,)
    cosine: Array  # (k,) sum of w cos x
    sine: Array  # (k,) sum of w sin x

    def positive(self) -> Array:
        own = np.ones_like(self.weight, bool)
        return np.concatenate([own, ~own, ~own])

    def valid(self) -> bool:
        """The mean of points on the circle lies inside it."""
        return bool(np.all(self.weight > 0) and np.all(np.hypot(self.cosine, self.sine) < self.weight))


class VonMises(Linear):
    """A von Mises distribution of an angle; log density concentration cos(x - mean) - log[2 pi I0(concentration)].

    Parameters
    ----------
    mean : number, array, VonMises or shared          mean direction in radians; estimates are from -pi to pi
    concentration : number, array, Gamma or shared    without unit; 0 is uniform, and 1 / concentration is about the
        variance in radians squared where it is large

    Raises
    ------
    FitError      all angles alike: the likelihood has no maximum

    Notes
    -----
    Angles are in radians, and those that differ by 2 pi are the same: multiply degrees by pi / 180, hours by pi / 12.
    The density is per radian, over any interval of length 2 pi. Maximum likelihood is the direction of the sum of the
    points (cos x, sin x), and the concentration at which I1 / I0 is the length of their mean, by Newton's method
    (Mardia & Jupp 2000, "Directional statistics", section 5.3). The distribution function counts from -pi.

    A VonMises prior on the mean adds its own vector to the sum of those of the rows, exactly; a Gamma prior is on the
    concentration itself: the estimate is the mode in these.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.VonMises(), [0.1, 0.4, 6.2, 6.0]).model
    VonMises(mean=0.033, concentration=16.244)
    >>> lk.VonMises(0, 2).cdf(0)
    array([0.5])
    """

    mean: Value = Real(doc="mean direction, in radians")
    concentration: Value = NonNegative(doc="0 is uniform; the larger, the closer to the mean")

    record = Directions
    priors = {"mean": ("VonMises",), "concentration": ("Gamma",)}

    def log_density(self, params: Params, data: Table) -> Array:
        x = data.column()
        # 1 - cos, so that large concentrations lose no digits
        away = 2 * np.sin((x - params.mean) / 2) ** 2
        return -params.concentration * away - np.log(special.i0e(params.concentration)) - LOG_2PI

    def features(self, data: Table) -> Features:
        cosine, sine = data.once("circle", lambda: _circle(data))
        return {"cosine": cosine, "sine": sine}

    def natural(self, params: Params) -> dict[str, Array]:
        k = params.concentration
        return {"cosine": k * np.cos(params.mean), "sine": k * np.sin(params.mean)}

    def constant(self, params: Params) -> Array:
        return -LOG_2PI - np.log(special.i0e(params.concentration)) - params.concentration

    def m_step(self, stats: Directions, params: Params | None) -> Params:
        slots = self.slots["mean"], self.slots["concentration"]
        mean, concentration = _maximise(stats, *slots, None if params is None else params.concentration)
        return Params(mean=mean, concentration=concentration)

    def expected_log_density(self, params: Params, stats: Directions) -> Array:
        natural = self.natural(params)
        return natural["cosine"] * stats.cosine + natural["sine"] * stats.sine + stats.weight * self.constant(params)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        drawn = rng.vonmises(0.0, params.concentration[members])
        return turned(drawn + params.mean[members])[:, None]

    def pretend(self, name: str, prior: Family) -> None:
        """The M-step deals with priors itself."""

    @property
    def variance(self) -> Value:
        """Circular variance, from 0 to 1: one less the length of the mean of the points on the circle."""
        self._require_filled()
        return 1 - mean_cosine(self.concentration)

    def cumulative(self, params: Params, data: Table) -> Array:
        x = turned(data.column())
        start = below(-math.pi - params.mean[None], params.concentration)
        return np.clip(below(x - params.mean, params.concentration) - start, 0, 1)

    def inverse(self, params: Params, q: Array) -> Array:
        q = np.broadcast_to(q, (len(q), len(params.mean)))
        low, high = np.full(q.shape, -math.pi), np.full(q.shape, math.pi)
        while True:
            middle = (low + high) / 2
            if ((middle == low) | (middle == high)).all():
                return np.where(q <= 0, -math.pi, np.where(q >= 1, math.pi, high))
            short = self.cumulative(params, Table(middle[:, :, None])) < q
            low, high = np.where(short, middle, low), np.where(short, high, middle)


def _circle(data: Table) -> tuple[Array, Array]:
    x = data.column()
    return np.cos(x), np.sin(x)


def _maximise(stats: Directions, mean: Slot, concentration: Slot, before: Array | None) -> tuple[Array, Array]:
    """Mean directions (k,) and concentrations (k,); in turns where the one depends on the other."""
    weight = stats.weight
    offsets = np.broadcast_to(mean.offsets, weight.shape)
    turn = np.exp(-1j * offsets)
    sums = (stats.cosine + 1j * stats.sine) * turn
    pull = 0j
    if mean.prior is not None:
        q = mean.prior.known_params()
        pull = q.concentration * np.exp(1j * q.mean)
    depends = not mean.fixed and (bool(mean.ties) or mean.prior is not None)
    kappa = concentration.settle(np.where(weight > 0, 1.0, np.nan) if before is None else before)
    direction = np.full(weight.shape, np.nan)
    for _ in range(SWEEPS):
        w = np.where(weight > 0, kappa, 0.0) if depends else 1.0
        total = mean.pool(w * sums) + pull
        was, direction = direction, _settled(mean, np.where(total == 0, np.nan, np.angle(total)), offsets)
        # Where everything cancels, no direction is better than any other.
        usable = np.where(np.isnan(direction), 0.0, direction - offsets)
        along = (sums * np.exp(-1j * usable)).real
        old, kappa = kappa, _best_concentration(concentration, along, weight, before)
        still = np.abs(direction - was) <= SETTLED
        same = np.allclose(kappa, old, rtol=SETTLED, atol=0, equal_nan=True)
        if not depends or (same and (still | np.isnan(direction)).all()):
            break
    lost = np.isnan(direction) & (mean.pool(weight) > 0)
    return np.where(lost, offsets, direction), kappa


def _settled(slot: Slot, angle: Array, offsets: Array) -> Array:
    return slot.settle(angle + offsets if slot.ties else turned(angle))


def _best_concentration(slot: Slot, along: Array, weight: Array, before: Array | None) -> Array:
    """(k,): concentrations of highest likelihood times prior, for sums `along` of cos(x - mean)."""
    power = rate = np.zeros_like(weight)
    if slot.prior is not None:
        q = slot.prior.known_params()
        power, rate = slot.share * (q.shape - 1), slot.share * q.rate
    whole, slope = slot.pool(weight), slot.pool(along - rate)
    unbounded = loose(slot) & (slot.pool(power) < 0) & (whole > 0)
    refuse(unbounded, weight, "its prior on concentration grows without bound at 0", TOO_WEAK)
    known = np.full(slot.k, np.nan) if slot.known is None else slot.known
    flat = np.isnan(known) & (slope <= ROUNDING * whole) & (slot.pool(power) <= 0) & (whole > 0)
    bounded = replace(slot, known=np.where(flat, 0.0, known)) if flat.any() or slot.known is not None else slot

    def score(values: Array) -> tuple[Array, Array, Array]:
        k = values[:, 0]
        a = mean_cosine(k)
        value = k * (along - weight - rate) - weight * np.log(special.i0e(k)) + special.xlogy(power, k)
        first = along - rate - weight * a + power / k
        second = -weight * _slope(k, a) - power / k**2
        return value, first[:, None], second[:, None, None]

    r = np.clip(slope / whole, 1e-6, 1 - 1e-12)
    begin = r * (2 - r**2) / (1 - r**2) if before is None else before
    found = maximise_positive([bounded], begin[:, None], weight, score)[:, 0]
    cure = "Its angles are alike; give the concentration a value or a prior."
    refuse((found > LARGEST) & loose(slot), weight, "its concentration grew without bound", cure)
    return found


def _slope(k: Array, a: Array) -> Array:
    """Derivative of I1 / I0; by its series where the difference has lost its digits."""
    large = np.maximum(k, 1e3)
    small = np.where(k > 0, k, 1.0)
    exact = np.where(k > 0, 1 - a**2 - a / small, 0.5)
    return np.where(k > 1e3, (1 + (1 + 9 / (8 * large)) / (2 * large)) / (2 * large**2), exact)
