"""Sums over each point's rows, in compiled code: they change by the rows that change hands.

Sums of a point are the weights that came, and those that went; then for every column of r = x - place the sum of w r,
and the sums of w r^2 that came and that went.
"""

from __future__ import annotations

import numpy as np

from likely.numerics.compiled import compiled
from likely.numerics.nearest_blocks import moved
from likely.numerics.vector import LANES

LOST = 100.0  # what came and went, over what is left, above which sums are formed anew
BLURRED = 2.0**-46  # of a place: differences as small as this are rounding


@compiled(inline=True)
def move(x, row, weight, label, places, sums, weights):
    """A row comes to a point (or leaves it, at a negative weight)."""
    d = x.shape[1]
    weights[0], weights[1] = weight, abs(weight)
    gone = 1 if weight < 0 else 0
    sums[label, gone] += weights[1]
    first, second = 2, 2 + (1 + gone) * d
    begin = label * (2 + 3 * d)
    moved(x, row * d, d, places, label * d, weights, sums, begin + first, begin + second)
    for j in range(d - d % LANES, d):
        r = x[row, j] - places[label, j]
        sums[label, first + j] += weights[0] * r
        sums[label, second + j] += weights[1] * (r * r)


@compiled
def transfer(x, w, moves, count, places, sums, weights):
    """Move rows as noted: which, from where and to where."""
    for m in range(count):
        row, before, label = moves[m, 0], moves[m, 1], moves[m, 2]
        weight = w[row] if len(w) else 1.0
        if before < len(places):
            move(x, row, -weight, before, places, sums, weights)
        move(x, row, weight, label, places, sums, weights)


@compiled
def form(x, w, labels, places, sums):
    """Sums over all rows, from labels."""
    weights = np.empty(2)
    for i in range(len(x)):
        move(x, i, w[i] if len(w) else 1.0, int(labels[i]), places, sums, weights)


@compiled
def summed(sums, places, points, weight, mean, scatter):
    """Moments from sums; squared distances to points, and were digits lost: did much more come and go than is left?"""
    k, d = places.shape
    inertia, lost = 0.0, False
    for i in range(k):
        weight[i] = sums[i, 0] - sums[i, 1]
        lost |= sums[i, 0] + sums[i, 1] > LOST * weight[i]
        for j in range(d):
            first, came, went = sums[i, 2 + j], sums[i, 2 + d + j], sums[i, 2 + 2 * d + j]
            shift = first / weight[i] if weight[i] > 0 else 0.0
            mean[i, j] = places[i, j] + shift if weight[i] > 0 else points[i, j]
            scatter[i, j] = max(came - went - shift * first, 0.0)
            inertia += scatter[i, j] + weight[i] * (mean[i, j] - points[i, j]) ** 2
            blurred = max(LOST * scatter[i, j], weight[i] * (BLURRED * places[i, j]) ** 2)
            lost |= came + went > blurred
    return inertia, lost
