"""Estimated numbers at the edge of what is possible: probabilities 0 and 1, a rate of 0, a size without limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from likely.core.domains import NonNegative, Positive, Simplex, Unit
from likely.core.family import Family
from likely.core.numbers import numbers
from likely.core.params import Params
from likely.core.slot import Slot
from likely.em.stopping import rounding_of
from likely.errors import Degenerate
from likely.numerics.soft import Array
from likely.structures.noise import Noise

if TYPE_CHECKING:
    from likely.workflows.surface import Surface

FEW = 0.5  # rows: a number that so few speak for may be on its way to the edge
INSIDE = 1e-6  # how far a number is moved off its edge
LARGE = 1e4  # in place of infinity

Limit = Callable[[Any, Array], Array]


@dataclass(frozen=True)
class Edge:
    """One number, where it stands, and its edge."""

    name: str
    path: tuple[str, ...]  # of the part that it belongs to
    slot: Slot
    index: tuple[int, ...]  # among the values of that slot, of which tied members have one
    value: float
    limit: float

    def __str__(self) -> str:
        return f"{self.name} = {self.limit:g}"

    @property
    def reached(self) -> bool:
        """Does it lie on the edge, not only near it?"""
        return self.value == self.limit

    @property
    def shrinks(self) -> bool:
        """Is it a variance on its way to 0? There the density of a hidden state has no logarithm."""
        return isinstance(self.slot.domain, Noise) and not self.reached

    def coordinates(self, family: Family, params: Params) -> Array:
        """Which coordinates of a family are those of this number."""
        return np.isinf(family.flatten(self.snapped(params))) & np.isfinite(family.flatten(params))

    def snapped(self, params: Params) -> Params:
        """The same with this number on its edge."""
        return self._with(params, self.limit)

    def off(self, params: Params) -> Params | None:
        """The same with this number a little inside; None where there is no room."""
        if np.isinf(self.limit):
            return self._with(params, LARGE)
        if isinstance(self.slot.domain, Simplex) and self._others(self._small(params)).sum() == 0:
            return None
        if self.shrinks:  # it still is inside, and the edge was no lower
            return None
        return self._with(params, abs(self.limit - INSIDE))

    def _small(self, params: Params) -> Array:
        for name in self.path:
            params = params[name]
        return self.slot.one(params[self.slot.name] - self.slot.offsets)

    def _with(self, params: Params, value: float) -> Params:
        """Of a simplex the other estimated entries give way."""
        small = self._small(params).copy()
        if isinstance(self.slot.domain, Simplex):
            row, others = small[self.index[:-1]], self._others(small)
            mass = small[self.index] + others.sum()
            row[:] = np.where(others > 0, others / max(others.sum(), 1e-300) * mass * (1 - value), row)
            value = value * mass
        if isinstance(self.slot.domain, Noise):
            found = self.slot.domain.variance_at(small[self.index[0]], self.index[-1], value)
            small[self.index[0]] = small[self.index[0]] if found is None else found
        else:
            small[self.index] = value
        whole = self.slot.spread(small) + self.slot.offsets
        return _replaced(params, self.path, self.slot.name, whole)

    def _others(self, small: Array) -> Array:
        """The other estimated entries of its simplex; 0 elsewhere."""
        free = self.slot.loose()[self.index[:-1]].copy()
        free[self.index[-1]] = False
        return np.where(free, small[self.index[:-1]], 0.0)


def edges(family: Family, params: Params, items: float) -> list[Edge]:
    """Of a bound family: what lies at an edge, or so near it that hardly a row of so many (by weight) holds it off."""
    return list(_walk(family, params, items, family, params, ()))


def height_at(s: Surface, params: Params) -> float:
    """The objective; minus infinity where a row becomes impossible, or a covariance loses its likelihood."""
    try:
        done = s.engine.evaluate(s.family, params)
    except (Degenerate, np.linalg.LinAlgError):
        return float("-inf")
    return done.log_likelihood + s.family.log_prior(params)


def shrinking(s: Surface) -> list[str]:
    """Names of variances on their way to 0: at 0 the objective is no lower."""
    near = [e for e in edges(s.family, s.params, s.items) if e.shrinks]
    bar = height_at(s, s.params) if near else 0.0
    return [e.name for e in near if height_at(s, e.snapped(s.params)) >= bar - rounding_of(bar, s.items)]


def _walk(
    whole: Family, all_params: Params, items: float, family: Family, params: Params, path: tuple[str, ...]
) -> Iterator[Edge]:
    for name, slot in family.slots.items():
        if slot.fixed:
            continue
        small = slot.one(params[name] - slot.offsets)
        limits = _limits(slot, small, items)
        for at in np.argwhere(~np.isnan(limits) & slot.loose()):
            index = tuple(map(int, at))
            yield Edge(
                _name(whole, all_params, path, slot, index), path, slot, index, small[index], float(limits[index])
            )
    for name, part in family.parts().items():
        yield from _walk(whole, all_params, items, part, params[name], (*path, name))


def _limits(slot: Slot, small: Array, items: float) -> Array:
    """The edge that each number lies at or near; NaN elsewhere."""
    domain, none = slot.domain, np.full(small.shape, np.nan)
    if isinstance(domain, Noise):  # how small is near it only the likelihood can tell
        alone = [[domain.variance_at(one, i, 0.0) is not None for i in range(len(one))] for one in small]
        return np.where(np.eye(small.shape[-1]) * np.array(alone)[:, None] * domain.told(slot.event) > 0, 0.0, none)
    if isinstance(domain, Unit):
        low = np.where((small * items < FEW) & domain.zero, 0.0, none)
        return np.where((1 - small) * items < FEW, 1.0, low)
    if isinstance(domain, Simplex | NonNegative):
        return np.where(small * items < FEW, 0.0, none)
    return np.where(np.isinf(small), np.inf, none) if isinstance(domain, Positive) else none


def _name(family: Family, params: Params, path: tuple[str, ...], slot: Slot, index: tuple[int, ...]) -> str:
    """What `numbers` calls it: a mark is put there and looked for."""
    marks: Array = np.zeros((slot.one(np.zeros(slot.k)).shape[0], *slot.event))
    marks[index] = np.nan
    marked = numbers(family, _replaced(params, path, slot.name, slot.spread(marks)))
    return next(name for name, value in zip(marked.names, marked.values, strict=True) if np.isnan(value))


def _replaced(params: Params, path: tuple[str, ...], name: str, value: Array) -> Params:
    if not path:
        return params.replace(**{name: value})
    return params.replace(**{path[0]: _replaced(params[path[0]], path[1:], name, value)})
