"""Whole paths of hidden chains: the best few of them, paths drawn at random, and each move to each row.

As in `chain`, sequences lie end to end, and sequence s is rows `offsets[s]` to `offsets[s + 1]`. The matrix `which[t]`
of `log_moves` (u, m, m) leads to row t; where moves do not change there is but one.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from likely.numerics.compiled import compiled
from likely.numerics.soft import Array


def best_of(
    log_initial: Array, log_moves: Array, which: Array, log_density: Array, offsets: Array, count: int
) -> tuple[Array, Array]:
    """The most probable paths of every sequence, best first, by Viterbi's recursion with so many paths to each state.

    Parameters
    ----------
    log_initial : array (m,)         log probabilities of the first state
    log_moves : array (u, m, m)      of moves
    which : array (n,)               by which of them each row is reached
    log_density : array (n, m)       of each row under each state; -inf where it is impossible
    offsets : array (S + 1,)
    count : int                      how many paths

    Returns
    -------
    paths (count, n) and their log joint probabilities (count, S); where a sequence has fewer possible paths, states are
    -1 and the log probability is -inf

    Notes
    -----
    Exact, in time n m^2 count. Of equally probable paths that with the lowest last state comes first, then with the
    lowest before it, and so on.
    """
    paths, log_prob = np.full((count, len(log_density)), -1), np.full((count, len(offsets) - 1), -np.inf)
    room = np.empty((2, int(np.diff(offsets).max()), len(log_initial), count), np.int32)
    into = np.ascontiguousarray(log_moves.transpose(0, 2, 1))
    for s, (a, b) in enumerate(pairwise(offsets)):
        seen = which[a:b], np.ascontiguousarray(log_density[a:b], float)
        _best_of(log_initial, into, *seen, *room, paths[:, a:b], log_prob[:, s])
    return paths, log_prob


@compiled
def _best_of(log_initial, into, which, log_density, came, rank, paths, log_prob):
    """The best paths of one sequence; `came` and `rank` say which path to which state each one continues."""
    n, m = log_density.shape
    count = len(paths)
    best, new = np.full((m, count), -np.inf), np.empty((m, count))
    at, free = np.empty(m, np.int64), np.zeros(m)
    for j in range(m):
        best[j, 0] = log_initial[j] + log_density[0, j]
    for t in range(1, n):
        for j in range(m):
            _merge(best, into[which[t], j], at, new[j], came[t, j], rank[t, j])
            new[j] += log_density[t, j]
        best, new = new, best
    state, place = np.empty(count, np.int32), np.empty(count, np.int32)
    total = np.empty(count)
    _merge(best, free, at, total, state, place)
    log_prob[:] = total
    for r in range(count):
        if total[r] > -np.inf:
            j, q = state[r], place[r]
            for t in range(n - 1, -1, -1):
                paths[r, t] = j
                if t > 0:
                    j, q = came[t, j, q], rank[t, j, q]


@compiled
def _merge(best, step, at, out, state, place):
    """The best of m sorted lists, each with a step to add: their values in order, and where each stood."""
    m, count = best.shape
    at[:] = 0
    for r in range(count):
        top, where = -np.inf, -1
        for i in range(m):
            if at[i] < count and best[i, at[i]] + step[i] > top:
                top, where = best[i, at[i]] + step[i], i
        if where < 0:
            out[r:] = -np.inf
            return
        out[r], state[r], place[r] = top, where, at[where]
        at[where] += 1


def log_joint(
    log_initial: Array, log_moves: Array, which: Array, log_density: Array, offsets: Array, states: Array
) -> Array:
    """(S,): log probability of the rows together with given states (n,); -inf of a path that cannot be."""
    first = offsets[:-1]
    arrived = np.empty(len(states))
    arrived[1:] = log_moves[which[1:], states[:-1], states[1:]]
    arrived[first] = log_initial[states[first]]
    return np.add.reduceat(log_density[np.arange(len(states)), states] + arrived, first)


def log_ahead(log_initial: Array, log_moves: Array, which: Array, log_filtered: Array, offsets: Array) -> Array:
    """(n, m): log probability of each state at each row given the rows before it."""
    out = np.empty_like(log_filtered)
    _ahead(log_moves, which, log_filtered, out)
    out[offsets[:-1]] = log_initial
    return out


@compiled
def _ahead(log_moves, which, log_filtered, out):
    n, m = log_filtered.shape
    for t in range(1, n):
        for j in range(m):
            top, total = -np.inf, 0.0
            for i in range(m):
                top = max(top, log_filtered[t - 1, i] + log_moves[which[t], i, j])
            if top > -np.inf:
                for i in range(m):
                    total += np.exp(log_filtered[t - 1, i] + log_moves[which[t], i, j] - top)
            out[t, j] = top + np.log(total) if top > -np.inf else top


def expected_moves(
    log_moves: Array, which: Array, log_filtered: Array, ahead: Array, gamma: Array, offsets: Array,
    place: Array, state: Array, m: int,
) -> Array:  # fmt: skip
    """(places, m, m): sums of the probabilities of moves, by the place (n,) of the row they lead to.

    Parameters
    ----------
    log_moves, which, log_filtered, ahead, gamma, offsets      of a chain of w states
    place : array (n,)      where moves to each row count
    state : array (w,)      which of m states each of them counts as

    Notes
    -----
    Given the state at a row, and the rows before it, the state before is independent of everything to come: so its
    probability is filtered_i move_ij / ahead_j, times gamma_j. In logarithms nothing is lost in it.
    """
    out = np.zeros((int(place.max()) + 1, m, m))
    _moves(log_moves, which, log_filtered, ahead, gamma, offsets, place, state, out)
    return out


@compiled
def _moves(log_moves, which, log_filtered, ahead, gamma, offsets, place, state, out):
    w = gamma.shape[1]
    for s in range(len(offsets) - 1):
        for t in range(offsets[s] + 1, offsets[s + 1]):
            for j in range(w):
                if gamma[t, j] > 0 and ahead[t, j] > -np.inf:
                    for i in range(w):
                        came = log_filtered[t - 1, i] + log_moves[which[t], i, j] - ahead[t, j]
                        if came > -np.inf:
                            out[place[t], state[i], state[j]] += np.exp(came) * gamma[t, j]


def draw_paths(
    log_moves: Array, which: Array, log_filtered: Array, offsets: Array, size: int, rng: np.random.Generator
) -> Array:
    """(size, n) paths drawn from their distribution given the rows: filtered forward, then drawn backward.

    Notes
    -----
    Carter & Kohn (1994), Frühwirth-Schnatter (1994).
    """
    states = np.empty((size, len(log_filtered)), np.int64)
    for one in states:
        _drawn(log_filtered, log_moves, which, offsets, rng.random(len(one)), one)
    return states


@compiled
def _drawn(log_filtered, log_moves, which, offsets, uniform, states):
    """One path of every sequence, from its end to its beginning."""
    m = log_filtered.shape[1]
    joint, sums = np.empty(m), np.empty(m)
    for s in range(len(offsets) - 1):
        for t in range(offsets[s + 1] - 1, offsets[s] - 1, -1):
            for i in range(m):
                joint[i] = log_filtered[t, i]
                if t < offsets[s + 1] - 1:
                    joint[i] += log_moves[which[t + 1], i, states[t + 1]]
            top, total = joint.max(), 0.0
            for i in range(m):
                total += np.exp(joint[i] - top)
                sums[i] = total
            # A state that weighs nothing is never drawn: its sum is that of the state before it.
            states[t] = np.searchsorted(sums, uniform[t] * total, "right")


def log_filtered_of(log_initial: Array, log_moves: Array, which: Array, log_density: Array) -> Array:
    """(n, m): log probability of each state of one sequence given the rows up to it, in logarithms throughout."""
    out = np.empty_like(log_density)
    out[0] = log_initial + log_density[0]
    out[0] -= np.logaddexp.reduce(out[0])
    for t in range(1, len(out)):
        out[t] = np.logaddexp.reduce(out[t - 1][:, None] + log_moves[which[t]], 0) + log_density[t]
        out[t] -= np.logaddexp.reduce(out[t])
    return out
