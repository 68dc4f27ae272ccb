"""Expected complete-data sufficient statistics: small records that merge, scale, and extrapolate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np

from likely.core.params import blocks_of
from likely.numerics.soft import Array


@dataclass(frozen=True)
class Stats:
    """A commutative monoid; its size does not depend on the number of rows, but for families that must hold them.

    Fields are arrays with the member axis first, other `Stats`, or None (zero: nothing was seen). The default merge is
    a sum; a record whose merge is not (extremes, centred moments) overrides `__add__`.

    For acceleration a record packs into additive coordinates, in units of `origin` (a record of the same shape), and
    back. Fields named in `carried` are never extrapolated: they are taken from the latest record.
    """

    carried: ClassVar[tuple[str, ...]] = ()

    def __add__(self, other: Self | None) -> Self:
        if other is None:
            return self
        return type(self)(**{n: _add(v, getattr(other, n)) for n, v in self._items()})

    def __rmul__(self, scale: float) -> Self:
        return type(self)(**{n: None if v is None else scale * v for n, v in self._items()})

    @classmethod
    def concatenate(cls, records: Sequence[Self]) -> Self:
        """Statistics of several banks as those of one: the members of each after those of the one before."""
        return cls(**{n: _concatenate([getattr(r, n) for r in records]) for n, _ in records[0]._items()})

    def blocks(self, chosen: Sequence[int], of: int) -> Self:
        """Some of `of` equal runs of members: the opposite of `concatenate`."""
        return type(self)(**{n: _blocks(v, chosen, of) for n, v in self._items()})

    def _items(self) -> list[tuple[str, Any]]:
        return [(f.name, getattr(self, f.name)) for f in fields(self)]

    def _moving(self) -> list[tuple[str, Any]]:
        return [(n, v) for n, v in self._items() if v is not None and n not in self.carried]

    def pack(self, origin: Self) -> Array:
        """Additive coordinates, one flat array."""
        parts = [v.pack(getattr(origin, n)) if isinstance(v, Stats) else np.ravel(v) for n, v in self._moving()]
        return np.concatenate([*parts, np.zeros(0)])

    def unpack(self, u: Array, latest: Self) -> tuple[Self, int]:
        """The record whose coordinates about this origin are the first of `u`, and how many were used."""
        out, at, moving = {}, 0, dict(self._moving())
        for name, own in self._items():
            if name not in moving:
                out[name] = getattr(latest, name)
            elif isinstance(own, Stats):
                out[name], used = own.unpack(u[at:], getattr(latest, name))
                at += used
            else:
                size = np.size(own)
                out[name] = u[at : at + size].reshape(np.shape(own))
                at += size
        return type(self)(**out), at

    def positive(self) -> Array:
        """Which packed coordinates may not be negative."""
        parts = [v.positive() if isinstance(v, Stats) else np.ones(np.size(v), bool) for _, v in self._moving()]
        return np.concatenate([*parts, np.zeros(0, bool)])

    def valid(self) -> bool:
        """Could these be statistics of some data?"""
        return all(v.valid() if isinstance(v, Stats) else bool(np.all(v >= 0)) for _, v in self._moving())


def _add(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else a + b


def _concatenate(values: Sequence[Any]) -> Any:
    first = values[0]
    if first is None or len(values) == 1:
        return first
    return type(first).concatenate(values) if isinstance(first, Stats) else np.concatenate(values)


def _blocks(value: Any, chosen: Sequence[int], of: int) -> Any:
    if value is None:
        return None
    return value.blocks(chosen, of) if isinstance(value, Stats) else blocks_of(value, chosen, of)


@dataclass(frozen=True)
class Parts(Stats):
    """Statistics of several banks side by side, by name."""

    items: dict[str, Any]

    def _rebuild(self, items: dict[str, Any]) -> Self:
        return type(self)(items)

    def __add__(self, other: Self | None) -> Self:
        return self if other is None else self._rebuild({n: _add(s, other.items[n]) for n, s in self.items.items()})

    def __rmul__(self, scale: float) -> Self:
        return self._rebuild({n: scale * s for n, s in self.items.items()})

    @classmethod
    def concatenate(cls, records: Sequence[Self]) -> Self:
        items = {n: _concatenate([r.items[n] for r in records]) for n in records[0].items}
        return records[0]._rebuild(items)

    def blocks(self, chosen: Sequence[int], of: int) -> Self:
        return self._rebuild({n: _blocks(s, chosen, of) for n, s in self.items.items()})

    def pack(self, origin: Self) -> Array:
        return np.concatenate([s.pack(origin.items[n]) for n, s in self.items.items()])

    def unpack(self, u: Array, latest: Self) -> tuple[Self, int]:
        out, at = {}, 0
        for name, own in self.items.items():
            out[name], used = own.unpack(u[at:], latest.items[name])
            at += used
        return self._rebuild(out), at

    def positive(self) -> Array:
        return np.concatenate([s.positive() for s in self.items.values()])

    def valid(self) -> bool:
        return all(s.valid() for s in self.items.values())


@dataclass(frozen=True)
class Counts(Stats):
    """Weights and weighted totals: all that an exponential family of counts or waiting times needs."""

    weight: Array  # (k,) sum of w
    total: Array  # (k, ...) sum of w T(x)
    base: Array | None = None  # (k,) sum of w log h(x), the part of the log density without parameters

    carried: ClassVar[tuple[str, ...]] = ("base",)
