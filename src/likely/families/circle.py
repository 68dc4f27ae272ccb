"""Angles: turned into one revolution, their mean cosine, and how probable it is to lie below one."""

from __future__ import annotations

import math

import numpy as np

from likely.numerics import special
from likely.numerics.soft import Array

CLOSE = 50.0  # concentration from which the series about the mean is exact, below which that of Fourier is short
TERMS = 16  # of the series about the mean: the next is below 1e-16 at a concentration of 50
WAVES = 90  # of Fourier's series: the last is below 1e-17 up to a concentration of 50


def turned(x: Array) -> Array:
    """The same angles from -pi to pi; those that lie there are left as they are."""
    out = np.asarray(x, float)
    away = (out > math.pi) | (out < -math.pi)
    if not away.any():
        return out
    wrapped = np.pi - np.mod(np.pi - out, 2 * np.pi)
    return np.where(away, wrapped, out)


def mean_cosine(concentration: Array) -> Array:
    """I1 / I0, the mean of cos(x - mean) under a von Mises distribution."""
    return special.i1e(concentration) / special.i0e(concentration)


def below(angle: Array, concentration: Array) -> Array:
    """(n, k): probability of (-infinity, angle] about a mean of 0, counted so that it grows by 1 with every revolution.

    Parameters
    ----------
    angle : array (n, k)
    concentration : array (k,)

    Notes
    -----
    Up to a concentration of 50 Fourier's series 1/2 + x / 2 pi + sum of I_j / I_0 sin(j x) / (j pi). Above, with
    y = 2 sqrt(concentration) sin(x / 2), the density is exp(-y^2 / 2) / sqrt(1 - y^2 / (4 concentration)), whose series
    in y^2 integrates to incomplete gamma functions.
    """
    turns = np.round(angle / (2 * np.pi))
    x = angle - 2 * np.pi * turns
    each = [_close(a, c) if c > CLOSE else _fourier(a, c) for a, c in zip(x.T, concentration, strict=True)]
    return turns + np.stack(each, 1)


def _fourier(x: Array, concentration: float) -> Array:
    order = np.arange(1, WAVES + 1)
    share = special.ive(order, concentration) / special.ive(0, concentration) / (order * np.pi)
    order, share = order[share > 1e-18], share[share > 1e-18]
    out = 0.5 + x / (2 * np.pi)
    for j, s in zip(order, share, strict=True):
        out += s * np.sin(j * x)
    return out


def _close(x: Array, concentration: float) -> Array:
    half = 2 * concentration * np.sin(x / 2) ** 2  # y^2 / 2
    inside, whole, factor = np.zeros_like(x), 0.0, 1.0
    for m in range(TERMS):
        inside += factor * special.gammainc(m + 0.5, half)
        whole += factor * special.gammainc(m + 0.5, 2 * concentration)
        factor *= (2 * m + 1) / (2 * m + 2) * (m + 0.5) / (2 * concentration)
    return 0.5 + np.copysign(inside / whole, x) / 2
