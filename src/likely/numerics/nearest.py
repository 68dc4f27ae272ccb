"""The nearest of some points to every row, found again fast when the points have moved: k-means.

What a pass learns of a row stays with it: a bound above its distance to its own point, and one below its distance to
all others (Hamerly 2010). Points that move wear the bounds down; only rows whose bounds no longer prove that nothing
changed are looked at again, or all where that takes less time. Bounds allow for rounding, and a row whose two nearest
points cannot be told apart through |c|^2 - 2 c'z is decided by its distances themselves, the first among equals. So the
answer is that of going through all points for every row.

Sums of each point's rows change by the rows that change hands. They are taken about places near the rows' means, and
formed anew whenever what came and went is so much more than what is left that digits would be lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

import numpy as np

from likely.numerics.nearest_blocks import SINGLES, laid_out
from likely.numerics.nearest_search import search, share_in_doubt, tile
from likely.numerics.nearest_sums import form, summed

SLACK = 1e-9  # relative; by so much more than rounding, bounds must prove what they prove
LOOSE = 1e-12  # of squared lengths: more than their differences lose to rounding
MOST = 0.4  # of rows in doubt, above which it takes less time to look at all as they lie
KEPT = 2  # memories of the same rows
NO_TILES = np.empty((0, 0), np.float32)


class Points:
    """Points to which rows may be nearest, (k, d), prepared for a pass.

    Attributes
    ----------
    values : array (k, d)
    halves : array (k,)      half the way from each to the nearest of the others: a row that is closer to it is its own
    centre : array (d,)      their mean
    spread : float           mean square of their distances from it
    """

    def __init__(self, values: np.ndarray):
        values = np.array(values, float)
        gaps = _squared_gaps(values, values)
        np.fill_diagonal(gaps, np.inf)
        self.values, self.centre, self.spread = values, values.mean(0), float(values.var(0).sum())
        self.halves = 0.5 * np.sqrt(gaps.min(1)) * (1 - SLACK)
        self._lock = Lock()  # threads wait for one of them rather than work out the same
        self._layouts: list[tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]] = []
        self._moves: list[tuple[np.ndarray, Move]] = []

    def about(self, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Less a centre, as kernels read them in single and double precision; laid out once for all who share it."""
        with self._lock:
            for other, layout in self._layouts:
                if np.array_equal(other, centre):
                    return layout
            layout = laid_out(self.values - centre, np.float32), laid_out(self.values - centre, np.float64)
            self._layouts.append((centre, layout))
            return layout

    def since(self, before: np.ndarray) -> Move:
        """How they came from where they were before; worked out once for all who remember the same."""
        with self._lock:
            for other, move in self._moves:
                if other is before:
                    return move
            move = Move.between(before, self.values)
            self._moves.append((before, move))
            return move


@dataclass(frozen=True)
class Move:
    """Which share of points is the nearest to where it was before, and how far each and the others moved at most."""

    share: float
    each: np.ndarray
    others: np.ndarray

    @staticmethod
    def between(before: np.ndarray, after: np.ndarray) -> Move:
        if before.shape != after.shape:
            return Move(0.0, np.zeros(0), np.zeros(0))
        same = _squared_gaps(after, before).argmin(1) == np.arange(len(after))
        each = np.sqrt(((after - before) ** 2).sum(1)) * (1 + SLACK)
        return Move(float(same.mean()), each, _largest_of_others(each))


def _squared_gaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(i, j): squared distances from points a to points b, or somewhat less."""
    middle = a.mean(0)
    a, b = a - middle, b - middle
    lengths = (a**2).sum(1)[:, None] + (b**2).sum(1)
    return np.maximum(lengths - 2 * a @ b.T - LOOSE * lengths, 0.0)


@dataclass
class Memory:
    """What a pass learnt of some rows: labels and bounds (n,), for the points at which it looked, and sums over rows.

    The label k is that of a row at which nobody has looked yet.

    `upper` and `lower` are what the bounds would have been before points moved: `risen` and `fallen` (k,) say how much
    the bounds of a point's rows have since. `sums` (k, 2 + 3 d) are the weights that came, and those that went; then
    for every column of r = x - place the sum of r, and the sums of r^2 that came and that went.
    """

    points: np.ndarray
    places: np.ndarray  # (k, d) about which sums are taken
    labels: np.ndarray
    upper: np.ndarray
    lower: np.ndarray
    risen: np.ndarray
    fallen: np.ndarray
    sums: np.ndarray
    weight: np.ndarray  # (k,) of the rows that are nearest to each point
    mean: np.ndarray  # (k, d) of these rows, or the point itself where there are none
    scatter: np.ndarray  # (k, d) sums of their squared deviations
    centre: np.ndarray  # (d,) about which products are formed
    inertia: float = 0.0  # sum of squared distances from rows to their points
    tiles: np.ndarray | None = None  # rows less it, as the kernel reads them: made when all are looked at once more
    fresh: bool = True  # nobody has looked yet
    changed: int = 0  # rows that came from one point to another since the sums were formed

    @staticmethod
    def blank(n: int, points: np.ndarray) -> Memory:
        """Nothing is known yet."""
        k, d = points.shape
        return Memory(
            points=points,
            places=points.copy(),
            labels=np.full(n, k, np.uint32),
            upper=np.zeros(n, np.float32),
            lower=np.zeros(n, np.float32),
            risen=np.zeros(k),
            fallen=np.zeros(k),
            sums=np.zeros((k, 2 + 3 * d)),
            weight=np.zeros(k),
            mean=points,
            scatter=np.zeros((k, d)),
            centre=points.mean(0),
        )

    def look(self, x: np.ndarray, w: np.ndarray, points: Points) -> None:
        """Bring everything up to where the points are now."""
        move = points.since(self.points)
        self.risen, self.fallen, self.points = self.risen + move.each, self.fallen + move.others, points.values
        self._recentre(points)
        self.changed += self._search(x, w, points)
        if self._summed() or self.changed > len(x):
            self.places, self.changed = self.mean, 0
            self.sums[:] = 0.0
            form(x, w, self.labels, self.places, self.sums)
            self._summed()

    def _recentre(self, points: Points) -> None:
        """Points that have gone far from a centre lose digits about it."""
        if ((points.centre - self.centre) ** 2).sum() > points.spread:
            self.centre, self.tiles = points.centre, None

    def _search(self, x: np.ndarray, w: np.ndarray, points: Points) -> int:
        """Look again where it must be; how many rows came from one point to another."""
        worn = SLACK * (self.risen + self.fallen)
        risen, fallen = self.risen + worn, self.fallen + worn
        bounds = np.append(risen + fallen, np.inf), np.append(points.halves - risen, -np.inf)
        tiles = NO_TILES
        if not self.fresh and share_in_doubt(self.labels, self.upper, self.lower, *bounds) >= MOST:
            tiles = self._tiles(x)
            self.risen, self.fallen = np.zeros_like(risen), np.zeros_like(fallen)
        changed = search(
            x, w, self.centre, points.values, *points.about(self.centre), tiles, *bounds, risen, fallen,
            self.labels, self.upper, self.lower, self.places, self.sums,
        )  # fmt: skip
        fresh, self.fresh = self.fresh, False
        return 0 if fresh else changed  # at first all come, but none from another point

    def _tiles(self, x: np.ndarray) -> np.ndarray:
        if self.tiles is None:
            self.tiles = np.empty((-(-len(x) // SINGLES), x.shape[1] * SINGLES), np.float32)
            tile(x, self.centre, self.tiles)
        return self.tiles

    def _summed(self) -> bool:
        """Work out moments from sums; have these lost digits?"""
        shape = self.points.shape
        self.weight, self.mean, self.scatter = np.empty(len(self.points)), np.empty(shape), np.empty(shape)
        self.inertia, lost = summed(self.sums, self.places, self.points, self.weight, self.mean, self.scatter)
        return lost


@dataclass
class Memories:
    """The memories of some rows, the last used at the end: fits may take turns on the same rows."""

    kept: list[Memory] = field(default_factory=list)

    def of(self, points: Points, n: int) -> Memory:
        """The memory from which most of these points come; a blank one where that can be said of none."""
        best = max(self.kept, key=lambda memory: points.since(memory.points).share, default=None)
        if best is None or points.since(best.points).share <= 0.5:
            best = Memory.blank(n, points.values)
        self.kept = [*(m for m in self.kept if m is not best), best][-KEPT:]
        return best


def nearest(x: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(n,): which point is the nearest to each row; the first among equals."""
    rows = np.ascontiguousarray(x, x.dtype if x.dtype in (np.float32, np.float64) else float).view()
    rows.flags.writeable = False  # as elsewhere: code is compiled once for each kind of array
    at = Points(points)
    memory = Memory.blank(len(rows), at.values)
    memory.look(rows, np.empty(0), at)
    return memory.labels.astype(np.intp)


def _largest_of_others(values: np.ndarray) -> np.ndarray:
    """(k,): the largest of all values but one's own; 0 where there are no others."""
    first = int(values.argmax())
    others = np.delete(values, first).max(initial=0.0)
    return np.where(np.arange(len(values)) == first, others, values[first])
