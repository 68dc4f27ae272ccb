"""Chains whose states last: forward-backward over stays, best stays. With logarithms throughout, and exact.

A stay in state j lasts d rows with log probability `lasts[j, d - 1]`; the last stay of a sequence, of which d rows are
seen, lasts at least d with `at_least[j, d - 1]`. `beyond[j, d]` is at least the sum of both from d + 1 on: a sum over
durations ends where all that is left cannot change it, and not before. So it takes n m (D + m) steps, where D is how
many durations matter, at most the length of the sequence (Guedon 2003; Yu 2010).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from likely.numerics.chain_moving import stopped_at
from likely.numerics.chain_recursions import log_sum
from likely.numerics.compiled import compiled
from likely.numerics.soft import Array

NOTHING = -745.0  # the logarithm of the smallest number
SMALL = 40.0  # nats below: a part of 4e-18, which no sum of numbers in double precision shows


@dataclass(frozen=True)
class SmoothedStays:
    """What is known of the stays in sequences laid end to end.

    Entry d - 1, counted from the first row of a sequence, of `lasted` and `cut` is about stays of d rows.
    """

    log_prob: Array  # (S,)
    gamma: Array  # (n, m) probability of each state at each row
    moves: Array  # (S, m, m) expected numbers of moves from stay to stay
    lasted: Array  # (n, m) expected number of complete stays of each duration
    cut: Array  # (n, m) probability that the last stay has so many rows
    offsets: Array
    stopped: dict[int, int]

    def pairs(self, weights: Array | None = None) -> Array:
        """(m, m) expected numbers of moves between stays, each sequence counted by its weight (S,)."""
        return self.moves.sum(0) if weights is None else np.tensordot(weights, self.moves, 1)

    def expected(self, log_moves: Array) -> Array:
        """(S,) expected sums over a sequence of what each move is worth."""
        return (self.moves * np.where(self.moves > 0, log_moves, 0.0)).sum((1, 2))


def smooth_stays(
    log_initial: Array, log_moves: Array, lasts: Array, at_least: Array, log_density: Array, offsets: Array
) -> SmoothedStays:  # fmt: skip
    """Forward-backward; sequences lie end to end, and the first stay begins at the first row.

    Parameters
    ----------
    log_initial : array (m,)
    log_moves : array (m, m)                from the end of a stay; -inf from a state to itself
    lasts, at_least : array (m, D)          D is the length of the longest sequence
    log_density : array (n, m)
    offsets : array (S + 1,)
    """
    n, m = log_density.shape
    size = len(offsets) - 1
    begun, ended, after, from_here = np.empty((4, n, m))
    gamma, lasted, cut = np.zeros((n, m)), np.zeros((n, m)), np.zeros((n, m))
    log_prob, moves, shares = np.empty(size), np.zeros((size, m, m)), np.empty(int(np.diff(offsets).max()))
    beyond, log_density = _beyond(lasts, at_least), np.ascontiguousarray(log_density)
    chain = log_initial, log_moves, lasts, at_least, beyond
    for s in range(size):
        rows = slice(offsets[s], offsets[s + 1])
        own = log_density[rows], begun[rows], ended[rows], after[rows], from_here[rows]
        log_prob[s] = stays_ahead(*chain, *own[:3])
        if log_prob[s] > -np.inf:
            stays_behind(*chain[1:], own[0], *own[3:])
            stays_seen(*chain[1:], log_prob[s], *own, gamma[rows], lasted[rows], cut[rows], moves[s], shares)
    stopped = _where_stays_stop(log_initial, log_moves, log_density, offsets, log_prob)
    return SmoothedStays(log_prob, gamma, moves, lasted, cut, offsets, stopped)


def best_stays(
    log_initial: Array, log_moves: Array, lasts: Array, at_least: Array, log_density: Array, offsets: Array
) -> tuple[Array, Array, dict[int, int]]:  # fmt: skip
    """The most probable states (n,) of sequences, the log joint probabilities (S,), and where others stop."""
    path, log_prob = np.empty(len(log_density), np.int64), np.empty(len(offsets) - 1)
    beyond, log_density = _beyond(lasts, at_least), np.ascontiguousarray(log_density)
    for s in range(len(log_prob)):
        rows = slice(offsets[s], offsets[s + 1])
        log_prob[s] = stays_best(log_initial, log_moves, lasts, at_least, beyond, log_density[rows], path[rows])
    stopped = _where_stays_stop(log_initial, log_moves, log_density, offsets, log_prob)
    return path, log_prob, stopped


def _beyond(lasts: Array, at_least: Array) -> Array:
    """(m, D): entry d - 1 bounds what durations above d can bring together."""
    out = np.full(lasts.shape, -np.inf)
    later = np.logaddexp.accumulate(lasts[:, ::-1], 1)[:, ::-1]
    out[:, :-1] = np.logaddexp(later[:, 1:], at_least[:, 1:])
    return out


def _where_stays_stop(
    log_initial: Array, log_moves: Array, log_density: Array, offsets: Array, log_prob: Array
) -> dict:
    """Of impossible sequences the first row with no state to be in, whatever stays last; else the last row."""
    steps, reached = (log_moves > -np.inf) | np.eye(len(log_initial), dtype=bool), np.full(log_density.shape, -np.inf)
    for s in np.flatnonzero(log_prob == -np.inf):
        now = log_initial > -np.inf
        for t in range(offsets[s], offsets[s + 1]):
            now = (now if t == offsets[s] else now @ steps) & (log_density[t] > -np.inf)
            reached[t] = np.where(now, 0.0, -np.inf)
    return stopped_at(reached, offsets, log_prob)


@compiled
def stays_ahead(log_initial, log_moves, lasts, at_least, beyond, log_density, begun, ended):
    """Log probabilities that stays begin (rows before) and end (rows so far) at each row; the log-likelihood."""
    n, m = log_density.shape
    terms, most = np.empty(m), np.full(m, -np.inf)
    last = np.full(m, -np.inf)
    for t in range(n):
        for j in range(m):
            if t == 0:
                begun[t, j] = log_initial[j]
            else:
                for i in range(m):
                    terms[i] = ended[t - 1, i] + log_moves[i, j]
                begun[t, j] = log_sum(terms)
        for j in range(m):
            most[j] = max(most[j], begun[t, j]) + log_density[t, j]
            if t < n - 1:
                ended[t, j] = _stay(begun, lasts, beyond, log_density, most[j], t, j)
            else:
                last[j] = _stay(begun, at_least, beyond, log_density, most[j], t, j)
                ended[t, j] = -np.inf
    return log_sum(last)


@compiled
def _stay(begun, lasts, beyond, log_density, most, t, j):
    """Sum over durations of a stay in j whose last row is t; `most` bounds what any has but for its duration."""
    top, total, seen = -np.inf, 0.0, 0.0
    for d in range(t + 1):
        seen += log_density[t - d, j]
        if seen == -np.inf:
            break
        x = begun[t - d, j] + lasts[j, d] + seen
        if x > top:
            total = total * math.exp(top - x) + 1.0
            top = x
        elif x > top - SMALL - 10.0:
            total += math.exp(x - top)
        if most + beyond[j, d] <= top - SMALL:
            break
    return top + math.log(total) if top > -np.inf else top


@compiled
def stays_behind(log_moves, lasts, at_least, beyond, log_density, after, from_here):
    """Log probabilities of what comes after a stay that ends at each row, and from here on if one begins here."""
    n, m = log_density.shape
    terms, most = np.empty(m), np.full(m, -np.inf)
    for t in range(n - 1, -1, -1):
        for i in range(m):
            if t == n - 1:
                after[t, i] = 0.0
            else:
                for j in range(m):
                    terms[j] = log_moves[i, j] + from_here[t + 1, j]
                after[t, i] = log_sum(terms)
        for j in range(m):
            most[j] = max(most[j], after[t, j]) + log_density[t, j]
            top, total, seen = -np.inf, 0.0, 0.0
            for d in range(n - t):
                seen += log_density[t + d, j]
                if seen == -np.inf:
                    break
                x = seen + (lasts[j, d] + after[t + d, j] if t + d < n - 1 else at_least[j, d])
                if x > top:
                    total = total * math.exp(top - x) + 1.0
                    top = x
                elif x > top - SMALL - 10.0:
                    total += math.exp(x - top)
                if most[j] + beyond[j, d] <= top - SMALL:
                    break
            from_here[t, j] = top + math.log(total) if top > -np.inf else top


@compiled
def stays_seen(
    log_moves, lasts, at_least, beyond, log_prob, log_density, begun, ended, after, from_here, gamma, lasted, cut,
    moves, shares,
):  # fmt: skip
    """Expected stays: their states row by row, their durations, and the moves between them. Nothing is subtracted."""
    n, m = log_density.shape
    most = np.full(m, -np.inf)
    for t in range(n - 1, -1, -1):
        for i in range(m):
            if t < n - 1:
                for j in range(m):
                    moves[i, j] += math.exp(ended[t, i] + log_moves[i, j] + from_here[t + 1, j] - log_prob)
        for j in range(m):
            most[j] = max(most[j], after[t, j]) + log_density[t, j]
            start = begun[t, j] - log_prob
            if start + from_here[t, j] < NOTHING:
                continue
            seen, count = 0.0, 0
            for d in range(n - t):
                seen += log_density[t + d, j]
                if seen == -np.inf:
                    break
                ends = t + d < n - 1
                p = math.exp(start + seen + (lasts[j, d] + after[t + d, j] if ends else at_least[j, d]))
                shares[d], count = p, d + 1
                if ends:
                    lasted[d, j] += p
                else:
                    cut[d, j] += p
                if most[j] + beyond[j, d] <= from_here[t, j] - SMALL:
                    break
            total = 0.0
            for d in range(count - 1, -1, -1):
                total += shares[d]
                gamma[t + d, j] += total


@compiled
def stays_best(log_initial, log_moves, lasts, at_least, beyond, log_density, path):
    """The best stays of one sequence; of equal ones those with the lowest states, and the shortest."""
    n, m = log_density.shape
    begun, ended, most = np.empty((n, m)), np.empty((n, m)), np.full(m, -np.inf)
    came, rows = np.zeros((n, m), np.int64), np.ones((n, m), np.int64)
    for t in range(n):
        for j in range(m):
            begun[t, j] = log_initial[j] if t == 0 else -np.inf
            if t > 0:
                for i in range(m):
                    x = ended[t - 1, i] + log_moves[i, j]
                    if x > begun[t, j]:
                        begun[t, j], came[t, j] = x, i
        for j in range(m):
            most[j] = max(most[j], begun[t, j]) + log_density[t, j]
            worth = lasts if t < n - 1 else at_least
            top, seen = -np.inf, 0.0
            for d in range(t + 1):
                seen += log_density[t - d, j]
                if seen == -np.inf:
                    break
                x = begun[t - d, j] + worth[j, d] + seen
                if x > top:
                    top, rows[t, j] = x, d + 1
                if most[j] + beyond[j, d] <= top:
                    break
            ended[t, j] = top
    state = ended[n - 1].argmax()
    best, t = ended[n - 1, state], n - 1
    while t >= 0:
        if best == -np.inf:
            path[: t + 1] = -1
            break
        start = t - rows[t, state] + 1
        path[start : t + 1] = state
        state, t = came[start, state], start - 1
    return best
