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
    from likely.numerics.kalman import Blur, Layout

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
    parts = [Member(model, params, i, one.mean, layout, data, weights[:, i]) for i, one in enumerate(smoothed)]
    each = [p.sums(one.blur(weights[:, i])) for i, (p, one) in enumerate(zip(parts, smoothed, strict=True))]
    return statistics(parts, each)


def statistics(parts: Sequence[Member], each: Sequence[Sums]) -> StateSums:
    """Of members, from the sums of each."""
    state, rows = _bank([e[0] for e in each]), _bank([m for e in each for m in e[1]])
    if not parts[0].fixed:
        return StateSums(state, rows, _bank([e[2] for e in each]))
    return StateSums(
        state, rows,
        first_move=_bank([p.first_move() for p in parts]),
        first_rows=_bank([m for p in parts for m in p.first_rows()]),
    )  # fmt: skip


Record = tuple[float, Array, Array]  # weight, mean and scatter of one member
Sums = tuple[Record, list[Record], Record]  # of moves, rows and first states


def _bank(records: list[Record]) -> Moments:
    if len(records) == 1:
        weight, mean, scatter = records[0]
        return Moments(own := np.array([weight]), own, mean[None], scatter[None])
    weights = np.array([r[0] for r in records])
    return Moments(weights, weights, np.stack([r[1] for r in records]), np.stack([r[2] for r in records]))


@dataclass(frozen=True)
class Places:
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
    def of(cls, data: Sequences) -> Places:
        x, first, long = data.rows.x, data.offsets[:-1].astype(np.int64), data.lengths > 1
        missing = np.isnan(x)
        order = np.arange(len(x)) - np.repeat(first, data.lengths)  # within its sequence
        seen = ~missing.all(1)
        return cls(
            first, first[long] + 1, np.flatnonzero(order > 0), np.flatnonzero(order > 1), np.flatnonzero(seen),
            np.flatnonzero(seen & (order > 0)), np.flatnonzero(seen & (order == 0)),
            [np.flatnonzero(~column) for column in missing.T],
        )  # fmt: skip


@dataclass(frozen=True)
class Room:
    """Where moments of moves, rows and first states go, with other matrices beside them."""

    sizes: tuple[int, ...]
    flat: Array  # mean and scatter of each, one after another

    @classmethod
    def of(cls, *sizes: int) -> Room:
        """Room for moments of so many numbers each."""
        return cls(sizes, np.zeros(sum(q + q * q for q in sizes)))

    def records(self, weights: Sequence[float]) -> list[Record]:
        """What was put there."""
        out, at = [], 0
        for weight, q in zip(weights, self.sizes, strict=True):
            mean, scatter = self.flat[at : at + q], self.flat[at + q : at + q + q * q]
            out.append((weight, mean, scatter.reshape(q, q)))
            at += q + q * q
        return out


class Member:
    """The sums of one member of the bank."""

    def __init__(
        self, model: Any, params: Params, i: int, mean: Array, layout: Layout, data: Sequences, weights: Array | None
    ):  # fmt: skip
        self.model, self.params, self.i, self.data, self.layout = model, params, i, data, layout
        self.fixed = model.beginning.fixed  # then only later moves and rows count, as first states are not hidden
        self.places: Places = data.once("places", lambda: Places.of(data))
        self.w = None if weights is None or _all_one(data, weights) else weights[data.owner]
        self.x, self.u = mean, data.rows.given
        self.y = data.rows.x  # with what is missing of rows filled in, once they are summed
        self.m, self.p, self.d = self.x.shape[1], data.rows.p, data.rows.d

    @property
    def numbers(self) -> tuple[Array, Array, Array]:
        """Of the moves, rows and first states that are summed."""
        at = self.places
        return (at.later_moves, at.later_seen, NONE) if self.fixed else (at.moves, at.seen, at.first)

    def room(self) -> Room:
        """For (state before, inputs, state), (state, inputs, row) and first states."""
        return Room.of(2 * self.m + self.p, self.m + self.p + self.d, self.m)

    def _of(self, rows: Array, *parts: int, y: Array | None = None, column: int | None = None) -> Record:
        """Weight, mean and scatter of these parts of some rows, side by side."""
        first, width = (0, self.d) if column is None else (column, 1)
        sizes = self.m, self.p, self.m, width
        q = sum(sizes[part] for part in parts)
        mean, scatter = np.zeros(q), np.zeros((q, q))
        from likely.numerics.kalman_moments import moments  # compiled: imported when states are first summed

        weight = moments(
            rows, np.array(parts), flat(self.x), self.m, flat(self.u), self.p, flat(y), self.d, first, width,
            flat(self.w), mean, scatter.reshape(-1),
        )  # fmt: skip
        return weight, mean, scatter

    def sums(self, blur: Blur) -> Sums:
        """Moves (state before, inputs, state), rows (state, inputs, row) and first states, with what is uncertain."""
        moves, rows, first = self.numbers
        room, filled = self.room(), Filled(NOTHING, NOTHING)
        if not self.model.by_row:
            filled = Filled.of(self.params, self.i, self.x, self.data, self.layout, blur.by_pattern, self.w)
            self.y = filled.y
        from likely.numerics.kalman_moments import OF_FIRST, OF_MOVES, OF_ROWS, all_moments  # compiled: see `_of`

        weights = all_moments(
            OF_MOVES, OF_ROWS, OF_FIRST, moves, NONE if self.model.by_row else rows, first, flat(self.x), self.m,
            flat(self.u), self.p, flat(filled.y), self.d, flat(self.w), flat(blur.before), flat(blur.now),
            flat(blur.lagged), flat(filled.blur), flat(blur.first), room.flat,
        )  # fmt: skip
        moved, shown, began = room.records(weights)
        return moved, [self._column(j, blur) for j in range(self.d)] if self.model.by_row else [shown], began

    def first_move(self) -> Record:
        """Of (inputs, second state)."""
        return self._of(self.places.second, INPUTS, STATE)

    def first_rows(self) -> list[Record]:
        """Of (inputs, first row), what was not observed of it filled in."""
        at, y = self.places, self.y
        if self.model.by_row:
            some = [np.intersect1d(at.first, rows) for rows in at.by_column]
            return [self._of(rows, INPUTS, ROW, y=y, column=j) for j, rows in enumerate(some)]
        return [self._of(at.begun, INPUTS, ROW, y=y)]

    def _column(self, j: int, blur: Blur) -> Record:
        """Of (state, inputs, one column), over the rows where that was observed."""
        rows = self.places.by_column[j]
        rows = np.setdiff1d(rows, self.places.first) if self.fixed else rows
        weight, mean, scatter = self._of(rows, STATE, INPUTS, ROW, y=self.data.rows.x, column=j)
        scatter[: self.m, : self.m] += blur.by_pattern[self.layout.patterns[:, j]].sum(0)
        return weight, mean, scatter


def _all_one(data: Sequences, weights: Array) -> bool:
    return data.weights is None and bool((weights == 1).all())


def flat(a: Array | None) -> Array:
    """All numbers one after another; none of what is not there."""
    return NOTHING if a is None else np.ascontiguousarray(a, float).reshape(-1)
