"""Several fits to one column: their densities over its histogram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from likely.core.data import Table
from likely.errors import ModelError
from likely.faces.densities import HIGHEST, densities, dots, draw_data, dress_column, is_discrete, points
from likely.faces.entries import bound_model
from likely.faces.style import PALETTE, colour, new_axes
from likely.faces.words import kind_words, log_number, model_words, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from likely.workflows.result import Fit

NAME = 40  # characters of a model in the legend
DASHES = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))  # lines that lie on one another are told apart
THIN = 1.7
LINE, MOST = 0.062, 0.55  # of the height: room for a line of the legend, and for all of them


def plot_comparison(fits: Sequence[Fit] | Mapping[str, Fit], *, ax: Axes | None = None) -> Axes:
    """Draw the densities of several fits to the same column over its histogram, with their AIC and BIC.

    Parameters
    ----------
    fits : list of Fit, or dict      two or more; a dict gives them names, else they are called by their models
    ax : Axes                        where to draw; a new figure unless given

    Returns
    -------
    Axes      its figure is `ax.figure`; the legend is sorted by BIC, best (lowest) first

    Raises
    ------
    ModelError      fewer than two fits, a fit that has no density of one column, or fits to different data

    Examples
    --------
    >>> import likely as lk
    >>> x = [1.2, 0.4, 2.2, 0.9, 5.1, 0.3, 1.7]
    >>> ax = lk.plot_comparison([lk.fit(lk.Exponential(), x), lk.fit(lk.Gamma(), x)])
    >>> ax.get_ylabel()
    'density'
    """
    named = dict(fits) if isinstance(fits, Mapping) else dict(enumerate(fits))
    _check(list(named.values()))
    chosen = list(named.values())
    names = [str(n) for n in named] if isinstance(fits, Mapping) else [_called(f, chosen) for f in chosen]
    ax = new_axes() if ax is None else ax
    rows = _rows(chosen[0])
    discrete = all(is_discrete(bound_model(f), rows) for f in chosen)
    highest, at = draw_data(ax, rows, discrete=discrete), points(rows, discrete=discrete)
    tops = [0.0]
    for i, j in enumerate(sorted(range(len(chosen)), key=lambda j: chosen[j].bic)):
        fit = chosen[j]
        density = densities(bound_model(fit), rows, at[:, None])[0]
        density = np.where(np.isfinite(density), density, np.nan)
        style = dots(at, joined=True) if discrete else {}
        style = {**style, "ls": DASHES[i // len(PALETTE) % len(DASHES)] if discrete else DASHES[i % len(DASHES)]}
        label = f"{names[j]}: AIC {log_number(fit.aic)}, BIC {log_number(fit.bic)}"
        ax.plot(at, density, color=colour(i), lw=THIN, label=label, **style)
        tops.append(float(np.nanmax(density)))
    room = 1.06 / (1 - min(LINE * (len(chosen) + 1), MOST))
    ax.set_ylim(0, room * max(highest, min(max(tops), HIGHEST * highest)))
    dress_column(ax, rows, f"Densities of {len(chosen)} models", discrete=discrete)
    return ax


def _check(fits: list[Fit]) -> None:
    if len(fits) < 2:
        raise ModelError(f"plot_comparison needs two or more fits; it got {len(fits)}. One alone is fit.plot().")
    for i, fit in enumerate(fits):
        why = ""
        if fit.n_columns != 1:
            why = f"is of {fit.n_columns} columns"
        elif fit.model.uses_given:
            why = "has another density for each row, with the covariates"
        elif fit.data is None:
            why = "was loaded, and carries no data"
        if why:
            raise ModelError(
                f"plot_comparison draws the density of one column, and fit {i + 1} ({kind_words(fit.model)}) {why}."
            )
    first = _rows(fits[0])
    for i, fit in enumerate(fits[1:]):
        if not _same(first, _rows(fit)):
            raise ModelError(
                f"fit {i + 2} was fitted to other data than the first ({len(_rows(fit))} and {len(first)} rows): "
                "densities, AIC and BIC compare models of the same data."
            )


def _rows(fit: Fit) -> Table:
    assert fit.data is not None
    return fit.data.rows


def _same(a: Table, b: Table) -> bool:
    both = [(a.x, b.x), (a.weight_column(), b.weight_column())]
    return len(a) == len(b) and all(np.array_equal(p, q, equal_nan=True) for p, q in both)


def _called(fit: Fit, fits: Sequence[Fit]) -> str:
    """The model in words, or as it was written where words do not tell it from another."""
    words = model_words(fit.model).removesuffix(" distribution")
    if sum(model_words(f.model).removesuffix(" distribution") == words for f in fits) == 1:
        return shortened(words, NAME)
    return shortened(repr(fit.family), NAME)
