"""The M-step of each covariance model: the covariances of some members that maximise their likelihood together.

Every step minimises sum_k n_k [log |S_k| + tr(V_k S_k^-1)] over the covariances S_k of g members under its constraint,
given weights n_k > 0 and each member's own covariance V_k, its scatter over its weight (Celeux & Govaert 1995). V_k are
(g, d) where the model keeps columns independent, else (g, d, d); S_k come in the same layout.

Where volumes vary over a common shape, the best shape is known for given volumes, and what is left is convex in the
logarithms of the volumes: a Newton iteration in g numbers, whatever d (`_volumes`). The two models with common axes
are in `covariance_axes`. The others are closed forms.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from likely.families.covariance_axes import EqualVolumes, OwnVolumes, common_axes_step
from likely.families.gaussian import COLLAPSED
from likely.families.moments import lift, outer
from likely.numerics.soft import Array

Step = Callable[[Array, Array, Array | None], Array]  # own covariances, weight (g,), those before: the new ones

LEAST = 1e-30  # of the largest variance: a direction with less has vanished, and is left so small that a guard sees it
NEWTON = 100
SHORTER = 30
SETTLED = 1e-8  # a Newton step as short as this leaves nothing but rounding
ROUNDING = 1e-15
LONGEST = 4.0  # a Newton step changes no log volume by more


def full(own: Array, _weight: Array, _before: Array | None) -> Array:
    """VVV: every member by itself."""
    return own


def diagonal(own: Array, _weight: Array, _before: Array | None) -> Array:
    """VVI: every member by itself, column by column."""
    return own


def spherical(own: Array, _weight: Array, _before: Array | None) -> Array:
    """VII: every member by itself, one variance for all columns."""
    return np.broadcast_to(own.mean(1, keepdims=True), own.shape)


def evi(own: Array, weight: Array, _before: Array | None) -> Array:
    """EVI: each member's own shape with the common volume."""
    return _equal_volumes(_visible(own), weight)


def vei(own: Array, weight: Array, before: Array | None) -> Array:
    """VEI: one shape along the columns."""
    own = _visible(own)
    shape = _common_shape(own, weight, before, _column_shares)
    return (own / shape).mean(1)[:, None] * shape


def evv(own: Array, weight: Array, _before: Array | None) -> Array:
    """EVV: each member's own shape and axes with the common volume."""
    sd = np.sqrt(_visible(np.einsum("kdd->kd", own)))
    spread = np.maximum(np.linalg.eigvalsh(own / outer(sd)), LEAST)
    volume = np.exp((2 * np.log(sd) + np.log(spread)).mean(1))
    return own * (weight @ volume / weight.sum() / volume)[:, None, None]


def vee(own: Array, weight: Array, before: Array | None) -> Array:
    """VEE: one shape and its axes."""
    shape = _common_shape(own, weight, before, _whitened_shares)
    sd = np.sqrt(np.einsum("dd->d", shape))
    inverse = np.linalg.inv(shape / outer(sd)) / outer(sd)
    volume = (own * inverse).sum((1, 2)) / len(sd)
    return volume[:, None, None] * shape


def eev(own: Array, weight: Array, _before: Array | None) -> Array:
    """EEV: the same variances along axes of each member's own."""
    size, axes = _descending(own)
    return _turned(np.broadcast_to(weight @ size / weight.sum(), size.shape), axes)


def vev(own: Array, weight: Array, before: Array | None) -> Array:
    """VEV: one shape along axes of each member's own."""
    size, axes = _descending(own)
    return _turned(vei(size, weight, before), axes)


def eve(own: Array, weight: Array, before: Array | None) -> Array:
    """EVE: common axes, and shapes of each member's own with the common volume."""
    size, axes = common_axes_step(own, before, EqualVolumes(weight / weight.sum()))
    return _turned(_equal_volumes(size, weight), axes)


def vve(own: Array, weight: Array, before: Array | None) -> Array:
    """VVE: common axes, and variances along them of each member's own."""
    return _turned(*common_axes_step(own, before, OwnVolumes(weight / weight.sum())))


STEPS: dict[str, Step] = {
    "VII": spherical, "VEI": vei, "EVI": evi, "VVI": diagonal, "VEE": vee, "EVE": eve, "VVE": vve,
    "EEV": eev, "VEV": vev, "EVV": evv, "VVV": full,
}  # fmt: skip


def _visible(size: Array) -> Array:
    """Variances (g, d), those that have vanished next to other members' made small but positive."""
    return np.maximum(size, LEAST * size.max(0))


def _equal_volumes(size: Array, weight: Array) -> Array:
    """Variances (g, d) of these shapes, with the one product of variances that is best for all.

    A member that is flat beside the others has no volume, and no finite shape that would give it the common one: 0.
    """
    volume = np.exp(np.log(size).mean(1))
    flat = (size <= COLLAPSED * size.max(0)).any(1)
    return size * np.where(flat, 0.0, weight @ volume / weight.sum() / volume)[:, None]


def _descending(own: Array) -> tuple[Array, Array]:
    """Eigenvalues (g, d), largest first, and eigenvectors as columns (g, d, d)."""
    size, axes = np.linalg.eigh(own)
    return _visible(np.maximum(size[:, ::-1], 0.0)), axes[:, :, ::-1]


def _turned(variance: Array, axes: Array) -> Array:
    """(g, d, d): covariances with these variances along axes (g, d, d) or (d, d)."""
    out = (axes * variance[:, None, :]) @ np.swapaxes(axes, -1, -2)
    return (out + np.swapaxes(out, 1, 2)) / 2


def _column_shares(scaled: Array) -> tuple[float, Array]:
    """Log determinant of the sum of diagonal matrices (g, d), and the part (g, d) of each in it."""
    total = scaled.sum(0)
    return float(np.log(total).sum()), scaled / total


def _whitened_shares(scaled: Array) -> tuple[float, Array]:
    """The same for matrices (g, d, d), in coordinates where their sum is the identity."""
    total = scaled.sum(0)
    sd = np.sqrt(np.einsum("dd->d", total))
    try:
        factor = np.linalg.cholesky(total / outer(sd))
    except np.linalg.LinAlgError:  # one volume has all but swallowed the others
        return np.inf, np.zeros_like(scaled)
    white = np.linalg.inv(factor) / sd
    log_det = 2 * float((np.log(np.einsum("dd->d", factor)) + np.log(sd)).sum())
    return log_det, white @ scaled @ white.T


def _common_shape(
    own: Array, weight: Array, before: Array | None, shares: Callable[[Array], tuple[float, Array]]
) -> Array:
    """The best common shape, up to a factor: the sum of n_k V_k over volumes, at the best volumes.

    With s_k = -log volume_k, what is left to minimise is log |sum_k exp(s_k) n_k V_k| - d sum_k (n_k / n) s_k: convex,
    and flat along equal changes of all s_k.
    """
    share, d = weight / weight.sum(), own.shape[1]

    def at(s: Array) -> tuple[float, Array, Array, Array]:
        scaled = lift(share * np.exp(s), own) * own
        log_det, parts = shares(scaled)
        trace = parts.sum(1) if parts.ndim == 2 else np.einsum("kdd->k", parts)
        return log_det - d * float(share @ s), trace, parts.reshape(len(s), -1), scaled.sum(0)

    s = -np.log(np.maximum(at(np.zeros(len(share)))[1] / (d * share), LEAST)) if before is None else _volumes(before)
    value, trace, parts, total = at(s)
    for _ in range(NEWTON):
        slope = trace - d * share
        step = _newton_step(slope, trace, parts)
        for _ in range(SHORTER):
            new = at(s + step)
            if new[0] <= value + ROUNDING * max(1.0, abs(value)):
                break
            step = step / 2
        else:
            break
        s, (value, trace, parts, total) = s + step, new
        if np.abs(step).max() <= SETTLED:
            break
    return total


def _volumes(covariance: Array) -> Array:
    """(g,): minus the logarithms of the volumes, from their mean."""
    d = covariance.shape[1]
    size = np.log(covariance).mean(1) if covariance.ndim == 2 else np.linalg.slogdet(covariance)[1] / d
    return size.mean() - size


def _newton_step(slope: Array, trace: Array, parts: Array) -> Array:
    """Minus the slope over the curvature diag(trace) - parts parts', across the direction in which it is flat."""
    scale = np.sqrt(trace)
    parts, flat = parts / scale[:, None], scale / np.linalg.norm(scale)
    curvature = (1 + 1e-15) * np.eye(len(scale)) - parts @ parts.T + outer(flat)
    step = np.linalg.solve(curvature, -slope / scale) / scale
    return step * min(1.0, LONGEST / np.abs(step).max())
