"""The door of fit and predict: data in memory or in files becomes rows, or sequences, of the columns that suit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from likely.core.columns import Columns
from likely.core.data import Data, Sequences, Table
from likely.core.door import arrange, refuse_text, table_of, unused
from likely.core.family import Family
from likely.core.forms import columns_of
from likely.core.layout import is_sequences, laid_out
from likely.core.named import counted, listed
from likely.core.sequences import assemble
from likely.errors import DataError, ModelError
from likely.io.files import columns_in


def read(
    data: Any, family: Family, *, columns: Any = None, given: Any = None, weights: Any = None, labels: Any = None,
    groups: Any = None, grouped_by: str = "groups", sequence: Any = None, time: Any = None,
) -> Data:  # fmt: skip
    """The rows and columns that a model is fitted to; `Sequences` for a model whose items they are.

    Parameters
    ----------
    data : array, list, dict, frame, Table or path      a path may be a pattern: the files are read one below the other
                                                        (of sequences each file is one); a list of sequences, or
                                                        `Sequences`, for a model of sequences
    family : Family                                     decides which columns suit where `columns` is not given
    columns : str, int or list of them                  names, or positions from 0
    given : array, or column name(s)                    covariates
    weights, labels : array, or a column name
    groups : array, or a column name                    what rows belong together; messages call it `grouped_by`
    sequence : array, or a column name                  which sequence each row belongs to
    time : array, or a column name                      when each row was; rises within every sequence

    Raises
    ------
    DataError      a column, row or value that cannot be used
    ModelError     sequences for a model of rows
    FileError      a file that cannot be read
    """
    roles = {"given": given, "weights": weights, "labels": labels, "groups": groups, "grouped_by": grouped_by}
    if family.sequential:
        return _sequences(data, family, columns, sequence, time, roles)
    check_roles(family, sequence, time)
    _refuse_sequences(data, family)
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


def _sequences(
    data: Any, family: Family, columns: Any, sequence: Any, time: Any, roles: dict[str, Any]
) -> Sequences:  # fmt: skip
    layout = laid_out(_opened(data), sequence, time)
    source = layout.source
    if columns is not None:
        chosen = source.positions(columns)
    else:
        named = (roles[n] for n in ("given", "weights", "labels", "groups"))
        free = unused(source, *named, sequence, time)
        chosen = free if layout.ready is not None else _suitable(source, free, family)
    out = assemble(
        layout, chosen, of_rows=family.labels_rows, member="state" if family.axis == "state" else "component",
        points=family.labels_points, infinite=family.reads_infinite, missing=family.reads_missing, **roles,
    )  # fmt: skip
    if not family.reads_text:
        refuse_text(out.rows, _short(family))
    return out.double()


def check_roles(family: Family, sequence: Any, time: Any) -> None:
    """Raise a ModelError where rows have a sequence or a time, for a model that takes each row by itself."""
    if family.sequential:
        return
    for name, role, says in (("sequence", sequence, "which rows belong together"), ("time", time, "when each row was")):
        if role is not None:
            what = f"{name}={role!r}" if isinstance(role, str) else f"{name}=..."
            raise ModelError(
                f"{what} says {says}, and {_short(family)} takes each row by itself; leave it out, or use a model of "
                "sequences such as HMM(Normal(), 2)."
            )


def _refuse_sequences(data: Any, family: Family) -> None:
    if _no_table(data):
        shape = "an array of three axes" if hasattr(data, "shape") else f"{counted(len(data), 'sequence')}"
        raise ModelError(
            f"the data is {shape}, and {_short(family)} takes each row by itself; put the rows one below the other, or "
            "use a model of sequences such as HMM(Normal(), 2)."
        )


def _no_table(data: Any) -> bool:
    """Can this be nothing but sequences: of rows, or of unequal lengths? (Lists are not looked at: they are rows.)"""
    if isinstance(data, Sequences):
        return True
    if not is_sequences(data) or all(isinstance(v, list | tuple) for v in data):
        return False
    if any(v is None or getattr(v, "ndim", 1) != 1 or not hasattr(v, "__array__") for v in data):
        return True
    return len({len(v) for v in data}) > 1


def reread_sequences(
    data: Any, columns: Sequence[str], given_names: Sequence[str] = (), *, given: Any = None, infinite: bool = False,
    missing: bool = False, id_name: str = "", time_name: str = "", sequence: Any = None, time: Any = None,
) -> Sequences:  # fmt: skip
    """New sequences with the columns that a model was fitted to.

    Parameters
    ----------
    data, columns, given_names, given, infinite      as for `reread`; also a list of sequences, or `Sequences`
    missing : bool                                   may values be missing?
    id_name, time_name : str                         the columns of ids and times at fit time, empty where none were
    sequence, time : array, or a column name         others than these

    Raises
    ------
    DataError      a column is missing, or there are more or fewer than at fit time
    """
    whole = isinstance(data, Table | Sequences) or is_sequences(data)
    opened = data if whole else _source(data)
    bare = laid_out(opened)
    names = bare.source.names
    if sequence is None and id_name and names and not bare.listed:
        if id_name not in names:
            raise DataError(
                f"the model was fitted with sequence={id_name!r}, and the data has no such column; name another with "
                "sequence=..., or give a list with a sequence in each item."
            )
        sequence = id_name
    if time is None and time_name in names:
        time = time_name
    layout = laid_out(opened, sequence, time)
    source = layout.source
    if given is None and given_names and not (layout.ready is not None and layout.ready.rows.p):
        given = _covariates(source, given_names)
    chosen = _again(source, columns, given, sequence, time)
    out = assemble(layout, chosen, given=given, infinite=infinite, missing=missing).double()
    return out.with_(rows=out.rows.with_(names=tuple(columns))) if columns else out


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
        wanted = list(columns) if columns and data.names and data.names != tuple(columns) else None
        table = table_of(data, columns=wanted, given=given)
        _require_count(table.d, columns)
        return table
    source = _source(data)
    if given is None and given_names:
        given = _covariates(source, given_names)
    table = arrange(source, _again(source, columns, given), infinite=infinite, given=given).double()
    return table.with_(names=tuple(columns)) if columns else table


def _again(source: Columns, columns: Sequence[str], given: Any, *roles: Any) -> list[int]:
    """The columns that were modelled: by name where both have names, else all that have no other role."""
    if columns and source.names:
        return source.positions(columns)
    chosen = unused(source, given, *roles)
    _require_count(len(chosen), columns)
    return chosen


def _covariates(source: Columns, names: Sequence[str]) -> list[str]:
    if not source.names:
        raise DataError(f"the model was fitted with covariates ({listed(names)}); give them with given=...")
    return list(names)


def _source(data: Any) -> Columns:
    return columns_of(_opened(data))


def _opened(data: Any) -> Any:
    """The columns of a file; what is in memory stays as it is."""
    return columns_in(data) if isinstance(data, str | os.PathLike) else data


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
