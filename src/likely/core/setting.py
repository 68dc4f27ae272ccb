"""The data's side of a model's shape: what a family learns when it takes its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from likely.core.data import Data, Table
from likely.errors import ModelError


@dataclass(frozen=True)
class Setting:
    """Dimensions by name ("d" columns, "p" covariates, ...) and, while fitting, the rows themselves."""

    dims: Mapping[str, int] = field(default_factory=dict)
    rows: Table | None = None

    @staticmethod
    def of(data: Data) -> Setting:
        """The setting that some rows make, or sequences of them: how many items there are belongs to it."""
        rows = data.rows
        return Setting({"d": rows.d, "p": rows.p, "items": len(data)}, rows)

    def select(self, columns: Sequence[int]) -> Setting:
        """The setting of a family that looks at some of the columns."""
        return self.with_(d=len(columns), rows=None if self.rows is None else self.rows.select(columns))

    def with_(self, *, rows: Any = ..., **dims: int) -> Setting:
        """A copy with some dimensions (or the rows) changed."""
        return Setting({**self.dims, **dims}, self.rows if rows is ... else rows)

    def names(self) -> str:
        """The columns in words, for messages."""
        if self.rows is None or not self.rows.names:
            return f"{self.dims.get('d', 1)} columns"
        return f"{len(self.rows.names)} columns ({', '.join(self.rows.names)})"


def infer_dims(values: Iterable[tuple[str, tuple[str, ...], Any]]) -> dict[str, int]:
    """Dimensions read off the arrays that stand in slots: (owner.name, event, value) triples.

    >>> infer_dims([("MultivariateNormal.mean", ("d",), np.zeros(3))])
    {'d': 3}
    """
    dims: dict[str, int] = {}
    source: dict[str, str] = {}
    for name, event, value in values:
        if not isinstance(value, np.ndarray) or value.ndim < len(event):
            continue
        for letter, size in zip(event, value.shape[value.ndim - len(event) :], strict=True):
            if dims.setdefault(letter, size) != size:
                raise ModelError(
                    f"{name} has shape {value.shape}, which says {letter} = {size}, "
                    f"but {source[letter]} says {letter} = {dims[letter]}."
                )
            source.setdefault(letter, name)
    return dims
