"""The negative binomial distribution: counts that vary more than Poisson's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from likely.core.data import Table
from likely.core.domains import NonNegative, Positive, Value
from likely.core.family import Family
from likely.core.newton import maximise_positive
from likely.core.params import Params
from likely.core.slot import Slot
from likely.core.support import COUNTS
from likely.families.counts import smallest_count
from likely.families.histogram import Histogram, distinct, histogram
from likely.families.limits import loose
from likely.numerics import special
from likely.numerics.soft import Array

STIRLING = 30.0  # from this size on four terms of Stirling's series are exact to rounding
POISSON = 1e8  # a size beyond it cannot be told from infinity: the log density differs by less than its rounding
SWEEPS = 20


class NegativeBinomial(Family):
    """Counts with variance mean + mean^2 / size; at an infinite size, Poisson's.

    Log probability log gamma(x + size) - log gamma(size) - log x! + size log(size / (size + mean))
    + x log(mean / (size + mean)).

    Parameters
    ----------
    mean : number, array, Gamma, LogNormal or shared      expected count of a row, 0 or above
    size : number, array, Gamma, LogNormal or shared      the smaller, the more the counts vary; inf is Poisson

    Notes
    -----
    It is a Poisson distribution whose rate follows Gamma(shape=size, rate=size / mean). Maximum likelihood of the mean
    is the sample's, whatever the size; the size is found by Newton's method on the weights of distinct counts. Where
    the counts do not vary more than Poisson's (mean squared deviation at most the mean) the likelihood grows with the
    size, and the estimate is `size=inf`: exactly the Poisson distribution, at the boundary. With a
    prior, which is not conjugate, log-likelihood + log prior is climbed numerically, to the mode in (mean, size).

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.NegativeBinomial(), [0, 1, 1, 2, 9, 0, 3, 8]).model
    NegativeBinomial(mean=3.0, size=0.896)
    >>> lk.fit(lk.NegativeBinomial(), [2, 3, 2, 3]).model
    NegativeBinomial(mean=2.5, size=inf)
    """

    mean: Value = NonNegative(doc="expected count of a row")
    size: Value = Positive(doc="the smaller, the more the counts vary", infinite=True)

    priors = {"mean": ("Gamma", "LogNormal"), "size": ("Gamma", "LogNormal")}

    support = COUNTS

    def log_density(self, params: Params, data: Table) -> Array:
        values, place = distinct(data)
        x = values[:, None]
        table = _log_probability(x, params.mean, params.size) - special.gammaln(x + 1)
        if place.shape[1] == 1:
            return table[place[:, 0]]
        return table[place, np.arange(place.shape[1])]

    def statistics(self, params: Params | None, data: Table, weights: Array) -> Histogram:
        return histogram(data, weights)

    def m_step(self, stats: Histogram, params: Params | None) -> Params:
        slot, size_slot = self.slots["mean"], self.slots["size"]
        before = None if params is None else params.size
        if slot.ties:
            mean, size = _maximise_together(stats, slot, size_slot, before)
        else:
            mean = slot.settle((stats.weights @ stats.values) / stats.weights.sum(1))
            size = _best_size(stats, size_slot, mean, before)
        return Params(mean=mean, size=size)

    def expected_log_density(self, params: Params, stats: Histogram) -> Array:
        x, w = stats.values, stats.weights
        table = _log_probability(x, params.mean[:, None], params.size[:, None]) - special.gammaln(x + 1)
        return _weighted(w, table)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        size = params.size[members]
        finite = np.where(np.isinf(size), 1.0, size)
        varied = np.where(np.isinf(size), 1.0, rng.standard_gamma(finite) / finite)
        return rng.poisson(params.mean[members] * varied).astype(float)[:, None]

    @property
    def variance(self) -> Value:
        """Mean squared deviation of the counts."""
        self._require_filled()
        return self.mean + self.mean**2 / self.size

    def cumulative(self, params: Params, data: Table) -> Array:
        return _cumulative(data.column(), params)

    def inverse(self, params: Params, q: Array) -> Array:
        return smallest_count(q, lambda x: _cumulative(x, params), np.where(params.mean > 0, np.inf, 0.0))


def _weighted(weights: Array, table: Array) -> Array:
    """(k,): the sum over counts, of those with any weight."""
    return np.where(weights > 0, weights * table, 0.0).sum(1)


def _log_probability(x: Array, mean: Array, size: Array) -> Array:
    """Log probability of counts without log x!; the cancelling parts of large sizes are taken apart."""
    ratio = mean / size
    pulled = x * np.log1p(ratio) + mean * _slow_log(ratio)
    return _log_rising(x, size) - pulled + special.xlogy(x, mean)


def _slow_log(y: Array) -> Array:
    """`log(1 + y) / y`, 1 at y = 0."""
    positive = np.where(y > 0, y, 1.0)
    return np.where(y > 0, np.log1p(positive) / positive, 1.0)


def _log_rising(x: Array, size: Array) -> Array:
    """`log gamma(x + size) - log gamma(size) - x log size`, which is 0 at an infinite size."""

    def few(size: Array) -> Array:
        return special.gammaln(x + size) - special.gammaln(size) - x * np.log(size)

    def many(z: Array) -> Array:
        y = x * z
        return x * (_slow_log(y) - 1) + (x - 0.5) * np.log1p(y) + _stirling(z / (1 + y)) - _stirling(z)

    return _either(size, few, many)


def _stirling(z: Array) -> Array:
    """What Stirling's formula leaves of log gamma(1 / z)."""
    return z / 12 - z**3 / 360 + z**5 / 1260 - z**7 / 1680


def _slopes(x: Array, mean: Array, size: Array) -> tuple[Array, Array]:
    """First and second derivative of the log probability in the size.

    For large sizes they are differences of nearly equal terms, of order 1 / size^2 and 1 / size^3; here what cancels
    exactly has been cancelled by hand.
    """

    def few(size: Array) -> Array:
        first = special.psi(x + size) - special.psi(size) - np.log1p(x / size)
        second = special.zeta(2, x + size) - special.zeta(2, size) - 1 / (x + size) + 1 / size
        return np.stack([first, second])

    def many(z: Array) -> Array:
        y = z / (1 + x * z)  # 1 / (x + size)
        gap = x * z * y  # 1 / size - 1 / (x + size)
        first = gap / 2 + (z**2 - y**2) / 12 - (z**4 - y**4) / 120 + (z**6 - y**6) / 252
        second = -gap * (z + y) / 2 - (z**3 - y**3) / 6 + (z**5 - y**5) / 30 - (z**7 - y**7) / 42
        return np.stack([first, second])

    first, second = _either(size, few, many)
    t = (x - mean) / (size + mean)
    return first + np.log1p(t) - t, second + t**2 / (x + size)


def _either(size: Array, few: Callable[[Array], Array], many: Callable[[Array], Array]) -> Array:
    """`few(size)` of small sizes, `many(1 / size)` of those for which Stirling's series is exact."""
    small = size < STIRLING
    if small.all():
        return few(size)
    if not small.any():
        return many(1 / size)
    return np.where(small, few(np.minimum(size, STIRLING)), many(1 / np.maximum(size, STIRLING)))


def _best_size(stats: Histogram, slot: Slot, mean: Array, before: Array | None) -> Array:
    """Sizes (k,) of highest likelihood at given means."""
    x, w = stats.values, stats.weights
    centre = np.where(w.sum(1) > 0, mean, 0.0)[:, None]  # a member without weight must not spoil a size it shares

    def score(values: Array) -> tuple[Array, Array, Array]:
        first, second = _slopes(x, centre, values)
        value = _weighted(w, _log_probability(x, centre, values))
        return value, (w * first).sum(1)[:, None], (w * second).sum(1)[:, None, None]

    slot, begin = _bounded(stats, slot, mean, before)
    return _capped(slot, maximise_positive([slot], begin[:, None], w.sum(1), score)[:, 0])


def _maximise_together(stats: Histogram, slot: Slot, size_slot: Slot, before: Array | None) -> tuple[Array, Array]:
    """Means (k,) that are tied, and sizes: each depends on the other, so Newton's method moves all at once.

    Which sizes are infinite depends on the mean, and is settled between runs.
    """
    x, w = stats.values, stats.weights
    weight, total = w.sum(1), w @ x

    def score(values: Array) -> tuple[Array, Array, Array]:
        mean, size = values.T
        first, second = _slopes(x, mean[:, None], size[:, None])
        left, spread = total - weight * mean, mean * (1 + mean / size)
        slope, bend = np.empty((len(mean), 2)), np.empty((len(mean), 2, 2))
        slope[:, 0], slope[:, 1] = left / spread, (w * first).sum(1)
        bend[:, 0, 0] = -(weight * spread + left * (1 + 2 * mean / size)) / spread**2
        bend[:, 1, 1], bend[:, 0, 1] = (w * second).sum(1), left / (size + mean) ** 2
        bend[:, 1, 0] = bend[:, 0, 1]
        return _weighted(w, _log_probability(x, mean[:, None], size[:, None])), slope, bend

    some = slot.pool(total) > 0
    mean = slot.pool(total) / slot.pool(weight)
    bounded, begin = _bounded(stats, size_slot, mean, before)
    for _ in range(SWEEPS):
        values = maximise_positive([slot, bounded], np.stack([mean, begin], 1), np.where(some, weight, 0.0), score)
        mean, size = np.where(some, values[:, 0], mean), values[:, 1]
        again, begin = _bounded(stats, size_slot, mean, size)
        if np.array_equal(np.isinf(_known(again)), np.isinf(_known(bounded))):
            break
        bounded = again
    return mean, _capped(size_slot, size)


def _bounded(stats: Histogram, slot: Slot, mean: Array, before: Array | None) -> tuple[Slot, Array]:
    """The slot of sizes with those known that are infinite at these means, and where to begin with the others.

    As the size grows, the log-likelihood approaches Poisson's from above where the counts vary more than Poisson's, by
    sum of w [(x - mean)^2 - x] / (2 size); else from below, and the maximum is at infinity.
    """
    x, w = stats.values, stats.weights
    weight = w.sum(1)
    centre = np.where(weight > 0, mean, 0.0)
    excess = slot.pool((w * ((x - centre[:, None]) ** 2 - x)).sum(1))
    infinite = (excess <= 1e-9 * slot.pool(w @ x)) & (slot.pool(weight) > 0)
    begin = slot.pool(weight * centre**2) / excess
    if before is not None:
        begin = np.where(np.isfinite(before), before, begin)
    known = _known(slot)
    known = np.where(np.isnan(known) & infinite, np.inf, known)
    return replace(slot, known=known), np.clip(begin, 1 / POISSON, POISSON)


def _known(slot: Slot) -> Array:
    return np.full(slot.k, np.nan) if slot.known is None else slot.known


def _capped(slot: Slot, size: Array) -> Array:
    """Estimates beyond what can be told from infinity are infinite."""
    return np.where(loose(slot) & (size > POISSON), np.inf, size)


def _cumulative(x: Array, params: Params) -> Array:
    """Distribution function; for an infinite size Poisson's."""
    count = np.maximum(np.floor(x), 0.0) + 1
    finite = np.where(np.isinf(params.size), 1.0, params.size)
    below = special.betainc(finite, count, finite / (finite + params.mean))
    return np.where(x < 0, 0.0, np.where(np.isinf(params.size), special.gammaincc(count, params.mean), below))
