"""One pass over a mixture of normals: densities, responsibilities and moments of a tile of rows at a time, in cache.

`moments_in_tiles` keeps rows in lanes all the way: best for few columns. `moments_in_rows` weighs the rows that matter
to a member and forms their products column against column: best for many, and rows far away cost next to nothing.
Nothing of the size of the data is stored.
"""

from __future__ import annotations

import math

import numpy as np

from likely.numerics.blocks import (
    ABREAST,
    GROUP,
    ROWS,
    across_0,
    across_1,
    across_2,
    across_3,
    across_4,
    harden,
    soften,
    square_1,
    square_2,
    square_3,
    square_4,
    sum_and_product,
    update_1,
    update_2,
    update_3,
    whitened_1,
    whitened_2,
    whitened_4,
    whitened_8,
)
from likely.numerics.compiled import compiled
from likely.numerics.vector import LANES

STEP = ABREAST * LANES
TILE = 2**15  # numbers in a tile: it stays in a core's own cache


def groups(d: int) -> int:
    """Groups of rows in a tile."""
    return max(2, min(16, TILE // (GROUP * (d + 1))))


def packed(white: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Coefficients of y = W (z - shift) for all members (k, d, d), (k, d), in the order in which kernels read them."""
    k, d = shifts.shape
    constants = -(white @ shifts[:, :, None])[:, :, 0]
    pieces, above = [], 0
    while above < d:
        rows = block(d - above)
        pieces.append(constants[:, above : above + rows])
        pieces.append(white[:, above : above + rows, : above + rows].swapaxes(1, 2).reshape(k, -1))
        above += rows
    return np.concatenate(pieces, 1).ravel()


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
    d = x.shape[1]
    for start in range(0, rows, GROUP):
        at, block = start * (d + 1), x[first + start : first + min(start + GROUP, rows)]
        for i in range(0, GROUP, LANES):
            for j in range(d):
                to, c = at + j * GROUP + i, centre[j]
                if len(block) == GROUP:  # with nothing to ask row by row, the loop is several times faster
                    for lane in range(LANES):
                        tile[to + lane] = block[i + lane, j] - c
                else:
                    for lane in range(LANES):
                        tile[to + lane] = block[i + lane, j] - c if i + lane < len(block) else 0.0
        for i in range(GROUP):
            tile[at + d * GROUP + i] = 1.0 if i < len(block) else 0.0


@compiled
def squared_lengths(tile, groups, d, coefficients, at, q, to):
    """|W z + w|^2 for one member, whose coefficients begin at `at`, into q from `to` on."""
    above = 0
    while above < d:
        rows = block(d - above)
        for g in range(groups):
            for i in range(0, GROUP, STEP):
                t, out = g * (d + 1) * GROUP + i, to + g * GROUP + i
                if rows == 8:
                    whitened_8(coefficients, at, above, tile, t, q, out)
                elif rows == 4:
                    whitened_4(coefficients, at, above, tile, t, q, out)
                elif rows == 2:
                    whitened_2(coefficients, at, above, tile, t, q, out)
                else:
                    whitened_1(coefficients, at, above, tile, t, q, out)
        at += rows * (1 + above + rows)
        above += rows


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
def weigh_tile(q, constants, rows, groups, hard, weights, first, r):
    """Weights of a tile's rows under every member into r, from squared lengths q (lost); their log-likelihood."""
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
def responsibilities(tile, groups, rows, d, coefficients, constants, hard, weights, first, q, r):
    """As `weigh_tile`, from the tile itself."""
    members = len(constants)
    length = len(coefficients) // members
    for k in range(members):
        squared_lengths(tile, groups, d, coefficients, k * length, q, k * groups * GROUP)
    return weigh_tile(q, constants, rows, groups, hard, weights, first, r)


@compiled
def products(r, at, tile, groups, columns, s, o):
    """Lower triangle of r z z' over a tile, added lane by lane to s from `o` on."""
    step = columns * GROUP
    for a in range(0, columns, 4):
        rows = min(4, columns - a)
        line = o + a * columns * LANES
        for b in range(0, a, 4):
            to = line + b * LANES
            if rows == 4:
                across_4(r, at, tile, a * GROUP, b * GROUP, step, groups, s, to, columns)
            elif rows == 3:
                across_3(r, at, tile, a * GROUP, b * GROUP, step, groups, s, to, columns)
            elif rows == 2:
                across_2(r, at, tile, a * GROUP, b * GROUP, step, groups, s, to, columns)
            else:
                across_1(r, at, tile, a * GROUP, b * GROUP, step, groups, s, to, columns)
        to = line + a * LANES
        if rows == 4:
            square_4(r, at, tile, a * GROUP, a * GROUP, step, groups, s, to, columns)
        elif rows == 3:
            square_3(r, at, tile, a * GROUP, a * GROUP, step, groups, s, to, columns)
        elif rows == 2:
            square_2(r, at, tile, a * GROUP, a * GROUP, step, groups, s, to, columns)
        else:
            square_1(r, at, tile, a * GROUP, a * GROUP, step, groups, s, to, columns)


@compiled
def across_lanes(s, at):
    """The sum of one vector."""
    out = 0.0
    for lane in range(LANES):
        out += s[at * LANES + lane]
    return out


@compiled
def centred(sums, member, centre, lost, weight, mean, scatter):
    """Moments of one member from lanes of sums of r (z, 1)(z, 1)'; False where centring costs more than it may.

    That is where a mean about the centre, squared, is more than `lost` variances.
    """
    d = len(centre)
    first = member * (d + 1) * (d + 1)
    last = first + d * (d + 1)
    weight[member] = across_lanes(sums, last + d)
    safe = weight[member] if weight[member] > 0 else 1.0
    for j in range(d):
        mean[member, j] = across_lanes(sums, last + j) / safe
    good = True
    for a in range(d):
        for b in range(a + 1):
            total = across_lanes(sums, first + a * (d + 1) + b) - safe * mean[member, a] * mean[member, b]
            scatter[member, a, b] = total
            scatter[member, b, a] = total
        good &= weight[member] <= 0 or safe * mean[member, a] ** 2 <= lost * scatter[member, a, a]
    for j in range(d):
        mean[member, j] += centre[j]
    return good


@compiled
def moments_in_tiles(x, weights, centre, coefficients, constants, hard, groups, lost, weight, mean, scatter):
    """Log-likelihood of all rows; their moments under every member into weight (k,), mean (k, d), scatter (k, d, d).

    NaN where centring costs digits (`centred`).
    """
    n, d = x.shape
    members, columns, size = len(constants), d + 1, groups * GROUP
    tile, q, r = room(columns * size), room(members * size), room((members + 2) * size)
    sums = room(members * columns * columns * LANES)
    sums[:] = 0.0
    out = 0.0
    for first in range(0, n, size):
        rows = min(size, n - first)
        used = (rows + GROUP - 1) // GROUP
        fill(x, centre, first, rows, tile)
        out += responsibilities(tile, used, rows, d, coefficients, constants, hard, weights, first, q, r)
        for k in range(members):
            products(r, k * used * GROUP, tile, used, columns, sums, k * columns * columns * LANES)
    for k in range(members):
        if not centred(sums, k, centre, lost, weight, mean, scatter):
            return np.nan
    return out


@compiled
def totals(r, at, tile, groups, d, s, o):
    """Sums of r (z, 1) over a tile, added lane by lane to s from `o` on."""
    step, ones = (d + 1) * GROUP, d * GROUP
    for b in range(0, d - d % 4, 4):
        across_1(r, at, tile, ones, b * GROUP, step, groups, s, o + b * LANES, 0)
    for b in range(d - d % 4, d + 1):
        across_0(r, at, tile, ones, b * GROUP, step, groups, s, o + b * LANES, 0)


@compiled
def gather(r, at, rows, least, points, shift, width, own, where, weight):
    """Where the rows that weigh more than `least` stand, and what they weigh; their number.

    Where the member has a point of its own (`shift` not empty), the rows about it are laid into `own`.
    """
    count = 0
    for i in range(rows):
        if r[at + i] > least:
            weight[count] = r[at + i]
            where[count] = i * width
            if len(shift):
                where[count] = count * width
                for j in range(len(shift)):
                    own[count * width + j] = points[i * width + j] - shift[j]
            count += 1
    return count


@compiled
def rank_updates(points, where, weight, count, width, s, o):
    """Sum of weighted products of gathered rows, added to s from `o` on: blocks of the lower triangle."""
    for a in range(0, width, ROWS):
        end = (a + ROWS + LANES - 1) // LANES * LANES
        b = 0
        while b < end:
            vectors = min((end - b) // LANES, ABREAST)
            if vectors == 3:
                update_3(points, where, weight, count, a, b, s, o, width)
            elif vectors == 2:
                update_2(points, where, weight, count, a, b, s, o, width)
            else:
                update_1(points, where, weight, count, a, b, s, o, width)
            b += vectors * LANES


@compiled
def moments_in_rows(x, weights, centre, coefficients, constants, shifts, apart, least, hard, groups, firsts, s):
    """As `moments_in_tiles`, for many columns; rows with r up to `least` weigh nothing in the products.

    Lanes of sums of r (z, 1) go into firsts (k, d + 1, lanes), sums of r z z' into s (k, width, width), width the
    columns rounded up to lanes; those of members `apart` about their own points `shifts`.
    """
    n, d = x.shape
    members, width, size = len(constants), s.shape[1], groups * GROUP
    tile, q, r = room((d + 1) * size), room(members * size), room((members + 2) * size)
    points, own = room(width * size), room(width * size)
    points[:], own[:] = 0.0, 0.0
    where, weight = np.empty(size, np.int64), np.empty(size)
    sums, lanes = s.reshape(s.size), firsts.reshape(firsts.size)
    out = 0.0
    for first in range(0, n, size):
        rows = min(size, n - first)
        used = (rows + GROUP - 1) // GROUP
        fill(x, centre, first, rows, tile)
        for i in range(rows):
            for j in range(d):
                points[i * width + j] = x[first + i, j] - centre[j]
        out += responsibilities(tile, used, rows, d, coefficients, constants, hard, weights, first, q, r)
        for k in range(members):
            at, shift = k * used * GROUP, shifts[k] if apart[k] else shifts[k, :0]
            totals(r, at, tile, used, d, lanes, k * (d + 1) * LANES)
            count = gather(r, at, rows, least[k], points, shift, width, own, where, weight)
            rank_updates(own if apart[k] else points, where, weight, count, width, sums, k * width * width)
    return out
