"""A whole E-step in one compiled call, for sequences of which all rows are observed alike."""

from __future__ import annotations

import numpy as np

from likely.numerics.compiled import compiled
from likely.numerics.kalman_gains import backward_sums, forward_sets, size
from likely.numerics.kalman_means import filter_rows, smooth_rows
from likely.numerics.kalman_moments import OF_FIRST, OF_MOVES, OF_ROWS, all_moments
from likely.numerics.kalman_products import add, put
from likely.numerics.kalman_steps import steps
from likely.numerics.kalman_work import Work
from likely.numerics.soft import Array

ROOM = 2**20  # numbers that sets of gains may take
NONE = np.empty(0)


def whole_pass(
    work: Work, rows: tuple[Array, Array, Array], x: Array, u: Array, p: int, room: Array
) -> tuple[tuple[float, float, float], float] | None:
    """Smoothed means to `work.mean`, and moments of moves, rows and first states to `room`, where there are zeros.

    Gives their weights, and log|Var(y)| with the squared innovations; None where it must go step by step.

    Parameters
    ----------
    work : Work      of sequences on one track, whose rows are complete, none of its states diffuse
    rows             numbers of moves, rows and first rows
    x : (n d,)       what was observed, with what inputs and level say
    u : (n p,)       inputs
    """
    o, (track,) = work.observed, work.tracks
    q, m = o.y.shape[1], work.m
    done, total, *weights = _whole_pass(
        work.A, work.turned, work.Q, work.m0, work.P0, o.y.reshape(-1), work.drift, o.flat_seen, o.flat_across,
        o.flat_noise, o.count, steps(m, o.count), track.pattern, track.starts,
        track.lengths, min(len(track.pattern), ROOM // size(m, q) + 1), work.mean.reshape(-1), OF_MOVES, OF_ROWS,
        OF_FIRST, *rows, x, u, p, len(x) // len(o.y), room,
    )  # fmt: skip
    if not done:
        return None
    if o.left is not None and o.log_det is not None:
        total += float(o.left.sum()) + len(o.left) * float(o.log_det[0])
    return (weights[0], weights[1], weights[2]), total


@compiled
def _whole_pass(
    A, turned, Q, m0, P, y, drift, H, across, R, count, steps, pattern, starts,
    lengths, room, mean, of_moves, of_rows, of_first, moves, rows, first, x, u, p, d, out,
):  # fmt: skip
    """Track and sums in their order; arguments as in the functions that are called."""
    T, S, m, r = len(pattern), len(starts), len(m0), count[0]
    mm, zero, none, n = m * m, np.int64(0), np.empty(0), len(y) // r
    sets, log_dets, index = np.empty(room * size(m, r)), np.empty(T), np.empty(T, np.int64)
    last, fine = forward_sets(
        A, turned, Q, H, across, R, count, steps, pattern, zero, T, m, P, sets, room, log_dets, index
    )
    if last < T or not fine:
        return False, 0.0, 0.0, 0.0, 0.0
    white, square, back = np.empty(n * r), np.zeros(S), np.zeros(S * m)
    for s in range(S):
        put(m0, zero, mean, starts[s] * m, m)
    filter_rows(
        y, r, drift, starts, lengths, zero, T, turned, across, sets, index, count, steps, pattern, m, mean, white,
        square,
    )  # fmt: skip
    smooth_rows(starts, lengths, zero, T, A, sets, index, count, steps, pattern, m, r, back, mean, white)
    blur = np.zeros(4 * mm)
    _summed(A, sets, r, index, count, steps, pattern, lengths, m, blur)
    seen, lagged, begun, ended = blur[:mm], blur[mm : 2 * mm], blur[2 * mm : 3 * mm], blur[3 * mm :]
    shown = np.zeros((m + p + d) ** 2)
    for i in range(m):
        put(seen, i * m, shown, i * (m + p + d), m)
    moved, showed, began = all_moments(
        of_moves, of_rows, of_first, moves, rows, first, mean, m, u, p, x, d, none, seen - ended, seen - begun, lagged,
        shown, begun, out,
    )  # fmt: skip
    total, so_far, t = 0.0, 0.0, 0
    for s in range(S - 1, -1, -1):  # the shortest first
        while t < lengths[s]:
            so_far += log_dets[t]
            t += 1
        total += so_far + square[s]
    return True, total, moved, showed, began


@compiled
def _summed(A, sets, r, index, count, steps, pattern, lengths, m, blur):
    """Sums of smoothed covariances, of those with the row before, of those of first rows and of last ones.

    Sequences that are long enough settle as the longest does: they have as many more rows alike.
    """
    zero, mm, longest, settled = np.int64(0), m * m, lengths[0], lengths[0]
    own, level, N, ahead = np.empty(4 * mm), np.empty(2 * mm), np.empty(mm), np.empty(mm)
    for s in range(len(lengths)):
        if s == 0 or lengths[s] < min(settled, longest):
            longest, own[:], N[:], ahead[:], level[:] = lengths[s], 0.0, 0.0, 0.0, 0.0
            top, bottom = backward_sums(
                A, sets, r, index, count, steps, pattern, zero, len(pattern), longest, m, N, ahead, own[:mm],
                own[mm : 2 * mm], own[2 * mm :], level,
            )  # fmt: skip
            settled = longest - top + bottom + 1 if top >= 0 else longest
        add(1.0, own, zero, blur, zero, 4 * mm)
        add(float(lengths[s] - longest), level, zero, blur, zero, 2 * mm)
