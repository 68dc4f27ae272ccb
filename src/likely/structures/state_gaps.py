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
        blur, y = np.zeros((m + p + d, m + p + d)), data.rows.x
        blur[:m, :m] = V[0] if layout.complete else V[layout.count > 0].sum(0)
        if layout.whole_rows:
            return cls(y, blur)
        level = x @ params.C[i].T + params.d[i]
        if data.rows.given is not None and "D" in params:
            level += data.rows.given @ params.D[i].T
        counts = np.bincount(layout.pattern, weights, minlength=len(V)).astype(float)
        from likely.numerics.kalman_gaps import filled as filled_in  # compiled: imported when there are gaps

        filled, with_states, together = filled_in(y, level, params.C[i], params.R[i], layout, V, counts)
        blur[m + p :, :m], blur[:m, m + p :], blur[m + p :, m + p :] = with_states, with_states.T, together
        return cls(filled, blur)
