"""Where a family's data may lie, in words and as a test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from likely.numerics.soft import Array


@dataclass(frozen=True)
class Support:
    """`words` complete "it needs ..."; `contains` works entry by entry; `example` is a value that belongs."""

    words: str
    contains: Callable[[Array], Array]
    example: float
    everywhere: bool = False  # any finite number belongs: nothing to test


REAL = Support("finite numbers", np.isfinite, 0.0, everywhere=True)
POSITIVE = Support("numbers above 0", lambda x: x > 0, 1.0)
NONNEGATIVE = Support("numbers 0 or above", lambda x: x >= 0, 1.0)
OPEN_UNIT = Support("numbers strictly between 0 and 1", lambda x: (x > 0) & (x < 1), 0.5)
BINARY = Support("0 or 1 (or False, True)", lambda x: (x == 0) | (x == 1), 0.0)
COUNTS = Support("counts 0, 1, 2, ...", lambda x: (x >= 0) & (x < np.inf) & (x == np.floor(x)), 0.0)


def counts_up_to(n: int) -> Support:
    """Counts with a largest possible value."""
    return Support(f"counts 0, 1, ..., {n}", lambda x: (x >= 0) & (x <= n) & (x == np.floor(x)), 0.0)
