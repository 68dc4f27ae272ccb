"""Coordinates in which Newton's method for generalised linear models loses no digits to the units of covariates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from likely.core.params import Params
from likely.core.slot import Slot
from likely.families.glm_rows import Rows
from likely.families.moments import outer
from likely.numerics.soft import Array


@dataclass(frozen=True)
class Frame:
    """Coordinates (k, q p + q): coefficients of (given - centre) / scale, then the intercepts at the centre."""

    slots: tuple[Slot, Slot]
    centre: Array  # (p,)
    scale: Array  # (p,)
    weight: Array  # (k,)
    mean: Array  # (k, q) of the features
    gram: Array  # (k, p + 1, p + 1) of standardised covariates and a 1, under the weights
    offset: Array | float  # (k, q p + q) what is added to a tied value
    precision: Array  # (k, q p + q) of the normal priors, in these coordinates
    expected: Array  # (k, q p + q) their means

    @staticmethod
    def of(slots: tuple[Slot, Slot], stats: Rows) -> Frame:
        """The frame that suits some rows."""
        k, p = slots[0].k, slots[0].event[-1]
        weight, centre = stats.weight, np.zeros(p)
        total = weight.sum() or 1.0
        if _may_centre(*slots):
            centre = np.sum([q.weights.sum(1) @ q.given for q in stats.pieces], axis=0)[:p] / total
        gram = np.zeros((k, p + 1, p + 1))
        for piece in stats.pieces:
            z = centred(piece.given, centre)
            for member in range(k):
                gram[member] += z.T @ (z * piece.weights[:, member : member + 1])
        squares = np.einsum("kii->i", gram)[:p] / total
        varies = squares > (8 * np.finfo(float).eps * centre) ** 2  # by more than the rounding of its mean
        scale = np.where(varies, np.sqrt(squares), 1.0)
        units, told = np.append(scale, 1.0), np.append(varies, True)
        gram = np.where(told[:, None] & told, gram / outer(units), 0.0)
        mean = _means(stats, weight)
        blank = Frame(slots, centre, scale, weight, mean, gram, 0.0, np.zeros(0), np.zeros(0))
        shapes = (k, *slots[0].event), (k, *slots[1].event)
        offset = blank.coordinates(*(np.broadcast_to(s.offsets, f) for s, f in zip(slots, shapes, strict=True)))
        precision, expected = blank.priors()
        return Frame(slots, centre, scale, weight, mean, gram, offset, precision, expected)

    @property
    def p(self) -> int:
        """Number of covariates."""
        return len(self.centre)

    @property
    def q(self) -> int:
        """Number of linear predictors."""
        return self.mean.shape[1]

    @property
    def place(self) -> Array:
        """(q, p + 1): where the coefficients and the intercept of each predictor stand among the coordinates."""
        q, p = self.q, self.p
        return np.concatenate([np.arange(q * p).reshape(q, p), q * p + np.arange(q)[:, None]], 1)

    def coordinates(self, coefficients: Array, intercept: Array) -> Array:
        """Of values in the units of the data."""
        k = len(coefficients)
        slopes = coefficients.reshape(k, self.q, self.p)
        heights = intercept.reshape(k, self.q) + slopes @ self.centre
        return np.concatenate([(slopes * self.scale).reshape(k, -1), heights], 1)

    def params(self, u: Array) -> Params:
        """Values in the units of the data."""
        k, (coefficients, intercept) = len(u), self.slots
        slopes = u[:, : self.q * self.p].reshape(k, self.q, self.p) / self.scale
        heights = u[:, self.q * self.p :] - slopes @ self.centre
        # A known value comes back as it was written, whatever the units did to its last digit.
        return Params(
            coefficients=coefficients.settle(slopes.reshape(k, *coefficients.event)),
            intercept=intercept.settle(heights.reshape(k, *intercept.event)),
        )

    def known(self) -> Array:
        """(k, q p + q): NaN where something is to be estimated."""
        k, (coefficients, intercept) = len(self.weight), self.slots
        slopes = np.full((k, self.q, self.p), np.nan) if coefficients.known is None else coefficients.known
        heights = np.full((k, self.q), np.nan) if intercept.known is None else intercept.known
        scaled = slopes.reshape(k, self.q, self.p) * self.scale
        return np.concatenate([scaled.reshape(k, -1), heights.reshape(k, -1)], 1)

    def priors(self) -> tuple[Array, Array]:
        """Precisions (k, q p + q) and means of the normal priors; precision 0 where there is none."""
        k, units = len(self.weight), [np.tile(self.scale, self.q), np.ones(self.q)]
        precision, expected = [], []
        for slot, unit in zip(self.slots, units, strict=True):
            if slot.prior is None:
                precision.append(np.zeros((k, len(unit))))
                expected.append(np.zeros((k, len(unit))))
            else:
                own = slot.prior.known_params()
                precision.append(slot.share / own.variance.reshape(k, -1) / unit**2)
                expected.append(own.mean.reshape(k, -1) * unit)
        return np.concatenate(precision, 1), np.concatenate(expected, 1)


def centred(given: Array, centre: Array) -> Array:
    """Covariates about a centre, and a 1: a copy."""
    z = given.copy()
    if centre.any():
        z[:, :-1] -= centre
    return z


def _may_centre(coefficients: Slot, intercept: Slot) -> bool:
    """Is the intercept at another place again free, or tied among the same members?"""
    if intercept.known is not None or intercept.prior is not None:
        return False
    alike = coefficients.known is None and not np.any(coefficients.offsets)
    return not intercept.ties or (alike and set(intercept.ties) <= set(coefficients.ties))


def _means(stats: Rows, weight: Array) -> Array:
    """(k, q): means of the features; 0 without weight."""
    total = np.zeros(())
    for piece in stats.pieces:
        features = np.broadcast_to(piece.features, (*piece.weights.shape, piece.features.shape[2]))
        total = total + np.einsum("nk,nkq->kq", piece.weights, features)
    return total / np.where(weight > 0, weight, 1.0)[:, None]
