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
from likely.numerics.kalman_white import ROOM, white

STEADY = 1e-14  # a change of P- below this share of its trace is none
CANCELS = 1e-6  # a variance that an observation takes below this share of itself is worked out in Joseph's form


def size(m: int, r: int) -> int:
    """How many numbers a set has."""
    return 3 * m * m + 2 * r * m + r * r


@compiled
def forward_sets(A, turned, Q, H, across, R, count, pattern, first, last, m, P, sets, room, log_det, index):
    """Fill at most `room` sets for rows from `first` on; P becomes that of the next row.

    H (P, r, m), its transposed `across` (P, m, r) and R (P, r, r) are flat. Gives the row after the last that has a
    set, and whether S was positive definite until then.
    """
    zero, one, mm, r = np.int64(0), np.int64(1), m * m, len(H) // (len(count) * m)
    wide, rm = 3 * mm + 2 * r * m + r * r, r * m
    hp, s, own = np.empty(rm), np.empty(r * r), np.empty(max(2 * mm + rm + r * r, ROOM))
    used, steady, t = 0, False, first
    while t < last:
        p = pattern[t]
        if used > 0 and p == pattern[t - 1]:
            steady = steady or same(P, sets, (used - 1) * wide, m)
            if steady:
                index[t], log_det[t] = used - 1, log_det[t - 1]
                t += 1
                continue
        if used == room:
            break
        steady, q, at = False, count[p], used * wide
        seen, gain, whites = at + 3 * mm, at + 3 * mm + rm, at + 3 * mm + 2 * rm
        put(P, zero, sets, at, mm)
        product(SET, H, p * rm, m, one, P, zero, m, hp, zero, q, m, m)
        for i in range(q):
            put(R, (p * r + i) * r, s, i * q, q)
        product(ADD, hp, zero, m, one, across, p * rm, r, s, zero, q, m, q)
        size_of_s = white(s, q, sets, whites, own)
        if size_of_s == -np.inf:
            return t, False
        log_det[t] = size_of_s
        product(SET, sets, whites, q, one, H, p * rm, m, sets, seen, q, q, m)
        product(SET, sets, whites, q, one, hp, zero, m, sets, gain, q, q, m)
        _after(R, p * r * r, r, q, m, sets, at, own)
        product(SET, A, zero, m, one, sets, at + mm, m, sets, at + 2 * mm, m, m, m)
        put(Q, zero, P, zero, mm)
        product(ADD, sets, at + 2 * mm, m, one, turned, zero, m, P, zero, m, m, m)
        _symmetric(P, zero, m)
        index[t] = used
        used += 1
        t += 1
    return t, True


@compiled
def _symmetric(x, at, m):
    """The mean of a matrix and its transposed, in place."""
    at, m = np.uintp(at), np.uintp(m)
    for i in range(m):
        for j in range(i):
            x[at + i * m + j] = x[at + j * m + i] = 0.5 * (x[at + i * m + j] + x[at + j * m + i])


@compiled
def same(P, sets, at, m):
    """Has P changed by no more than rounding?"""
    trace, change, at, m = 0.0, 0.0, np.uintp(at), np.uintp(m)
    for i in range(m):
        trace += P[i * m + i]
    for i in range(m * m):
        change = max(change, abs(P[i] - sets[at + i]))
    return change <= STEADY * trace


@compiled
def _after(R, r_at, r, q, m, sets, at, own):
    """Covariance after an observation: P - K S K', or in Joseph's form (I - K H) P (I - K H)' + K R K'."""
    zero, one, mm = np.int64(0), np.int64(1), m * m
    f, seen, gain = at + mm, at + 3 * mm, at + 3 * mm + r * m
    white, cancels = gain + r * m, False
    put(sets, at, sets, f, mm)
    product(TAKE, sets, gain, one, m, sets, gain, m, sets, f, m, q, m)
    for i in range(m):
        cancels |= sets[f + i * m + i] < CANCELS * sets[at + i * m + i]
    if not cancels:
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
def backward_sums(A, sets, r, index, count, pattern, first, last, length, m, N, ahead, sums, lagged, ends, level):
    """Sums over rows of smoothed covariances by pattern, and of those with the row before.

    N (m, m) comes and goes as N_t of the last and first row, `ahead` (m, m) likewise as P- of the row after; `ends`
    gets the covariances of the sequence's first and last row. Where N no longer changes, the rest of the rows that
    share a set are counted at once: `level` gets what each of them adds. Gives the first such stretch: from, to.
    """
    zero, one, mm, top, bottom = np.int64(0), np.int64(1), m * m, -1, -1
    wide, v, c = 3 * mm + 2 * r * m + r * r, zero, mm
    own, new, M = np.empty(3 * mm), np.empty(mm), np.empty(mm)
    part, g = np.empty(r * m), 2 * mm
    t = min(last, length) - 1
    end = t
    while t >= first:
        at, q = index[t] * wide, count[pattern[t]]
        moved = at + 2 * mm
        product(SET, N, zero, m, one, sets, moved, m, own, g, m, m, m)
        put(sets, at + mm, own, v, mm)
        put(sets, moved, own, c, mm)
        product(TAKE, sets, moved, one, m, own, g, m, own, v, m, m, m)
        add(1.0, own, v, sums, pattern[t] * mm, mm)
        if t == length - 1:
            add(1.0, own, v, ends, mm, mm)
        else:
            product(TAKE, ahead, zero, m, one, own, g, m, own, c, m, m, m)
            add(1.0, own, c, lagged, zero, mm)
        product(SET, N, zero, m, one, A, zero, m, own, g, m, m, m)
        product(SET, A, zero, one, m, own, g, m, M, zero, m, m, m)
        before_observation(M, q, m, sets, at + 3 * mm, at + 3 * mm + r * m, part, new)
        settled = first < t < end and index[t - 1] == index[t] and index[t + 1] == index[t] and same(new, N, zero, m)
        put(new, zero, N, zero, mm)
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
def before_observation(M, q, m, sets, seen, gain, part, out):
    """N before an observation from M = A' N A after it: (I - K H)' M (I - K H) + H' S^-1 H, symmetric."""
    zero, one = np.int64(0), np.int64(1)
    put(M, zero, out, zero, m * m)
    product(SET, sets, gain, m, one, M, zero, m, part, zero, q, m, m)
    product(TAKE, part, zero, one, m, sets, seen, m, out, zero, m, q, m)
    put(sets, seen, part, zero, q * m)
    product(TAKE, sets, gain, m, one, out, zero, m, part, zero, q, m, m)
    product(ADD, sets, seen, one, m, part, zero, m, out, zero, m, q, m)
    _symmetric(out, zero, m)
