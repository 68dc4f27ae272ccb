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
    STEP,
    across_1,
    across_2,
    across_3,
    across_4,
    first_1,
    first_2,
    first_4,
    first_8,
    laid_1,
    laid_2,
    laid_4,
    laid_8,
    square_1,
    square_2,
    square_3,
    square_4,
    update_1,
    update_2,
    update_3,
    whitened_1,
    whitened_2,
    whitened_4,
    whitened_8,
)
from likely.numerics.compiled import compiled
from likely.numerics.tiles import across_lanes, block, fill, groups, room, totals, weigh_tile
from likely.numerics.vector import LANES, apart

__all__ = ["LANES", "groups", "moments_in_rows", "moments_in_tiles", "packed"]


def packed(white: np.ndarray) -> np.ndarray:
    """Coefficients of W z for all members (k, d, d), in the order in which kernels read them."""
    k, d, _ = white.shape
    pieces, above = [], 0
    while above < d:
        rows = block(d - above)
        pieces.append(white[:, above : above + rows, : above + rows].swapaxes(1, 2).reshape(k, -1))
        above += rows
    return np.concatenate(pieces, 1).ravel()


@compiled
def squared_lengths(tile, groups, d, coefficients, first, offsets, k, q, to):
    """|W z + w|^2 for member k, whose coefficients begin at `first`, into q from `to` on.

    A group of rows stays in the nearest cache while the triangle passes by.
    """
    apart()
    for g in range(groups):
        for i in range(0, GROUP, STEP):
            t, out = g * (d + 1) * GROUP + i, to + g * GROUP + i
            at, above = first, 0
            while above < d:
                rows, o = block(d - above), k * d + above
                if above == 0 and rows == 8:
                    first_8(offsets, o, coefficients, at, 0, tile, t, q, out)
                elif above == 0 and rows == 4:
                    first_4(offsets, o, coefficients, at, 0, tile, t, q, out)
                elif above == 0 and rows == 2:
                    first_2(offsets, o, coefficients, at, 0, tile, t, q, out)
                elif above == 0:
                    first_1(offsets, o, coefficients, at, 0, tile, t, q, out)
                elif rows == 8:
                    whitened_8(offsets, o, coefficients, at, above, tile, t, q, out)
                elif rows == 4:
                    whitened_4(offsets, o, coefficients, at, above, tile, t, q, out)
                elif rows == 2:
                    whitened_2(offsets, o, coefficients, at, above, tile, t, q, out)
                else:
                    whitened_1(offsets, o, coefficients, at, above, tile, t, q, out)
                at += rows * (above + rows)
                above += rows


@compiled
def responsibilities(tile, groups, rows, d, coefficients, offsets, constants, hard, weights, first, q, r):
    """As `weigh_tile`, from the tile itself."""
    members = len(constants)
    length = len(coefficients) // members
    for k in range(members):
        squared_lengths(tile, groups, d, coefficients, k * length, offsets, k, q, k * groups * GROUP)
    return weigh_tile(q, constants, rows, groups, hard, weights, first, r)


@compiled
def products(r, members, tile, groups, columns, s, stride):
    """Lower triangle of r z z' over a tile for all members, added lane by lane to s, members `stride` vectors apart.

    Members come innermost: the columns of a block stay in the nearest cache for all of them.
    """
    apart()
    step, size, line = (columns + 1) * GROUP, groups * GROUP, columns + 1
    for a in range(0, columns, 4):
        rows = min(4, columns - a)
        for b in range(0, a + 1, 4):
            for k in range(members):
                at, to = k * size, (k * stride + a * line + b) * LANES
                if a == b:
                    if rows == 4:
                        square_4(r, at, tile, a * GROUP, a * GROUP, step, groups, s, to, line)
                    elif rows == 3:
                        square_3(r, at, tile, a * GROUP, a * GROUP, step, groups, s, to, line)
                    elif rows == 2:
                        square_2(r, at, tile, a * GROUP, a * GROUP, step, groups, s, to, line)
                    else:
                        square_1(r, at, tile, a * GROUP, a * GROUP, step, groups, s, to, line)
                elif rows == 4:
                    across_4(r, at, tile, a * GROUP, b * GROUP, step, groups, s, to, line)
                elif rows == 3:
                    across_3(r, at, tile, a * GROUP, b * GROUP, step, groups, s, to, line)
                elif rows == 2:
                    across_2(r, at, tile, a * GROUP, b * GROUP, step, groups, s, to, line)
                else:
                    across_1(r, at, tile, a * GROUP, b * GROUP, step, groups, s, to, line)


@compiled
def centred(k, sums, at, origin, centre, lost, spread, weight, mean, scatter):
    """Moments of member k from sums of (z, 1), lane by lane in `sums` from vector `at` on.

    z is a point less the centre; `scatter` holds the lower triangle of sums of (z - origin)(z - origin)'. False where
    centring costs more than it may: where the mean of z - origin, squared, is more than `lost` times the variance of
    these rows and `lost` times `spread`, a variance of the member that other rows bear out.
    """
    apart()
    d = len(centre)
    weight[k] = across_lanes(sums, at + d)
    safe = weight[k] if weight[k] > 0 else 1.0
    shift = mean[k]
    for j in range(d):
        shift[j] = across_lanes(sums, at + j) / safe - (origin[j] if weight[k] > 0 else 0.0)
    good = True
    for a in range(d):
        for b in range(a + 1):
            scatter[k, a, b] -= safe * shift[a] * shift[b]
            scatter[k, b, a] = scatter[k, a, b]
        good &= weight[k] <= 0 or safe * shift[a] ** 2 <= lost * max(scatter[k, a, a], safe * spread[k, a])
    for j in range(d):
        mean[k, j] += centre[j] + (origin[j] if weight[k] > 0 else 0.0)
    return good


@compiled
def moments_in_tiles(
    x, weights, centre, coefficients, offsets, constants, hard, groups, lost, spread, weight, mean, scatter
):
    """Log-likelihood of all rows; their moments under every member into weight (k,), mean (k, d), scatter (k, d, d).

    The squared length of a row under member k is |W z + offsets[k]|^2, where z is the row less the centre and W stands
    in the `coefficients` (`packed`). NaN where centring costs digits (`centred`).
    """
    n, d = x.shape
    members, columns, size = len(constants), d + 1, groups * GROUP
    tile, q, r = room(columns * size), room(members * size), room((members + 2) * size)
    stride = columns * columns
    sums = room(members * stride * LANES)
    sums[:] = 0.0
    out = 0.0
    for first in range(0, n, size):
        rows = min(size, n - first)
        used = (rows + GROUP - 1) // GROUP
        fill(x, centre, first, rows, tile)
        out += responsibilities(tile, used, rows, d, coefficients, offsets, constants, hard, weights, first, q, r)
        products(r, members, tile, used, d, sums, stride)
        totals(r, members, tile, used, d, sums, d * columns * LANES, stride)
    origin = np.zeros(d)
    for k in range(members):
        for a in range(d):
            for b in range(a + 1):
                scatter[k, a, b] = across_lanes(sums, k * stride + a * columns + b)
        if not centred(k, sums, k * stride + d * columns, origin, centre, lost, spread, weight, mean, scatter):
            return np.nan
    return out


@compiled
def gather(x, first, rows, r, at, least, point, where, roots, to):
    """The rows that weigh more than `least`, less a point and times the root of their weight; their number.

    They are laid into `to` eight columns at a time, `[eight columns][row][8]`: a block of products then reads numbers
    that lie side by side.
    """
    apart()
    d, size = x.shape[1], len(roots)
    count = 0
    for i in range(rows):
        where[count], roots[count] = (first + i) * d, r[at + i]
        count += r[at + i] > least
    for i in range(count):
        roots[i] = math.sqrt(roots[i])
    j = 0
    while j < d:
        columns, out = block(d - j), j // LANES * size * LANES + j % LANES
        if columns == 8:
            laid_8(x, where, roots, count, point, j, to, out)
        elif columns == 4:
            laid_4(x, where, roots, count, point, j, to, out)
        elif columns == 2:
            laid_2(x, where, roots, count, point, j, to, out)
        else:
            laid_1(x, where, roots, count, point, j, to, out)
        j += columns
    return count


@compiled
def rank_updates(points, size, count, width, s, o):
    """Sum of products of gathered rows, added to s from `o` on: blocks of the lower triangle."""
    apart()
    for a in range(0, width, ROWS):
        end = (a + ROWS + LANES - 1) // LANES * LANES
        b = 0
        while b < end:
            vectors = min((end - b) // LANES, ABREAST)
            if vectors == 3:
                update_3(points, size, count, a, b, s, o, width)
            elif vectors == 2:
                update_2(points, size, count, a, b, s, o, width)
            else:
                update_1(points, size, count, a, b, s, o, width)
            b += vectors * LANES


@compiled
def moments_in_rows(
    x,
    weights,
    centre,
    coefficients,
    offsets,
    constants,
    points,
    least,
    hard,
    groups,
    lost,
    spread,
    weight,
    mean,
    scatter,
):
    """As `moments_in_tiles`, for many columns; products are formed about members' own `points` (k, d).

    Rows with r up to `least` (k,) weigh nothing in the products.
    """
    n, d = x.shape
    members, size, width = len(constants), groups * GROUP, (d + LANES - 1) // LANES * LANES
    tile, q, r = room((d + 1) * size), room(members * size), room((members + 2) * size)
    own, roots, where = room(width * size), room(size), np.empty(size, np.int64)
    firsts, seconds = room(members * (d + 1) * LANES), room(members * width * width)
    own[:], firsts[:], seconds[:] = 0.0, 0.0, 0.0
    out = 0.0
    for first in range(0, n, size):
        rows = min(size, n - first)
        used = (rows + GROUP - 1) // GROUP
        fill(x, centre, first, rows, tile)
        out += responsibilities(tile, used, rows, d, coefficients, offsets, constants, hard, weights, first, q, r)
        totals(r, members, tile, used, d, firsts, 0, d + 1)
        for k in range(members):
            count = gather(x, first, rows, r, k * used * GROUP, least[k], points[k], where, roots, own)
            rank_updates(own, size, count, width, seconds, k * width * width)
    origin = np.empty(d)
    for k in range(members):
        for a in range(d):
            origin[a] = points[k, a] - centre[a]
            for b in range(a + 1):
                scatter[k, a, b] = seconds[(k * width + a) * width + b]
        if not centred(k, firsts, k * (d + 1), origin, centre, lost, spread, weight, mean, scatter):
            return np.nan
    return out
