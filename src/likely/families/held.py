"""Families without finite statistics hold the rows: values, and how much weight each member gives to each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from likely.core.data import Table
from likely.core.family import Family
from likely.core.params import Params, blocks_of
from likely.core.stats import Stats
from likely.numerics.soft import Array

PIECE = 2**15  # numbers in a temporary of one piece: few enough to stay near the processor


@dataclass(frozen=True)
class Held(Stats):
    """The values of the rows in their order, and each member's weights; merging lays them end to end.

    It is as exact as the rows themselves, and takes as much room: n (k + 1) numbers for n rows under k members. The
    weights are its additive coordinates; extrapolation may take some of them a little below 0, where 0 is meant. A row
    may be more than one number, as the two ends of an interval.
    """

    values: Array  # (1, n) common to all members, or (k, n); further axes where a row is several numbers
    weights: Array  # (k, n)

    carried: ClassVar[tuple[str, ...]] = ("values",)

    @property
    def weight(self) -> Array:
        """(k,): sum of w."""
        return self.weights.sum(1)

    def __add__(self, other: Self | None) -> Self:
        if other is None:
            return self
        weights = np.concatenate([self.weights, other.weights], 1)
        return type(self)(np.concatenate([self.values, other.values], 1), weights)

    def __rmul__(self, scale: float) -> Self:
        return type(self)(self.values, scale * self.weights)

    @classmethod
    def concatenate(cls, records: Sequence[Self]) -> Self:
        first = records[0].values
        weights = np.concatenate([r.weights for r in records])
        if len(first) == 1 and all(r.values is first or np.array_equal(r.values, first) for r in records):
            return cls(first, weights)
        each = [np.broadcast_to(r.values, (len(r.weights), *r.values.shape[1:])) for r in records]
        return cls(np.concatenate(each), weights)

    def blocks(self, chosen: Sequence[int], of: int) -> Self:
        common = len(self.values) == 1
        return type(self)(
            self.values if common else blocks_of(self.values, chosen, of), blocks_of(self.weights, chosen, of)
        )

    def unpack(self, u: Array, latest: Self) -> tuple[Self, int]:
        size = self.weights.size
        return type(self)(latest.values, np.maximum(u[:size].reshape(self.weights.shape), 0.0)), size

    def positive(self) -> Array:
        return np.zeros(self.weights.size, bool)

    def valid(self) -> bool:
        """No member is without weight."""
        return bool(np.all(self.weights.sum(1) > 0))

    def pieces(self) -> Iterator[tuple[Array, Array]]:
        """Values (1, m) or (k, m) and weights (k, m) of a few rows at a time."""
        k, n = self.weights.shape
        size = max(PIECE // k, 1)
        for a in range(0, n, size):
            yield self.values[:, a : a + size], self.weights[:, a : a + size]

    def total(self, function: Callable[[Array], Array]) -> Array:
        """`sum of w f(x)` over the rows, where weight 0 counts for nothing even if f is infinite.

        Parameters
        ----------
        function : callable      values (1, m) or (k, m) to f (..., k, m), a few rows at a time

        Returns
        -------
        array (..., k)
        """
        out: Any = 0.0
        for values, weights in self.pieces():
            out = out + _weighed(weights, function(values))
        return out

    def totals(self, functions: Callable[[Array], Sequence[Array]]) -> list[Array]:
        """As `total`, for several functions (k, m) that are worked out together."""
        out: list[Array] = []
        for values, weights in self.pieces():
            each = [_weighed(weights, f) for f in functions(values)]
            out = [a + b for a, b in zip(out, each, strict=True)] if out else each
        return out

    def thinned(self, most: int) -> Self:
        """Rows at equal distances, at most so many (itself where there are no more): enough to begin with."""
        step = -(-self.weights.shape[1] // most)
        return self if step <= 1 else type(self)(self.values[:, ::step], np.ascontiguousarray(self.weights[:, ::step]))

    def quantiles(self, levels: Sequence[float]) -> Array:
        """(k, levels): least values up to which each member has these parts of its weight; NaN where it has none."""
        order = np.argsort(self.values, 1)
        weights = self.weights[:, order[0]] if len(order) == 1 else np.take_along_axis(self.weights, order, 1)
        steps = weights.cumsum(1)
        rows = [np.searchsorted(own, np.multiply(levels, own[-1])) for own in steps]
        each = np.take_along_axis(np.broadcast_to(order, steps.shape), np.stack(rows), 1)
        found = np.take_along_axis(np.broadcast_to(self.values, steps.shape), each, 1)
        return np.where(steps[:, -1:] > 0, found, np.nan)


def _weighed(weights: Array, f: Array) -> Array:
    """`sum of w f` over rows; weight 0 counts for nothing."""
    out = np.einsum("km,...km->...k", weights, f)
    return out if np.isfinite(out).all() else np.einsum("km,...km->...k", weights, np.where(weights > 0, f, 0.0))


def held(data: Table, weights: Array) -> Held:
    """The rows of one column under weights (n, k)."""
    return Held(data.column().T, np.ascontiguousarray(weights.T))


class Holding(Family, public=False):
    """A family of one column whose statistics are the rows themselves: it writes `log_density`, `m_step` and `draw`."""

    def statistics(self, params: Params | None, data: Table, weights: Array) -> Held:
        return held(data, weights)

    def expected_log_density(self, params: Params, stats: Held) -> Array:
        k = len(stats.weights)

        def log_density(values: Array) -> Array:
            points = values.T if len(values) == 1 else values.T[:, :, None]
            return np.broadcast_to(self.log_density(params, Table(points)), (values.shape[1], k)).T

        return stats.total(log_density)
