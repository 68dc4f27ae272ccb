"""Tables of a state space: each block of its two equations as the matrix that it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from likely.faces.entries import bound_family, bound_model
from likely.faces.grid import Grid
from likely.faces.words import aligned, column_words
from likely.numerics.soft import Array

if TYPE_CHECKING:
    from likely.workflows.result import Fit

MOST = 12  # rows of a block, and columns, that are shown
SAID = {
    "A": "state before", "B": "input", "b": "", "C": "state", "D": "input", "d": "", "Q": "state", "R": "column",
    "m0": "", "P0": "state", "theta": "",
}  # fmt: skip


def blocks(fit: Fit) -> Iterator[tuple[str, Grid]]:
    """Heading and table of every block, in the order of the equations."""
    bound, written = bound_model(fit), bound_family(fit)
    params = bound.known_params()
    columns = column_words(fit)
    names = {"m": [str(i + 1) for i in range(params.m0.shape[1])], "d": list(columns)}
    if "B" in params:
        names["p"] = list(fit.given) or [str(i + 1) for i in range(params.B.shape[2])]
    for name, domain in bound.domains.items():
        value, known = params[name][0], written.slots[name].known if name in written.slots else None
        fixed = np.zeros(value.shape, bool) if known is None else ~np.isnan(np.broadcast_to(known[0], value.shape))
        # parameters and features of nonlinear equations are only counted
        rows, *rest = (
            names.get(e) or [str(i + 1) for i in range(n)] for e, n in zip(domain.event, value.shape, strict=True)
        )
        heads = rest[0] if rest else [""]
        yield _block(name, value.reshape(len(rows), -1), fixed.reshape(len(rows), -1), rows, heads)


def _block(name: str, value: Array, fixed: Array, rows: list[str], heads: list[str]) -> tuple[str, Grid]:
    """Numbers with which of them are known; what all have in common stands in the heading."""
    some = (slice(MOST), slice(MOST))
    texts = np.array(aligned(value[some].ravel().tolist()), object).reshape(value[some].shape)
    if not fixed.all():
        texts = np.where(fixed[some], texts + " (known)", texts)
    more = " ..." if value.shape[0] > MOST or value.shape[1] > MOST else ""
    corner = f"{'state' if name in 'ABbQm0P0' else 'column'} \\ {SAID[name]}" if SAID[name] else ""
    body = tuple((row, *line) for row, line in zip(rows, texts.tolist(), strict=False))
    grid = Grid((corner, *heads[:MOST]), body)
    heading = name + (" (known)" if fixed.all() else "") + more
    return heading, grid if SAID[name] else grid.turned("column" if name == "d" else "state")
