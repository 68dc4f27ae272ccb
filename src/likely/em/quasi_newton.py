"""The end of a climb on which EM crawls: BFGS in free coordinates, whose trials are passes like any other.

A pass brings the objective and expected statistics, and with them the gradient: by Fisher's identity it is that of the
expected log density + log prior, a cheap function of the statistics. So every pass, kept or not, says how the objective
bends (Jamshidian & Jennrich 1993, 1997). BFGS begins with the curvature of that function, which is that of complete
data, and learns what is missing; along directions in which nothing changes it does not move.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from likely.core.family import Family
from likely.core.params import Params
from likely.em.bank import bank_of, coordinates, laid_out
from likely.em.loop import Step
from likely.em.stopping import enough
from likely.numerics.soft import Array

MOST = 60  # free coordinates
ROOM = 2**21  # numbers in the statistics of all models that are evaluated together
WIDE, NEAR = 1e-4, 1e-2  # steps of differences: of a coordinate, then of a standard error under complete data
LONGEST = 1.0  # of them, in units of a coordinate or 1, where complete data say little
FLAT = 1e-8  # of the largest curvature: what is below it is not told
PARALLEL = 1e-8  # the least cosine between a step and the change of the gradient that says how the objective bends
FARTHEST = 3.0  # how far a coordinate moves at once, in units of itself or 1
SURE = 0.1  # of the tolerance: what is left is judged by a curvature that is learnt
TOO_FAR = 2.0  # times what was to be gained: a fall from which nothing is learnt of the curvature here
KEPT = 0.01  # of what the gradient promised: a step that gains less is a failure, though it is taken
STRIKES = 4  # trials in a row that led nowhere, after which curvatures are no longer believed


@dataclass(frozen=True)
class Place:
    """Free coordinates, and the objective and its gradient there."""

    u: Array
    gradient: Array
    objective: float


class Slopes:
    """Gradients of the objective at the parameters of steps, and the curvature of complete data.

    Parameters
    ----------
    family : Family      bound
    step : Step          says what is on the boundary, and has no coordinate
    """

    def __init__(self, family: Family, step: Step):
        self.family, self.like = family, step.params
        self.sizes = coordinates(family, step.params)
        self.q = sum(self.sizes)
        self.unit = np.ones(self.q)

    @classmethod
    def of(cls, family: Family, step: Step) -> Slopes | None:
        """None where there are no coordinates, or too many."""
        out = cls(family, step)
        if not 0 < out.q <= MOST or 4 * out.q * step.stats.pack(step.stats).size > ROOM:
            return None
        return out

    @cached_property
    def _bank(self) -> tuple[Family, Params]:
        models = 4 * self.q + 1
        return bank_of(self.family, models), Params.concatenate([self.like] * models)

    def place(self, step: Step) -> Place | None:
        """None where the coordinates are others, or infinite."""
        u = self.coordinates(step)
        if u is None:
            return None
        try:
            gradient, bend = self._derivatives(u, step.stats)
        except np.linalg.LinAlgError:
            return None
        self._measure(u, bend)
        return Place(u, gradient, step.objective) if np.isfinite(gradient).all() else None

    def coordinates(self, step: Step) -> Array | None:
        """(q,) of the parameters of a step."""
        try:
            with np.errstate(all="ignore"):
                u = self.family.flatten(step.params)
        except np.linalg.LinAlgError:
            return None
        return u if len(u) == self.q and np.isfinite(u).all() else None

    def at(self, u: Array, stats: Any = None) -> Params:
        """Parameters at coordinates; given statistics, no closer to the boundary than these let an M-step come."""
        with np.errstate(all="ignore"):
            params = self.family.unflatten(u, self.like)
        possible = stats is not None and all(np.isfinite(v).all() for v in _numbers(params))
        return self.family.held(params, stats) if possible else params

    def curvature(self, step: Step) -> Array | None:
        """(q, q): minus the second derivatives of the expected log density + log prior; it also sets the units."""
        u = self.coordinates(step)
        if u is None:
            return None
        self.unit = WIDE / NEAR * np.maximum(1.0, np.abs(u))
        for _ in range(2):
            self._measure(u, self._derivatives(u, step.stats)[1])
        sides = [
            [self._derivatives(u + sign * e, step.stats)[0] for sign in (1, -1)] for e in np.diag(NEAR * self.unit)
        ]
        bend = np.array([behind - ahead for ahead, behind in sides]) / (2 * NEAR * self.unit[:, None])
        return 0.5 * (bend + bend.T) if np.isfinite(bend).all() else None

    def _measure(self, u: Array, bend: Array) -> None:
        """Units of the coordinates: standard errors under complete data."""
        safe = np.where(bend > 0, bend, 1.0)
        found = np.where((bend > 0) & np.isfinite(bend), 1 / np.sqrt(safe), self.unit)
        self.unit = np.minimum(found, LONGEST * np.maximum(1.0, np.abs(u)))

    def _derivatives(self, u: Array, stats: Any) -> tuple[Array, Array]:
        """Of the expected log density + log prior: first ones, and minus the second ones along the coordinates."""
        h = NEAR * self.unit
        steps = np.diag(h)
        each = self._values(np.concatenate([u + steps, u - steps, u + 2 * steps, u - 2 * steps, u[None]]), stats)
        ahead, behind, further, back = each[:-1].reshape(4, self.q)
        with np.errstate(invalid="ignore"):
            slope = (8 * (ahead - behind) - (further - back)) / (12 * h)
            return slope, (2 * each[-1] - ahead - behind) / h**2

    def _values(self, points: Array, stats: Any) -> Array:
        """(4q + 1,): the same at coordinates (4q + 1, q), models side by side; all are near the last."""
        bank, like = self._bank
        with np.errstate(all="ignore"):
            params = bank.unflatten(laid_out(points, self.sizes), like)
            together = stats.blocks([0] * len(points), of=1)
            centre = bank.unflatten(laid_out(np.broadcast_to(points[-1], points.shape), self.sizes), like)
            each = bank.expected_near(params, together, centre).reshape(len(points), -1).sum(1)
            return each + bank.log_priors(params, len(points))


@dataclass
class QuasiNewton:
    """Proposes parameters, and learns from every pass what came of it.

    `left` is what a quadratic function of this gradient and curvature has left to gain.
    """

    tol: float
    slopes: Slopes
    here: Place  # the best so far
    metric: Array  # (q, q): inverse curvature
    trial: Array = field(default_factory=lambda: np.zeros(0))  # (q,): the step that was proposed
    shorter: float = 1.0  # the part of the next step that is tried
    strikes: int = 0
    left: float = np.inf
    least: float = np.inf  # that ever was
    arrived: bool = False  # is that next to nothing?

    @classmethod
    def begin(
        cls, tol: float, family: Family, step: Step, seen: Sequence[Step]
    ) -> QuasiNewton | None:  # fmt: skip
        """From a step, and what others before it say of the curvature; None where it cannot."""
        slopes = Slopes.of(family, step)
        bend = None if slopes is None else slopes.curvature(step)
        here = None if slopes is None else slopes.place(step)
        if slopes is None or bend is None or here is None:
            return None
        out = cls(tol, slopes, here, _inverse(bend))
        places = [p for s in seen if (p := slopes.place(s)) is not None]
        for before, after in pairwise([*places, here]):
            out._learn(before, after)
        return out

    def propose(self, rounding: float) -> Params | None:
        """The next parameters; None where there is nothing left to gain, or no way to it was found."""
        direction = self.metric @ self.here.gradient
        self.left = 0.5 * float(self.here.gradient @ direction)
        self.least = min(self.left, self.least)
        self.arrived = self.left < max(SURE * enough(self.tol), rounding)
        if self.strikes >= STRIKES:  # where next to nothing was left before, rounding has taken over
            self.arrived |= self.least < enough(self.tol)
            return None
        if self.arrived:
            return None
        farthest = float(np.max(np.abs(direction) / np.maximum(1.0, np.abs(self.here.u))))
        self.trial = direction * min(self.shorter, FARTHEST / farthest)
        return self.slopes.at(self.here.u + self.trial)

    def judge(self, accepted: bool, tried: Step) -> None:
        """Told what came of a proposal."""
        there = self.slopes.place(tried) if np.isfinite(tried.objective) else None
        if there is not None and (accepted or self.here.objective - there.objective < TOO_FAR * self.left):
            self._learn(self.here, there)
        promised = float(self.here.gradient @ self.trial)
        if accepted and there is not None:
            kept = there.objective - self.here.objective > KEPT * promised
            self.here, self.strikes = there, 0 if kept else self.strikes + 1
            self.shorter = min(1.0, 2 * self.shorter) if kept else 0.5 * self.shorter
        else:
            self.strikes += 1
            self.shorter *= 0.1 if there is None else _shortened(self.here, there)

    def _learn(self, before: Place, after: Place) -> None:
        """The BFGS update of the metric."""
        s, y = after.u - before.u, before.gradient - after.gradient
        sy = float(s @ y)
        if not sy > PARALLEL * np.linalg.norm(s) * np.linalg.norm(y):
            return
        v = np.eye(len(s)) - np.outer(s, y) / sy
        self.metric = v @ self.metric @ v.T + np.outer(s, s) / sy


def _numbers(params: Params) -> Iterator[Array]:
    for name in params:
        yield from _numbers(params[name]) if isinstance(params[name], Params) else [np.asarray(params[name])]


def _shortened(here: Place, there: Place) -> float:
    """Where a parabola through both heights, with the slope here, is highest, as a part of the step."""
    s = there.u - here.u
    slope = float(here.gradient @ s)
    drop = slope - (there.objective - here.objective)
    return float(np.clip(0.5 * slope / drop, 0.1, 0.5)) if drop > 0 else 0.5


def _inverse(curvature: Array) -> Array:
    """The inverse in which every direction goes uphill; flat directions are as flat as rounding can tell."""
    size = np.abs(np.diag(curvature))
    scale = np.sqrt(np.maximum(size, FLAT * size.max() + 1e-300))
    bend, axes = np.linalg.eigh(curvature / np.outer(scale, scale))
    bend = np.maximum(np.abs(bend), FLAT * np.abs(bend).max())
    return (axes / bend) @ axes.T / np.outer(scale, scale)
