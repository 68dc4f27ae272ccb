"""What the tests of pictures need: axes that no screen sees, and what stands on them."""

from __future__ import annotations

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def on_paper():
    """Axes on a figure of their own, not known to pyplot."""
    figure = Figure()
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def legend(ax):
    """The words of the legend."""
    return [t.get_text() for t in ax.get_legend().get_texts()]
