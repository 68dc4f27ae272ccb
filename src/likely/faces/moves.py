"""Tables of a hidden Markov model: what is known of each state, and the moves between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from likely.core.data import Sequences
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


def moves(fit: Fit) -> Iterator[tuple[str, Grid]]:
    """Heading and table of every transition matrix: from the state of the row to that of the column."""
    found = _chain(fit.model, bound_family(fit), fit.family) if fit.model.sequential else None
    if found is None:
        return
    model, bound, written = found
    m, names = int(model.size), fit.label_names if fit.model.axis == "state" else ()
    names = (*names, *(str(j + 1) for j in range(len(names), m)))
    marks = marks_of(bound.slots["transition"], written.transition).reshape(-1, m)
    matrices = np.asarray(model.transition).reshape(-1, m, m)
    how = np.broadcast_to(marks if len(marks) > m else np.tile(marks, (len(matrices), 1)), (len(matrices) * m, m))
    for i, matrix in enumerate(matrices):
        which = f", {fit.model.axis} {i + 1}" if len(matrices) > 1 else ""
        yield _matrix(f"Probability of the next state{which}", matrix, how[i * m : i * m + m].tolist(), names)


def _chain(model: Any, bound: Any, written: Any) -> tuple[Any, Any, Any] | None:
    """The hidden Markov model with a matrix of moves, here or in a part: fitted, bound and as it was written."""
    if model.axis == "state":
        return (model, bound, written) if "transition" in model.domains else None
    each = [_chain(part, bound.parts()[n], written.parts()[n]) for n, part in model.parts().items() if part.sequential]
    return each[0] if len(each) == 1 else None


def _matrix(heading: str, matrix: Array, how: list[list[str]], names: tuple[str, ...]) -> tuple[str, Grid]:
    """Numbers with how they came about; what all have in common stands in the heading."""
    m, common = len(matrix), {mark for row in how for mark in row}
    rows = []
    for i in range(min(m, MOST)):
        marks = [f" ({mark})" if mark and len(common) > 1 else "" for mark in how[i]]
        rows.append((names[i], *((f"{p:.4f}" if p else "0") + mark for p, mark in zip(matrix[i], marks, strict=True))))
    if m > MOST:
        rows.append((f"... and {m - MOST} more", *[""] * m))
    bracket = f" ({min(common)})" if len(common) == 1 and any(common) else ""
    return heading + bracket, Grid(("from \\ to", *names), tuple(rows))
