"""Rows that share one set of gains, compiled: only the recursion from row to row is done one after the other.

Between two such rows a mean moves by one and the same matrix. What rows bring to it, and what follows from it, are
products with all of them at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.numerics.called import called
from likely.numerics.compiled import compiled
from likely.numerics.kalman_products import ADD, SET, TAKE, add, product, put
from likely.numerics.kalman_steps import AHEAD, BACK, code, step_ahead, step_back
from likely.numerics.vector import Lanes, kernel, number, whole

MANY = 16  # rows for which that is worth it
TILE = 512  # rows at a time, which stay in cache
SIZES = 8, 4, 2, 1  # of vectors


@compiled
def alike(index, t, stop):
    """The row after those from t on that share a set, if they are many; else t."""
    if t + MANY > stop or index[t + MANY - 1] != index[t]:
        return t
    end = t + MANY
    while end < stop and index[end] == index[t]:
        end += 1
    return end


@compiled
def alike_before(index, t, first):
    """The first of the rows up to t that share a set, if they are many; else the row after t."""
    if t - MANY + 1 < first or index[t - MANY + 1] != index[t]:
        return t + 1
    begin = t - MANY + 1
    while begin > first and index[begin - 1] == index[t]:
        begin -= 1
    return begin


def _recur(v: Lanes, step: Any, m: Any, x: Any, at: Any, on: Any, rows: Any) -> None:
    """Two sums for each number, of every other state: half as many additions wait for one another."""
    build, x = v.builder, v.at(x, at)
    pairs, odd = build.lshr(m, whole(1)), build.and_(m, whole(1))

    def row(i: Any, _: list[Any]) -> list[Any]:
        before = v.at(x, v.times(i, on))
        after = v.at(before, on)

        def block(j: Any, size: int) -> None:
            def term(n: Any, total: Any) -> Any:
                return v.fma(v.spread(v.at(before, n), size), v.load(v.at(step, v.times(n, m), j), size), total)

            def two(n: Any, sums: list[Any]) -> list[Any]:
                first = v.times(n, 2)
                return [term(first, sums[0]), term(build.add(first, whole(1)), sums[1])]

            sums = v.loop(pairs, [v.load(v.at(after, j), size), number(0.0, size)], two)
            sums = v.loop(odd, sums, lambda _, s: [term(build.sub(m, whole(1)), s[0]), s[1]])
            v.store(v.add(*sums), v.at(after, j))

        for size in SIZES:
            v.parts(m, SIZES, size, lambda j, s=size: block(j, s))
        return []

    v.loop(rows, [], row)


_written_out = kernel("aiaiii", _recur)


@called("aiaiii")
def recur(step, m, x, at, on, rows):
    """To x (m,), `on` places after that at `at`, add that times `step` (m, m); and so on, for so many rows."""
    _written_out(step, m, x, at, on, rows)


@compiled
def run_ahead(y, r, drift, row, rows, after, turned, sets, seen, m, q, steps, mean, whites):
    """Predicted means of rows that follow `row`, whose own is there, and white innovations of so many rows from it.

    w = y W' - x seen', and the next mean is (x + w gain) A' + drift; the row `after` is of another sequence.
    """
    zero, one, gain, white = np.int64(0), np.int64(1), seen + r * m, seen + 2 * r * m
    push, step, bring = np.empty(q * m), np.empty(m * m), np.empty(q * m)
    product(SET, sets, gain, m, one, turned, zero, m, push, zero, q, m, m)
    put(turned, zero, step, zero, m * m)
    product(TAKE, sets, seen, one, m, push, zero, m, step, zero, m, q, m)
    product(SET, sets, white, one, q, push, zero, m, bring, zero, q, q, m)
    own, expected = np.zeros(q * r), np.zeros(m * r)
    for j in range(q):
        for i in range(q):
            own[i * r + j] = sets[white + j * q + i]
        for i in range(m):
            expected[i * r + j] = sets[seen + j * m + i]
    address = code(steps, AHEAD, q)
    if q < r:
        whites[row * r : (row + rows) * r] = 0.0
    for begin in range(row, row + rows, TILE):
        count = min(TILE, row + rows - begin)
        moves, to = min(count, after - begin - 1), (begin + 1) * m
        mean[to : to + moves * m] = 0.0
        add(1.0, drift, min(to, len(drift)), mean, to, min(moves * m, len(drift)))
        if address != 0:
            step_ahead(
                address, mean, begin * m, y, begin * r, step, bring, own, expected, whites, begin * r, r, moves, count
            )
            continue
        product(ADD, y, begin * r, r, one, bring, zero, m, mean, to, moves, q, m)
        recur(step, m, mean, begin * m, m, moves)
        product(SET, y, begin * r, r, one, own, zero, r, whites, begin * r, count, q, r)
        product(TAKE, mean, begin * m, m, one, expected, zero, r, whites, begin * r, count, m, r)


@compiled
def run_back(A, sets, at, r, m, q, steps, row, rows, back, mean, whites):
    """Smoothed means of so many rows from `row` on in place of predicted ones; `back` (m,) comes and goes.

    back (A - A gain' seen) + w seen is that of the row before, and P- times it is added to the mean.
    """
    zero, one, seen = np.int64(0), np.int64(1), at + 3 * m * m
    gain = seen + r * m
    push, step = np.empty(m * q), np.empty(m * m)
    for i in range(m):
        for j in range(q):
            push[i * q + j] = 0.0
            for n in range(m):
                push[i * q + j] += A[i * m + n] * sets[gain + j * m + n]
    put(A, zero, step, zero, m * m)
    product(TAKE, push, zero, q, one, sets, seen, m, step, zero, m, q, m)
    address = code(steps, BACK, q)
    if address != 0:
        step_back(address, back, step, sets, seen, sets, at, whites, row * r, mean, row * m, r, rows)
        return
    scores, end = np.empty((min(rows, TILE) + 1) * m), row + rows
    while end > row:
        count = min(TILE, end - row)
        begin = end - count
        product(SET, whites, begin * r, r, one, sets, seen, m, scores, zero, count, q, m)
        put(back, zero, scores, count * m, m)
        recur(step, m, scores, count * m, -m, count)
        product(ADD, scores, zero, m, one, sets, at, m, mean, begin * m, count, m, m)
        put(scores, zero, back, zero, m)
        end = begin
