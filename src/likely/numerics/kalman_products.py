"""Products of small matrices that lie in flat arrays, compiled: blocks of rows whose sums stay in registers.

Vectors are 8, 4, 2 or 1 wide, and go along the columns. Where numbers lie is told by places: slices and shapes would
take Numba most of a minute to compile.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product as product_of
from typing import Any

import numpy as np

from likely.numerics.called import called
from likely.numerics.compiled import compiled
from likely.numerics.vector import DOUBLE, Lanes, kernel, number, whole

HEIGHTS = (8, 4, 2, 1)  # of blocks
FEW = 4  # vectors of a block so small that additions would wait for one another: they go to two sums in turns
SET, ADD, TAKE = np.int64(0), np.int64(1), np.int64(-1)  # what becomes of what stands where a product goes


def _product(
    v: Lanes, into: Any, a: Any, a_at: Any, down: Any, across: Any, b: Any, b_at: Any, wide: Any, out: Any, at: Any,
    rows: Any, inner: Any, columns: Any,
) -> None:  # fmt: skip
    """Blocks of 4, 2 and 1 rows. Columns are taken eight at a time; the rest in two vectors, which may overlap."""
    build = v.builder
    alone = build.icmp_signed("==", into, whole(0))
    sign = build.select(alone, DOUBLE(1.0), build.sitofp(into, DOUBLE))
    a, b, out = v.at(a, a_at), v.at(b, b_at), v.at(out, at)

    def block(height: int, width: int, i: Any, places: Sequence[Any]) -> None:
        to = v.at(out, v.times(i, columns))
        tops = [v.at(a, v.times(i, down), v.times(down, r)) for r in range(height)]

        size = height * len(places)

        def step(n: Any, sums: list[Any]) -> list[Any]:
            own, along = v.at(b, v.times(n, wide)), v.times(n, across)
            right = [v.load(v.at(own, j), width) for j in places]
            left = [v.spread(v.at(top, along), width) for top in tops]
            return [v.fma(x, y, s) for (x, y), s in zip(product_of(left, right), sums, strict=True)]

        def two(n: Any, sums: list[Any]) -> list[Any]:
            first = v.times(n, 2)
            return [*step(first, sums[:size]), *step(build.add(first, whole(1)), sums[size:])]

        none = [number(0.0, width)] * size
        if size > FEW:
            sums = v.loop(inner, none, step)
        else:
            sums = v.loop(build.lshr(inner, whole(1)), none * 2, two)
            odd = v.loop(build.and_(inner, whole(1)), sums[:size], lambda _, s: step(build.sub(inner, whole(1)), s))
            sums = [v.add(x, y) for x, y in zip(odd, sums[size:], strict=True)]
        goals = [v.at(to, v.times(columns, r), j) for r in range(height) for j in places]
        before = [build.select(alone, number(0.0, width), v.load(goal, width)) for goal in goals]
        v.store_all([v.fma(v.all(sign, width), s, x) for s, x in zip(sums, before, strict=True)], goals)

    def strip(width: int, *places: Any) -> None:
        heights = HEIGHTS if width == 8 else HEIGHTS[1:]
        for height in heights:
            v.parts(rows, heights, height, lambda i, h=height: block(h, width, i, places))

    v.parts(columns, (8,), 8, lambda j: strip(8, j))
    first, rest = build.and_(columns, whole(-8)), build.and_(columns, whole(7))
    for width in (4, 2):
        some = build.and_(build.icmp_signed(">=", rest, whole(width)), build.icmp_signed("<", rest, whole(2 * width)))
        v.only(some, lambda w=width: strip(w, first, build.sub(columns, whole(w))))
    v.only(build.icmp_signed("==", rest, whole(1)), lambda: strip(1, first))


_written_out = kernel("iaiiiaiiaiiii", _product)


@called("iaiiiaiiaiiii")
def product(into, a, a_at, down, across, b, b_at, wide, out, at, rows, inner, columns):
    """a b goes to out (rows, columns), row after row: SET, ADD to or TAKE from what stands there.

    a[i, n] lies at a_at + i down + n across, and b[n, j] at b_at + n wide + j.
    """
    _written_out(into, a, a_at, down, across, b, b_at, wide, out, at, rows, inner, columns)


@compiled
def against(into, a, a_at, x, x_at, out, at, rows, inner):
    """a x is ADDed to out (rows,), or TAKEn from it, where a is (rows, inner): four sums at a time."""
    x_at, at, wide, k = np.uintp(x_at), np.uintp(at), np.uintp(inner), np.uintp(a_at)
    sign, i = float(into), 0
    while rows - i >= 4:
        s0 = s1 = s2 = s3 = 0.0
        for n in range(wide):
            value = x[x_at + n]
            s0 += a[k + n] * value
            s1 += a[k + wide + n] * value
            s2 += a[k + wide + wide + n] * value
            s3 += a[k + wide + wide + wide + n] * value
        to = at + np.uintp(i)
        out[to] += sign * s0
        out[to + np.uintp(1)] += sign * s1
        out[to + np.uintp(2)] += sign * s2
        out[to + np.uintp(3)] += sign * s3
        k += np.uintp(4) * wide
        i += 4
    while i < rows:
        total = 0.0
        for n in range(wide):
            total += a[k + n] * x[x_at + n]
        out[at + np.uintp(i)] += sign * total
        k += wide
        i += 1


@compiled
def add(weight, x, x_at, out, at, count):
    """Add some numbers, each so often."""
    x_at, at, count = np.uintp(x_at), np.uintp(at), np.uintp(count)
    for i in range(count):
        out[at + i] += weight * x[x_at + i]


@compiled
def put(x, x_at, out, at, count):
    """Copy some numbers."""
    x_at, at, count = np.uintp(x_at), np.uintp(at), np.uintp(count)
    for i in range(count):
        out[at + i] = x[x_at + i]
