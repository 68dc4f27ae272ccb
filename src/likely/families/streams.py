"""Emissions of hidden Markov models in one go: how rows look to the kernels, and their sums as statistics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from likely.core.posterior import Streaming
from likely.families.moments import LOST, Moments
from likely.numerics.soft import Array

FAR = 1e5  # standard deviations from the centre of all rows up to which a state's normal density keeps its digits


def stream_normal(mean: Array, variance: Array) -> Streaming:
    """Rows of one column under k normals; sums about the centre of all rows become moments of each state.

    They are declined where they would lose digits: a state far from the others for its width.
    """

    def begin(rows: Any, stream: Any) -> tuple[Any, Callable[[Array], Moments | None]] | None:
        def packed() -> tuple[float, Array]:
            centre = float(np.nanmean(rows.x))
            return centre, stream.packed(rows.x - centre)

        centre, x = rows.once(("packed", stream.states), packed)
        shifted = mean - centre
        if not (np.abs(shifted) <= FAR * np.sqrt(variance)).all():
            return None

        def told(sums: Array) -> Moments | None:
            weight, first, second = sums
            about = np.where(weight > 0, first / np.where(weight > 0, weight, 1.0), 0.0)
            scatter = second - first * about
            if not (second <= LOST * scatter).all():
                return None
            return Moments(weight, weight, (centre + about)[:, None], scatter[:, None, None])

        return stream.normal(x, shifted, variance), told

    return begin


def stream_linear(family: Any, params: Any) -> Streaming:
    """Rows whose log densities are linear in features; declined where one is impossible, missing, or infinite."""
    natural, constant = family.natural(params), family.constant(params)
    usable = np.isfinite(constant).all() and all(np.isfinite(v).all() for v in natural.values())

    def begin(rows: Any, stream: Any) -> tuple[Any, Callable[[Array], Any]] | None:
        if not usable or not family.all_possible(rows):
            return None
        from likely.families.linear import apart, side_by_side

        def packed() -> tuple[Array, dict[Any, tuple[int, ...]]]:
            x, events = side_by_side(family.features(rows))
            return stream.packed(np.concatenate([np.ones((len(x), 1)), x], 1)), events

        x, events = rows.once(("packed", stream.states, type(family), *family.arguments()), packed)
        k = len(constant)
        slopes = [natural.get(name, np.ones((k, *event))).reshape(k, -1) for name, event in events.items()]

        def told(sums: Array) -> Any:
            return family.recorded(sums[0], apart(sums[1:].T, events))

        return stream.linear(x, np.concatenate([constant[:, None], *slopes], 1)), told

    return begin


def stream_symbols(codes: Callable[[Any], Array], log_p: Array, recorded: Callable[[Array], Any]) -> Streaming:
    """Rows that are one of c symbols, of log probabilities (k, c); a missing row has code c."""
    k, c = log_p.shape
    table = np.concatenate([log_p.T, np.zeros((1, k))])

    def begin(rows: Any, stream: Any) -> tuple[Any, Callable[[Array], Any]]:
        packed = rows.once(("packed", stream.states), lambda: stream.packed(codes(rows), c))
        return stream.symbols(packed, table), lambda sums: recorded(np.ascontiguousarray(sums[:c].T))

    return begin
