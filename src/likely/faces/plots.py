"""Pictures of a fit. Which kinds there are, what each needs, and how a picture becomes a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from likely.core.named import positions
from likely.errors import FileError, ModelError
from likely.faces.densities import draw_density
from likely.faces.entries import bound_model
from likely.faces.regressions import draw_regression
from likely.faces.scatter import draw_scatter, numeric_columns
from likely.faces.style import new_axes
from likely.faces.traces import draw_selection, draw_trace
from likely.faces.words import column_words
from likely.io.replacing import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from likely.workflows.result import Fit


@dataclass(frozen=True)
class Kind:
    """One kind of picture."""

    draw: Callable[..., None]  # (fit, axes), and for a scatter the pair of columns
    lacks: Callable[[Fit], str]  # why a fit has no such picture; "" where it has


def plot(
    fit: Fit, kind: str | None = None, ax: Axes | None = None, *, columns: Sequence[str | int] | None = None
) -> Axes:
    """Draw a fit.

    Parameters
    ----------
    kind : str             "density" (one column), "scatter" (two), "regression" (one column against one covariate),
                           "trace" (objective by pass) or "selection" (the candidates' scores); the first of these that
                           the fit has, unless named
    ax : Axes              where to draw; a new figure unless given
    columns : two names    (or positions from 0) which columns a scatter shows; the first two unless given

    Returns
    -------
    Axes      its figure is `ax.figure`

    Raises
    ------
    ModelError      a kind that does not exist or that this fit does not have, or columns that are not there
    """
    kind = _kind(fit, kind if columns is None else kind or "scatter")
    which = {} if columns is None else {"pair": _pair(fit, kind, columns)}
    ax = new_axes() if ax is None else ax
    KINDS[kind].draw(fit, ax, **which)
    return ax


def _kind(fit: Fit, kind: str | None) -> str:
    has = [name for name, k in KINDS.items() if not k.lacks(fit)]
    offer = f"it has {' or '.join(map(repr, has))}" if has else "it has no picture"
    if kind is None:
        if not has:
            reasons = "; ".join(f"{name}: {k.lacks(fit)}" for name, k in KINDS.items())
            raise ModelError(f"this fit has no picture ({reasons}).")
        return has[0]
    if kind not in KINDS:
        raise ModelError(f"plot({kind!r}): the kinds are {', '.join(map(repr, KINDS))}; of this fit, {offer}.")
    if why := KINDS[kind].lacks(fit):
        raise ModelError(f"plot({kind!r}) of this fit: {why}; {offer}.")
    return kind


def _pair(fit: Fit, kind: str, columns: Sequence[str | int]) -> tuple[int, int]:
    """Which two columns a scatter shows."""
    if kind != "scatter":
        raise ModelError(f"plot({kind!r}, columns={columns!r}): columns=... chooses the two columns of a scatter.")
    numeric, chosen = numeric_columns(fit), positions(columns, fit.columns, fit.n_columns)
    if len(chosen) != 2 or not set(chosen) <= set(numeric):
        names = ", ".join(column_words(fit)[j] for j in numeric)
        raise ModelError(f"plot(columns={columns!r}): a scatter needs two columns of numbers; there are {names}.")
    return chosen[0], chosen[1]


def _no_density(fit: Fit) -> str:
    if fit.n_columns != 1:
        return f"a density is drawn for one column, and this fit has {fit.n_columns}"
    if fit.model.uses_given:
        return "its density differs from row to row with the covariates"
    return _no_data(fit)


def _no_scatter(fit: Fit) -> str:
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


KINDS = {
    "density": Kind(draw_density, _no_density),
    "scatter": Kind(draw_scatter, _no_scatter),
    "regression": Kind(draw_regression, _no_regression),
    "trace": Kind(draw_trace, _no_trace),
    "selection": Kind(draw_selection, _no_selection),
}

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
