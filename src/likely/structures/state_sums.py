"""Sums over smoothed states: all that the M-step of a state space needs to know of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from likely.core.data import Sequences
from likely.core.params import Params
from likely.core.stats import Stats
from likely.families.moments import Moments
from likely.numerics.soft import Array
from likely.structures.state_gaps import Filled

if TYPE_CHECKING:
    from likely.numerics.kalman import Layout

BEFORE, INPUTS, STATE, ROW = range(4)  # parts of a row, as the compiled moments know them
NOTHING, NONE = np.empty(0), np.empty(0, np.int64)


@dataclass(frozen=True)
class StateSums(Stats):
    """Expected moments of (state before, inputs, state), of (state, inputs, row), and of first states.

    `state` and `rows` have a member each (`rows` one for each column of each member, where columns stand alone). Of a
    fixed unknown start `first_move` are moments of (inputs, second state), and `first_rows` of (inputs, first row):
    what the first state itself adds to the other two.
    """

    state: Any = None
    rows: Any = None
    first: Any = None
    first_move: Any = None
    first_rows: Any = None

    def valid(self) -> bool:
        """One fixed start has no spread; what is regressed must have some."""
        spread = [self.state, self.rows, self.first]
        return all(part.valid() for part in spread if part is not None)


def summed(
    model: Any, params: Params, smoothed: Sequence[Any], layout: Layout, data: Sequences, weights: Array
) -> StateSums:  # fmt: skip
    """Statistics of sequences, whose states were smoothed under each member, under weights (S, k)."""
    parts = [_Member(model, params, i, one, layout, data, weights[:, i]) for i, one in enumerate(smoothed)]
    fixed = model.beginning.fixed
    each = [p.sums(later=fixed) for p in parts]
    state, rows = _bank([e[0] for e in each]), _bank([m for e in each for m in e[1]])
    if not fixed:
        return StateSums(state, rows, _bank([e[2] for e in each]))
    return StateSums(
        state, rows,
        first_move=_bank([p.first_move() for p in parts]),
        first_rows=_bank([m for p in parts for m in p.first_rows()]),
    )  # fmt: skip


Record = tuple[float, Array, Array]  # weight, mean and scatter of one member


def _bank(records: list[Record]) -> Moments:
    if len(records) == 1:
        weight, mean, scatter = records[0]
        return Moments(own := np.array([weight]), own, mean[None], scatter[None])
    weights = np.array([r[0] for r in records])
    return Moments(weights, weights, np.stack([r[1] for r in records]), np.stack([r[2] for r in records]))


@dataclass(frozen=True)
class _Places:
    """Numbers of rows, remembered with the data."""

    first: Array
    second: Array  # of sequences that have one
    moves: Array  # rows that are no first ones
    later_moves: Array  # rows that are neither first nor second ones
    seen: Array  # rows of which something was observed
    later_seen: Array  # without first ones
    begun: Array  # first ones of them
    by_column: list[Array]  # rows where each column was observed

    @classmethod
    def of(cls, data: Sequences) -> _Places:
        x, first, long = data.rows.x, data.offsets[:-1].astype(np.int64), data.lengths > 1
        missing = np.isnan(x)
        order = np.arange(len(x)) - np.repeat(first, data.lengths)  # within its sequence
        seen = ~missing.all(1)
        return cls(
            first, first[long] + 1, np.flatnonzero(order > 0), np.flatnonzero(order > 1), np.flatnonzero(seen),
            np.flatnonzero(seen & (order > 0)), np.flatnonzero(seen & (order == 0)),
            [np.flatnonzero(~column) for column in missing.T],
        )  # fmt: skip


class _Member:
    """The sums of one member of the bank."""

    def __init__(
        self, model: Any, params: Params, i: int, smoothed: Any, layout: Layout, data: Sequences, weights: Array
    ):  # fmt: skip
        self.model, self.params, self.i, self.data, self.layout = model, params, i, data, layout
        self.places: _Places = data.once("places", lambda: _Places.of(data))
        self.blur = smoothed.blur(weights)
        alike = data.weights is None and bool((weights == 1).all())
        self.w = None if alike else weights[data.owner]
        self.x, self.u = smoothed.mean, data.rows.given
        self.m, self.p, self.d = self.x.shape[1], data.rows.p, data.rows.d

    def _of(self, rows: Array, *parts: int, y: Array | None = None, column: int | None = None) -> Record:
        """Weight, mean and scatter of these parts of some rows, side by side."""
        first, width = (0, self.d) if column is None else (column, 1)
        sizes = self.m, self.p, self.m, width
        q = sum(sizes[part] for part in parts)
        mean, scatter = np.zeros(q), np.zeros((q, q))
        from likely.numerics.kalman_moments import moments  # compiled: imported when states are first summed

        weight = moments(
            rows, np.array(parts), _flat(self.x), self.m, _flat(self.u), self.p, _flat(y), self.d, first, width,
            _flat(self.w), mean, scatter.reshape(-1),
        )  # fmt: skip
        return weight, mean, scatter

    def sums(self, later: bool) -> tuple[Record, list[Record], Record]:
        """Moves (state before, inputs, state), rows (state, inputs, row) and first states.

        Where the start is fixed only `later` moves and rows count, as first states are none that are hidden.
        """
        at, m, p, d, blur = self.places, self.m, self.p, self.d, self.blur
        columns = [self._column(j, later) for j in range(d)] if self.model.by_row else None
        filled = Filled(NOTHING, NOTHING) if columns is not None else self._filled()
        rows = NONE if columns is not None else at.later_seen if later else at.seen
        mean = np.zeros(2 * m + p), np.zeros(m + p + d), np.zeros(m)
        scatter = [np.zeros((len(a), len(a))) for a in mean]
        from likely.numerics.kalman_moments import OF_FIRST, OF_MOVES, OF_ROWS, all_moments  # compiled: see `_of`

        weights = all_moments(
            OF_MOVES, OF_ROWS, OF_FIRST, at.later_moves if later else at.moves, rows, NONE if later else at.first,
            _flat(self.x), m, _flat(self.u), p, _flat(filled.y), d, _flat(self.w), _flat(blur.before), _flat(blur.now),
            _flat(blur.lagged), _flat(filled.blur), _flat(blur.first), mean[0], scatter[0].reshape(-1), mean[1],
            scatter[1].reshape(-1), mean[2], scatter[2].reshape(-1),
        )  # fmt: skip
        moves, shown, first = zip(weights, mean, scatter, strict=True)
        return moves, [shown] if columns is None else columns, first

    def first_move(self) -> Record:
        """Of (inputs, second state)."""
        return self._of(self.places.second, INPUTS, STATE)

    def first_rows(self) -> list[Record]:
        """Of (inputs, first row), what was not observed of it filled in."""
        at, x = self.places, self.data.rows.x
        if self.model.by_row:
            some = [np.intersect1d(at.first, rows) for rows in at.by_column]
            return [self._of(rows, INPUTS, ROW, y=x, column=j) for j, rows in enumerate(some)]
        return [self._of(at.begun, INPUTS, ROW, y=self._filled().y)]

    def _column(self, j: int, later: bool) -> Record:
        """Of (state, inputs, one column), over the rows where that was observed."""
        rows = self.places.by_column[j]
        rows = np.setdiff1d(rows, self.places.first) if later else rows
        weight, mean, scatter = self._of(rows, STATE, INPUTS, ROW, y=self.data.rows.x, column=j)
        scatter[: self.m, : self.m] += self.blur.by_pattern[self.layout.patterns[:, j]].sum(0)
        return weight, mean, scatter

    def _filled(self) -> Filled:
        return Filled.of(self.params, self.i, self.x, self.data, self.layout, self.blur.by_pattern, self.w)


def _flat(a: Array | None) -> Array:
    """All numbers one after another; none of what is not there."""
    return NOTHING if a is None else np.ascontiguousarray(a, float).reshape(-1)
