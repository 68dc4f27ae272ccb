"""Rows that share one set of gains, compiled: what happens between two of them is one product, worked out once."""

from __future__ import annotations

import numpy as np

from likely.numerics.compiled import compiled
from likely.numerics.kalman_products import SET, TAKE, product, put

MANY = 16  # rows for which that is worth it


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


@compiled
def ahead(turned, sets, seen, gain, white, m, q, step):
    """What a predicted mean and a row are multiplied by: (x, y) step = (x of the next row, w).

    w = y W' - x seen', and the next mean is (x + w gain) A'.
    """
    zero, one, both = np.int64(0), np.int64(1), m + q
    push, on, new = np.empty(q * m), np.empty(m * m), np.empty(q * m)
    product(SET, sets, gain, m, one, turned, zero, m, push, zero, q, m, m)
    put(turned, zero, on, zero, m * m)
    product(TAKE, sets, seen, one, m, push, zero, m, on, zero, m, q, m)
    product(SET, sets, white, one, q, push, zero, m, new, zero, q, q, m)
    for i in range(m):
        put(on, i * m, step, i * both, m)
        for j in range(q):
            step[i * both + m + j] = -sets[seen + j * m + i]
    for i in range(q):
        put(new, i * m, step, (m + i) * both, m)
        for j in range(q):
            step[(m + i) * both + m + j] = sets[white + j * q + i]


@compiled
def behind(A, sets, predicted, seen, gain, m, q, step):
    """The same backward: (r, w) step = (r of the row before, what that adds to the mean).

    That is r (A - A gain' seen) + w seen, and P- times it.
    """
    zero, one, rows = np.int64(0), np.int64(1), m + q
    push, on, more = np.empty(m * q), np.empty(rows * m), np.empty(rows * m)
    for i in range(m):
        for j in range(q):
            push[i * q + j] = 0.0
            for n in range(m):
                push[i * q + j] += A[i * m + n] * sets[gain + j * m + n]
    put(A, zero, on, zero, m * m)
    product(TAKE, push, zero, q, one, sets, seen, m, on, zero, m, q, m)
    put(sets, seen, on, m * m, q * m)
    product(SET, on, zero, m, one, sets, predicted, m, more, zero, rows, m, m)
    for i in range(rows):
        put(on, i * m, step, 2 * i * m, m)
        put(more, i * m, step, (2 * i + 1) * m, m)
