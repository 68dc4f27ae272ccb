"""Tables in files: CSV and other text, Parquet, Arrow and NPY in; CSV and Parquet out."""

from __future__ import annotations

import contextlib
import csv
import glob
import io
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from likely.core.columns import Columns, end_to_end
from likely.core.forms import columns_of
from likely.core.named import nearest
from likely.errors import FileError
from likely.io.arrow import read_arrow, read_parquet
from likely.io.delimited import read_comma_separated, read_tab_separated, read_text
from likely.io.replacing import replacing


def columns_in(path: str | os.PathLike[str]) -> Columns:
    """The columns of a file, or of all files that match a pattern, one below the other in the order of their names.

    Raises
    ------
    FileError      no such file, a kind that is not read, or a file that is not whole
    DataError      a file without rows, or one with other columns than the first
    """
    files = _matching(os.path.expanduser(os.fspath(path)))
    return end_to_end([(repr(name), _read(name)) for name in files])


def no_file(path: str) -> FileError:
    """The error for a file that does not exist; a similar name in its folder is suggested."""
    folder, name = os.path.split(path)
    if folder and not os.path.isdir(folder):
        return FileError(f"there is no file {path!r}, nor a folder {folder!r}.", path=path)
    near = nearest(name, os.listdir(folder or "."))
    hint = "." if near is None else f"; did you mean {os.path.join(folder, near)!r}?"
    return FileError(f"there is no file {path!r}{hint}", path=path)


def write_table(path: str | os.PathLike[str], columns: Mapping[str, Any]) -> None:
    """Write arrays (n,) by name as a .csv or .parquet file: whole, or not at all.

    Raises
    ------
    FileError      another kind of file, or a place that cannot be written
    """
    path = os.fspath(path)
    ending = _ending(path)
    if ending not in _WRITERS:
        raise FileError(f"cannot write {path!r}: {_named(ending)}; tables are written as {_or(_WRITERS)}.", path=path)
    with replacing(path) as unfinished:
        _WRITERS[ending](unfinished, {n: np.asarray(v) for n, v in columns.items()})


def _matching(path: str) -> list[str]:
    if os.path.isdir(path):
        pattern = os.path.join(path, "*.csv")
        raise FileError(f"{path!r} is a folder; name a file in it, or several as in {pattern!r}.", path=path)
    if os.path.exists(path):
        return [path]
    if not any(c in path for c in "*?["):
        raise no_file(path)
    found = sorted(f for f in glob.glob(path, recursive=True) if os.path.isfile(f) and not _is_marker(f))
    if not found:
        raise FileError(f"no file matches {path!r}.", path=path)
    return found


def _is_marker(path: str) -> bool:
    """What other programs leave beside data, such as _SUCCESS."""
    return os.path.basename(path).startswith(("_", "."))


def _read(path: str) -> Columns:
    ending = _ending(path)
    if ending not in _READERS:
        raise FileError(f"cannot read {path!r}: {_named(ending)}; likely reads {_or(_READERS)}.", path=path)
    try:
        return _READERS[ending](path)
    except OSError as error:
        raise FileError(f"cannot read {path!r}: {error.strerror or error}.", path=path) from None


def _read_npy(path: str) -> Columns:
    try:
        return columns_of(np.load(path, mmap_mode="r", allow_pickle=False))
    except (EOFError, ValueError):
        raise FileError(
            f"{path!r} is not a whole NPY file with an array of numbers; write it with numpy.save.", path=path
        ) from None


def _write_csv(path: str, columns: dict[str, Any]) -> None:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    header = io.StringIO()
    csv.writer(header, lineterminator="\n").writerow(columns)
    for quoting in ("none", "needed"):  # "needed" quotes every text, so it comes second
        with open(path, "wb") as file, contextlib.suppress(pa.ArrowInvalid):
            file.write(header.getvalue().encode())
            options = arrow_csv.WriteOptions(include_header=False, quoting_style=quoting)
            arrow_csv.write_csv(pa.table(columns), file, options)
            return


def _write_parquet(path: str, columns: dict[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table(columns), path)


_READERS = {
    ".csv": read_comma_separated,
    ".tsv": read_tab_separated,
    ".txt": read_text,
    ".parquet": read_parquet,
    ".arrow": read_arrow,
    ".feather": read_arrow,
    ".npy": _read_npy,
}
_WRITERS = {".csv": _write_csv, ".parquet": _write_parquet}


def _ending(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _named(ending: str) -> str:
    return f"its name ends in {ending!r}" if ending else "its name has no ending"


def _or(words: Mapping[str, Any]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}"
