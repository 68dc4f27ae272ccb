"""What `sample` of a model of sequences is asked for, and how its draws are handed out."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.door import table_of
from likely.errors import ModelError
from likely.numerics.soft import Array


def asked(n: int, given: Any, sequences: int | None) -> tuple[Array | None, int, int]:
    """Inputs (n, p) of every sequence or None, its rows, and how many sequences; raises a ModelError below 1."""
    u = None if given is None else np.asarray(table_of(given).x, float)
    n, count = n if u is None else len(u), 1 if sequences is None else sequences
    if n < 1 or count < 1:
        raise ModelError(f"sample({n}, sequences={sequences}): at least one row and one sequence are needed.")
    return u, n, count


def handed_out(x: list[Any], z: list[Array], sequences: int | None, states: bool) -> Any:
    """One sequence alone, or a list of them; with their hidden states where these were asked for."""
    if sequences is None:
        return (x[0], z[0]) if states else x[0]
    return (x, z) if states else x
