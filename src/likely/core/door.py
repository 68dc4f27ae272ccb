"""Data in any everyday form becomes a `Table` or `Sequences`, once, at the door."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from likely.core.cells import Cells, Fault, shown
from likely.core.columns import Columns, end_to_end
from likely.core.data import Sequences, Table
from likely.core.forms import columns_of
from likely.core.named import counted
from likely.errors import DataError
from likely.numerics.soft import Array

WEIGHT = "a weight is a finite number, 0 or above. Use 0 to leave a row out."
GROUP = "a group is a number or a text, and every row needs one."
LABEL = "a label is a component counted from 0, or -1, NaN or None where it is unknown."


def table_of(
    x: Any, *, given: Any = None, weights: Any = None, labels: Any = None, columns: Any = None, groups: Any = None,
    grouped_by: str = "groups", infinite: bool = False,
) -> Table:  # fmt: skip
    """Data in memory as a table of numbers, with text as codes into one sorted vocabulary.

    Parameters
    ----------
    x : array, list, dict, frame or Table      NumPy, pandas, polars, Arrow; a list of numbers is one column
    given : array, or column name(s) of x      (n, p) covariates
    weights : array, or a column name of x     (n,) >= 0
    labels : array, or a column name of x      components from 0, or their names; -1, NaN or None where unknown
    columns : str, int or list of them         names, or positions from 0; all that have no other role unless given
    groups : array, or a column name of x      what rows belong together; messages call it `grouped_by`
    infinite : bool                            may values be infinite, as ends of intervals are?

    Raises
    ------
    DataError      names the first column, row and value that cannot be used

    Examples
    --------
    >>> table_of({"city": ["Oslo", "Bern"], "size": [0.7, 0.1]}).x
    array([[1. , 0.7],
           [0. , 0.1]])
    """
    if not isinstance(x, Table):
        source = columns_of(x)
        chosen = unused(source, given, weights, labels, groups) if columns is None else source.positions(columns)
        roles = {"given": given, "weights": weights, "labels": labels, "groups": groups, "grouped_by": grouped_by}
        return arrange(source, chosen, infinite=infinite, **roles).double()
    if all(v is None for v in (given, weights, labels, columns, groups)):
        return x
    source = replace(columns_of(x.x), names=x.names)
    chosen = unused(source, given, weights, labels, groups) if columns is None else source.positions(columns)
    return x.select(chosen).with_(**_roles(source, given, weights, labels, groups=groups, grouped_by=grouped_by))


def arrange(source: Columns, chosen: Sequence[int], *, infinite: bool = False, **roles: Any) -> Table:
    """A table of the chosen columns; `given`, `weights`, `labels` and `groups` are arrays, or names of columns."""
    if source.n == 0:
        raise DataError("the data has no rows; at least one is needed.")
    if not chosen:
        raise DataError("the data has no columns to model; at least one is needed.")
    x, text, vocabulary = source.matrix(chosen, infinite=infinite)
    names = tuple(source.names[j] for j in chosen) if source.names else ()
    return Table(x, names=names, text=text, vocabulary=vocabulary, **_roles(source, **roles))


def unused(source: Columns, given: Any, weights: Any, labels: Any, groups: Any = None) -> list[int]:
    """Positions of the columns that are not named as covariates, weights, labels or groups."""
    named = [*_names(given), *(n for n in (weights, labels, groups) if isinstance(n, str))]
    used = {source.positions(n)[0] for n in named}
    return [j for j in range(source.d) if j not in used]


def refuse_text(table: Table, who: str) -> None:
    """Raise a DataError that shows the first text of a table, for a family that needs numbers."""
    for j in (j for j, text in enumerate(table.text) if text):
        value = table.vocabulary[int(table.column(j)[0, 0])]
        label = f"column {table.names[j]!r}" if table.names else f"column {j + 1}"
        raise DataError(
            f"{label} row 1 is {shown(value)}; {who} needs numbers. Leave the column out with columns=..., "
            "or use a family for text, such as Categorical().",
            column=table.name(j), row=1, value=value,
        )  # fmt: skip


def _names(given: Any) -> list[str]:
    """The column names that stand in `given`; none where it holds the covariates themselves."""
    several = given if isinstance(given, list | tuple) else [given]
    return list(several) if all(isinstance(n, str) for n in several) else []


def _roles(
    source: Columns, given: Any = None, weights: Any = None, labels: Any = None, item: str = "row",
    groups: Any = None, grouped_by: str = "groups",
) -> dict[str, Any]:  # fmt: skip
    roles: dict[str, Any] = {}
    if given is not None:
        roles["given"], roles["given_names"] = _covariates(source, given)
    if weights is not None:
        roles["weights"] = _weights(*_one_column(source, weights, "weights", item))
    if labels is not None:
        roles["labels"], roles["label_names"] = _labels(*_one_column(source, labels, "labels", item))
    if groups is not None:
        roles["groups"] = _groups(*_one_column(source, groups, grouped_by, item))
    return roles


def _covariates(source: Columns, given: Any) -> tuple[Array, tuple[str, ...]]:
    named = _names(given)
    inner = source if named else columns_of(given)
    if inner.n != source.n:
        raise DataError(f"given has {counted(inner.n, 'row')}, the data has {source.n}; one row for each is needed.")
    chosen = inner.positions(named) if named else range(inner.d)
    x, text, vocabulary = inner.matrix(chosen, "given ")
    if any(text):
        at = text.index(True)
        fault = Fault(0, vocabulary[int(x[0, at])], "covariates are numbers. Write categories as columns of 0 and 1.")
        raise inner.refuse(inner.label(chosen[at], "given "), chosen[at], fault)
    return x.astype(float, copy=False), tuple(inner.names[j] for j in chosen) if inner.names else ()


def _one_column(source: Columns, role: Any, what: str, item: str = "row") -> tuple[Columns, int, str]:
    """Where a column of weights or labels is, and what messages call it."""
    if isinstance(role, str):
        j = source.positions(role)[0]
        return source, j, source.label(j, f"{what} ")
    inner = columns_of(role)
    if inner.d != 1:
        raise DataError(f"{what} has {inner.d} columns; one is needed.")
    if inner.n != source.n:
        raise DataError(
            f"{what} has {counted(inner.n, 'value')}, the data has {counted(source.n, item)}; one for each is needed."
        )
    return inner, 0, what


def _weights(source: Columns, j: int, label: str) -> Array:
    cells = source.cells(j).settled()
    if cells.fault is not None:
        raise source.refuse(label, j, cells.fault._replace(why=WEIGHT))
    w = cells.numbers
    wrong = ~(np.isfinite(w) & (w >= 0))
    if wrong.any():
        row = int(wrong.argmax())
        raise source.refuse(label, j, Fault(row, _value(cells, row), WEIGHT))
    if not w.any():
        raise DataError(f"{label}: all {len(w)} are 0; at least one row must count.")
    return w


def _labels(source: Columns, j: int, label: str) -> tuple[Array, tuple[str, ...]]:
    """(n,) codes, -1 where unknown; and the names of the codes, where the labels were not codes already."""
    cells = source.cells(j)
    if cells.fault is not None:
        raise source.refuse(label, j, cells.fault._replace(why=LABEL))
    codes = cells.numbers
    known = ~np.isnan(codes)
    if cells.codes is not None or (known & (np.floor(codes) != codes)).any():
        named = cells.as_text()
        assert named.codes is not None
        return named.codes, named.texts
    wrong = known & ((codes < -1) | np.isinf(codes))
    if wrong.any():
        row = int(wrong.argmax())
        raise source.refuse(label, j, Fault(row, float(codes[row]), LABEL))
    return np.where(known, codes, -1).astype(int), ()


def _groups(source: Columns, j: int, label: str) -> Array:
    """(n,) codes from 0, in the order of the numbers or texts they stand for."""
    cells = source.cells(j)
    if cells.fault is not None:
        raise source.refuse(label, j, cells.fault._replace(why=GROUP))
    missing = np.isnan(cells.numbers) & (True if cells.codes is None else cells.codes < 0)
    if missing.any():
        raise source.refuse(label, j, Fault(int(missing.argmax()), math.nan, GROUP))
    text = None if cells.codes is None else cells.as_text().codes
    return np.unique(cells.numbers if text is None else text, return_inverse=True)[1]


def _value(cells: Cells, row: int) -> object:
    """What stands in a cell."""
    if cells.codes is not None and cells.codes[row] >= 0:
        return cells.texts[cells.codes[row]]
    return float(cells.numbers[row])


def is_sequences(x: Any) -> bool:
    """Is this a list of sequences? A list of numbers, or of lists that are rows of equal length, is a table.

    >>> is_sequences([[1, 2], [3, 4]]), is_sequences([[1, 2], [3, 4, 5]]), is_sequences([np.ones(2), np.ones(2)])
    (False, True, True)
    """
    if isinstance(x, np.ndarray):
        return x.ndim == 3
    if not isinstance(x, list | tuple) or not x or any(isinstance(v, str) or not hasattr(v, "__len__") for v in x):
        return False
    if not all(isinstance(v, list | tuple) for v in x):
        return True
    return len({len(v) for v in x}) > 1 or any(isinstance(u, list | tuple | np.ndarray) for v in x for u in v)


def sequences_of(x: Any, *, given: Any = None, weights: Any = None, labels: Any = None) -> Sequences:
    """Sequences laid end to end; what is not a list of sequences is a table, and a table is one sequence.

    Parameters
    ----------
    x : list of arrays, lists or frames      (t,) or (t, d) each; or Sequences
    given : list of arrays                   (t, p) covariates of each sequence
    weights : array (sequences,)             how often each sequence counts
    labels : array (sequences,)              known component of each sequence

    Raises
    ------
    DataError      an empty sequence, unequal columns, or what `table_of` raises

    Examples
    --------
    >>> sequences_of([np.array([1.0, 2.0]), np.array([3.0])]).offsets
    array([0, 2, 3])
    """
    several = isinstance(x, Sequences) or is_sequences(x)
    if isinstance(x, Sequences):
        source, lengths = x.rows, np.diff(x.offsets).tolist()
    else:
        parts = _pieces(x if several else [x])
        source, lengths = end_to_end(parts), [c.n for _, c in parts]
    if given is not None:
        others = _pieces(given if several else [given])
        _require_lengths(lengths, [c.n for _, c in others])
        given = end_to_end(others)
    roles = _roles(Columns(len(lengths), ()), None, weights, labels, "sequence")
    rows = table_of(source, given=given)
    if labels is not None:
        rows = rows.with_(label_names=roles.pop("label_names"))
    if isinstance(x, Sequences):
        return x.with_(rows=rows, **roles)
    return Sequences(rows, np.concatenate([[0], np.cumsum(lengths)]), **roles)


def _pieces(x: Any) -> list[tuple[str, Columns]]:
    pieces = [(f"sequence {i + 1}", columns_of(part)) for i, part in enumerate(x)]
    for name, piece in pieces:
        if piece.n == 0:
            raise DataError(f"{name} has no rows; leave it out.")
    return pieces


def _require_lengths(lengths: Sequence[int], others: Sequence[int]) -> None:
    if len(lengths) != len(others):
        raise DataError(
            f"given has {counted(len(others), 'sequence')}, the data has {len(lengths)}; one for each is needed."
        )
    for i, (n, other) in enumerate(zip(lengths, others, strict=True)):
        if n != other:
            raise DataError(f"given sequence {i + 1} has {counted(other, 'row')}, that of the data has {n}.")
