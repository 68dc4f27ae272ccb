"""Four pictures of one column: density, distribution function, quantiles and probabilities against the data's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likely.errors import ModelError
from likely.faces.densities import column, draw_density, is_discrete
from likely.faces.entries import bound_model
from likely.faces.style import DATA, FAINT, INK, colour, dress, explain, whole_ticks
from likely.numerics import special
from likely.numerics.soft import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from likely.workflows.result import Fit

SIZE = (9.6, 7.2)  # inches
DOTS = 400  # quantiles that are drawn; of more rows, so many evenly
POINTS = 400  # at which a smooth distribution function is evaluated
BAND = 0.95  # of the samples of this size from the model have this order statistic in the band


def no_panel(fit: Fit) -> str:
    """Why a fit of one column (whose density can be drawn) has no panel."""
    assert fit.data is not None
    try:
        fit.model.cdf(fit.data.rows.x[:1, 0])
    except ModelError as error:
        return str(error).rstrip(".")
    return ""


def draw_panel(fit: Fit, ax: Axes) -> None:
    """Four axes in place of the given ones, the first with the title."""
    assert fit.data is not None
    rows, model = fit.data.rows, bound_model(fit)
    x, weights = column(rows)
    discrete = is_discrete(model, rows)
    name = fit.columns[0] if fit.columns else "value"
    density, cdf, third, fourth = _four(ax)
    draw_density(fit, density)
    values, below = _steps(x, weights)
    _cdf(cdf, fit, values, below, discrete=discrete, name=name)
    if discrete:
        _rootogram(third, fit, values, np.diff(below, prepend=0.0), weights.sum(), name)
    else:
        _quantiles(third, fit, x, weights, name)
    _probabilities(fourth, fit, values, below, len(x) if (weights == 1).all() else 0, discrete=discrete)
    ax.set_axis_off()


def _four(ax: Axes) -> list[Axes]:
    """Axes in two rows and two columns where the given ones are."""
    figure, place = ax.figure, ax.get_subplotspec()
    if place is None:
        box = ax.get_position()
        place = figure.add_gridspec(1, 1, left=box.x0, right=box.x1, bottom=box.y0, top=box.y1)[0]
    inner = place.subgridspec(2, 2)
    return [figure.add_subplot(inner[i, j]) for i in range(2) for j in range(2)]


def _steps(x: Array, weights: Array) -> tuple[Array, Array]:
    """Distinct values, increasing, and the share of the data at or below each."""
    values, place = np.unique(x, return_inverse=True)
    return values, np.bincount(place, weights).cumsum() / weights.sum()


def _cdf(ax: Axes, fit: Fit, values: Array, below: Array, *, discrete: bool, name: str) -> None:
    margin = 0.06 * (np.ptp(values) or 1.0)
    low, high = values[0] - margin, values[-1] + margin
    ax.stairs(below, np.append(values, high), baseline=None, color=colour(0), lw=1.4, label="data")
    ax.vlines(values[0], 0, below[0], color=colour(0), lw=1.4)
    at = np.arange(np.floor(low), np.ceil(high) + 1) if discrete else np.linspace(low, high, POINTS)
    ax.plot(at, fit.model.cdf(at), color=INK, lw=1.2, label="model", drawstyle="steps-post" if discrete else "default",
            ls=(0, (4, 2)) if discrete else "-")  # fmt: skip
    ax.set_xlim(low, high)
    ax.set_ylim(0, 1.03)
    dress(ax, "", name, "cumulative probability")
    explain(ax)
    if discrete:
        whole_ticks(ax)


def _quantiles(ax: Axes, fit: Fit, x: Array, weights: Array, name: str) -> None:
    """Quantiles of the data against those of the model at the middle of each row's share of the weight."""
    order = np.argsort(x)
    shares = weights[order] / weights.sum()
    level = shares.cumsum() - shares / 2
    chosen = _some(len(x))
    theirs, own = np.atleast_1d(fit.model.quantile(level[chosen])), x[order][chosen]
    if (weights == 1).all():
        low, high = _orders(len(x), chosen)
        ax.fill_between(
            theirs, fit.model.quantile(low), fit.model.quantile(high), facecolor=DATA, lw=0, zorder=0,
            label=f"{BAND:.0%} of samples",
        )  # fmt: skip
    _line(ax, theirs, own)
    ax.plot(theirs, own, "o", ms=3.5, mew=0, color=colour(0), alpha=0.8)
    dress(ax, "", f"quantile of the model ({name})", f"quantile of the data ({name})")
    if ax.collections:
        explain(ax)


def _probabilities(ax: Axes, fit: Fit, values: Array, below: Array, n: int, *, discrete: bool) -> None:
    """Cumulative probabilities of the data against those of the model; for an honest line both at the values.

    n is the number of rows where each counts once, else 0.
    """
    chosen = _some(len(values))
    middle = below if discrete else below - np.diff(below, prepend=0.0) / 2
    own, theirs = middle[chosen], fit.model.cdf(values[chosen])
    if n and not discrete:
        at = np.unique(np.linspace(1, n, min(n, DOTS)).round().astype(int)) - 1
        low, high = _orders(n, at)
        ax.fill_betweenx((at + 0.5) / n, low, high, facecolor=DATA, lw=0, zorder=0)
    ax.plot([0, 1], [0, 1], color=FAINT, lw=0.9, zorder=1)
    ax.plot(theirs, own, "o", ms=5 if discrete else 3.5, mew=0, color=colour(0), alpha=0.8)
    ax.set_xlim(-0.03, 1.03)
    ax.set_ylim(-0.03, 1.03)
    dress(ax, "", "cumulative probability of the model", "cumulative share of the data")


def _rootogram(ax: Axes, fit: Fit, values: Array, share: Array, n: float, name: str) -> None:
    """Bars of the data hang from the model's curve, on the scale of square roots, where all misfits look alike.

    Tukey (1977); Kleiber & Zeileis (2016). A bar that ends above 0 is of a value that is too rare in the data.
    """
    at = np.arange(values[0], values[-1] + 1) if (values == np.round(values)).all() else values
    expected = np.sqrt(n * np.exp(fit.model.log_prob(at)))
    observed = np.zeros(len(at))
    observed[np.searchsorted(at, values)] = np.sqrt(n * share)
    width = 0.86 * float(np.diff(at).min(initial=1.0))
    ax.bar(at, observed, width, expected - observed, color=DATA, lw=0, label="data, hanging")
    ax.plot(at, expected, color=INK, lw=1.3, marker="o", ms=4, label="model")
    ax.axhline(0, color=FAINT, lw=0.9)
    ax.margins(y=0.08)
    dress(ax, "", name, "square root of the number of rows")
    explain(ax)
    whole_ticks(ax)


def _line(ax: Axes, theirs: Array, own: Array) -> None:
    """Where both are the same."""
    ends = [min(theirs[0], own[0]), max(theirs[-1], own[-1])]
    ax.plot(ends, ends, color=FAINT, lw=0.9, zorder=1)


def _some(count: int) -> Array:
    """Positions of as many as are drawn, with the first and the last."""
    return np.unique(np.linspace(0, count - 1, min(count, DOTS)).round().astype(int))


def _orders(n: int, chosen: Array) -> tuple[Array, Array]:
    """Ends of the band of order statistics of n uniform numbers, which are beta distributed."""
    first, last = (1 - BAND) / 2, (1 + BAND) / 2
    return special.betaincinv(chosen + 1, n - chosen, first), special.betaincinv(chosen + 1, n - chosen, last)
