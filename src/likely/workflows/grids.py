"""A grid of candidates: numbers, or priors of one family, in order; and what to say of a choice at its edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from likely.core.family import Family
from likely.core.written import Choose, written

FEWEST = 3  # candidates with an inside


@dataclass(frozen=True)
class Pick:
    """What was picked of a choice: one of its options, by its place."""

    choice: Choose
    index: int
    counts: bool = False  # it is of a number of things, as of components

    @property
    def option(self) -> Any:
        """What stands there."""
        return self.choice.options[self.index]


def edge_of(picks: Sequence[Pick]) -> str:
    """A sentence for each pick at the edge of an ordered grid; empty where there is none.

    One component is no edge: there are no fewer.

    >>> edge_of([Pick(Choose([1.0, 2.0, 4.0]), 2)])
    '4.0 is the last of 3 candidates, at the edge of its grid: one beyond it may be better.'
    """
    return " ".join(_said(p) for p in picks if _at_edge(p))


def _at_edge(pick: Pick) -> bool:
    options = pick.choice.options
    inside = 0 < pick.index < len(options) - 1
    fewest = pick.counts and pick.option == 1
    return not inside and not fewest and len(options) >= FEWEST and is_grid(options)


def _said(pick: Pick) -> str:
    which = "last" if pick.index else "first"
    count = len(pick.choice.options)
    return (
        f"{written(pick.option)} is the {which} of {count} candidates, at the edge of its grid: "
        "one beyond it may be better."
    )


def is_grid(options: Sequence[Any]) -> bool:
    """Are these numbers, or distributions of one family, each of whose numbers only rises or only falls?"""
    first = options[0]
    if isinstance(first, Family):
        if any(type(o) is not type(first) or o.parts() or o.open_slots() for o in options):
            return False
        rows = [[np.ravel(getattr(o, n)) for n in first.domains] for o in options]
    else:
        if not all(isinstance(o, int | float) for o in options):
            return False
        rows = [[np.ravel(o)] for o in options]
    if len({tuple(v.shape for v in row) for row in rows}) > 1:
        return False
    steps = np.diff([np.concatenate(row) for row in rows], axis=0)
    ordered = ((steps >= 0).all(0) | (steps <= 0).all(0)).all()
    return bool(ordered and (steps != 0).any(1).all())
