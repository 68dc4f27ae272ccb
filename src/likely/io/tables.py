"""The door of fit and predict: data in memory or in files becomes a `Table` of the columns that suit the model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from likely.core.columns import Columns
from likely.core.data import Table
from likely.core.door import arrange, refuse_text, table_of, unused
from likely.core.family import Family
from likely.core.forms import columns_of
from likely.core.named import counted, listed
from likely.errors import DataError
from likely.io.files import columns_in


def read(
    data: Any, family: Family, *, columns: Any = None, given: Any = None, weights: Any = None, labels: Any = None,
    groups: Any = None, grouped_by: str = "groups",
) -> Table:  # fmt: skip
    """The rows and columns that a model is fitted to.

    Parameters
    ----------
    data : array, list, dict, frame, Table or path      a path may be a pattern: the files are read one below the other
    family : Family                                     decides which columns suit where `columns` is not given
    columns : str, int or list of them                  names, or positions from 0
    given : array, or column name(s)                    covariates
    weights, labels : array, or a column name
    groups : array, or a column name                    what rows belong together; messages call it `grouped_by`

    Raises
    ------
    DataError      a column, row or value that cannot be used
    FileError      a file that cannot be read
    """
    roles = {"given": given, "weights": weights, "labels": labels, "groups": groups, "grouped_by": grouped_by}
    if isinstance(data, Table):
        table = table_of(data, columns=columns, **roles)
    else:
        source = _source(data)
        free = unused(source, given, weights, labels, groups)
        chosen = _suitable(source, free, family) if columns is None else source.positions(columns)
        table = arrange(source, chosen, infinite=family.reads_infinite, **roles)
    if not family.reads_text:
        refuse_text(table, _short(family))
    return table if family.reads_single else table.double()


def reread(
    data: Any, columns: Sequence[str], given_names: Sequence[str] = (), *, given: Any = None, infinite: bool = False
) -> Table:
    """New data with the columns that a model was fitted to: by name where both have names, else by position.

    Parameters
    ----------
    data : array, list, dict, frame, Table or path
    columns : list of str               the columns' names at fit time; empty where they had none
    given_names : list of str           the covariates' names at fit time
    given : array, or column name(s)    covariates; those of the same names in the data unless given
    infinite : bool                     may values be infinite?

    Raises
    ------
    DataError      a column is missing, or there are more or fewer than at fit time
    """
    if isinstance(data, Table):
        wanted = list(columns) if columns and data.names else None
        table = table_of(data, columns=wanted, given=given)
        _require_count(table.d, columns)
        return table
    source = _source(data)
    if given is None and given_names:
        given = _covariates(source, given_names)
    if columns and source.names:
        chosen = source.positions(columns)
    else:
        chosen = unused(source, given, None, None)
        _require_count(len(chosen), columns)
    table = arrange(source, chosen, infinite=infinite, given=given).double()
    return table.with_(names=tuple(columns)) if columns else table


def _covariates(source: Columns, names: Sequence[str]) -> list[str]:
    if not source.names:
        raise DataError(f"the model was fitted with covariates ({listed(names)}); give them with given=...")
    return list(names)


def _source(data: Any) -> Columns:
    return columns_in(data) if isinstance(data, str | os.PathLike) else columns_of(data)


def _suitable(source: Columns, free: list[int], family: Family) -> list[int]:
    """The columns to model where the user names none."""
    wanted = family.wanted_columns()
    if wanted is not None:
        if not source.names and len(free) == len(wanted):
            return free
        if not source.names:
            raise DataError(
                f"{_short(family)} takes {len(wanted)} columns ({listed(wanted)}); the data has "
                f"{counted(len(free), 'column')} without names. Give as many, or a dict of columns or a frame."
            )
        return source.positions(wanted)
    named = [j for j in free if not (source.names and _is_index(source.names[j]))]
    if family.reads_text:
        return named
    chosen = [j for j in named if source.items[j].numeric()]
    if named and not chosen and source.n:
        columns = f" (its columns: {listed([source.names[j] for j in named])})" if source.names else ""
        raise DataError(
            f"the data has no column of numbers{columns}, and {_short(family)} needs one. "
            "For text, use a family such as Categorical()."
        )
    return chosen


def _is_index(name: str) -> bool:
    """Row numbers, as pandas and R write them: a column without a name, or one that Parquet keeps for pandas."""
    return name == "" or name.startswith("__index_level_")


def _require_count(found: int, columns: Sequence[str]) -> None:
    """As many as at fit time; where they had no names then, the model itself knows how many it takes."""
    if columns and found != len(columns):
        raise DataError(
            f"the data has {counted(found, 'column')}, the model was fitted to {len(columns)} ({listed(columns)})."
        )


def _short(family: Family) -> str:
    text = repr(family)
    return text if len(text) <= 60 else type(family).__name__
