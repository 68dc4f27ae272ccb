"""What every Gaussian family does: densities of all members at once, conditional maximisation, and guards."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from likely.core.params import Params
from likely.core.slot import Slot
from likely.errors import Degenerate
from likely.families.moments import LOST, Moments, block_rows, near, outer, positive_definite
from likely.numerics.soft import Array

LOG_2PI = math.log(2 * math.pi)
SWEEPS = 500
SETTLED = 1e-15  # relative change of a covariance below which alternating closed forms have nothing left to do
NOISY = 1e-10  # changes below this that no longer shrink are rounding
EPSILON = float(np.finfo(float).eps)
WHOLE = 16  # columns up to which triangles are inverted like any matrix, all in one call
COLLAPSED = 1e-14  # of the variance common to all components: a standard deviation of 1e-7 of theirs
COLLINEAR = 1e-12  # of a member's own variances: its columns are dependent as far as rounding can tell


def whitening(covariance: Array) -> tuple[Array, Array]:
    """(k, d, d): W with W covariance W' = I, lower triangular; and (k,) log determinants of the covariances.

    Worked out on correlations, so that columns of very different units do no harm.
    """
    sd = np.sqrt(np.einsum("kdd->kd", covariance))
    with np.errstate(invalid="ignore", divide="ignore"):  # of a proposal out of all bounds, whose variances are 0: NaN
        factor = np.linalg.cholesky(covariance / outer(sd))
        log_det = 2 * (np.log(np.einsum("kdd->kd", factor)) + np.log(sd)).sum(1)
        return _inverse(factor) / sd[:, None, :], log_det


def _inverse(triangles: Array) -> Array:
    """Of lower triangular matrices (k, d, d)."""
    if triangles.shape[-1] <= WHOLE:
        return np.tril(np.linalg.inv(triangles))
    from scipy.linalg.lapack import dtrtri  # type: ignore[attr-defined]  # made at import; columns where these are rows

    return np.stack([dtrtri(one.T)[0].T for one in triangles])


def log_gaussian(points: Array, white: Array, zeros: Array, log_det: Array) -> Array:
    """(n, k): log densities of standard normal vectors z = white[k] (point - zeros[k]) seen in the data's units.

    Parameters
    ----------
    points : array (n, q), or (n, k, q) where every member has its own
    white : array (k, d, q)
    zeros : array (k, q)          points where z is 0
    log_det : array (k,)          minus twice the log of the Jacobian of z
    """
    half = math.sqrt(0.5) * white
    constant = -0.5 * (white.shape[1] * LOG_2PI + log_det)
    with np.errstate(over="ignore", invalid="ignore"):  # a point so far away has density 0
        if points.ndim == 3:
            z = np.einsum("kdq,nkq->nkd", half, points - zeros)
            return constant - np.einsum("nkd,nkd->nk", z, z)
        out = _squared_lengths(points, half, zeros)
    return np.subtract(constant[:, None], out, out=out).T


def _squared_lengths(points: Array, white: Array, zeros: Array) -> Array:
    """(k, n): squared lengths of white[k] (point - zeros[k]).

    One matrix product does for all members what is linear in x - c, and a constant row what is not. That subtracts
    terms as large as white (zeros - c); members for which this would cost digits are worked out by themselves. The
    result lies member by member, so that sums over members later run along contiguous rows.
    """
    n, (k, d, q) = len(points), white.shape
    centre = near(points) if n else zeros[0]
    size = block_rows(k * d)
    terms, z = np.ones((1 + q, min(n, size))), np.empty((k * d, min(n, size)))
    aside = white @ (centre - zeros)[:, :, None]
    linear = np.concatenate([aside, white], 2).reshape(k * d, 1 + q)
    out = np.empty((k, n))
    for a in range(0, n, size):
        x = points[a : a + size].T
        t, y = terms[:, : x.shape[1]], z[:, : x.shape[1]]
        np.subtract(x, centre[:, None], out=t[1:])
        np.matmul(linear, t, out=y)
        np.square(y, out=y)
        np.add.reduce(y.reshape(k, d, -1), axis=1, out=out[:, a : a + size])
    lost = np.abs(white) @ np.abs(centre - zeros)[:, :, None]
    for i in np.flatnonzero(~(lost[:, :, 0] <= LOST).all(1)):
        y = white[i] @ (points - zeros[i]).T
        out[i] = np.square(y, out=y).sum(0)
    return out


def normal_draws(covariance: Array, members: Array, rng: np.random.Generator) -> Array:
    """(n, d) deviations from the mean, row i with the covariance of member members[i]."""
    z = rng.standard_normal((len(members), covariance.shape[-1]))
    for i, factor in enumerate(np.linalg.cholesky(covariance)):
        rows = members == i
        z[rows] = z[rows] @ factor.T
    return z


def expected_gaussian(stats: Moments, covariance: Array, scatter: Array) -> Array:
    """(k,): expected log density, given the scatter (k, d, d) about the model's mean."""
    white, log_det = whitening(covariance)
    trace = ((white @ scatter) * white).sum((1, 2))
    out = -0.5 * (stats.weight * covariance.shape[-1] * LOG_2PI + stats.dof * log_det + trace)
    return out if stats.base is None else out + stats.base


Estimate = Callable[[Array, Array | None], Array]  # from a scatter and the covariance before to the covariance


def maximise_gaussian(
    stats: Moments,
    mean: Slot,
    estimate: Estimate,
    begin: Array | None,
    best_mean: Callable[[Moments, Slot, Array], Array] | None = None,
) -> tuple[Array, Array]:
    """Mean (k, d) and covariance that maximise the expected log density under both slots.

    With free means of their own, or known ones, one step is exact. A mean that is tied, known in part or has a prior
    depends on the covariance and the covariance on it, so the two conditional maxima alternate until neither moves
    (ECM, Meng & Rubin 1993).

    Parameters
    ----------
    stats : Moments
    mean : Slot               whose values are seen as (k, d)
    estimate : callable       the best covariance for the scatter about a mean; it refuses one that has collapsed
    begin : array or None     covariance to begin from, in the layout that `estimate` gives; None at a start
    best_mean : callable      the best mean for a covariance; `conditional_mean` unless given
    """
    d = stats.mean.shape[1]
    if mean.simple or mean.fixed:
        centre = mean.settle(seen_means(stats).reshape((-1, *mean.event))).reshape(-1, d)
        return centre, estimate(stats.about(centre) if mean.fixed else stats.scatter, begin)
    conditional = best_mean or conditional_mean

    def step(now: Array) -> tuple[Array, Array]:
        centre = conditional(stats, mean, now)
        return centre, estimate(stats.about(np.where(np.isnan(centre), stats.mean, centre)), now)

    if begin is None:
        weight = mean.pool(stats.weight)[:, None]
        common = mean.pool(stats.weight[:, None] * stats.mean) / np.where(weight > 0, weight, 1.0)
        begin = estimate(stats.about(common), None)
    return alternate(step, begin)


def maximise_one_column(stats: Moments, mean: Slot, variance: Slot, params: Params | None) -> tuple[Array, Array]:
    """Mean (k, 1) and variance (k, 1, 1) of a normal column."""

    def estimate(scatter: Array, _before: Array | None) -> Array:
        value = scaled_covariance(scatter, stats.dof, variance)
        check_collapse(stats, variance, value)
        return value

    begin = None if params is None else params[variance.name].reshape(-1, 1, 1)
    return maximise_gaussian(stats, mean, estimate, begin)


def scaled_covariance(scatter: Array, dof: Array, slot: Slot) -> Array:
    """(k, d, d): scatter over degrees of freedom, pooled where tied; known values win."""
    own = slot.pool(scatter) / slot.pool(dof)[:, None, None]
    return slot.settle(own.reshape((-1, *slot.event))).reshape(scatter.shape)


def alternate(step: Callable[[Array], tuple[Array, Array]], covariance: Array) -> tuple[Array, Array]:
    """Steps from a covariance to a location and the next covariance, until that no longer moves."""
    before, location = math.inf, covariance
    for _ in range(SWEEPS):
        old = covariance
        location, covariance = step(old)
        change = _change(old, covariance)
        if change <= SETTLED or (change <= NOISY and change >= before):
            break
        before = change
    return location, covariance


def _change(old: Array, new: Array) -> float:
    """The largest change of an entry in units of its standard deviations; members without weight (NaN) have none."""
    relative = np.abs(new - old) / (new if new.ndim == 2 else outer(np.sqrt(np.einsum("kdd->kd", new))))
    return float(np.where(np.isnan(relative), 0.0, relative).max())


def seen_means(stats: Moments) -> Array:
    """Means, NaN for members without weight (which keep what they had)."""
    return np.where(stats.weight[:, None] > 0, stats.mean, np.nan)


def precisions(weight: Array, covariance: Array) -> Array:
    """(k, d, d): weight times the inverse covariance; 0 for members without weight, whatever their covariance."""
    seen = (weight > 0)[:, None, None]
    white = whitening(np.where(seen, covariance, np.eye(covariance.shape[-1])))[0]
    return np.where(seen, weight[:, None, None] * (np.swapaxes(white, 1, 2) @ white), 0.0)


def conditional_mean(stats: Moments, slot: Slot, covariance: Array) -> Array:
    """The best mean for a given covariance: tied, up to offsets, with a normal prior, or known in some entries."""
    d = stats.mean.shape[1]
    bottom = precisions(stats.weight, covariance)
    if slot.known is not None:
        return _partly_known(slot.known.reshape(-1, d), seen_means(stats), bottom)
    offsets = np.broadcast_to(np.reshape(slot.offsets, (-1, d) if np.ndim(slot.offsets) else (1, 1)), stats.mean.shape)
    top = slot.pool((bottom @ (stats.mean - offsets)[..., None])[..., 0])
    bottom = slot.pool(bottom)
    if slot.prior is not None and not slot.prior.in_rows:
        centre, precision = _prior_of_mean(slot.prior, d)
        top = top + (precision @ centre[..., None])[..., 0]
        bottom = bottom + precision
    told = np.einsum("kdd->kd", bottom).all(1)[:, None]
    best = np.linalg.solve(np.where(told[..., None], bottom, np.eye(d)), top[..., None])[..., 0] + offsets
    return np.where(told, best, np.nan)


def _prior_of_mean(prior: Any, d: int) -> tuple[Array, Array]:
    """Centre (k, d) and precision (k, d, d) of a normal prior, of each column or of all."""
    q = prior.known_params()
    if prior.covers:
        white = whitening(q.covariance)[0]
        return q.mean, np.swapaxes(white, 1, 2) @ white
    return q.mean.reshape(-1, d), (1 / q.variance).reshape(-1, d)[:, :, None] * np.eye(d)


def _partly_known(known: Array, best: Array, precision: Array) -> Array:
    """Known entries stay; the free ones follow by regression on how far the known ones are from the best."""
    out = np.where(np.isnan(known), best, known)
    for i in range(len(out)):
        free = np.isnan(known[i])
        if free.any() and not free.all() and precision[i].any():
            pull = precision[i][np.ix_(free, ~free)] @ (known[i] - best[i])[~free]
            out[i, free] = best[i, free] - np.linalg.solve(precision[i][np.ix_(free, free)], pull)
    return out


def pretend_scatter(prior: Any, d: int) -> Moments:
    """A prior on a covariance as pretend moments: degrees of freedom and scatter, no weight on the mean."""
    dof, scatter = prior.as_moments(d)
    k = len(dof)
    return Moments(np.zeros(k), dof, np.zeros((k, d)), scatter)


def check_collapse(
    stats: Moments, covariance: Slot, value: Array, *, least: float = COLLAPSED, cure: str = "", hidden_cure: str = ""
) -> None:
    """Raise Degenerate where a free covariance, in the layout of the scatter, has (nearly) vanished in some direction.

    Near is relative (`least`) to the variance of all hidden members together, so it does not depend on units; to the
    rounding of the mean, so it also catches a constant column; and to the member's own variances, for columns that
    depend on one another. The `cure` is for members that stand alone, the `hidden_cure` for components.
    """
    if covariance.fixed:
        return
    variance = stats.squares(value)
    floor = np.fmax(least * _overall_variance(stats, covariance), (4 * EPSILON * stats.mean) ** 2)
    low: Array = np.asarray((variance <= floor).any(1))
    several = value.ndim == 3 and value.shape[-1] > 1
    if not several and not low.any():
        return
    finite = np.isfinite(value).all(tuple(range(1, value.ndim))) & (stats.weight > 0)
    if several:
        low[finite & ~low] = _dependent(value[finite & ~low], floor[finite & ~low])
    flat = np.flatnonzero(low & finite)
    if len(flat):
        what = "variance" if value.shape[-1] == 1 else "covariance"
        if any(a.hidden for a in covariance.axes):
            name = covariance.name
            cure = hidden_cure or f"Try fewer components, {name}=shared, or a prior in {name}=..."
        rows = stats.weight[flat].tolist()
        raise Degenerate(f"its {what} fell to zero", members=flat.tolist(), weights=rows, cure=cure)


def _dependent(covariance: Array, floor: Array) -> Array:
    """(k,): do columns depend on one another, or is some direction below the floor (k, d) of the columns' variances?"""
    less = covariance.copy()
    variance = np.einsum("kdd->kd", less)
    variance -= np.maximum(floor, COLLINEAR * variance)
    return ~positive_definite(less)  # whose rounding does not depend on the units of columns


def _overall_variance(stats: Moments, slot: Slot) -> Array:
    """(k, d): the variance of all members that a hidden axis joins, between and within."""
    hidden = tuple(i for i, a in enumerate(slot.axes) if a.hidden)
    weight, mean, squares = (
        a.reshape(slot.sizes + a.shape[1:]) for a in (stats.weight[:, None], stats.mean, stats.squares(stats.scatter))
    )
    total = weight.sum(hidden, keepdims=True)
    centre = (weight * mean).sum(hidden, keepdims=True) / total
    out = (squares + weight * (mean - centre) ** 2).sum(hidden, keepdims=True) / total
    return np.broadcast_to(out, mean.shape).reshape(stats.mean.shape)
