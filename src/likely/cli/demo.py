"""`likely demo`: the main job, done on real data that comes with the library."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import resources
from typing import Any, NamedTuple

import click
import numpy as np

from likely.cli.command import Command
from likely.cli.options import as_json_option
from likely.cli.output import PICTURES, answer, check_writable, note
from likely.cli.record import record, to_json
from likely.workflows.fit import fit as fit_model
from likely.workflows.result import Fit

DATA = "faithful.csv"
MODEL = "Mixture(MultivariateNormal(), choose(range(1, 5)))"
PICTURE = "likely-demo.png"
SIZE = (11.0, 4.6)  # inches
MARGINS = {"left": 0.06, "right": 0.985, "top": 0.91, "bottom": 0.125, "wspace": 0.2}  # always the same picture
COUNTS = ("no", "one", "two", "three", "four", "five", "six")

EPILOG = f"""\b
The data: 272 eruptions of the Old Faithful geyser, how long each lasted and how long until the next
(Azzalini & Bowman 1990). The same by hand, wherever {DATA} is:
  likely fit {DATA} "{MODEL}" --plot fit.png
"""


class Kind(NamedTuple):
    """One kind of eruption."""

    minutes: float  # it lasts
    wait: float  # minutes until the next
    share: float  # of all eruptions


@click.command("demo", cls=Command, epilog=EPILOG)
@click.option(
    "--out", default=PICTURE, show_default=True, metavar="PICTURE",
    help="Where the picture goes: a .png, .svg or .pdf file, or a folder.",
)  # fmt: skip
@as_json_option
def demo(out: str, as_json: bool) -> None:
    """See it work: the eruptions of Old Faithful, sorted into kinds."""
    picture = os.path.join(out, PICTURE) if os.path.isdir(out) else out
    check_writable(picture, PICTURES)
    with resources.as_file(resources.files("likely") / "data" / DATA) as path:
        found = fit_model(MODEL, path, by="bic")
    draw_demo(found, picture)
    if as_json:
        click.echo(to_json({**record(found), "story": list(story(found)), "picture": picture}))
        return
    click.echo("\n".join(story(found)) + "\n")
    answer(found, as_json=False)
    note(f"wrote {picture}.")


def story(found: Fit) -> Iterator[str]:
    """What was found, in sentences."""
    kinds, n = kinds_of(found.model), found.n_obs
    assert found.selection is not None
    sizes = range(1, len(found.selection.candidates) + 1)
    yield f"Old Faithful has {counted(len(kinds))} of eruption; BIC compared {COUNTS[sizes[0]]} to {COUNTS[sizes[-1]]}."
    for name, kind in zip(names_of(kinds), sorted(kinds), strict=True):
        rows = f"{kind.share * n:.0f} of {n:.0f} ({kind.share:.0%})"
        follow = f"are followed by a wait of {kind.wait:.0f} minutes"
        yield f"{name} eruptions, about {rows}, last {kind.minutes:.1f} minutes and {follow}."


def kinds_of(model: Any) -> list[Kind]:
    """The components, in their order."""
    means, weights = np.atleast_2d(model.component.mean), np.atleast_1d(model.weights)
    return [Kind(float(m[0]), float(m[1]), float(w)) for m, w in zip(means, weights, strict=True)]


def names_of(kinds: list[Kind]) -> list[str]:
    """What the kinds are called, from the shortest."""
    return ["Short", "Long"] if len(kinds) == 2 else [f"Kind {i + 1}" for i in range(len(kinds))]


def counted(kinds: int) -> str:
    """How many kinds, in words."""
    return f"{COUNTS[kinds]} kind{'s' * (kinds != 1)}"


def draw_demo(found: Fit, path: str) -> None:
    """The kinds of eruption, beside the scores that decided how many there are."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from likely.faces.plots import save_figure
    from likely.faces.style import dress

    kinds = kinds_of(found.model)
    figure = Figure(figsize=SIZE)
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2), gridspec_kw=MARGINS)
    found.plot("scatter", ax=left)
    title = f"Old Faithful has {counted(len(kinds))} of eruption"
    dress(left, title, "an eruption lasts (minutes)", "wait until the next (minutes)")
    for text, kind in zip(left.get_legend().get_texts(), kinds, strict=True):
        text.set_text(f"{kind.share:.0%} last {kind.minutes:.1f} minutes, then a wait of {kind.wait:.0f}")
    found.plot("selection", ax=right)
    dress(right, "How many kinds? The lowest BIC decides", "kinds of eruption", "BIC")
    save_figure(left, path)
