"""How pictures look: colours that everybody can tell apart, quiet axes, and figures that need no screen."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito (2008), the strongest on white first.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#F0E442")
INK = "#2B2B2B"  # lines and text that belong to the whole
FAINT = "#8C8C8C"  # what should be there without being looked at
DATA = "#DEDEDE"  # bars of the data, behind everything
SIZE = (7.0, 4.4)  # inches


def colour(j: int) -> str:
    """Of component j (from 0)."""
    return PALETTE[j % len(PALETTE)]


def new_axes(size: tuple[float, float] = SIZE) -> Axes:
    """Axes on a figure of their own.

    Where pyplot is already in use (in the main thread) the figure is one of its own, so that `plt.show()` and notebooks
    show it; else it is a plain object that is safe in threads and needs no screen.
    """
    return _new_figure(size).add_subplot()


def _new_figure(size: tuple[float, float]) -> Figure:
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and threading.current_thread() is threading.main_thread():
        return pyplot.figure(figsize=size, layout="constrained")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def dress(ax: Axes, title: str, x: str, y: str) -> None:
    """Title, labels and quiet axes."""
    ax.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK, pad=10)
    ax.set_xlabel(x, color=INK)
    ax.set_ylabel(y, color=INK)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(FAINT)
    ax.tick_params(colors=FAINT, labelcolor=INK, labelsize=9)
    ax.set_axisbelow(True)


def explain(ax: Axes) -> None:
    """A legend where there is most room, without a frame; what it may still cover shines through."""
    ax.legend(framealpha=0.8, edgecolor="none", fontsize=9, labelcolor=INK, loc="best", handletextpad=0.6)


def whole_ticks(ax: Axes) -> None:
    """Whole numbers along the x-axis."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def minus(text: str) -> str:
    """A number with the sign that the axes use."""
    return text.replace("-", "\N{MINUS SIGN}")
