"""Weight of each distinct value: the statistics of families of counts for which no few sums suffice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from likely.core.data import Table
from likely.core.params import blocks_of
from likely.core.stats import Stats
from likely.numerics.soft import Array

DENSE = 4  # counts below so many times the number of rows are sorted by counting


@dataclass(frozen=True)
class Histogram(Stats):
    """The distinct values, and how much weight each member gives to each; merged over the union of values."""

    values: Array  # (u,) increasing
    weights: Array  # (k, u)

    carried: ClassVar[tuple[str, ...]] = ("values",)

    def __add__(self, other: Self | None) -> Self:
        if other is None:
            return self
        if np.array_equal(self.values, other.values):
            return type(self)(self.values, self.weights + other.weights)
        values = np.union1d(self.values, other.values)
        weights = np.zeros((len(self.weights), len(values)))
        for one in (self, other):
            weights[:, np.searchsorted(values, one.values)] += one.weights
        return type(self)(values, weights)

    @classmethod
    def concatenate(cls, records: Sequence[Self]) -> Self:
        """Over the union of values."""
        values = np.unique(np.concatenate([r.values for r in records]))
        weights = [np.zeros((len(r.weights), len(values))) for r in records]
        for record, w in zip(records, weights, strict=True):
            w[:, np.searchsorted(values, record.values)] = record.weights
        return cls(values, np.concatenate(weights))

    def blocks(self, chosen: Sequence[int], of: int) -> Self:
        return type(self)(self.values, blocks_of(self.weights, chosen, of))

    def __rmul__(self, scale: float) -> Self:
        return type(self)(self.values, scale * self.weights)

    def valid(self) -> bool:
        """Nothing negative, and no member without weight."""
        return bool(np.all(self.weights >= 0) and np.all(self.weights.sum(1) > 0))


def distinct(data: Table) -> tuple[Array, Any]:
    """The distinct counts (u,) of a chunk, and the place of each row's among them: (n, 1), or (n, k) for own points."""
    return data.once("distinct", lambda: _distinct(data.column()))


def histogram(data: Table, weights: Array) -> Histogram:
    """Weights (n, k) of a chunk summed over rows with the same count."""
    values, place = distinct(data)
    own = np.broadcast_to(place, weights.shape)
    each = [np.bincount(i, w, len(values)) for i, w in zip(own.T, weights.T, strict=True)]
    return Histogram(values, np.stack(each))


def _distinct(x: Array) -> tuple[Array, Any]:
    if x.max() > DENSE * x.size:
        values, place = np.unique(x, return_inverse=True)
        return values, place.reshape(x.shape)
    counts = x.astype(np.intp)
    seen = np.bincount(counts.ravel()) > 0
    return np.flatnonzero(seen).astype(float), (np.cumsum(seen) - 1)[counts]
