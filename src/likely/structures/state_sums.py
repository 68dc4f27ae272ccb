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
NOTHING = np.empty(0)


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
    if model.beginning.fixed:
        return StateSums(
            state=_bank([p.later_moves() for p in parts]),
            rows=_bank([m for p in parts for m in p.rows(later=True)]),
            first_move=_bank([p.first_move() for p in parts]),
            first_rows=_bank([m for p in parts for m in p.first_rows()]),
        )
    each = [p.all_rows() if p.plain else (p.moves(), p.rows(), p.first()) for p in parts]
    return StateSums(
        state=_bank([e[0] for e in each]),
        rows=_bank([m for e in each for m in e[1]]),
        first=_bank([e[2] for e in each]),
    )


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
    all_seen: bool
    gaps: bool  # is a part of some row missing?
    by_column: list[Array]  # rows where each column was observed

    @classmethod
    def of(cls, data: Sequences) -> _Places:
        x, first, long = data.rows.x, data.offsets[:-1], data.lengths > 1
        missing = np.isnan(x)
        order = np.arange(len(x)) - np.repeat(first, data.lengths)  # within its sequence
        seen = ~missing.all(1)
        return cls(
            first, first[long] + 1, np.flatnonzero(order > 0), np.flatnonzero(order > 1), np.flatnonzero(seen),
            np.flatnonzero(seen & (order > 0)), np.flatnonzero(seen & (order == 0)), bool(seen.all()),
            bool(missing.any()), [np.flatnonzero(~column) for column in missing.T],
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

    @property
    def plain(self) -> bool:
        """Is there something of every row, so that moves and rows are moments of the same numbers?"""
        return self.places.all_seen and not (self.places.gaps and self.model.by_row)

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

    # -- something of every row observed
    def all_rows(self) -> tuple[Record, list[Record], Record]:
        """Moves (state before, inputs, state), rows (state, inputs, row) and first states."""
        at, m, p, d, filled, blur = self.places, self.m, self.p, self.d, self._filled(), self.blur
        a, b = 2 * m + p, m + p + d
        mean, scatter = np.zeros(a + b + m), np.zeros(a * a + b * b + m * m)
        from likely.numerics.kalman_moments import OF_FIRST, OF_MOVES, all_moments  # compiled: see below

        moved, shown, begun = all_moments(
            at.moves, OF_MOVES, at.first, OF_FIRST, _flat(self.x), m, _flat(self.u), p, _flat(filled.y), d,
            _flat(self.w), blur.before.ravel(), blur.now.ravel(), blur.lagged.ravel(), blur.first.ravel(),
            filled.blur.ravel(), mean, scatter,
        )  # fmt: skip
        moves, rows = scatter[: a * a].reshape(a, a), scatter[a * a : a * a + b * b].reshape(b, b)
        first = scatter[a * a + b * b :].reshape(m, m)
        return (moved, mean[:a], moves), [(shown, mean[a : a + b], rows)], (begun, mean[a + b :], first)

    def _with_moves(self, record: Record) -> Record:
        """With what is uncertain of states before and after a move."""
        weight, mean, scatter = record
        m = self.m
        scatter[:m, :m] += self.blur.before
        scatter[-m:, -m:] += self.blur.now
        scatter[-m:, :m] += self.blur.lagged
        scatter[:m, -m:] += self.blur.lagged.T
        return weight, mean, scatter

    def _with_first(self, record: Record) -> Record:
        return record[0], record[1], record[2] + self.blur.first

    # -- piece by piece
    def moves(self) -> Record:
        """Of (state before, inputs, state)."""
        return self._with_moves(self._of(self.places.moves, BEFORE, INPUTS, STATE))

    def later_moves(self) -> Record:
        """The same without the first move of a sequence, whose start is fixed."""
        return self._with_moves(self._of(self.places.later_moves, BEFORE, INPUTS, STATE))

    def first(self) -> Record:
        """Of first states."""
        return self._with_first(self._of(self.places.first, STATE))

    def first_move(self) -> Record:
        """Of (inputs, second state)."""
        return self._of(self.places.second, INPUTS, STATE)

    def rows(self, later: bool = False) -> list[Record]:
        """Of (state, inputs, row); without first rows where only `later` ones are wanted."""
        if self.model.by_row:
            return [self._column(j, later) for j in range(self.d)]
        filled = self._filled()
        some = self.places.later_seen if later else self.places.seen
        weight, mean, scatter = self._of(some, STATE, INPUTS, ROW, y=filled.y)
        return [(weight, mean, scatter + filled.blur)]

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
