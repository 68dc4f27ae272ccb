"""Weighted least squares for a bank of regressions: coefficients free, tied, or known in any of their entries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from likely.core.slot import Slot
from likely.errors import Degenerate, ModelError
from likely.families.gaussian import COLLINEAR
from likely.families.moments import Moments, outer
from likely.numerics.soft import Array


def residual_scatter(stats: Moments, coefficients: Array, intercept: Array) -> Array:
    """(k, d, d): scatter of the responses about the regression, from moments of (given, x)."""
    k, d, p = coefficients.shape
    away = np.concatenate([-coefficients, np.broadcast_to(np.eye(d), (k, d, d))], 2)
    error = stats.mean[:, p:] - intercept - _apply(coefficients, stats.mean[:, :p])
    return away @ stats.scatter @ np.swapaxes(away, 1, 2) + stats.weight[:, None, None] * outer(error)


def own_regressions(stats: Moments, p: int) -> tuple[Array, Array]:
    """Coefficients (k, d, p) and intercepts (k, d) where every member has its own; NaN without weight."""
    seen = stats.weight > 0
    gram = np.where(seen[:, None, None], _within(stats, p), np.eye(p))
    for member in np.flatnonzero(seen):
        _require_determined(gram[member], [int(member)], stats)
    sd = np.sqrt(np.einsum("kpp->kp", gram))
    slopes = np.linalg.solve(gram / outer(sd), stats.scatter[:, :p, p:] / sd[:, :, None]) / sd[:, :, None]
    coefficients = np.where(seen[:, None, None], np.swapaxes(slopes, 1, 2), np.nan)
    return coefficients, stats.mean[:, p:] - _apply(coefficients, stats.mean[:, :p])


class Regressions:
    """The normal equations of all members under two slots, for any covariance of the residuals.

    Member k has the mean theta[k] h, theta (d, p + 1) and h = (given - reference[k], 1): the last column of theta is
    the intercept at the reference. Every entry of theta is known, or a known offset plus one of the unknowns.

    Parameters
    ----------
    stats : Moments                     of (given, x)
    coefficients, intercept : Slot      events (d, p) and (d,); Normal priors on them add to what the rows tell
    """

    def __init__(self, stats: Moments, coefficients: Slot, intercept: Slot):
        (d, p), k = coefficients.event, coefficients.k
        self.weight, self.p = stats.weight, p
        self.reference = _reference(stats, coefficients, intercept)
        # Where all intercepts are unknown, a common level of the responses goes into them and costs no digits.
        movable = intercept.known is None and intercept.prior is None
        self.level = _average(stats.weight, stats.mean[:, p:]) if movable else np.zeros(d)
        slope, slope_base = numbered(coefficients)
        height, height_base = numbered(intercept)
        if intercept.known is None:
            height_base = height_base + _apply(slope_base, self.reference)
        number = np.concatenate([slope, np.where(height < 0, -1, height + k * d * p)[:, :, None]], 2)
        self.base = np.concatenate([slope_base, height_base[:, :, None]], 2)
        h = np.concatenate([stats.mean[:, :p] - self.reference, np.ones((k, 1))], 1)
        self.gram = stats.weight[:, None, None] * outer(h)
        self.gram[:, :p, :p] += _within(stats, p)
        self.cross = stats.weight[:, None, None] * (stats.mean[:, p:] - self.level)[:, :, None] * h[:, None, :]
        self.cross[:, :, :p] += stats.scatter[:, p:, :p]
        # Members have unknowns in common only where something is tied.
        tied = coefficients.ties or intercept.ties
        self.groups = [np.arange(k)] if tied else list(np.arange(k)[:, None])
        self.number = number.reshape(k, -1)
        (slope, about), (height, at) = entry_priors(coefficients), entry_priors(intercept)
        self.certainty = np.concatenate([slope, height[:, :, None]], 2)
        self.expected = np.concatenate([about, at[:, :, None]], 2)
        alone = np.broadcast_to(np.eye(d), (k, d, d))
        for members in self.groups:
            _, matrix, _ = self._system(members, alone)
            _require_determined(matrix, members.tolist(), stats)

    def solve(self, precision: Array) -> tuple[Array, Array]:
        """Coefficients (k, d, p) and intercepts (k, d) that are best where residuals have these precisions (k, d, d).

        Entries that no weight informs are NaN.
        """
        theta = self.base.copy()
        for members in self.groups:
            unknown, matrix, push = self._system(members, precision)
            scale = np.sqrt(np.einsum("mm->m", matrix))
            found = np.full(self.number.max() + 2, np.nan)
            found[-1] = 0.0  # what the number -1 of known entries reads
            found[unknown] = np.linalg.solve(matrix / outer(scale), push / scale) / scale
            theta[members] += found[self.number[members]].reshape(theta[members].shape)
        coefficients, height = theta[:, :, : self.p], theta[:, :, self.p]
        return coefficients, height + self.level - _apply(coefficients, self.reference)

    def _system(self, members: Array, precision: Array) -> tuple[Array, Array, Array]:
        """Numbers (m,) of the unknowns that some weight informs, and their equations (m, m), (m,)."""
        number = self.number[members]
        told = (self.weight[members] > 0)[:, None] | (self.certainty[members].reshape(number.shape) > 0)
        unknown = np.unique(number[told])
        unknown = unknown[unknown >= 0]
        m = len(unknown)
        place = np.full(self.number.max() + 2, m)  # the last row and column collect what nobody reads
        place[unknown] = np.arange(m)
        at = place[number]
        residual = self.cross[members] - self.base[members] @ self.gram[members]
        blocks = np.einsum("kij,kab->kiajb", precision[members], self.gram[members]).reshape(*at.shape, at.shape[1])
        matrix, push = np.zeros((m + 1, m + 1)), np.zeros(m + 1)
        np.add.at(matrix, (at[:, :, None], at[:, None, :]), blocks)
        np.add.at(push, at, (precision[members] @ residual).reshape(at.shape))
        first = np.zeros(self.number.max() + 2, int)
        first[self.number.ravel()[::-1]] = np.arange(self.number.size)[::-1]  # a prior on a tied value counts once
        certainty, expected = (a.ravel()[first[unknown]] for a in (self.certainty, self.expected))
        return unknown, matrix[:m, :m] + np.diag(certainty), push[:m] + certainty * expected


def refuse_dependent(stats: Moments, coefficients: Slot, intercept: Slot, names: Sequence[str]) -> None:
    """Raise a ModelError that names covariates whose coefficients no split of the rows could determine."""
    p = coefficients.event[1]
    if coefficients.prior is not None:
        return  # it determines what rows do not
    free = np.ones(p, bool) if coefficients.known is None else np.isnan(coefficients.known).any((0, 1))
    centre = _average(stats.weight, stats.mean)
    total = stats.about(np.zeros_like(centre) if intercept.fixed else centre).sum(0)[None]
    together = Moments(stats.weight.sum(keepdims=True), stats.dof.sum(keepdims=True), centre[None], total)
    gram = _within(together, p)[0]
    involved = np.flatnonzero(free)[_dependent(gram[np.ix_(free, free)])]
    if not len(involved):
        return
    words = [f"'{names[j]}'" if names else str(j + 1) for j in involved]
    if len(words) == 1:
        raise ModelError(
            f"LinearGaussian: covariate {words[0]} does not vary, so its coefficient is not determined. "
            "Leave it out; the intercept describes what is constant.",
            slot="coefficients",
        )
    raise ModelError(
        f"LinearGaussian: covariates {', '.join(words[:-1])} and {words[-1]} depend linearly on one another (or there "
        "are too few rows), so their coefficients are not determined. Leave one of them out, or give its coefficient "
        "a value.",
        slot="coefficients",
    )


def _require_determined(gram: Array, members: list[int], stats: Moments) -> None:
    if len(_dependent(gram)):
        weights = stats.weight[members].tolist()
        raise Degenerate("its coefficients are not determined by the rows it has", members=members, weights=weights)


def _dependent(gram: Array) -> Array:
    """Positions of columns of which a linear combination vanishes, as far as rounding can tell; else none."""
    sd = np.sqrt(np.maximum(np.einsum("mm->m", gram), 0.0))
    if not len(sd) or (sd == 0).any():
        return np.flatnonzero(sd == 0)[:1]
    size, axes = np.linalg.eigh(gram / outer(sd))
    if size[0] > COLLINEAR:
        return np.zeros(0, int)
    return np.flatnonzero(np.abs(axes[:, 0]) > 0.01 * np.abs(axes[:, 0]).max())


def _within(stats: Moments, p: int) -> Array:
    """(k, p, p): scatter of the covariates; zero for one that varies by no more than the rounding of its mean."""
    scatter = stats.scatter[:, :p, :p]
    rounding = stats.weight[:, None] * (8 * np.finfo(float).eps * stats.mean[:, :p]) ** 2
    varies = np.einsum("kpp->kp", scatter) > rounding
    return np.where(varies[:, :, None] & varies[:, None, :], scatter, 0.0)


def _reference(stats: Moments, coefficients: Slot, intercept: Slot) -> Array:
    """(k, p): where the intercepts are taken.

    At the covariates' means, where intercept and coefficients do not disturb one another, if the slots allow it: the
    intercept there must again be free, or tied among the same members.
    """
    centre = stats.mean[:, : coefficients.event[1]]
    if intercept.known is not None or intercept.prior is not None or not set(intercept.ties) <= set(coefficients.ties):
        return np.zeros_like(centre)
    weight = intercept.pool(stats.weight)[:, None]
    return intercept.pool(stats.weight[:, None] * centre) / np.where(weight > 0, weight, 1.0)


def entry_priors(slot: Slot) -> tuple[Array, Array]:
    """(k,) + event: precision and centre of the prior of each entry; without a prior, no precision."""
    shape = (slot.k, *slot.event)
    if slot.prior is None:
        return np.zeros(shape), np.zeros(shape)
    q = slot.prior.known_params()
    return (1 / q.variance).reshape(shape), q.mean.reshape(shape)


def numbered(slot: Slot) -> tuple[Array, Array]:
    """(k,) + event: a number for each unknown of a slot, -1 where it is known; and what is added to it."""
    groups = len(slot.one(np.zeros(slot.k)))
    each = np.arange(groups * int(np.prod(slot.event))).reshape((groups, *slot.event))
    number = slot.spread(each)
    if slot.known is None:
        return number, np.broadcast_to(np.asarray(slot.offsets, float), number.shape)
    free = np.isnan(slot.known)
    return np.where(free, number, -1), np.where(free, 0.0, slot.known)


def _apply(coefficients: Array, points: Array) -> Array:
    """(k, d): coefficients (k, d, p) at points (k, p)."""
    return (coefficients @ points[:, :, None])[:, :, 0]


def _average(weight: Array, values: Array) -> Array:
    return weight @ values / (weight.sum() or 1.0)
