"""Rows of which a part is missing: what is expected of that part, and what remains uncertain of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from likely.core.data import Sequences
from likely.core.params import Params
from likely.numerics.soft import Array

if TYPE_CHECKING:
    from likely.numerics.kalman import Layout

ROWS = 2**12  # of a block whose matrices have room in a cache


@dataclass(frozen=True)
class Filled:
    """Rows with their missing entries as expected, and what is uncertain of (state, inputs, row), summed over rows.

    With errors e of the observed entries o, the others are expected to be C x + R_mo R_oo^-1 e (Shumway & Stoffer 1982;
    in this form Holmes 2013). Rows of which nothing was observed are left out.
    """

    y: Array  # (n, d)
    blur: Array  # (m + p + d, m + p + d)

    @classmethod
    def of(
        cls, params: Params, i: int, x: Array, data: Sequences, layout: Layout, V: Array, weights: Array | None
    ) -> Filled:  # fmt: skip
        """Rows beside smoothed states x (n, m), whose covariances sum to V (P, m, m) over the rows of each pattern."""
        m, p, d = x.shape[1], data.rows.p, data.rows.d
        blur, patterns, y = np.zeros((m + p + d, m + p + d)), layout.patterns, data.rows.x
        seen: Array = np.asarray(patterns.any(1))
        blur[:m, :m] = V[seen].sum(0)
        if patterns[seen].all():
            return cls(y, blur)
        fill, show, left = completion(params.C[i], params.R[i], patterns)
        shown = show[seen] @ V[seen]
        blur[m + p :, :m] = shown.sum(0)
        blur[:m, m + p :] = blur[m + p :, :m].T
        counts = np.bincount(layout.pattern, weights, minlength=len(patterns))
        scatter = (shown @ np.swapaxes(show[seen], 1, 2)).sum(0) + np.tensordot(counts[seen], left[seen], 1)
        blur[m + p :, m + p :] = scatter
        return cls(_completed(params, i, x, data, layout, fill), blur)


def _completed(params: Params, i: int, x: Array, data: Sequences, layout: Layout, fill: Array) -> Array:
    """(n, d): rows with what is missing as expected."""
    whole: Array = np.asarray(layout.patterns.all(1))
    some = np.flatnonzero(~whole[layout.pattern])
    out = data.rows.x.copy()
    for a in range(0, len(some), ROWS):
        block = some[a : a + ROWS]
        y, level = out[block], x[block] @ params.C[i].T + params.d[i]
        if data.rows.given is not None and "D" in params:
            level += data.rows.given[block] @ params.D[i].T
        missing = np.isnan(y)
        error = np.where(missing, 0.0, y - level)
        level += np.einsum("tij,tj->ti", fill[layout.pattern[block]], error)
        out[block] = np.where(missing, level, y)
    return out


def completion(C: Array, R: Array, patterns: Array) -> tuple[Array, Array, Array]:
    """For each pattern (P, d) of observed entries: fill (P, d, d), show (P, d, m), left (P, d, d).

    A row with errors e (0 where missing) is expected to be C x + fill e, its missing entries move with the state by
    `show`, and scatter about that by `left`. Observed entries come out as they are (no show, nothing left).
    """
    partly: Array = np.asarray(patterns.any(1) & ~patterns.all(1))
    both = patterns[:, :, None] & patterns[:, None, :] & partly[:, None, None]
    eye = np.eye(len(R))
    inverse = np.where(both, np.linalg.inv(np.where(both, R, eye * ~both)), 0.0)
    fill = R @ inverse
    fill = np.where(patterns[:, :, None], eye * patterns[:, None, :], fill)
    left = np.where(patterns[:, :, None] | patterns[:, None, :], 0.0, R - fill @ R)
    show = np.where(patterns[:, :, None], 0.0, C - fill @ C)
    return fill, show, 0.5 * (left + np.swapaxes(left, 1, 2))
