"""Where answers go: the terminal, a pipe, or a file that was checked before the work began."""

from __future__ import annotations

import csv
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from likely.cli.record import record, to_json
from likely.core.data import Sequences
from likely.errors import FileError
from likely.faces.plots import FORMATS, save_figure
from likely.io.files import write_table
from likely.numerics.soft import Array
from likely.workflows.result import Fit

PICTURES = tuple(f".{kind}" for kind in FORMATS)
FITS = (".json",)
TABLES = (".csv", ".parquet")


def check_writable(path: str | None, endings: Sequence[str]) -> None:
    """Raise a FileError now if a file could not be written later. Nothing is created, nothing is touched.

    Parameters
    ----------
    path : str or None       None is fine: nothing will be written
    endings : sequence       the kinds of file this may be, as in (".png", ".svg")
    """
    if path is None:
        return
    target = Path(path)
    if target.suffix.lower() not in endings:
        ending = f"ends in {target.suffix!r}" if target.suffix else "has no ending"
        raise FileError(f"cannot write {path!r}: its name {ending}; it must end in {_or(endings)}.", path=path)
    folder = target.parent
    if not folder.is_dir():
        raise FileError(f"cannot write {path!r}: there is no folder {str(folder)!r}; make it first.", path=path)
    if target.is_dir():
        raise FileError(f"cannot write {path!r}: it is a folder; name a file in it.", path=path)
    if target.exists() and not os.access(target, os.W_OK):
        raise FileError(f"cannot write {path!r}: the file is write-protected; name another.", path=path)
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise FileError(f"cannot write {path!r}: {error.strerror}; name another folder.", path=path) from None


def answer(fit: Fit, as_json: bool) -> None:
    """A fit on stdout: for programs, for a terminal (with colours and rules), or as plain text."""
    if as_json:
        click.echo(to_json(record(fit)))
    elif sys.stdout.isatty():
        from rich.console import Console

        Console().print(fit.summary().rich())
    else:
        click.echo(str(fit.summary()))


def give_table(columns: Mapping[str, Any], out: str | None) -> None:
    """Columns as a file, or as CSV on stdout."""
    if out is not None:
        write_table(out, columns)
        note(f"wrote {out}.")
        return
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(columns)
    rows.writerows(zip(*(np.asarray(v).tolist() for v in columns.values()), strict=True))


def places(data: Sequences) -> dict[str, Any]:
    """Which sequence each row belongs to, and when it was, as far as that is known."""
    out: dict[str, Any] = {}
    if data.ids is not None or len(data) > 1:
        ids = np.arange(1, len(data) + 1) if data.ids is None else data.ids
        out[data.id_name or "sequence"] = _whole(ids)[data.owner]
    if data.times is not None:
        out[data.time_name or "time"] = _whole(data.times)
    return out


def _whole(values: Array) -> Array:
    """Whole numbers as such, and days without the time of the day."""
    if values.dtype.kind == "M":
        days = values.astype("datetime64[D]")
        return days if (days == values).all() else values
    whole = values.dtype.kind == "f" and (values == np.floor(values)).all()
    return values.astype(np.int64) if whole else values


def note(text: str) -> None:
    """Something worth knowing that is no part of the answer: on stderr, so that pipes stay clean."""
    click.echo(f"likely: {text}", err=True)


def draw(fit: Fit, path: str) -> None:
    """The picture that suits the fit, as a file."""
    save_figure(fit.plot(), path)


def _or(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
