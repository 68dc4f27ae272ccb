"""Text files with one row a line: CSV, TSV, and columns that spaces keep apart."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass, replace
from typing import Any

from likely.core.columns import Columns
from likely.core.forms import columns_of
from likely.core.named import counted
from likely.errors import DataError, FileError

MISSING = ["", "NA", "NaN", "nan", "null"]
HEAD = 2**16  # bytes from which the form of a file is told


@dataclass(frozen=True)
class Form:
    """How a file writes its rows: what is between values, the fields of the first line, the decimal point."""

    delimiter: str
    first: list[str]
    decimal: str = "."
    quotes: bool = False  # some values are quoted

    @property
    def named(self) -> bool:
        """A first line of nothing but numbers is data, not names."""
        filled = [f.replace(self.decimal, ".") for f in self.first if f not in MISSING]
        return not filled or not all(_is_number(f) for f in filled)


def read_comma_separated(path: str) -> Columns:
    """A .csv file; tabs or semicolons may stand for the commas."""
    return _read(path, _form(_head(path), "\t;,", ","))


def read_tab_separated(path: str) -> Columns:
    """A .tsv file."""
    return _read(path, _form(_head(path), "\t", "\t"))


def read_text(path: str) -> Columns:
    """A .txt file with tabs, semicolons, commas, or any number of spaces between values."""
    form = _form(_head(path), "\t;,", " ")
    if form.delimiter != " ":
        return _read(path, form)
    with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
        tabbed = "\n".join("\t".join(line.split()) for line in file)
    return _read(path, replace(form, delimiter="\t"), tabbed.encode(errors="surrogateescape"))


def _head(path: str) -> str:
    """The beginning of a file as text."""
    with open(path, "rb") as file:
        head = file.read(HEAD)
    if not head.strip():
        raise FileError(f"{path!r} is empty.", path=path)
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise _not_text(path)
    return text


def _not_text(path: str) -> FileError:
    return FileError(f"{path!r} is not text in UTF-8; save it as CSV in UTF-8.", path=path)


def _form(head: str, delimiters: str, otherwise: str) -> Form:
    first = next(line for line in head.splitlines() if line.strip())
    unquoted = re.sub(r'"[^"]*"', "", first)
    delimiter = next((c for c in delimiters if c in unquoted), otherwise)
    fields = first.split() if delimiter == " " else next(csv.reader([first], delimiter=delimiter))
    commas = delimiter == ";" and re.search(r"\d,\d", head) and not re.search(r"\d\.\d", head)
    return Form(delimiter, [f.strip() for f in fields], "," if commas else ".", '"' in head)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read(path: str, form: Form, text: bytes | None = None) -> Columns:
    """The columns of a file, or of its text in another form."""
    import pyarrow as pa

    try:
        table = _parse(path if text is None else pa.BufferReader(text), form)
    except pa.ArrowInvalid as error:
        raise _explained(path, form, text, str(error)) from None
    if any(pa.types.is_binary(t) for t in table.schema.types):
        raise _not_text(path)
    if table.num_rows == 0:
        raise DataError(f"{path!r} has a header but no rows.")
    columns = columns_of(table.rename_columns([n.strip() for n in table.column_names]))
    return columns if form.named else replace(columns, names=())


def _parse(source: Any, form: Form) -> Any:
    from pyarrow import csv as arrow_csv

    names = None if form.named else [str(i + 1) for i in range(len(form.first))]
    return arrow_csv.read_csv(
        source,
        arrow_csv.ReadOptions(column_names=names),
        # Values that hold line ends are always quoted; to look out for them costs twice the time.
        arrow_csv.ParseOptions(delimiter=form.delimiter, newlines_in_values=form.quotes),
        arrow_csv.ConvertOptions(null_values=MISSING, strings_can_be_null=True, decimal_point=form.decimal),
    )


def _explained(path: str, form: Form, text: bytes | None, reason: str) -> FileError | DataError:
    """Which line has more or fewer values than the first; Arrow itself counts no lines."""
    with open(path, "rb") if text is None else io.BytesIO(text) as raw:
        reader = csv.reader(
            io.TextIOWrapper(raw, "utf-8-sig", errors="replace", newline=""), delimiter=form.delimiter, strict=True
        )
        lines = 0
        try:
            for fields in filter(None, reader):
                lines += 1
                if len(fields) != len(form.first):
                    return FileError(
                        f"{path!r} line {reader.line_num} has {counted(len(fields), 'value')}, "
                        f"the first line has {len(form.first)}; every line needs the same number.",
                        path=path,
                    )
        except csv.Error as error:
            reason = f"line {reader.line_num}: {error}"
    if lines == 1:
        return DataError(f"{path!r} has a header but no rows.")
    return FileError(f"{path!r} cannot be read as a table: {reason.splitlines()[0]}.", path=path)
