"""The smoother's work on one chunk of sequences, track by track."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from likely.numerics.kalman_blocks import Gains
from likely.numerics.kalman_diffuse import Flat, flatten
from likely.numerics.kalman_gains import backward_sums
from likely.numerics.kalman_layout import Layout, Track
from likely.numerics.kalman_means import filter_rows, smooth_abreast, smooth_rows
from likely.numerics.kalman_observed import factor_of, observe
from likely.numerics.soft import Array

ABREAST = 64  # sequences side by side
FEW = 8  # sequences for which that is not worth it
LANES_ROOM = 2**22  # numbers that sequences side by side may take
KEPT = 2**23  # numbers that sets of gains may take from the smoother to the sums of covariances
NOTHING = np.empty(0)


@dataclass(frozen=True)
class Model:
    """Parameters of one model; rows and columns of P0 are zero for states whose start is diffuse (flat)."""

    A: Array  # (m, m)
    Q: Array  # (m, m) may be singular
    C: Array  # (d, m)
    R: Array  # (d, d) may be singular
    m0: Array  # (m,)
    P0: Array  # (m, m) may be singular
    diffuse: Array  # (m,) bool
    flat_states: Array = field(init=False)  # the numbers of those that are

    def __post_init__(self):
        object.__setattr__(self, "flat_states", self.diffuse.nonzero()[0])

    def start(self) -> Array:
        """P0 (m, m); any variance may stand for a diffuse state, which one is needed where S would vanish otherwise."""
        if not len(self.flat_states) or factor_of(self.R) is not None:
            return self.P0
        scale = np.trace(self.Q) / len(self.Q)
        return self.P0 + np.diag(self.diffuse * (scale if scale > 0 else 1.0))


class Work:
    """Arrays that the runs fill, each its own part."""

    def __init__(self, model: Model, y: Array, drift: Array | None, offsets: Array, layout: Layout):
        self.model, self.m = model, len(model.A)
        # Copies, which can be written to: one compilation does for all models.
        self.A, self.turned, self.Q = model.A.flatten(), model.A.T.flatten(), model.Q.flatten()
        self.m0, self.P0 = model.m0, model.start().flatten()
        self.observed = observe(np.ascontiguousarray(model.C, float), np.ascontiguousarray(model.R, float), y, layout)
        self.drift = NOTHING if drift is None else np.ascontiguousarray(drift, float).reshape(-1)
        n, m, S = len(y), self.m, len(offsets) - 1
        self.mean = np.empty((n, m))
        self.square, self.log_dets, self.back = np.zeros(S), np.zeros(S), np.zeros((S, m))
        self.impossible: dict[int, int] = {}
        self.tracks, self.flat_states = layout.tracks, model.flat_states

    def run(self) -> list[Run]:
        """Track after track. The runs know of this work and not the other way round, so that memory is soon free."""
        runs = [Run(self, track) for track in self.tracks]
        for run in runs:
            run.run()
        held = 0
        for run in runs:
            held += run.gains.held
            if held > KEPT:
                run.gains.forget()
        return runs


class Run:
    """One track: its gains, and its sequences."""

    def __init__(self, work: Work, track: Track):
        self.work, self.track = work, track
        self.members, self.lengths = track.members, track.lengths
        self.starts = track.starts
        self.gains = Gains(work.A, work.turned, work.Q, work.P0, work.observed, track)
        self.begin = work.m0[None]  # predicted means of first rows, of each member or of all
        self.alive = 0  # members before this one, the longest, are impossible
        self.flat: dict[int, Flat] = {}

    def run(self) -> None:
        """Smoothed means and log-likelihoods of all members."""
        work, members = self.work, self.members
        self.means()
        self.flat = flatten(self) if len(work.flat_states) else {}
        each = self.gains.log_det
        total = each.sum() if self.track.alike else np.cumsum(each)[self.lengths - 1]
        work.log_dets[members] += total
        for i in range(self.alive):
            work.mean[self.starts[i] : self.starts[i] + self.lengths[i]] = 0.0
            work.impossible[int(members[i])] = self.gains.lost

    def means(self) -> None:
        """Smoothed means, squared innovations and scores of first states of all members that are possible."""
        rows, width = self.lengths[0], self.work.m + self.work.observed.y.shape[1]
        fast, few = self.gains.in_registers, len(self.members) < FEW
        if fast or few or rows * width * ABREAST > LANES_ROOM or not self._abreast():
            self._one_by_one()

    def _lost(self) -> None:
        if self.gains.lost < self.lengths[0]:
            self.alive = int((self.lengths > self.gains.lost).sum())

    def _abreast(self) -> bool:
        """Many sequences side by side, if the gains of all rows are there at once."""
        work, gains = self.work, self.gains
        for _ in gains.forward():
            pass
        if len(gains.blocks) > 1:
            return False
        self._lost()
        members = self.members[self.alive :]
        square, back = np.zeros(len(members)), np.zeros((len(members), work.m))
        begin = np.repeat(self.begin, len(self.members) // len(self.begin), 0)
        if len(members):
            smooth_abreast(
                work.observed.y.reshape(-1), work.observed.y.shape[1], work.drift, self.starts[self.alive :],
                self.lengths[self.alive :], ABREAST, gains.A, work.m, begin[self.alive :].reshape(-1),
                gains.blocks[0].sets, gains.index, work.observed.count, gains.pattern, work.mean.reshape(-1), square,
                back.reshape(-1),
            )  # fmt: skip
        work.square[members], work.back[members] = square, back
        return True

    def _one_by_one(self) -> None:
        """Sequence after sequence, block after block of rows."""
        work, gains, L = self.work, self.gains, len(self.members)
        y, count, mean = work.observed.y, work.observed.count, work.mean.reshape(-1)
        back, square, white = np.zeros((L, work.m)), np.zeros(L), np.empty(y.size)
        work.mean[self.starts] = self.begin
        for block in gains.forward():
            filter_rows(
                y.reshape(-1), y.shape[1], work.drift, self.starts, self.lengths, block.first, block.last, gains.turned,
                work.observed.flat_across, block.sets, gains.index, count, gains.steps, gains.pattern, work.m,
                mean, white, square,
            )  # fmt: skip
        self._lost()
        some = slice(self.alive, None)
        for block in gains.backward():
            smooth_rows(
                self.starts[some], self.lengths[some], block.first, block.last, gains.A, block.sets, gains.index, count,
                gains.steps, gains.pattern, work.m, y.shape[1], back[some].reshape(-1), mean, white,
            )  # fmt: skip
        work.square[self.members], work.back[self.members] = square, back

    def add(self, weights: Array, by_pattern: Array, lagged: Array, ends: Array) -> None:
        """Sums of smoothed covariances of all members that are possible, each counted by its weight."""
        own = weights[self.members]
        done = self.alive
        while done < len(self.members):
            length = self.lengths[done]
            sums, moves, own_ends, level, (top, bottom) = self._sums(by_pattern.shape, length)
            longer = length - top + bottom if self.gains.constant and top >= 0 else length - 1  # these settle alike
            alike = slice(done, len(self.members) if self.track.alike else int((self.lengths > longer).sum()))
            weight = own[alike].sum()
            by_pattern += weight * sums
            lagged += weight * moves
            ends += weight * own_ends
            if not self.track.alike:
                fewer = own[alike] @ (length - self.lengths[alike])
                by_pattern[self.gains.pattern[0]] -= fewer * level[0]
                lagged -= fewer * level[1]
            done = alike.stop
        for flat in self.flat.values():
            pattern = self.gains.pattern[: self.lengths[flat.group[0]]]
            flat.add(own[flat.group].sum(), pattern, by_pattern, lagged, ends)

    def _sums(self, shape: tuple[int, ...], length: int) -> tuple[Array, Array, Array, Array, tuple[int, int]]:
        """Sums over the rows of one sequence of this length."""
        work, gains = self.work, self.gains
        mm, r, stretch = work.m**2, work.observed.y.shape[1], (-1, -1)
        sums, (lagged, N, ahead), ends, level = np.zeros(shape), np.zeros((3, mm)), np.zeros(2 * mm), np.zeros(2 * mm)
        flat = sums.reshape(-1)
        for block in gains.backward():
            if block.first >= length:
                continue
            found = backward_sums(
                gains.A, block.sets, r, gains.index, work.observed.count, gains.steps, gains.pattern,
                block.first,                block.last, length, work.m, N, ahead, flat, lagged, ends, level,
            )  # fmt: skip
            stretch = stretch if stretch[0] >= 0 else found
        two = (2, *shape[1:])
        return sums, lagged.reshape(shape[1:]), ends.reshape(two), level.reshape(two), stretch
