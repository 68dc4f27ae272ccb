"""Rows of which a part is missing, compiled: what is expected of that part, and what remains uncertain of it."""

from __future__ import annotations

import numpy as np

from likely.numerics.compiled import compiled
from likely.numerics.kalman_layout import Layout
from likely.numerics.kalman_products import SET, TAKE, add, product, put
from likely.numerics.kalman_white import ROOM, white
from likely.numerics.soft import Array


def filled(
    y: Array, level: Array, C: Array, R: Array, layout: Layout, V: Array, counts: Array
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Rows y (n, d) with expectations in place of NaN, and what is uncertain of these, summed over rows.

    With errors e of the observed entries o, the others are expected to be `level` + R_mo R_oo^-1 e, where `level`
    (n, d) is C x for smoothed states x, and all that is known. Of the uncertain parts two sums are given: products with
    the states (d, m), and with one another (d, d). V (P, m, m) are covariances of states summed over the rows of each
    pattern, `counts` (P,) how many rows these are.
    """
    (d, m), out = C.shape, y.copy()
    with_states, together, weights = np.zeros((d, m)), np.zeros((d, d)), np.empty(layout.patterns.size * d)
    fine = complete(
        C.flatten(), R.flatten(), layout.columns, layout.count, V.reshape(-1), counts, m, d, weights,
        with_states.reshape(-1), together.reshape(-1),
    )  # fmt: skip
    if not fine:
        raise np.linalg.LinAlgError("the covariance of what is observed of a row is singular")
    fill_in(level, layout.pattern, layout.columns, layout.count, weights, out)
    return out, with_states, together


@compiled
def complete(C, R, columns, count, V, counts, m, d, weights, with_states, together):
    """Weights R_oo^-1 R_om (q, d - q) of each pattern's observed entries, q of them, and the sums of `filled`."""
    zero, one = np.int64(0), np.int64(1)
    across, within, inverse, half = np.empty(d * d), np.empty(d * d), np.empty(d * d), np.empty(d * d)
    show, shown, near, own = np.empty(d * m), np.empty(d * m), np.empty(d * m), np.empty(ROOM)
    for p in range(len(count)):
        q, u, to = count[p], d - count[p], p * d * d
        if q == 0 or u == 0:
            continue
        for i in range(q):
            row = columns[p, i] * d
            for j in range(q):
                within[i * q + j] = R[row + columns[p, j]]
            for j in range(u):
                across[i * u + j] = R[row + columns[p, q + j]]
            put(C, columns[p, i] * m, near, i * m, m)
        if white(within, q, inverse, zero, own) == -np.inf:
            return False
        product(SET, inverse, zero, q, one, across, zero, u, half, zero, q, q, u)
        product(SET, inverse, zero, one, q, half, zero, u, weights, to, q, q, u)
        for i in range(u):
            row = columns[p, q + i] * d
            for j in range(u):
                within[i * u + j] = counts[p] * R[row + columns[p, q + j]]
            put(C, columns[p, q + i] * m, show, i * m, m)
        product(TAKE, weights, to, one, u, near, zero, m, show, zero, u, q, m)
        product(SET, show, zero, m, one, V, p * m * m, m, shown, zero, u, m, m)
        for i in range(q * u):
            across[i] = counts[p] * half[i]
        product(TAKE, half, zero, one, u, across, zero, u, within, zero, u, q, u)
        for i in range(u):
            for j in range(u):
                total = within[i * u + j]
                for n in range(m):
                    total += shown[i * m + n] * show[j * m + n]
                together[columns[p, q + i] * d + columns[p, q + j]] += total
            add(1.0, shown, i * m, with_states, columns[p, q + i] * m, m)
    return True


@compiled
def fill_in(level, pattern, columns, count, weights, out):
    """Expectations in place of what is missing, in rows of which something was observed."""
    d = out.shape[1]
    for t in range(len(out)):
        p = pattern[t]
        q = count[p]
        if q == 0 or q == d:
            continue
        for j in range(d - q):
            total = level[t, columns[p, q + j]]
            for i in range(q):
                total += weights[p * d * d + i * (d - q) + j] * (out[t, columns[p, i]] - level[t, columns[p, i]])
            out[t, columns[p, q + j]] = total
