"""Gaussian filters and smoothers of nonlinear state spaces: extended, unscented, and about a path.

Banks of models and series go side by side: arrays are (k, S, ...), and a step of time is a few calls of NumPy for all
of them. What the filters have in common is how a Gaussian goes through a function: it comes out as a mean, and
deviations X (r, m) of the point and Y (r, e) of the value, so that X'X, X'Y and Y'Y are the covariances. All that is
made of them is positive semidefinite by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from likely.numerics.soft import Array

LOG_2PI = float(np.log(2 * np.pi))


class Function(Protocol):
    """A function of the state with its derivatives; x is (k, ..., m), the models first, and u (..., p) or None."""

    def value(self, x: Array, u: Array | None) -> Array:
        """(k, ..., e)."""
        ...

    def tangent(self, x: Array, u: Array | None) -> tuple[Array, Array]:
        """Values (k, ..., e) and derivatives (k, ..., e, m)."""
        ...


class Through(Protocol):
    """How a Gaussian goes through a function."""

    def __call__(self, function: Function, mean: Array, root: Array, u: Array | None) -> tuple[Array, Array, Array]:
        """The mean of the value (..., e), and deviations X (..., r, m) and Y (..., r, e)."""
        ...


@dataclass(frozen=True)
class Rectangle:
    """Series laid side by side, the longest first: at time t the first `active[t]` of them go on."""

    order: Array  # (S,) which sequence stands at each place
    active: Array  # (T,)
    rows: Array  # (T, S) rows of the data, 0 past the end of a series
    y: Array  # (T, S, d), NaN where missing or past the end
    u: Array | None  # (T, S, p)
    gaps: Array  # (T,) is an observation of an active series missing?

    @staticmethod
    def of(y: Array, u: Array | None, offsets: Array) -> Rectangle:
        """Rows end to end as a rectangle."""
        lengths = np.diff(offsets)
        order = np.argsort(-lengths, kind="stable")
        steps = np.arange(int(lengths.max(initial=0)))
        inside = steps[:, None] < lengths[order]
        rows = np.where(inside, offsets[:-1][order] + steps[:, None], 0)
        filled = np.where(inside[:, :, None], y[rows], np.nan)
        gaps: Array = np.asarray((np.isnan(filled).any(2) & inside).any(1))
        return Rectangle(order, inside.sum(1), rows, filled, None if u is None else u[rows], gaps)

    def inputs(self, t: int) -> Array | None:
        """(S, p) of the active series."""
        return None if self.u is None else self.u[t, : self.active[t]]

    @property
    def inside(self) -> Array:
        """(T, S): which places hold a row."""
        return np.arange(self.rows.shape[1]) < self.active[:, None]


@dataclass(frozen=True)
class Noises:
    """What is Gaussian in a bank of models."""

    Q: Array  # (k, m, m)
    R: Array  # (k, d, d)
    m0: Array  # (k, m)
    P0: Array  # (k, m, m)


@dataclass(frozen=True)
class Filtered:
    """Beliefs (T, k, S, ...) before and after each row, and what the smoother needs of the moves between."""

    log_prob: Array  # (k, S)
    stopped: Array  # (k, S) the time at which a series becomes impossible, or numbers cease; -1 where it does not
    predicted_mean: Array
    predicted_cov: Array
    mean: Array
    cov: Array
    gain: Array  # (T, k, S, m, m): J of the move into row t
    left: Array  # (T, k, S, m, m): covariance of the state before row t, given the state at row t and what came before
    expected: Array  # (T, k, S, d): rows as they are foretold
    innovation_cov: Array  # (T, k, S, d, d)


@dataclass(frozen=True)
class Smoothed:
    """Beliefs (T, k, S, ...) given whole series; lagged[t] = Cov(x_t, x_{t-1} | all), zero at t = 0."""

    mean: Array
    cov: Array
    lagged: Array


def transposed(a: Array) -> Array:
    """The last two axes exchanged."""
    return a.swapaxes(-1, -2)


def symmetric(a: Array) -> Array:
    """The symmetric part."""
    return 0.5 * (a + transposed(a))


def root(cov: Array) -> Array:
    """L with L L' = cov: Cholesky's, or where a matrix is singular by eigenvalues."""
    if cov.shape[-1] == 1:
        return np.sqrt(np.maximum(cov, 0.0))
    try:
        return np.linalg.cholesky(cov)
    except np.linalg.LinAlgError:
        size, axes = np.linalg.eigh(cov)
        return axes * np.sqrt(np.maximum(size, 0.0))[..., None, :]


def extended(function: Function, mean: Array, root: Array, u: Array | None) -> tuple[Array, Array, Array]:
    """The function as its tangent at the mean."""
    x, (value, slope) = transposed(root), function.tangent(mean, u)
    return value, x, x @ transposed(slope)


def sigma_points(mean: Array, root: Array) -> tuple[Array, Array]:
    """Points (..., 2m + 1, m) and weights (2m + 1,) with the moments of a Gaussian up to the third.

    Julier & Uhlmann (1997) with kappa = max(3 - m, 0): fourth moments of each axis are right where m <= 3, and no
    weight is negative.
    """
    m = mean.shape[-1]
    kappa = max(3.0 - m, 0.0)
    step = np.sqrt(m + kappa) * transposed(root)
    points = np.concatenate([np.zeros_like(step[..., :1, :]), step, -step], -2) + mean[..., None, :]
    return points, np.concatenate([[kappa], np.full(2 * m, 0.5)]) / (m + kappa)


def unscented(function: Function, mean: Array, root: Array, u: Array | None) -> tuple[Array, Array, Array]:
    """The function at sigma points."""
    points, weights = sigma_points(mean, root)
    values = function.value(points, None if u is None else u[..., None, :])
    centre = np.einsum("r,...re->...e", weights, values)
    scale = np.sqrt(weights)[:, None]
    return centre, scale * (points - mean[..., None, :]), scale * (values - centre[..., None, :])


Functions = Callable[[int], tuple[Function, Function]]  # time to the move into it and the observation at it


class Filter:
    """One pass forward over a rectangle, at a bank of parameter sets.

    Parameters
    ----------
    through : Through         `extended` or `unscented`
    functions : callable      the move into row t and the observation at row t
    noises : Noises
    rows : Rectangle
    """

    def __init__(self, through: Through, functions: Functions, noises: Noises, rows: Rectangle):
        self.through, self.functions, self.noises, self.rows = through, functions, noises, rows
        k, s = len(noises.m0), len(rows.order)
        self.log_prob, self.stopped = np.zeros((k, s)), np.full((k, s), -1)

    def log_likelihoods(self) -> Array:
        """(k, S): of each series, and -inf where numbers cease; nothing else is kept."""
        with np.errstate(all="ignore"):  # a trial may lead anywhere; what is not finite is noted
            for _ in self._steps(smoothing=False):
                pass
        return self._ended()

    def run(self) -> Filtered:
        """The whole pass, kept."""
        (k, s), (m, d) = self.log_prob.shape, (self.noises.m0.shape[1], self.rows.y.shape[2])
        time = len(self.rows.active)
        shapes = [(m,), (m, m), (m,), (m, m), (m, m), (m, m), (d,), (d, d)]
        out = [np.zeros((time, k, s, *shape)) for shape in shapes]
        with np.errstate(all="ignore"):
            for t, found in enumerate(self._steps(smoothing=True)):
                n = self.rows.active[t]
                for array, one in zip(out, found, strict=True):
                    array[t, :, :n] = one
        return Filtered(self._ended(), self.stopped, *out)

    def _ended(self) -> Array:
        return np.where(self.stopped >= 0, -np.inf, self.log_prob)

    def _steps(self, *, smoothing: bool) -> Iterator[tuple[Array, ...]]:
        none = np.zeros(1)
        k, m = self.noises.m0.shape
        mean = cov = gain = left = none
        for t, n in enumerate(self.rows.active):
            move, look = self.functions(t)
            if t == 0:
                before = np.broadcast_to(self.noises.m0[:, None], (k, n, m))
                spread = np.broadcast_to(self.noises.P0[:, None], (k, n, m, m))
                gain = left = np.zeros((k, n, m, m))
            else:
                mean, cov = mean[:, :n], cov[:, :n]
                before, x, z = self.through(move, mean, root(cov), self.rows.inputs(t))
                spread = transposed(z) @ z + self.noises.Q[:, None]
                before, spread = self._alive(t, before, spread)
                if smoothing:
                    gain, left = _backward(x, z, spread, self.noises.Q[:, None])
            mean, cov, row, row_cov = self._updated(t, look, before, spread)
            yield before, spread, mean, cov, gain, left, row, row_cov

    def _updated(self, t: int, look: Function, before: Array, spread: Array) -> tuple[Array, Array, Array, Array]:
        """The belief after the row at t, the row as it was foretold and the covariance of that."""
        n = self.rows.active[t]
        value, x, z = self.through(look, before, root(spread), self.rows.inputs(t))
        error, noise = self.rows.y[t, :n] - value, self.noises.R[:, None]
        whole = transposed(z) @ z + noise
        total, there = whole, z.shape[-1]
        if self.rows.gaps[t]:
            z, error, total, there = _seen(np.isnan(self.rows.y[t, :n]), z, error, whole)
        error, total = self._alive(t, error, total)
        factor, total = self._factor(t, total)
        right = np.concatenate([transposed(z) @ x, error[..., None]], -1)
        solved = right / total if total.shape[-1] == 1 else np.linalg.solve(total, right)
        gain = transposed(solved[..., :-1])  # 0 for what is missing
        log_det = 2 * np.log(np.diagonal(factor, axis1=-2, axis2=-1)).sum(-1)
        self.log_prob[:, :n] -= 0.5 * (there * LOG_2PI + log_det + (error * solved[..., -1]).sum(-1))
        mean = before + (gain @ error[..., None])[..., 0]
        rest = x - z @ transposed(gain)
        cov = symmetric(transposed(rest) @ rest + gain @ noise @ solved[..., :-1])
        return (*self._alive(t, mean, cov), value, whole)

    def _alive(self, t: int, mean: Array, cov: Array) -> tuple[Array, Array]:
        """The same with something harmless where numbers have ceased, and that noted."""
        if np.isfinite(mean.sum() + cov.sum()):
            return mean, cov
        fine: Array = np.asarray(np.isfinite(mean).all(-1) & np.isfinite(cov).all((-1, -2)))
        if fine.all():
            return mean, cov
        self._lose(t, ~fine)
        return np.where(fine[..., None], mean, 0.0), np.where(fine[..., None, None], cov, np.eye(cov.shape[-1]))

    def _factor(self, t: int, cov: Array) -> tuple[Array, Array]:
        """Cholesky's factor, and the covariance; the identity where it has none, and that noted."""
        if cov.shape[-1] == 1 and (cov > 0).all():
            return np.sqrt(cov), cov
        try:
            return np.linalg.cholesky(cov), cov
        except np.linalg.LinAlgError:
            low = ~(np.linalg.eigvalsh(cov)[..., 0] > 0)
            self._lose(t, low)
            cov = np.where(low[..., None, None], np.eye(cov.shape[-1]), cov)
            return root(cov), cov

    def _lose(self, t: int, lost: Array) -> None:
        stopped = self.stopped[:, : lost.shape[1]]
        stopped[lost & (stopped < 0)] = t


def _seen(missing: Array, z: Array, error: Array, whole: Array) -> tuple[Array, Array, Array, Array]:
    """Deviations, errors and their covariance with what is missing (S, d) made certain, and how many are not."""
    seen = ~missing
    both = seen[:, :, None] & seen[:, None, :]
    z, error = np.where(seen[:, None, :], z, 0.0), np.where(seen, error, 0.0)
    return z, error, np.where(both, whole, np.eye(seen.shape[1])), seen.sum(1)


def _backward(x: Array, z: Array, spread: Array, noise: Array) -> tuple[Array, Array]:
    """The smoother's gain J = Cov(before, after) Cov(after)^-1, and the covariance before given the state after."""
    gain = transposed(divided(spread, transposed(z) @ x))
    rest = x - z @ transposed(gain)
    return gain, symmetric(transposed(rest) @ rest + gain @ noise @ transposed(gain))


def divided(cov: Array, b: Array) -> Array:
    """cov^-1 b; by the pseudo-inverse where a covariance is singular."""
    if cov.shape[-1] == 1:
        return np.where(cov > 0, b / np.where(cov > 0, cov, 1.0), 0.0)
    try:
        return np.linalg.solve(cov, b)
    except np.linalg.LinAlgError:
        return np.linalg.pinv(cov, hermitian=True) @ b


def smooth(found: Filtered, rows: Rectangle) -> Smoothed:
    """Rauch, Tung & Striebel (1965), backward; the same for every filter."""
    mean, cov = found.mean.copy(), found.cov.copy()
    lagged = np.zeros_like(cov)
    for t in range(len(rows.active) - 1, 0, -1):
        n = rows.active[t]
        gain = found.gain[t, :, :n]
        step = mean[t, :, :n] - found.predicted_mean[t, :, :n]
        mean[t - 1, :, :n] += (gain @ step[..., None])[..., 0]
        lagged[t, :, :n] = cov[t, :, :n] @ transposed(gain)
        cov[t - 1, :, :n] = symmetric(found.left[t, :, :n] + gain @ lagged[t, :, :n])
    return Smoothed(mean, cov, lagged)
