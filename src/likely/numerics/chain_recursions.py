"""The recursions of `chain`, compiled: scaled probabilities, logarithms, best paths, walks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from likely.numerics.compiled import compiled
from likely.numerics.tiles import room
from likely.numerics.vector import LANES, Lanes, kernel, number, whole

LEAST = (
    2.0**-400
)  # what falls below may have lost something that matters: a share of 2^-600 of it at most is lost above


@compiled
def scaled_sequences(initial, transition, log_density, offsets, full, gamma, filtered, ahead, log_prob, lost):
    """Forward and backward over every sequence; `lost` tells where logarithms are needed. `full`: all moves can be."""
    m = len(initial)
    reach, room = np.ones(m, np.bool_), np.empty((3, m))
    for s in range(len(offsets) - 1):
        a, b = offsets[s], offsets[s + 1]
        log_prob[s] = _forward(initial, transition, log_density, a, b, full, reach, filtered, ahead, room)
        fine = log_prob[s] > -np.inf and _backward(transition, a, b, filtered, ahead, gamma, room)
        lost[s] = not fine


@compiled
def _forward(initial, transition, log_density, first, last, full, reach, filtered, ahead, room):
    """Filtered probabilities, and densities over their row's scale into `ahead`; the log-likelihood, -inf if lost."""
    m = len(initial)
    new, came = room[0], room[1]
    total, product = 0.0, 1.0
    for t in range(first, last):
        if t == first:
            for j in range(m):
                new[j] = initial[j]
        else:
            new[:] = 0.0
            for i in range(m):
                p = filtered[t - 1, i]
                for j in range(m):
                    new[j] += p * transition[i, j]
        if not full:
            _reachable(initial, transition, t == first, reach, came)
        top = -np.inf
        for j in range(m):
            if reach[j] and log_density[t, j] > top:
                top = log_density[t, j]
        if top == -np.inf:
            return -np.inf
        scale = 0.0
        for j in range(m):
            density = math.exp(log_density[t, j] - top) if reach[j] else 0.0
            reach[j] = full or (reach[j] and log_density[t, j] > -np.inf)
            ahead[t, j] = density
            new[j] *= density
            scale += new[j]
        if scale < LEAST:
            return -np.inf
        for j in range(m):
            filtered[t, j] = new[j] / scale
            ahead[t, j] /= scale
        total += top
        product *= scale
        if product < LEAST or product > 1 / LEAST:
            total += math.log(product)
            product = 1.0
    return total + math.log(product)


@compiled
def _reachable(initial, transition, begins, reach, came):
    """Which states can be reached from those of the row before: whether they can, not how probably."""
    m = len(initial)
    if begins:
        for j in range(m):
            reach[j] = initial[j] > 0
        return
    came[:] = 0.0
    for i in range(m):
        if reach[i]:
            for j in range(m):
                if transition[i, j] > 0:
                    came[j] = 1.0
    for j in range(m):
        reach[j] = came[j] > 0


@compiled
def _backward(transition, first, last, filtered, ahead, gamma, room):
    """Smoothed probabilities, and in `ahead` what makes filtered ones probabilities of moves; False if lost."""
    m = filtered.shape[1]
    beta, after = room[0], room[1]
    beta[:] = 1.0
    overlap = 1.0
    for t in range(last - 1, first - 1, -1):
        for j in range(m):
            gamma[t, j] = filtered[t, j] * beta[j] / overlap
            after[j] = ahead[t, j] * beta[j]
            ahead[t, j] = after[j] / overlap
        if t == first:
            break
        top = 0.0
        for i in range(m):
            total = 0.0
            for j in range(m):
                total += transition[i, j] * after[j]
            beta[i] = total
            top = max(top, total)
        if not top > 0.0:
            return False
        overlap = 0.0
        for i in range(m):
            beta[i] /= top
            overlap += filtered[t - 1, i] * beta[i]
        if overlap < LEAST:
            return False
    ahead[first, :] = 0.0
    return True


@compiled
def log_sequence(log_initial, log_transition, log_density, forward, backward):
    """Log joint probabilities of the rows so far and of those to come with every state; the log-likelihood."""
    n, m = log_density.shape
    terms = np.empty(m)
    for j in range(m):
        forward[0, j] = log_initial[j] + log_density[0, j]
    for t in range(1, n):
        for j in range(m):
            for i in range(m):
                terms[i] = forward[t - 1, i] + log_transition[i, j]
            forward[t, j] = log_sum(terms) + log_density[t, j]
    backward[n - 1, :] = 0.0
    for t in range(n - 2, -1, -1):
        for i in range(m):
            for j in range(m):
                terms[j] = log_transition[i, j] + log_density[t + 1, j] + backward[t + 1, j]
            backward[t, i] = log_sum(terms)
    return log_sum(forward[n - 1])


@compiled
def log_pairs(log_transition, log_density, forward, backward, log_prob):
    """(m, m) expected numbers of moves from what `log_sequence` found."""
    n, m = log_density.shape
    out = np.zeros((m, m))
    for t in range(1, n):
        for i in range(m):
            for j in range(m):
                joint = forward[t - 1, i] + log_transition[i, j] + log_density[t, j] + backward[t, j]
                out[i, j] += math.exp(joint - log_prob)
    return out


@compiled
def log_sum(terms):
    """log(sum(exp(terms))), -inf of nothing."""
    top = terms.max()
    if top == -np.inf:
        return top
    total = 0.0
    for x in terms:
        total += math.exp(x - top)
    return top + math.log(total)


@compiled
def first_impossible(forward):
    """The first row at which no state is possible."""
    for t in range(len(forward)):
        if forward[t].max() == -np.inf:
            return t
    return len(forward) - 1


def _best_step(
    v: Lanes, fours: Any, moves: Any, block: Any, wide: Any, density: Any, here: Any, best: Any, before: Any, now: Any
) -> None:  # fmt: skip
    """The best ways to eight states from `block` on: those `before` and a move, and the density there.

    Four states before are looked at side by side: an addition and a maximum wait for each other, and others need not.
    """
    before, moves = v.at(best, before), v.at(moves, block)

    def over(i: Any, top: Any) -> Any:
        return v.max(v.add(v.spread(v.at(before, i)), v.load(v.at(moves, v.times(i, wide)))), top)

    def four(i: Any, tops: list[Any]) -> list[Any]:
        return [over(v.builder.add(v.times(i, 4), whole(side)), top) for side, top in enumerate(tops)]

    tops = v.loop(fours, [number(-math.inf)] * 4, four)
    top = v.max(v.max(tops[0], tops[1]), v.max(tops[2], tops[3]))
    v.store(v.add(top, v.load(v.at(density, here, block))), v.at(best, now, block))


best_step = kernel("iaiiaiaii", _best_step)


@compiled
def best_paths(log_initial, log_transition, log_density, offsets, best, path, log_prob, stopped):
    """Viterbi over every sequence; `best` has room for the log probabilities of the best ways to the longest's states.

    A vector may reach into the next row, which is written later: behind the last row there is room for one. Where a
    best way came from is looked up only along the path, from its end on: the same sums, of which the same is largest.
    """
    n, m = log_density.shape
    wide, fours = -(-m // LANES) * LANES, -(-m // 4)  # states in whole vectors; those that are not there lead nowhere
    moves, into, last = room(4 * fours * wide), log_transition.T.copy(), np.zeros((LANES + 1) * wide)
    moves[:] = -np.inf
    for i in range(m):
        for j in range(m):
            moves[i * wide + j] = log_transition[i, j]
    density, whole_rows = log_density.reshape(n * m), max(0, n - LANES)
    for i in range(whole_rows * m, n * m):
        last[i - whole_rows * m] = density[i]
    for s in range(len(offsets) - 1):
        a, b = offsets[s], offsets[s + 1]
        for j in range(m):
            best[j] = log_initial[j] + log_density[a, j]
        for t in range(a + 1, b):
            now = (t - a) * m
            for block in range(0, wide, LANES):
                if t < whole_rows:
                    best_step(fours, moves, block, wide, density, t * m, best, now - m, now)
                else:
                    best_step(fours, moves, block, wide, last, (t - whole_rows) * m, best, now - m, now)
        ways = best[: (b - a) * m].reshape(b - a, m)
        state = ways[b - a - 1].argmax()
        log_prob[s] = ways[b - a - 1, state]
        if log_prob[s] == -np.inf:
            stopped[s], path[a:b] = first_impossible(ways), -1
            continue
        for t in range(b - 1, a, -1):
            path[t] = state
            state = came_from(ways[t - 1 - a], into[state])
        path[a] = state


@compiled
def came_from(best, into):
    """The state before, the lowest of equally good ones."""
    top, state = -np.inf, 0
    for i in range(len(best)):
        way = best[i] + into[i]
        if way > top:
            top, state = way, i
    return state


@compiled
def walks(first, moves, uniform, offsets, members, states):
    """States of sequences drawn at random: sums of probabilities up to each state, `moves` of member by member."""
    m = first.shape[1]
    for s in range(len(offsets) - 1):
        k = members[s]
        for t in range(offsets[s], offsets[s + 1]):
            steps = first[k] if t == offsets[s] else moves[k * m + states[t - 1]]
            states[t] = min(np.searchsorted(steps, uniform[t], "right"), m - 1)
