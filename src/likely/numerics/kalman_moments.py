"""Moments of rows whose columns stand in several arrays, compiled: a tile at a time, about the mean of those before."""

from __future__ import annotations

import numpy as np

from likely.numerics.compiled import compiled
from likely.numerics.kalman_products import SET, add, product, put
from likely.numerics.vector import apart

BEFORE, INPUTS, STATE, ROW = range(4)  # parts of a row: the state of the row before, and those of its own
TILE = 2**11  # numbers
OF_MOVES, OF_FIRST = np.array([BEFORE, INPUTS, STATE, INPUTS, ROW]), np.array([STATE, INPUTS, ROW])


@compiled
def all_moments(
    moves, of_moves, first, of_first, x, m, u, p, y, d, weights, before, now, lagged, begun, shown, mean, scatter
):  # fmt: skip
    """Moments of moves, of all rows and of first states, where there is something of every row.

    Of moves (state before, inputs, state), of rows (state, inputs, row) and of first states weights are given back;
    means stand one after another in `mean`, and scatters in `scatter`. What is uncertain of states before and after
    moves, of both together, of first states (each m, m) and of (state, inputs, row) is added. Other arguments as those
    of `moments`, with OF_MOVES and OF_FIRST.
    """
    zero, wide, a, b = np.int64(0), 2 * m + 2 * p + d, 2 * m + p, m + p + d
    later, spread, own, apart_from = np.zeros(wide), np.zeros(wide * wide), np.zeros(b), np.zeros(b * b)
    moved = moments(moves, of_moves, x, m, u, p, y, d, zero, d, weights, later, spread)
    started = moments(first, of_first, x, m, u, p, y, d, zero, d, weights, own, apart_from)
    put(later, zero, mean, zero, a)
    square(spread, wide, zero, scatter, zero, a)
    for i in range(m):
        for j in range(m):
            scatter[i * a + j] += before[i * m + j]
            scatter[(m + p + i) * a + m + p + j] += now[i * m + j]
            scatter[(m + p + i) * a + j] += lagged[i * m + j]
            scatter[j * a + m + p + i] += lagged[i * m + j]
    put(later, m + p, mean, a, b)
    square(spread, wide, m + p, scatter, a * a, b)
    merged(moved, started, own, apart_from, b, mean, a, scatter, a * a)
    add(1.0, shown, zero, scatter, a * a, b * b)
    put(own, zero, mean, a + b, m)
    square(apart_from, b, zero, scatter, a * a + b * b, m)
    add(1.0, begun, zero, scatter, a * a + b * b, m * m)
    return moved, moved + started, started


@compiled
def square(source, wide, at, out, to, size):
    """A block on the diagonal of a matrix, from row and column `at` on."""
    for i in range(size):
        put(source, (at + i) * wide + at, out, to + i * size, size)


@compiled
def merged(weight, more, own, spread, size, mean, at, scatter, to):
    """Add moments to others, by Chan's formula."""
    if weight + more <= 0:
        return
    share = more / (weight + more)
    for i in range(size):
        for j in range(size):
            apart_by = (own[i] - mean[at + i]) * (own[j] - mean[at + j])
            scatter[to + i * size + j] += spread[i * size + j] + weight * share * apart_by
    for i in range(size):
        mean[at + i] += share * (own[i] - mean[at + i])


@compiled
def moments(rows, parts, x, m, u, p, y, d, first, width, weights, mean, scatter):
    """Mean (q,) and scatter (q, q) of some rows, for the parts named by numbers; gives their weight.

    x (n m), u (n p) and y (n d) are flat; of y only `width` columns from `first` on are taken. `weights` has one number
    for each row of x, or none.
    """
    zero, one, q = np.int64(0), np.int64(1), len(mean)
    size, total = max(TILE // q, 16), 0.0
    tile, left, share = np.empty(size * q), np.empty(size * q), np.ones(size)
    products, sums = np.empty(q * q), np.empty(q)
    for begin in range(0, len(rows), size):
        count, weight, some = min(size, len(rows) - begin), 0.0, zero
        for i in range(count):
            if len(weights) > 0:
                share[i] = weights[rows[begin + i]]
            some = i if weight == 0 else some
            weight += share[i]
        if weight <= 0:
            continue
        for away in range(2 if total == 0 else 1):  # from the mean so far; at first from the first row that counts
            if away > 0:
                put(tile, some * q, mean, zero, q)
            at = zero
            for part in parts:
                if part == INPUTS:
                    beside(rows, begin, count, u, p, zero, p, mean, tile, q, at)
                    at += p
                elif part == ROW:
                    beside(rows, begin, count, y, d, first, width, mean, tile, q, at)
                    at += width
                else:
                    beside(rows, begin, count, x, m, -m if part == BEFORE else zero, m, mean, tile, q, at)
                    at += m
        if len(weights) > 0:
            for i in range(count):
                for j in range(q):
                    left[i * q + j] = share[i] * tile[i * q + j]
        total += weight
        product(SET, left if len(weights) > 0 else tile, zero, one, q, tile, zero, q, products, zero, q, count, q)
        product(SET, share, zero, zero, one, tile, zero, q, sums, zero, one, count, q)
        for i in range(q):
            for j in range(q):
                scatter[i * q + j] += products[i * q + j] - sums[i] * sums[j] / total
        add(1.0 / total, sums, zero, mean, zero, q)
    return total


@compiled
def beside(rows, begin, count, source, wide, first, width, centre, tile, q, at):
    """Some columns of some rows of a source, less a centre, into columns of a tile."""
    apart()
    wide, q, at = np.uintp(wide), np.uintp(q), np.uintp(at)
    for i in range(count):
        here, there = np.uintp(rows[begin + i]) * wide + np.uintp(first), np.uintp(i) * q + at
        for j in range(np.uintp(width)):
            tile[there + j] = source[here + j] - centre[at + j]
