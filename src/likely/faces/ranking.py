"""A comparison of models as a table, best first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likely.faces.grid import Grid
from likely.faces.words import log_number, shortened

if TYPE_CHECKING:
    from likely.workflows.compare import Compared, Comparison

NAME = 46  # characters of a model's name


def heading(comparison: Comparison) -> str:
    """What is compared, and how."""
    if comparison.held_out:
        return f"Models by held-out log-likelihood per row, {comparison.how} (higher is better)"
    return f"Models by {_criterion(comparison)} (lower is better)"


def grid(comparison: Comparison) -> Grid:
    """The table."""
    if comparison.held_out:
        header = ("model", "parameters", "score", "difference", "std. error")
        return Grid(header, tuple(map(_held_out, comparison.rows)))
    header = ("model", "log-likelihood", "parameters", _criterion(comparison), "difference", "weight")
    return Grid(header, tuple(map(_by_criterion, comparison.rows)))


def _criterion(comparison: Comparison) -> str:
    return comparison.by.upper().replace("AICC", "AICc")


def _held_out(row: Compared) -> tuple[str, ...]:
    name = shortened(row.name, NAME)
    if row.score is None or row.difference is None:
        return name, "", "failed", "", ""
    error = "" if row.standard_error is None else f"{row.standard_error:.3g}"
    return name, str(row.n_free), f"{row.score:.5f}", f"{row.difference:.3g}", error


def _by_criterion(row: Compared) -> tuple[str, ...]:
    name = shortened(row.name, NAME)
    if row.score is None or row.log_likelihood is None or row.difference is None:
        return name, "failed", "", "", "", ""
    weight = "" if row.weight is None else f"{row.weight:.3f}"
    return (
        name,
        log_number(row.log_likelihood),
        str(row.n_free),
        log_number(row.score),
        log_number(row.difference),
        weight,
    )
