"""The iterated smoother: Gauss-Newton on the whole path of states, each time from the prior.

The functions are replaced by their tangents along a path, the linear smoother finds the next path, and so on. At the
end the path is the most probable one, and the log-likelihood of the tangent model is Laplace's approximation with the
curvature of Gauss-Newton (Bell 1994; Durbin & Koopman 2012, section 10.6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from likely.numerics.extended import (
    Filter,
    Filtered,
    Function,
    Functions,
    Noises,
    Rectangle,
    Smoothed,
    divided,
    extended,
    smooth,
)
from likely.numerics.soft import Array

STEPS = 100  # limit; from the extended smoother's path five are usual
HALVINGS = 12
DONE = 1e-8  # a step this far below the states' standard deviations: the path has settled
ROUNDING = 1e-13  # of the cost, relative: what is no rise


@dataclass(frozen=True)
class Tangent:
    """A function as its tangent at some points (k, S, m)."""

    at: Array
    height: Array  # (k, S, e)
    incline: Array  # (k, S, e, m)

    def value(self, x: Array, u: Array | None) -> Array:
        return self.height + (self.incline @ (x - self.at)[..., None])[..., 0]

    def tangent(self, x: Array, u: Array | None) -> tuple[Array, Array]:
        return self.value(x, u), self.incline


@dataclass(frozen=True)
class Path:
    """What the functions make of all states of a path (T, k, S, m) at once."""

    states: Array
    moves: Array  # (T - 1, k, S, m): where each state but the last leads
    looks: Array  # (T, k, S, d)

    @staticmethod
    def of(states: Array, move: Function, look: Function, rows: Rectangle) -> Path:
        """Values of both functions along a path."""
        later = None if rows.u is None else rows.u[1:]
        return Path(states, _along(move.value, states[:-1], later), _along(look.value, states, rows.u))

    def cost(self, noises: Noises, rows: Rectangle) -> Array:
        """(k, S): minus the log joint density of path and observations, less what does not depend on the path."""
        inside = rows.inside[:, None]
        first = self.states[0] - noises.m0[:, None]
        total = _form(noises.P0[:, None], first)
        step = np.where(inside[1:, ..., None], self.states[1:] - self.moves, 0.0)
        total = total + _form(noises.Q[:, None], step).sum(0)
        error = rows.y[:, None] - self.looks
        seen = ~np.isnan(rows.y)[:, None]
        noise = np.broadcast_to(noises.R[:, None], (*error.shape, error.shape[-1]))
        if not seen.all():
            both = seen[..., :, None] & seen[..., None, :]
            noise, error = np.where(both, noise, np.eye(noise.shape[-1])), np.where(seen, error, 0.0)
        with np.errstate(invalid="ignore"):
            return 0.5 * (total + _form(noise, error).sum(0))


def _along(function: Callable[[Array, Array | None], Array], states: Array, u: Array | None) -> Array:
    """A function at all times (T, k, S, m) at once; functions have the models first."""
    return np.moveaxis(function(np.moveaxis(states, 1, 0), u), 0, 1)


def _form(cov: Array, v: Array) -> Array:
    """v' cov^-1 v."""
    return (v * divided(np.broadcast_to(cov, (*v.shape, v.shape[-1])), v[..., None])[..., 0]).sum(-1)


def iterated(move: Function, look: Function, noises: Noises, rows: Rectangle) -> tuple[Filtered, Smoothed]:
    """The tangent model along the most probable path, filtered and smoothed."""
    with np.errstate(all="ignore"):  # steps that lead nowhere are shortened
        return _climbed(move, look, noises, rows)


def _climbed(move: Function, look: Function, noises: Noises, rows: Rectangle) -> tuple[Filtered, Smoothed]:
    first = Filter(extended, lambda _: (move, look), noises, rows).run()
    path = Path.of(smooth(first, rows).mean, move, look, rows)
    cost = path.cost(noises, rows)
    for _ in range(STEPS):
        found = Filter(extended, _tangents(path, move, look, rows), noises, rows).run()
        belief = smooth(found, rows)
        step, length = belief.mean - path.states, np.ones(cost.shape)
        lost = (found.stopped >= 0) | ~np.isfinite(cost)
        for _ in range(HALVINGS):
            new = Path.of(path.states + length[..., None] * step, move, look, rows)
            new_cost = new.cost(noises, rows)
            worse = ~(new_cost <= cost + ROUNDING * (1 + np.abs(cost))) & ~lost
            if not worse.any():
                break
            length = np.where(worse, length / 2, length)
        sd = np.sqrt(np.diagonal(belief.cov, axis1=-2, axis2=-1))
        settled = (np.abs(step) <= DONE * sd).all((0, -1))
        if (settled | lost | worse).all():
            return found, belief
        path, cost = new, np.where(worse, cost, new_cost)
    return found, belief


def _tangents(path: Path, move: Function, look: Function, rows: Rectangle) -> Functions:
    moved = _along(lambda x, u: move.tangent(x, u)[1], path.states[:-1], None if rows.u is None else rows.u[1:])
    looked = _along(lambda x, u: look.tangent(x, u)[1], path.states, rows.u)

    def at(t: int) -> tuple[Function, Function]:
        n, before = rows.active[t], max(t - 1, 0)
        see = Tangent(path.states[t, :, :n], path.looks[t, :, :n], looked[t, :, :n])
        if t == 0:
            return see, see  # nothing moves into the first row
        return Tangent(path.states[before, :, :n], path.moves[before, :, :n], moved[before, :, :n]), see

    return at
