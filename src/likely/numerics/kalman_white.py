"""L^-1 of covariances S = L L' of a row's innovations, compiled: up to eight of them stay in registers throughout."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from likely.numerics.compiled import compiled
from likely.numerics.kalman_products import put
from likely.numerics.vector import Lanes, kernel, number

NONE_LEFT = 1e-14  # an innovation with less than this share of its variance, given others of its row, has none
LARGEST = 8
ROOM = LARGEST + LARGEST**2  # what is left of variances, and S with units where there is no innovation


def _whiten(size: int) -> Any:
    """L^-1 (size, size) of S to `to`, and the variance of each innovation given those before it.

    Rows of (S, I) are taken from those below them (Gauss), and scaled.
    """

    def emit(v: Lanes, s: Any, out: Any, to: Any, variances: Any) -> None:
        left = [v.load(v.at(s, i * size), size) for i in range(size)]
        right = [v.unit(i, size) for i in range(size)]
        for i in range(size):
            v.store(v.lane(left[i], i), v.at(variances, i))
            inverse = v.div(number(-1.0, 1), v.lane(left[i], i))
            factors = v.mul(left[i], v.shuffled(inverse, inverse, [0] * size))
            for r in range(i + 1, size):
                factor = v.shuffled(factors, factors, [r] * size)
                left[r], right[r] = v.fma(factor, left[i], left[r]), v.fma(factor, right[i], right[r])
        roots = v.sqrt(v.div(number(1.0, size), v.load(variances, size)))
        for i in range(size):
            v.store(v.mul(right[i], v.shuffled(roots, roots, [i] * size)), v.at(out, to, i * size))

    return kernel("aaia", emit)


whiten_1, whiten_2, whiten_4, whiten_8 = (_whiten(size) for size in (1, 2, 4, 8))


@compiled
def white(s, q, out, to, own):
    """L^-1 (q, q) to `out`, and log|S|, minus infinity where S is not positive definite; `own` has ROOM numbers.

    The lower triangle of S (q, q) may change.
    """
    if q > LARGEST:
        return _one_by_one(s, q, out, to)
    size = 8 if q > 4 else 4 if q > 2 else q
    if q == size:
        _whiten_all(size, s, out, to, own)
    else:
        _with_units(s, q, own, LARGEST, size)
        _whiten_all(size, own[LARGEST:], own, LARGEST, own)
        for i in range(q):
            put(own, LARGEST + i * size, out, to + i * q, q)
    return log_det(own, s, np.int64(0), q + 1, q)


@compiled
def log_det(left, variances, at, step, q):
    """log|S|, minus infinity where S is not positive definite, by what is left of variances given those before them.

    The variances themselves lie from a place on, at a step.
    """
    product_of_variances, total = 1.0, 0.0
    for i in range(q):
        variance = left[i]
        if not variance > NONE_LEFT * variances[at + i * step]:
            return -np.inf
        product_of_variances *= variance
        if not 1e-250 < product_of_variances < 1e250:
            total += math.log(product_of_variances / variance) + math.log(variance)
            product_of_variances = 1.0
    return total + math.log(product_of_variances)


@compiled
def _whiten_all(size, s, out, to, variances):
    if size == 8:
        whiten_8(s, out, to, variances)
    elif size == 4:
        whiten_4(s, out, to, variances)
    elif size == 2:
        whiten_2(s, out, to, variances)
    elif size == 1:
        whiten_1(s, out, to, variances)


@compiled
def _with_units(s, q, out, to, size):
    """S (q, q) as (size, size), with units where there is no innovation."""
    for i in range(size * size):
        out[to + i] = 0.0
    for i in range(q, size):
        out[to + i * size + i] = 1.0
    for i in range(q):
        put(s, i * q, out, to + i * size, q)


@compiled
def _one_by_one(s, q, out, to):
    """The same number by number, for many innovations; L takes the place of S."""
    q, to, one = np.uintp(q), np.uintp(to), np.uintp(1)
    total = 0.0
    for i in range(q):
        variance = s[i * q + i]
        for j in range(i + one):
            left = s[i * q + j]
            for n in range(j):
                left -= s[i * q + n] * s[j * q + n]
            if j < i:
                s[i * q + j] = left * out[to + j * q + j]
        if not left > NONE_LEFT * variance:
            return -np.inf
        total += math.log(left)
        inverse = 1.0 / math.sqrt(left)
        for j in range(q):
            out[to + i * q + j] = 0.0
        for n in range(i):
            x = s[i * q + n] * inverse
            for j in range(n + one):
                out[to + i * q + j] -= x * out[to + n * q + j]
        out[to + i * q + i] = inverse
    return total
