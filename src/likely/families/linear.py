"""Families whose log density is linear in features of a row: totals are their statistics, passes go in one go."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from likely.core.data import Table
from likely.core.family import Family
from likely.core.params import Params
from likely.core.posterior import Fused, Share, Streaming
from likely.families.fused import POSSIBLE, in_one_piece, row_weights, worth_it
from likely.families.streams import stream_linear
from likely.numerics.soft import Array, weigh

Features = dict[Any, Array]  # by name, (n, m) + event each: m = 1, or k where every member looks at its own point


class Linear(Family, public=False):
    """A family with log f(x) = sum of natural * feature + constant, where only features depend on the row.

    What no parameter moves is a feature too: it is called "base", and its natural parameter is 1.
    """

    linear = True  # a structure is where its parts are
    record: ClassVar[type[Any]]  # where `recorded` puts weight and totals, by the names of the features

    def features(self, data: Table) -> Features:
        """Functions of the rows, worked out once for a chunk where they cost something; all rows are possible."""
        raise NotImplementedError

    def natural(self, params: Params) -> dict[Any, Array]:
        """What multiplies the features, (k,) + event each; one that is not named is multiplied by 1."""
        raise NotImplementedError

    def constant(self, params: Params) -> Array:
        """(k,): what depends on the parameters alone."""
        raise NotImplementedError

    def recorded(self, weight: Array, totals: dict[Any, Array]) -> Any:
        """Statistics from sums of w (k,) and of w times the features, (k,) + event each."""
        return self.record(weight, **totals)

    def all_possible(self, data: Any) -> bool:
        """Can every row have been produced, whatever the parameters?"""
        return self._settled(data) is None

    def statistics(self, params: Params | None, data: Table, weights: Array) -> Any:
        totals = {name: weigh(weights, f) for name, f in self.features(data).items()}
        return self.recorded(weights.sum(0), totals)

    @property
    def fuses(self) -> bool:
        return self.linear

    def fused(self, params: Params) -> Fused:
        return _fused_linear(self, params)

    def in_stream(self, params: Params) -> Streaming | None:
        return stream_linear(self, params) if self.linear else None


def _fused_linear(family: Linear, params: Params) -> Fused:
    """A pass over rows under k members.

    It declines a chunk (None) that is not worth it or holds an impossible row, and all where a parameter is plus
    infinity. Minus infinity multiplies counts alone, as the logarithm of a probability 0; then 0 times it is 0.
    """
    natural, constant = family.natural(params), family.constant(params)
    usable = np.isfinite(constant).all() and all((v < np.inf).all() for v in natural.values())
    key = "linear features", type(family), *family.arguments()

    def one_go(data: Any, log_weights: Array, hard: bool) -> Share | None:
        if not usable or not worth_it(data, len(constant)) or not family.all_possible(data):
            return None
        from likely.numerics import linear_pass as kernels

        x, events = data.once(key, lambda: side_by_side(family.features(data)))
        k, t = len(constant), x.shape[1]
        slopes = [natural.get(name, np.ones((k, *event))).reshape(k, -1) for name, event in events.items()]
        common = x, row_weights(data), np.zeros(t), kernels.packed(np.concatenate(slopes, 1)), constant + log_weights
        sums = np.zeros((k, t + 1, kernels.LANES))
        total = kernels.linear_totals(*common, hard, kernels.groups(t), sums)
        if not total > POSSIBLE:
            return None
        sums = sums.sum(-1)
        return Share(total, sums[:, -1], family.recorded(sums[:, -1], apart(sums, events)))

    return one_go


def side_by_side(features: Features) -> tuple[Array, dict[Any, tuple[int, ...]]]:
    """Features of points common to all members as columns (n, t), and the event shape of each by name."""
    columns = [f.reshape(len(f), -1) for f in features.values()]
    x = columns[0] if len(columns) == 1 else np.concatenate(columns, 1)
    return in_one_piece(x), {name: f.shape[2:] for name, f in features.items()}


def apart(sums: Array, events: dict[Any, tuple[int, ...]]) -> dict[Any, Array]:
    """The totals (k,) + event of each feature, from sums (k, t + 1) over the columns."""
    out, at = {}, 0
    for name, event in events.items():
        size = int(np.prod(event, dtype=int))
        out[name] = np.ascontiguousarray(sums[:, at : at + size]).reshape(-1, *event)
        at += size
    return out
