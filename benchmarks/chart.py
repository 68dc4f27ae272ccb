"""`python -m benchmarks.chart`: docs/images/benchmarks.png, from what is stored in results/."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import store
from likely.faces.style import FAINT, INK, PALETTE, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "benchmarks.png"
# Kind of covariance and marker; colours follow the palette, which everybody can tell apart, and shapes say it again.
SERIES = {"full": "o", "diagonal": "^", "spherical": "s", "shared": "D"}
APART = 0.15  # between the markers of one size


def main() -> None:
    mixtures, accelerated = store.read("mixtures"), store.read("accelerated")
    if mixtures is None or accelerated is None:
        print("not drawn: the picture needs the results of mixtures and of accelerated")
        return
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.5, 5.4), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
    _speed(left, mixtures)
    _passes(right, accelerated)
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=140)
    print(f"drawn: {PICTURE}")


def _speed(ax: Axes, stored: dict[str, Any]) -> None:
    """Times faster than scikit-learn, by size; the bar is lowest to highest of the rounds."""
    rows = [r for r in stored["rows"] if r["rival"] == "scikit-learn" and "missing" not in r]
    sizes = list(dict.fromkeys((r["n"], r["d"], r["k"]) for r in rows))
    seen = set()
    for row in rows:
        overlapping = row["separation"] < 2
        order = list(SERIES).index(row["covariance"])
        colour = PALETTE[order]
        label = row["covariance"] + (", overlapping" if overlapping else "")
        at = sizes.index((row["n"], row["d"], row["k"])) + APART * (order + 0.5 * overlapping - 1.5)
        ratio = row["ratio"]
        ax.plot([ratio["low"], ratio["high"]], [at, at], color=colour, linewidth=1.5, alpha=0.6, zorder=2)
        ax.plot(
            ratio["median"],
            at,
            SERIES[row["covariance"]],
            color=colour,
            markerfacecolor="white" if overlapping else colour,
            markersize=7,
            label=None if label in seen else label,
            zorder=3,
        )
        seen.add(label)
    dress(ax, "One EM iteration, against scikit-learn", "times faster (log scale)", "")
    ax.set_yticks(range(len(sizes)), [f"{n:,} \N{MULTIPLICATION SIGN} {d}, K={k}" for n, d, k in sizes])
    ax.set_ylim(len(sizes) - 0.5, -0.5)
    _log(ax)
    ax.axvline(1, color=INK, linewidth=1.2)
    ax.text(1, -0.47, " equally fast", color=INK, fontsize=8, va="top")
    ax.legend(frameon=False, fontsize=9, labelcolor=INK, loc="lower left")


def _passes(ax: Axes, stored: dict[str, Any]) -> None:
    """Passes over the data to the same objective: plain EM on the right, accelerated on the left of each line."""
    rows = [r for r in stored["rows"] if "plain passes" in r]
    for at, row in enumerate(rows):
        ax.plot([row["passes"], row["plain passes"]], [at, at], color=FAINT, linewidth=1, zorder=1)
        ax.plot(row["plain passes"], at, "o", color=PALETTE[1], markersize=7)
        ax.plot(row["passes"], at, "o", color=PALETTE[0], markersize=7)
        times = f"{row['plain passes'] / row['passes']:.0f}\N{MULTIPLICATION SIGN}"
        middle = (row["plain passes"] * row["passes"]) ** 0.5
        ax.annotate(times, (middle, at), (0, 3), textcoords="offset points", ha="center", fontsize=8, color=INK)
    dress(ax, "Passes to the same maximum", "passes over the data (log scale)", "")
    ax.set_yticks(range(len(rows)), [r["case"] for r in rows])
    ax.set_ylim(len(rows) - 0.4, -0.8)
    _log(ax, (1, 3))  # of a thousand there is no room for more
    for column, name, colour in (("passes", "accelerated", PALETTE[0]), ("plain passes", "plain EM", PALETTE[1])):
        for row in rows[:1]:
            where = (row[column], 0)
            ax.annotate(name, where, (0, 9), textcoords="offset points", ha="center", fontsize=9, color=colour)


def _log(ax: Axes, within: tuple[int, ...] = (1, 2, 5)) -> None:
    """A logarithmic axis with plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=within))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    ax.grid(axis="x", color=FAINT, alpha=0.25, linewidth=0.6)


if __name__ == "__main__":
    main()
