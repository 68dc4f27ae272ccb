"""Sums over hidden things, at any temperature, and logarithms that respect zero."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
FEW = 32  # members up to which a sum over them is slow where they lie side by side in memory


def soft(joint: Array, temperature: float = 1.0) -> tuple[Array, Array]:
    """`T log sum exp(joint / T)` over the last axis, and the weights that attain it.

    T = 1 gives the log of a sum and responsibilities (EM), T = 0 the maximum and a one-hot choice (hard EM, ties to
    the first), between them annealing. Rows that are impossible (-inf throughout) give -inf and zero weights.

    Parameters
    ----------
    joint : array (..., m)       log joint densities
    temperature : float          T >= 0

    Returns
    -------
    value (...,), weights (..., m)
    """
    joint = _rows_together(joint)
    top = joint.max(-1, keepdims=True)
    possible = np.isfinite(top)
    if temperature == 0:
        chosen = np.arange(joint.shape[-1]) == joint.argmax(-1)[..., None]
        return top[..., 0], (chosen & possible).astype(float)
    everywhere = bool(possible.all())
    if not everywhere:
        top = np.where(possible, top, 0.0)
    weights = joint - top
    if temperature != 1.0:
        weights /= temperature
    np.exp(weights, out=weights)
    total = weights.sum(-1, keepdims=True)
    value = safe_log(total)
    if temperature != 1.0:
        value *= temperature
    value += top
    if not everywhere:
        total = np.where(total > 0, total, 1.0)
    weights *= 1 / total
    return value[..., 0], weights


def _rows_together(joint: Array) -> Array:
    """The same numbers laid out so that a sum over few members runs along contiguous rows: several times faster."""
    if joint.ndim < 2 or joint.shape[-1] > FEW or joint.strides[-1] > joint.strides[0]:
        return joint
    return np.ascontiguousarray(joint.T).T


def safe_log(p: Array) -> Array:
    """`log p` with log 0 = -inf and no warning."""
    with np.errstate(divide="ignore"):
        return np.log(p)


def weigh(weights: Array, values: Array) -> Array:
    """`sum_i weights[i, k] values[i, k]` for values (n, 1), common to all members, or (n, k), one for each.

    Returns (k,); or (k, e) for values (n, 1, e) or (n, k, e). One product where they are common: no (n, k) temporary.
    """
    if values.shape[1] == 1:
        common = values[:, 0]
        return common @ weights if common.ndim == 1 else weights.T @ common
    return np.einsum("nk,nk...->k...", weights, values)
