"""Tables of a hidden Markov model: what is known of each state, and the moves between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from likely.core.data import Sequences
from likely.core.family import Family
from likely.errors import ModelError
from likely.faces.entries import bound_family, marks_of
from likely.faces.grid import Grid
from likely.faces.words import aligned
from likely.numerics.soft import Array

if TYPE_CHECKING:
    from likely.workflows.result import Fit

MOST = 20  # states whose moves are shown


def about_states(fit: Fit, r: Array | None) -> Iterator[tuple[str, ...]]:
    """Columns (heading, a text for each state): the share of rows in it, and how many rows the chain stays there."""
    if r is not None and fit.data is not None:
        weights = np.asarray(fit.data.weight_column())[:, 0]
        rows = weights[fit.data.owner] if isinstance(fit.data, Sequences) else weights
        yield "share of rows", *(f"{100 * p:.1f}%" for p in rows @ r / rows.sum())
    if "transition" in fit.model.domains:
        with suppress(ModelError):  # durations of a family without mean
            yield "expected stay (rows)", *aligned(fit.expected_durations().tolist())


def moves(fit: Fit) -> tuple[str, Grid]:
    """Heading and table of the transition matrix: from the state of the row to that of the column."""
    model: Any = fit.model
    matrix, m = np.asarray(model.transition), int(model.size)
    names = fit.label_names or tuple(str(j + 1) for j in range(m))
    names = (*names, *(str(j + 1) for j in range(len(names), m)))
    how, written = _how(fit, m), cast(Any, fit.family).transition
    common = how[0][0] if len({mark for row in how for mark in row}) == 1 else None
    rows = []
    for i in range(min(m, MOST)):
        marks = [f" ({mark})" if mark and common is None else "" for mark in how[i]]
        rows.append((names[i], *((f"{p:.4f}" if p else "0") + mark for p, mark in zip(matrix[i], marks, strict=True))))
    if m > MOST:
        rows.append((f"... and {m - MOST} more", *[""] * m))
    bracket = f" ({'prior' if isinstance(written, Family) else common})" if common else ""
    return f"Probability of the next state{bracket}", Grid(("from \\ to", *names), tuple(rows))


def _how(fit: Fit, m: int) -> list[list[str]]:
    """How each entry came about."""
    found = marks_of(bound_family(fit).slots["transition"], cast(Any, fit.family).transition)
    return np.broadcast_to(found.reshape(-1, m), (m, m)).tolist()
