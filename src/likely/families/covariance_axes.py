"""Covariances with their axes in common: the rotation under which those of all are as nearly diagonal as can be.

For axes D the best variances are known, t_kj = (D' V_k D)_jj up to factors (V_k is a member's own covariance), and what
is left to minimise is a function of the logarithms of t alone: sum_k n_k sum_j log t_kj where volumes vary (Flury
1984), log sum_k n_k exp(mean_j log t_kj) where they are equal. A Newton iteration on rotations D exp(K), K
skew-symmetric, does it: near a minimum it doubles the digits with each step, where the majorising steps of Browne &
McNicholas (2014) add some.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from likely.families.rotations import common_axes, rotation
from likely.numerics.soft import Array

STEPS = 100
SHORTER = 30
FLAT = 1e-11  # slope, of a function whose terms are of order one, at which a minimum is reached
ROUNDING = 1e-13  # by which the function may seem to rise on the last steps
FARTHEST = 0.5  # radians in one plane: a step turns no farther
VANISHED = 1e-30  # of the largest variance


class Criterion(Protocol):
    """A function of log variances (g, d) that is to be minimised; `share` (g,) is each member's part of the weight."""

    @property
    def share(self) -> Array: ...

    def value(self, log_size: Array) -> tuple[float, Array]:
        """The function, and its slope (g,) along every log variance of each member."""
        ...

    def bend(self, slope: Array, change: Array) -> Array:
        """(g,): change of the slopes where each member's mean log variance changes by `change` (g,)."""
        ...


@dataclass(frozen=True)
class OwnVolumes:
    """sum_k share_k sum_j log t_kj."""

    share: Array

    def value(self, log_size: Array) -> tuple[float, Array]:
        return float(self.share @ log_size.sum(1)), self.share

    def bend(self, slope: Array, change: Array) -> Array:
        return np.zeros_like(slope)


@dataclass(frozen=True)
class EqualVolumes:
    """d log sum_k share_k exp(mean_j log t_kj)."""

    share: Array

    def value(self, log_size: Array) -> tuple[float, Array]:
        mean, d = log_size.mean(1), log_size.shape[1]
        size = self.share * np.exp(mean - mean.max())
        total = size.sum()
        return float(d * (mean.max() + np.log(total))), size / total

    def bend(self, slope: Array, change: Array) -> Array:
        return slope * (change - slope @ change)


class Turned:
    """The criterion and its first two derivatives at some axes.

    Derivatives are skew-symmetric matrices: entry (i, j) belongs to the turn in the plane of axes i and j.
    """

    def __init__(self, axes: Array, own: Array, criterion: Criterion):
        self.axes, self.criterion = axes, criterion
        self.seen = axes.T @ own @ axes
        size = np.einsum("kdd->kd", self.seen)
        self.size = np.maximum(size, VANISHED * size.max())
        self.value, self.pull = criterion.value(np.log(self.size))
        self.ratio = self.seen / self.size[:, :, None]
        self.weighted = _mix(self.pull, self.ratio)
        self.slope = 2 * _skew(self.weighted)

    @property
    def steepest(self) -> float:
        return float(np.abs(self.slope).max())

    def curvature(self, turn: Array) -> Array:
        """The second derivative applied to a turn (d, d)."""
        seen_turn, down, across = self.seen @ turn, self.size[:, :, None], self.size[:, None, :]
        change = np.einsum("kdd->kd", seen_turn) / self.size
        each = (turn @ self.seen) / down + seen_turn / across + 4 * change[:, :, None] * self.ratio
        bend = self.criterion.bend(self.pull, 2 * change.mean(1))
        out = self.weighted @ turn + turn @ self.weighted - _mix(self.pull, each)
        return _skew(out + 2 * _mix(bend, self.ratio))

    def scale(self) -> Array:
        """(d, d): the second derivative in each plane where the covariances are diagonal, kept away from zero."""
        apart = (self.size[:, :, None] - self.size[:, None, :]) ** 2 / (self.size[:, :, None] * self.size[:, None, :])
        return np.maximum(2 * _mix(self.pull, apart), 1e-6)


def common_axes_step(own: Array, before: Array | None, criterion: Criterion) -> tuple[Array, Array]:
    """Variances (g, d) along the best common axes, and these (d, d), columns, for own covariances (g, d, d).

    The function has several minima, which lie near the axes of all members together or near those of one of them: at a
    start the search goes down from each of these, later from the axes before.
    """
    if before is not None:
        best = _descend(Turned(common_axes(before), own, criterion), own)
        return best.size, best.axes
    each = np.concatenate([_mix(criterion.share, own)[None], own])
    ends = [_descend(Turned(axes, own, criterion), own) for axes in np.linalg.eigh(each)[1]]
    best = min(ends, key=lambda t: t.value)
    return best.size, best.axes


def _descend(now: Turned, own: Array) -> Turned:
    """The minimum below some axes."""
    for _ in range(STEPS):
        if now.steepest <= FLAT or (new := _lower(now, own)) is None:
            break
        now = new
    return now


def _lower(now: Turned, own: Array) -> Turned | None:
    """A step along the Newton direction that lowers the function; None where rounding leaves no such step."""
    turn = _direction(now)
    turn *= min(1.0, FARTHEST / np.abs(turn).max())
    promised = _dot(now.slope, turn)
    for _ in range(SHORTER):
        new = Turned(now.axes @ rotation(turn), own, now.criterion)
        if new.value <= now.value + 1e-4 * promised:
            return new
        if new.value <= now.value + ROUNDING and new.steepest < 0.5 * now.steepest:
            return new
        turn, promised = turn / 2, promised / 2
    return None


def _direction(now: Turned) -> Array:
    """The Newton direction by conjugate gradients, cut short where the function bends down (Steihaug 1983)."""
    scale, slope = now.scale(), now.slope
    turn, left = np.zeros_like(slope), -slope
    scaled = left / scale
    way, size = scaled, _dot(left, scaled)
    enough = size * min(0.1, now.steepest) ** 2
    for _ in range(slope.size):
        bent = now.curvature(way)
        curvature = _dot(way, bent)
        if curvature <= 1e-12 * _dot(way, scale * way):
            return turn if turn.any() else way
        length = size / curvature
        turn, left = turn + length * way, left - length * bent
        scaled = left / scale
        size, old = _dot(left, scaled), size
        if size <= enough:
            return turn
        way = scaled + size / old * way
    return turn


def _mix(share: Array, matrices: Array) -> Array:
    """(d, d): matrices (g, d, d) in these shares (g,)."""
    return (share @ matrices.reshape(len(matrices), -1)).reshape(matrices.shape[1:])


def _skew(a: Array) -> Array:
    return a.T - a


def _dot(a: Array, b: Array) -> float:
    """Sum over the planes, each once."""
    return 0.5 * float(np.vdot(a, b))
