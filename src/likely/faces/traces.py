"""How a fit came about: the objective pass by pass, and the candidates of a selection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from likely.faces.style import FAINT, INK, colour, dress, explain, minus, whole_ticks
from likely.faces.words import log_number, plural, shortened, what_differs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from likely.workflows.result import Fit
    from likely.workflows.selection import Selection

FEW = 40  # passes with a dot each
INSET = (0.5, 0.16, 0.48, 0.46)  # the empty corner under a curve that rises and levels off
NAME = 44  # characters of a candidate's notation
WIDE = 50  # times the least number from which numbers lie on a logarithmic axis
IMPOSSIBLE = "gives a held-out row probability 0"


def draw_trace(fit: Fit, ax: Axes) -> None:
    """The objective at every pass, and (inset) how far each was from the best, on a logarithmic scale."""
    passes = np.array([m.passes for m in fit.trace])
    objective = np.array([m.objective for m in fit.trace])
    marker = "o" if len(passes) <= FEW else ""
    ax.plot(passes, objective, color=colour(0), lw=1.6, marker=marker, ms=3.5)
    ax.axhline(objective[-1], color=FAINT, lw=0.8, ls=(0, (4, 3)), zorder=0)
    ax.annotate(
        f"{minus(log_number(objective[-1]))} after {plural(int(passes[-1]), 'pass')}",
        (1.0, objective[-1]), (0, 5), xycoords=("axes fraction", "data"), textcoords="offset points",
        ha="right", va="bottom", fontsize=9, color=INK,
    )  # fmt: skip
    ax.margins(y=0.12)
    prior = fit.objective != fit.log_likelihood
    name = "log-likelihood + log prior" if prior else "log-likelihood"
    dress(ax, f"{name[0].upper()}{name[1:]} at every pass of the best start", "pass over the data", name)
    whole_ticks(ax)
    left = fit.trace[-1].gain_left or 0.0
    _distance(ax, passes, objective[-1] + left - objective)


def _distance(ax: Axes, passes: np.ndarray, distance: np.ndarray) -> None:
    above = distance > 0
    if above.sum() < 3:
        return
    inset = ax.inset_axes(INSET)
    inset.semilogy(passes[above], distance[above], color=colour(1), lw=1.4)
    dress(inset, "", "", "")
    inset.set_title("distance to the best", loc="left", fontsize=9, color=INK)
    inset.tick_params(labelsize=8)
    whole_ticks(inset)


def draw_selection(fit: Fit, ax: Axes) -> None:
    """The score of every candidate: along a number where that is all they differ in, else one under another.

    Held-out scores carry the standard error of their paired difference to the best.
    """
    selection = fit.selection
    assert selection is not None
    common, own = what_differs([c.model for c in selection.candidates])
    numbers = _as_numbers(own)
    if numbers is None:
        _by_name(ax, selection)
    else:
        _by_number(ax, selection, numbers, common)


def _as_numbers(texts: Sequence[str]) -> list[float] | None:
    try:
        return [float(text) for text in texts]
    except ValueError:
        return None


def _scores(selection: Selection) -> tuple[np.ndarray, np.ndarray]:
    """Scores and their standard errors, NaN where there are none."""
    score = [np.nan if c.score is None or np.isinf(c.score) else c.score for c in selection.candidates]
    error = [np.nan if c.standard_error is None else c.standard_error for c in selection.candidates]
    return np.array(score), np.array(error)


def _title(selection: Selection) -> str:
    return f"Candidates by {selection.words}{', ' * bool(selection.how)}{selection.how}"


def _by_number(ax: Axes, selection: Selection, numbers: Sequence[float], common: str) -> None:
    score, error = _scores(selection)
    if np.isfinite(error).any():
        ax.errorbar(numbers, score, error, fmt="none", ecolor=FAINT, elinewidth=1, capsize=2, zorder=1)
    ax.plot(numbers, score, color=colour(0), lw=1.4, marker="o", ms=5)
    x, y = numbers[selection.chosen], score[selection.chosen]
    if np.isfinite(y):
        ax.plot(x, y, "o", ms=10, mfc="none", mec=colour(1), mew=2)
        ax.annotate(
            f"chosen: {x:g}",
            (x, y),
            (0, 12 if selection.held_out else -20),
            textcoords="offset points",
            ha="center",
            color=colour(1),
            fontsize=9,
        )
    _mark(ax, selection, numbers)
    dress(ax, _title(selection), f"… in {common}", f"{selection.words} ({selection.direction})")
    ax.margins(x=0.08, y=0.15)
    if min(numbers) > 0 and max(numbers) >= WIDE * min(numbers):
        ax.set_xscale("log")
    elif all(n == round(n) for n in numbers):
        whole_ticks(ax)


def _mark(ax: Axes, selection: Selection, numbers: Sequence[float]) -> None:
    """Candidates without a score, at the foot."""
    low, pairs = ax.get_xaxis_transform(), list(zip(numbers, selection.candidates, strict=True))
    failed = [n for n, c in pairs if c.score is None]
    endless = [n for n, c in pairs if c.score is not None and np.isinf(c.score)]
    for found, mark, name in ((failed, "x", "could not be fitted"), (endless, "v", IMPOSSIBLE)):
        if found:
            ax.plot(found, [0.03] * len(found), mark, transform=low, color=FAINT, label=name)
    if failed or endless:
        explain(ax)


def _by_name(ax: Axes, selection: Selection) -> None:
    shown = [shortened(c.model, NAME) for c in selection.candidates]
    score, error = _scores(selection)
    for i, c in enumerate(selection.candidates):
        if np.isnan(score[i]):
            name = IMPOSSIBLE if c.score is not None else "could not be fitted"
            place = {"xycoords": ("axes fraction", "data"), "va": "center", "fontsize": 9, "color": FAINT}
            ax.annotate(name, (0.02, i), **place)
            continue
        if np.isfinite(error[i]):
            ax.plot([score[i] - error[i], score[i] + error[i]], [i, i], color=FAINT, lw=1, zorder=1)
        ax.plot(score[i], i, "o", ms=7, color=colour(1) if i == selection.chosen else colour(0))
    ax.set_yticks(range(len(shown)), shown)
    ax.set_ylim(len(shown) - 0.5, -0.5)
    ax.grid(axis="y", color=FAINT, alpha=0.25, lw=0.8)
    dress(ax, _title(selection), f"{selection.words} ({selection.direction})", "")
    for label, i in zip(ax.get_yticklabels(), range(len(shown)), strict=True):
        label.set_fontweight("bold" if i == selection.chosen else "normal")
