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

ROWS = 2**13  # of a block whose products stay in a cache


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
    weight = np.array([r[0] for r in records])
    if len(records) == 1:
        return Moments(weight, weight, records[0][1][None], records[0][2][None])
    return Moments(weight, weight, np.stack([r[1] for r in records]), np.stack([r[2] for r in records]))


@dataclass(frozen=True)
class _Places:
    """Places of rows, remembered with the data."""

    first: Array
    now: Any  # rows that are no first ones
    before: Any  # the rows before these
    later: Array  # (n,) which they are
    seen: Array | None  # (n,) rows of which something was observed; None where all are
    gaps: bool  # is a part of some row missing?

    @classmethod
    def of(cls, data: Sequences) -> _Places:
        first, later = data.offsets[:-1], np.ones(len(data.rows), bool)
        later[first] = False
        where = np.flatnonzero(later)
        now, before = (slice(1, None), slice(0, -1)) if len(data) == 1 else (where, where - 1)
        seen = None if data.rows.absent is None else ~data.rows.absent
        return cls(first, now, before, later, seen, bool(np.isnan(data.rows.x).any()))


class _Member:
    """The sums of one member of the bank."""

    def __init__(
        self, model: Any, params: Params, i: int, smoothed: Any, layout: Layout, data: Sequences, weights: Array
    ):  # fmt: skip
        self.model, self.params, self.i, self.data, self.layout = model, params, i, data, layout
        self.places: _Places = data.once("places", lambda: _Places.of(data))
        self.blur = smoothed.blur(weights)
        self.alike = data.weights is None and bool((weights == 1).all())
        self.weights = weights
        self.w = None if self.alike else weights[data.owner]
        self.x, self.y, self.u = smoothed.mean, data.rows.x, data.rows.given
        self.m = self.x.shape[1]

    @property
    def plain(self) -> bool:
        """Is there something of every row, so that moves and rows are moments of the same numbers?"""
        return self.places.seen is None and not (self.places.gaps and self.model.by_row)

    def _inputs(self, rows: Any) -> list[Array]:
        return [] if self.u is None else [self.u[rows]]

    def _weights(self, rows: Any) -> Array | None:
        return None if self.w is None else self.w[rows]

    # -- something of every row observed
    def all_rows(self) -> tuple[Record, list[Record], Record]:
        """Moves, rows and first states, from moments of (state before, inputs, state, row) and of first rows."""
        at, m, p = self.places, self.m, 0 if self.u is None else self.u.shape[1]
        filled = self._filled()
        parts = [self.x[at.before], *self._inputs(at.now), self.x[at.now], filled.y[at.now]]
        later = gathered(parts, self._weights(at.now))
        first = gathered(
            [*self._inputs(at.first), self.x[at.first], filled.y[at.first]], None if self.alike else self.weights
        )
        inputs, state, row = np.arange(p), p + np.arange(m), p + m + np.arange(self.y.shape[1])
        order = np.concatenate([state, inputs, row])
        weight, mean, scatter = _merged(_of(later, m + order), _of(first, order))
        scatter += filled.blur
        moves = self._with_moves(_of(later, np.arange(2 * m + p)))
        return moves, [(weight, mean, scatter)], self._with_first(_of(first, state))

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
        before, now = self.places.before, self.places.now
        return self._with_moves(gathered([self.x[before], *self._inputs(now), self.x[now]], self._weights(now)))

    def later_moves(self) -> Record:
        """The same without the first move of a sequence, whose start is fixed."""
        keep = self.places.later.copy()
        keep[self.places.first[self.data.lengths > 1] + 1] = False
        now = np.flatnonzero(keep)
        return self._with_moves(gathered([self.x[now - 1], *self._inputs(now), self.x[now]], self._weights(now)))

    def first(self) -> Record:
        """Of first states."""
        return self._with_first(gathered([self.x[self.places.first]], self.weights))

    def first_move(self) -> Record:
        """Of (inputs, second state)."""
        some = self.data.lengths > 1
        second = self.places.first[some] + 1
        return gathered([*self._inputs(second), self.x[second]], self.weights[some])

    def rows(self, later: bool = False) -> list[Record]:
        """Of (state, inputs, row); without first rows where only `later` ones are wanted."""
        keep = self.places.later if later else None
        if self.model.by_row:
            return [self._column(j, keep) for j in range(self.y.shape[1])]
        if self.places.seen is not None:
            keep = self.places.seen if keep is None else keep & self.places.seen
        some = slice(None) if keep is None else np.flatnonzero(keep)
        filled = self._filled()
        weight, mean, scatter = gathered([self.x[some], *self._inputs(some), filled.y[some]], self._weights(some))
        return [(weight, mean, scatter + filled.blur)]

    def first_rows(self) -> list[Record]:
        """Of (inputs, first row), what was not observed of it filled in."""
        rows = self.places.first
        if self.model.by_row:
            there = ~np.isnan(self.y[rows]).T
            return [
                gathered([*self._inputs(rows[some]), self.y[rows[some], j : j + 1]], self.weights[some])
                for j, some in enumerate(there)
            ]
        some = slice(None) if self.places.seen is None else self.places.seen[rows]
        return [gathered([*self._inputs(rows[some]), self._filled().y[rows[some]]], self.weights[some])]

    def _column(self, j: int, keep: Array | None) -> Record:
        """Of (state, inputs, one column), over the rows where that was observed."""
        there = ~np.isnan(self.y[:, j])
        rows = np.flatnonzero(there if keep is None else there & keep)
        parts = [self.x[rows], *self._inputs(rows), self.y[rows, j : j + 1]]
        weight, mean, scatter = gathered(parts, self._weights(rows))
        scatter[: self.m, : self.m] += self.blur.by_pattern[self.layout.patterns[:, j]].sum(0)
        return weight, mean, scatter

    def _filled(self) -> Filled:
        return Filled.of(self.params, self.i, self.x, self.data, self.layout, self.blur.by_pattern, self.w)


def gathered(parts: list[Array], weights: Array | None) -> Record:
    """Weight, mean and scatter of rows whose columns are these side by side, a block of rows at a time."""
    n, q = len(parts[0]), sum(p.shape[1] for p in parts)
    if n == 0:
        return 0.0, np.zeros(q), np.zeros((q, q))
    if n <= ROWS:
        return _block(np.concatenate(parts, 1), weights)
    found = None
    for a in range(0, n, ROWS):
        z = np.concatenate([p[a : a + ROWS] for p in parts], 1)
        one = _block(z, None if weights is None else weights[a : a + ROWS])
        found = one if found is None else _merged(found, one)
    assert found is not None
    return found


def _block(z: Array, weights: Array | None) -> Record:
    """The same of a block (n, q), which is used up."""
    if len(z) == 1:
        return 1.0 if weights is None else float(weights[0]), z[0], np.zeros((z.shape[1], z.shape[1]))
    total = float(len(z)) if weights is None else float(weights.sum())
    if total <= 0:
        return 0.0, np.zeros(z.shape[1]), np.zeros((z.shape[1], z.shape[1]))
    mean = (np.add.reduce(z, 0) if weights is None else weights @ z) / total
    z -= mean
    return total, mean, z.T @ (z if weights is None else z * weights[:, None])


def _of(record: Record, columns: Array) -> Record:
    """Some of the columns."""
    weight, mean, scatter = record
    return weight, mean[columns], scatter[columns[:, None], columns]


def _merged(a: Record, b: Record) -> Record:
    """Moments of both, by Chan's formula."""
    weight = a[0] + b[0]
    if weight <= 0:
        return a
    part, delta = b[0] / weight, b[1] - a[1]
    scatter = a[2] + b[2]
    scatter += (a[0] * part) * (delta[:, None] * delta)
    return weight, a[1] + part * delta, scatter
