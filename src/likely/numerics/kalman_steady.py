"""Means over rows that share one set of gains: products of all rows at once, and a recursion that is one product a row.

With F = A (I - K H), what is predicted moves by m-_{t+1} = F m-_t + A K y_t + drift and, backward, r = F' r + seen' w
for white innovations w (see `kalman_means`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from likely.numerics.compiled import compiled
from likely.numerics.soft import Array

LONG = 64  # rows for which this is worth its calls
ROWS = 2**12  # of which arrays stay in a cache


@dataclass
class Steady:
    """Rows from `first` to before `last` of a block, and the matrices of their set."""

    first: int
    last: int
    predicted: Array  # P- (m, m)
    seen: Array  # L^-1 H (q, m)
    white: Array  # L^-1 (q, q)
    push: Array  # (q, m): (A gain')'
    onward: Array  # F (m, m)

    @classmethod
    def of(cls, A: Array, sets: Array, r: int, q: int, index: Array, first: int, last: int) -> Steady | None:
        """The rows at the end of a block that share a set; None if these are few."""
        begin = first + int(index[first:last].searchsorted(index[last - 1]))
        if last - begin < LONG:
            return None
        m = len(A)
        at, wide = 3 * m * m, 3 * m * m + 2 * r * m + r * r
        one = sets[index[last - 1] * wide : (index[last - 1] + 1) * wide].copy()  # the sets themselves may go
        seen, gain = (one[a : a + q * m].reshape(q, m) for a in (at, at + r * m))
        white = one[at + 2 * r * m : at + 2 * r * m + q * q].reshape(q, q)
        push = gain @ A.T
        return cls(begin, last, one[: m * m].reshape(m, m), seen, white, push, A - push.T @ seen)

    def filter(self, y: Array, drift: Array, start: int, length: int, x: Array, mean: Array, white: Array) -> float:
        """Predicted means (n, m) and white innovations (n, r) of a sequence; x (m,) comes and goes as predicted mean.

        Gives the sum of squared innovations.
        """
        total, q = 0.0, len(self.seen)
        for rows in self._chunks(start, length, 1):
            own = y[rows, :q] @ self.white.T
            moved = own @ self.push
            if len(drift):
                more = drift[rows.start + 1 : min(rows.stop + 1, start + length)]
                moved[: len(more)] += more
            path = np.empty((len(own) + 1, len(x)))
            path[0] = x
            recur(self.onward, path, moved)
            own -= path[:-1] @ self.seen.T
            mean[rows], white[rows, :q], x[:] = path[:-1], own, path[-1]
            total += float(np.vdot(own, own))
        return total

    def smooth(self, start: int, length: int, back: Array, mean: Array, white: Array) -> None:
        """Smoothed means in place of predicted ones; back (m,) comes and goes as r of the last and first row."""
        for rows in self._chunks(start, length, -1):
            moved = (white[rows, : len(self.seen)] @ self.seen)[::-1]
            path = np.empty((len(moved) + 1, len(back)))
            path[0] = back
            recur(np.ascontiguousarray(self.onward.T), path, np.ascontiguousarray(moved))
            mean[rows] += path[:0:-1] @ self.predicted
            back[:] = path[-1]

    def _chunks(self, start: int, length: int, step: int) -> list[slice]:
        last = min(self.last, length)
        return [slice(start + a, start + min(a + ROWS, last)) for a in range(self.first, last, ROWS)][::step]


@compiled
def recur(onward, path, moved):
    """Fill path (n + 1, m) from its first row: the next row is onward times a row, plus a row of `moved` (n, m)."""
    n, m = moved.shape
    for t in range(n):
        for i in range(m):
            total = moved[t, i]
            for j in range(m):
                total += onward[i, j] * path[t, j]
            path[t + 1, i] = total
