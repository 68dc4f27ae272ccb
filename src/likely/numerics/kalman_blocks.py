"""Sets of gains along a track of patterns, a bounded number of them at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from likely.numerics.kalman_gains import forward_sets, size
from likely.numerics.kalman_layout import Track
from likely.numerics.kalman_observed import Observed
from likely.numerics.kalman_steps import LARGEST, steps
from likely.numerics.soft import Array

MOST = 2000  # sets at once
ROOM = 2**23  # numbers they may take
FEW = 128  # sets that are enough where P- stops changing soon


@dataclass
class Block:
    """Rows with sets of their own."""

    first: int
    last: int  # the row after the last
    before: Array  # P- of the first row, from which the sets can be worked out again
    room: int
    sets: Array | None


class Gains:
    """Covariances along one track: worked out block by block, kept where one block is enough.

    `index` (T,) tells the set of each row within its block, `log_det` (T,) is log|S|, and `lost` the first row at
    which S is not positive definite, else T.
    """

    def __init__(self, A: Array, turned: Array, Q: Array, P0: Array, observed: Observed, track: Track):
        self.A, self.turned, self.Q, self.P0 = A, turned, Q, P0  # flat
        self.observed, (_, r, self.m) = observed, observed.seen.shape
        self.width, self.steps = size(self.m, r), steps(self.m, observed.count)
        self.pattern, self.constant = track.pattern, track.constant
        self.index, self.log_det = np.empty(len(self.pattern), np.int64), np.zeros(len(self.pattern))
        self.lost = len(self.pattern)
        self.blocks: list[Block] = []

    @property
    def in_registers(self) -> bool:
        """Is there code for all sizes, which makes means of one sequence as fast as those of many side by side?"""
        return (
            bool(self.steps[0, np.minimum(self.observed.count, LARGEST)].all()) and self.observed.count.max() <= LARGEST
        )

    def forward(self) -> Iterator[Block]:
        """Blocks from the first row to the last."""
        if self.blocks:
            for block in self.blocks:
                yield self._with_sets(block)
            return
        P, first, T = self.P0.copy(), 0, len(self.pattern)
        most = max(min(MOST, ROOM // self.width), 16)
        while first < self.lost:
            room = min(T - first, FEW if self.constant and first == 0 else most)
            block = Block(first, first, P.copy(), room, np.empty(room * self.width))
            block.last, fine = self._fill(block, P)
            if not fine:
                self.lost = block.last
            if self.blocks:
                self.blocks[-1].sets = None
            self.blocks.append(block)
            yield block
            first = block.last

    def backward(self) -> Iterator[Block]:
        """Blocks from the last row to the first; `forward` comes before."""
        for block in reversed(self.blocks):
            yield self._with_sets(block)

    def _with_sets(self, block: Block) -> Block:
        """The block with its sets, of which those of another are let go."""
        if block.sets is None:
            for other in self.blocks:
                other.sets = None
            block.sets = np.empty(block.room * self.width)
            self._fill(block, block.before.copy())
        return block

    def _fill(self, block: Block, P: Array) -> tuple[int, bool]:
        o = self.observed
        return forward_sets(
            self.A, self.turned, self.Q, o.flat_seen, o.flat_across, o.flat_noise, o.count, self.steps,
            self.pattern, block.first, len(self.pattern), self.m, P, block.sets, block.room, self.log_det, self.index,
        )  # fmt: skip

    @property
    def held(self) -> int:
        """How many numbers the sets take."""
        return sum(block.sets.size for block in self.blocks if block.sets is not None)

    def forget(self) -> None:
        """Let go of the sets; they are worked out again when they are needed."""
        for block in self.blocks:
            block.sets = None
