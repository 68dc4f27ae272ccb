"""The columns of data in any everyday form."""

from __future__ import annotations

import numbers
import os
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np

from likely.core.cells import array_cells, series_cells, shown
from likely.core.columns import Column, Columns
from likely.core.named import counted, repeated
from likely.errors import DataError
from likely.numerics.soft import Array


def columns_of(x: Any) -> Columns:
    """The columns of a NumPy array, list, list of rows, dict of columns, or pandas, polars or Arrow frame or series."""
    if isinstance(x, Columns):
        return x
    if isinstance(x, np.ma.MaskedArray):
        x = np.array(x.astype(object).tolist(), object)
    if isinstance(x, Mapping):
        return _from_dict(x)
    if isinstance(x, list | tuple | range | numbers.Number | np.generic):
        x = _array_of(x)
    if isinstance(x, np.ndarray):
        return _from_array(x)
    if isinstance(x, str | bytes | os.PathLike):
        raise DataError(
            f"the data is {shown(x)}; an array, a list, a dict of columns or a frame is needed here.", value=x
        )
    return _from_frame(x)


def _array_of(x: Any) -> Array:
    try:
        out = np.asarray(x)
    except ValueError:
        raise _ragged(x) from None
    return np.asarray(x, object) if out.dtype.kind in "USV" else out  # NumPy turns the numbers beside a text into text


def _ragged(x: Sequence[Any]) -> DataError:
    sizes = [len(row) if hasattr(row, "__len__") and not isinstance(row, str) else None for row in x]
    i = next((i for i, size in enumerate(sizes) if size != sizes[0]), 0)
    if i == 0:
        return DataError(
            "the rows hold arrays of different shapes; each row needs the same number of plain values.", row=1
        )
    here, first = (
        f"is {shown(row)}" if size is None else f"has {counted(size, 'value')}"
        for row, size in ((x[i], sizes[i]), (x[0], sizes[0]))
    )
    return DataError(f"row {i + 1} {here}, row 1 {first}; every row needs the same number of values.", row=i + 1)


def _from_array(x: Array) -> Columns:
    if x.dtype.names:
        return _from_dict({n: x[n] for n in x.dtype.names})
    if x.ndim > 2:
        raise DataError(
            f"the data has shape {x.shape}; a table has rows and columns only. Give one of its slices, or reshape it."
        )
    x = x.reshape(1, 1) if x.ndim == 0 else x[:, None] if x.ndim == 1 else x
    numeric = x.dtype.kind in "fiub"
    items = [Column(lambda j=j: array_cells(x[:, j]), True if numeric else None) for j in range(x.shape[1])]
    return Columns(len(x), tuple(items), block=x if numeric else None)


def _from_dict(x: Mapping[Any, Any]) -> Columns:
    names = tuple(str(n) for n in x)
    inner = [columns_of(v) for v in x.values()]
    for name, one in zip(names, inner, strict=True):
        if one.d != 1:
            raise DataError(f"column {name!r} has {one.d} values in each row; one is needed.", column=name)
        if one.n != inner[0].n:
            raise DataError(
                f"column {name!r} has {counted(one.n, 'row')}, column {names[0]!r} has {inner[0].n}; "
                "all columns need the same number.",
                column=name,
            )
    return Columns(inner[0].n if inner else 0, tuple(c.items[0] for c in inner), names)


def _from_frame(x: Any) -> Columns:
    import narwhals as nw

    try:
        frame: Any = nw.from_native(x, allow_series=True, pass_through=True)
    except nw.exceptions.DuplicateError:
        names = [str(n) for n in (x.column_names if hasattr(x, "column_names") else x.columns)]
        raise repeated(names) from None
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, nw.DataFrame):
        return Columns(
            len(frame), tuple(_series_column(s) for s in frame.iter_columns()), tuple(map(str, frame.columns))
        )
    if isinstance(frame, nw.Series):
        return Columns(len(frame), (_series_column(frame),), (str(frame.name),) if frame.name not in (None, "") else ())
    if hasattr(x, "__arrow_c_stream__"):
        return columns_of(nw.from_arrow(x, backend="pyarrow"))
    if hasattr(x, "__array__"):
        return columns_of(np.asarray(x))
    if isinstance(x, Iterable) and not isinstance(x, Set):
        return columns_of(list(x))
    raise DataError(
        f"the data is of type {type(x).__name__}; give an array, a list, a dict of columns, "
        "a pandas, polars or Arrow frame, or the path of a file."
    )


def _series_column(series: Any) -> Column:
    import narwhals as nw

    kind = series.dtype
    looked_at = kind in (nw.String, nw.Object)
    return Column(lambda: series_cells(series), None if looked_at else kind.is_numeric() or kind == nw.Boolean)
