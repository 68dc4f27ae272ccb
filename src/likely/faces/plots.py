"""Pictures of a fit. Which kinds there are, what each needs, and how a picture becomes a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from likely.core.named import positions
from likely.core.numbers import numbers
from likely.em.path import Path
from likely.errors import FileError, ModelError
from likely.faces.densities import draw_density
from likely.faces.entries import bound_family, bound_model
from likely.faces.panels import SIZE as PANEL
from likely.faces.panels import draw_panel, no_panel
from likely.faces.posteriors import draw_posterior, no_posterior
from likely.faces.profiles import draw_profile
from likely.faces.regressions import draw_regression
from likely.faces.scatter import draw_scatter, numeric_columns
from likely.faces.state_space import TALL, draw_diagnostics, draw_forecast, draw_series, no_series
from likely.faces.states import (
    PAIR,
    SQUARE,
    WIDE,
    draw_moves,
    draw_residuals,
    draw_states,
    no_moves,
    no_residuals,
    no_states,
)
from likely.faces.style import SIZE, new_axes
from likely.faces.surfaces import Limits, draw_surface
from likely.faces.traces import draw_selection, draw_trace
from likely.faces.words import column_words, plural
from likely.io.replacing import replacing
from likely.structures.state_questions import StateQuestions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from likely.workflows.result import Fit


@dataclass(frozen=True)
class Kind:
    """One kind of picture."""

    draw: Callable[..., None]  # (fit, axes), and its options by name
    lacks: Callable[[Fit], str]  # why a fit has no such picture; "" where it has
    options: tuple[str, ...] = ()
    size: tuple[float, float] = SIZE  # of a new figure, in inches


def plot(
    fit: Fit, kind: str | None = None, ax: Axes | None = None, *, columns: Sequence[str | int] | None = None,
    x: str | None = None, y: str | None = None, path: Path | Sequence[Path] | None = None,
    limits: tuple[Limits, Limits] | None = None, h: int | None = None, future: Any = None,
) -> Axes:  # fmt: skip
    """Draw a fit.

    Parameters
    ----------
    kind : str             "states" (one column over time, of a hidden Markov model), "density" (one column), "scatter"
                           (two), "regression" (one column against one covariate), "trace" (objective by pass) or
                           "selection" (the candidates' scores); the first of these that the fit has, unless named. Also
                           "transition" (the matrix of moves), "residuals" (pseudo-residuals over time and against the
                           normal distribution), "panel" (density, distribution function, quantiles and
                           probabilities of one column against the data's), "posterior" (one number under its conjugate
                           prior), "profile" (the log-likelihood over one number, the others maximised anew), "surface"
                           (over two numbers, the others as fitted). Of a state space "states" (every column with what
                           is known of the states), "residuals" (over time, against the normal distribution, and their
                           autocorrelations) and "forecast" (rows to come, with the bands they lie in)
    ax : Axes              where to draw; a new figure unless given
    columns : two names    (or positions from 0) which columns a scatter shows; the first two unless given
    x, y : str             the numbers of a profile (x) or a surface (x and y), as one writes them behind `fit.model.`:
                           "mean", "component.mean[1]"; where there are no others they need no naming
    path : Path or list    what a `Path` saw of a fit, drawn on its surface
    limits : two pairs     (lowest, highest) of x and of y on a surface; from the maximum down, and around paths,
                           unless given
    h : int                how many rows a forecast goes ahead; a third of the longest series, and 24 at most, unless
                           given
    future : array (h, p)  inputs of the rows that are forecast, of models that have inputs

    Returns
    -------
    Axes      its figure is `ax.figure`; those of a panel are the four that follow it in `ax.figure.axes`

    Raises
    ------
    ModelError      a kind that does not exist or that this fit does not have, an option that is of another kind,
                    columns or numbers that are not there
    """
    options = {"columns": columns, "x": x, "y": y, "path": path, "limits": limits, "h": h, "future": future}
    options = {name: value for name, value in options.items() if value is not None}
    kind = _kind(fit, kind or _implied(options))
    drawn = _kinds(fit)[kind]
    for name in options:
        if name not in drawn.options:
            raise ModelError(f"plot({kind!r}, {name}={options[name]!r}): {MEANT[name]}.")
    if columns is not None:
        options = {"pair": _pair(fit, columns)}
    ax = new_axes(drawn.size) if ax is None else ax
    drawn.draw(fit, ax, **options)
    return ax


MEANT = {
    "columns": "columns=... chooses the two columns of a scatter",
    "x": "x=... names a number of a profile or a surface",
    "y": "y=... names the second number of a surface",
    "path": "path=... is drawn on a surface",
    "limits": "limits=... are those of a surface",
    "h": "h=... is how far a forecast goes",
    "future": "future=... are the inputs of a forecast",
}


def _implied(options: Collection[str]) -> str | None:
    """The kind that options alone tell."""
    if "columns" in options:
        return "scatter"
    if {"y", "path", "limits"} & set(options):
        return "surface"
    if {"h", "future"} & set(options):
        return "forecast"
    return "profile" if options else None


def _kinds(fit: Fit) -> dict[str, Kind]:
    """The kinds that there are for such a model."""
    return {**KINDS, **OF_STATE_SPACES} if isinstance(fit.model, StateQuestions) else KINDS


def _kind(fit: Fit, kind: str | None) -> str:
    kinds = _kinds(fit)
    has = [name for name, k in kinds.items() if not k.lacks(fit)]
    offer = f"it has {listing(has, 'or')}" if has else "it has no picture"
    if kind is None:
        if own := [name for name in has if name in UNASKED]:
            return own[0]
        meant = [name for name in UNASKED if name != "states" or fit.model.axis == "state"]
        reasons = "; ".join(f"{name}: {kinds[name].lacks(fit)}" for name in meant)
        rest = f" By name, {offer}." if has else ""
        raise ModelError(f"this fit has no picture ({reasons}).{rest}")
    if kind not in kinds:
        raise ModelError(f"plot({kind!r}): the kinds are {', '.join(map(repr, kinds))}; of this fit, {offer}.")
    if why := kinds[kind].lacks(fit):
        raise ModelError(f"plot({kind!r}) of this fit: {why}; {offer}.")
    return kind


def listing(names: Sequence[str], word: str) -> str:
    """Names in quotes, as a sentence has them.

    >>> listing(["trace", "panel", "surface"], "or")
    "'trace', 'panel' or 'surface'"
    """
    *first, last = map(repr, names)
    return f"{', '.join(first)} {word} {last}" if first else last


def _pair(fit: Fit, columns: Sequence[str | int]) -> tuple[int, int]:
    """Which two columns a scatter shows."""
    numeric, chosen = numeric_columns(fit), positions(columns, fit.columns, fit.n_columns)
    if len(chosen) != 2 or not set(chosen) <= set(numeric):
        names = ", ".join(column_words(fit)[j] for j in numeric)
        raise ModelError(f"plot(columns={columns!r}): a scatter needs two columns of numbers; there are {names}.")
    return chosen[0], chosen[1]


def _no_density(fit: Fit) -> str:
    if fit.model.sequential:
        return "its rows come in sequences, each depending on those before it"
    if fit.n_columns != 1:
        return f"a density is drawn for one column, and this fit has {fit.n_columns}"
    if fit.model.uses_given:
        return "its density differs from row to row with the covariates"
    return _no_data(fit)


def _no_scatter(fit: Fit) -> str:
    if fit.model.reads_infinite:
        return "its rows hold the ends of intervals"
    if len(numeric_columns(fit)) < 2:
        return f"a scatter needs two columns of numbers, and this fit has {len(numeric_columns(fit))}"
    return _no_data(fit)


def _no_regression(fit: Fit) -> str:
    p = bound_model(fit).setting.dims["p"]
    if fit.n_columns != 1 or p != 1:
        return f"it draws one column against one covariate, and this fit has {fit.n_columns} and {p}"
    return _no_data(fit)


def _no_data(fit: Fit) -> str:
    return "" if fit.data is not None else "it needs the data of the fit, which a loaded fit does not carry"


def _no_trace(fit: Fit) -> str:
    return "" if len(fit.trace) > 1 else "it took one pass, so there is nothing to trace"


def _no_selection(fit: Fit) -> str:
    return "" if fit.selection is not None else "nothing was chosen; a choose(...) in the model makes candidates"


def _no_panel(fit: Fit) -> str:
    if fit.n_columns != 1:
        return f"a panel is drawn for one column, and this fit has {fit.n_columns}"
    return _no_density(fit) or no_panel(fit)


def _no_posterior(fit: Fit) -> str:
    return no_posterior(fit) or _no_data(fit)


def _no_profile(fit: Fit) -> str:
    return _no_surface(fit, 1)


def _no_surface(fit: Fit, least: int = 2) -> str:
    if why := _no_data(fit):
        return why
    if fit.hard and fit.model.hidden:
        return "hard EM counts each row wholly to one component, and has no smooth likelihood to draw"
    count = len(numbers(bound_family(fit), bound_model(fit).known_params()).names)
    return "" if count >= least else f"it needs {plural(least, 'estimated number')}, and this model has {count}"


KINDS = {
    "states": Kind(draw_states, no_states, size=WIDE),
    "density": Kind(draw_density, _no_density),
    "scatter": Kind(draw_scatter, _no_scatter, ("columns",)),
    "regression": Kind(draw_regression, _no_regression),
    "trace": Kind(draw_trace, _no_trace),
    "selection": Kind(draw_selection, _no_selection),
    "transition": Kind(draw_moves, no_moves, size=SQUARE),
    "residuals": Kind(draw_residuals, no_residuals, size=PAIR),
    "panel": Kind(draw_panel, _no_panel, size=PANEL),
    "posterior": Kind(draw_posterior, _no_posterior),
    "profile": Kind(draw_profile, _no_profile, ("x",)),
    "surface": Kind(draw_surface, _no_surface, ("x", "y", "path", "limits")),
}

OF_STATE_SPACES = {
    "states": Kind(draw_series, no_series, size=TALL),
    "residuals": Kind(draw_diagnostics, no_series, size=TALL),
    "forecast": Kind(draw_forecast, no_series, ("h", "future"), size=WIDE),
}

UNASKED = ("states", "density", "scatter", "regression", "trace", "selection")  # drawn also where no kind is named

FORMATS = ("png", "svg", "pdf")
DPI = 200  # of a PNG


def save_figure(ax: Axes, path: str | os.PathLike[str]) -> None:
    """Write the figure of some axes as PNG, SVG or PDF, by the ending of the name; whole or not at all.

    Raises
    ------
    FileError      another ending, or a place that cannot be written
    """
    name = os.fspath(path)
    kind = os.path.splitext(name)[1].lower().lstrip(".")
    if kind not in FORMATS:
        raise FileError(f"cannot write {name!r}: a picture's name ends in .png, .svg or .pdf.", path=name)
    figure = ax.get_figure(root=True)
    assert figure is not None
    with replacing(name) as unfinished:
        figure.savefig(unfinished, format=kind, dpi=DPI)
