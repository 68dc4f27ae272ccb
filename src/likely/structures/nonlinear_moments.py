"""Expected statistics of the two equations of a nonlinear state space: point clouds, or moments of features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from likely.core.stats import Stats
from likely.numerics.extended import divided, root, sigma_points, symmetric, transposed
from likely.numerics.soft import Array
from likely.structures.nonlinear_features import Features, Weighted
from likely.structures.nonlinear_functions import Bound


@dataclass(frozen=True)
class Beliefs:
    """N pairs of a Gaussian state and a response linear in it: E(response | x) = target + gain (x - mean).

    Parameters
    ----------
    mean, cov : arrays (k, N, m), (k, N, m, m)
    target : array (k, N, e)           expected response
    gain : array (k, N, e, m)          what of it goes with the state
    rest : array (k, N, e, e)          covariance of the response given the state
    u : array (N, p), optional
    """

    mean: Array
    cov: Array
    target: Array
    gain: Array
    rest: Array
    u: Array | None


@dataclass(frozen=True)
class Cloud(Stats):
    """Sigma points of the states, and what the response is expected to be at each: for any function.

    All rows are held: a function that is not linear in its parameters has no smaller statistics.
    """

    points: Array  # (k, N, r, m)
    targets: Array  # (k, N, r, e)
    weights: Array  # (k, N, r)
    spread: Array  # (k, e, e): covariance of the responses given the states, summed
    count: Array  # (k,)
    inputs: Array | None = None  # (k, N, p)

    @staticmethod
    def of(known: Beliefs, weights: Array) -> Cloud:
        """Under weights (k, N)."""
        points, each = sigma_points(known.mean, root(known.cov))
        targets = known.target[:, :, None] + (points - known.mean[:, :, None]) @ transposed(known.gain)
        u = None if known.u is None else np.broadcast_to(known.u, (len(points), *known.u.shape))
        spread = np.einsum("kn,knij->kij", weights, known.rest)
        return Cloud(points, targets, weights[:, :, None] * each, spread, weights.sum(1), u)

    def __add__(self, other: Self | None) -> Self:
        if other is None:
            return self
        held = {n: np.concatenate([getattr(self, n), getattr(other, n)], 1) for n in ("points", "targets", "weights")}
        u = None
        if self.inputs is not None and other.inputs is not None:
            u = np.concatenate([self.inputs, other.inputs], 1)
        return type(self)(**held, spread=self.spread + other.spread, count=self.count + other.count, inputs=u)

    def __rmul__(self, scale: float) -> Self:
        w, spread, count = scale * self.weights, scale * self.spread, scale * self.count
        return type(self)(self.points, self.targets, w, spread, count, self.inputs)

    @property
    def u(self) -> Array | None:
        """Inputs (k, N, 1, p), one set for all points of a row."""
        return None if self.inputs is None else self.inputs[:, :, None]

    def residual(self, function: Bound) -> Array:
        """(k, e, e): expected sum of squares and products of response - function."""
        e = self.targets - function.value(self.points, self.u)
        return symmetric(np.einsum("knr,knri,knrj->kij", self.weights, e, e) + self.spread)

    def slopes(self, function: Bound, precision: Array) -> tuple[Array, Array]:
        """(k, q) gradient in theta of the expected log density, and (k, q, q) its curvature as Gauss-Newton has it."""
        slope = function.theta_slope(self.points, self.u)
        e = self.targets - function.value(self.points, self.u)
        pull = np.einsum("knr,knriq,kij->knrjq", self.weights, slope, precision)
        return np.einsum("knrjq,knrj->kq", pull, e), np.einsum("knrjq,knrjp->kqp", pull, slope)


@dataclass(frozen=True)
class FeatureMoments(Stats):
    """All that a function linear in its parameters needs, however many rows there were."""

    features: Array  # (k, q, q): E phi phi'
    cross: Array  # (k, e, q): E response phi'
    response: Array  # (k, e, e)
    count: Array  # (k,)

    @staticmethod
    def of(known: Beliefs, weights: Array, features: Features, written: Any) -> FeatureMoments:
        """Under weights (k, N)."""
        first, shift, second = features.moments(written, known.mean, known.cov, known.u)
        cross = known.target[..., :, None] * first[..., None, :] + known.gain @ shift
        response = known.target[..., :, None] * known.target[..., None, :] + known.rest
        response = response + known.gain @ known.cov @ transposed(known.gain)
        second, cross, response = (np.einsum("kn,knij->kij", weights, v) for v in (second, cross, response))
        return FeatureMoments(second, cross, response, weights.sum(1))

    def residual(self, function: Weighted) -> Array:
        """(k, e, e): expected sum of squares and products of response - coefficients phi."""
        a = function.coefficients
        both = self.cross @ transposed(a)
        return symmetric(self.response - both - transposed(both) + a @ self.features @ transposed(a))


@dataclass(frozen=True)
class FirstStates(Stats):
    """Expected first states of sequences."""

    count: Array  # (k,) sum of weights
    total: Array  # (k, m)
    square: Array  # (k, m, m): E x x'
    series: Array  # (k,) how many weigh anything

    def about(self, mean: Array) -> Array:
        """(k, m, m): expected sum of squares and products about a mean."""
        both = self.total[:, :, None] * mean[:, None, :]
        own = self.count[:, None, None] * mean[:, :, None] * mean[:, None, :]
        return symmetric(self.square - both - transposed(both) + own)


@dataclass(frozen=True)
class NonlinearStats(Stats):
    """Statistics of the first states and both equations; None where no row tells of one."""

    first: FirstStates
    state: Any = None
    rows: Any = None


def moves(hidden: Any, rows: Any) -> Beliefs:
    """Pairs of neighbouring states, all series end to end."""
    inside = rows.inside[1:]
    u = None if rows.u is None else rows.u[1:][inside]

    def flat(a: Array) -> Array:
        return np.moveaxis(a, 1, 0)[:, inside]

    before, lagged = flat(hidden.cov[:-1]), flat(hidden.lagged[1:])
    gain = transposed(divided(before, transposed(lagged)))
    rest = symmetric(flat(hidden.cov[1:]) - gain @ transposed(lagged))
    return Beliefs(flat(hidden.mean[:-1]), before, flat(hidden.mean[1:]), gain, rest, u)


def looks(hidden: Any, rows: Any, look: Any, noise: Array) -> Beliefs:
    """States and what was observed of them; missing entries are filled in by their expectation through the noise.

    That is E(y_missing | y_observed, x) with the tangent of h, at the old parameters (as for linear models).
    """
    there = rows.inside & ~np.isnan(rows.y).all(2)
    u = None if rows.u is None else rows.u[there]
    mean, cov = (np.moveaxis(a, 1, 0)[:, there] for a in (hidden.mean, hidden.cov))
    y = rows.y[there]
    k, (n, d), m = len(mean), y.shape, mean.shape[2]
    target = np.broadcast_to(np.where(np.isnan(y), 0.0, y), (k, n, d)).copy()
    gain, rest = np.zeros((k, n, d, m)), np.zeros((k, n, d, d))
    part = np.isnan(y).any(1)
    if part.any():
        at = None if u is None else u[part]
        value, slope = look.tangent(mean[:, part], at)
        gone = np.isnan(y[part])
        both = ~gone[:, :, None] & ~gone[:, None, :]
        eye = np.eye(d) * gone[:, None, :]
        mixed = np.where(gone[:, :, None] & ~gone[:, None, :], noise[:, None], 0.0)
        pull = transposed(np.linalg.solve(np.where(both, noise[:, None], 0.0) + eye, transposed(mixed)))
        error = np.where(gone, 0.0, y[part] - value)
        filled = value + (pull @ error[..., None])[..., 0]
        target[:, part] = np.where(gone, filled, target[:, part])
        seen = np.where(gone[:, :, None], 0.0, slope)
        gain[:, part] = np.where(gone[:, :, None], slope - pull @ seen, 0.0)
        own = np.where(gone[:, :, None] & gone[:, None, :], noise[:, None], 0.0)
        rest[:, part] = symmetric(own - pull @ transposed(mixed))
    return Beliefs(mean, cov, target, gain, rest, u)
