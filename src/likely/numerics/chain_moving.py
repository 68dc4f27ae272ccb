"""Chains whose moves change from row to row, with logarithms throughout: forward-backward and best paths.

Moves are told by a few matrices: at row t the matrix `which[t]` of `log_moves` (u, m, m) leads there from row t - 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from likely.numerics.chain_recursions import log_sum
from likely.numerics.compiled import compiled
from likely.numerics.soft import Array


@dataclass(frozen=True)
class SmoothedMoving:
    """What is known of the hidden states of sequences laid end to end, where moves change from row to row."""

    log_prob: Array  # (S,); -inf where a sequence is impossible
    gamma: Array  # (n, m) probability of each state at each row
    forward: Array  # (n, m) log joint probabilities of each state and the rows up to this one
    later: Array  # (n, m) log probabilities of this row and those to come, given the state here
    log_moves: Array  # (u, m, m)
    which: Array  # (n,)
    offsets: Array
    stopped: dict[int, int]
    temperature: float = 1.0

    @property
    def filtered(self) -> Array:
        """(n, m) probability of each state given the rows up to this one."""
        return _shared(self.forward)

    def pairs(self, weights: Array | None = None) -> Array:
        """(u, m, m) expected numbers of moves under each matrix, each sequence counted by its weight (S,)."""
        each = np.ones(len(self.log_prob)) if weights is None else weights
        out = np.zeros(self.log_moves.shape)
        log_prob = self.log_prob / self.temperature
        moved(self.log_moves, self.which, self.forward, self.later, self.offsets, log_prob, each, out)
        return out

    def expected(self, log_moves: Array) -> Array:
        """(S,) expected sums over a sequence of what each move is worth (u, m, m)."""
        out = np.zeros(len(self.log_prob))
        log_prob = self.log_prob / self.temperature
        worth(self.log_moves, self.which, self.forward, self.later, self.offsets, log_prob, log_moves, out)
        return out


def smooth_moving(
    log_initial: Array, log_moves: Array, which: Array, log_density: Array, offsets: Array, temperature: float = 1.0
) -> SmoothedMoving:  # fmt: skip
    """Forward-backward over sequences laid end to end, of probabilities to the power 1 / temperature."""
    n, m = log_density.shape
    log_initial, log_moves, log_density = (a / temperature for a in (log_initial, log_moves, log_density))
    forward, later, log_prob = np.empty((n, m)), np.empty((n, m)), np.empty(len(offsets) - 1)
    both_ways(log_initial, log_moves, which, np.ascontiguousarray(log_density), offsets, forward, later, log_prob)
    stopped = stopped_at(forward, offsets, log_prob)
    with np.errstate(invalid="ignore"):
        joint = np.where(log_density > -np.inf, forward + later - log_density, -np.inf)
    gamma = _shared(joint)
    for s in stopped:
        gamma[offsets[s] : offsets[s + 1]] = 0.0
    log_prob *= temperature
    return SmoothedMoving(log_prob, gamma, forward, later, log_moves, which, offsets, stopped, temperature)


def best_path_moving(
    log_initial: Array, log_moves: Array, which: Array, log_density: Array, offsets: Array
) -> tuple[Array, Array, dict[int, int]]:  # fmt: skip
    """The most probable states (n,) of sequences, their log joint probabilities (S,), and where others stop."""
    n, m = log_density.shape
    path, best, log_prob = np.empty(n, np.int64), np.empty((n, m)), np.empty(len(offsets) - 1)
    came = np.empty((n, m), np.uint8 if m <= 256 else np.uint16)
    paths(log_initial, log_moves, which, np.ascontiguousarray(log_density), offsets, best, came, path, log_prob)
    return path, log_prob, stopped_at(best, offsets, log_prob)


def _shared(logs: Array) -> Array:
    """Rows of logarithms as probabilities; zeros where nothing is possible."""
    top = logs.max(1, keepdims=True)
    e = np.exp(logs - np.where(np.isfinite(top), top, 0.0))
    total = e.sum(1, keepdims=True)
    return e / np.where(total > 0, total, 1.0)


def stopped_at(forward: Array, offsets: Array, log_prob: Array) -> dict[int, int]:
    """Of impossible sequences the first row at which no state is possible."""
    out = {}
    for s in np.flatnonzero(log_prob == -np.inf):
        own = forward[offsets[s] : offsets[s + 1]].max(1) == -np.inf
        out[int(s)] = int(own.argmax()) if own.any() else len(own) - 1
    return out


@compiled
def both_ways(log_initial, log_moves, which, log_density, offsets, forward, later, log_prob):
    """Log joint probabilities of rows so far, and log probabilities of rows from here on, with every state."""
    m = len(log_initial)
    terms = np.empty(m)
    for s in range(len(offsets) - 1):
        a, b = offsets[s], offsets[s + 1]
        for t in range(a, b):
            for j in range(m):
                came = log_initial[j]
                if t > a:
                    for i in range(m):
                        terms[i] = forward[t - 1, i] + log_moves[which[t], i, j]
                    came = log_sum(terms)
                forward[t, j] = came + log_density[t, j]
        log_prob[s] = log_sum(forward[b - 1])
        for j in range(m):
            later[b - 1, j] = log_density[b - 1, j]
        for t in range(b - 2, a - 1, -1):
            for i in range(m):
                for j in range(m):
                    terms[j] = log_moves[which[t + 1], i, j] + later[t + 1, j]
                later[t, i] = log_sum(terms) + log_density[t, i]


@compiled
def moved(log_moves, which, forward, later, offsets, log_prob, weights, out):
    """Expected numbers of moves under each matrix."""
    m = out.shape[1]
    for s in range(len(offsets) - 1):
        if log_prob[s] == -np.inf or weights[s] == 0.0:
            continue
        for t in range(offsets[s] + 1, offsets[s + 1]):
            for i in range(m):
                for j in range(m):
                    joint = forward[t - 1, i] + log_moves[which[t], i, j] + later[t, j] - log_prob[s]
                    out[which[t], i, j] += weights[s] * math.exp(joint)


@compiled
def worth(log_moves, which, forward, later, offsets, log_prob, values, out):
    """Expected sums of what moves are worth."""
    m = values.shape[1]
    for s in range(len(offsets) - 1):
        if log_prob[s] == -np.inf:
            continue
        for t in range(offsets[s] + 1, offsets[s + 1]):
            for i in range(m):
                for j in range(m):
                    p = math.exp(forward[t - 1, i] + log_moves[which[t], i, j] + later[t, j] - log_prob[s])
                    if p > 0.0:
                        out[s] += p * values[which[t], i, j]


@compiled
def paths(log_initial, log_moves, which, log_density, offsets, best, came, path, log_prob):
    """Viterbi over every sequence."""
    m = len(log_initial)
    for s in range(len(offsets) - 1):
        a, b = offsets[s], offsets[s + 1]
        for j in range(m):
            best[a, j] = log_initial[j] + log_density[a, j]
        for t in range(a + 1, b):
            for j in range(m):
                top, where = -np.inf, 0
                for i in range(m):
                    x = best[t - 1, i] + log_moves[which[t], i, j]
                    if x > top:
                        top, where = x, i
                best[t, j], came[t, j] = top + log_density[t, j], where
        state = best[b - 1].argmax()
        log_prob[s] = best[b - 1, state]
        for t in range(b - 1, a - 1, -1):
            path[t] = state if log_prob[s] > -np.inf else -1
            state = came[t, state]


@compiled
def moving_walks(first, moves, which, uniform, offsets, members, states):
    """States drawn at random: sums of probabilities up to each state, `moves` (u, k m, m)."""
    m = first.shape[1]
    for s in range(len(offsets) - 1):
        k = members[s]
        for t in range(offsets[s], offsets[s + 1]):
            steps = first[k] if t == offsets[s] else moves[which[t], k * m + states[t - 1]]
            states[t] = min(np.searchsorted(steps, uniform[t], "right"), m - 1)
