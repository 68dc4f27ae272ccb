"""Parquet and Arrow files, a column at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from functools import partial
from typing import Any

from likely.core.cells import Cells, joined, series_cells
from likely.core.columns import Column, Columns
from likely.core.forms import columns_of
from likely.core.named import repeated
from likely.errors import FileError


def read_parquet(path: str) -> Columns:
    """The columns of a Parquet file; each is read when it is wanted, one row group after the other."""
    with _whole(path, "Parquet"), _open(path) as file:
        schema, n = file.schema_arrow, file.metadata.num_rows
    names = tuple(schema.names)
    if len(set(names)) < len(names):
        raise repeated(names)
    items = tuple(Column(partial(_column, path, f.name), _is_numeric(f.type)) for f in schema)
    return Columns(n, items, names)


def read_arrow(path: str) -> Columns:
    """The columns of an Arrow (or Feather) file, mapped into memory."""
    import pyarrow as pa

    with _whole(path, "Arrow"), pa.memory_map(path) as file:
        try:
            table = pa.ipc.open_file(file).read_all()
        except pa.ArrowInvalid:
            file.seek(0)
            table = pa.ipc.open_stream(file).read_all()
    return columns_of(table)


def _open(path: str) -> Any:
    """Without pre-buffering, which would keep the whole file in memory (arrow issue 39808)."""
    import pyarrow.parquet as pq

    return pq.ParquetFile(path, pre_buffer=False)


def _column(path: str, name: str) -> Cells:
    import narwhals as nw
    import pyarrow as pa

    with _whole(path, "Parquet"), _open(path) as file:
        wanted = file.schema_arrow.get_field_index(name)
        empty = pa.chunked_array([], file.schema_arrow.field(wanted).type)
        groups = (file.read_row_group(g, columns=[name], use_threads=False) for g in range(file.num_row_groups))
        pieces = [series_cells(nw.from_native(g.column(name), series_only=True)) for g in groups]
    return joined(pieces) if pieces else series_cells(nw.from_native(empty, series_only=True))


def _is_numeric(kind: Any) -> bool:
    from pyarrow import types

    checks = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean)
    return any(check(kind) for check in checks)


@contextlib.contextmanager
def _whole(path: str, kind: str) -> Generator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, EOFError) as error:
        reason = str(error).splitlines()[0]
        raise FileError(f"{path!r} is not a whole {kind} file: {reason}", path=path) from None
