"""Rows in any everyday form become a `Table`, once, at the door; `sequences` does the same for sequences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from likely.core.cells import Cells, Fault, shown
from likely.core.columns import Columns
from likely.core.data import Table
from likely.core.forms import columns_of
from likely.core.named import counted
from likely.errors import DataError
from likely.numerics.soft import Array

WEIGHT = "a weight is a finite number, 0 or above. Use 0 to leave a {item} out."
GROUP = "a group is a number or a text, and every {item} needs one."
NUMBERS = "known states are numbers, a column for each state."
LABEL = "a label is a {member} counted from 0, or -1, NaN or None where it is unknown."


def table_of(
    x: Any, *, given: Any = None, weights: Any = None, labels: Any = None, columns: Any = None, groups: Any = None,
    grouped_by: str = "groups", infinite: bool = False, missing: bool = False,
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
    missing : bool                             may values be missing? They become NaN

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
        return arrange(source, chosen, infinite=infinite, missing=missing, **roles).double()
    if all(v is None for v in (given, weights, labels, columns, groups)):
        return x
    source = replace(columns_of(x.x), names=x.names)
    chosen = unused(source, given, weights, labels, groups) if columns is None else source.positions(columns)
    return x.select(chosen).with_(**_roles(source, given, weights, labels, groups=groups, grouped_by=grouped_by))


def arrange(
    source: Columns, chosen: Sequence[int], *, infinite: bool = False, missing: bool = False, **roles: Any
) -> Table:
    """A table of the chosen columns; `given`, `weights`, `labels` and `groups` are arrays, or names of columns."""
    if source.n == 0:
        raise DataError("the data has no rows; at least one is needed.")
    if not chosen:
        raise DataError("the data has no columns to model; at least one is needed.")
    x, text, vocabulary = source.matrix(chosen, infinite=infinite, missing=missing)
    names = tuple(source.names[j] for j in chosen) if source.names else ()
    return Table(x, names=names, text=text, vocabulary=vocabulary, **_roles(source, **roles))


def unused(source: Columns, given: Any, *others: Any) -> list[int]:
    """Positions of the columns that are not named as covariates, nor as weights, labels or any other role."""
    named = [*_names(given), *(n for n in others if isinstance(n, str))]
    used = {source.positions(n)[0] for n in named}
    return [j for j in range(source.d) if j not in used]


def refuse_text(table: Table, who: str) -> None:
    """Raise a DataError that shows the first text of a table, for a family that needs numbers."""
    for j in (j for j, text in enumerate(table.text) if text):
        row = int((~np.isnan(table.x[:, j])).argmax())
        value = table.vocabulary[int(table.x[row, j])]
        label = f"column {table.names[j]!r}" if table.names else f"column {j + 1}"
        raise DataError(
            f"{label} row {row + 1} is {shown(value)}; {who} needs numbers. Leave the column out with columns=..., "
            "or use a family for text, such as Categorical().",
            column=table.name(j), row=row + 1, value=value,
        )  # fmt: skip


def refuse_gaps(table: Table, who: str) -> None:
    """Raise a DataError that shows the first row of which a part is missing, for a family that needs whole rows."""
    gaps = np.isnan(table.x)
    partly = gaps.any(-1) & ~gaps.all(-1)
    if partly.any():
        row = int(partly.argmax())
        j = int(gaps[row].argmax())
        raise DataError(
            f"{table.called(j)} row {row + 1} is missing, and other columns of that row are not; {who} needs whole "
            "rows (or none of a row). Drop the row, or describe each column by itself with Independent(...) "
            "or Product(...).",
            column=table.name(j), row=row + 1,
        )  # fmt: skip


def _names(given: Any) -> list[str]:
    """The column names that stand in `given`; none where it holds the covariates themselves."""
    several = given if isinstance(given, list | tuple) else [given]
    return list(several) if all(isinstance(n, str) for n in several) else []


def _roles(
    source: Columns, given: Any = None, weights: Any = None, labels: Any = None, groups: Any = None,
    grouped_by: str = "groups",
) -> dict[str, Any]:  # fmt: skip
    roles: dict[str, Any] = {}
    if given is not None:
        roles["given"], roles["given_names"] = covariates(source, given)
    if weights is not None:
        roles["weights"] = weights_in(*_one_column(source, weights, "weights"))
    if labels is not None:
        roles["labels"], roles["label_names"] = labels_in(*_one_column(source, labels, "labels"))
    if groups is not None:
        roles["groups"] = groups_in(*_one_column(source, groups, grouped_by))
    return roles


def covariates(source: Columns, given: Any, what: str = "given") -> tuple[Array, tuple[str, ...]]:
    """(n, p) numbers beside the rows of a source, and their names; `given` are columns of it, or data of its own."""
    named = _names(given)
    inner = source if named else columns_of(given)
    if inner.n != source.n:
        raise DataError(f"{what} has {counted(inner.n, 'row')}, the data has {source.n}; one row for each is needed.")
    if inner is not source:
        inner = replace(inner, pieces=source.pieces)
    chosen = inner.positions(named) if named else range(inner.d)
    x, text, vocabulary = inner.matrix(chosen, f"{what} ")
    if any(text):
        at = text.index(True)
        why = "covariates are numbers. Write categories as columns of 0 and 1." if what == "given" else NUMBERS
        fault = Fault(0, vocabulary[int(x[0, at])], why)
        raise inner.refuse(inner.label(chosen[at], f"{what} "), chosen[at], fault)
    return x.astype(float, copy=False), tuple(inner.names[j] for j in chosen) if inner.names else ()


def _one_column(source: Columns, role: Any, what: str) -> tuple[Columns, int, str]:
    """Where a column of weights or labels is, and what messages call it."""
    if isinstance(role, str):
        j = source.positions(role)[0]
        return source, j, source.label(j, f"{what} ")
    inner = columns_of(role)
    if inner.d != 1:
        raise DataError(f"{what} has {inner.d} columns; one is needed.")
    if inner.n != source.n:
        raise DataError(
            f"{what} has {counted(inner.n, 'value')}, the data has {counted(source.n, 'row')}; one for each is needed."
        )
    return inner, 0, what


def weights_in(source: Columns, j: int, label: str, item: str = "row") -> Array:
    """(n,) finite, 0 or above; of what `item` calls them."""
    cells, why = source.cells(j).settled(), WEIGHT.format(item=item)
    if cells.fault is not None:
        raise source.refuse(label, j, cells.fault._replace(why=why))
    w = cells.numbers
    wrong = ~(np.isfinite(w) & (w >= 0))
    if wrong.any():
        row = int(wrong.argmax())
        raise source.refuse(label, j, Fault(row, _value(cells, row), why))
    if not w.any():
        raise DataError(f"{label}: all {len(w)} are 0; at least one {item} must count.")
    return w


def labels_in(source: Columns, j: int, label: str, member: str = "component") -> tuple[Array, tuple[str, ...]]:
    """(n,) codes, -1 where unknown; and the names of the codes, where the labels were not codes already."""
    cells, why = source.cells(j), LABEL.format(member=member)
    if cells.fault is not None:
        raise source.refuse(label, j, cells.fault._replace(why=why))
    codes = cells.numbers
    known = ~np.isnan(codes)
    if cells.codes is not None or (known & (np.floor(codes) != codes)).any():
        named = cells.as_text()
        assert named.codes is not None
        return named.codes, named.texts
    wrong = known & ((codes < -1) | np.isinf(codes))
    if wrong.any():
        row = int(wrong.argmax())
        raise source.refuse(label, j, Fault(row, float(codes[row]), why))
    return np.where(known, codes, -1).astype(int), ()


def groups_in(source: Columns, j: int, label: str, item: str = "row") -> Array:
    """(n,) codes from 0, in the order of the numbers or texts they stand for."""
    cells, why = source.cells(j), GROUP.format(item=item)
    if cells.fault is not None:
        raise source.refuse(label, j, cells.fault._replace(why=why))
    missing = np.isnan(cells.numbers) & (True if cells.codes is None else cells.codes < 0)
    if missing.any():
        raise source.refuse(label, j, Fault(int(missing.argmax()), math.nan, why))
    text = None if cells.codes is None else cells.as_text().codes
    return np.unique(cells.numbers if text is None else text, return_inverse=True)[1]


def _value(cells: Cells, row: int) -> object:
    """What stands in a cell."""
    if cells.codes is not None and cells.codes[row] >= 0:
        return cells.texts[cells.codes[row]]
    return float(cells.numbers[row])
