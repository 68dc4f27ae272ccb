"""Two columns as points, coloured by component, under the components' outlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likely.core.data import Sequences, Table
from likely.core.family import Family
from likely.faces.densities import component_words, densities
from likely.faces.entries import bound_model
from likely.faces.states import state_words
from likely.faces.style import INK, colour, dress, explain
from likely.faces.words import capital, column_words, model_words
from likely.numerics.soft import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Ellipse

    from likely.workflows.result import Fit

MOST = 20_000  # points that are drawn; of more, a sample
CROWDED = 2_000  # points beyond which each is paler, so that the outlines stay visible
MARGIN = 0.06  # of the range, on all sides
GRID = 160  # steps along each axis where a density is drawn by its contours
INSIDE = (0.393, 0.865)  # probability within 1 and 2 standard deviations of a bivariate normal
NAMED = 8  # components named in the legend
HALO = 2.5  # points of white around the numbers


def draw_scatter(fit: Fit, ax: Axes, pair: tuple[int, int] | None = None) -> None:
    """Points by their most probable component (the paler the less certain), and where each component lies."""
    assert fit.data is not None
    rows, model = fit.data.rows, bound_model(fit)
    pair = pair or (numeric_columns(fit)[0], numeric_columns(fit)[1])
    r = _of_rows(fit, model)
    points = rows.x[:, pair]
    low, high = _limits(points)
    colour_points(ax, points, r)
    _outlines(ax, model, rows, pair, low, high)
    if r.shape[1] > 1:
        words = state_words(fit, r.mean(0)) if model.axis == "state" else component_words(model, fit.label_names)
        _numbers(ax, points, r * rows.weight_column(), words)
    ax.set_xlim(low[0], high[0])
    ax.set_ylim(low[1], high[1])
    names = column_words(fit)
    dress(ax, capital(model_words(fit.model)), names[pair[0]], names[pair[1]])
    if 1 < r.shape[1] <= NAMED:
        explain(ax)


def _of_rows(fit: Fit, model: Family) -> Array:
    """(n, m): probability of each component (that of its sequence, where these have components) or state of a row."""
    assert fit.data is not None
    if model.axis not in ("component", "state"):
        return np.ones((len(fit.data.rows), 1))
    r = fit.responsibilities()
    return r[fit.data.owner] if isinstance(fit.data, Sequences) and model.axis == "component" else r


def numeric_columns(fit: Fit) -> list[int]:
    """Positions of the columns that are not text."""
    text = fit.data.rows.text if fit.data is not None else ()
    return [j for j in range(fit.n_columns) if not (text and text[j])]


def _limits(points: Array) -> tuple[Array, Array]:
    low, high = np.nanmin(points, 0), np.nanmax(points, 0)
    margin = MARGIN * np.where(high > low, high - low, 1.0)
    return low - margin, high + margin


def colour_points(ax: Axes, points: Array, r: Array) -> None:
    """Points (n, 2), each in the colour of its most probable component, the paler the less certain; r is (n, m)."""
    from matplotlib.colors import to_rgba_array

    if len(points) > MOST:
        chosen = np.sort(np.random.default_rng(0).choice(len(points), MOST, replace=False))
        points, r = points[chosen], r[chosen]
    m = r.shape[1]
    best = r.argmax(1)
    sure = (r.max(1) - 1 / m) / (1 - 1 / m) if m > 1 else np.ones(len(r))
    colours = to_rgba_array([colour(c) for c in range(m)])[best]
    crowd = np.clip((CROWDED / len(points)) ** 0.5, 0.15, 1)
    colours[:, 3] = crowd * (0.2 + 0.5 * np.clip(sure, 0, 1))
    size = float(np.clip(6000 / len(points), 3, 26))
    ax.scatter(*points.T, s=size, c=colours, linewidths=0, rasterized=len(points) > MOST // 4)


def _outlines(ax: Axes, model: Family, rows: Table, pair: tuple[int, int], low: Array, high: Array) -> None:
    shapes = ellipses(model, pair)
    if shapes is not None:
        for c, (mean, covariance) in enumerate(zip(*shapes, strict=True)):
            for sds in (1, 2):
                ax.add_patch(_ellipse(mean, covariance, sds, colour(c)))
    elif rows.d == 2 and not model.uses_given and not model.sequential:
        _contours(ax, model, rows, pair, low, high)


def ellipses(model: Family, pair: tuple[int, int]) -> tuple[Array, Array] | None:
    """Means (m, 2) and covariances (m, 2, 2) of the components in two columns, where they have such."""
    params, family = model.known_params(), model
    if family.axis in ("component", "state"):
        inner = "component" if family.axis == "component" else "emission"
        params, family = params[inner], family.parts()[inner]
    if family.parts() or "mean" not in params or "covariance" not in params or params.mean.ndim != 2:
        return None
    both = list(pair)
    return params.mean[:, both], params.covariance[:, both][:, :, both]


def _ellipse(mean: Array, covariance: Array, sds: float, edge: str) -> Ellipse:
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Ellipse

    values, vectors = np.linalg.eigh(covariance)
    angle = float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])))
    long, short = 2 * sds * np.sqrt(values[::-1])
    return Ellipse(
        (float(mean[0]), float(mean[1])), long, short, angle=angle,
        facecolor=to_rgba(edge, 0.10), edgecolor=to_rgba(edge, 0.9), linewidth=1.4 if sds == 1 else 0.9, zorder=2,
    )  # fmt: skip


def _contours(ax: Axes, model: Family, rows: Table, pair: tuple[int, int], low: Array, high: Array) -> None:
    """Outlines of the density of each component that hold as much as 1 and 2 standard deviations of a normal."""
    axes = [_steps(rows.x[:, j], low[c], high[c]) for c, j in enumerate(pair)]
    across, up = np.meshgrid(*axes)
    at = np.empty((across.size, 2))
    at[:, pair[0]], at[:, pair[1]] = across.ravel(), up.ravel()
    total, each = densities(model, rows, at)
    for c, density in enumerate(each.T if each.size else total[None]):
        levels = enclosing(density, INSIDE)
        if len(levels):
            ax.contour(
                across,
                up,
                density.reshape(across.shape),
                levels,
                colors=[colour(c)],
                linewidths=(0.9, 1.4)[-len(levels) :],
            )


def _steps(x: Array, low: float, high: float) -> Array:
    """Whole numbers where the data are few whole numbers: between them a count has no probability."""
    if (x == np.round(x)).all() and high - low < GRID:
        return np.arange(np.ceil(low), np.floor(high) + 1)
    return np.linspace(low, high, GRID)


def enclosing(density: Array, shares: tuple[float, ...]) -> list[float]:
    """Levels, increasing, above which a density on an even grid holds each share of its mass there."""
    falling = np.sort(density[np.isfinite(density)])[::-1]
    mass = falling.cumsum()
    if not len(mass) or mass[-1] <= 0:
        return []
    found = {float(falling[np.searchsorted(mass, s * mass[-1])]) for s in shares}
    return sorted(v for v in found if 0 < v < falling[0])


def _numbers(ax: Axes, points: Array, weights: Array, names: list[str]) -> None:
    """The number of each component at the mean of its rows, and an entry for the legend."""
    from matplotlib.lines import Line2D
    from matplotlib.patheffects import withStroke

    seen = np.isfinite(points).all(1)
    for c, name in enumerate(names):
        w = weights[seen, c]
        if w.sum() > 0:
            x, y = w @ points[seen] / w.sum()
            halo = [withStroke(linewidth=HALO, foreground="white")]
            ax.annotate(
                str(c + 1),
                (x, y),
                ha="center",
                va="center",
                color=INK,
                fontsize=12,
                fontweight="bold",
                path_effects=halo,
            )
        if len(names) <= NAMED:
            ax.add_line(Line2D([], [], ls="", marker="o", ms=6, color=colour(c), label=name))
