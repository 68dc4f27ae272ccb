"""The M-step of a nonlinear state space: regressions in closed form, and Gauss-Newton where theta is not linear."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.params import Params
from likely.core.slot import Slot
from likely.errors import Degenerate, ModelError
from likely.families.gaussian import pretend_scatter
from likely.numerics.extended import LOG_2PI, divided
from likely.numerics.soft import Array
from likely.structures.noise import Noise
from likely.structures.nonlinear_moments import Cloud, FeatureMoments, NonlinearStats

ROUNDS = 20  # of coefficients and noises in turn
SETTLED = 1e-10  # a change of the coefficients, relative, at which rounds end
STEPS = 30  # of Gauss-Newton
COLLAPSED = 1e-14  # a variance this far below where it began has no support

FREE_BOTH = (
    "NonlinearStateSpace.m0 and P0 both have free entries, and one sequence (or a component with one sequence) says "
    "nothing of how first states scatter. Give P0 a value, as in P0=1, or a prior."
)


def maximised(family: Any, stats: NonlinearStats, old: Params) -> Params:
    """Parameters at which the expected log density + log prior is no lower than at the old ones."""
    new = _first(family, stats, old)
    regressed = [s for s in family.sides if s.coefficients is not None]
    for _ in range(ROUNDS):
        before = new
        for side in regressed:
            new = new.replace(**{side.coefficients: _regressed(family, side, stats, new)})
        if "theta" in family.slots:
            new = new.replace(theta=_climbed(family, stats, new))
        for side in family.sides:
            new = new.replace(**{side.noise: _noise(family, side, stats, new)})
        if _still(family, before, new):
            break
    return new


def _still(family: Any, before: Params, new: Params) -> bool:
    names = [s.coefficients for s in family.sides if s.coefficients is not None]
    names += ["theta"] * ("theta" in family.slots)
    return all(
        np.abs(new[n] - before[n]).max(initial=0.0) <= SETTLED * (1 + np.abs(new[n]).max(initial=0.0)) for n in names
    )


def expected(family: Any, params: Params, stats: NonlinearStats) -> Array:
    """(k,): expected log density of first states, moves and rows."""
    out = _log_normal(params.P0, stats.first.about(params.m0), stats.first.count)
    for side in family.sides:
        own = getattr(stats, side.stats)
        if own is not None:
            out = out + _log_normal(params[side.noise], own.residual(side.function(params)), own.count)
    return out


def _log_normal(cov: Array, scatter: Array, count: Array) -> Array:
    """The expected log density of `count` errors with this scatter; on its range where a covariance is singular."""
    try:
        factor = np.linalg.cholesky(cov)
        log_det = 2 * np.log(np.einsum("kii->ki", factor)).sum(1)
        rank = np.full(len(cov), cov.shape[1])
    except np.linalg.LinAlgError:
        size = np.linalg.eigvalsh(cov)
        on = size > 1e-12 * np.maximum(size[:, -1:], 1e-300)
        log_det, rank = np.where(on, np.log(np.where(on, size, 1.0)), 0.0).sum(1), on.sum(1)
    trace = np.einsum("kii->k", divided(cov, scatter))
    return -0.5 * (count * (rank * LOG_2PI + log_det) + trace)


def _first(family: Any, stats: NonlinearStats, old: Params) -> Params:
    mean, spread, first = family.slots["m0"], family.slots["P0"], stats.first
    alone = bool((first.series <= 1).any()) and not spread.ties
    if alone and not spread.fixed and spread.prior is None and not mean.fixed and mean.prior is None:
        raise ModelError(FREE_BOTH, slot="P0")
    precision = np.linalg.pinv(old.P0, hermitian=True)
    grip = first.count[:, None, None] * precision
    m0 = _solved(mean, old.m0, np.einsum("kij,kj->ki", precision, first.total), grip)
    return old.replace(m0=m0, P0=covariance(spread, first.about(m0), first.count, old.P0))


def _noise(family: Any, side: Any, stats: NonlinearStats, now: Params) -> Array:
    own = getattr(stats, side.stats)
    slot, before = family.slots[side.noise], now[side.noise]
    if own is None or slot.fixed:
        return before
    value = covariance(slot, own.residual(side.function(now)), own.count, before)
    low = np.einsum("kii->ki", value) <= COLLAPSED * np.einsum("kii->ki", before)
    gone = low.any(1) & (np.einsum("kii->ki", before) > 0).all(1)
    if gone.any():
        raise Degenerate(
            f"its {side.noise} fell to zero", members=np.flatnonzero(gone).tolist(),
            cure=f"Give {side.noise} a value, or a prior.",
        )  # fmt: skip
    return value


def covariance(slot: Slot, scatter: Array, count: Array, before: Array) -> Array:
    """(k, e, e): the most likely covariance of errors with this scatter, as its slot allows; NaN-free."""
    if slot.fixed:
        return before
    dof = count
    if slot.prior is not None:
        extra = pretend_scatter(slot.prior, scatter.shape[-1])
        dof, scatter = dof + slot.share * extra.dof, scatter + slot.share * extra.scatter
    total = slot.pool(dof)[:, None, None]
    mean = slot.pool(scatter) / np.where(total > 0, total, 1.0)
    restricted = slot.domain.restrict(mean) if isinstance(slot.domain, Noise) else mean
    return np.where(total > 0, slot.settle(restricted), before)


def _prior(slot: Slot) -> tuple[Array | float, Array | float]:
    """Precision and precision times mean of a Normal prior on every entry, (k, entries) each."""
    if slot.prior is None:
        return 0.0, 0.0
    known = slot.prior.known_params()
    grip = slot.share / known.variance.reshape(slot.k, -1)
    return grip, grip * known.mean.reshape(slot.k, -1)


def _solved(slot: Slot, now: Array, pull: Array, grip: Array) -> Array:
    """The maximum of pull' v - 1/2 v' grip v + log prior over the free entries v of a slot."""
    if slot.fixed:
        return now
    flat, offsets = now.reshape(slot.k, -1), np.broadcast_to(slot.offsets, now.shape).reshape(slot.k, -1)
    own, offset = _prior(slot)
    gradient = pull - np.einsum("kij,kj->ki", grip, flat) + offset - own * (flat - offsets)
    bend = grip + np.asarray(own)[..., None] * np.eye(flat.shape[1])
    return now + newton(slot, slot.pool(gradient), slot.pool(bend)).reshape(now.shape)


def newton(slot: Slot, gradient: Array, curvature: Array, damping: Array | float = 0.0) -> Array:
    """(k, q): the step that solves curvature step = gradient on the free entries, 0 on the others."""
    k, q = gradient.shape
    free = np.ones((k, q), bool) if slot.known is None else np.isnan(slot.known).reshape(k, q)
    size = np.einsum("kii->ki", curvature)
    scale = np.sqrt(np.where(free & (size > 0), size, 1.0))
    both = free[:, :, None] & free[:, None, :]
    scaled = np.where(both, curvature / (scale[:, :, None] * scale[:, None, :]), 0.0)
    scaled = scaled + np.eye(q) * (~free | (size <= 0))[:, None, :] + np.reshape(damping, (-1, 1, 1)) * np.eye(q)
    return divided(scaled, (np.where(free, gradient, 0.0) / scale)[..., None])[..., 0] / scale


def _regressed(family: Any, side: Any, stats: NonlinearStats, now: Params) -> Array:
    """Coefficients (k, e, q) of features: generalised least squares, with what is known, tied or drawn to a prior."""
    own: FeatureMoments | None = getattr(stats, side.stats)
    slot, value = family.slots[side.coefficients], now[side.coefficients]
    if own is None or slot.fixed:
        return value
    k, e, q = value.shape
    if slot.simple:
        return np.swapaxes(divided(own.features, np.swapaxes(own.cross, 1, 2)), 1, 2)
    precision = np.linalg.pinv(now[side.noise], hermitian=True)
    grip = np.einsum("kab,kij->kaibj", precision, own.features).reshape(k, e * q, e * q)
    return _solved(slot, value, (precision @ own.cross).reshape(k, e * q), grip)


def _climbed(family: Any, stats: NonlinearStats, now: Params) -> Array:
    """theta (k, q) by damped Gauss-Newton; the expected log density + log prior never falls."""
    slot = family.slots["theta"]
    sides = [(s, getattr(stats, s.stats)) for s in family.sides if s.coefficients is None]
    sides = [(s, own) for s, own in sides if isinstance(own, Cloud)]
    if slot.fixed or not sides:
        return now.theta
    precisions = {s.noise: np.linalg.pinv(now[s.noise], hermitian=True) for s, _ in sides}
    grip, offset = _prior(slot)

    def height(theta: Array) -> Array:
        at = now.replace(theta=theta)
        misfit = sum(
            (np.einsum("kij,kij->k", precisions[s.noise], own.residual(s.function(at))) for s, own in sides),
            np.zeros(slot.k),
        )
        centre = theta - slot.offsets
        value = -0.5 * misfit + (offset * centre - 0.5 * grip * centre**2) @ np.ones(theta.shape[1])
        return slot.pool(np.where(np.isfinite(value), value, -np.inf))

    theta, damping = now.theta, np.zeros(slot.k)
    here = height(theta)
    for _ in range(STEPS):
        at = now.replace(theta=theta)
        each = [own.slopes(s.function(at), precisions[s.noise]) for s, own in sides]
        pull = sum((g for g, _ in each), offset - grip * (theta - slot.offsets))
        bend = sum((b for _, b in each), np.asarray(grip)[..., None] * np.eye(theta.shape[1]))
        pull, bend = slot.pool(np.asarray(pull)), slot.pool(np.asarray(bend))
        step = newton(slot, pull, bend, damping)
        there = height(theta + step)
        better = there >= here
        moved = np.where(better[:, None], step, 0.0)
        damping = np.where(better, damping / 10, np.maximum(10 * damping, 1e-3))
        done = (np.abs(step) <= SETTLED * (1 + np.abs(theta))).all(1)
        theta, here = theta + moved, np.where(better, there, here)
        if done.all():
            break
    return theta
