"""Inverse Cholesky factors of many covariances, with the blocks of products that passes over rows are made of."""

from __future__ import annotations

import math

import numpy as np

from likely.numerics.blocks import ABREAST, ROWS, update_1, update_2, update_3
from likely.numerics.compiled import compiled
from likely.numerics.tiles import room
from likely.numerics.vector import LANES, apart

__all__ = ["whitened"]


@compiled
def whitened(covariance, white, log_det):
    """W with W covariance W' = I, lower triangular, and log determinants; False where one is not positive definite.

    Rows of [A | I], A the correlations, are eliminated a panel at a time: what becomes of A is the Cholesky factor U of
    U'U = A, and what becomes of I is its transposed inverse. Rows that are done are kept as `[eight columns][row][8]`.
    Where columns are no whole number of vectors, the identity continues A.
    """
    apart()
    members, d, _ = covariance.shape
    blocks = (d + LANES - 1) // LANES
    width = blocks * LANES
    done = room(2 * width * width).reshape(2 * blocks, width, LANES)
    panel = room(2 * width * ROWS).reshape(ROWS, 2 * width)
    unit = np.ones(width)
    for k in range(members):
        done[:] = 0.0
        for j in range(d):
            unit[j] = math.sqrt(1 / covariance[k, j, j])
        for a in range(0, width, ROWS):
            first, end = a // LANES, blocks + (a + ROWS + LANES - 1) // LANES
            projections(done, a, first * LANES, end * LANES, panel)
            rest(covariance[k], unit, a, panel)
            if not reduced(panel, a, first * LANES, end * LANES):
                return False
            for block in range(first, end):
                for x in range(ROWS):
                    for lane in range(LANES):
                        done[block, a + x, lane] = panel[x, block * LANES + lane]
        log_det[k] = inverse(done[blocks:], unit, white[k])
    return True


@compiled
def projections(done, a, first, end, panel):
    """Rows of a panel along those that are done: sums of products of their columns from `a` on, and of all others."""
    rows, b = done.shape[1], first
    panel[:, first:end] = 0.0
    while b < end:
        vectors = min((end - b) // LANES, ABREAST)
        if vectors == 3:
            update_3(done, rows, a, a, b, panel, -2 * a * rows, 2 * rows)
        elif vectors == 2:
            update_2(done, rows, a, a, b, panel, -2 * a * rows, 2 * rows)
        else:
            update_1(done, rows, a, a, b, panel, -2 * a * rows, 2 * rows)
        b += vectors * LANES


@compiled
def rest(covariance, unit, a, panel):
    """Rows of [A | I] from row a on, less what stands in the panel."""
    d, width = len(covariance), len(unit)
    for x in range(ROWS):
        i, row = a + x, panel[x]
        for c in range(len(row)):
            row[c] = -row[c]
        row[width + i] += 1.0
        if i >= d:
            row[i] += 1.0
            continue
        for c in range(d):
            row[c] += unit[i] * covariance[i, c] * unit[c]


@compiled
def reduced(panel, a, first, end):
    """Eliminate among the rows of a panel, whose pivots begin at column a; False where one is not positive."""
    for x in range(ROWS):
        row = panel[x][first:end]
        for y in range(x):
            above, factor = panel[y][first:end], panel[y, a + x]
            for c in range(len(row)):
                row[c] -= factor * above[c]
        if not panel[x, a + x] > 0:
            return False
        scale = 1 / math.sqrt(panel[x, a + x])
        for c in range(len(row)):
            row[c] *= scale
    return True


@compiled
def inverse(done, unit, white):
    """The factor of the correlations, inverted, as that of the covariance; its log determinant."""
    out, d = 0.0, len(white)
    for i in range(d):
        for j in range(d):
            white[i, j] = done[j // LANES, i, j % LANES] * unit[j] if j <= i else 0.0
        out -= 2 * math.log(white[i, i])
    return out
