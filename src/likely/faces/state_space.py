"""Pictures of a state space: series with what is known of the states, forecasts, and how well rows were foretold."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from likely.core.data import Sequences
from likely.faces.entries import bound_model
from likely.faces.states import SURE, against_normal, along, place_of, rows_of, time_words, times_of
from likely.faces.style import FAINT, INK, colour, dress, whole_ticks
from likely.faces.words import capital, column_words, model_words, plural
from likely.numerics import special
from likely.numerics.soft import Array
from likely.structures.nonlinear_questions import NonlinearQuestions
from likely.structures.state_blocks import Blocks
from likely.structures.state_forecast import StateForecast
from likely.structures.state_known import States, around, deviations

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from likely.workflows.result import Fit

TALL = (9.6, 6.0)  # inches
FAN = (0.5, 0.8, 0.95)  # of what comes lies in the bands of a forecast
COLUMNS = 4  # with a panel each
NAMED = 8  # states, or series, that are told apart by colour
LAGS = 20
FARTHEST = 24  # rows ahead, unless more are asked for
SEEN = 3  # times as many rows as are foretold are shown of what was seen


def no_series(fit: Fit) -> str:
    """Why a fit of a state space has no pictures."""
    return "" if fit.data is not None else "it needs the data of the fit, which a loaded fit does not carry"


def draw_series(fit: Fit, ax: Axes) -> None:
    """Each column with its smoothed signal C x + D u + d, then the smoothed states, all with their 95 % intervals."""
    data, known = rows_of(fit), fit.smoothed()
    at, edges = times_of(data)
    signal, sd = _signal(fit, known, data.rows.given)
    d, m = signal.shape[1], known.mean.shape[1]
    alone = d == m == 1 and not fit.model.approximation  # the signal is the state, in other units
    panels = _stack(ax, min(d, COLUMNS) + (not alone))
    for j, panel in enumerate(panels[: min(d, COLUMNS)]):
        _dots(panel, at, data.rows.x[:, j])
        _ribbon(panel, at, signal[:, j], sd[:, j], data, colour(0), "smoothed")
        dress(panel, "", "", column_words(fit)[j] if fit.columns or d > 1 else "value")
    if not alone:
        for i in range(min(m, NAMED)):
            _ribbon(panels[-1], at, known.mean[:, i], known.sd[:, i], data, colour(i + 1), f"state {i + 1}")
        dress(panels[-1], "", "", "state" if m == 1 else f"states 1 to {min(m, NAMED)}" if m > NAMED else "states")
        if m > 1:
            _explain_above(panels[-1])
    for panel in panels:
        along(panel, data, edges)
    _title(panels, capital(model_words(fit.model)), time_words(data))


def _signal(fit: Fit, known: States, given: Array | None) -> tuple[Array, Array]:
    """(n, d) each: what rows show of the states, less their noise; and how uncertain it is."""
    if isinstance(fit.model, NonlinearQuestions):
        return fit.model.shown(known, given)
    blocks = Blocks.of(bound_model(fit).known_params())
    mean = known.mean @ blocks.C.T + blocks.level(given, len(known))
    return mean, deviations(blocks.C @ known.covariance @ blocks.C.T)


def draw_forecast(fit: Fit, ax: Axes, h: int | None = None, future: Any = None) -> None:
    """Rows to come: expectations, and bands in which 50, 80 and 95 % of each lie."""
    data = rows_of(fit)
    steps = int(np.clip(data.lengths.max() // SEEN, 1, FARTHEST)) if h is None else h
    ahead = fit.forecast(steps, future=future)
    assert isinstance(ahead, StateForecast)
    panels = _stack(ax, min(data.rows.d, COLUMNS))
    several = len(data) > 1
    for j, panel in enumerate(panels):
        for s in range(min(len(data), NAMED)):
            _fan(panel, data, ahead, s, j, colour(s), several=several)
        dress(panel, "", "", column_words(fit)[j] if fit.columns or data.rows.d > 1 else "value")
        if data.times is None or several:
            whole_ticks(panel)
    _explain_above(panels[0])
    name = "row of its sequence" if several else time_words(data)
    _title(panels, f"Forecast of {plural(steps, 'row')}", name)


def draw_diagnostics(fit: Fit, ax: Axes) -> None:
    """Standardised one-step errors over time, against the normal distribution, and against themselves some rows ago."""
    data = rows_of(fit)
    z = np.asarray(fit.residuals()).reshape(len(data.rows), -1)
    at, edges = times_of(data)
    grid = place_of(ax).subgridspec(2, 2)
    top, left, right = (ax.figure.add_subplot(g) for g in (grid[0, :], grid[1, 0], grid[1, 1]))
    bound = float(special.ndtri((1 + SURE) / 2))
    top.axhspan(-bound, bound, color="#EFEFEF", lw=0, zorder=0, label=f"{SURE:.0%} of a right model")
    top.axhline(0, color=FAINT, lw=0.9, zorder=1)
    some = min(z.shape[1], NAMED)
    for j in range(some):
        label = column_words(fit)[j] if z.shape[1] > 1 else None
        top.plot(at, z[:, j], "o", ms=_size(len(z)), mew=0, color=colour(j), alpha=0.85, label=label)
    far = 1.1 * max(3.0, float(np.abs(z[np.isfinite(z)]).max(initial=0.0)))
    top.set_ylim(-far, far)
    along(top, data, edges)
    dress(top, "Standardised residuals", time_words(data), "standard normal under the model")
    if some > 1:
        _explain_above(top)
    against_normal(left, z[np.isfinite(z)], "residual")
    _autocorrelations(right, z[:, :some], data)
    ax.set_axis_off()


def autocorrelations(z: Array, offsets: Array, lags: int) -> Array:
    """(lags,): how residuals (n,) of mean 0 go with those 1, 2, ... rows before in the same sequence.

    Of pairs of which both are there, the mean product over the mean square; NaN where there are none.
    """
    out, square = np.full(lags, np.nan), np.nanmean(z**2)
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    for lag in range(1, lags + 1):
        products = (z[lag:] * z[:-lag])[owner[lag:] == owner[:-lag]]
        if np.isfinite(products).any():
            out[lag - 1] = np.nanmean(products) / square
    return out


def _autocorrelations(ax: Axes, z: Array, data: Sequences) -> None:
    """Stems of the autocorrelations of each column; 95 % of them lie in the band if residuals are independent."""
    lags = int(np.clip(data.lengths.max() // 4, 1, LAGS))
    bound = float(special.ndtri((1 + SURE) / 2)) / np.sqrt(max(1, int(np.isfinite(z).all(1).sum())))
    ax.axhspan(-bound, bound, color="#EFEFEF", lw=0, zorder=0, label=f"{SURE:.0%} of a right model")
    ax.axhline(0, color=FAINT, lw=0.9, zorder=1)
    largest = bound
    for j in range(z.shape[1]):
        r = autocorrelations(z[:, j], data.offsets, lags)
        x = np.arange(1, lags + 1) + 0.6 * ((j + 0.5) / z.shape[1] - 0.5)
        ax.vlines(x, 0, r, color=colour(j), lw=2.2 if z.shape[1] == 1 else 1.4)
        largest = max(largest, float(np.abs(r[np.isfinite(r)]).max(initial=0.0)))
    ax.set_ylim(-1.25 * largest, 1.25 * largest)
    ax.set_xlim(0.3, lags + 0.7)
    whole_ticks(ax)
    dress(ax, "Autocorrelation", "rows before", "of residuals")


def _fan(ax: Axes, data: Sequences, ahead: StateForecast, s: int, j: int, ink: str, *, several: bool) -> None:
    """The last rows of a sequence, and what comes after them."""
    h, rows = len(ahead), slice(int(data.offsets[s]), int(data.offsets[s + 1]))
    seen = np.arange(1.0, rows.stop - rows.start + 1) if several else np.asarray(times_of(data)[0])
    last = max(SEEN * h, 10)
    step = seen[-1] - seen[-2] if len(seen) > 1 else 1.0
    come = seen[-1] + step * np.arange(1, h + 1)
    ends = np.concatenate([come[:1] - step / 2, come, come[-1:] + step / 2])
    ax.plot(seen[-last:], data.rows.x[rows, j][-last:], "-o", ms=3, mew=0, lw=0.8, color=ink if several else INK)
    mean, sd = (v.reshape(len(data), h, -1)[s, :, j] for v in (ahead.mean, ahead.sd))
    for level in FAN[-1:] if several else reversed(FAN):
        low, high = (np.concatenate([v[:1], v, v[-1:]]) for v in around(mean, sd, level).T)
        tint: dict[str, Any] = {"facecolor": ink, "alpha": 0.16} if several else {"facecolor": _pale(ink, level)}
        ax.fill_between(ends, low, high, lw=0, label=None if s else f"{level:.0%}", **tint)
    ax.plot(come, mean, "-o", ms=3, mew=0, lw=1.6, color=ink, label=None if s else "expected")


def _pale(ink: str, level: float) -> tuple[float, ...]:
    """A colour the paler, the wider the band."""
    from matplotlib.colors import to_rgb

    white = 0.4 + 0.45 * level
    return tuple(white + (1 - white) * c for c in to_rgb(ink))


def _ribbon(ax: Axes, at: Any, mean: Array, sd: Array, data: Sequences, ink: str, label: str) -> None:
    """A line with its 95 % band, each sequence by itself."""
    half = float(special.ndtri((1 + SURE) / 2)) * sd
    for i, (a, b) in enumerate(pairwise(data.offsets)):
        ax.fill_between(at[a:b], (mean - half)[a:b], (mean + half)[a:b], facecolor=ink, alpha=0.18, lw=0, zorder=1)
        ax.plot(at[a:b], mean[a:b], color=ink, lw=1.6, zorder=3, label=None if i else label)


def _dots(ax: Axes, at: Any, x: Array) -> None:
    ax.plot(at, x, "o", ms=_size(len(x)), mew=0, color=INK, alpha=0.55, zorder=2, label="observed")


def _size(n: int) -> float:
    return float(np.clip(900 / max(n, 1), 1.5, 4.5))


def _stack(ax: Axes, count: int) -> list[Axes]:
    """So many axes below one another where the given ones are; one alone is these."""
    if count == 1:
        return [ax]
    grid = place_of(ax).subgridspec(count, 1)
    ax.set_axis_off()
    return list(_below(ax, grid, count))


def _below(ax: Axes, grid: Any, count: int) -> Iterator[Axes]:
    first = None
    for i in range(count):
        panel = ax.figure.add_subplot(grid[i], sharex=first)
        first = first or panel
        panel.tick_params(labelbottom=i == count - 1)
        yield panel


def _explain_above(ax: Axes) -> None:
    """The legend in the line of the title, where it covers nothing."""
    count = len(ax.get_legend_handles_labels()[0])
    ax.legend(
        loc="lower right", bbox_to_anchor=(1.0, 0.99), ncols=count, frameon=False, fontsize=9, labelcolor=INK,
        handletextpad=0.5, columnspacing=1.2, borderpad=0.1,
    )  # fmt: skip


def _title(panels: list[Axes], title: str, x: str) -> None:
    """The title above the first of some panels, the name of the x-axis below the last."""
    panels[0].set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK, pad=10)
    panels[-1].set_xlabel(x, color=INK)
