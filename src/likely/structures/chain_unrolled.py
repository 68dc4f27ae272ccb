"""Any hidden chain as one without memory: states that last become one state for each row of a stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from likely.core.data import Sequences
from likely.core.params import Params
from likely.errors import ModelError
from likely.numerics.soft import Array, safe_log

MOST = 4000  # states of a chain that was unrolled


@dataclass(frozen=True)
class Unrolled:
    """A chain of w states, each of which is one of the m hidden states, or one row of a stay in it."""

    log_initial: Array  # (w,)
    log_moves: Array  # (u, w, w)
    which: Array  # (n,) by which of these each row is reached
    m: int
    rows: int  # of a stay that are told apart; 1 where nothing is

    @property
    def steps(self) -> tuple[Array, Array, Array]:
        """What the kernels see."""
        return self.log_initial, self.log_moves, self.which

    @property
    def state(self) -> Array:
        """(w,): of which hidden state each one is."""
        return np.repeat(np.arange(self.m), self.rows)

    def widened(self, by_state: Array) -> Array:
        """Values (n, m) of hidden states as those (n, w) of the chain."""
        return by_state if self.rows == 1 else np.repeat(by_state, self.rows, 1)

    def summed(self, p: Array) -> Array:
        """Probabilities (..., w) as those (..., m) of hidden states."""
        return p if self.rows == 1 else p.reshape(*p.shape[:-1], self.m, self.rows).sum(-1)

    def summed_pairs(self, p: Array) -> Array:
        """(..., w, w) as (..., m, m)."""
        return p if self.rows == 1 else self.summed(np.swapaxes(self.summed(np.swapaxes(p, -1, -2)), -1, -2))

    def hidden(self, codes: Array) -> Array:
        """Paths of the chain as paths of hidden states; -1 stays."""
        return codes if self.rows == 1 else np.where(codes < 0, -1, codes // self.rows)

    def placed(self, states: Array, offsets: Array) -> Array:
        """Hidden states (n,) as those of the chain, where every run of equal ones is a stay."""
        if self.rows == 1:
            return states
        begins = np.append(True, states[1:] != states[:-1])
        begins[offsets[:-1]] = True
        at = np.flatnonzero(begins)
        return states * self.rows + np.arange(len(states)) - np.repeat(at, np.diff(at, append=len(states)))


def unroll(model: Any, params: Params, data: Sequences | None, ahead: int = 0) -> Unrolled:
    """The chain of a filled model at some sequences, and so many rows after them.

    Raises
    ------
    ModelError      states last, and the sequences are too long for all rows of a stay to be told apart
    """
    first, m, n = safe_log(params.initial[0]), int(model.size), 0 if data is None else len(data.rows)
    if model.durations is not None:
        longest = ahead + (0 if data is None else int(data.lengths.max()))
        if longest * m > MOST:
            raise ModelError(
                f"with durations=... this takes a matrix for all {longest} rows that a stay in each of the {m} states "
                f"can last, and {longest * m} is more than {MOST}. decode() and smoothed() are there; or cut the "
                "sequence."
            )
        return _lasting(model, params, first, longest, n)
    if model.moving:
        from likely.structures.moving import log_moves_of, matrices_of

        assert data is not None  # covariates are those of rows
        moves = np.ascontiguousarray(log_moves_of(model, params, data)[:, 0])
        return Unrolled(first, moves, matrices_of(data)[1], m, 1)
    return Unrolled(first, safe_log(params.transition)[None], np.zeros(n, np.int64), m, 1)


def _lasting(model: Any, params: Params, first: Array, longest: int, n: int) -> Unrolled:
    """A stay goes on with the probability to last longer, given that it lasted so long; else it is left."""
    from likely.structures.semi_markov import stay_tables

    m = int(model.size)
    lasts, at_least = (t.reshape(m, longest) for t in stay_tables(model.durations, params.durations, longest)[:2])
    with np.errstate(invalid="ignore"):
        leaves = np.where(at_least > -np.inf, np.minimum(lasts - at_least, 0.0), 0.0)
        goes_on = np.where(at_least[:, :-1] > -np.inf, np.minimum(at_least[:, 1:] - at_least[:, :-1], 0.0), -np.inf)
    log_first = np.full((m, longest), -np.inf)
    log_first[:, 0] = first
    moves = np.full((m, longest, m, longest), -np.inf)
    moves[:, :, :, 0] = leaves[:, :, None] + safe_log(params.transition)[:, None, :]
    row = np.arange(longest - 1)
    for j in range(m):
        moves[j, row, j, row + 1] = goes_on[j]
    w = m * longest
    return Unrolled(log_first.reshape(w), moves.reshape(1, w, w), np.zeros(n, np.int64), m, longest)
