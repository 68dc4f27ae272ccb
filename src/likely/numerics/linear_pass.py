"""One pass over a mixture whose log densities are linear in features of a row, in lanes, a tile of rows at a time."""

from __future__ import annotations

import numpy as np

from likely.numerics.blocks import GROUP, STEP, combined_1, combined_4
from likely.numerics.compiled import compiled
from likely.numerics.tiles import fill, groups, room, totals, weigh_tile
from likely.numerics.vector import LANES

__all__ = ["LANES", "groups", "linear_totals", "packed"]

ABREAST = 4  # members that are worked out together
NEVER = -1e280  # stands for minus infinity as a natural parameter: 0 times it is 0, and no other term outweighs it
LEAST = -1e270  # log joints below are those of an impossible row


def packed(natural: np.ndarray) -> np.ndarray:
    """Coefficients of q = -2 natural z, (k, t): of four members at a time, then of those left one by one."""
    natural, (k, t) = np.maximum(natural, NEVER), natural.shape
    whole = k - k % ABREAST
    together = natural[:whole].reshape(-1, ABREAST, t).swapaxes(1, 2)
    return -2 * np.concatenate([together.ravel(), natural[whole:].ravel()])


@compiled
def combinations(tile, used, t, coefficients, members, q):
    """-2 natural z of all members into q, where `weigh_tile` expects squared lengths."""
    size, k = used * GROUP, 0
    while k < members:
        together = ABREAST if k + ABREAST <= members else 1
        for g in range(used):
            for i in range(0, GROUP, STEP):
                z, at = g * (t + 1) * GROUP + i, k * size + g * GROUP + i
                if together == 1:
                    combined_1(coefficients, k * t, t, tile, z, q, at, size)
                else:
                    combined_4(coefficients, k * t, t, tile, z, q, at, size)
        k += together


@compiled
def linear_totals(x, weights, centre, coefficients, constants, hard, tiles, s):
    """Log-likelihood of all rows of features z = x - centre; sums of r (z, 1), lane by lane, into s (k, t + 1, lanes).

    It is minus infinity where a row is impossible, whatever the row weighs.
    """
    n, t = x.shape
    members, size = len(constants), tiles * GROUP
    tile, q, r = room((t + 1) * size), room(members * size), room((members + 2) * size)
    sums = s.reshape(s.size)
    out, impossible = 0.0, 0
    for first in range(0, n, size):
        rows = min(size, n - first)
        used = (rows + GROUP - 1) // GROUP
        fill(x, centre, first, rows, tile)
        combinations(tile, used, t, coefficients, members, q)
        out += weigh_tile(q, constants, rows, used, hard, weights, first, r)
        for i in range(members * used * GROUP, members * used * GROUP + rows):
            impossible += r[i] < LEAST
        totals(r, members, tile, used, t, sums, 0, t + 1)
    return -np.inf if impossible else out
