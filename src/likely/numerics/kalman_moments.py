"""Moments of rows whose columns stand in several arrays, compiled: a tile at a time, about the mean of those before."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.numerics.called import called
from likely.numerics.compiled import compiled
from likely.numerics.kalman_products import SET, add, product
from likely.numerics.vector import Lanes, kernel

BEFORE, INPUTS, STATE, ROW = range(4)  # parts of a row: the state of the row before, and those of its own
TILE = 2**11  # numbers
SIZES = 8, 4, 2, 1  # of vectors
OF_MOVES, OF_ROWS, OF_FIRST = np.array([BEFORE, INPUTS, STATE]), np.array([STATE, INPUTS, ROW]), np.array([STATE])


@compiled
def all_moments(
    of_moves, of_rows, of_first, moves, rows, first, x, m, u, p, y, d, weights, before, now, lagged, shown, begun, room
):  # fmt: skip
    """Moments of some moves (state before, inputs, state), rows (state, inputs, row) and first states, in one call.

    They go to `room`, mean and scatter of each, and weights are given back. What is uncertain is added: of states
    before and after moves, of both together (each m, m), of (state, inputs, row) and of first states. Other arguments
    as those of `moments`, with OF_MOVES, OF_ROWS and OF_FIRST.
    """
    zero, wide, long = np.int64(0), 2 * m + p, m + p + d
    move_mean, move_scatter = room[:wide], room[wide : wide + wide**2]
    row_mean, row_scatter = room[wide + wide**2 :][:long], room[wide + wide**2 + long :][: long**2]
    first_mean, first_scatter = room[len(room) - m - m**2 :][:m], room[len(room) - m**2 :]
    moved = moments(moves, of_moves, x, m, u, p, y, d, zero, d, weights, move_mean, move_scatter)
    seen = moments(rows, of_rows, x, m, u, p, y, d, zero, d, weights, row_mean, row_scatter)
    started = moments(first, of_first, x, m, u, p, y, d, zero, d, weights, first_mean, first_scatter)
    for i in range(m):
        for j in range(m):
            move_scatter[i * wide + j] += before[i * m + j]
            move_scatter[(m + p + i) * wide + m + p + j] += now[i * m + j]
            move_scatter[(m + p + i) * wide + j] += lagged[i * m + j]
            move_scatter[j * wide + m + p + i] += lagged[i * m + j]
    add(1.0, shown, zero, row_scatter, zero, len(shown))
    add(1.0, begun, zero, first_scatter, zero, m * m)
    return moved, seen, started


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
        count, some = min(size, len(rows) - begin), zero
        weight = float(count) if len(weights) == 0 else 0.0
        for i in range(count if len(weights) > 0 else 0):
            share[i] = weights[rows[begin + i]]
            some = i if weight == 0 else some
            weight += share[i]
        if weight <= 0:
            continue
        for away in range(1 if total > 0 else 0, 2):  # from the mean so far; at first from the first row that counts
            to, at, many, start = (tile, zero, count, begin) if away else (mean, zero, np.int64(1), begin + some)
            for part in parts:
                if part == INPUTS:
                    beside(rows, start, many, u, p, zero, p, mean, to, q, at)
                    at += p
                elif part == ROW:
                    beside(rows, start, many, y, d, first, width, mean, to, q, at)
                    at += width
                else:
                    beside(rows, start, many, x, m, -m if part == BEFORE else zero, m, mean, to, q, at)
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


def _shifted(
    v: Lanes, x: Any, x_at: Any, wide: Any, centre: Any, c_at: Any, out: Any, at: Any, on: Any, rows: Any, width: Any
) -> None:  # fmt: skip
    x, centre, out = v.at(x, x_at), v.at(centre, c_at), v.at(out, at)

    def block(j: Any, size: int) -> None:
        own = v.load(v.at(centre, j), size)

        def row(i: Any, _: list[Any]) -> list[Any]:
            v.store(v.sub(v.load(v.at(x, v.times(i, wide), j), size), own), v.at(out, v.times(i, on), j))
            return []

        v.loop(rows, [], row)

    for size in SIZES:
        v.parts(width, SIZES, size, lambda j, s=size: block(j, s))


_written_out = kernel("aiiaiaiiii", _shifted)


@called("aiiaiaiiii")
def shifted(x, x_at, wide, centre, c_at, out, at, on, rows, width):
    """Numbers of consecutive rows, `wide` apart, less a centre, to rows that lie `on` apart."""
    _written_out(x, x_at, wide, centre, c_at, out, at, on, rows, width)


@compiled
def beside(rows, begin, count, source, wide, first, width, centre, tile, q, at):
    """Some columns of some rows, which go up, of a source, less a centre, into columns of a tile."""
    done = 0
    while done < count:
        end, top = done + 1, rows[begin + done]
        if rows[begin + count - 1] - top == count - 1 - done:
            end = count
        while end < count and rows[begin + end] - top == end - done:
            end += 1
        shifted(source, top * wide + first, wide, centre, at, tile, done * q + at, q, end - done, width)
        done = end
