"""States whose start is diffuse, exactly: de Jong's augmentation, one more run of the means for each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from likely.numerics.kalman_means import filter_rows, smooth_rows
from likely.numerics.soft import Array

if TYPE_CHECKING:
    from likely.numerics.kalman_work import Run

UNKNOWN = 1e-12  # a diffuse state of which less than this share of its information is its own is not determined


class Undetermined(Exception):
    """What is observed of a sequence does not determine its diffuse states."""

    def __init__(self, sequence: int):
        super().__init__(f"sequence {sequence} does not determine its diffuse states")
        self.sequence = sequence


@dataclass(frozen=True)
class Flat:
    """What a flat start adds to the smoothed covariances of equally long sequences: V_t += Z_t Z_t'."""

    spread: Array  # (T, m, q) Z

    def add(self, weight: float, pattern: Array, by_pattern: Array, lagged: Array, ends: Array) -> None:
        """Add the sums over rows."""
        z = self.spread
        for p in np.unique(pattern):
            part = z[pattern == p]
            by_pattern[p] += weight * np.tensordot(part, part, ((0, 2), (0, 2)))
        lagged += weight * np.tensordot(z[1:], z[:-1], ((0, 2), (0, 2)))
        ends[0] += weight * z[0] @ z[0].T
        ends[1] += weight * z[-1] @ z[-1].T


def flatten(run: Run, group: Array) -> Flat:
    """Make the start of a group of equally long sequences flat in the diffuse states.

    With e = e0 - E delta, S = sum E' S_t^-1 E = N_0 and s = sum E' S_t^-1 e0 = r_0 in those states: what the runs back
    to the first row end with. delta = S^-1 s, and smoothed means and covariances take X delta and X S^-1 X'.
    """
    work, T = run.work, int(run.lengths[group[0]])
    states = np.flatnonzero(work.model.diffuse)
    X, information = _effects(run, states, T)
    scale = np.sqrt(np.diag(information))
    if not (scale > 0).all():
        raise Undetermined(int(run.members[group[0]]))
    try:
        factor = np.linalg.cholesky(information / np.outer(scale, scale))
    except np.linalg.LinAlgError:
        raise Undetermined(int(run.members[group[0]])) from None
    if not (np.diag(factor) ** 2 > UNKNOWN).all():
        raise Undetermined(int(run.members[group[0]]))
    spread = X @ np.linalg.inv(scale[:, None] * factor).T
    members = run.members[group]
    white = np.linalg.solve(scale[:, None] * factor, work.back[members][:, states].T)  # (q, group)
    work.square[members] -= (white**2).sum(0)
    work.log_dets[members] += 2 * (np.log(scale) + np.log(np.diag(factor))).sum()
    for place, start in enumerate(run.starts[group]):
        work.mean[start : start + T] += spread @ white[:, place]
    return Flat(spread)


def _effects(run: Run, states: Array, T: int) -> tuple[Array, Array]:
    """X (T, m, q), by how much smoothed states move with each diffuse one, and the information on those (q, q)."""
    work, gains = run.work, run.gains
    m, q, r = work.m, len(states), work.observed.y.shape[1]
    starts, lengths = np.arange(q) * T, np.full(q, T)
    x, back, square = np.eye(m)[states].ravel(), np.zeros(q * m), np.zeros(q)
    zeros, mean = np.zeros(q * T * r), np.empty(q * T * m)
    white, nothing = np.empty(q * T * r), np.empty((0, 0))
    count, pattern, index = work.observed.count, gains.pattern, gains.index
    for b in gains.forward():
        filter_rows(
            zeros, r, nothing, starts, lengths, b.first, b.last, gains.turned, work.observed.flat_across, b.sets, index,
            count, pattern, m, x, mean, white, square,
        )  # fmt: skip
    for b in gains.backward():
        smooth_rows(starts, lengths, b.first, b.last, gains.A, b.sets, index, count, pattern, m, r, back, mean, white)
    back = back.reshape(q, m)
    information = -back[:, states]
    return mean.reshape(q, T, m).transpose(1, 2, 0), 0.5 * (information + information.T)
