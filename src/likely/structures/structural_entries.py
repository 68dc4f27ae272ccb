"""How named models write their matrices: numbers, NaN where an entry is free, and names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from likely.errors import ModelError

NAN = float("nan")
Entries = list[list[Any]]  # one list for each row: numbers, NaN where free, names


def diagonal(entries: Sequence[Any]) -> Entries:
    """These on the diagonal, zeros elsewhere."""
    return along_diagonal([[[e]] for e in entries])


def along_diagonal(blocks: Sequence[Entries]) -> Entries:
    """Square blocks along the diagonal, zeros elsewhere."""
    size, at, out = sum(len(b) for b in blocks), 0, []
    for block in blocks:
        out += [[0.0] * at + list(row) + [0.0] * (size - at - len(block)) for row in block]
        at += len(block)
    return out


def first(m: int, entry: Any = 1.0) -> list[Any]:
    """A row of m entries: this one, then zeros."""
    return [entry, *[0.0] * (m - 1)]


def in_front(entry: Any, m: int) -> Entries:
    """An (m, m) matrix with one entry, at its upper left; the noise of a state whose other parts only remember."""
    return diagonal(first(m, entry))


def shifted(m: int) -> Entries:
    """An (m, m) matrix that moves every entry of a state down by one, and leaves the first row to be written."""
    return np.eye(m, k=-1).tolist()


def is_free(entry: Any) -> bool:
    """Is it NaN, that is, to be estimated?"""
    return not isinstance(entry, str) and bool(np.isnan(entry))


def equal(entry: Any, name: str) -> Any:
    """An entry that stands in several places: where it is free, one name for all of them makes it one value."""
    return name if is_free(entry) else entry


def at_least(model: str, argument: str, value: Any, least: int) -> int:
    """A whole number that is not below the least one."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer) or value < least:
        raise ModelError(f"{model}({argument}={value!r}): it must be a whole number, {least} or more.")
    return int(value)


def in_a_row(model: str, argument: str, values: Any, count: int) -> list[Any]:
    """So many entries; one alone, such as NaN, stands for all of them."""
    if isinstance(values, int | float | np.number):
        return [float(values)] * count
    entries = list(values) if not isinstance(values, str) else [values]
    if len(entries) != count:
        raise ModelError(f"{model}: {argument} has {len(entries)} entries; it needs {count}, or one NaN for all.")
    return entries
