"""One pass over a mixture of normals with independent columns, in lanes, a tile of rows at a time."""

from __future__ import annotations

import numpy as np

from likely.numerics.blocks import GROUP, STEP, scaled_1, scaled_4, squares_1, squares_4
from likely.numerics.compiled import compiled
from likely.numerics.tiles import fill, groups, room, weigh_tile
from likely.numerics.vector import LANES

__all__ = ["LANES", "diagonal_moments", "groups", "packed"]

ABREAST = 4  # members whose densities are worked out together


def packed(scale: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Coefficients of y = scale (z - shift), both (k, d): four members at a time, then those left one by one."""
    pairs = np.stack([scale, -scale * shifts], 2)  # (k, d, 2)
    k, d, _ = pairs.shape
    whole = k - k % ABREAST
    together = pairs[:whole].reshape(-1, ABREAST, d, 2).swapaxes(1, 2)
    return np.concatenate([together.ravel(), pairs[whole:].ravel()])


@compiled
def squared_lengths(tile, used, d, coefficients, members, q):
    """|scale (z - shift)|^2 of all members into q."""
    size, k = used * GROUP, 0
    while k < members:
        together = ABREAST if k + ABREAST <= members else 1
        for g in range(used):
            for i in range(0, GROUP, STEP):
                t, at = g * (d + 1) * GROUP + i, k * size + g * GROUP + i
                if together == 1:
                    scaled_1(coefficients, 2 * k * d, d, tile, t, q, at, size)
                else:
                    scaled_4(coefficients, 2 * k * d, d, tile, t, q, at, size)
        k += together


@compiled
def squares(r, at, tile, used, d, firsts, seconds, o):
    """Sums of r (z, 1) and of r (z^2, 1) over a tile for one member, added lane by lane from `o` on."""
    step = (d + 1) * GROUP
    for b in range(0, d - d % 4, 4):
        squares_4(r, at, tile, b * GROUP, step, used, firsts, seconds, o + b * LANES)
    for b in range(d - d % 4, d + 1):
        squares_1(r, at, tile, b * GROUP, step, used, firsts, seconds, o + b * LANES)


@compiled
def diagonal_moments(x, weights, centre, coefficients, constants, hard, tiles, firsts, seconds):
    """Log-likelihood of all rows; lanes of sums of r (z, 1) and of r (z^2, 1), both (k, d + 1, lanes)."""
    n, d = x.shape
    members, size = len(constants), tiles * GROUP
    tile, q, r = room((d + 1) * size), room(members * size), room((members + 2) * size)
    f, s = firsts.reshape(firsts.size), seconds.reshape(seconds.size)
    out = 0.0
    for first in range(0, n, size):
        rows = min(size, n - first)
        used = (rows + GROUP - 1) // GROUP
        fill(x, centre, first, rows, tile)
        squared_lengths(tile, used, d, coefficients, members, q)
        out += weigh_tile(q, constants, rows, used, hard, weights, first, r)
        for k in range(members):
            squares(r, k * used * GROUP, tile, used, d, f, s, k * (d + 1) * LANES)
    return out
