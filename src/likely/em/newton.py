"""The last resort of a climb: Newton's method in free coordinates, with a curvature that is measured pass by pass.

Where a state space is all but free of noise the likelihood is a long, bent and narrow valley: BFGS mixes curvatures of
different places and leads nowhere. Here the curvature is measured at one place, with a pass for each coordinate; a step
is followed by an M-step, which leads back to the middle of the valley at once (across it EM is fast, along it is slow);
and a step that did well is made again, twice as long, before the curvature is measured anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from likely.core.family import Family
from likely.core.params import Params
from likely.em.loop import Step
from likely.em.quasi_newton import Place, Slopes
from likely.em.stopping import enough
from likely.errors import Degenerate
from likely.numerics.soft import Array

PROBE = 0.03  # standard errors under complete data between the gradients whose difference measures the curvature
SOFTEST = 1e-6  # of the curvature of complete data: a probe is no longer where there is less
FLAT = 1e-12  # of the largest curvature: what is below it is not told
FARTHEST = 1.0  # how far a coordinate moves at once at first, in units of itself or 1
SHORTER, LONGER = 0.3, 2.0  # the next step after one that failed, and after one that did well
WELL = 0.25  # of what the gradient promised: a step that gains it did well
NOISE = 3.0  # standard deviations of the rounding of a gradient, below which it tells nothing
SURE = 0.1  # of the tolerance: what is left is judged by a measured curvature
STRIKES = 5  # steps in a row that led nowhere
SLOW, TURNS = 0.02, 4  # nats: so many curvatures in a row that led to less are the end of it


@dataclass
class Newton:
    """Proposes parameters, and learns from every pass what came of it.

    `left` is what a quadratic function of this gradient and curvature has left to gain.
    """

    tol: float
    slopes: Slopes
    here: Place  # the best so far
    latest: Any  # expected statistics there
    probes: list[int] = field(default_factory=list)  # coordinates along which the curvature is still to be measured
    columns: dict[int, Array] = field(default_factory=dict)  # and what has been, in these units:
    unit: Array = field(default_factory=lambda: np.zeros(0))  # (q,)
    axes: Array = field(default_factory=lambda: np.zeros((0, 0)))  # (q, f) in these units: what is not neutral
    lengths: Array = field(default_factory=lambda: np.zeros(0))  # (f,) of probes along them
    noise: float = 0.0  # rounding of the gradient along one of them
    curvature: Array = field(default_factory=lambda: np.zeros((0, 0)))  # (f, f) minus the second derivatives
    bend: Array = field(default_factory=lambda: np.zeros((0, 0)))  # (q, q) the same of coordinates
    radius: float = FARTHEST
    trial: Array = field(default_factory=lambda: np.zeros(0))  # (q,) the step that was proposed
    base: Place | None = None  # from where
    again: Array | None = None  # (q,) a step that did well, to be made again
    repeated: bool = False  # is the step that was proposed such a one?
    mending: Step | None = None  # the step that an M-step shall follow
    strikes: int = 0
    left: float = np.inf
    arrived: bool = False  # is that next to nothing?
    height: float = -np.inf  # objective where the curvature was measured last
    slow: int = 0  # curvatures in a row that led to next to nothing

    @classmethod
    def begin(cls, tol: float, family: Family, step: Step, few: float = np.inf) -> Newton | None:
        """None where it cannot, or where more than a `few` coordinates are all identified."""
        slopes = Slopes.of(family, step)
        if slopes is None or slopes.curvature(step) is None or (here := slopes.place(step)) is None:
            return None
        out = cls(tol, slopes, here, step.stats)
        if slopes.q > few and not len(family.neutral(step.params)):
            return None
        out._measure()
        return out

    @property
    def crawls(self) -> bool:
        """Is what is gained out of proportion to the effort, where values are not identified?"""
        return len(self.axes) > len(self.lengths)

    def propose(self, rounding: float) -> Params | None:
        """The next parameters; None where there is nothing left to gain, or no way to it was found."""
        if self.mending is not None:
            try:
                return self.slopes.family.maximize(self.mending.stats, self.mending.params)
            except (Degenerate, np.linalg.LinAlgError):
                self._came()
        if self.probes:
            i = self.probes[-1]
            self.trial = self.lengths[i] * self.unit * self.axes[:, i]
            return self.slopes.at(self.here.u + self.trial)
        self.base = self.here
        if self.again is not None:
            self.trial, self.again, self.repeated = self.again, None, True
        else:
            if self.strikes >= STRIKES or self.slow >= TURNS:
                return None
            self.trial = self._direction()
            self.arrived = self.left < max(SURE * enough(self.tol), rounding)
            if self.arrived:
                return None
        return self.slopes.at(self.here.u + self.trial, self.latest)

    def judge(self, accepted: bool, tried: Step) -> None:
        """Told what came of a proposal."""
        there = self.slopes.place(tried) if np.isfinite(tried.objective) else None
        before = self.here
        if accepted and there is not None:
            self.here, self.latest = there, tried.stats
        if self.probes:
            self._measured(before, there)
        elif self.mending is None and there is not None:
            self.mending = tried
        else:
            self._came()

    def _came(self) -> None:
        """A step and the M-step after it have been judged."""
        assert self.base is not None
        self.mending = None
        gained, step = self.here.objective - self.base.objective, self.here.u - self.base.u
        if gained > 0:
            self.strikes = 0
            if gained > WELL * float(self.base.gradient @ self.trial):
                self.radius = max(self.radius, LONGER * self._length(self.trial))
                self.again = LONGER * step
            else:
                self._measure()
        elif self.repeated:
            self._measure()
        else:
            self.strikes += 1
            self.radius = SHORTER * min(self.radius, self._length(self.trial))

    def _measure(self) -> None:
        """Begin to measure the curvature here: along the axes of the last one, far along those that bend little."""
        self.slow = self.slow + 1 if self.here.objective - self.height < SLOW else 0
        self.repeated, self.height = False, self.here.objective
        self.unit, self.columns = self.slopes.unit.copy(), {}
        self.axes, self.noise = self._frame()
        self.lengths = np.full(self.axes.shape[1], PROBE)
        if self.bend.size:
            size, along = np.linalg.eigh(self.axes.T @ (self.bend * np.outer(self.unit, self.unit)) @ self.axes)
            self.axes = self.axes @ along
            self.lengths = PROBE / np.sqrt(np.clip(np.abs(size), SOFTEST, 1.0))
        each = [self._length(self.unit * axis) for axis in self.axes.T]
        self.lengths = np.minimum(self.lengths, PROBE / np.array(each))
        self.probes = list(range(len(self.lengths)))

    def _measured(self, before: Place, there: Place | None) -> None:
        """A probe has come back. Of two that say how axes bend together the shorter is told more of this place."""
        i = self.probes.pop()
        change = np.zeros(self.slopes.q) if there is None else before.gradient - there.gradient
        self.columns[i] = self.axes.T @ (self.unit * change) / self.lengths[i]
        if not self.probes:
            whole = np.array([self.columns[j] for j in range(len(self.lengths))])
            own = np.sign(self.lengths[None] - self.lengths[:, None])
            self.curvature = 0.5 * ((1 + own) * whole + (1 - own) * whole.T)
            self.bend = self.axes @ self.curvature @ self.axes.T / np.outer(self.unit, self.unit)

    def _length(self, step: Array) -> float:
        return float(np.max(np.abs(step) / np.maximum(1.0, np.abs(self.here.u))))

    def _direction(self) -> Array:
        """Newton's step, uphill along every axis, no longer than the radius; it also says what is left to gain."""
        size, along = np.linalg.eigh(self.curvature)
        along = self.axes @ along
        slope = along.T @ (self.here.gradient * self.unit)
        slope = np.where(np.abs(slope) > NOISE * self.noise, slope, 0.0)
        least = max(FLAT * np.abs(size).max(initial=0.0), self.noise / self.lengths.max(initial=PROBE), 1e-300)
        size = np.maximum(np.abs(size), least)
        self.left = 0.5 * float((slope**2 / size).sum())
        shift = 0.0
        while True:
            step = self.unit * (along @ (slope / (size + shift)))
            if self._length(step) <= self.radius:
                return step
            shift = max(LONGER * shift, size.min())

    def _frame(self) -> tuple[Array, float]:
        """(q, f): all but the neutral directions, in these units; and the rounding of gradients, which are 0 there."""
        neutral = self.slopes.family.neutral(self.slopes.at(self.here.u)) / self.unit
        every = np.linalg.qr(neutral.T, mode="complete")[0]
        flat, axes = every[:, : len(neutral)], every[:, len(neutral) :]
        along = flat.T @ (self.here.gradient * self.unit)
        return axes, float(np.sqrt((along**2).mean())) if len(along) else 0.0
