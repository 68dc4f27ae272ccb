"""Banks of normals in one go: compiled passes over the rows, and their sums as moments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from likely.core.posterior import Fused, Share
from likely.families.diagonal import DiagonalMoments
from likely.families.gaussian import LOG_2PI, WHOLE, whitening
from likely.families.moments import LOST, Moments, moments, near
from likely.numerics.soft import Array

WORTH = 2**14  # numbers (rows x members x columns) of a chunk from which a compiled pass outweighs its preparation
FAR = 1e5  # standard deviations between a member and the centre up to which a common centre serves it well
FEW_COLUMNS = 40  # up to so many, rows stay in lanes (`moments_in_tiles`), if so many sums of vectors stay in the cache
SUMS = 2**15
NEGLIGIBLE = 1e-18  # of a member's own weight: less than rounding, were all rows to weigh so little
POSSIBLE = -1e290  # above the log-likelihood of rows among which one is impossible
NO_WEIGHTS = np.empty(0)

# Rows, their weights and centre, the members' means about it, constants, and whether rows go wholly to one member.
Work = Callable[[Array, Array, Array, Array, Array, bool], tuple[float, Any]]


def fused_normals(mean: Array, covariance: Array) -> Fused:
    """A pass over rows under k normals with means (k, d) and covariances (k, d, d)."""
    white, log_det = _whitening(covariance)
    constants = -0.5 * (mean.shape[1] * LOG_2PI + log_det)
    return fused_forms(mean, white, constants, np.einsum("kdd->kd", covariance))


def _whitening(covariance: Array) -> tuple[Array, Array]:
    """As `whitening`; in a third of the time where columns are many."""
    if covariance.shape[1] <= WHOLE:
        return whitening(covariance)
    from likely.numerics.whitening import whitened

    white, log_det = np.empty(covariance.shape), np.empty(len(covariance))
    if whitened(np.ascontiguousarray(covariance), white, log_det):
        return white, log_det
    return whitening(covariance)  # which says what is wrong


def fused_forms(mean: Array, white: Array, own_constants: Array, spread: Array) -> Fused:
    """A pass over rows under k log densities constant - |white (x - mean)|^2 / 2, white (k, d, d) lower triangular.

    `spread` (k, d) are the variances of the rows of each member: how near a mean sums about another place serve it;
    infinite where any place does.
    """
    k, d = mean.shape

    @cache  # for the first chunk that is worth it
    def prepared() -> tuple[Array, Array]:
        from likely.numerics.gaussian_pass import packed

        return np.abs(white), packed(white)

    def work(x: Array, weights: Array, centre: Array, shifts: Array, constants: Array, hard: bool) -> tuple[float, Any]:
        from likely.numerics import gaussian_pass as kernels

        sizes, coefficients = prepared()
        if not (sizes @ np.abs(shifts)[:, :, None] <= FAR).all():
            return -np.inf, None
        offsets = -(white @ shifts[:, :, None]).ravel()
        common = x, weights, centre, coefficients, offsets, constants
        weight, means, scatter = np.empty(k), np.empty((k, d)), np.empty((k, d, d))
        known = np.where(np.isfinite(spread), spread, 0.0)
        out = hard, kernels.groups(d), LOST, known, weight, means, scatter
        apart: Array = np.any(shifts**2 > LOST * spread, axis=1)
        if d <= FEW_COLUMNS and k * (d + 1) ** 2 <= SUMS and not apart.any():
            total = kernels.moments_in_tiles(*common, *out)
        else:
            points, least = np.where(apart[:, None], mean, centre), NEGLIGIBLE * np.exp(constants - own_constants)
            total = kernels.moments_in_rows(*common, points, least, *out)
        return total, Moments(weight, weight, means, scatter)

    return _guarded(mean, own_constants, work)


def fused_common(mean: Array, covariance: Array) -> Fused:
    """A pass over rows under k normals with means (k, d) and one covariance (d, d), estimated for all together.

    Its quadratic form is the same for every member and cancels in the responsibilities; over all rows it is a trace.
    What remains is linear in the rows. Of the scatter only the sum over members is told: each is given its share by
    weight, so that no member's scatter is its own.
    """
    white, log_det = whitening(covariance[None])
    k, d = mean.shape
    precision = white[0].T @ white[0]
    general = cache(lambda: fused_normals(mean, np.broadcast_to(covariance, (k, d, d))))

    def one_go(data: Any, log_weights: Array, hard: bool) -> Share | None:
        rows = rows_in_one_go(data, k)
        if rows is None:
            return None
        from likely.numerics import linear_pass as kernels

        x, weights, centre = rows
        shifts = mean - centre
        if not ((shifts @ white[0].T) ** 2 <= LOST).all():
            return general()(data, log_weights, hard)
        slopes = shifts @ precision
        constants = log_weights - 0.5 * (d * LOG_2PI + log_det + (slopes * shifts).sum(1))
        sums = np.zeros((k, d + 1, kernels.LANES))
        total = kernels.linear_totals(
            x, weights, centre, kernels.packed(slopes), constants, hard, kernels.groups(d), sums
        )
        about = data.once("about centre", lambda: moments(data.double().x, data.weight_column())).about(centre[None])[0]
        weight, firsts = sums[:, d].sum(-1), sums[:, :d].sum(-1)
        shift = firsts / np.where(weight > 0, weight, 1.0)[:, None]
        within = about - (weight[:, None] * shift).T @ shift
        if not (shift**2 * weight.sum() <= LOST * np.diag(within)).all() or not total > POSSIBLE:
            return general()(data, log_weights, hard)
        scatter = (weight / (weight.sum() or 1.0))[:, None, None] * within
        stats = Moments(weight, weight, centre + shift, scatter)
        return Share(total - 0.5 * float((precision * about).sum()), weight, stats)

    return one_go


def fused_diagonal(mean: Array, variance: Array) -> Fused:
    """A pass over rows under k normals with independent columns: means and variances (k, d)."""
    variance = np.ascontiguousarray(variance)
    scale = 1 / np.sqrt(variance)
    k, d = mean.shape

    def work(x: Array, weights: Array, centre: Array, shifts: Array, constants: Array, hard: bool) -> tuple[float, Any]:
        from likely.numerics import diagonal_pass as kernels

        if not (np.abs(shifts) * scale <= FAR).all():
            return -np.inf, None
        found = np.empty(k), np.empty((k, d)), np.empty((k, d))
        how = hard, kernels.groups(d), LOST, variance
        total = kernels.diagonal_moments(x, weights, centre, scale, shifts, constants, *how, *found)
        return total, DiagonalMoments(found[0], *found)

    return _guarded(mean, -0.5 * (d * LOG_2PI + np.log(variance).sum(1)), work)


def fused_columns(mean: Array, variance: Array) -> Fused:
    """As `fused_diagonal`, with the moments of each column of each member by itself: k d members of one column."""
    together = fused_diagonal(mean, variance)

    def one_go(data: Any, log_weights: Array, hard: bool) -> Share | None:
        found = together(data, log_weights, hard)
        if found is None:
            return None
        weight, s = np.repeat(found.counts, mean.shape[1]), found.stats
        return replace(found, stats=Moments(weight, weight, s.mean.reshape(-1, 1), s.scatter.reshape(-1, 1, 1)))

    return one_go


def _guarded(mean: Array, constants: Array, work: Work) -> Fused:
    """The work on chunks that are worth it; declined (None) where it would not be what the protocol says.

    That is where a chunk holds anything but plain points, has a row that no member allows, or lies so that sums about
    a common centre cost digits.
    """

    def one_go(data: Any, log_weights: Array, hard: bool) -> Share | None:
        rows = rows_in_one_go(data, len(mean))
        if rows is None:
            return None
        x, weights, centre = rows
        total, stats = work(x, weights, centre, mean - centre, constants + log_weights, hard)
        return None if stats is None or not total > POSSIBLE else Share(total, stats.weight, stats)

    return one_go


def rows_in_one_go(data: Any, k: int) -> tuple[Array, Array, Array] | None:
    """Rows of a chunk, their weights (none: one each) and a centre, where a pass under k members is worth compiling."""
    if not worth_it(data, k):
        return None
    x = data.once("rows", lambda: in_one_piece(data.x))
    centre = data.once("centre", lambda: near(x[:: len(x) // 128 or 1].astype(float)))
    return x, row_weights(data), centre


def worth_it(data: Any, members: int) -> bool:
    """Is this a chunk of plain points, and large enough for a compiled pass?"""
    return isinstance(data.x, np.ndarray) and data.x.ndim == 2 and data.x.size * members >= WORTH


def row_weights(data: Any) -> Array:
    """Weights of rows as compiled code wants them; none where all rows weigh the same."""
    return NO_WEIGHTS if data.weights is None else np.ascontiguousarray(data.weights, float)


def in_one_piece(x: Array) -> Array:
    """Rows as compiled code wants them: each in one piece, double or single precision, and read only."""
    kept = x.dtype if x.dtype in (np.float32, np.float64) else np.float64
    out = np.ascontiguousarray(x, kept).view()
    out.flags.writeable = False
    return out
