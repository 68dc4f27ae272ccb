"""Numbers of a model by the name of their place, as pictures are asked for and label their axes."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from likely.errors import ModelError
from likely.faces.words import listed

if TYPE_CHECKING:
    from likely.workflows.result import Fit

LETTERS = ("x", "y")


def resolve(kind: str, names: Sequence[str], *wanted: str | None) -> tuple[str, ...]:
    """The numbers that a picture is about: those that were named, or all there are where that is no question.

    Raises
    ------
    ModelError      there are too few or too many to choose from, or none of that name, or one twice
    """
    letters = LETTERS[: len(wanted)]
    if len(names) < len(wanted):
        raise ModelError(f"plot({kind!r}) needs {len(wanted)} estimated numbers, and this model has {len(names)}.")
    if all(w is None for w in wanted) and len(names) == len(wanted):
        return tuple(names)
    for letter, name in zip(letters, wanted, strict=True):
        if name is None:
            other = next((n for n in names if n.split("[")[0] != names[0].split("[")[0]), names[1])
            call = ", ".join(f"{a}={n!r}" for a, n in zip(letters, (names[0], other), strict=False))
            raise ModelError(
                f"plot({kind!r}) without {letter}=...: this model has several estimated numbers ({listed(names)}); "
                f"name one, as in plot({kind!r}, {call})."
            )
        if name not in names:
            close = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise ModelError(
                f"plot({kind!r}, {letter}={name!r}): the model estimates no such number; {hint}It has {listed(names)}."
            )
    if len(set(wanted)) < len(wanted):
        raise ModelError(f"plot({kind!r}, x={wanted[0]!r}, y={wanted[0]!r}): a surface is over two different numbers.")
    return tuple(w for w in wanted if w is not None)


def place_words(fit: Fit, name: str) -> str:
    """The label of an axis: the place, and whose it is where the fit is of one named column."""
    return f"{name} ({fit.columns[0]})" if len(fit.columns) == 1 else name
