"""How the objective bends at a fit, in units that depend neither on those of the data nor on the parameters chosen."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from likely.numerics.soft import Array
from likely.workflows.certificate import Direction, direction
from likely.workflows.surface import Surface
from likely.workflows.uncertainty import moved_along

FLAT = 1e-6  # of the information of all rows: less cannot be told from zero where scores are differenced
ROUNDING = 1e-8  # of an entry of the information
# Complete rows that would tell as much as all the data do. Below it a move by the standard deviation of one row costs
# less than a 95 % interval allows: half the 95 % point of chi-square with one degree of freedom, 3.84 / 2 nats.
WEAK = 3.84
# A row whose hidden point is known tells far more than any row that is seen, so there a single one is the measure.
WEAK_OF_POINTS = 1.0
SHARE = 0.05  # but not where that is this part of everything, as with a handful of rows


class Bend:
    """Gradient and observed information in units of what one complete row tells.

    With I the observed information of the n rows and I_c what it would be were nothing hidden, the eigenvectors v of
    I v = (l / n) I_c v have v' I v = l and v' I_c v = n: along each of them the data tell as much as l rows whose
    labels are known, and 1 - l / n is the fraction of missing information. Nothing of this depends on the units of the
    data or on the choice of parameters. A coordinate that no row speaks of (a mean of a component of weight zero) takes
    no part. Nor do directions that leave the distribution as it is: what is across them in the metric of I_c does, so
    that nothing depends on where along them the fit stands.

    Attributes
    ----------
    score : array (p,)             gradient of the objective, by the standard deviation of one row in each coordinate
    eigenvalues : array (l,)       ascending, of the l coordinates that take part
    vectors : array (p, l)
    neutral : array (p, r)         those that were left out
    noise : float                  an eigenvalue so small cannot be told from zero
    """

    def __init__(self, surface: Surface, *, dead: bool = False):
        self.surface = surface
        p, items = len(surface.point), surface.items
        self.scale = surface.scale if p else np.ones(0)
        self.score = surface.score() * self.scale if p else np.zeros(0)
        information, complete = (
            (each() if p else np.zeros((0, 0))) * np.outer(self.scale, self.scale)
            for each in (surface.curvature, surface.complete)
        )
        silent = np.abs(information).max(1, initial=0.0) <= FLAT * items
        part = np.flatnonzero(~silent if dead else np.ones(p, bool))
        among = np.ix_(part, part)
        self.neutral = surface.neutral if p else np.zeros((0, 0))
        across = _across(self.neutral[part], complete[among])
        information, complete = (across.T @ matrix[among] @ across for matrix in (information, complete))
        self.eigenvalues, inner, self.noise = _related(information, complete, items)
        self.vectors = np.zeros((p, across.shape[1]))
        self.vectors[part] = across @ inner
        # Where the gradient is not quite zero, the bend of the chart itself adds as much as that to the curvature.
        self.noise += 2 * float(np.linalg.norm(self.vectors.T @ self.score))
        few = WEAK_OF_POINTS if surface.family.hides_points else WEAK
        self.weak = max(min(few, SHARE * items), self.noise)

    @property
    def gradient(self) -> float:
        """Norm of the gradient."""
        return float(np.linalg.norm(self.score))

    @property
    def distance(self) -> float:
        """Of the maximum in standard errors, sqrt(s' I^-1 s); where the objective does not fall, at least so far.

        There the information of complete rows stands in for that of the data, which is smaller.
        """
        along = self.vectors.T @ self.score
        info = np.where(self.eigenvalues > self.noise, self.eigenvalues, self.surface.items)
        return float(np.sqrt((along**2 / info).sum()))

    @property
    def rises(self) -> bool:
        """Does the objective curve upwards somewhere?"""
        return bool((self.eigenvalues < -self.noise).any())

    @property
    def falls(self) -> bool:
        """Does it curve downwards in every direction?"""
        return bool((self.eigenvalues > self.noise).all())

    @property
    def unknown(self) -> int:
        """In how many directions do the data tell next to nothing?"""
        return int((self.eigenvalues < self.weak).sum())

    def along(self, i: int) -> Direction:
        """The i-th direction in words; changes are in standard deviations of one complete row."""
        changes = self.jacobian @ self.vectors
        size = np.sqrt((changes**2).sum(1))
        return direction(self.names, changes[:, i] / np.where(size > 0, size, np.inf))

    @cached_property
    def undetermined(self) -> Array:
        """(q,): which numbers differ between descriptions of the same distribution."""
        return moved_along(self.neutral, self.jacobian)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the numbers people read."""
        return self.surface.numbers().names

    @cached_property
    def jacobian(self) -> Array:
        """(q, p): change of those numbers along each coordinate, in units of its scale."""
        s = self.surface
        finite = np.isfinite(s.numbers().values)  # a number at infinity stays there
        return s.slopes(lambda points: np.where(finite, s.values(points), 0.0)) * self.scale


def _across(neutral: Array, complete: Array) -> Array:
    """(p, l): orthonormal directions that are across the neutral ones in the metric of the complete data."""
    if not neutral.shape[1]:
        return np.eye(len(complete))
    axes, size, _ = np.linalg.svd(complete @ neutral)
    return axes[:, int((size > FLAT * size.max(initial=0.0)).sum()) :]


def _related(information: Array, complete: Array, items: float) -> tuple[Array, Array, float]:
    """Eigenvalues (ascending) and vectors of one matrix in the metric of another; and what rounding may make of zero.

    Where also complete rows tell nothing the eigenvalue is zero, or what it is where that is below zero.
    """
    told, axes = np.linalg.eigh(complete / items)
    known = told > FLAT
    white, flat = axes[:, known] / np.sqrt(told[known]), axes[:, ~known]
    values, inner = np.linalg.eigh(white.T @ information @ white)
    lowest = np.diag(flat.T @ information @ flat)
    lowest = np.where(lowest < -FLAT * items, lowest, 0.0)
    values, vectors = np.concatenate([lowest, values]), np.concatenate([flat, white @ inner], 1)
    order = np.argsort(values, kind="stable")
    noise = items * max(FLAT, ROUNDING / told[known].min(initial=1.0))
    return values[order], vectors[:, order], noise
