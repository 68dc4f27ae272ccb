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
FAR = 1e4  # times what remains: when so much cancels of squared innovations, four digits of sixteen are lost


class Undetermined(Exception):
    """What is observed of a sequence does not determine its diffuse states."""

    def __init__(self, sequence: int):
        super().__init__(f"sequence {sequence} does not determine its diffuse states")
        self.sequence = sequence


@dataclass(frozen=True)
class Flat:
    """A flat start of equally long sequences: smoothed covariances become V_t + Z_t Z_t'.

    With e = e0 - E delta, S = sum E' S_t^-1 E = N_0 and s = sum E' S_t^-1 e0 = r_0 in those states: what the runs back
    to the first row end with. delta = S^-1 s, and smoothed means and covariances take X delta and X S^-1 X'.
    """

    group: Array  # places of the sequences among the run's members
    spread: Array  # (T, m, q) Z
    factor: Array  # (q, q) of S

    @classmethod
    def of(cls, run: Run, group: Array) -> Flat:
        """That of sequences which a run has filtered."""
        X, information = _effects(run, run.work.flat_states, int(run.lengths[group[0]]))
        scale = np.sqrt(np.diag(information))
        if not (scale > 0).all():
            raise Undetermined(int(run.members[group[0]]))
        try:
            factor = np.linalg.cholesky(information / np.outer(scale, scale))
        except np.linalg.LinAlgError:
            raise Undetermined(int(run.members[group[0]])) from None
        if not (np.diag(factor) ** 2 > UNKNOWN).all():
            raise Undetermined(int(run.members[group[0]]))
        factor = scale[:, None] * factor
        return cls(group, X @ np.linalg.inv(factor).T, factor)

    def scores(self, run: Run) -> Array:
        """(q, L): white scores of where sequences begin; their squares are what delta takes off squared innovations."""
        back = run.work.back[run.members[self.group]]
        return np.linalg.solve(self.factor, back[:, run.work.flat_states].T)

    def move(self, run: Run) -> None:
        """Begin at delta."""
        delta = np.linalg.solve(self.factor.T, self.scores(run)).T
        run.begin = np.repeat(run.begin, len(run.members) // len(run.begin), 0)
        run.begin[self.group[:, None], run.work.flat_states] += delta

    def settle(self, run: Run) -> None:
        """Means and log-likelihoods with the start integrated out."""
        work, members, white = run.work, run.members[self.group], self.scores(run)
        work.square[members] -= (white**2).sum(0)
        work.log_dets[members] += 2 * np.log(np.diag(self.factor)).sum()
        for place, start in enumerate(run.starts[self.group]):
            work.mean[start : start + len(self.spread)] += self.spread @ white[:, place]

    def add(self, weight: float, pattern: Array, by_pattern: Array, lagged: Array, ends: Array) -> None:
        """Add the sums over rows."""
        z = self.spread
        for p in np.unique(pattern):
            part = z[pattern == p]
            by_pattern[p] += weight * np.tensordot(part, part, ((0, 2), (0, 2)))
        lagged += weight * np.tensordot(z[1:], z[:-1], ((0, 2), (0, 2)))
        ends[0] += weight * z[0] @ z[0].T
        ends[1] += weight * z[-1] @ z[-1].T


def flatten(run: Run) -> dict[int, Flat]:
    """Make the starts of all sequences of a run flat in the diffuse states; by the first of each group.

    Where the rows are far from where the first run began, squares of innovations all but cancel: means are then worked
    out once more, from delta.
    """
    found = {int(g[0]): Flat.of(run, g) for g in run.track.groups if g[0] >= run.alive}
    taken = [((flat.scores(run) ** 2).sum(0), run.work.square[run.members[flat.group]]) for flat in found.values()]
    if any((off > FAR * (square - off)).any() for off, square in taken):
        for flat in found.values():
            flat.move(run)
        run.means()
    for flat in found.values():
        flat.settle(run)
    return found


def _effects(run: Run, states: Array, T: int) -> tuple[Array, Array]:
    """X (T, m, q), by how much smoothed states move with each diffuse one, and the information on those (q, q)."""
    work, gains = run.work, run.gains
    m, q, r = work.m, len(states), work.observed.y.shape[1]
    starts, lengths = np.arange(q) * T, np.full(q, T)
    mean = np.empty((q, T, m))
    mean[:, 0] = np.eye(m)[states]
    mean, back, square = mean.reshape(-1), np.zeros(q * m), np.zeros(q)
    zeros, white, nothing = np.zeros(q * T * r), np.empty(q * T * r), np.empty(0)
    count, pattern, index = work.observed.count, gains.pattern, gains.index
    for b in gains.forward():
        filter_rows(
            zeros, r, nothing, starts, lengths, b.first, b.last, gains.turned, work.observed.flat_across, b.sets, index,
            count, gains.steps, pattern, m, mean, white, square,
        )  # fmt: skip
    for b in gains.backward():
        smooth_rows(
            starts, lengths, b.first, b.last, gains.A, b.sets, index, count, gains.steps, pattern, m, r, back,
            mean, white,
        )  # fmt: skip
    back = back.reshape(q, m)
    information = -back[:, states]
    return mean.reshape(q, T, m).transpose(1, 2, 0), 0.5 * (information + information.T)
