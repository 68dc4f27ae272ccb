"""Which of some points is the nearest to rows, in compiled code: to those about which there is doubt, or to all.

Rows about which there is doubt are gathered, a group at a time, which takes nearly as long as to compare them. Where
they are many, all rows are looked at, which lie in groups already.

`found` is what becomes known of a group, `[3][rows]`: a bound above the distance to the nearest point, one below the
distances to all others, and the number of the nearest point. `moves` are rows that change hands: which, from where, to
where.
"""

from __future__ import annotations

import math

import numpy as np

from likely.numerics.compiled import compiled
from likely.numerics.nearest_blocks import (
    DOUBLES,
    POINTS,
    SINGLES,
    fetched,
    side_by_side_doubles,
    side_by_side_singles,
    two_nearest_doubles,
    two_nearest_singles,
)
from likely.numerics.nearest_sums import transfer
from likely.numerics.vector import LANES

ROUGH, FINE = 2.0**-23, 2.0**-52  # twice the rounding of one operation, in single and double precision
SINGLE = 2.0**-22  # relative; makes a bound in single precision safe from its rounding
TINY, HUGE = 1e-37, 1e38  # where single precision ends
SCAN = 20 * SINGLES  # rows whose bounds are read in one go
FEW = 4  # rows of a group that are better decided one by one than all together in double precision
WAITING = 64  # rows that change hands before they do: memory brings them meanwhile
STRIDE = 31  # from row to row of a sample


@compiled
def share_in_doubt(labels, upper, lower, worn, close):
    """Of how many rows bounds do not prove that their point is the nearest still, by a sample."""
    rows, count, sample = np.empty(1, np.int64), 0, range(0, len(labels), STRIDE)
    for i in sample:
        count += doubtful(i, i + 1, labels, upper, lower, worn, close, rows, 0)
    return count / len(sample)


@compiled(inline=True)
def doubtful(first, last, labels, upper, lower, worn, close, rows, count):
    """Rows from first to last whose bounds do not prove that their point is the nearest still, noted from count on."""
    for i in range(first, last):
        rows[count] = i
        own = labels[i]
        count += 1 - ((upper[i] < lower[i] - worn[own]) | (upper[i] < close[own]))
    return count


@compiled
def gather(x, centre, rows, group):
    """A group of rows, less a centre, side by side in single precision."""
    d = x.shape[1]
    side_by_side_singles(x, d, rows, centre, group)
    for j in range(d - d % LANES, d):
        for i in range(SINGLES):
            group[j * SINGLES + i] = x[rows[i], j] - centre[j]


@compiled(inline=True)
def counted(first, last, rows):
    """All rows from first to last; how many."""
    for i in range(first, last):
        rows[i - first] = i
    return last - first


@compiled
def tile(x, centre, tiles):
    """All rows as groups, the last of them filled up with its first row."""
    rows = np.empty(SINGLES, np.int64)
    for g in range(len(tiles)):
        count = counted(g * SINGLES, min((g + 1) * SINGLES, len(x)), rows)
        rows[count:] = rows[0]
        gather(x, centre, rows, tiles[g])


@compiled(inline=True)
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


@compiled(inline=True)
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


@compiled(inline=True)
def find(x, centre, rows, group, points, rough, fine, half, out, found):
    """What the rows of a group are nearest to, and bounds: in the least precision that leaves no doubt."""
    d = x.shape[1]
    blocks = len(rough) // (POINTS * (1 + d))
    two_nearest_singles(rough, blocks, d, group, np.full(1, (d + 16) * ROUGH, np.float32), found)
    sure = 0
    for q in range(SINGLES):
        sure += found[q] < found[SINGLES + q]
    if SINGLES - sure > FEW:
        doubt = np.full(1, (d + 16) * FINE)
        for to in range(0, SINGLES, DOUBLES):
            search_doubles(x, centre, rows[to:], fine, blocks, half, doubt, out, found, to)
    for q in range(SINGLES if sure < SINGLES else 0):
        if not found[q] < found[SINGLES + q]:
            label, near, far = decide(x, rows[q], points)
            found[q], found[SINGLES + q], found[2 * SINGLES + q] = near + TINY, min(far, HUGE) - TINY, label


@compiled(inline=True)
def note(x, row, label, labels, moves, noted):
    """A row changes hands."""
    moves[noted, 0], moves[noted, 1], moves[noted, 2] = row, int(labels[row]), label
    labels[row] = label
    fetched(x, row * x.shape[1], x.shape[1])


@compiled(inline=True)
def settle(x, rows, count, found, risen, fallen, labels, upper, lower, moves, noted):
    """Keep what was found out about a group of rows; note those that change hands, after so many others."""
    for q in range(count):
        row, near, far, label = rows[q], float(found[q]), float(found[SINGLES + q]), int(found[2 * SINGLES + q])
        near, far = near - risen[label], far + fallen[label]
        upper[row] = near + abs(near) * SINGLE + TINY
        lower[row] = min(far - abs(far) * SINGLE - TINY, HUGE)
        if labels[row] != label:
            note(x, row, label, labels, moves, noted)
            noted += 1
    return noted


@compiled(inline=True)
def renew(x, first, count, found, labels, upper, lower, moves, noted):
    """As `settle`, for rows that lie side by side and bounds that are not worn."""
    for q in range(count):
        near, far = float(found[q]), float(found[SINGLES + q])
        upper[first + q], lower[first + q] = near + near * SINGLE + TINY, far - far * SINGLE - TINY
    for q in range(count):
        label = int(found[2 * SINGLES + q])
        if labels[first + q] != label:
            note(x, first + q, label, labels, moves, noted)
            noted += 1
    return noted


@compiled
def search(x, w, centre, points, rough, fine, tiles, worn, close, risen, fallen, labels, upper, lower, places, sums):
    """Look again at all rows about which there is doubt, or at all there are where these come as tiles.

    How many change hands.
    """
    n, d = x.shape
    rows, moves, weights = (
        np.empty(SCAN + 2 * SINGLES, np.int64),
        np.empty((WAITING + SINGLES, 3), np.int64),
        np.empty(2),
    )
    group, found = np.empty(d * SINGLES, np.float32), np.empty(3 * SINGLES, np.float32)
    half, out = np.empty(d * DOUBLES), np.empty(3 * DOUBLES)
    every, count, noted, changed = len(tiles) > 0, np.int64(0), np.int64(0), np.int64(0)
    for first in range(0, n, SCAN):
        last, done = min(first + SCAN, n), 0
        if every:
            count = counted(first, last, rows)
        else:
            count = doubtful(first, last, labels, upper, lower, worn, close, rows, count)
        while count - done >= SINGLES or (last == n and count > done):
            size = min(count - done, SINGLES)
            here = rows[done : done + SINGLES]
            here[size:] = here[0]
            if every:
                group = tiles[here[0] // SINGLES]
            else:
                gather(x, centre, here, group)
            find(x, centre, here, group, points, rough, fine, half, out, found)
            if every:
                noted = renew(x, here[0], size, found, labels, upper, lower, moves, noted)
            else:
                noted = settle(x, here, size, found, risen, fallen, labels, upper, lower, moves, noted)
            if noted >= WAITING or last == n:
                transfer(x, w, moves, noted, places, sums, weights)
                changed, noted = changed + noted, 0
            done += size
        for q in range(done, count):
            rows[q - done] = rows[q]
        count -= done
    transfer(x, w, moves, noted, places, sums, weights)
    return changed + noted
