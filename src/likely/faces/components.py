"""Tables of a fitted model's numbers: one row for each component, or one for each parameter where that is narrower."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from likely.faces.entries import Entries, Entry, Place
from likely.faces.grid import GAP, Grid
from likely.faces.words import aligned

WIDTH = 100  # characters of a line of text
LONGEST = 40  # rows of a table before it is cut


def number_grids(found: Entries, beside: Sequence[tuple[str, ...]] = ()) -> Iterator[tuple[str, Grid]]:
    """(heading, table) of each level of the model.

    Parameters
    ----------
    found : Entries
    beside : columns      (heading, a text for each) of what else is known of the outermost components or states
    """
    levels = dict.fromkeys((e.place.group, len(e.place.path)) for e in found.numbers)
    for group, depth in levels:
        here = [e for e in found.numbers if (e.place.group, len(e.place.path)) == (group, depth)]
        more = beside if depth == 1 and not group else ()
        yield ".".join(group), _cut(_member_grid(here, found.names, more) if depth else _value_grid(here))


def _value_grid(numbers: Sequence[Entry]) -> Grid:
    """Of a distribution that stands alone: its parameters under one another."""
    return Grid(("parameter", "value"), tuple((e.label + _bracket(e.mark), *aligned([e.value])) for e in numbers))


def _member_grid(numbers: Sequence[Entry], called: dict[Place, str], beside: Sequence[tuple[str, ...]]) -> Grid:
    places = list(dict.fromkeys(e.place for e in numbers))
    names = [" ".join(filter(None, [".".join(str(i + 1) for i in p.path), called.get(p, "")])) for p in places]
    by_label: dict[str, dict[Place, Entry]] = {}
    for e in numbers:
        by_label.setdefault(e.label, {})[e.place] = e
    columns = [_column(label, mine, places) for label, mine in by_label.items()]
    first = int(numbers[0].percent)  # after the probability of each component, where there is one
    columns[first:first] = beside
    corner = ".".join(dict.fromkeys(places[0].axes))
    grid = Grid((corner, *(c[0] for c in columns)), tuple(zip(names, *(c[1:] for c in columns), strict=True)))
    return grid if sum(grid.widths) + GAP * len(columns) <= WIDTH else grid.turned(corner)


def _column(label: str, mine: dict[Place, Entry], places: Sequence[Place]) -> tuple[str, ...]:
    """Heading and cells; what all cells have in common stands in the heading."""
    shown = dict(zip(mine, _shown(list(mine.values())), strict=True))
    marks = {e.mark for e in mine.values()}
    if len(marks) == 1:
        return (label + _bracket(marks.pop()), *(shown.get(p, "") for p in places))
    return (label, *(shown[p] + _bracket(mine[p].mark) if p in mine else "" for p in places))


def _shown(numbers: Sequence[Entry]) -> list[str]:
    if numbers[0].percent:
        return [f"{100 * e.value:.1f}%" for e in numbers]
    return aligned([e.value for e in numbers])


def _bracket(mark: str) -> str:
    return f" ({mark})" if mark else ""


def _cut(grid: Grid) -> Grid:
    more = len(grid.rows) - LONGEST
    if more <= 0:
        return grid
    rest = (f"... and {more} more", *[""] * (len(grid.header) - 1))
    return Grid(grid.header, (*grid.rows[:LONGEST], rest), grid.left)
