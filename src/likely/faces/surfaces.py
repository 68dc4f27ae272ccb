"""The objective over two numbers of a model: contour lines in nats below the maximum, and the way that EM took."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from likely.core.numbers import numbers
from likely.em.path import Path
from likely.errors import ModelError
from likely.faces.entries import bound_family
from likely.faces.heights import Heights, heights
from likely.faces.places import place_words, resolve
from likely.faces.style import FAINT, INK, colour, dress, explain
from likely.numerics.soft import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from likely.workflows.result import Fit

Limits = tuple[float, float]

STEPS, FEWEST = 141, 41  # along each axis; fewer where the data is large
WORK = 2e8  # numbers that all models of a picture may take
GLANCE = 25  # steps along each axis while the limits are sought
WIDTH, SHOWN = 2.0, 9.0  # nats below the maximum: of a first guess of the limits, and at the edge of the picture
WIDER, ROUNDS = 0.5, 8  # how much of its width a side that is too near gains, and how often
MARGIN = 0.08  # of the range beyond a path
LINES, FINEST = 9, 0.5  # contours, and the innermost in nats (a standard deviation) where there are coarser ones
USUAL = 0.85  # of the picture lies above the lowest contour
ROOMY = 0.006  # of the picture, that a contour encloses if it has room for its label
PROMINENT = 0.3  # nats that a maximum stands out from its surroundings
SERIES = tuple(float(f"{lead}e{power}") for power in range(-4, 8) for lead in (1, 2, 5))
NEAR = 2  # steps of the grid within which a maximum is the fit, or the end of a path
DOTS = 60  # passes with a dot each


def draw_surface(
    fit: Fit, ax: Axes, *, x: str | None = None, y: str | None = None, path: Path | Sequence[Path] = (),
    limits: tuple[Limits, Limits] | None = None,
) -> None:  # fmt: skip
    """The objective over two numbers, the others as they are in the fit, and paths to it."""
    with heights(fit) as landscape:
        names = resolve("surface", landscape.numbers.names, x, y)
        _require_apart(landscape, names)
        ways = _ways(fit, names, path)
        low, high = _box(landscape, names, ways) if limits is None else np.transpose(_checked(limits))
        steps = int(np.clip((WORK / landscape.cost) ** 0.5, FEWEST, STEPS))
        across, up = (np.linspace(a, b, steps) for a, b in zip(low, high, strict=True))
        z = _grid(landscape, names, across, up)
        best = np.array([landscape.numbers.values[landscape.numbers.index(n)] for n in names])
        others = len(landscape.numbers.names) > 2
    below = np.fmax(np.nanmax(z), fit.objective) - z
    tops = _contours(ax, across, up, below)
    _mark(ax, tops, [best, *(way[-1] for way in ways)], (high - low) / steps)
    for j, way in enumerate(ways):
        _way(ax, way, j, several=len(ways) > 1)
    ax.plot(*best, ls="", marker="*", ms=13, mfc="white", mec=INK, mew=1.2, label="fit", zorder=5)
    ax.set_xlim(low[0], high[0])
    ax.set_ylim(low[1], high[1])
    prior = fit.objective != fit.log_likelihood
    title = f"Log-likelihood{' + log prior' if prior else ''}, in nats below the maximum"
    dress(ax, title + (" (others as fitted)" if others else ""), place_words(fit, names[0]), place_words(fit, names[1]))
    explain(ax)


def _require_apart(landscape: Heights, names: Sequence[str]) -> None:
    """The last two probabilities of several leave one another no room."""
    x, y = (landscape.numbers.values[landscape.numbers.index(n)] for n in names)
    little = 1e-3 * np.array([-1.0, 1.0])
    if not np.isfinite(landscape.at({names[0]: x + little, names[1]: np.full(2, y)})).any():
        raise ModelError(
            f"plot('surface', x={names[0]!r}, y={names[1]!r}): each of them follows from the other; choose another."
        )


def _checked(limits: tuple[Limits, Limits]) -> Array:
    box = np.asarray(limits, float)
    if box.shape != (2, 2) or not (box[:, 0] < box[:, 1]).all():
        raise ModelError(
            f"plot('surface', limits={limits!r}): limits are two pairs (lowest, highest), of x and of y, as in "
            "((0, 1), (-5, 5))."
        )
    return box


def _ways(fit: Fit, names: Sequence[str], path: Path | Sequence[Path]) -> list[Array]:
    """(passes, 2): the two numbers along each path."""
    family = bound_family(fit)
    out = []
    for one in [path] if isinstance(path, Path) else path:
        found = [numbers(family, params) for params in one.of(fit)]
        out.append(np.array([[n.values[n.index(name)] for name in names] for n in found]))
    return out


def _grid(landscape: Heights, names: Sequence[str], across: Array, up: Array) -> Array:
    """(y, x): the objective on a grid."""
    x, y = np.meshgrid(across, up)
    return landscape.at({names[0]: x.ravel(), names[1]: y.ravel()}).reshape(x.shape)


def _box(landscape: Heights, names: Sequence[str], ways: Sequence[Array]) -> tuple[Array, Array]:
    """Lower and upper limits (2,): the surface from its maximum down to so many nats, and all of every path."""
    low, high = (np.array(side) for side in zip(*(_extent(landscape, n) for n in names), strict=True))
    for _ in range(ROUNDS):
        x, y = (np.linspace(a, b, GLANCE) for a, b in zip(low, high, strict=True))
        z = _grid(landscape, names, x, y)
        seen = np.nanmax(z) - z < SHOWN
        near = np.array([[seen[:, 0].any(), seen[:, -1].any()], [seen[0].any(), seen[-1].any()]])
        if not near.any():
            break
        more = WIDER * (high - low)
        low, high = low - more * near[:, 0], high + more * near[:, 1]
    keep = [np.flatnonzero(seen.any(0)), np.flatnonzero(seen.any(1))]
    sides = [(v[max(k[0] - 1, 0)], v[min(k[-1] + 1, GLANCE - 1)]) for v, k in zip((x, y), keep, strict=True)]
    low, high = (np.array(side) for side in zip(*sides, strict=True))
    if not ways:
        return low, high
    points = np.concatenate(ways)
    margin = MARGIN * (np.maximum(high, points.max(0)) - np.minimum(low, points.min(0)))
    return np.minimum(low, points.min(0) - margin), np.maximum(high, points.max(0) + margin)


def _extent(landscape: Heights, name: str) -> Limits:
    """Where the objective is so many nats lower along one number alone, on both sides of the fit."""
    value = float(landscape.numbers.values[landscape.numbers.index(name)])
    step = max(abs(value), 1e-3) * 2.0 ** np.arange(-30, 31)
    out = []
    for sign in (-1, 1):
        z = landscape.at({name: np.append(value, value + sign * step)})
        inside = z[0] - z[1:] < WIDTH
        reached = int(inside.argmin()) if not inside.all() else len(step) - 1
        out.append(value + sign * step[max(reached, 1) - (0 if np.isfinite(z[1 + reached]) else 1)])
    return out[0], out[1]


def levels(deepest: float) -> list[float]:
    """Levels of contours, in nats below the maximum: round numbers, each about twice the one before.

    >>> levels(30.0)
    [0.5, 1.0, 2.0, 5.0, 10.0, 20.0]
    """
    series = [level for level in SERIES if level < deepest]
    return [level for level in series if level >= FINEST or level in series[-3:]][-LINES:]


def peaks(below: Array) -> list[tuple[int, int, float]]:
    """Maxima inside a grid, highest first: where, and how many nats one falls on the way to a higher one.

    Those that fall less than `PROMINENT` nats are ripples of the grid.
    """
    from scipy import ndimage

    height = np.where(np.isfinite(below), -below, -np.inf)
    top = (height == ndimage.maximum_filter(height, 3)) & np.isfinite(height)
    top[[0, -1]] = top[:, [0, -1]] = False
    found = []
    for i, j in sorted(map(tuple, np.argwhere(top)), key=lambda at: -height[at]):
        fall = _fall(height, (i, j), ndimage.label) if (height > height[i, j]).any() else np.inf
        if fall >= PROMINENT:
            found.append((int(i), int(j), float(fall)))
    return found


def _fall(height: Array, top: tuple[int, int], label: Callable[[Array], Any]) -> float:
    """How far below a maximum the saddle lies over which a higher point is reached: by bisection."""
    least, most = 0.0, float(height[top] - height[np.isfinite(height)].min())
    while most - least > 0.01 * PROMINENT + 1e-3 * least:
        middle = (least + most) / 2
        labels = label(height >= height[top] - middle)[0]
        if (height[labels == labels[top]] > height[top]).any():
            most = middle
        else:
            least = middle
    return least


def _contours(ax: Axes, across: Array, up: Array, below: Array) -> list[tuple[float, float]]:
    """Fill and lines; where the maxima are, highest first."""
    from matplotlib.colors import LinearSegmentedColormap

    seen, tops = below[np.isfinite(below)], peaks(below)
    at = levels(float(np.quantile(seen, USUAL)))
    around = {float(f"{below[i, j] + fall / 2:.2g}") for i, j, fall in tops if np.isfinite(fall)}
    at = sorted({*at, *(level for level in around if not _within(level, at, tops, below))})
    shades = LinearSegmentedColormap.from_list("soft", ["#8FC0DF", "#FFFFFF"])
    fills = [shades(j / len(at)) for j in range(len(at) + 1)]
    shown = np.ma.masked_invalid(below)
    ax.contourf(across, up, shown, [0, *at, max(seen.max(), at[-1]) * 1.01], colors=fills, zorder=0)
    lines = ax.contour(across, up, shown, at, colors=[FAINT], linewidths=0.8, zorder=1)
    roomy = [level for level in at if (seen < level).mean() > ROOMY]
    for text in ax.clabel(lines, roomy, fmt="%g", fontsize=8, colors=[INK], inline_spacing=3):
        text.set_clip_on(True)
    return [(float(across[j]), float(up[i])) for i, j, _ in tops]


def _mark(ax: Axes, tops: Sequence[tuple[float, float]], ends: Sequence[Array], steps: Array) -> None:
    """Crosses at the maxima where nothing else ends."""
    lone = [top for top in tops if not any((np.abs((end - top) / steps) < NEAR).all() for end in ends)]
    if lone:
        ax.plot(*np.transpose(lone), ls="", marker="+", ms=8, mew=1.4, color=INK, zorder=2, label="local maximum")


def _within(level: float, at: Sequence[float], tops: Sequence[tuple[int, int, float]], below: Array) -> bool:
    """Is the peak that a level is to encircle encircled already?"""
    own = [(below[i, j], below[i, j] + fall) for i, j, fall in tops if below[i, j] < level < below[i, j] + fall]
    return all(any(low < a < high for a in at) for low, high in own if np.isfinite(high))


def _way(ax: Axes, way: Array, j: int, *, several: bool) -> None:
    """The steps of EM from its start (hollow)."""
    from matplotlib.patheffects import withStroke

    passes = len(way) - 1
    label = f"EM {j + 1}" if several else "EM"
    ax.plot(
        *way.T, color=colour(j + 1), lw=1.4, marker="o" if passes <= DOTS else "", ms=3.5, zorder=3,
        label=f"{label}: {passes} step{'s' * (passes != 1)}",
        path_effects=[withStroke(linewidth=3, foreground="white")],
    )  # fmt: skip
    ax.plot(*way[0], marker="o", ms=7, mfc="white", mec=colour(j + 1), mew=1.6, ls="", zorder=4)
