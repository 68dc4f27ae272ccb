"""Covariances of the Kalman recursions, compiled: they depend on parameters and on what is observed, not on values.

What a row needs is kept in a set of numbers, one matrix after another: the predicted covariance P- (m, m); P after the
observation (m, m); A P (m, m); with S = L L' the covariance of the q innovations, L^-1 H (q, m) and L^-1 H P- (q, m),
whose transposed is the gain for white innovations; L^-1 (q, q). Rows at which P- no longer changes share one set.

Matrices are places in flat arrays: slices and shapes would take Numba most of a minute to compile. So would numbers
written into calls, each of them compiled anew: hence `zero` and `one`.
"""

from __future__ import annotations

import numpy as np

from likely.numerics.compiled import compiled
from likely.numerics.kalman_products import ADD, SET, TAKE, add, product, put
from likely.numerics.kalman_steps import LARGEST, SETS, SUMS, code, step_sets, step_sums
from likely.numerics.kalman_white import ROOM, log_det, white

STEADY = 1e-14  # a change of P- below this share of its trace is none
CANCELS = 1e-6  # a variance that an observation takes below this share of itself is worked out in Joseph's form


@compiled
def size(m, r):
    """How many numbers a set has."""
    return 3 * m * m + 2 * r * m + r * r


@compiled
def forward_sets(
    A, turned, Q, H, across, R, count, steps, pattern, first, last, m, P, sets, room, log_dets, index
):  # fmt: skip
    """Fill at most `room` sets for rows from `first` on; P becomes that of the next row.

    H (P, r, m), its transposed `across` (P, m, r) and R (P, r, r) are flat; `steps` are those of `kalman_steps`. Gives
    the row after the last that has a set, and whether S was positive definite until then.
    """
    mm, r = m * m, len(H) // (len(count) * m)
    wide, rm = 3 * mm + 2 * r * m + r * r, r * m
    own = np.empty(max(2 * mm + rm + r * r, ROOM))
    used, steady, t = 0, False, first
    while t < last:
        p = pattern[t]
        if used > 0 and p == pattern[t - 1]:
            steady = steady or _same(P, 0, sets, (used - 1) * wide, m)
            if steady:
                index[t], log_dets[t] = used - 1, log_dets[t - 1]
                t += 1
                continue
        if used == room:
            break
        steady, q, at = False, count[p], used * wide
        seen, gain, whites = at + 3 * mm, at + 3 * mm + rm, at + 3 * mm + 2 * rm
        step = code(steps, SETS, q)
        if step != 0:
            step_sets(step, P, H, p * rm, R, p * r * r, A, Q, own, sets, at, sets, seen, sets, gain, sets, whites, r)
            log_dets[t] = log_det(own, own, LARGEST, 1, q)
        else:
            log_dets[t] = _observed(P, H, across, R, p, r, q, m, sets, at, own)
        if log_dets[t] == -np.inf:
            log_dets[t] = 0.0
            return t, False
        if step == 0 or _cancels(sets, at, m):
            _after(R, p * r * r, r, q, m, sets, at, own)
            _on(A, turned, Q, m, sets, at, P)
        index[t] = used
        used += 1
        t += 1
    return t, True


@compiled
def _observed(P, H, across, R, p, r, q, m, sets, at, own):
    """What a row shows: P-, L^-1, L^-1 H and L^-1 H P- to a set; gives log|S|."""
    zero, one, mm, rm = np.int64(0), np.int64(1), m * m, r * m
    seen, gain, whites = at + 3 * mm, at + 3 * mm + rm, at + 3 * mm + 2 * rm
    hp, s = np.empty(rm), np.empty(r * r)
    put(P, zero, sets, at, mm)
    product(SET, H, p * rm, m, one, P, zero, m, hp, zero, q, m, m)
    for i in range(q):
        put(R, (p * r + i) * r, s, i * q, q)
    product(ADD, hp, zero, m, one, across, p * rm, r, s, zero, q, m, q)
    found = white(s, q, sets, whites, own)
    product(SET, sets, whites, q, one, H, p * rm, m, sets, seen, q, q, m)
    product(SET, sets, whites, q, one, hp, zero, m, sets, gain, q, q, m)
    return found


@compiled
def _on(A, turned, Q, m, sets, at, P):
    """A P after the observation to a set, and P of the next row."""
    zero, one, mm = np.int64(0), np.int64(1), m * m
    product(SET, A, zero, m, one, sets, at + mm, m, sets, at + 2 * mm, m, m, m)
    put(Q, zero, P, zero, mm)
    product(ADD, sets, at + 2 * mm, m, one, turned, zero, m, P, zero, m, m, m)
    _symmetric(P, zero, m)


@compiled
def _cancels(sets, at, m):
    """Does the observation take all but a small share of a variance?"""
    before, after, cancels = np.uintp(at), np.uintp(at + m * m), False
    for i in range(np.uintp(m)):
        cancels |= sets[after + i * np.uintp(m + 1)] < CANCELS * sets[before + i * np.uintp(m + 1)]
    return cancels


@compiled
def _symmetric(x, at, m):
    """The mean of a matrix and its transposed, in place."""
    at, m = np.uintp(at), np.uintp(m)
    for i in range(m):
        for j in range(i):
            x[at + i * m + j] = x[at + j * m + i] = 0.5 * (x[at + i * m + j] + x[at + j * m + i])


@compiled
def _same(x, x_at, before, at, m):
    """Has a covariance changed by no more than rounding?"""
    trace, change, x_at, at, m = 0.0, 0.0, np.uintp(x_at), np.uintp(at), np.uintp(m)
    for i in range(m):
        trace += x[x_at + i * m + i]
    for i in range(m * m):
        change = max(change, abs(x[x_at + i] - before[at + i]))
    return change <= STEADY * trace


@compiled
def _after(R, r_at, r, q, m, sets, at, own):
    """Covariance after an observation: P - K S K', or in Joseph's form (I - K H) P (I - K H)' + K R K'."""
    zero, one, mm = np.int64(0), np.int64(1), m * m
    f, seen, gain, white = at + mm, at + 3 * mm, at + 3 * mm + r * m, at + 3 * mm + 2 * r * m
    put(sets, at, sets, f, mm)
    product(TAKE, sets, gain, one, m, sets, gain, m, sets, f, m, q, m)
    if not _cancels(sets, at, m):
        return
    kept, k, g = zero, mm, mm + r * m  # I - K H, K', products with them
    for i in range(m):
        for j in range(m):
            own[kept + i * m + j] = 1.0 if i == j else 0.0
    product(TAKE, sets, gain, one, m, sets, seen, m, own, kept, m, q, m)
    product(SET, sets, white, one, q, sets, gain, m, own, k, q, q, m)
    product(SET, own, kept, m, one, sets, at, m, own, g, m, m, m)
    for i in range(m):
        for j in range(i + 1):
            total = 0.0
            for n in range(m):
                total += own[g + i * m + n] * own[kept + j * m + n]
            for a in range(q):
                for b in range(q):
                    total += own[k + a * m + i] * R[r_at + a * r + b] * own[k + b * m + j]
            sets[f + i * m + j] = sets[f + j * m + i] = total


@compiled
def backward_sums(
    A, sets, r, index, count, steps, pattern, first, last, length, m, N, ahead, sums, lagged, ends, level
):  # fmt: skip
    """Sums over rows of smoothed covariances by pattern, and of those with the row before.

    N (m, m) comes and goes as N_t of the last and first row, `ahead` (m, m) likewise as P- of the row after; `ends`
    gets the covariances of the sequence's first and last row. Where N no longer changes, the rest of the rows that
    share a set are counted at once: `level` gets what each of them adds. Gives the first such stretch: from, to.
    """
    zero, mm, top, bottom = np.int64(0), m * m, -1, -1
    v, c, new, own, room = zero, mm, 2 * mm, np.empty(3 * mm), np.empty(2 * mm + r * m)
    t = min(last, length) - 1
    end = t
    while t >= first:
        at = index[t] * (3 * mm + 2 * r * m + r * r)
        row_back(A, sets, at, r, count[pattern[t]], steps, m, N, ahead, own, room)
        add(1.0, own, v, sums, pattern[t] * mm, mm)
        if t == length - 1:
            add(1.0, own, v, ends, mm, mm)
        else:
            add(1.0, own, c, lagged, zero, mm)
        alike = first < t < end and index[t - 1] == index[t] and index[t + 1] == index[t]
        settled = alike and _same(own, new, N, zero, m)
        put(own, new, N, zero, mm)
        put(sets, at, ahead, zero, mm)
        if settled:
            s = t
            while s > first and index[s - 1] == index[t]:
                s -= 1
            add(float(t - s), own, v, sums, pattern[t] * mm, mm)
            add(float(t - s), own, c, lagged, zero, mm)
            if top < 0:
                top, bottom = t, s
                put(own, v, level, zero, 2 * mm)
            t = s
        if t == 0:
            add(1.0, own, v, ends, zero, mm)
        t -= 1
    return top, bottom


@compiled
def row_back(A, sets, at, r, q, steps, m, N, ahead, own, room):
    """To `own` the smoothed covariance of a row, that with the row after, and N before the row (each m, m).

    N and `ahead` are N_t and P- of the row after; `room` has 2 m m + r m numbers.
    """
    zero, one, mm = np.int64(0), np.int64(1), m * m
    step = code(steps, SUMS, q)
    if step != 0:
        step_sums(step, N, ahead, A, sets, at, sets, at + 3 * mm, sets, at + 3 * mm + r * m, own)
        return
    moved, g, M = at + 2 * mm, zero, mm
    product(SET, N, zero, m, one, sets, moved, m, room, g, m, m, m)
    put(sets, at + mm, own, zero, mm)
    put(sets, moved, own, mm, mm)
    product(TAKE, sets, moved, one, m, room, g, m, own, zero, m, m, m)
    product(TAKE, ahead, zero, m, one, room, g, m, own, mm, m, m, m)
    product(SET, N, zero, m, one, A, zero, m, room, g, m, m, m)
    product(SET, A, zero, one, m, room, g, m, room, M, m, m, m)
    _before_observation(q, m, sets, at + 3 * mm, at + 3 * mm + r * m, room, M, own, 2 * mm)


@compiled
def _before_observation(q, m, sets, seen, gain, room, at, out, to):
    """N before an observation from M = A' N A after it: (I - K H)' M (I - K H) + H' S^-1 H, symmetric."""
    one, part = np.int64(1), at + m * m
    put(room, at, out, to, m * m)
    product(SET, sets, gain, m, one, room, at, m, room, part, q, m, m)
    product(TAKE, room, part, one, m, sets, seen, m, out, to, m, q, m)
    put(sets, seen, room, part, q * m)
    product(TAKE, sets, gain, m, one, out, to, m, room, part, q, m, m)
    product(ADD, sets, seen, one, m, room, part, m, out, to, m, q, m)
    _symmetric(out, to, m)
