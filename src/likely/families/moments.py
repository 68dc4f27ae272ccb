"""Centred moments, merged and never subtracted: the statistics of everything Gaussian."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Self

import numpy as np

from likely.core.data import Belief
from likely.core.stats import Stats
from likely.numerics.soft import Array

LOST = 1e3  # a cancellation may cost this factor, three digits of sixteen; beyond it a member is worked out by itself
BLOCK, LARGEST = 2**16, 2**20  # numbers in a block's largest temporary: a core's own cache, a shared one


def outer(a: Array) -> Array:
    """(..., d) to (..., d, d)."""
    return a[..., :, None] * a[..., None, :]


def lift(a: Array, like: Array) -> Array:
    """(k,) with as many axes as `like` (k, ...), to multiply it by."""
    return a.reshape((-1,) + (1,) * (like.ndim - 1))


def positive_definite(matrices: Array) -> Array:
    """(k,): which of some symmetric matrices (k, d, d) are: Cholesky says so at a tenth of the cost of eigenvalues."""
    try:
        np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        if len(matrices) == 1:
            return np.zeros(1, bool)
        return np.concatenate([positive_definite(one[None]) for one in matrices])
    return np.ones(len(matrices), bool)


@dataclass(frozen=True)
class Moments(Stats):
    """Weight, degrees of freedom, mean and scatter about the mean, merged by Chan's pairwise formula.

    `dof` is the weight that divides the scatter. It is apart from `weight` so that priors on a variance (which add
    to one and not the other) and the unbiased variance are exact. `base` is the part of the log density that no
    parameter moves (as the Jacobian of a logarithm).

    `products` and `squares` say which products of deviations the scatter holds; `DiagonalMoments` keeps the squares.
    """

    weight: Array  # (k,)
    dof: Array  # (k,)
    mean: Array  # (k, d)
    scatter: Array  # (k, d, d)
    base: Array | None = None  # (k,)

    carried: ClassVar[tuple[str, ...]] = ("base",)

    @staticmethod
    def products(v: Array) -> Array:
        """(k, d) to the products of its entries, in the layout of the scatter."""
        return outer(v)

    @staticmethod
    def squares(a: Array) -> Array:
        """(k, d): of a scatter or a covariance, the part of each column by itself."""
        return np.einsum("kdd->kd", a)

    @staticmethod
    def _distinct(scatter: Array) -> Array:
        """(k, m): the entries of a scatter that are not told by others."""
        i, j = np.tril_indices(scatter.shape[1])
        return scatter[:, i, j]

    @staticmethod
    def _whole(entries: Array, _d: int) -> Array:
        """The scatter with these distinct entries."""
        i, j = np.tril_indices(_d)
        out = np.empty((len(entries), _d, _d))
        out[:, i, j] = out[:, j, i] = entries
        return out

    def __add__(self, other: Self | None) -> Self:
        if other is None:
            return self
        weight = self.weight + other.weight
        delta = other.mean - self.mean
        part = np.where(weight != 0, other.weight / np.where(weight != 0, weight, 1.0), 0.0)
        # From the heavier side, so that a record without weight leaves the other as it is, to the last bit.
        theirs = (part > 0.5)[:, None]
        mean = np.where(theirs, other.mean, self.mean) + (part[:, None] - theirs) * delta
        scatter = self.products(delta)
        scatter *= lift(self.weight * part, scatter)
        scatter += self.scatter
        scatter += other.scatter
        return type(self)(
            weight,
            self.dof + other.dof,
            mean,
            scatter,
            other.base if self.base is None else self.base if other.base is None else self.base + other.base,
        )

    def __rmul__(self, scale: float) -> Self:
        base = None if self.base is None else scale * self.base
        return type(self)(scale * self.weight, scale * self.dof, self.mean, scale * self.scatter, base)

    def about(self, point: Array) -> Array:
        """Scatter about another point (k, d)."""
        return self.scatter + lift(self.weight, self.scatter) * self.products(self.mean - point)

    def _frame(self) -> tuple[Array, Array]:
        spread = self.squares(self.scatter) / np.maximum(self.dof, 1e-300)[:, None]
        return self.mean, np.sqrt(np.where(spread > 0, spread, 1.0))

    def pack(self, origin: Self) -> Array:
        centre, sd = origin._frame()
        e = (self.mean - centre) / sd
        s = self.scatter / self.products(sd) + lift(self.weight, self.scatter) * self.products(e)
        return np.concatenate([self.weight, self.dof, (self.weight[:, None] * e).ravel(), self._distinct(s).ravel()])

    def unpack(self, u: Array, latest: Self) -> tuple[Self, int]:
        centre, sd = self._frame()
        k, d = centre.shape
        sizes = np.cumsum([k, k, k * d, self._distinct(self.scatter).size])
        weight, dof, first, second = np.split(u[: sizes[-1]], sizes[:-1])
        e = first.reshape(k, d) / np.where(weight != 0, weight, 1.0)[:, None]
        s = self._whole(second.reshape(k, -1), d)
        scatter = (s - lift(weight, s) * self.products(e)) * self.products(sd)
        return type(self)(weight, dof, centre + sd * e, scatter, latest.base), int(sizes[-1])

    def positive(self) -> Array:
        free = self.mean.size + self._distinct(self.scatter).size
        return np.concatenate([np.ones(2 * len(self.mean), bool), np.zeros(free, bool)])

    def valid(self) -> bool:
        variance = np.einsum("kdd->kd", self.scatter)
        if not (np.all(self.weight > 0) and np.isfinite(self.scatter).all() and np.all(variance > 0)):
            return False
        return bool(positive_definite(self.scatter / outer(np.sqrt(variance))).all())


def moments(points: Array | Belief, weights: Array) -> Moments:
    """Moments of points (n, d), (n, k, d) or beliefs under weights (n, k)."""
    blur = None
    if isinstance(points, Belief):
        blur, points = points.covariance, points.mean
    weight, mean, scatter = _common(points, weights) if points.ndim == 2 else _own(points, weights)
    if blur is not None:
        scatter = scatter + np.einsum("nde,nk->kde" if blur.ndim == 3 else "nkde,nk->kde", blur, weights)
    return Moments(weight, weight, mean, scatter)


def block_rows(width: int) -> int:
    """How many rows to work on at a time, at `width` numbers a row: few enough for the cache, enough for BLAS."""
    return max(BLOCK // width, min(512, LARGEST // width), 64)


def near(points: Array) -> Array:
    """(d,): a point amid points (n, d), the mean of some of them. Nothing but rounding depends on it."""
    some = points[:: len(points) // 128 or 1]
    return np.add.reduce(some, axis=0) / len(some)


def _own(points: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Every member looks at its own points (n, k, d)."""
    weight = weights.sum(0)
    scale = np.where(weight > 0, weight, 1.0)[:, None]
    mean = np.einsum("nkd,nk->kd", points, weights) / scale
    r = points - mean
    mean = mean + np.einsum("nkd,nk->kd", r, weights) / scale
    r = points - mean
    if r.shape[2] == 1:
        return weight, mean, np.einsum("nk,nk,nk->k", weights, r[:, :, 0], r[:, :, 0])[:, None, None]
    return weight, mean, np.einsum("nkd,nke->kde", r * weights[:, :, None], r)


def _common(points: Array, weights: Array) -> tuple[Array, Array, Array]:
    """All members look at the same points (n, d): one matrix product for all about a common centre.

    Members far from that centre in units of their own spread are taken about their own mean, and so is every member
    where columns are so many that forming all products of columns costs more than weighting the rows once a member.
    """
    (n, d), k = points.shape, weights.shape[1]
    if n and d > 4 * k:
        return _each(points, weights, np.arange(k), np.empty(k), np.empty((k, d)), np.empty((k, d, d)))
    centre = near(points) if n else np.zeros(d)
    i, j, diagonal = _triangle(d)
    scatter = np.empty((k, d, d))
    with np.errstate(over="ignore", invalid="ignore"):  # huge values without weight make NaN, which counts as far
        sums = _products(points, centre, weights)
        weight = sums[:, 0]
        safe = np.where(weight > 0, weight, 1.0)[:, None]
        shift = sums[:, 1 : d + 1] / safe
        second = sums[:, d + 1 :] / safe - shift[:, i] * shift[:, j]
        scatter[:, i, j] = scatter[:, j, i] = second * safe
        far = ~(shift**2 <= LOST * second[:, diagonal]).all(1) & (weight != 0)
    return _each(points, weights, np.flatnonzero(far), weight, centre + shift, scatter)


@cache
def _triangle(d: int) -> tuple[Array, Array, Array]:
    """Rows and columns of the entries of an upper triangle, and where among them the diagonal stands."""
    i, j = np.triu_indices(d)
    return i, j, np.flatnonzero(i == j)


def _products(points: Array, centre: Array, weights: Array) -> Array:
    """(k, 1 + d + d (d + 1) / 2): weighted sums of 1, of z = x - centre, and of z_i z_j for i <= j, row by row.

    Columns lie along the rows of a block that stays in cache, so that every product runs over contiguous numbers.
    """
    n, d = points.shape
    width = 1 + d + d * (d + 1) // 2
    size = block_rows(width)
    out = np.zeros((weights.shape[1], width))
    terms = np.empty((width, min(n, size)))
    terms[0] = 1.0
    for a in range(0, n, size):
        w = weights[a : a + size].T
        t = terms[:, : w.shape[1]]
        z = np.subtract(points[a : a + size].T, centre[:, None], out=t[1 : d + 1])
        at = d + 1
        for i in range(d):
            np.multiply(z[i], z[i:], out=t[at : at + d - i])
            at += d - i
        out += w @ t.T
    return out


def _each(
    points: Array, weights: Array, members: Array, weight: Array, mean: Array, scatter: Array
) -> tuple[Array, Array, Array]:
    """Moments of some members about their own means, from the rows that weigh anything, filled into arrays of all."""
    for k in members:
        rows = np.flatnonzero(weights[:, k])
        own, w = (points, weights[:, k]) if len(rows) == len(points) else (points[rows], weights[rows, k])
        weight[k] = w.sum()
        centre = near(own) if len(own) else 0.0
        z = own - centre
        shift = w @ z / (weight[k] or 1.0)
        z -= shift
        more = w @ z / (weight[k] or 1.0)
        z -= more
        mean[k] = centre + (shift + more)
        z *= np.sqrt(w)[:, None]
        scatter[k] = z.T @ z
    return weight, mean, scatter
