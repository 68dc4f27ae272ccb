"""The recursions of `chain`, compiled: scaled probabilities, logarithms, best paths, walks."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np
from llvmlite import ir

from likely.numerics.compiled import compiled
from likely.numerics.tiles import room
from likely.numerics.vector import LANES, WHOLE, Lanes, apart, kernel, number, whole

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


def _best_step(few: int) -> Any:
    """The best ways to eight states from `block` on: those `before` and a move, and the density there.

    Where they came from is kept, the lowest of equally good states. Four runs of so many (`fours`) states before are
    looked at side by side: an addition and a comparison wait for each other, and those of other runs need not. Of a
    `few` states in a run, or (0) of any number.
    """

    def emit(
        v: Lanes, fours: Any, moves: Any, block: Any, wide: Any, density: Any, here: Any, best: Any, before: Any,
        now: Any, came: Any, kept: Any
    ) -> None:  # fmt: skip
        before, moves, builder = v.at(best, before), v.at(moves, block), v.builder
        run = whole(few) if few else fours

        def better(mine: Any, other: Any) -> Any:
            higher = v.below(mine[0], other[0])
            return v.where(higher, other[0], mine[0]), v.where(higher, other[1], mine[1])

        def each(i: Any, carried: list[Any]) -> list[Any]:
            out = []
            for side in range(4):
                state = builder.add(v.times(run, side), i)
                way = v.add(v.spread(v.at(before, state)), v.load(v.at(moves, v.times(state, wide))))
                out += better(carried[2 * side : 2 * side + 2], (way, carried[-1]))
            return [*out, builder.add(carried[-1], _everywhere(v, whole(1)))]

        none = _everywhere(v, whole(0))
        found = [number(-math.inf), none] * 4 + [none]
        for i in range(few):
            found = each(whole(i), found)
        if not few:
            found = v.loop(fours, found, each)
        runs = [
            (found[2 * side], builder.add(found[2 * side + 1], _everywhere(v, v.times(run, side)))) for side in range(4)
        ]
        top, state = reduce(better, runs)
        v.store(v.add(top, v.load(v.at(density, here, block))), v.at(best, now, block))
        place = v.at(came, kept, block)
        v.store(builder.trunc(state, ir.VectorType(place.type.pointee, LANES)), place)

    return kernel("iaiiaiaiiai", emit)


def _everywhere(v: Lanes, i: Any) -> Any:
    """An index in every lane."""
    one = v.builder.insert_element(ir.Constant(WHOLE, ir.Undefined), i, ir.Constant(ir.IntType(32), 0))
    return v.shuffled(one, one, [0] * LANES)


best_step, best_step_1, best_step_2, best_step_3 = (_best_step(few) for few in range(4))


@compiled
def best_rows(begin, first, end, moves, density, skipped, m, best, came):
    """The best ways to all states of a sequence's rows from `first` to `end`; `density` lacks rows that are `skipped`.

    Those of the row before stand in `best`, in one half or the other.
    """
    apart()
    wide, fours = -(-m // LANES) * LANES, -(-m // 4)
    for t in range(first, end):
        now, kept, at = (t - begin) % 2 * wide, (t - begin) * wide, (t - skipped) * m
        before = wide - now
        for block in range(0, wide, LANES):
            if fours == 1:
                best_step_1(fours, moves, block, wide, density, at, best, before, now, came, kept)
            elif fours == 2:
                best_step_2(fours, moves, block, wide, density, at, best, before, now, came, kept)
            elif fours == 3:
                best_step_3(fours, moves, block, wide, density, at, best, before, now, came, kept)
            else:
                best_step(fours, moves, block, wide, density, at, best, before, now, came, kept)


@compiled
def best_paths(log_initial, log_transition, log_density, offsets, came, path, log_prob, stopped):
    """Viterbi over every sequence; `came` has room for where the best way to each state of the longest came from.

    It holds whole vectors of states; those that are not there lead nowhere. A vector of densities may reach into the
    next row: the last rows are copied to where there is room for one.
    """
    n, m = log_density.shape
    wide = -(-m // LANES) * LANES
    moves, best, last = room(wide * wide), room(2 * wide), np.zeros((LANES + 1) * wide)
    moves[:] = -np.inf
    for i in range(m):
        for j in range(m):
            moves[i * wide + j] = log_transition[i, j]
    density, whole_rows = log_density.reshape(n * m), max(0, n - LANES)
    for i in range(whole_rows * m, n * m):
        last[i - whole_rows * m] = density[i]
    for s in range(len(offsets) - 1):
        a, b = offsets[s], offsets[s + 1]
        best[:] = -np.inf
        for j in range(m):
            best[j] = log_initial[j] + log_density[a, j]
        middle = min(max(a + 1, whole_rows), b)
        best_rows(a, a + 1, middle, moves, density, 0, m, best, came)
        best_rows(a, middle, b, moves, last, whole_rows, m, best, came)
        now = (b - 1 - a) % 2 * wide
        state = best[now : now + m].argmax()
        log_prob[s] = best[now + state]
        if log_prob[s] == -np.inf:
            stopped[s], path[a:b] = no_way_on(log_initial, log_transition, log_density[a:b]), -1
            continue
        for t in range(b - 1, a, -1):
            path[t] = state
            state = np.int64(came[(t - a) * wide + state])
        path[a] = state


@compiled
def no_way_on(log_initial, log_transition, log_density):
    """The first row at which no state is possible."""
    n, m = log_density.shape
    can = log_initial > -np.inf
    for t in range(n):
        came, can = can, np.zeros(m, np.bool_)
        for j in range(m):
            for i in range(m):
                reached = came[j] if t == 0 else came[i] and log_transition[i, j] > -np.inf
                can[j] |= reached and log_density[t, j] > -np.inf
        if not can.any():
            return t
    return n - 1


@compiled
def walks(first, moves, uniform, offsets, members, states):
    """States of sequences drawn at random: sums of probabilities up to each state, `moves` of member by member."""
    m = first.shape[1]
    for s in range(len(offsets) - 1):
        k = members[s]
        for t in range(offsets[s], offsets[s + 1]):
            steps = first[k] if t == offsets[s] else moves[k * m + states[t - 1]]
            states[t] = min(np.searchsorted(steps, uniform[t], "right"), m - 1)
