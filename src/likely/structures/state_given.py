"""States that are known: what stands in for the smoother where they were observed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from likely.core.data import Sequences
from likely.core.params import Params
from likely.families.gaussian import LOG_2PI
from likely.numerics.soft import Array

if TYPE_CHECKING:
    from likely.numerics.kalman import Blur, Layout

NONE = 1e-13  # of the largest variance: one that is 0


@dataclass(frozen=True)
class GivenStates:
    """Known states of sequences laid end to end, as `numerics.kalman.Smoothed` has hidden ones."""

    mean: Array  # (n, m)
    log_prob: Array  # (S,) of states and rows together
    layout: Layout
    impossible: dict[int, int] = field(default_factory=dict)

    def blur(self, weights: Array) -> Blur:
        """Nothing is uncertain."""
        from likely.numerics.kalman import Blur

        m = self.mean.shape[1]
        zero = np.zeros((m, m))
        return Blur(zero, zero, zero, zero, np.zeros((len(self.layout.patterns), m, m)))


def given_states(params: Params, i: int, data: Sequences, layout: Layout) -> GivenStates:
    """The known states under member i of a bank, with the log densities (S,) of states and rows."""
    x, u, y = data.rows.labels, data.rows.given, data.rows.x
    assert x is not None
    first = data.offsets[:-1]
    error = np.zeros_like(x)
    error[1:] = x[1:] - x[:-1] @ params.A[i].T - params.b[i]
    if u is not None and "B" in params:
        error[1:] -= u[1:] @ params.B[i].T
    each = _log_normal(error, params.Q[i])
    each[first] = _log_normal(x[first] - params.m0[i], params.P0[i])
    shown = y - x @ params.C[i].T - params.d[i]
    if u is not None and "D" in params:
        shown -= u @ params.D[i].T
    for j, seen in enumerate(layout.patterns):
        rows = layout.pattern == j
        each[rows] += _log_normal(shown[np.ix_(rows, seen)], params.R[i][np.ix_(seen, seen)])
    return GivenStates(x, np.add.reduceat(each, data.offsets[:-1]), layout)


def _log_normal(error: Array, covariance: Array) -> Array:
    """(n,): log densities of errors (n, r), on the range of a covariance, whose variances may be infinite."""
    finite = np.isfinite(np.diagonal(covariance))
    size, axes = np.linalg.eigh(covariance[np.ix_(finite, finite)])
    some = size > NONE * size.max(initial=0.0)
    z = error[:, finite] @ axes[:, some] / np.sqrt(size[some])
    rank = some.sum() + (~finite).sum()
    return -0.5 * (rank * LOG_2PI + np.log(size[some]).sum() + np.square(z).sum(1))
