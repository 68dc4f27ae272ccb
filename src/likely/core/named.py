"""Names of columns: looking them up, and what to say when one is not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from likely.errors import DataError


def positions(columns: Any, names: Sequence[str], d: int) -> list[int]:
    """Where columns named, or counted from 0, are among d.

    Raises
    ------
    DataError      no such column (the nearest name is suggested), one that is asked for twice, or a name of several
    """
    wanted = [columns] if isinstance(columns, str | int | np.integer) else list(columns)
    if not wanted:
        raise DataError("an empty list of columns was given; name at least one.")
    found = [_position(c, names, d) for c in wanted]
    for at, j in enumerate(found):
        if j in found[:at]:
            raise DataError(f"column {wanted[at]!r} is asked for twice; once is enough.", column=str(wanted[at]))
    return found


def _position(column: Any, names: Sequence[str], d: int) -> int:
    if isinstance(column, int | np.integer):
        if not 0 <= column < d:
            raise DataError(f"there is no column {column}; positions run from 0 to {d - 1}.", column=str(column))
        return int(column)
    if not names:
        raise DataError(
            f"there is no column {column!r}: the data has no column names. Give positions, from 0 to {d - 1}.",
            column=str(column),
        )
    if column not in names:
        near = nearest(str(column), names)
        hint = "." if near is None else f"; did you mean {near!r}?"
        raise DataError(f"there is no column {column!r}{hint} The columns are {listed(names)}.", column=str(column))
    if names.count(column) > 1:
        raise repeated(names)
    return names.index(column)


def repeated(names: Sequence[str]) -> DataError:
    """The error for names that are not distinct."""
    name = next(n for n in names if names.count(n) > 1)
    return DataError(f"two columns are called {name!r}; rename one.", column=name)


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The word most like another one, if any is; capitals do not count.

    >>> nearest("Wating", ["eruptions", "waiting"])
    'waiting'
    """
    by_lower = {w.lower(): w for w in words}
    close = difflib.get_close_matches(word.lower(), by_lower, 1)
    return by_lower[close[0]] if close else None


def listed(names: Sequence[str]) -> str:
    """Names in words: all, or the first twenty."""
    return ", ".join(names) if len(names) <= 20 else f"{', '.join(names[:20])}, ... ({len(names)} in all)"


def counted(n: int, what: str) -> str:
    """A number of things: 1 row, 2 rows."""
    return f"{n} {what}{'s' * (n != 1)}"
