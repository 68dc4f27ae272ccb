"""The nearest of some points to every row, found again fast when the points have moved: k-means.

What a pass learns of a row stays with it: a bound above its distance to its own point, and one below its distance to
all others (Hamerly 2010). Points that move wear the bounds down; only rows whose bounds no longer prove that nothing
changed are looked at again, a group at a time. Bounds allow for rounding, and a row whose two nearest points cannot be
told apart through |c|^2 - 2 c'z is decided by its distances themselves, the first among equals. So the answer is that
of going through all points for every row.

Sums of each point's rows change by the rows that change hands. They are taken about places near the rows' means, and
formed anew whenever what came and went is so much more than what is left that digits would be lost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from likely.numerics.compiled import compiled
from likely.numerics.nearest_blocks import (
    DOUBLES,
    POINTS,
    SINGLES,
    laid_out,
    moved,
    side_by_side_doubles,
    side_by_side_singles,
    two_nearest_doubles,
    two_nearest_singles,
)
from likely.numerics.vector import LANES

ROUGH, FINE = 2.0**-23, 2.0**-52  # twice the rounding of one operation, in single and double precision
SLACK = 1e-9  # relative; by so much more than rounding, bounds must prove what they prove
SINGLE = 2.0**-22  # relative; makes a bound in single precision safe from its rounding
TINY, HUGE = 1e-37, 1e38  # where single precision ends
LOOSE = 1e-12  # of squared lengths: more than their differences lose to rounding
LOST = 100.0  # what came and went, over what is left, above which sums are formed anew
SCAN = 1024  # rows whose bounds are read in one go
FEW = 4  # rows of a group that are better decided one by one than all together in double precision
KEPT = 2  # memories of the same rows
BLURRED = 64 * FINE  # of a place: differences as small as this are rounding


@compiled
def doubtful(first, last, labels, upper, lower, worn, close, rows, count):
    """Rows from first to last whose bounds do not prove that their point is the nearest still, noted from count on."""
    for i in range(first, last):
        rows[count] = i
        own = labels[i]
        count += 1 - ((upper[i] < lower[i] - worn[own]) | (upper[i] < close[own]))
    return count


@compiled
def search_singles(x, centre, rows, packed, blocks, group, doubt, found):
    """What single precision says of a group of rows; of how many it leaves room for doubt."""
    d = x.shape[1]
    side_by_side_singles(x, d, rows, centre, group)
    for j in range(d - d % LANES, d):
        for i in range(SINGLES):
            group[j * SINGLES + i] = x[rows[i], j] - centre[j]
    two_nearest_singles(packed, blocks, d, group, doubt, found)
    sure = 0
    for q in range(SINGLES):
        sure += found[q] < found[SINGLES + q]
    return SINGLES - sure


@compiled
def search_doubles(x, centre, rows, packed, blocks, group, doubt, out, found, to):
    """What double precision says of half a group, into its place among what single precision has found."""
    d = x.shape[1]
    side_by_side_doubles(x, d, rows, centre, group)
    for j in range(d - d % LANES, d):
        for i in range(DOUBLES):
            group[j * DOUBLES + i] = x[rows[i], j] - centre[j]
    two_nearest_doubles(packed, blocks, d, group, doubt, out)
    for q in range(DOUBLES):
        found[to + q] = out[q] * (1 + SINGLE) + TINY
        found[to + SINGLES + q] = out[DOUBLES + q] * (1 - SINGLE)
        found[to + 2 * SINGLES + q] = out[2 * DOUBLES + q]


@compiled(reorder=True)
def squared_distance(x, row, point):
    """From a row to a point."""
    out = 0.0
    for j in range(len(point)):
        apart = x[row, j] - point[j]
        out += apart * apart
    return out


@compiled
def decide(x, row, points):
    """The nearest point to a row, and bounds above its distance and below that of all others."""
    label, least, second = 0, np.inf, np.inf
    for k in range(len(points)):
        distance = squared_distance(x, row, points[k])
        if distance < least:
            label, least, second = k, distance, least
        elif distance < second:
            second = distance
    return label, math.sqrt(least) * (1 + SINGLE), math.sqrt(second) * (1 - SINGLE)


@compiled
def move(x, row, weight, label, places, sums, weights):
    """A row comes to a point (or leaves it, at a negative weight)."""
    d = x.shape[1]
    weights[0], weights[1] = weight, abs(weight)
    sums[label, 0] += weights[0]
    sums[label, 1] += weights[1]
    moved(x, row * d, d, places, label * d, weights, sums, label * (2 + 3 * d) + 2)
    for j in range(d - d % LANES, d):
        r = x[row, j] - places[label, j]
        sums[label, 2 + j] += weights[0] * r
        sums[label, 2 + d + j] += weights[0] * (r * r)
        sums[label, 2 + 2 * d + j] += weights[1] * (r * r)


@compiled
def settle(x, w, points, rows, count, found, risen, fallen, labels, upper, lower, places, sums, weights):
    """Keep what was found out about a group of rows, and move those that change hands; how many do."""
    changed = 0
    for q in range(count):
        row, near, far, label = rows[q], float(found[q]), float(found[SINGLES + q]), int(found[2 * SINGLES + q])
        if not near < far:
            label, near, far = decide(x, row, points)
        near, far = near - risen[label], far + fallen[label]
        upper[row] = near + abs(near) * SINGLE + TINY
        lower[row] = min(far - abs(far) * SINGLE - TINY, HUGE)
        before = int(labels[row])
        if before != label:
            weight = w[row] if len(w) else 1.0
            if before < len(points):
                move(x, row, -weight, before, places, sums, weights)
                changed += 1
            move(x, row, weight, label, places, sums, weights)
            labels[row] = label
    return changed


@compiled
def search(x, w, centre, points, rough, fine, worn, close, risen, fallen, labels, upper, lower, places, sums):
    """Look again at all rows about which there is doubt; how many came from one point to another."""
    n, d = x.shape
    rows, weights = np.empty(SCAN + 2 * SINGLES, np.int64), np.empty(2)
    group, found = np.empty(d * SINGLES, np.float32), np.empty(3 * SINGLES, np.float32)
    half, out = np.empty(d * DOUBLES), np.empty(3 * DOUBLES)
    doubt, less = np.full(1, (d + 16) * ROUGH, np.float32), np.full(1, (d + 16) * FINE)
    blocks = len(rough) // (POINTS * (1 + d))
    count, changed = 0, 0
    for first in range(0, n, SCAN):
        last, done = min(first + SCAN, n), 0
        count = doubtful(first, last, labels, upper, lower, worn, close, rows, count)
        while count - done >= SINGLES or (last == n and count > done):
            size = min(count - done, SINGLES)
            here = rows[done : done + SINGLES]
            here[size:] = here[0]
            if search_singles(x, centre, here, rough, blocks, group, doubt, found) > FEW:
                for to in range(0, SINGLES, DOUBLES):
                    search_doubles(x, centre, here[to:], fine, blocks, half, less, out, found, to)
            changed += settle(
                x, w, points, here, size, found, risen, fallen, labels, upper, lower, places, sums, weights
            )
            done += size
        for q in range(done, count):
            rows[q - done] = rows[q]
        count -= done
    return changed


@compiled
def form(x, w, labels, places, sums):
    """Sums over all rows, from labels."""
    weights = np.empty(2)
    for i in range(len(x)):
        move(x, i, w[i] if len(w) else 1.0, int(labels[i]), places, sums, weights)


class Points:
    """Points to which rows may be nearest, (k, d), prepared for a pass.

    Attributes
    ----------
    values : array (k, d)
    halves : array (k,)      half the way from each to the nearest of the others: a row that is closer to it is its own
    centre : array (d,)      about which products are formed
    rough, fine : array      less the centre, as kernels read them in single and double precision
    """

    def __init__(self, values: np.ndarray):
        values = np.array(values, float)
        gaps = _squared_gaps(values, values)
        np.fill_diagonal(gaps, np.inf)
        self.values, self.centre = values, values.mean(0)
        self.halves = 0.5 * np.sqrt(gaps.min(1)) * (1 - SLACK)
        self.rough, self.fine = (laid_out(values - self.centre, kind) for kind in (np.float32, np.float64))
        self._moves: list[tuple[np.ndarray, Move]] = []

    def since(self, before: np.ndarray) -> Move:
        """How they came from where they were before; worked out once for all who remember the same."""
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
    the bounds of a point's rows have since. `sums` (k, 2 + 3 d) are the weight, and the weights that came or went; then
    for every column of r = x - place the sum of r, that of r^2, and that of r^2 of rows that came or went.
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
        )

    def look(self, x: np.ndarray, w: np.ndarray, points: Points) -> None:
        """Bring everything up to where the points are now."""
        move = points.since(self.points)
        self.risen, self.fallen, self.points = self.risen + move.each, self.fallen + move.others, points.values
        worn = SLACK * (self.risen + self.fallen)
        risen, fallen = self.risen + worn, self.fallen + worn
        self.changed += search(
            x, w, points.centre, points.values, points.rough, points.fine,
            np.append(risen + fallen, np.inf), np.append(points.halves - risen, -np.inf), risen, fallen,
            self.labels, self.upper, self.lower, self.places, self.sums,
        )  # fmt: skip
        self.weight, self.mean, self.scatter = self._moments()
        if self.changed > len(x) or self._lost():
            self.places, self.changed = self.mean, 0
            self.sums[:] = 0.0
            form(x, w, self.labels, self.places, self.sums)
            self.weight, self.mean, self.scatter = self._moments()

    def _moments(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        weight, first, second, _ = self._parts()
        safe = np.where(weight > 0, weight, 1.0)
        shift = first / safe
        mean = np.where(weight > 0, self.places + shift, self.points)
        return weight[:, 0].copy(), mean, np.maximum(second - shift * first, 0.0)

    def _parts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        d = self.points.shape[1]
        return self.sums[:, :1], self.sums[:, 2 : 2 + d], self.sums[:, 2 + d : 2 + 2 * d], self.sums[:, 2 + 2 * d :]

    def _lost(self) -> bool:
        """Was what came and went so much more than what is left that digits of the sums are lost?"""
        weight, _, _, gross = self._parts()
        lost = gross > LOST * self.scatter
        if lost.any():
            lost &= gross > weight * (BLURRED * self.places) ** 2
        return bool(lost.any() or (self.sums[:, 1:2] > LOST * weight).any())


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
