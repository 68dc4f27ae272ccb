"""Pictures of a hidden Markov model: its states over time, its moves, and how well rows were foretold."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from likely.core.data import Sequences
from likely.errors import ModelError
from likely.faces.entries import bound_model
from likely.faces.style import FAINT, INK, colour, dress, explain, whole_ticks
from likely.faces.words import capital, model_words
from likely.numerics import special
from likely.numerics.soft import Array
from likely.structures.chains import in_sequences
from likely.structures.forecast import means

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.gridspec import SubplotSpec

    from likely.workflows.result import Fit

WIDE = (9.6, 4.4)  # inches
PAIR = (9.6, 4.0)
SQUARE = (5.6, 4.8)
BAND = 0.9  # of what a state emits lies in its band
STRIP = (0.0, 1.015, 1.0, 0.05)  # above the series: the probabilities of states
NAMED = 8  # states named in the legend
IN_LINE = 4  # of them beside the title
CROWD = 400  # rows beyond which dots have no edge
NUMBERS = 12  # states up to which the heat map has numbers
SURE = 0.95  # of residuals lie between the lines


def no_states(fit: Fit) -> str:
    """Why a fit has no states to draw over time."""
    if fit.model.axis != "state":
        return "it draws the hidden states of sequences, and this model has none"
    if fit.n_columns != 1:
        return f"it draws one column over time, and this fit has {fit.n_columns}"
    return "" if fit.data is not None else "it needs the data of the fit, which a loaded fit does not carry"


def no_moves(fit: Fit) -> str:
    """Why a fit has no matrix of moves."""
    if fit.model.axis != "state":
        return "it draws the moves between hidden states, and this model has none"
    if not isinstance(_chain(fit).transition, np.ndarray):
        return "its moves depend on covariates"
    return ""


def no_residuals(fit: Fit) -> str:
    """Why a fit has no pseudo-residuals."""
    if why := no_states(fit):
        return why
    try:
        fit.residuals()
    except ModelError as error:
        return str(error).rstrip(".")
    return ""


def _chain(fit: Fit) -> Any:
    """The fitted hidden Markov model."""
    return fit.model


def draw_states(fit: Fit, ax: Axes) -> None:
    """The series in the colours of its decoded states, each over the mean and the 90 % band of what its state emits."""
    data = rows_of(fit)
    codes, x = fit.decode().codes[0], data.rows.x[:, 0]
    at, edges = times_of(data)
    words = state_words(fit, np.bincount(codes, minlength=_chain(fit).size) / len(codes))
    low, middle, high = _emitted(fit)
    for run in _runs(codes, data):
        j, ends = int(codes[run.start]), edges[[run.start, run.stop]]
        if low is not None and high is not None:
            ax.fill_between(ends, low[j], high[j], facecolor=colour(j), alpha=0.16, lw=0, zorder=1)
        if middle is not None:
            ax.plot(ends, [middle[j]] * 2, color=colour(j), lw=1.8, zorder=2, solid_capstyle="butt")
    for a, b in pairwise(data.offsets):
        ax.plot(at[a:b], x[a:b], color=FAINT, lw=0.6, alpha=float(np.clip(200 / len(x), 0.15, 0.7)), zorder=3)
    size = float(np.clip(900 / len(x), 2.0, 5.0)) if len(x) else 5.0
    for j, name in enumerate(words):
        mine = codes == j
        label = name if len(words) <= NAMED else None
        edge = 0.4 if len(x) <= CROWD else 0.0
        ax.plot(at[mine], x[mine], "o", ms=size, mew=edge, mec="white", color=colour(j), zorder=4, label=label)
    _strip(fit, ax, edges)
    along(ax, data, edges)
    dress(ax, capital(model_words(fit.model)), time_words(data), data.rows.names[0] if data.rows.names else "value")
    ax.set_title(ax.get_title(loc="left"), loc="left", fontsize=11, fontweight="bold", color=INK, pad=24)
    if any(data.rows.text):
        ax.set_yticks(np.unique(x[~np.isnan(x)]), data.rows.levels())
    if len(words) <= IN_LINE:
        _explain_above(ax, len(words))
    elif len(words) <= NAMED:
        explain(ax)


def state_words(fit: Fit, share: Array | None = None) -> list[str]:
    """What the states are called, from 1, with their share of the rows where it is told."""
    size, names = int(_chain(fit).size), fit.label_names
    called = [f"{j + 1} {names[j]}" if j < len(names) else f"state {j + 1}" for j in range(size)]
    return called if share is None else [f"{name} ({p:.0%})" for name, p in zip(called, share, strict=True)]


def draw_moves(fit: Fit, ax: Axes) -> None:
    """The transition matrix as a heat map: rows are left, columns are reached."""
    from matplotlib.colors import LinearSegmentedColormap

    moves, m = np.asarray(_chain(fit).transition), int(_chain(fit).size)
    tints = LinearSegmentedColormap.from_list("moves", ["#F4F6F8", "#CFE3F2", "#6BAED6", colour(0), "#003A5D"])
    # Small probabilities matter as much as large ones: the scale of square roots shows both.
    ax.imshow(np.sqrt(moves), cmap=tints, vmin=0, vmax=1, aspect="equal")
    for edge in np.arange(m + 1) - 0.5:
        ax.axhline(edge, color="white", lw=2.5)
        ax.axvline(edge, color="white", lw=2.5)
    for i, j in np.ndindex(m, m) if m <= NUMBERS else ():
        ink = "white" if moves[i, j] > 0.35 else INK if moves[i, j] > 0 else FAINT
        size = 12 if m <= 5 else 9 if m <= 8 else 7
        ax.text(j, i, probability(float(moves[i, j])), ha="center", va="center", color=ink, fontsize=size)
    names = [*fit.label_names, *map(str, range(len(fit.label_names) + 1, m + 1))]
    ax.set_xticks(range(m), names)
    ax.set_yticks(range(m), names)
    dress(ax, "Probability of the next state", "to state", "from state")
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.tick_params(length=0)


def probability(p: float) -> str:
    """A probability for a cell: three decimals; 0 and 1 are exact.

    >>> probability(0.95468), probability(0.0), probability(1.0), probability(2.5e-7)
    ('0.955', '0', '1', '<0.001')
    """
    if p in (0.0, 1.0):
        return f"{p:.0f}"
    return "<0.001" if p < 5e-4 else f"{p:.3f}"


def draw_residuals(fit: Fit, ax: Axes) -> None:
    """Pseudo-residuals over time, and their quantiles against those of the standard normal."""
    data = rows_of(fit)
    z, ends = fit.residuals(), fit.residuals(interval=True)
    at, edges = times_of(data)
    left, right = _pair(ax)
    bound = float(special.ndtri((1 + SURE) / 2))
    far = 1.15 * max(3.0, float(np.abs(z[np.isfinite(z)]).max(initial=0.0)))
    left.axhspan(-bound, bound, color="#EFEFEF", lw=0, zorder=0, label=f"{SURE:.0%} of a right model")
    left.axhline(0, color=FAINT, lw=0.9, zorder=1)
    if (ends[:, 1] - ends[:, 0] > 1e-6).any():  # counts: a number anywhere between both ends is as good
        left.vlines(at, *np.clip(ends, -far, far).T, color=colour(0), lw=0.8, alpha=0.35)
    size = float(np.clip(900 / len(z), 1.5, 4.5))
    left.plot(at, np.clip(z, -far, far), "o", ms=size, mew=0, color=colour(0), alpha=0.85)
    left.set_ylim(-far, far)
    along(left, data, edges)
    dress(left, "Pseudo-residuals", time_words(data), "standard normal under the model")
    against_normal(right, z[np.isfinite(z)])
    ax.set_axis_off()


def against_normal(ax: Axes, z: Array, what: str = "pseudo-residual") -> None:
    """Ordered residuals against normal quantiles, with the band in which 95 % of each lie under the model."""
    z, n = np.sort(z), len(z)
    rank = np.arange(1, n + 1)
    theirs = special.ndtri((rank - 0.5) / n)
    low, high = (special.ndtri(special.betaincinv(rank, n + 1 - rank, q)) for q in ((1 - SURE) / 2, (1 + SURE) / 2))
    ax.fill_between(theirs, low, high, facecolor="#EFEFEF", lw=0, zorder=0, label=f"{SURE:.0%} of a right model")
    ends = theirs[[0, -1]]
    ax.plot(ends, ends, color=FAINT, lw=0.9, zorder=1)
    ax.plot(theirs, z, "o", ms=3.5, mew=0, color=colour(0), alpha=0.8)
    dress(ax, "Against the normal distribution", "normal quantile", f"ordered {what}")
    explain(ax)


def _pair(ax: Axes) -> tuple[Axes, Axes]:
    """Two axes side by side where the given ones are."""
    inner = place_of(ax).subgridspec(1, 2, width_ratios=(1.7, 1))
    return ax.figure.add_subplot(inner[0]), ax.figure.add_subplot(inner[1])


def place_of(ax: Axes) -> SubplotSpec:
    """Where some axes are, to be divided among others."""
    place = ax.get_subplotspec()
    if place is not None:
        return place
    box = ax.get_position()
    return ax.figure.add_gridspec(1, 1, left=box.x0, right=box.x1, bottom=box.y0, top=box.y1)[0]


def rows_of(fit: Fit) -> Sequences:
    """The sequences of a fit."""
    assert fit.data is not None
    return in_sequences(fit.data)


def times_of(data: Sequences) -> tuple[Any, Any]:
    """When each row (n,) was, and where rows begin and end (n + 1,) half-way between them.

    Several sequences stand side by side, by the number of the row: their times may overlap.
    """
    n = len(data.rows)
    if data.times is None or len(data) > 1 or n < 2:
        return np.arange(1.0, n + 1), np.arange(n + 1) + 0.5
    at = data.times
    half = (at[1:] - at[:-1]) / 2
    inner = at[:-1] + half
    return at, np.concatenate([[at[0] - half[0]], inner, [at[-1] + half[-1]]])


def time_words(data: Sequences) -> str:
    """What the x-axis counts."""
    if data.times is not None and len(data) == 1:
        return data.time_name or "time"
    return "row" if len(data) == 1 else f"row ({len(data)} sequences end to end)"


def _runs(codes: Array, data: Sequences) -> list[slice]:
    """Stretches of rows of one sequence in one state."""
    begins = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    ends = np.union1d(begins, data.offsets)
    return [slice(int(a), int(b)) for a, b in pairwise(ends)]


def _emitted(fit: Fit) -> tuple[Array | None, Array | None, Array | None]:
    """Low end of the band, mean and high end (m,) of what each state emits, as far as the family tells."""
    model = cast(Any, bound_model(fit))
    emission, params = model.emission, model.known_params().emission
    if emission.uses_given or (fit.data is not None and any(fit.data.rows.text)):
        return None, None, None
    try:
        levels = (1 - BAND) / 2, 0.5, (1 + BAND) / 2
        low, median, high = (emission.inverse(params, np.array([[q]]))[0] for q in levels)
    except ModelError:
        low = median = high = None
    try:
        return low, means(emission.publish(params)).reshape(-1), high
    except ModelError:
        return low, median, high


def _explain_above(ax: Axes, count: int) -> None:
    """The legend in the line of the title, where it covers nothing."""
    ax.legend(
        loc="lower right", bbox_to_anchor=(1.0, STRIP[1] + STRIP[3]), ncols=count, frameon=False, fontsize=9,
        labelcolor=INK, handletextpad=0.1, columnspacing=1.2, borderpad=0.1,
    )  # fmt: skip


def _strip(fit: Fit, ax: Axes, edges: Any) -> None:
    """A narrow band above the series: how probable each state is at each row."""
    strip = ax.inset_axes(STRIP, sharex=ax)
    gamma = fit.smoothed()
    top = np.concatenate([np.zeros((len(gamma), 1)), gamma.cumsum(1)], 1)
    for j in range(gamma.shape[1]):
        low, high = (np.append(v, v[-1]) for v in (top[:, j], top[:, j + 1]))
        strip.fill_between(edges, low, high, step="post", facecolor=colour(j), lw=0)
    strip.set_ylim(0, 1)
    strip.axis("off")
    strip.text(1.006, 0.5, "probability", transform=strip.transAxes, fontsize=7.5, color=FAINT, va="center", ha="left")


def along(ax: Axes, data: Sequences, edges: Any) -> None:
    """The range of the time axis, and lines between sequences."""
    ax.set_xlim(edges[0], edges[-1])
    for begin in data.offsets[1:-1]:
        ax.axvline(edges[begin], color=FAINT, lw=0.8, ls=(0, (4, 3)), zorder=2)
    if data.times is None or len(data) > 1:
        whole_ticks(ax)
