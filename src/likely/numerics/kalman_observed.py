"""What is observed at each row as the Kalman recursions take it: packed, and never more of it than states."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from likely.numerics.compiled import compiled
from likely.numerics.kalman_layout import Layout, made_up
from likely.numerics.soft import Array

SINGULAR = 1e-13  # a variance given the others below this share of itself is none: R is taken as it is then


@dataclass
class Observed:
    """Values y (n, r) with mean H x and noise covariance R at each row, which has `count` of them.

    Where more is observed than there are states, values are combined to as many as there are states with unit noise
    (Jungbacker and Koopman 2015): with L = chol(R_oo) and L^-1 C_o = U H, they are U' L^-1 y_o. What is left of y tells
    nothing of the states: a constant for each pattern, and a sum of squares for each row. Where values are missing, the
    others are made up to 1, 2, 4 or 8 by such as tell nothing (see `Places`).
    """

    y: Array  # (n, r)
    seen: Array  # (P, r, m)
    noise: Array  # (P, r, r)
    count: Array  # (P,)
    log_det: Array | None  # (P,) log|R_oo| where values were combined, else 0
    left: Array | None  # (n,) squared length of what is left of y
    flat_seen: Array = field(init=False)  # H, its numbers one after another
    flat_across: Array = field(init=False)  # the same of its transposed
    flat_noise: Array = field(init=False)  # the same of R

    def __post_init__(self):
        self.flat_seen, self.flat_noise = self.seen.flatten(), self.noise.flatten()
        self.flat_across = self.seen.swapaxes(1, 2).flatten()


def observe(C: Array, R: Array, y: Array, layout: Layout) -> Observed:
    """Pack what is observed, and combine it where that is less work and R allows it."""
    many = layout.count > C.shape[1]
    packed = np.ascontiguousarray(y, float)
    if not layout.complete:
        packed = np.zeros((len(y), layout.places.columns.shape[1]))
        pack(packed, np.ascontiguousarray(y, float), layout.pattern, layout.columns, layout.count)
    factor = factor_of(R) if C.shape[0] > C.shape[1] and many.any() else None
    if factor is None:
        return _plain(C, R, packed, layout)
    return _combined(C, R, packed, layout, many, factor)


def factor_of(R: Array) -> Array | None:
    """The Cholesky factor of R, None where it is singular."""
    try:
        factor = np.linalg.cholesky(R)
    except np.linalg.LinAlgError:
        return None
    return factor if (np.diag(factor) ** 2 > SINGULAR * np.diag(R)).all() else None


def _plain(C: Array, R: Array, y: Array, layout: Layout) -> Observed:
    """As it is."""
    if layout.complete:
        return Observed(y, C[None], R[None], layout.count, None, None)
    return Observed(y, *_made_up(C, R, layout), layout.places.count, None, None)


def _made_up(C: Array, R: Array, layout: Layout) -> tuple[Array, Array]:
    """H (P, r, m) and R (P, r, r) of each pattern."""
    at = layout.places
    noise = R[at.columns[:, :, None], at.columns[:, None, :]] * at.both
    return C[at.columns] * at.there[:, :, None], noise + at.alone


def _combined(C: Array, R: Array, y: Array, layout: Layout, many: Array, factor: Array) -> Observed:
    """Patterns with more values than states combined, others as they are."""
    (d, m), P = C.shape, len(layout.count)
    columns, which = layout.columns, np.flatnonzero(many)
    present = np.arange(d) < layout.count[:, None]
    own = columns[which]
    both = present[which][:, :, None] & present[which][:, None, :]
    if not layout.complete:  # what is missing stands last, with no part in x and with unit noise
        factor = np.linalg.cholesky(np.where(both, R[own[:, :, None], own[:, None, :]], np.eye(d)))
    inverse = np.linalg.inv(factor.reshape(len(which), d, d))
    basis, small = np.linalg.qr(inverse @ np.where(present[which][:, :, None], C[own], 0.0))
    log_det = np.zeros(P)
    log_det[which] = -2 * np.log(np.diagonal(inverse, axis1=1, axis2=2)).sum(1)
    if layout.complete:
        whole = y @ inverse[0].T
        short = whole @ basis[0]
        left = whole - short @ basis[0].T
        count = np.array([m])
        return Observed(short, small, np.eye(m)[None], count, log_det, np.einsum("ij,ij->i", left, left))
    r = int(made_up(m))
    seen, noise = (whole[:, :r] for whole in _made_up(C, R, layout))
    seen[which], noise = 0.0, noise[:, :, :r]
    seen[which, :m], noise[which] = small, np.eye(r)
    count = np.where(many, r, layout.places.count)
    place = np.full(P, -1)
    place[which] = np.arange(len(which))
    short, left = np.zeros((len(y), r)), np.zeros(len(y))
    combine(y, layout.pattern, place, layout.count, inverse, np.ascontiguousarray(basis.swapaxes(1, 2)), short, left)
    return Observed(short, seen, noise, count, log_det, left)


@compiled
def pack(out: Any, y: Any, pattern: Any, columns: Any, count: Any):
    """What is observed of each row, side by side."""
    for t in range(len(y)):
        p = pattern[t]
        for j in range(count[p]):
            out[t, j] = y[t, columns[p, j]]


@compiled
def combine(y, pattern, place, count, inverse, basis, out, left):
    """U' L^-1 y of every row whose pattern has a place, others as they are; the squared length of what is left."""
    m, d = basis.shape[1], inverse.shape[1]
    white = np.empty(d)
    for t in range(len(y)):
        k, q = place[pattern[t]], count[pattern[t]]
        if k < 0:
            for j in range(q):
                out[t, j] = y[t, j]
            continue
        for i in range(q):
            total = 0.0
            for j in range(i + 1):
                total += inverse[k, i, j] * y[t, j]
            white[i] = total
        for i in range(m):
            total = 0.0
            for j in range(q):
                total += basis[k, i, j] * white[j]
            out[t, i] = total
        for i in range(m):
            for j in range(q):
                white[j] -= basis[k, i, j] * out[t, i]
        for j in range(q):
            left[t] += white[j] * white[j]
