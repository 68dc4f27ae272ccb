"""How rows differ from what was expected of them: one-step errors, smoothed disturbances, and gaps filled in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from likely.core.data import Sequences
from likely.numerics.soft import Array
from likely.structures.state_blocks import Blocks
from likely.structures.state_known import Disturbances, Imputed, deviations, scaled, variances


def scaled_errors(errors: Array, covariance: Array) -> Array:
    """(n, d): errors over their own standard deviations; NaN where there is no error, or its variance is infinite."""
    sd = deviations(covariance)
    return np.where(np.isfinite(sd), errors / np.where(sd > 0, sd, np.nan), np.nan)


def whitened(errors: Array, covariance: Array) -> Array:
    """(n, d): L^-1 e with L L' = covariance (lower triangular), over the entries of each row that have an error."""
    out = np.full(errors.shape, np.nan)
    there = np.isfinite(errors) & np.isfinite(variances(covariance))
    for rows, seen in patterns(there):
        if seen.any():
            factor = np.linalg.cholesky(covariance[np.ix_(rows, seen, seen)])
            out[np.ix_(rows, seen)] = np.linalg.solve(factor, errors[np.ix_(rows, seen)][:, :, None])[:, :, 0]
    return out


def patterns(there: Array) -> Iterator[tuple[Array, Array]]:
    """Of (n, d): the rows (positions) that have the same entries, and which entries (d,) these are."""
    kinds, which = np.unique(there, axis=0, return_inverse=True)
    for j, kind in enumerate(kinds):
        yield np.flatnonzero(which.ravel() == j), kind


def disturbances(blocks: Blocks, known: Any, data: Sequences) -> Disturbances:
    """What all rows together say of the noise w of the move into each row, and of the noise v of each row.

    w_t = x_t - A x_{t-1} - drift and v = y - C x - level hold of expectations given all rows. The variance of such an
    expectation is that of the noise less what remains uncertain of it.
    """
    rows, n, first = data.rows, len(data.rows), data.offsets[:-1]
    state = known.mean - np.roll(known.mean, 1, 0) @ blocks.A.T - blocks.drift(rows.given, n)
    carried, crossed = blocks.A @ np.roll(known.cov, 1, 0) @ blocks.A.T, known.lagged @ blocks.A.T
    left = known.cov + carried - crossed - np.swapaxes(crossed, 1, 2)
    state[first], left[first] = np.nan, np.nan
    observation = rows.x - known.mean @ blocks.C.T - blocks.level(rows.given, n)
    seen = ~np.isnan(rows.x)
    shown = blocks.C @ known.cov @ blocks.C.T
    shown = np.where(seen[:, :, None] & seen[:, None, :], shown, np.nan)
    uncertain = variances(known.cov + carried)
    return Disturbances(
        state, left, observation, shown,
        scaled(state, np.diagonal(blocks.Q), variances(left), uncertain),
        scaled(observation, np.diagonal(blocks.R), variances(shown), variances(shown)),
    )  # fmt: skip


def imputed(blocks: Blocks, known: Any, data: Sequences) -> Imputed:
    """Rows without gaps, and the standard deviations of what was filled in.

    Given the states a missing entry depends on the observed ones of its row through R: with H = R_mo R_oo^-1,
    E y_m = e_m + H (y_o - e_o) where e = C xs + level, and Cov y_m = R_mm - H R_om + G V G' with G = C_m - H C_o.
    """
    rows = data.rows
    expected = known.mean @ blocks.C.T + blocks.level(rows.given, len(rows))
    values, sd = np.array(rows.x, float), np.zeros(rows.x.shape)
    for where, seen in patterns(~np.isnan(rows.x)):
        if seen.all():
            continue
        o, gap = np.flatnonzero(seen), np.flatnonzero(~seen)
        tell = blocks.R[np.ix_(gap, o)] @ np.linalg.pinv(blocks.R[np.ix_(o, o)], hermitian=True)
        shown = blocks.C[gap] - tell @ blocks.C[o]
        noise = blocks.R[np.ix_(gap, gap)] - tell @ blocks.R[np.ix_(o, gap)]
        error = values[np.ix_(where, o)] - expected[np.ix_(where, o)]
        values[np.ix_(where, gap)] = expected[np.ix_(where, gap)] + error @ tell.T
        sd[np.ix_(where, gap)] = deviations(noise + shown @ known.cov[where] @ shown.T)
    return Imputed(flat(values), flat(sd))


def flat(values: Array) -> Array:
    """(n, d) as a person expects it: one column flat."""
    return values[:, 0] if values.shape[1] == 1 else values
