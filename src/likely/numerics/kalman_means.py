"""Means of the Kalman recursions, compiled, with gains that are known: sequences one by one, or many side by side.

With w the white innovation L^-1 (y - H m-): forward m = m- + gain' w, m- = A m + drift; backward, from r = 0,
r = A' r + seen' (w - gain A' r) and the smoothed mean is m- + P- r (Durbin and Koopman's disturbance smoother).
Sets of gains and the matrices are flat (see `kalman_gains`).
"""

from __future__ import annotations

import numpy as np

from likely.numerics.compiled import compiled
from likely.numerics.kalman_products import ADD, SET, TAKE, add, against, product, put


@compiled
def filter_rows(
    y, r, drift, starts, lengths, first, last, turned, across, sets, index, count, pattern, m, x, mean, white, square
):
    """Rows from `first` to before `last` of some sequences: predicted means and white innovations.

    x (L m) comes and goes as each sequence's predicted mean; `square` (L,) gathers squared innovations.
    """
    zero, one = np.int64(0), np.int64(1)
    wide, own, error = 3 * m * m + 2 * r * m + r * r, np.empty(m), np.empty(r)
    for s in range(len(starts)):
        total = 0.0
        for t in range(first, min(last, lengths[s])):
            row, q = starts[s] + t, count[pattern[t]]
            gain = index[t] * wide + 3 * m * m + r * m
            put(x, s * m, mean, row * m, m)
            put(x, s * m, own, zero, m)
            put(y, row * r, error, zero, q)
            product(TAKE, own, zero, zero, one, across, pattern[t] * r * m, r, error, zero, one, m, q)
            for i in range(r):
                white[row * r + i] = 0.0
            against(ADD, sets, gain + r * m, error, zero, white, row * r, q, q)
            for i in range(q):
                total += white[row * r + i] ** 2
            product(ADD, white, row * r, zero, one, sets, gain, m, own, zero, one, q, m)
            product(SET, own, zero, zero, one, turned, zero, m, x, s * m, one, m, m)
            if len(drift) > 0 and t + 1 < lengths[s]:
                for i in range(m):
                    x[s * m + i] += drift[row + 1, i]
        square[s] += total


@compiled
def smooth_rows(starts, lengths, first, last, A, sets, index, count, pattern, m, r, back, mean, white):
    """The same rows backward: smoothed means (n m) in place of predicted ones.

    back (L m) comes and goes as r of the last and first row.
    """
    zero, one = np.int64(0), np.int64(1)
    wide, own, z = 3 * m * m + 2 * r * m + r * r, np.empty(m), np.empty(r)
    for s in range(len(starts)):
        for t in range(min(last, lengths[s]) - 1, first - 1, -1):
            row, q, at = starts[s] + t, count[pattern[t]], index[t] * wide
            seen, gain = at + 3 * m * m, at + 3 * m * m + r * m
            product(SET, back, s * m, zero, one, A, zero, m, own, zero, one, m, m)
            put(white, row * r, z, zero, q)
            against(TAKE, sets, gain, own, zero, z, zero, q, m)
            product(ADD, z, zero, zero, one, sets, seen, m, own, zero, one, q, m)
            put(own, zero, back, s * m, m)
            product(ADD, own, zero, zero, one, sets, at, m, mean, row * m, one, m, m)


@compiled
def smooth_abreast(y, drift, starts, lengths, A, m, m0, sets, index, count, pattern, mean, square, back):
    """Forward and backward over sequences side by side, the longest first: each number times a row of sequences."""
    r, width, rows, zero = y.shape[1], len(starts), lengths[0], np.int64(0)
    wide = 3 * m * m + 2 * r * m + r * r
    predicted, white = np.empty(rows * m * width), np.empty(rows * r * width)
    x, own, read = np.empty(m * width), np.empty(m * width), np.empty(r * width)
    for i in range(m * width):
        x[i] = m0[i // width]
    active = width
    for t in range(rows):
        while lengths[active - 1] <= t:
            active -= 1
        q, seen = count[pattern[t]], index[t] * wide + 3 * m * m
        for s in range(active):
            for i in range(q):
                read[i * width + s] = y[starts[s] + t, i]
        put(x, zero, own, zero, m * width)
        put(x, zero, predicted, t * m * width, m * width)
        for i in range(q):
            w = (t * r + i) * width
            for s in range(width):
                white[w + s] = 0.0
            for j in range(i + 1):
                add(sets[seen + 2 * r * m + i * q + j], read, j * width, white, w, active)
            for j in range(m):
                add(-sets[seen + i * m + j], x, j * width, white, w, active)
            for s in range(active):
                square[s] += white[w + s] * white[w + s]
            for j in range(m):
                add(sets[seen + r * m + i * m + j], white, w, own, j * width, active)
        for i in range(m):
            for s in range(active):
                x[i * width + s] = 0.0
            for j in range(m):
                add(A[i * m + j], own, j * width, x, i * width, active)
        if len(drift) > 0:
            for s in range(active):
                if t + 1 < lengths[s]:
                    for i in range(m):
                        x[i * width + s] += drift[starts[s] + t + 1, i]
    _back_abreast(starts, lengths, A, m, r, sets, index, count, pattern, predicted, white, x, own, mean, back)


@compiled
def _back_abreast(starts, lengths, A, m, r, sets, index, count, pattern, predicted, white, x, own, mean, back):
    """The second half: smoothed means from predicted ones and white innovations."""
    width, active, wide = len(starts), 0, 3 * m * m + 2 * r * m + r * r
    for i in range(m * width):
        x[i] = 0.0
    for t in range(lengths[0] - 1, -1, -1):
        while active < width and lengths[active] > t:
            active += 1
        q, at, now = count[pattern[t]], index[t] * wide, t * m * width
        seen, gain = at + 3 * m * m, at + 3 * m * m + r * m
        for i in range(m):
            for s in range(active):
                own[i * width + s] = 0.0
            for j in range(m):
                add(A[j * m + i], x, j * width, own, i * width, active)
        for n in range(q):
            for i in range(m):
                add(-sets[gain + n * m + i], own, i * width, white, (t * r + n) * width, active)
        for i in range(m):
            put(own, i * width, x, i * width, active)
            for n in range(q):
                add(sets[seen + n * m + i], white, (t * r + n) * width, x, i * width, active)
        for i in range(m):
            for j in range(m):
                add(sets[at + i * m + j], x, j * width, predicted, now + i * width, active)
        for s in range(active):
            for i in range(m):
                mean[(starts[s] + t) * m + i] = predicted[now + i * width + s]
    for s in range(width):
        for i in range(m):
            back[s * m + i] = x[i * width + s]
