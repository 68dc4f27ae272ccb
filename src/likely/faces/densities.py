"""The density of one column over its histogram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from likely.core.data import Table
from likely.core.family import Family
from likely.faces.entries import bound_model
from likely.faces.style import DATA, INK, colour, dress, explain, whole_ticks
from likely.faces.words import capital, kind_words, model_words, plural
from likely.numerics.soft import Array
from likely.structures.side_by_side import Alternatives

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from likely.workflows.result import Fit

POINTS = 1000  # at which a smooth curve is evaluated
MARGIN = 0.06  # of the range, on both sides
ENOUGH_BINS, MOST_BINS = 40, 200
BARS = 150  # values with a bar each; more of them get bins
BETWEEN = 0.381966  # of the way to the next value: no whole number, however far that is
HIGHEST = 1.6  # times the highest bar: beyond it a peak is cut off, so that the data stay visible
NAMED = 8  # components named in the legend


def draw_density(fit: Fit, ax: Axes) -> None:
    """Histogram of the data, the model's density, and the weighted density of each component."""
    assert fit.data is not None
    rows, model = fit.data.rows, bound_model(fit)
    discrete = is_discrete(model, rows)
    highest = draw_data(ax, rows, discrete=discrete)
    at = points(rows, discrete=discrete)
    total, each = densities(model, rows, at[:, None])
    possible = np.isfinite(total) & ((total > 0) | (not discrete))
    at, total, each = at[possible], total[possible], each[possible]
    joined = not any(rows.text) and len(at) > 2
    _curves(ax, at, total, each, component_words(model, fit.label_names), dots(at, joined) if discrete else None)
    room = 1.06 if joined else 1.35  # above bars that leave the legend no corner
    ax.set_ylim(0, room * max(highest, min(total.max(initial=0.0), HIGHEST * highest)))
    dress_column(ax, rows, capital(model_words(fit.model)), discrete=discrete)


def draw_data(ax: Axes, rows: Table, *, discrete: bool) -> float:
    """Bars of the data; the height of the highest."""
    x, weights = column(rows)
    return _bars(ax, x, weights) if discrete and _steps(x) <= BARS else _histogram(ax, x, weights, discrete)


def points(rows: Table, *, discrete: bool) -> Array:
    """(g,): where densities of the column are drawn."""
    x, _ = column(rows)
    return _atoms(x, rows) if discrete else _grid(x)


def dress_column(ax: Axes, rows: Table, title: str, *, discrete: bool) -> None:
    """Ticks, labels and legend of a picture of one column's density."""
    if any(rows.text):
        codes = np.unique(column(rows)[0])
        ax.set_xticks(codes, [rows.vocabulary[int(c)] for c in codes])
    elif discrete:
        whole_ticks(ax)
    dress(ax, title, rows.names[0] if rows.names else "value", "probability" if discrete else "density")
    explain(ax)


def column(rows: Table) -> tuple[Array, Array]:
    """The values of the only column, and their weights."""
    seen = np.isfinite(rows.x[:, 0])
    return rows.x[seen, 0], np.asarray(rows.weight_column())[seen, 0]


def densities(model: Family, rows: Table, at: Array) -> tuple[Array, Array]:
    """Density (g,) of the (bound) model at some points (g, d), and each component's part (g, m) of it."""
    posterior = model.infer(model.known_params(), rows.with_(x=at, weights=None, labels=None))
    total = np.exp(posterior.log_prob[:, 0])
    if model.axis != "component":
        return total, np.zeros((len(at), 0))
    return total, total[:, None] * posterior.hidden[:, 0]


def component_words(model: Family, names: Sequence[str] = ()) -> list[str]:
    """The components of a (bound) mixture with their weights, for a legend; none where there are none.

    They are called by their labels' names, or by their kinds where these differ.
    """
    if model.axis != "component":
        return []
    component, weights = model.parts()["component"], model.known_params().weights[0]
    kinds = [kind_words(f) for f in component.parts().values()] if isinstance(component, Alternatives) else []
    called = [f"component {j + 1}" for j in range(len(weights))]
    for j, name in enumerate(names or kinds):
        called[j] = f"{j + 1} {name}"
    return [f"{name} ({w:.0%})" for name, w in zip(called, weights, strict=True)]


def is_discrete(model: Family, rows: Table) -> bool:
    """Is nothing possible between the values? Then a density is a probability."""
    if any(rows.text):
        return True
    values = np.unique(column(rows)[0])
    gaps = np.append(np.diff(values), 1.0)
    return not densities(model, rows, (values + BETWEEN * gaps)[:, None])[0].any()


def _steps(x: Array) -> float:
    """The range in units of the smallest difference."""
    return float(np.ptp(x)) / float(np.diff(np.unique(x)).min(initial=np.ptp(x) or 1.0))


def _bars(ax: Axes, x: Array, weights: Array) -> float:
    """A bar for each value; the height of the highest."""
    values, place = np.unique(x, return_inverse=True)
    share = np.bincount(place, weights) / weights.sum()
    width = 0.86 * float(np.diff(values).min(initial=1.0))
    ax.bar(values, share, width, color=DATA, lw=0, label=f"data ({plural(len(x), 'row')})")
    return float(share.max())


def _histogram(ax: Axes, x: Array, weights: Array, discrete: bool) -> float:
    edges = bin_edges(x, whole=discrete or bool((x == np.round(x)).all()))
    height, _ = np.histogram(x, edges, weights=weights, density=True)
    middle, width = (edges[:-1] + edges[1:]) / 2, np.diff(edges)
    ax.bar(middle, height, width, color=DATA, edgecolor="white", lw=0.6, label=f"data ({plural(len(x), 'row')})")
    return float(height.max())


def bin_edges(x: Array, *, whole: bool) -> Array:
    """Bins of Freedman & Diaconis (1981), but at least the root of n: theirs are too wide for data with several peaks.

    Bins of whole numbers hold the same number of values each.
    """
    span = float(np.ptp(x))
    if span == 0:
        return x[0] + np.array([-0.5, 0.5])
    quartiles = np.quantile(x, [0.25, 0.75])
    width = 2 * float(quartiles[1] - quartiles[0]) / len(x) ** (1 / 3)
    width = float(np.clip(width, span / MOST_BINS, span / min(len(x) ** 0.5, ENOUGH_BINS)))
    if whole:
        step = max(1, round(width))
        return np.arange(x.min(), x.max() + step + 1, step) - 0.5
    return np.linspace(x.min(), x.max(), max(2, round(span / width) + 1))


def _atoms(x: Array, rows: Table) -> Array:
    """The values that have a probability: whole numbers, also some beyond the data; else those of the data."""
    if any(rows.text) or (x != np.round(x)).any():
        return np.unique(x)
    margin = np.ceil(MARGIN * np.ptp(x))
    return np.arange(x.min() - margin, x.max() + margin + 1)


def _grid(x: Array) -> Array:
    """Even steps, and the data's quantiles so that no narrow peak falls between two of them."""
    margin = MARGIN * (float(np.ptp(x)) or 1.0)
    even = np.linspace(x.min() - margin, x.max() + margin, POINTS)
    return np.union1d(even, np.quantile(x, np.linspace(0, 1, POINTS // 2)))


def dots(at: Array, joined: bool) -> dict[str, Any]:
    """Probabilities are dots, which a line joins where the values are many and in order."""
    if len(at) > 2 * BARS:
        return {}
    return {"marker": "o", "ms": 4.5, "ls": "-"} if joined else {"marker": "o", "ms": 7, "ls": ""}


def _curves(ax: Axes, at: Array, total: Array, each: Array, names: Sequence[str], style: dict[str, Any] | None) -> None:
    """The components' curves, filled unless they are of dots, under that of the model."""
    for j, name in enumerate(names):
        label = name if len(names) <= NAMED else None
        if style is None:
            ax.fill_between(at, each[:, j], facecolor=colour(j), alpha=0.38, lw=0, label=label)
        ax.plot(at, each[:, j], color=colour(j), lw=1.0, label=None if style is None else label, **style or {})
    ax.plot(at, total, color=INK, lw=1.5, label="model", **style or {})
