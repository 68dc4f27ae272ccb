"""Probabilities of intervals from the logarithms of tails, where differences of distribution functions would vanish."""

from __future__ import annotations

import numpy as np

from likely.numerics.soft import Array

Tails = tuple[Array, Array]  # logarithms of the probability below a point, and above it


def log_between(low: Tails, high: Tails) -> Array:
    """Log probability between two points: in the lower half from what is below them, else from what is above.

    >>> tails = -9.0, -40.0  # of a point; here the end of the interval
    >>> float(log_between((np.array(-np.inf), np.array(0.0)), (np.array(tails[0]), np.array(tails[1]))))
    -9.0
    """
    upper = low[1] < high[0]
    large, small = np.where(upper, low[1], high[0]), np.where(upper, high[1], low[0])
    with np.errstate(invalid="ignore", divide="ignore"):
        out = large + np.log(-np.expm1(np.minimum(small - large, 0.0)))
    return np.where(large > -np.inf, out, -np.inf)
