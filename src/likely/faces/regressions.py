"""One column against one covariate, under what each component expects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likely.faces.densities import component_words
from likely.faces.entries import bound_model
from likely.faces.scatter import MARGIN, colour_points
from likely.faces.style import colour, dress, explain
from likely.faces.words import capital, model_words
from likely.numerics.soft import Array, safe_log

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from likely.core.data import Table
    from likely.core.family import Family
    from likely.workflows.result import Fit

ACROSS, UP = 120, 800  # steps of the covariate, and of the column, at which the density is evaluated
REACH = 1.0  # ranges of the column above and below the data that the sums take in


def draw_regression(fit: Fit, ax: Axes) -> None:
    """Points by their most probable component; lines are expected values, bands one standard deviation."""
    assert fit.data is not None
    rows, model = fit.data.rows, bound_model(fit)
    assert rows.given is not None
    points = np.column_stack([rows.given[:, 0], rows.x[:, 0]])
    r = fit.responsibilities() if model.axis == "component" else np.ones((len(rows), 1))
    colour_points(ax, points, r)
    low, high = np.nanmin(points, 0), np.nanmax(points, 0)
    at = _steps(points[:, 0], low[0], high[0], ACROSS)
    mean, sd = _expected(model, rows, at, low[1], high[1])
    names = component_words(model, fit.label_names) or ["model"]
    for j, name in enumerate(names):
        ax.fill_between(at, mean[:, j] - sd[:, j], mean[:, j] + sd[:, j], facecolor=colour(j), alpha=0.15, lw=0)
        ax.plot(at, mean[:, j], color=colour(j), lw=1.8, label=name)
    margin = MARGIN * (high[1] - low[1] or 1.0)
    ax.set_ylim(low[1] - margin, high[1] + margin)
    x = fit.given[0] if fit.given else "covariate"
    dress(ax, capital(model_words(fit.model)), x, fit.columns[0] if fit.columns else "value")
    explain(ax)


def _expected(model: Family, rows: Table, at: Array, low: float, high: float) -> tuple[Array, Array]:
    reach = REACH * (high - low or 1.0)
    even = np.linspace(low - reach, high + reach, UP)
    found = expectations(model, rows, at, even)
    if np.isfinite(found[0]).all():
        return found
    whole = expectations(model, rows, at, np.unique(np.round(even)))  # for counts nothing else is possible
    return max(found, whole, key=lambda pair: np.isfinite(pair[0]).sum())


def expectations(model: Family, rows: Table, at: Array, steps: Array) -> tuple[Array, Array]:
    """Mean and standard deviation (g, m) of the column in each component at values (g,) of the covariate.

    They are sums over a grid of the column's values, so that they need nothing but the density; NaN where none of those
    values is possible.
    """
    given, x = np.repeat(at, len(steps))[:, None], np.tile(steps, len(at))[:, None]
    posterior = model.infer(model.known_params(), rows.with_(x=x, given=given, weights=None, labels=None))
    log_density = posterior.log_prob
    if model.axis == "component":
        log_density = log_density + safe_log(posterior.hidden[:, 0])
    log_density = log_density.reshape(len(at), len(steps), -1)
    with np.errstate(invalid="ignore"):
        share = np.exp(log_density - log_density.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    mean = np.einsum("gsm,s->gm", share, steps)
    variance = np.einsum("gsm,gsm->gm", share, (steps[:, None] - mean[:, None]) ** 2)
    return mean, np.sqrt(variance)


def _steps(values: Array, low: float, high: float, most: int) -> Array:
    """An even grid; of whole numbers where the values are such, for some families know no others."""
    even = np.linspace(low, high, most)
    return np.unique(np.round(even)) if (values == np.round(values)).all() else even
