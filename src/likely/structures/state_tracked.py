"""What the smoother found of the states of sequences, and how uncertain it leaves them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from likely.core.data import Sequences
from likely.core.params import Params
from likely.errors import DataError
from likely.families.gaussian import LOG_2PI
from likely.numerics.soft import Array
from likely.structures.state_given import GivenStates, given_states
from likely.structures.state_sums import StateSums, summed

if TYPE_CHECKING:
    from likely.numerics.kalman import Layout, Model, Smoothed, Undetermined


@dataclass(frozen=True)
class Tracked:
    """The states of every member, as the smoother found them."""

    members: Sequence[Smoothed | GivenStates]
    layout: Layout
    data: Sequences

    @classmethod
    def of(cls, params: Params, data: Sequences) -> Tracked:
        """The states behind some sequences under every member of a bound model."""
        layout = layout_of(data)
        if data.rows.labels is not None:
            return cls([given_states(params, i, data, layout) for i in range(len(params.A))], layout, data)
        kalman = _kalman()
        try:
            members = [kalman.smooth(*equations(params, i, data), data.offsets, layout) for i in range(len(params.A))]
        except kalman.Undetermined as error:
            raise undetermined(error, data) from None
        return cls(members, layout, data)

    @property
    def log_prob(self) -> Array:
        """(S, k)."""
        if len(self.members) == 1:
            return self.members[0].log_prob[:, None]
        return np.stack([one.log_prob for one in self.members], 1)

    def stopped(self, sequence: int, member: int) -> int:
        """The row of a sequence, counted from its own, at which it becomes impossible under a member."""
        return self.members[member].impossible.get(sequence, 0)

    def summed(self, model: Any, params: Params, weights: Array) -> StateSums:
        """Statistics of the sequences under weights (S, k)."""
        return summed(model, params, self.members, self.layout, self.data, weights)

    def slack(self, model: Any, params: Params) -> Array:
        """(S, k): the entropy of the hidden path, and of the hidden parts of rows, of each sequence."""
        if self.data.rows.labels is None and all(np.linalg.matrix_rank(R, hermitian=True) == len(R) for R in params.R):
            return np.stack([_entropy(model, params, i, one, self) for i, one in enumerate(self.members)], 1)
        return self.log_prob - self._complete(model, params)

    def _complete(self, model: Any, params: Params) -> Array:
        """(S, k): the expected log density of states and rows together, sequence by sequence."""
        found = np.empty(self.log_prob.shape)
        for s in range(len(found)):
            weights = np.zeros_like(found)
            weights[s] = 1.0
            found[s] = model.expected_log_density(params, self.summed(model, params, weights))
        return found


@cache
def _none(m: int) -> Array:
    """(m,): no state is diffuse."""
    return np.zeros(m, bool)


@cache
def _kalman() -> Any:
    """The compiled smoother; imported when the first series is tracked."""
    return import_module("likely.numerics.kalman")


def undetermined(error: Undetermined, data: Sequences) -> DataError:
    """What to say of a sequence that is too short for its diffuse start."""
    where = "" if len(data) == 1 else f" in {data.called(error.sequence)}"
    return DataError(
        f"too few entries were observed{where} to tell where the states are, of which the diffuse start says nothing. "
        "Give more rows, or a model whose P0 is finite."
    )


def layout_of(data: Sequences) -> Layout:
    """Which values were observed, remembered with the data."""
    return data.once("layout", lambda: _kalman().Layout.of(~np.isnan(data.rows.x), data.offsets))


def equations(params: Params, i: int, data: Sequences) -> tuple[Model, Array, Array | None]:
    """Member i as the smoother wants it: blocks, rows less what inputs and level say, and the drift of the state."""
    P0, diffuse = params.P0[i], _none(len(params.P0[i]))
    if math.isinf(P0.trace()):
        diffuse = np.isinf(P0.diagonal())
        P0 = np.where(diffuse[:, None] | diffuse, 0.0, P0)
    model = _kalman().Model(params.A[i], params.Q[i], params.C[i], params.R[i], params.m0[i], P0, diffuse)
    u, drift, level = data.rows.given, params.b[i], params.d[i]
    y = data.rows.x - level if u is not None or np.count_nonzero(level) else data.rows.x
    if "B" not in params or u is None:
        drift = np.broadcast_to(drift, (len(y), len(drift))) if np.count_nonzero(drift) else None
    else:
        y -= u @ params.D[i].T
        drift = u @ params.B[i].T + drift
    return model, y, drift


def _entropy(model: Any, params: Params, i: int, one: Any, hidden: Tracked) -> Array:
    """(S,): in nats, by the determinants of what is hidden: a Gaussian over paths and missing parts of rows.

    The precision of path and noise together has the determinant prod |S_t| / (prod |R_oo| |Q|^{T-1} |P0|), where S_t
    are the innovations' covariances. Directions without noise are not hidden.
    """
    layout, data = hidden.layout, hidden.data
    rank, log_q = _log_pdet(params.Q[i])
    P0 = params.P0[i]
    diffuse = np.isinf(np.diagonal(P0))
    free, log_p = _log_pdet(P0[~diffuse][:, ~diffuse]) if not diffuse.all() else (0, 0.0)
    each = np.array([_hidden_in_row(params.R[i], seen, model.by_row) for seen in layout.patterns])
    rows = np.add.reduceat(each[layout.pattern], data.offsets[:-1])
    dims = free + diffuse.sum() + rank * (data.lengths - 1.0) + rows[:, 0]
    volume = log_p + log_q * (data.lengths - 1.0) + rows[:, 1] - one.log_dets
    return 0.5 * (dims * (LOG_2PI + 1) + volume)


def _hidden_in_row(R: Array, seen: Array, by_row: bool) -> tuple[float, float]:
    """How many entries of a row are hidden, and log |R_oo| + log |R_mm given o|; 0 of a row without any entry."""
    if not seen.any():
        return 0.0, 0.0
    if by_row or seen.all():
        return 0.0, float(np.linalg.slogdet(R[np.ix_(seen, seen)])[1])
    return float((~seen).sum()), float(np.linalg.slogdet(R)[1])


def _log_pdet(covariance: Array) -> tuple[int, float]:
    """Rank and log pseudo-determinant."""
    if not len(covariance):
        return 0, 0.0
    size = np.linalg.eigvalsh(covariance)
    some = size > 1e-13 * max(size.max(initial=0.0), math.ulp(0.0))
    return int(some.sum()), float(np.log(size[some]).sum())
