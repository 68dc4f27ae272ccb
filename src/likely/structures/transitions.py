"""Moves between hidden states as they are written: sizes, rows that sum to one, states that can be reached."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.written import Choose, plain
from likely.errors import ModelError
from likely.numerics.soft import Array

ROUNDING = 1e-9  # by which written probabilities may miss one


def sizes_of(size: Any, where: str) -> Any:
    """A number of states, or a choice among some, checked."""
    sizes = size.options if isinstance(size, Choose) else (plain(size),)
    for one in sizes:
        if not isinstance(one, int) or one < 1:
            raise ModelError(f"{where}: the number of states must be a whole number from 1.")
    return size if isinstance(size, Choose) else sizes[0]


def check_moves(model: Any) -> None:
    """Raise a ModelError for written probabilities that cannot be those of a chain, and for states out of reach."""
    moves, first, m = model.transition, model.initial, model.size
    if not isinstance(moves, np.ndarray) or moves.ndim < 2 or moves.shape[-2:] != (m, m):
        return  # nothing is written, or `bind` says what is wrong with its shape
    for matrix in moves.reshape(-1, m, m):
        for i, row in enumerate(matrix):
            _check_row(i, row)
    if moves.ndim == 2:
        _check_reach(moves, first if isinstance(first, np.ndarray) and first.shape == (m,) else np.full(m, np.nan))


def _check_row(i: int, row: Array) -> None:
    known = row[~np.isnan(row)]
    total, shown = known.sum(), ", ".join(f"{p:.6g}" for p in row)
    if (known < 0).any() or (known > 1).any():
        raise ModelError(
            f"HMM.transition row {i + 1} (from state {i}) is [{shown}]; probabilities lie from 0 to 1, and NaN is for "
            "those to be estimated.",
            slot="transition",
        )
    if len(known) == len(row) and not known.any():
        raise ModelError(
            f"HMM.transition row {i + 1} (from state {i}) is all zeros, so state {i} has no exit. To stay in it for "
            f"ever write a 1 at place {i}.",
            slot="transition",
        )
    if (len(known) == len(row) and abs(total - 1) > ROUNDING) or total > 1 + ROUNDING:
        needed = "1" if len(known) == len(row) else "at most 1, as the others are estimated"
        raise ModelError(
            f"HMM.transition row {i + 1} (from state {i}) is [{shown}], which sums to {total:.6g}; it must sum to "
            f"{needed}.",
            slot="transition",
        )


def _check_reach(moves: Array, first: Array) -> None:
    """Every state must be possible at some row: NaN may become anything above zero."""
    reached, steps = ~(first == 0), ~(moves == 0)
    for _ in range(len(moves)):
        reached = reached | steps[reached].any(0)
    if not reached.all():
        j = int(np.flatnonzero(~reached)[0])
        raise ModelError(
            f"HMM: state {j} can never be reached: initial is 0 there, and so is every move to it from the states that "
            "can be. Write NaN where a move is possible, or use fewer states.",
            slot="transition",
        )
