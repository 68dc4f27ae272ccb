"""The log-likelihood profile of one number: the others are maximised anew at each of its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from likely.core.numbers import numbers
from likely.faces.entries import bound_family, bound_model
from likely.faces.places import place_words, resolve
from likely.faces.style import FAINT, INK, colour, dress, minus
from likely.numerics import special
from likely.numerics.soft import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from likely.workflows.result import Fit

LEVEL = 0.95
POINTS = 400
WIDE, FARTHEST = 100, 1e4  # times the estimate: from there a logarithmic axis, and no farther than that
DEEPEST = 4.0  # times the depth of the line that the picture reaches down


class Profile(Protocol):
    """What is drawn."""

    @property
    def name(self) -> str: ...
    @property
    def values(self) -> Array: ...  # (g,)
    @property
    def log_likelihoods(self) -> Array: ...  # (g,) maxima over all other numbers
    @property
    def low(self) -> float: ...  # ends of the interval; infinite where the profile never falls to the line
    @property
    def high(self) -> float: ...
    @property
    def best(self) -> float: ...


def draw_profile(fit: Fit, ax: Axes, *, x: str | None = None) -> None:
    """The profile of one number; of the only one unless it is named."""
    name = resolve("profile", numbers(bound_family(fit), bound_model(fit).known_params()).names, x)[0]
    draw_profiled(fit, ax, fit.profile(name, level=LEVEL))


def draw_profiled(fit: Fit, ax: Axes, found: Profile, level: float = LEVEL) -> None:
    """A profile relative to its maximum, the line of the likelihood-ratio test, and the interval above it."""
    line = -float(special.gammaincinv(0.5, level))  # half a chi-square of one degree of freedom
    values, height = _curve(found)
    inside = [v for v in (found.low, found.high) if np.isfinite(v) and v <= values[-1]]
    ax.fill_between(
        *_within(values, height, found.low, found.high), line, facecolor=colour(0), alpha=0.18, lw=0, zorder=0
    )
    ax.plot(values, height, color=colour(0), lw=1.8)
    ax.axhline(line, color=FAINT, lw=0.9, ls=(0, (4, 3)), zorder=0)
    ax.annotate(
        f"{level:.0%}: {minus(f'{line:.2f}')}", (found.best, line), (0, 4), textcoords="offset points", ha="center",
        va="bottom", fontsize=9, color=INK,
    )  # fmt: skip
    bottom = max(DEEPEST * line, float(np.nanmin(height))) * 1.06
    for end in inside:
        ax.plot([end, end], [bottom, line], color=colour(0), lw=1.0, ls=(0, (1, 1.5)))
        ax.plot(end, line, "o", ms=5, color=colour(0))
    ax.plot(found.best, 0, "o", ms=6, mfc="white", mec=INK, mew=1.4, zorder=4)
    ax.set_ylim(bottom, -0.09 * bottom)
    if values[0] > 0 and values[-1] > WIDE * found.best:
        ax.set_xscale("log")
    what = "log-likelihood + log prior" if fit.objective != fit.log_likelihood else "log-likelihood"
    dress(ax, f"{found.name} = {_number(found.best)}, {level:.0%} interval {_interval(found)}",
          place_words(fit, found.name), f"profile {what}, relative to its maximum")  # fmt: skip


def _curve(found: Profile) -> tuple[Array, Array]:
    """Values, increasing, and how far the profile is above (below 0) its maximum there, as a smooth curve.

    Where an end is open the values may run far: they are cut off.
    """
    from scipy.interpolate import PchipInterpolator

    ends = [v for v in (found.low, found.high) if np.isfinite(v)]
    top = np.nanmax(found.log_likelihoods)
    at = np.concatenate([found.values, [found.best]])
    height = np.concatenate([found.log_likelihoods - top, [0.0]])
    far = max([FARTHEST * abs(found.best), *np.abs(ends)])
    at, which = np.unique(np.where(np.isfinite(height) & (np.abs(at) <= far), at, found.best), return_index=True)
    height = np.where(at == found.best, 0.0, height[which])
    wide = at[0] > 0 and at[-1] > WIDE * found.best
    to, back = (np.log, np.exp) if wide else (np.asarray, np.asarray)
    fine = back(np.linspace(to(at[0]), to(at[-1]), POINTS)).clip(at[0], at[-1])
    fine = np.union1d(fine, [v for v in (*ends, found.best) if at[0] <= v <= at[-1]])
    return fine, PchipInterpolator(to(at), height)(to(fine))


def _within(values: Array, height: Array, low: float, high: float) -> tuple[Array, Array]:
    """The curve between the ends of the interval."""
    inside = (values >= low) & (values <= high)
    return values[inside], height[inside]


def _interval(found: Profile) -> str:
    return f"{_number(found.low)} to {_number(found.high)}"


def _number(value: float) -> str:
    if np.isinf(value):
        return "\N{MINUS SIGN}\N{INFINITY}" if value < 0 else "\N{INFINITY}"
    return minus(f"{value:.4g}")
