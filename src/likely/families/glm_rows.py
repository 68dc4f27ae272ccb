"""Rows held as they are, with covariates: the statistics of families whose likelihood no few sums can give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from likely.core.params import blocks_of
from likely.core.stats import Stats
from likely.numerics.soft import Array


class Piece(NamedTuple):
    """Some rows as they are, and how much weight each member gives to each."""

    given: Array  # (n, p + 1) covariates and a 1
    features: Array  # (n, 1, q), or (n, k, q) where every member looks at its own point
    base: Array  # (n, 1) or (n, k): the part of the log density without parameters
    weights: Array  # (n, k)


@dataclass(frozen=True)
class Rows(Stats):
    """The rows in pieces, in their order; merging lays them end to end, and copies nothing.

    It is as exact as the rows themselves: there are no finite statistics. The weights are its additive coordinates.
    """

    pieces: tuple[Piece, ...]

    @property
    def weight(self) -> Array:
        """(k,): sum of w."""
        return np.sum([p.weights.sum(0) for p in self.pieces], axis=0)

    def __add__(self, other: Self | None) -> Self:
        return self if other is None else type(self)(self.pieces + other.pieces)

    def _weighing(self, weights: Sequence[Array]) -> Self:
        return type(self)(tuple(p._replace(weights=w) for p, w in zip(self.pieces, weights, strict=True)))

    def __rmul__(self, scale: float) -> Self:
        return self._weighing([scale * p.weights for p in self.pieces])

    @classmethod
    def concatenate(cls, records: Sequence[Self]) -> Self:
        each = zip(*(r.pieces for r in records), strict=True)
        return cls(tuple(_joined(pieces) for pieces in each))

    def blocks(self, chosen: Sequence[int], of: int) -> Self:
        def cut(a: Array) -> Array:
            return np.swapaxes(blocks_of(np.swapaxes(a, 0, 1), chosen, of), 0, 1)

        def own(a: Array) -> Array:
            """What all members have in common stays as it is."""
            return a if a.shape[1] == 1 else cut(a)

        return type(self)(tuple(Piece(p.given, own(p.features), own(p.base), cut(p.weights)) for p in self.pieces))

    def pack(self, origin: Self) -> Array:
        return np.concatenate([p.weights.ravel() for p in self.pieces])

    def unpack(self, u: Array, latest: Self) -> tuple[Self, int]:
        """Extrapolated weights fall below 0 where a row is nearly lost to a member; there they are 0."""
        weights, at = [], 0
        for piece in latest.pieces:
            size = piece.weights.size
            weights.append(np.maximum(u[at : at + size], 0.0).reshape(piece.weights.shape))
            at += size
        return latest._weighing(weights), at

    def positive(self) -> Array:
        return np.zeros(sum(p.weights.size for p in self.pieces), bool)

    def valid(self) -> bool:
        """Nothing negative, and no member without weight."""
        return all((p.weights >= 0).all() for p in self.pieces) and bool((self.weight > 0).all())


def _joined(pieces: Sequence[Piece]) -> Piece:
    """The same rows under the members of several banks."""
    first, sizes = pieces[0], [p.weights.shape[1] for p in pieces]

    def common_or_own(name: str) -> Array:
        values = [getattr(p, name) for p in pieces]
        if all(v is values[0] for v in values) and values[0].shape[1] == 1:
            return values[0]
        each = [np.broadcast_to(v, (len(v), k, *v.shape[2:])) for v, k in zip(values, sizes, strict=True)]
        return np.concatenate(each, 1)

    weights = np.concatenate([p.weights for p in pieces], 1)
    return Piece(first.given, common_or_own("features"), common_or_own("base"), weights)
