"""Moves of states that begin stationary: what first states ask of them, put in the moments of the moves."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.params import Params
from likely.errors import Degenerate
from likely.families.moments import Moments
from likely.numerics.soft import Array
from likely.structures.state_settled import Settled
from likely.structures.state_sums import StateSums
from likely.structures.state_theta import MOVING, blocks_of, theta

ROUNDS = 20
AGREED = 1e-6  # so much may be rounding where noises are all but singular; that the answer is higher is seen to later
Slopes = dict[str, Array]


def agreeing(start: Any, model: Any, stats: StateSums, simple: Params, old: Params) -> tuple[Params, Array]:
    """Moves at which the expected log density is level, first states included; and (k,) for which it is.

    From those at which that of the moves alone is highest, or where these are not stable from the old ones.
    """
    m, unit = simple.A.shape[1], _units(stats.state, simple.A.shape[1])
    stable = start.possible(simple)[1]
    begin = np.where(stable[:, None], _side_by_side(simple, unit), _side_by_side(old, unit))
    found = Settled(begin, ROUNDS)

    def begun(guess: Array) -> tuple[Params, Array]:
        return start.possible(start.begun(simple.replace(**_apart(guess, m, unit))))

    try:
        while True:
            at, there = begun(found.guess)
            asked = _with(stats.state, at, start.asked(stats, at))
            moves, Q = model.moving.maximise(asked, theta(at, MOVING), at.Q)
            new = at.replace(Q=0.5 * (Q + np.swapaxes(Q, 1, 2)), **blocks_of(moves, MOVING, at))
            if found.settled(_side_by_side(new, unit)):
                return new, there & (found.left <= AGREED)
            found.stay(lambda guess: begun(guess)[1])
    except (Degenerate, np.linalg.LinAlgError):
        return simple, np.zeros(len(begin), bool)


def _with(state: Moments, at: Params, asked: Slopes) -> Moments:
    """Moments of (state before, inputs, state) whose likelihood has slopes by A, b and Q that are larger by so much.

    A slope G by A is one by Q G more in the cross products, one by b likewise in the sums. One by Q is 2 Q G Q more in
    the products of residuals, and those are products about the line at which they are asked for.
    """
    m = at.A.shape[1]
    mean, scatter, weight = state.mean.copy(), state.scatter.copy(), state.weight[:, None]
    cross, height = at.Q @ asked["A"], (at.Q @ asked["b"][:, :, None])[:, :, 0]
    line = cross @ np.swapaxes(at.A, 1, 2) + height[:, :, None] * at.b[:, None, :]
    spread = line + at.Q @ asked["Q"] @ at.Q - height[:, :, None] * (mean[:, -m:] + 0.5 * height / weight)[:, None, :]
    scatter[:, -m:, -m:] += spread + np.swapaxes(spread, 1, 2)
    across = -height[:, :, None] * mean[:, None, :-m]
    across[:, :, :m] += cross
    scatter[:, -m:, :-m] += across
    scatter[:, :-m, -m:] += np.swapaxes(across, 1, 2)
    mean[:, -m:] += height / weight
    return Moments(state.weight, state.dof, mean, scatter)


def _units(state: Moments, m: int) -> Array:
    """(k, m): sizes of the states, in which moves of all blocks are comparable."""
    square = np.einsum("kmm->km", state.scatter[:, -m:, -m:]) / state.weight[:, None] + state.mean[:, -m:] ** 2
    return np.sqrt(np.where(square > 0, square, 1.0))


def _side_by_side(params: Params, unit: Array) -> Array:
    """(k, ...): A, b and Q in these units."""
    down, across = unit[:, :, None], unit[:, None, :]
    blocks = params.A * across / down, params.b / unit, params.Q / (down * across)
    return np.concatenate([b.reshape(len(unit), -1) for b in blocks], 1)


def _apart(values: Array, m: int, unit: Array) -> dict[str, Array]:
    """The opposite."""
    down, across = unit[:, :, None], unit[:, None, :]
    A, b, Q = np.split(values, [m * m, m * m + m], 1)
    shape = (len(unit), m, m)
    return {"A": A.reshape(shape) * down / across, "b": b * unit, "Q": Q.reshape(shape) * down * across}
