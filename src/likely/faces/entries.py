"""Every number of a fitted model with its name, its member and how it came about, read off the slots."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from likely.core.data import Table
from likely.core.domains import PositiveDefinite
from likely.core.family import Family
from likely.core.params import Params
from likely.core.setting import Setting
from likely.core.slot import Slot
from likely.core.written import CONSTANTS, Free, Shared
from likely.faces.words import kind_words
from likely.numerics.soft import Array
from likely.structures.side_by_side import Alternatives, SideBySide

if TYPE_CHECKING:
    from likely.workflows.result import Fit

Index = tuple[tuple[str, int], ...]  # the letter of each axis of an event ("d", "p", ...), and which entry along it
CORRELATIONS_UP_TO = 4  # columns; beyond that there are more correlations than anybody reads


@dataclass(frozen=True)
class Place:
    """Whose number it is: a path of components (from 0), and what tells parts of a product apart."""

    path: tuple[int, ...] = ()
    axes: tuple[str, ...] = ()  # the names of what the path counts
    group: tuple[str, ...] = ()
    column: str | None = None


@dataclass(frozen=True)
class Entry:
    """One number."""

    place: Place
    label: str
    value: float
    mark: str = ""  # "known", "shared", "prior", or nothing: free
    percent: bool = False


@dataclass
class Entries:
    """All numbers of a fit in the order of the model, and what members are called beside their number."""

    several: bool  # whether columns need naming
    numbers: list[Entry] = field(default_factory=list)
    names: dict[Place, str] = field(default_factory=dict)

    def walk(self, family: Family, params: Params, written: Family, places: list[Place]) -> None:
        """Collect the slots of a bound family whose flat members stand at `places`, then those of its parts."""
        inner = [self._along(p, axis, i, family) for p in places for axis, i in _positions(family)]
        for name, slot in family.slots.items():
            value, marks = params[name], marks_of(slot, getattr(written, name))
            if family.axis == "state" and name == "transition":  # a table of its own
                continue
            if _about_members(family, slot):
                rest = value.shape[2:]
                self._add(family, slot, inner, value.reshape(-1, *rest), marks.reshape(-1, *rest), percent=not rest)
            else:
                self._add(family, slot, places, value, marks)
        for i, (name, part) in enumerate(family.parts().items()):
            there = places[i :: len(family.parts())] if isinstance(family, Alternatives) else inner
            if isinstance(family, Alternatives):
                self.names.update(dict.fromkeys(there, kind_words(part)))
            elif family.axis == "state" and name != "emission":
                there = [replace(p, group=(*p.group, name)) for p in inner]
            elif isinstance(family, SideBySide):
                there = [self._in_product(p, name, part) for p in there]
            self.walk(part, params[name], written.parts()[name], there)

    def _along(self, place: Place, axis: Any, i: int, family: Family) -> Place:
        if axis is None:
            return place
        if axis.hidden:
            return replace(place, path=(*place.path, i), axes=(*place.axes, axis.name))
        return replace(place, column=_name(family, i) if self.several else None)

    def _in_product(self, place: Place, name: str, part: Family) -> Place:
        """Parts of one column are told apart by its name; those with hidden members have tables of their own."""
        members = any(axis.hidden for axis in part.part_axes(part.setting))
        group = (*place.group, name) if members else place.group
        return replace(place, group=group, column=None if part.several_columns else name)

    def _add(
        self, family: Family, slot: Slot, places: list[Place], value: Array, marks: Array, *, percent: bool = False
    ) -> None:
        for noun, axes, numbers, how in _scalars(slot, value, marks):
            for place, number, mark in zip(places, numbers, how, strict=True):
                label = noun + self._about(family, axes, place.column)
                self.numbers.append(Entry(replace(place, column=None), label, float(number), str(mark), percent))

    def _about(self, family: Family, axes: Index, column: str | None) -> str:
        """What a number is about, as in "coefficient of speed for dist" or "p of tea in drink"."""
        levels = [_level(family, i) for letter, i in axes if letter not in "pd"]
        covariates = [_given(family, i) for letter, i in axes if letter == "p"]
        columns = [_name(family, i) for letter, i in axes if letter == "d"] or self._own_column(family, column)
        of = "".join(f" of {name}" for name in levels + covariates)
        if not columns or not self.several:
            return of
        return f"{of} {'in' if levels else 'for' if covariates else 'of'} {' and '.join(columns)}"

    def _own_column(self, family: Family, column: str | None) -> list[str]:
        """The only column that a family looks at."""
        rows = family.setting.rows
        if column is not None:
            return [column]
        return [_name(family, 0)] if rows is not None and rows.d == 1 else []


def _scalars(slot: Slot, value: Array, marks: Array) -> Iterator[tuple[str, Index, Array, Array]]:
    """Noun, place in the event, numbers (k,) and marks (k,) of each entry of a slot."""
    if isinstance(slot.domain, PositiveDefinite):
        yield from _covariance(value, marks)
        return
    noun, value = ("sd", np.sqrt(value)) if slot.name == "variance" else (slot.name.replace("_", " "), value)
    letters = slot.domain.event[len(slot.domain.event) - (value.ndim - 1) :]
    for index in np.ndindex(value.shape[1:]):
        where = (slice(None), *index)
        one = noun.removesuffix("s") if slot.event else noun
        yield one, tuple(zip(letters, index, strict=True)), value[where], marks[where]


def _covariance(value: Array, marks: Array) -> Iterator[tuple[str, Index, Array, Array]]:
    """Standard deviations and correlations are read more easily."""
    d = value.shape[-1]
    sd = np.sqrt(np.einsum("kdd->kd", value))
    for i in range(d):
        yield "sd", (("d", i),), sd[:, i], marks[:, i, i]
    if d <= CORRELATIONS_UP_TO and (value * (1 - np.eye(d))).any():
        for i, j in itertools.combinations(range(d), 2):
            pair = (("d", i), ("d", j)) if d > 2 else ()
            yield "correlation", pair, value[:, i, j] / (sd[:, i] * sd[:, j]), marks[:, i, j]


def entries(fit: Fit) -> Entries:
    """All numbers of the fitted model."""
    bound = bound_model(fit)
    out = Entries(several=fit.n_columns > 1)
    out.walk(bound, bound.known_params(), fit.family, [Place()])
    if bound.axis in ("component", "state"):
        out.names |= {Place((j,), (bound.axis,)): name for j, name in enumerate(fit.label_names)}
    return out


def bound_model(fit: Fit) -> Family:
    """The fitted model at its place: at the data, or at the names of its columns where the fit was loaded."""
    return fit.model.bind((), Setting.of(fit.data if fit.data is not None else _no_rows(fit)))


def bound_family(fit: Fit) -> Family:
    """What was free, at its place."""
    return fit.family.bind((), Setting.of(fit.data if fit.data is not None else _no_rows(fit)))


def _no_rows(fit: Fit) -> Table:
    p = len(fit.given) or fit.model.own_dims().get("p", int(fit.model.uses_given))
    given = np.zeros((0, p)) if p else None
    return Table(np.zeros((0, fit.n_columns)), given, names=fit.columns, given_names=fit.given)


def _positions(family: Family) -> list[tuple[Any, int]]:
    """The places that a family makes for its parts at each of its own: (axis, number) pairs; no axis, one place."""
    axes = family.part_axes(family.setting)
    return [(axes[0], i) for i in range(axes[0].size)] if axes else [(None, 0)]


def _about_members(family: Family, slot: Slot) -> bool:
    """Is this slot's first entry one for each hidden member of the part, as a mixture's weights are?"""
    axes = family.part_axes(family.setting)
    return bool(axes and axes[0].hidden and slot.domain.event[:1] == ("m",))


def marks_of(slot: Slot, written: Any) -> Array:
    """How each number came about, in the shape (k,) + event."""
    shape = (slot.k, *slot.event)
    if isinstance(written, Free):
        return np.full(shape, "", object)
    if isinstance(written, Shared):
        return np.full(shape, "shared" if written.prior is None else "shared, prior", object)
    if isinstance(written, Family):
        return np.full(shape, repr(written) if repr(written) in CONSTANTS else "prior", object)
    value = np.asarray(written, float)
    if isinstance(slot.domain, PositiveDefinite):
        return np.full(shape, "known", object)
    full = np.broadcast_to(value, slot.sizes + slot.event).reshape(shape)
    return np.where(np.isnan(full), "", "known").astype(object)


def _name(family: Family, j: int) -> str:
    rows = family.setting.rows
    return rows.names[j] if rows is not None and rows.names else f"column {j + 1}"


def _given(family: Family, j: int) -> str:
    rows = family.setting.rows
    return rows.given_names[j] if rows is not None and rows.given_names else f"covariate {j + 1}"


def _level(family: Family, i: int) -> str:
    """What entry i of a slot stands for that has another length than the columns."""
    categories = getattr(family, "categories", None)
    if categories is None:
        return str(i + 1)
    return categories[i] if isinstance(categories[i], str) else f"{categories[i]:g}"
