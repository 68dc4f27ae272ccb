"""Climbing along a ridge: the highest objective at which a number has a given value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from likely.errors import FitError
from likely.numerics.soft import Array
from likely.workflows.scales import from_scale, to_scale
from likely.workflows.surface import Surface

LEAST = 1e-5  # of the complete data's information: along directions with less the metric is no guide
GAIN = 1e-7  # nats left to gain at which a climb is over
STEPS, HALVINGS, SOLVING = 60, 12, 40
ROUNDING = 1e-9  # standard errors by which a number may miss the value that it is to have
FAR = 5.0  # standard deviations of one row that a single step may take


@dataclass(frozen=True)
class Place:
    """A point of the ridge."""

    t: float  # the number on its scale
    u: Array  # coordinates (p,)
    objective: float


class Ridge:
    """The objective around a fit, maximised over all but one number.

    One coordinate, the pivot, follows from the others through the value that the number is to have; the others climb by
    Newton steps with the curvature at the fit, put right by BFGS on the way.

    Parameters
    ----------
    surface : Surface
    index : int                the number
    information : (p, p)       curvature at the surface's point
    """

    def __init__(self, surface: Surface, index: int, information: Array):
        self._s, self._index = surface, index
        self._range = surface.numbers().ranges[[index]]
        scale = surface.scale
        size, along = np.linalg.eigh(scale[:, None] * information * scale / surface.items)
        size = np.maximum(np.abs(size), LEAST)
        unit = np.sqrt(surface.items) / scale
        self._metric = (unit[:, None] * along * size) @ (along.T * unit)
        self._inverse = ((along / size) @ along.T) / np.outer(unit, unit)
        self._close = ROUNDING * self._error(surface.point)

    def value(self, t: float) -> float:
        """The number itself."""
        return float(from_scale(np.array([t]), self._range)[0])

    def place(self, u: Array) -> float:
        """The number on its scale, at coordinates."""
        return float(self._t(u[None])[0, 0])

    def reach(self, place: Place) -> float:
        """A standard error on the scale, by the curvature at the fit."""
        return self._error(place.u)

    def top(self, *, stay: bool = False) -> Place:
        """The fit itself; unless it is to stay, a Newton step nearer to the maximum."""
        u = self._s.point
        objective, gradient = self._s.climb(u)
        better = self._try(u + self._inverse @ gradient) if not stay else None
        if better is not None and better[0] > objective:
            return Place(self.place(better[2]), better[2], better[0])
        return Place(self.place(u), u, objective)

    def climb(self, t: float, near: Place) -> Place | None:
        """The highest place with this value, from one nearby; None where there is no way."""
        slope = self._slope(near.u)
        path = self._inverse @ slope
        begin = near.u + path * (t - near.t) / (slope @ path)
        pivot = int(np.argmax(np.abs(slope) * self._s.scale))
        for u in (begin, near.u):
            u = self._at_value(u, t, pivot)
            found = None if u is None else self._try(u)
            if found is not None:
                return self._highest(t, pivot, found)
        return None

    def _highest(self, t: float, pivot: int, found: tuple[float, Array, Array]) -> Place | None:
        others = np.arange(len(self._s.point)) != pivot
        height, gradient, u = found
        basis, uphill = self._tangent(u, gradient, pivot, others)
        metric = basis.T @ self._metric @ basis
        for _ in range(STEPS):
            if not others.any():
                break
            step = np.linalg.solve(metric, uphill)
            gain = float(step @ uphill)
            if gain < 2 * GAIN + 1e-14 * abs(height):
                break
            step *= min(1.0, FAR / np.abs(step / self._s.scale[others]).max())
            better = self._step(u, basis @ step, t, pivot, height, float(step @ uphill))
            if better is None:
                break
            height, gradient, new = better
            basis, before = self._tangent(new, gradient, pivot, others)[0], uphill
            uphill = basis.T @ gradient
            metric = _bfgs(metric, (new - u)[others], before - uphill)
            u = new
        return Place(t, u, height)

    def _step(
        self, u: Array, step: Array, t: float, pivot: int, height: float, gain: float
    ) -> tuple[float, Array, Array] | None:
        """The first of ever shorter steps that leads up."""
        for i in range(HALVINGS):
            share = 0.5**i
            new = self._at_value(u + share * step, t, pivot)
            found = None if new is None else self._try(new)
            if found is not None and found[0] >= height + 1e-4 * share * gain:
                return found
        return None

    def _tangent(self, u: Array, gradient: Array, pivot: int, others: Array) -> tuple[Array, Array]:
        """(p, p - 1): how all coordinates move with the others; and the slope of the objective along these."""
        slope = self._slope(u)
        basis = np.eye(len(u))[:, others]
        basis[pivot] = -slope[others] / slope[pivot]
        return basis, basis.T @ gradient

    def _at_value(self, u: Array, t: float, pivot: int) -> Array | None:
        """The point at which the number has its value, along the pivot; by the secant method."""
        out = u.copy()

        def miss(x: float) -> float:
            out[pivot] = x
            return self.place(out) - t

        x, before = float(u[pivot]), float(u[pivot]) + 1e-3 * float(self._s.scale[pivot])
        f, f_before = miss(x), miss(before)
        close = self._close + 1e-14 * abs(t)
        for _ in range(SOLVING):
            if abs(f) <= close:
                out[pivot] = x
                return out
            if not np.isfinite(f_before) or f_before == f:
                return None
            x, before, f_before = x - f * (x - before) / (f - f_before), x, f
            f = miss(x)
        return None

    def _try(self, u: Array) -> tuple[float, Array, Array] | None:
        """Objective, gradient and where; None where there is none."""
        try:
            with np.errstate(all="ignore"):
                height, gradient = self._s.climb(u)
        except (FitError, np.linalg.LinAlgError):
            return None
        return (height, gradient, u) if np.isfinite(height) and np.isfinite(gradient).all() else None

    def _t(self, points: Array) -> Array:
        """(m, 1)"""
        with np.errstate(all="ignore"):
            return to_scale(self._s.values(points)[:, self._index], np.repeat(self._range, len(points), 0))[:, None]

    def _error(self, u: Array) -> float:
        slope = self._slope(u)
        return float(np.sqrt(slope @ self._inverse @ slope))

    def _slope(self, u: Array) -> Array:
        return self._s.slopes(self._t, u)[0]


def _bfgs(metric: Array, step: Array, change: Array) -> Array:
    """The metric that explains how the slope changed; as it was where the objective is not concave along the step."""
    bend = float(step @ change)
    moved = metric @ step
    if bend <= 1e-12 * float(step @ moved):
        return metric
    return metric + np.outer(change, change) / bend - np.outer(moved, moved) / float(step @ moved)
