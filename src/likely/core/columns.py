"""Columns as they were given, each read only when it is wanted, and checked on the way into one matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from likely.core.cells import TOO_BIG, Cells, Fault, joined, shown, too_big
from likely.core.named import counted, listed, positions
from likely.errors import DataError
from likely.numerics.soft import Array


class Column:
    """A column that is still to be read; `numeric` says what it holds where that is known beforehand."""

    def __init__(self, find: Callable[[], Cells], numeric: bool | None = None):
        self.find, self.known, self._seen = find, numeric, None

    def cells(self) -> Cells:
        """The column as it was given."""
        return self.find() if self._seen is None else self._seen

    def numeric(self) -> bool:
        """Does it hold numbers? Where only a look can tell, what was seen is kept."""
        if self.known is None:
            self._seen = self.cells()
            self.known = self._seen.numeric
        return self.known


class Matrix(NamedTuple):
    """Columns side by side, as a `Table` holds them."""

    x: Array  # (n, d) finite
    text: tuple[bool, ...]  # which columns hold codes; empty where none does
    vocabulary: tuple[str, ...]


@dataclass(frozen=True)
class Columns:
    """Columns by name, or by position where `names` is empty; `pieces` are what was laid end to end, and their rows."""

    n: int
    items: tuple[Column, ...]
    names: tuple[str, ...] = ()
    block: Array | None = None  # (n, d), where all columns are one array of numbers
    pieces: tuple[tuple[str, int], ...] = ()
    item: str = "row"  # what messages call a row

    @property
    def d(self) -> int:
        """Number of columns."""
        return len(self.items)

    def label(self, j: int, role: str = "") -> str:
        """A column in words."""
        return f"{role}column {self.names[j]!r}" if self.names else f"{role}column {j + 1}"

    def place(self, i: int) -> str:
        """A row in words: counted from 1, and within its piece where there are several."""
        before = 0
        for name, rows in self.pieces:
            if i < before + rows:
                return f"{self.item} {i + 1} ({self.item} {i - before + 1} of {name})"
            before += rows
        return f"{self.item} {i + 1}"

    def positions(self, columns: Any) -> list[int]:
        """Where the columns with these names (or at these positions, from 0) are."""
        return positions(columns, self.names, self.d)

    def refuse(self, label: str, j: int, fault: Fault) -> DataError:
        """The error that a fault of column j makes."""
        name = self.names[j] if self.names else str(j + 1)
        message = f"{label} {self.place(fault.row)} is {shown(fault.value)}; {fault.why}"
        return DataError(message, column=name, row=fault.row + 1, value=fault.value)

    def cells(self, j: int) -> Cells:
        """Column j as it was given."""
        return self.items[j].cells()

    def matrix(self, chosen: Sequence[int], role: str = "", *, infinite: bool = False, missing: bool = False) -> Matrix:
        """Columns side by side: numbers (in single precision where an array is), and codes of text into one vocabulary.

        Raises
        ------
        DataError      an infinite (unless `infinite`), missing (unless `missing`; then as NaN) or stray value, one that
                       is neither a number nor text, or a column without any value
        """
        if self.block is not None:
            out = Matrix(self._from_block(self.block, chosen, role), (), ())
        else:
            out = self._side_by_side(chosen, role)
        self.check(out.x, chosen, role, infinite=infinite, missing=missing)
        return out

    def _from_block(self, block: Array, chosen: Sequence[int], role: str) -> Array:
        wanted = block if list(chosen) == list(range(self.d)) else block[:, list(chosen)]
        row = too_big(wanted)
        if row is not None:
            j = next(j for j in chosen if too_big(block[row : row + 1, j]) is not None)
            raise self.refuse(self.label(j, role), j, Fault(row, int(block[row, j]), TOO_BIG))
        return np.ascontiguousarray(wanted, np.float32 if wanted.dtype == np.float32 else float)

    def _side_by_side(self, chosen: Sequence[int], role: str) -> Matrix:
        x = np.empty((self.n, len(chosen)))
        own: dict[int, tuple[str, ...]] = {}
        for at, j in enumerate(chosen):
            cells = self.cells(j).settled()
            if cells.fault is not None:
                raise self.refuse(self.label(j, role), j, cells.fault)
            if cells.codes is None:
                x[:, at] = cells.numbers
            else:
                own[at] = cells.texts
                x[:, at] = np.where(cells.codes < 0, np.nan, cells.codes)
        vocabulary = tuple(sorted({t for texts in own.values() for t in texts}))
        rank = {t: i for i, t in enumerate(vocabulary)}
        for at, texts in own.items():
            if texts != vocabulary:
                there = ~np.isnan(x[:, at])
                x[there, at] = np.array([rank[t] for t in texts], float)[x[there, at].astype(int)]
        return Matrix(x, tuple(at in own for at in range(len(chosen))) if own else (), vocabulary)

    def check(
        self, x: Array, chosen: Sequence[int], role: str = "", *, infinite: bool = False, missing: bool = False
    ) -> None:
        """Raise a DataError for a value of the matrix (n, d) of some columns that is not allowed."""
        if np.isfinite(x).all():
            return
        wrong = np.isinf(x)
        if wrong.any() and not infinite:
            row, at = (int(v) for v in np.argwhere(wrong)[0])
            j = chosen[at]
            why = "finite numbers are needed. Mend or drop the row."
            raise self.refuse(self.label(j, role), j, Fault(row, float(x[row, at]), why))
        gone = np.isnan(x)
        if gone.any() and not missing:
            raise self._gap(gone, chosen, role)
        if gone.all(0).any():
            j = chosen[int(gone.all(0).argmax())]
            raise DataError(
                f"{self.label(j, role)} holds no value, it is missing throughout; leave it out with columns=..., "
                "or mend it.",
                column=self.names[j] if self.names else str(j + 1),
            )

    def _gap(self, gone: Array, chosen: Sequence[int], role: str) -> DataError:
        row, at = (int(v) for v in np.argwhere(gone)[0])
        count = int(gone.any(1).sum())
        have = "has a missing value, in" if count == 1 else "have a missing value, the first in"
        return DataError(
            f"{count} of {self.n} rows {have} {self.label(chosen[at], role)} {self.place(row)}. "
            "Missing values are coming in MultivariateNormal; for now, drop or fill those rows.",
            column=self.names[chosen[at]] if self.names else str(chosen[at] + 1), row=row + 1,
        )  # fmt: skip


def end_to_end(pieces: Sequence[tuple[str, Columns]]) -> Columns:
    """Tables with the same columns, one below the other; each with its name for messages.

    Raises
    ------
    DataError      a piece with other columns than the first
    """
    first_name, first = pieces[0]
    if len(pieces) == 1:
        return first
    for name, piece in pieces[1:]:
        if piece.d != first.d or set(piece.names) != set(first.names):
            raise DataError(
                f"{name} has {_content(piece)}, {first_name} has {_content(first)}; they need the same columns."
            )
    tables = [c for _, c in pieces]
    rows = tuple((name, c.n) for name, c in pieces)
    blocks = [c.block for c in tables if c.block is not None]
    block = np.concatenate(blocks) if len(blocks) == len(tables) and not first.names else None
    items = [
        _end_to_end([c.items[c.positions(first.names[j])[0] if first.names else j] for c in tables])
        for j in range(first.d)
    ]
    return Columns(sum(c.n for c in tables), tuple(items), first.names, block, rows)


def _end_to_end(columns: list[Column]) -> Column:
    known = {c.known for c in columns}
    return Column(lambda: joined([c.cells() for c in columns]), known.pop() if len(known) == 1 else None)


def _content(columns: Columns) -> str:
    return f"columns {listed(columns.names)}" if columns.names else counted(columns.d, "column")
