"""The candidates of a choice as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from likely.faces.grid import Grid
from likely.faces.words import log_number, shortened, what_differs

if TYPE_CHECKING:
    from likely.workflows.selection import Candidate, Selection

NAME = 46  # characters of a candidate's notation


def candidates(selection: Selection) -> tuple[str, Grid]:
    """Heading and table; where the notations are long, only what differs in them."""
    heading = f"Candidates by {selection.words}"
    heading += f", {selection.how}" if selection.how else ""
    heading += f" ({selection.direction})"
    common, names = short_names([c.model for c in selection.candidates], NAME)
    heading += f", which stand for … in {common}" if common else ""
    return heading, (_held_out if selection.held_out else _by_criterion)(selection, names)


def short_names(names: Sequence[str], length: int) -> tuple[str, list[str]]:
    """Notations of bounded length: where one is longer, what they have in common, and what differs in each."""
    common, own = "", list(names)
    if max(map(len, names)) > length and len(names) > 1:
        common, own = what_differs(names)
    return common, [shortened(name, length) for name in own]


def _by_criterion(selection: Selection, names: list[str]) -> Grid:
    def row(name: str, c: Candidate, chosen: bool) -> tuple[str, ...]:
        if c.log_likelihood is None or c.score is None:
            return name, "", "", "", "failed"
        return name, log_number(c.log_likelihood), str(c.n_free), log_number(c.score), "chosen" * chosen

    rows = [row(n, c, i == selection.chosen) for i, (n, c) in enumerate(zip(names, selection.candidates, strict=True))]
    return Grid(("model", "log-likelihood", "parameters", selection.words, ""), tuple(rows), left=(0, 4))


def _held_out(selection: Selection, names: list[str]) -> Grid:
    """Differences are to the best, and their standard errors those of paired differences."""
    notes = {selection.best: "best", selection.chosen: "chosen"}

    def row(i: int, name: str, c: Candidate) -> tuple[str, ...]:
        if c.score is None:
            return name, "", "", "", "", "failed"
        error = "" if c.standard_error is None else _digits(c.standard_error)
        away = "" if i == selection.best else _digits(c.difference or 0.0)
        return name, str(c.n_free), f"{c.score:.5f}", away, error, notes.get(i, "")

    rows = [row(i, n, c) for i, (n, c) in enumerate(zip(names, selection.candidates, strict=True))]
    header = ("model", "parameters", "score", "difference", "std. error", "")
    return Grid(header, tuple(rows), left=(0, 5))


def _digits(value: float) -> str:
    return f"{value:.3g}"
