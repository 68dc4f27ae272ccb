"""Edges: a likelihood without a maximum, powers of zero."""

from __future__ import annotations

import numpy as np

from likely.core.slot import Slot
from likely.errors import Degenerate
from likely.numerics.soft import Array

LARGEST = 1e10  # a shape beyond it means values alike to 1e-5 of their size, more than sums of logarithms can resolve

TOO_WEAK = "The rows do not outweigh it; use a Gamma prior whose shape is 1 or above."


def refuse(wrong: Array, weight: Array, why: str, cure: str) -> None:
    """Raise Degenerate for the members (k,) that are wrong."""
    if wrong.any():
        members = np.flatnonzero(wrong)
        raise Degenerate(why, members=members.tolist(), weights=weight[members].tolist(), cure=cure)


def loose(slot: Slot) -> Array:
    """(k,) + event: which entries are estimated, for every member."""
    return np.ones((slot.k, *slot.event), bool) if slot.known is None else np.isnan(slot.known)


def powered(power: Array, logs: Array) -> Array:
    """`power * log x` with 0 * -inf = 0, as for a prior asked at the edge of what it covers."""
    with np.errstate(invalid="ignore"):
        return np.where(power == 0, 0.0, power * logs)
