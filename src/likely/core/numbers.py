"""The estimated numbers of a model, each under the name of its place in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from likely.core.domains import PositiveDefinite
from likely.core.family import Family
from likely.core.params import Params
from likely.core.slot import Slot
from likely.errors import ModelError
from likely.numerics.soft import Array

MOST = 12  # names told in a message


@dataclass(frozen=True)
class Numbers:
    """Names as one writes them behind `fit.model.` (a part of a product goes by its name), and the values there."""

    names: tuple[str, ...]
    values: Array  # (p,)
    ranges: Array  # (p, 2) between which values each lies whatever the others are
    at_edge: Array  # (p,) which lie at the edge of what is possible
    nonregular: Array  # (p,) at which the likelihood has a jump or a corner

    def index(self, name: str) -> int:
        """Where a name stands.

        Raises
        ------
        ModelError      no estimated number has this name
        """
        if name not in self.names:
            known = ", ".join(self.names[:MOST]) + (
                "" if len(self.names) <= MOST else f" and {len(self.names) - MOST} more"
            )
            raise ModelError(f"no estimated number is called {name!r}; there are {known}.")
        return self.names.index(name)


def numbers(family: Family, params: Params) -> Numbers:
    """Every number that a bound family estimates, as people read it: variances, probabilities, rates.

    A value that is common to several members or entries is named at the first; of a covariance the lower triangle is
    told (a diagonal one has its diagonal).

    >>> import likely as lk
    >>> from likely.core.params import Params
    >>> family = lk.Mixture(lk.Normal(variance=1), 2).bind()
    >>> params = Params(
    ...     weights=np.array([[0.4, 0.6]]), component=Params(mean=np.array([3.0, 7.0]), variance=np.ones(2))
    ... )
    >>> numbers(family, params).names
    ('weights[0]', 'weights[1]', 'component.mean[0]', 'component.mean[1]')
    """
    found = [_told(*one) for one in _walk(family, params, "")]
    names, ranges, edges, ends = zip(*found, strict=True) if found else ((), (), (), ())
    return Numbers(
        tuple(name for some in names for name in some),
        values_of(family, params, 1)[0],
        np.concatenate([*ranges, np.zeros((0, 2))]),
        np.concatenate([*edges, np.zeros(0, bool)]),
        np.concatenate([*ends, np.zeros(0, bool)]),
    )


def values_of(family: Family, params: Params, models: int) -> Array:
    """(models, p): the same values of each of so many models whose parameters stand side by side."""
    found = [values.reshape(models, *_shape(slot))[:, _named(slot)] for _, slot, values, _ in _walk(family, params, "")]
    return np.concatenate([*found, np.zeros((models, 0))], 1)


def _walk(family: Family, params: Params, path: str) -> Iterator[tuple[Family, Slot, Array, str]]:
    """Every slot in which something is estimated: whose it is, its values, and its name in the model."""
    for name, slot in family.slots.items():
        if not slot.fixed:
            yield family, slot, params[name], path + name
    for name, part in family.parts().items():
        there = f"{path[:-1]}[{name}]." if name.isdigit() else f"{path}{name}."  # alternatives are told by their number
        yield from _walk(part, params[name], there)


def _told(family: Family, slot: Slot, values: Array, path: str) -> tuple[list[str], Array, Array, Array]:
    """Names, ranges, what is at an edge and what is an end of the data, of the numbers of one slot."""
    shape, named, axes = _shape(slot), _named(slot), len(slot.axes)
    places = np.argwhere(named)
    names = [f"{path}{_written(tuple(map(int, at)), axes)}" for at in places]
    ranges = np.tile(slot.domain.ends, (len(places), 1))
    if isinstance(slot.domain, PositiveDefinite):
        ranges[places[:, -1] != places[:, -2]] = -np.inf, np.inf
    edge = slot.domain.at_edge(values.reshape(shape))[named]
    return names, ranges, edge, np.full(len(places), slot.name in family.nonregular)


def _shape(slot: Slot) -> tuple[int, ...]:
    return (*slot.sizes, *slot.event)


def _named(slot: Slot) -> Array:
    """axes + event: which entries are estimated and not told elsewhere."""
    shape = _shape(slot)
    free = np.ones(shape, bool) if slot.known is None else np.isnan(slot.known).reshape(shape)
    for tied in slot.ties:
        free &= (np.arange(shape[tied]) == 0).reshape([-1 if i == tied else 1 for i in range(len(shape))])
    return free & slot.domain.told(slot.event)


def _written(index: tuple[int, ...], axes: int) -> str:
    """[member] and [entry] as one indexes the published array."""
    pieces = index[:axes], index[axes:]
    return "".join(f"[{', '.join(map(str, piece))}]" for piece in pieces if piece)
