"""Means of the Kalman recursions, compiled, with gains that are known: sequences one by one, or many side by side.

With w the white innovation L^-1 (y - H m-): forward m = m- + gain' w, m- = A m + drift; backward, from r = 0,
r = A' r + seen' (w - gain A' r) and the smoothed mean is m- + P- r (Durbin and Koopman's disturbance smoother).
Sets of gains and the matrices are flat (see `kalman_gains`).
"""

from __future__ import annotations

import numpy as np

from likely.numerics.compiled import compiled
from likely.numerics.kalman_products import ADD, SET, TAKE, add, against, product, put
from likely.numerics.kalman_steps import FILTER, SMOOTHER, code, step_filter, step_smoother
from likely.numerics.kalman_stretch import alike, alike_before, run_ahead, run_back


@compiled
def filter_rows(
    y, r, drift, starts, lengths, first, last, turned, across, sets, index, count, steps, pattern, m, mean, white,
    square,
):  # fmt: skip
    """Rows from `first` to before `last` of some sequences: predicted means and white innovations.

    Predicted means (n m) of the first of these rows are there before; `square` (L,) gathers squared innovations.
    """
    zero, one, wide = np.int64(0), np.int64(1), 3 * m * m + 2 * r * m + r * r
    own, x, error = np.empty(m), np.empty(m), np.empty(r)
    for s in range(len(starts)):
        t, stop, after = first, min(last, lengths[s]), starts[s] + lengths[s]
        while t < stop:
            p, end, row = pattern[t], alike(index, t, stop), starts[s] + t
            q, seen = count[p], index[t] * wide + 3 * m * m
            if end > t:
                run_ahead(y, r, drift, row, end - t, after, turned, sets, seen, m, q, steps, mean, white)
                t = end
                continue
            step, goes_on = code(steps, FILTER, q), row + 1 < after
            for i in range(q if step != 0 else 0, r):
                white[row * r + i] = 0.0
            to, at = (mean, (row + 1) * m) if goes_on else (own, zero)
            if step != 0:
                step_filter(
                    step, mean, row * m, y, row * r, turned, sets, seen, sets, seen + r * m, sets, seen + 2 * r * m,
                    white, row * r, to, at,
                )  # fmt: skip
            else:
                put(mean, row * m, x, zero, m)
                put(y, row * r, error, zero, q)
                product(TAKE, x, zero, zero, one, across, p * r * m, r, error, zero, one, m, q)
                against(ADD, sets, seen + 2 * r * m, error, zero, white, row * r, q, q)
                product(ADD, white, row * r, zero, one, sets, seen + r * m, m, x, zero, one, q, m)
                product(SET, x, zero, zero, one, turned, zero, m, to, at, one, m, m)
            if goes_on and len(drift) > 0:
                add(1.0, drift, at, mean, at, m)
            t += 1
        if stop > first:
            square[s] += squares(white, (starts[s] + first) * r, (stop - first) * r)


@compiled(reorder=True)
def squares(x, at, count):
    """The sum of some squares."""
    total, at = 0.0, np.uintp(at)
    for i in range(np.uintp(count)):
        total += x[at + i] ** 2
    return total


@compiled
def smooth_rows(starts, lengths, first, last, A, sets, index, count, steps, pattern, m, r, back, mean, white):
    """The same rows backward: smoothed means (n m) in place of predicted ones.

    back (L m) comes and goes as r of the last and first row.
    """
    zero, one, wide = np.int64(0), np.int64(1), 3 * m * m + 2 * r * m + r * r
    own, z, moved = np.empty(m), np.empty(r), np.empty(m)
    for s in range(len(starts)):
        t = min(last, lengths[s]) - 1
        put(back, s * m, own, zero, m)
        while t >= first:
            begin, q, at = alike_before(index, t, first), count[pattern[t]], index[t] * wide
            seen, row = at + 3 * m * m, starts[s] + t
            if begin <= t:
                run_back(A, sets, at, r, m, q, steps, starts[s] + begin, t + 1 - begin, own, mean, white)
                t = begin - 1
                continue
            step = code(steps, SMOOTHER, q)
            t -= 1
            if step != 0:
                step_smoother(
                    step, own, zero, A, sets, at, sets, seen, sets, seen + r * m, white, row * r, mean, row * m
                )
                continue
            product(SET, own, zero, zero, one, A, zero, m, moved, zero, one, m, m)
            put(white, row * r, z, zero, q)
            against(TAKE, sets, seen + r * m, moved, zero, z, zero, q, m)
            product(ADD, z, zero, zero, one, sets, seen, m, moved, zero, one, q, m)
            put(moved, zero, own, zero, m)
            product(ADD, own, zero, zero, one, sets, at, m, mean, row * m, one, m, m)
        put(own, zero, back, s * m, m)


@compiled
def smooth_abreast(
    y, r, drift, starts, lengths, abreast, A, m, begin, sets, index, count, pattern, mean, square, back
):  # fmt: skip
    """Forward and backward over sequences side by side, the longest first: a product takes a row of all of them.

    `begin` (L m) are predicted means of first rows; `square` (L,) and `back` (L m) are as in `filter_rows` and
    `smooth_rows`. So many sequences go `abreast`; those that have ended go on with what nobody reads.
    """
    size = min(abreast, len(starts))
    predicted, white = np.empty(lengths[0] * m * size), np.empty(lengths[0] * r * size)
    x, own, read = np.empty(m * size), np.empty(m * size), np.empty(r * size)
    for first in range(0, len(starts), abreast):
        width = min(abreast, len(starts) - first)
        part = slice(first, first + width)
        turn(begin, first, width, m, x, True)
        _ahead_abreast(
            y, r, drift, starts[part], lengths[part], A, m, sets, index, count, pattern, x, own, read, predicted, white,
            square[part],
        )  # fmt: skip
        for i in range(m * width):
            x[i] = 0.0
        _back_abreast(starts[part], lengths[part], A, m, r, sets, index, count, pattern, predicted, white, x, own, mean)
        turn(back, first, width, m, x, False)


@compiled
def turn(rows, first, width, m, lanes, there):
    """Rows from `first` on to lanes (m, width) or back."""
    first, width, m = np.uintp(first), np.uintp(width), np.uintp(m)
    for s in range(width):
        for i in range(m):
            if there:
                lanes[i * width + s] = rows[(first + s) * m + i]
            else:
                rows[(first + s) * m + i] = lanes[i * width + s]


@compiled
def _ahead_abreast(
    y, r, drift, starts, lengths, A, m, sets, index, count, pattern, x, own, read, predicted, white, square
):
    """The first half: predicted means and white innovations."""
    zero, one, width, active = np.int64(0), np.int64(1), len(starts), len(starts)
    for t in range(lengths[0]):
        while lengths[active - 1] <= t:
            active -= 1
        q, seen, now = count[pattern[t]], index[t] * (3 * m * m + 2 * r * m + r * r) + 3 * m * m, t * r * width
        gain, lanes = seen + r * m, np.uintp(width)
        for s in range(np.uintp(active)):
            row = np.uintp(starts[s] + t) * np.uintp(r)
            for i in range(np.uintp(q)):
                read[i * lanes + s] = y[row + i]
        put(x, zero, own, zero, m * width)
        put(x, zero, predicted, t * m * width, m * width)
        product(SET, sets, gain + r * m, q, one, read, zero, width, white, now, q, q, width)
        product(TAKE, sets, seen, m, one, x, zero, width, white, now, q, m, width)
        for i in range(q):
            for s in range(active):
                square[s] += white[now + i * width + s] ** 2
            for s in range(active, width):
                white[now + i * width + s] = 0.0
        product(ADD, sets, gain, one, m, white, now, width, own, zero, m, q, width)
        product(SET, A, zero, m, one, own, zero, width, x, zero, m, m, width)
        if len(drift) > 0:
            for s in range(active):
                if t + 1 < lengths[s]:
                    for i in range(m):
                        x[i * width + s] += drift[(starts[s] + t + 1) * m + i]


@compiled
def _back_abreast(starts, lengths, A, m, r, sets, index, count, pattern, predicted, white, x, own, mean):
    """The second half: smoothed means from predicted ones and white innovations."""
    zero, one, width, active = np.int64(0), np.int64(1), len(starts), 0
    for t in range(lengths[0] - 1, -1, -1):
        while active < width and lengths[active] > t:
            active += 1
        q, at, now = count[pattern[t]], index[t] * (3 * m * m + 2 * r * m + r * r), t * m * width
        seen, gain, lanes = at + 3 * m * m, at + 3 * m * m + r * m, np.uintp(width)
        product(SET, A, zero, one, m, x, zero, width, own, zero, m, m, width)
        product(TAKE, sets, gain, m, one, own, zero, width, white, t * r * width, q, m, width)
        put(own, zero, x, zero, m * width)
        product(ADD, sets, seen, one, m, white, t * r * width, width, x, zero, m, q, width)
        product(ADD, sets, at, m, one, x, zero, width, predicted, now, m, m, width)
        for s in range(np.uintp(active)):
            row = np.uintp(starts[s] + t) * np.uintp(m)
            for i in range(np.uintp(m)):
                mean[row + i] = predicted[np.uintp(now) + i * lanes + s]
