"""Tiles of rows, kept in a core's own cache: how they are filled, and what every pass over a mixture does with them."""

from __future__ import annotations

import math

import numpy as np

from likely.numerics.blocks import (
    GROUP,
    ROWS,
    columns_1_1,
    columns_1_4,
    columns_4_1,
    columns_4_4,
    harden,
    soften,
    sum_and_product,
    turned_1,
    turned_2,
    turned_4,
    turned_8,
)
from likely.numerics.compiled import compiled
from likely.numerics.vector import LANES, apart

TILE = 2**15  # numbers in a tile


def groups(d: int) -> int:
    """Groups of rows in a tile."""
    return max(2, min(16, TILE // (GROUP * (d + 1))))


@compiled
def block(left):
    """Rows of the next block of a triangle, of which so many are left."""
    return 8 if ROWS >= 8 and left >= 8 else 4 if left >= 4 else 2 if left >= 2 else 1


@compiled
def room(size):
    """Space for so many numbers that begins where a cache line does: vectors then never lie across two of them."""
    space = np.empty(size + LANES)
    first = (-(space.ctypes.data // 8)) % LANES
    return space[first : first + size]


@compiled
def fill(x, centre, first, rows, tile):
    """Rows of x from `first` on, less a centre, into a tile; column d is ones, and missing rows are zeros."""
    apart()
    d = x.shape[1]
    whole = rows - rows % LANES
    for i in range(0, whole, LANES):
        turn(x, first + i, centre, tile, place(i, d))
    for i in range(whole, -(-rows // GROUP) * GROUP):
        for j in range(d):
            tile[place(i, d) + j * GROUP] = x[first + i, j] - centre[j] if i < rows else 0.0
    for start in range(0, rows, GROUP):
        ones = place(start, d) + d * GROUP
        tile[ones : ones + GROUP] = 1.0
        tile[ones + min(rows - start, GROUP) : ones + GROUP] = 0.0


@compiled
def place(i, d):
    """Where the first column of row i stands in a tile."""
    return i // GROUP * (d + 1) * GROUP + i % GROUP


@compiled
def turn(x, i, centre, tile, to):
    """Eight rows of x from row i on, less a centre: their columns into a tile."""
    d = x.shape[1]
    j = 0
    while j < d:
        columns = block(d - j)
        if columns == 8:
            turned_8(x, i * d + j, d, centre, j, tile, to + j * GROUP)
        elif columns == 4:
            turned_4(x, i * d + j, d, centre, j, tile, to + j * GROUP)
        elif columns == 2:
            turned_2(x, i * d + j, d, centre, j, tile, to + j * GROUP)
        else:
            turned_1(x, i * d + j, d, centre, j, tile, to + j * GROUP)
        j += columns


@compiled
def weigh_tile(q, constants, rows, groups, hard, weights, first, r):
    """Weights of a tile's rows under every member into r, from squared lengths q (lost); their log-likelihood."""
    apart()
    members, size = len(constants), groups * GROUP
    if hard:
        harden(q, constants, members, size, r)
    else:
        soften(q, constants, members, size, r)
    if len(weights):
        out = weigh_rows(r, members, size, weights, first, rows)
    else:
        out = log_likelihood(r, members, size, rows, q)
    for k in range(members):
        for i in range(rows, size):
            r[k * size + i] = 0.0
    return out


@compiled
def weigh_rows(r, members, size, weights, first, rows):
    """Responsibilities times row weights; the weighted log-likelihood."""
    out = 0.0
    for i in range(rows):
        w = weights[first + i]
        out += w * (r[members * size + i] + math.log(r[(members + 1) * size + i]))
        for k in range(members):
            r[k * size + i] *= w
    return out


@compiled
def log_likelihood(r, members, size, rows, lanes):
    """Sum of max + log(sum), which stand in two rows behind the members; `lanes` is room for two vectors.

    In every lane sums are multiplied before a logarithm is taken: those of a tile, at most the number of members each,
    stay far from the largest number.
    """
    tops, sums = members * size, (members + 1) * size
    vectors = rows // LANES
    sum_and_product(r, tops, sums, vectors, lanes)
    out = 0.0
    for lane in range(LANES):
        out += lanes[lane] + math.log(lanes[LANES + lane])
    for i in range(vectors * LANES, rows):
        out += r[tops + i] + math.log(r[sums + i])
    return out


@compiled
def totals(r, members, tile, groups, d, s, o, stride):
    """Sums of r (z, 1) over a tile for all members, added lane by lane to s from `o` on, `stride` vectors apart."""
    apart()
    step, size = (d + 1) * GROUP, groups * GROUP
    k = 0
    while k < members:
        four = k + 4 <= members
        b = 0
        while b <= d:
            at, to, wide = k * size, o + (k * stride + b) * LANES, b + 3 <= d
            if four and wide:
                columns_4_4(r, at, size, tile, b * GROUP, step, groups, s, to, stride)
            elif four:
                columns_4_1(r, at, size, tile, b * GROUP, step, groups, s, to, stride)
            elif wide:
                columns_1_4(r, at, size, tile, b * GROUP, step, groups, s, to, stride)
            else:
                columns_1_1(r, at, size, tile, b * GROUP, step, groups, s, to, stride)
            b += 4 if wide else 1
        k += 4 if four else 1


@compiled
def across_lanes(s, at):
    """The sum of one vector."""
    out = 0.0
    for lane in range(LANES):
        out += s[at * LANES + lane]
    return out
