"""The kinds of comparison: one module each.

A module offers `TITLE`, `rows(options)` (an iterator of dictionaries with "case" and, where one is compared with, a
"rival"; "missing" says why a rival took no part), `said(row)` (a line of the terminal) and `table(rows)` (Markdown,
from what was stored).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Protocol, cast

from benchmarks.measure import Options, Row

KINDS = (
    "mixtures",
    "kmeans",
    "chains",
    "state_space",
    "accelerated",
    "starts",
    "leaves",
    "choice",
    "bootstrap",
    "standard_errors",
    "first_call",
)


class Kind(Protocol):
    TITLE: str

    def rows(self, options: Options) -> Iterator[Row]: ...

    def said(self, row: Row) -> str: ...

    def table(self, rows: list[Row]) -> str: ...


def load(name: str) -> Kind:
    return cast(Kind, importlib.import_module(f"benchmarks.{name}"))
