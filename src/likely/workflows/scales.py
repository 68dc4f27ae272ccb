"""Scales on which intervals are symmetric: the logarithm, the logit, or none, by what a number can be."""

from __future__ import annotations

import numpy as np

from likely.errors import ModelError
from likely.numerics import special
from likely.numerics.soft import Array


def check_level(level: float) -> None:
    """Raise a ModelError unless this can be a coverage."""
    if not 0 < level < 1:
        raise ModelError(f"level={level}; a coverage lies between 0 and 1, as in level=0.95.")


def to_scale(value: Array, ranges: Array) -> Array:
    """Numbers (p,) that lie between ranges (p, 2), on the whole real line; the ends of a range are infinite there."""
    low, high = ranges[:, 0], ranges[:, 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        below = np.where(np.isinf(low), 0.0, np.log(value - low))
        above = np.where(np.isinf(high), 0.0, np.log(high - value))
    return np.where(np.isinf(low) & np.isinf(high), value, below - above)


def from_scale(t: Array, ranges: Array) -> Array:
    """Back."""
    low, high = ranges[:, 0], ranges[:, 1]
    with np.errstate(over="ignore", invalid="ignore"):
        out = np.where(np.isfinite(low) & np.isfinite(high), low + (high - low) * special.expit(t), t)
        out = np.where(np.isfinite(low) & np.isinf(high), low + np.exp(t), out)
        return np.where(np.isinf(low) & np.isfinite(high), high - np.exp(-t), out)


def stretch(value: Array, ranges: Array) -> Array:
    """(p,): slope of the scale there."""
    low, high = ranges[:, 0], ranges[:, 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(np.isinf(low), 0.0, 1 / (value - low)) + np.where(np.isinf(high), 0.0, 1 / (high - value))
    return np.where(np.isinf(low) & np.isinf(high), 1.0, slope)


def interval(value: Array, error: Array, ranges: Array, level: float) -> Array:
    """(p, 2): Wald intervals for numbers (p,) with standard errors, never outside their ranges."""
    check_level(level)
    beyond = ((value <= ranges[:, 0]) | (value >= ranges[:, 1])) & np.isfinite(error)
    if beyond.any():
        worst = int(beyond.argmax())
        low, high = ranges[worst].tolist()
        raise ModelError(f"the value {value[worst]:.6g} does not lie between low={low:g} and high={high:g}.")
    t, reach = to_scale(value, ranges), special.ndtri((1 + level) / 2) * error * stretch(value, ranges)
    return np.stack([from_scale(t - reach, ranges), from_scale(t + reach, ranges)], 1)
