"""Data as families see it: rows, or sequences of rows. A chunk of data is data."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self, cast

import numpy as np

from likely.numerics.soft import Array


@dataclass(frozen=True)
class Belief:
    """Mean and covariance standing in for a point."""

    mean: Array  # (n, d), or (n, k, d) where every member believes something else
    covariance: Array  # (n, d, d) or (n, k, d, d)


class Remembers:
    """Keeps what was worked out about a chunk for the next pass."""

    memo: dict[Hashable, Any]
    weights: Array | None

    def once(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """Something that depends on this chunk alone, computed on first use and kept with the chunk."""
        if key not in self.memo:
            self.memo[key] = compute()
        return self.memo[key]

    def with_(self, **changes: Any) -> Self:
        """A copy with some fields changed (and nothing remembered)."""
        return replace(cast(Any, self), **changes, memo={})

    @property
    def n_obs(self) -> float:
        """How many rows there are, each counted as often as it weighs: what BIC takes the logarithm of."""
        return float(cast(Any, self).mass.sum())

    def weight_column(self) -> Array:
        """(n, 1) weights, ones where none were given (a zero-stride view)."""
        if self.weights is None:
            return np.broadcast_to(1.0, (len(cast(Any, self)), 1))
        return self.weights[:, None]


@dataclass(frozen=True)
class Table(Remembers):
    """Rows of numbers. Text columns hold codes into `vocabulary`, which all of a table's columns share.

    `x` is (n, d), or (n, k, d) where every member looks at its own point.
    """

    x: Any
    given: Array | None = None  # (n, p) covariates
    weights: Array | None = None  # (n,) >= 0; None means one each
    labels: Array | None = None  # (n,) known component, -1 where unknown; or (n, m) known states
    names: tuple[str, ...] = ()  # of the d columns
    given_names: tuple[str, ...] = ()
    text: tuple[bool, ...] = ()  # which columns hold codes
    vocabulary: tuple[str, ...] = ()
    label_names: tuple[str, ...] = ()  # what the label codes 0, 1, ... were called; empty where labels were codes
    groups: Array | None = None  # (n,) codes of what rows belong together; held-out rows never divide a group
    memo: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    item = "row"

    def __len__(self) -> int:
        return len(self.x.mean if isinstance(self.x, Belief) else self.x)

    @property
    def d(self) -> int:
        """Number of columns."""
        return (self.x.mean if isinstance(self.x, Belief) else self.x).shape[-1]

    @property
    def p(self) -> int:
        """Number of covariates."""
        return 0 if self.given is None else self.given.shape[1]

    @property
    def rows(self) -> Table:
        """The rows, which for a table is itself."""
        return self

    def first_row(self, item: int) -> int:
        """The row of an item, which for a table is its own."""
        return item

    @property
    def mass(self) -> Array:
        """(n,): how many rows each counts for, which is its weight."""
        return self.weight_column()[:, 0]

    def place(self, row: int) -> str:
        """A row in words, counted from 1."""
        return f"row {row + 1}"

    def column(self, j: int = 0) -> Array:
        """One column as a scalar family wants it: (n, 1), or (n, k) where every member has its own."""
        values = self.x[..., j]
        return values[:, None] if values.ndim == 1 else values

    @property
    def absent(self) -> Array | None:
        """(n,), or (n, k) where members look at points of their own: which are missing throughout; None if none is."""

        def found() -> Array | None:
            gone = np.isnan(self.x).all(-1)
            return gone if gone.any() else None

        return None if isinstance(self.x, Belief) else self.once("absent", found)

    def select(self, columns: Sequence[int]) -> Table:
        """Some of the columns, remembered with this chunk."""
        chosen = tuple(columns)

        def pick(of: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(of[j] for j in chosen) if of else ()

        return self.once(
            ("select", chosen),
            lambda: self.with_(x=self.x[..., list(chosen)], names=pick(self.names), text=pick(self.text)),
        )

    def take(self, rows: slice | Array) -> Table:
        """Some of the rows."""
        by_row = {n: None if (v := getattr(self, n)) is None else v[rows] for n in _BY_ROW}
        return self.with_(x=self.x[rows], **by_row)

    def double(self) -> Self:
        """The same in double precision; compiled passes alone can do without."""
        single = isinstance(self.x, np.ndarray) and self.x.dtype == np.float32
        return self.with_(x=self.x.astype(float)) if single else self

    def name(self, j: int) -> str:
        """Name of a column, or its number counted from 1 where it has none."""
        return self.names[j] if self.names else str(j + 1)

    def called(self, j: int) -> str:
        """A column in a message: by name in quotes, else by number from 1."""
        return f"column '{self.names[j]}'" if self.names else f"column {j + 1}"

    def levels(self) -> tuple[Any, ...]:
        """The distinct values that occur, sorted: strings of text columns, else numbers. Missing ones are none."""
        values = self.once("levels", lambda: np.unique(self.x[~np.isnan(self.x)]))
        if any(self.text):
            return tuple(sorted(self.vocabulary[int(v)] for v in values))
        return tuple(values.tolist())


_BY_ROW = ("given", "weights", "labels", "groups")


@dataclass(frozen=True)
class Sequences(Remembers):
    """Many sequences laid end to end: `rows[offsets[s]:offsets[s + 1]]` is sequence s.

    Weights, labels and groups belong to whole sequences; `rows.labels` are those of rows.

    >>> s = Sequences(Table(np.zeros((5, 1))), np.array([0, 2, 5]))
    >>> len(s), s.owner.tolist(), s.take(np.array([1, 1])).offsets.tolist()
    (2, [0, 0, 1, 1, 1], [0, 3, 6])
    """

    rows: Table
    offsets: Array  # (sequences + 1,)
    weights: Array | None = None  # (sequences,) >= 0; None means one each
    labels: Array | None = None  # (sequences,) known component, -1 where unknown
    groups: Array | None = None  # (sequences,) codes of what sequences belong together when some are held out
    ids: Array | None = None  # (sequences,) what they are called: numbers or texts; None where they are only counted
    times: Array | None = None  # (rows,) when each row was: numbers or dates, where they were given
    id_name: str = ""  # the column that said which rows belong together
    time_name: str = ""
    memo: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    item = "sequence"

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def owner(self) -> Array:
        """(rows,) the sequence each row belongs to."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @property
    def lengths(self) -> Array:
        """(sequences,) numbers of rows."""
        return np.diff(self.offsets)

    def first_row(self, item: int) -> int:
        """Where a sequence begins."""
        return int(self.offsets[item])

    @property
    def mass(self) -> Array:
        """(sequences,): how many rows each counts for: those that were observed, times its weight."""

        def found() -> Array:
            absent = self.rows.absent
            there = self.lengths if absent is None else np.add.reduceat(~absent, self.offsets[:-1], dtype=int)
            return self.weight_column()[:, 0] * there

        return self.once("mass", found)

    def called(self, s: int) -> str:
        """A sequence in words: by what it is called, else counted from 1."""
        return called(s, self.ids)

    def place(self, row: int) -> str:
        """A row in words: counted from 1, and within its sequence where there are several."""
        if len(self) == 1:
            return f"row {row + 1}"
        s = int(np.searchsorted(self.offsets, row, side="right")) - 1
        return f"row {row + 1} (row {row - int(self.offsets[s]) + 1} of {self.called(s)})"

    def double(self) -> Self:
        """The same in double precision."""
        rows = self.rows.double()
        return self if rows is self.rows else self.with_(rows=rows)

    def select(self, columns: Sequence[int]) -> Sequences:
        """The same sequences of some of the columns."""
        chosen = tuple(columns)
        return self.once(("select", chosen), lambda: self.with_(rows=self.rows.select(chosen)))

    def take(self, sequences: slice | Array) -> Sequences:
        """Some whole sequences, in any order and as often as they are named."""
        chosen = np.arange(len(self))[sequences]
        if isinstance(sequences, slice) and sequences.step in (None, 1) and len(chosen):
            which = slice(int(self.offsets[chosen[0]]), int(self.offsets[chosen[-1] + 1]))
            return self._of(sequences, self.lengths[chosen], which)  # without a copy
        return self.stretches(chosen, np.zeros(len(chosen), int), self.lengths[chosen])

    def stretches(self, sequences: Array, first: Array, lengths: Array) -> Sequences:
        """Of some sequences so many rows each, from the first of them on (counted from 0)."""
        ends = np.cumsum(lengths)
        which = np.repeat(self.offsets[sequences] + first - (ends - lengths), lengths) + np.arange(lengths.sum())
        return self._of(sequences, lengths, which)

    def _of(self, sequences: slice | Array, lengths: Array, rows: slice | Array) -> Sequences:
        own = {n: None if (v := getattr(self, n)) is None else v[sequences] for n in _BY_SEQUENCE}
        times = None if self.times is None else self.times[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        return self.with_(rows=self.rows.take(rows), offsets=offsets, times=times, **own)


_BY_SEQUENCE = ("weights", "labels", "groups", "ids")


def called(s: int, ids: Array | None) -> str:
    """A sequence in words: by its id (a number, or a text in quotes), else counted from 1."""
    if ids is None:
        return f"sequence {s + 1}"
    return f"sequence {str(ids[s])!r}" if isinstance(ids[s], str) else f"sequence {float(ids[s]):.15g}"


Data = Table | Sequences


def present(data: Data) -> Data:
    """The items that weigh anything: rows and sequences of zero weight are absent."""
    if data.weights is None or (data.weights > 0).all():
        return data
    return data.take(data.weights > 0)
