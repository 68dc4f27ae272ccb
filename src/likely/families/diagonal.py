"""Normal distributions whose columns are independent: squares of deviations only, never a product of two columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from likely.core.data import Belief
from likely.core.slot import Slot
from likely.families.gaussian import LOG_2PI, seen_means
from likely.families.moments import LOST, Moments, block_rows, near
from likely.numerics.soft import Array


@dataclass(frozen=True)
class DiagonalMoments(Moments):
    """Moments whose scatter (k, d) holds the squares of deviations alone: at d columns, d numbers in place of d^2."""

    @staticmethod
    def products(v: Array) -> Array:
        return v * v

    @staticmethod
    def squares(a: Array) -> Array:
        return a

    @staticmethod
    def _distinct(scatter: Array) -> Array:
        return scatter

    @staticmethod
    def _whole(entries: Array, _d: int) -> Array:
        return entries

    def valid(self) -> bool:
        return bool(np.all(self.weight > 0) and np.all(self.scatter > 0) and np.isfinite(self.scatter).all())


def diagonal_moments(points: Array | Belief, weights: Array) -> DiagonalMoments:
    """Moments of points (n, d), (n, k, d) or beliefs under weights (n, k)."""
    blur = None
    if isinstance(points, Belief):
        blur, points = points.covariance, points.mean
    weight, mean, scatter = _common(points, weights) if points.ndim == 2 else _own(points, weights)
    if blur is not None:
        scatter = scatter + np.einsum("ndd,nk->kd" if blur.ndim == 3 else "nkdd,nk->kd", blur, weights)
    return DiagonalMoments(weight, weight, mean, scatter)


def _own(points: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Every member looks at its own points (n, k, d)."""
    weight = weights.sum(0)
    scale = np.where(weight > 0, weight, 1.0)[:, None]
    mean = np.einsum("nkd,nk->kd", points, weights) / scale
    mean = mean + np.einsum("nkd,nk->kd", points - mean, weights) / scale
    return weight, mean, np.einsum("nkd,nk->kd", np.square(points - mean), weights)


def _common(points: Array, weights: Array) -> tuple[Array, Array, Array]:
    """All members look at the same points (n, d): one matrix product for all about a common centre.

    Members far from that centre in units of their own spread are taken about their own mean.
    """
    n, d = points.shape
    centre = near(points) if n else np.zeros(d)
    with np.errstate(over="ignore", invalid="ignore"):  # huge values without weight make NaN, which counts as far
        sums = _powers(points, centre, weights)
        weight = sums[:, 0]
        safe = np.where(weight > 0, weight, 1.0)[:, None]
        shift = sums[:, 1 : d + 1] / safe
        second = sums[:, d + 1 :] / safe - shift**2
        far = ~(shift**2 <= LOST * second).all(1) & (weight != 0)
        mean, scatter = centre + shift, second * safe
    for k in np.flatnonzero(far):
        rows = np.flatnonzero(weights[:, k])
        alone = _own(points[rows, None, :], weights[rows, k : k + 1])
        weight[k], mean[k], scatter[k] = (a[0] for a in alone)
    empty = weight == 0
    mean[empty], scatter[empty] = centre, 0.0
    return weight, mean, scatter


def _powers(points: Array, centre: Array, weights: Array) -> Array:
    """(k, 1 + 2 d): weighted sums of 1, of z = x - centre, and of z^2, block by block of rows."""
    n, d = points.shape
    size = block_rows(1 + 2 * d)
    out = np.zeros((weights.shape[1], 1 + 2 * d))
    terms = np.ones((1 + 2 * d, min(n, size)))
    for a in range(0, n, size):
        w = weights[a : a + size].T
        t = terms[:, : w.shape[1]]
        z = np.subtract(points[a : a + size].T, centre[:, None], out=t[1 : d + 1])
        np.square(z, out=t[d + 1 :])
        out += w @ t.T
    return out


def log_diagonal(points: Array, mean: Array, variance: Array) -> Array:
    """(n, k): log densities at points (n, d), or (n, k, d) where every member has its own; variance (k, d)."""
    constant = -0.5 * (mean.shape[1] * LOG_2PI + np.log(variance).sum(1))
    with np.errstate(over="ignore", invalid="ignore"):  # a point so far away has density 0
        if points.ndim == 3:
            return constant - 0.5 * np.einsum("nkd,kd->nk", np.square(points - mean), 1 / variance)
        out = _squared_lengths(points, mean, variance)
    out *= -0.5
    out += constant[:, None]
    return out.T


def _squared_lengths(points: Array, mean: Array, variance: Array) -> Array:
    """(k, n): squared distances from the means in standard deviations.

    One matrix product does for all members what is linear in z and z^2, where z = x - c. That subtracts terms as large
    as (mean - c)^2 / variance; members for which this would cost digits are worked out by themselves.
    """
    n, (k, d) = len(points), mean.shape
    centre = near(points) if n else mean[0]
    aside, precision = mean - centre, 1 / variance
    linear = np.concatenate([-2 * aside * precision, precision], 1)
    constant = (aside**2 * precision).sum(1)[:, None]
    size = block_rows(2 * d)
    terms, out = np.empty((2 * d, min(n, size))), np.empty((k, n))
    for a in range(0, n, size):
        x = points[a : a + size].T
        t = terms[:, : x.shape[1]]
        np.subtract(x, centre[:, None], out=t[:d])
        np.square(t[:d], out=t[d:])
        out[:, a : a + size] = linear @ t
    out += constant
    np.maximum(out, 0.0, out=out)
    for i in np.flatnonzero(~(aside**2 * precision <= LOST).all(1)):
        out[i] = np.square(points - mean[i]) @ precision[i]
    return out


def expected_diagonal(stats: DiagonalMoments, variance: Array, scatter: Array) -> Array:
    """(k,): expected log density, given variances and the scatter about the model's mean, both (k, d)."""
    d = variance.shape[1]
    trace = (scatter / variance).sum(1)
    return -0.5 * (stats.weight * d * LOG_2PI + stats.dof * np.log(variance).sum(1) + trace)


def conditional_diagonal_mean(stats: Moments, slot: Slot, covariance: Array) -> Array:
    """The best mean for given variances (k, d), column by column.

    It may be tied up to offsets, have a Normal prior for each column, or be known in some entries.
    """
    d = stats.mean.shape[1]
    if slot.known is not None:
        known = slot.known.reshape(-1, d)
        return np.where(np.isnan(known), seen_means(stats), known)
    offsets = np.broadcast_to(slot.offsets, stats.mean.shape)
    weight = stats.weight[:, None]
    precision = np.where(weight > 0, weight / np.where(weight > 0, covariance, 1.0), 0.0)
    top, bottom = slot.pool(precision * (stats.mean - offsets)), slot.pool(precision)
    if slot.prior is not None and not slot.prior.in_rows:
        q = slot.prior.known_params()
        certainty = 1 / q.variance.reshape(-1, d)
        top, bottom = top + certainty * q.mean.reshape(-1, d), bottom + certainty
    return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1.0) + offsets, np.nan)
