"""Normals that are all alike but for their means, at temperature 0: every row goes to the nearest mean. K-means."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any

import numpy as np

from likely.core.posterior import Fused, Share
from likely.families.fused import rows_in_one_go
from likely.families.gaussian import LOG_2PI
from likely.families.moments import Moments
from likely.numerics.soft import Array


def or_nearest(
    otherwise: Fused, mean: Array, variance: Array, kind: Callable[[Array, Array, Array, Array], Moments]
) -> Fused:
    """A pass over rows under k normals with means and variances (k, d), which finds nearest means where that is all.

    So it is where rows go wholly to one member, and all weights and all variances are equal. `kind` makes statistics of
    weights, degrees of freedom (k,), means and squares of deviations (k, d).
    """
    k, d = mean.shape
    if not (variance == variance[0, 0]).all():
        return otherwise

    @cache
    def points() -> Any:
        return kernels().Points(mean)

    lock, density = Lock(), -0.5 * d * (LOG_2PI + np.log(variance[0, 0]))

    def one_go(data: Any, log_weights: Array, hard: bool) -> Share | None:
        if not hard or not (log_weights == log_weights[0]).all() or not np.isfinite(log_weights[0]):
            return otherwise(data, log_weights, hard)
        rows = rows_in_one_go(data, k)
        if rows is None:
            return None
        x, weights, _ = rows
        with lock:  # threads wait for one of them rather than prepare the same
            at = points()
        memory = data.once("nearest", kernels().Memories).of(at, len(x))
        memory.look(x, weights, at)
        weight = memory.weight
        total = weight.sum() * (density + log_weights[0]) - 0.5 * memory.inertia / variance[0, 0]
        if not np.isfinite(total):
            return None
        return Share(float(total), weight, kind(weight, weight, memory.mean, memory.scatter))

    return one_go


def kernels() -> Any:
    """Compiling or loading them takes time that small data never needs."""
    from likely.numerics import nearest

    return nearest
