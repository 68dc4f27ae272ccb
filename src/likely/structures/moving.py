"""Moves that depend on covariates: a regression of the next state, one for each state that is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from likely.core.data import Sequences, Table
from likely.core.family import Family
from likely.core.params import Params
from likely.core.setting import Setting
from likely.errors import ModelError
from likely.families.categories import OfCategories
from likely.families.logistic_regression import LogisticRegression
from likely.families.softmax_regression import SoftmaxRegression
from likely.numerics.soft import Array, safe_log
from likely.structures.chains import Chained, Decoded, Path
from likely.structures.dynamics import Markov


class Moving(Markov):
    """Moves into row t follow a regression on the covariates of row t; those of first rows say nothing about moves.

    The regression is a bank over the states that are left, whose response is the next state. Its statistics are the
    distinct rows of covariates, u of them, times m next states, weighed by expected moves: at most n m^2 numbers, as
    `Rows` of a regression hold them. Forward-backward sees one matrix for each distinct row.
    """

    def chains(
        self, model: Any, params: Params, density: Array, data: Sequences, temperature: float
    ) -> Sequence[Path]:  # fmt: skip
        from likely.numerics.chain_moving import best_path_moving, smooth_moving

        logs, which = log_moves_of(model, params, data), matrices_of(data)[1]
        out: list[Path] = []
        for i, first in enumerate(safe_log(params.initial)):
            seen = first, np.ascontiguousarray(logs[:, i]), which, density[:, i], data.offsets
            if temperature == 0:
                states, log_prob, stopped = best_path_moving(*seen)
                out.append(Decoded(log_prob, states, data.offsets, model.size, stopped, which, logs.shape[0]))
            else:
                out.append(smooth_moving(*seen, temperature))
        return out

    def counted(self, model: Any, hidden: Chained, data: Sequences, weights: Array) -> dict[str, Any]:
        each = zip(hidden.members, weights.T, strict=True)
        moves = np.stack([c.pairs(np.ascontiguousarray(w)) for c, w in each], 1)  # (u, k, from, to)
        behind = np.ascontiguousarray(moves.transpose(0, 3, 1, 2))
        behind = behind.reshape(len(moves) * model.size, -1)
        return {"transition": model.transition.collect(None, None, _arrivals(data, model.size), behind)}

    def worth(self, model: Any, params: Params, hidden: Chained, data: Sequences) -> Array:
        logs = log_moves_of(model, params, data)
        return np.stack([c.expected(np.ascontiguousarray(logs[:, i])) for i, c in enumerate(hidden.members)], 1)

    def expected(self, model: Any, params: Params, stats: Any) -> Array:
        each = model.transition.expected_log_density(params.transition, stats.transition)
        return each.reshape(len(params.initial), -1).sum(1)

    def begin(
        self, model: Any, moves: Array, r: Array, data: Sequences, weights: Array, rng: np.random.Generator
    ) -> dict[str, Any]:  # fmt: skip
        """The same moves at all covariates, so that nothing separates to begin with."""
        m, (u, which) = model.size, (len(matrices_of(data)[0]), matrices_of(data)[1])
        often = np.bincount(which, minlength=u) / len(which)
        table = np.einsum("u,im->umi", often, moves).reshape(u * m, -1)
        return {"transition": model.transition.start(_arrivals(data, m), table, rng)}

    def maximised(self, model: Any, stats: Any, params: Params | None) -> dict[str, Any]:
        old = None if params is None else params.transition
        return {"transition": model.transition.maximize(stats.transition, old)}

    def walk(self, model: Any, params: Params, members: Array, data: Sequences, rng: np.random.Generator) -> Array:
        from likely.numerics.chain_moving import moving_walks

        states, which = np.empty(len(data.rows), np.int64), matrices_of(data)[1]
        moves = np.exp(log_moves_of(model, params, data))
        sums = params.initial.cumsum(1), moves.reshape(len(moves), -1, model.size).cumsum(2)
        moving_walks(*sums, which, rng.random(len(states)), data.offsets, np.asarray(members, np.int64), states)
        return states


def check_regression(regression: Family, size: Any, *, stationary: bool) -> None:
    """Raise a ModelError for a family that cannot say which state is next."""
    if stationary:
        raise ModelError(
            f'HMM(initial="stationary", transition={regression!r}): moves that depend on covariates have no stationary '
            "distribution. Leave initial=... out, or write its probabilities.",
            slot="initial",
        )
    if isinstance(regression, SoftmaxRegression) and regression.categories is None:
        return
    if isinstance(regression, LogisticRegression) and size == 2:
        return
    if isinstance(regression, SoftmaxRegression):
        raise ModelError(
            f"HMM(transition={regression!r}): the categories are the states, numbered from 0; leave categories out.",
            slot="transition",
        )
    raise ModelError(
        f"HMM(transition={regression!r}): moves are probabilities (an array, Dirichlet(...), shared), or a "
        "regression of the next state on covariates: SoftmaxRegression(), or LogisticRegression() between two states.",
        slot="transition",
    )


def of_states(regression: Family, size: int) -> Family:
    """The regression whose categories are the states."""
    if isinstance(regression, OfCategories):
        return regression._changed(categories=tuple(float(j) for j in range(size)))
    return regression


def plainly(regression: Family) -> Family:
    """The regression as it was written: its categories go without saying."""
    return regression._changed(categories=None) if isinstance(regression, OfCategories) else regression


def of_moves(setting: Setting) -> Setting:
    """What the regression looks at: the next state in place of the rows, and their covariates."""
    rows = setting.rows
    if rows is None:
        return setting.with_(d=1)
    states = Table(np.zeros((len(rows), 1)), given=rows.given, given_names=rows.given_names, names=("state",))
    return setting.with_(d=1, rows=states)


def matrices_of(data: Sequences) -> tuple[Array, Array]:
    """The distinct rows (u, p) of covariates, and which of them each row (n,) has."""

    def found() -> tuple[Array, Array]:
        assert data.rows.given is not None
        given, which = np.unique(data.rows.given, axis=0, return_inverse=True)
        return given, which.reshape(-1).astype(np.int64)

    return data.once("distinct covariates", found)


def _arrivals(data: Sequences, m: int) -> Table:
    """Every next state at every distinct row of covariates: row u m + j is state j at row u."""

    def made() -> Table:
        given = matrices_of(data)[0]
        return Table(np.tile(np.arange(m, dtype=float), len(given))[:, None], given=np.repeat(given, m, 0))

    return data.once(("arrivals", m), made)


def log_moves_of(model: Any, params: Params, data: Sequences) -> Array:
    """(u, k, m, m): log probabilities of moves at each distinct row of covariates."""
    m = model.size
    found = model.transition.infer(params.transition, _arrivals(data, m)).log_prob  # (u m, k m)
    return found.reshape(-1, m, len(params.initial), m).transpose(0, 2, 3, 1)
