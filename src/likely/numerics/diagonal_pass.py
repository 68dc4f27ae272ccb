"""One pass over a mixture of normals with independent columns, in lanes, a tile of rows at a time."""

from __future__ import annotations

import numpy as np

from likely.numerics.blocks import (
    GROUP,
    STEP,
    scaled_1,
    scaled_2,
    scaled_4,
    squares_1_1,
    squares_1_2,
    squares_4_1,
    squares_4_2,
)
from likely.numerics.compiled import compiled
from likely.numerics.tiles import across_lanes, fill, groups, room, weigh_tile
from likely.numerics.vector import LANES

__all__ = ["diagonal_moments", "groups"]


@compiled
def abreast(left):
    """Members whose densities are worked out together, where so many are left."""
    return 4 if left >= 4 else 2 if left >= 2 else 1


@compiled
def pack(scale, shifts, coefficients):
    """Coefficients a and b of y = scale (z - shift) = a z + b: of the members that go together, column by column."""
    members, d = scale.shape
    k = at = 0
    while k < members:
        together = abreast(members - k)
        for j in range(d):
            for i in range(k, k + together):
                coefficients[at], coefficients[at + 1] = scale[i, j], -scale[i, j] * shifts[i, j]
                at += 2
        k += together


@compiled
def squared_lengths(tile, used, d, coefficients, members, q):
    """|scale (z - shift)|^2 of all members into q.

    Members come innermost: a group of rows stays in the nearest cache for all of them.
    """
    size = used * GROUP
    for g in range(used):
        for i in range(0, GROUP, STEP):
            t, k = g * (d + 1) * GROUP + i, 0
            while k < members:
                together, at = abreast(members - k), k * size + g * GROUP + i
                if together == 4:
                    scaled_4(coefficients, 2 * k * d, d, tile, t, q, at, size)
                elif together == 2:
                    scaled_2(coefficients, 2 * k * d, d, tile, t, q, at, size)
                else:
                    scaled_1(coefficients, 2 * k * d, d, tile, t, q, at, size)
                k += together


@compiled
def squares(r, members, tile, used, d, firsts, seconds):
    """Sums of r (z, 1) and of r (z^2, 1) over a tile for all members, added lane by lane."""
    step, size, line = (d + 1) * GROUP, used * GROUP, d + 1
    for b in range(0, line, 2):
        wide, k = b + 2 <= line, 0
        while k < members:
            four = k + 4 <= members
            at, to = k * size, (k * line + b) * LANES
            if four and wide:
                squares_4_2(r, at, size, tile, b * GROUP, step, used, firsts, seconds, to, line)
            elif four:
                squares_4_1(r, at, size, tile, b * GROUP, step, used, firsts, seconds, to, line)
            elif wide:
                squares_1_2(r, at, size, tile, b * GROUP, step, used, firsts, seconds, to, line)
            else:
                squares_1_1(r, at, size, tile, b * GROUP, step, used, firsts, seconds, to, line)
            k += 4 if four else 1


@compiled
def centred(firsts, seconds, centre, lost, spread, weight, mean, scatter):
    """Moments of all members from sums of (z, 1) and of (z^2, 1), lane by lane, z a point less the centre.

    False where centring costs more than it may: where the mean of z, squared, is more than `lost` times the variance of
    these rows and `lost` times `spread`, a variance of the member that other rows bear out.
    """
    good = True
    members, d = mean.shape
    for k in range(members):
        at = k * (d + 1)
        weight[k] = across_lanes(firsts, at + d)
        safe = weight[k] if weight[k] > 0 else 1.0
        for j in range(d):
            shift = across_lanes(firsts, at + j) / safe
            scatter[k, j] = across_lanes(seconds, at + j) - safe * shift**2
            mean[k, j] = centre[j] + shift
            good &= weight[k] <= 0 or safe * shift**2 <= lost * max(scatter[k, j], safe * spread[k, j])
    return good


@compiled
def diagonal_moments(x, weights, centre, scale, shifts, constants, hard, tiles, lost, spread, weight, mean, scatter):
    """Log-likelihood of all rows; their moments under every member into weight (k,), mean and scatter (k, d).

    Rows are measured less the centre, members `shifts` (k, d) away from it and by `scale`, one over their standard
    deviations. NaN where centring costs digits (`centred`).
    """
    n, d = x.shape
    members, size, length = len(constants), tiles * GROUP, len(constants) * (d + 1) * LANES
    tile, q, r = room((d + 1) * size), room(members * size), room((members + 2) * size)
    coefficients, firsts, seconds = room(2 * members * d), room(length), room(length)
    pack(scale, shifts, coefficients)
    firsts[:], seconds[:] = 0.0, 0.0
    out = 0.0
    for first in range(0, n, size):
        rows = min(size, n - first)
        used = (rows + GROUP - 1) // GROUP
        fill(x, centre, first, rows, tile)
        squared_lengths(tile, used, d, coefficients, members, q)
        out += weigh_tile(q, constants, rows, used, hard, weights, first, r)
        squares(r, members, tile, used, d, firsts, seconds)
    return out if centred(firsts, seconds, centre, lost, spread, weight, mean, scatter) else np.nan
