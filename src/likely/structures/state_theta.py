"""The two equations of a state space as regressions: slopes side by side, then the intercept."""

from __future__ import annotations

import numpy as np

from likely.core.params import Params
from likely.numerics.soft import Array

MOVING, SHOWING = ("A", "B", "b"), ("C", "D", "d")


def theta(params: Params, names: tuple[str, ...]) -> Array:
    """(k, r, z + 1): the slopes of an equation side by side, then its intercept."""
    slopes = [params[n] for n in names[:-1] if n in params]
    return np.concatenate([*slopes, params[names[-1]][:, :, None]], 2)


def blocks_of(values: Array, names: tuple[str, ...], like: Params) -> dict[str, Array]:
    """The opposite of `theta`; `like` says how wide each block is."""
    out, at = {}, 0
    for n in names[:-1]:
        if n in like:
            out[n] = values[:, :, at : at + like[n].shape[2]]
            at += like[n].shape[2]
    return {**out, names[-1]: values[:, :, -1]}
