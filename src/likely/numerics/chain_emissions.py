"""Emissions of hidden Markov chains, sixteen chains side by side: their densities, and sums weighted by posteriors.

Four kinds. `ROWS`: log densities of rows are given, posteriors are wanted. `FEATURES`: log densities are linear in
features of a row, whose weighted sums are wanted. `NORMAL`: they are constant - (h x + g)^2, where x may be missing
(NaN), and sums of 1, x, x^2 are wanted. `TABLE`: every row is one of a few symbols; of each the densities are given,
relative to the largest, and counts are wanted. Features stand as `[step][column][WIDE]`: beside those of sixteen chains
the one before and the one after, so that a chain can begin to run in its neighbours.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from llvmlite import ir

from likely.numerics.blocks import IMPOSSIBLE
from likely.numerics.chain_steps import ABREAST, SIDE
from likely.numerics.compiled import compiled
from likely.numerics.vector import LANES, Lanes, apart, kernel, number, whole

ROWS, FEATURES, NORMAL, TABLE = range(4)
WIDE = SIDE + 2
LEVEL = 2.0**600  # what posteriors are multiplied by while they are worked out
LOWEST = -346.0  # logarithms of densities, relative to the largest, that do not count: others stay normal numbers
ABOVE = 100.0  # a log density so much larger than that of the first state is what others are measured by
BITS = ir.IntType(LANES)
CELLS = 2**7  # vectors of log densities that are made, then exponentiated while they are in the nearest cache


def _vectors(v: Lanes, pointer: Any) -> list[Any]:
    return [v.load(v.at(pointer, i * LANES)) for i in range(ABREAST)]


def _normal(v: Lanes, n: Any, z: Any, i: Any, step: Any, coefficients: Any, states: Any, e: Any, o: Any) -> None:
    """c - (h x + g)^2 for all states at n steps, `step` numbers apart; h, g, c are a state's coefficients."""
    z, e = v.at(z, i), v.at(e, o)

    def one(t: Any, _: list[Any]) -> list[Any]:
        x = _vectors(v, v.at(z, v.builder.mul(t, step)))
        seen = [_seen(v, own) for own in x]

        def state(k: Any, _: list[Any]) -> list[Any]:
            h, g, c = (v.spread(v.at(coefficients, v.times(k, 3), p)) for p in range(3))
            out = v.at(e, v.times(v.builder.add(v.builder.mul(t, states), k), SIDE))
            for side in range(ABREAST):
                y = v.fma(h, x[side], g)
                v.store(v.where(seen[side], v.sub(c, v.mul(y, y)), number(0.0)), v.at(out, side * LANES))
            return []

        v.loop(states, [], state)
        return []

    v.loop(n, [], one)


def _seen(v: Lanes, x: Any) -> Any:
    """Which lanes hold numbers."""
    return v.builder.fcmp_ordered("ord", x, x)


def _some(v: Lanes, masks: list[Any]) -> Any:
    """Is it true in some lane of some of them?"""
    bits = [v.builder.bitcast(mask, BITS) for mask in masks]
    return v.builder.icmp_unsigned("!=", reduce(v.builder.or_, bits), ir.Constant(BITS, 0))


def _linear(
    v: Lanes, n: Any, z: Any, i: Any, step: Any, columns: Any, coefficients: Any, states: Any, e: Any, o: Any
) -> None:
    """Sums of coefficients times features for all states at n steps."""
    z, e = v.at(z, i), v.at(e, o)

    def one(t: Any, _: list[Any]) -> list[Any]:
        here = v.at(z, v.builder.mul(t, step))

        def state(k: Any, _: list[Any]) -> list[Any]:
            own = v.at(coefficients, v.builder.mul(k, columns))

            def column(j: Any, sums: list[Any]) -> list[Any]:
                factor, points = v.spread(v.at(own, j)), _vectors(v, v.at(here, v.times(j, WIDE)))
                return [v.fma(factor, x, total) for x, total in zip(points, sums, strict=True)]

            sums = v.loop(columns, [number(0.0)] * ABREAST, column)
            out = v.at(e, v.times(v.builder.add(v.builder.mul(t, states), k), SIDE))
            v.store_all(sums, [v.at(out, side * LANES) for side in range(ABREAST)])
            return []

        v.loop(states, [], state)
        return []

    v.loop(n, [], one)


def _soften(few: int) -> Any:
    """e = exp(l - m) over states, in place, for n steps; of a `few` states, or (0) of any number.

    m is l of the first state, whose exponential need not be worked out, unless others are too far above it: then the
    largest.
    """

    def emit(v: Lanes, n: Any, states: Any, e: Any, i: Any, m: Any, j: Any) -> None:
        e, m = v.at(e, i), v.at(m, j)

        def one(t: Any, _: list[Any]) -> list[Any]:
            here, out = v.at(e, v.times(v.builder.mul(t, states), SIDE)), v.at(m, v.times(t, SIDE))

            def top(k: Any, tops: list[Any]) -> list[Any]:
                return [v.max(a, b) for a, b in zip(tops, _vectors(v, v.at(here, v.times(k, SIDE))), strict=True)]

            def relative(base: list[Any], first: int) -> None:
                v.store_all(base, [v.at(out, side * LANES) for side in range(ABREAST)])

                def some(k: Any, count: int) -> list[Any]:
                    places = range(count * ABREAST)
                    own = [v.at(here, v.times(k, SIDE), place * LANES) for place in places]
                    lower = [v.sub(v.load(x), base[p % ABREAST]) for p, x in enumerate(own)]
                    v.store_all([v.exp(x, LOWEST) for x in lower], own)
                    return []

                if few:
                    some(whole(first), few - first)
                    return
                left = v.builder.sub(states, whole(first))
                pairs = v.builder.lshr(left, whole(1))
                v.loop(pairs, [], lambda k, _: some(v.builder.add(v.times(k, 2), whole(first)), 2))
                odd = v.builder.add(v.times(pairs, 2), whole(first))
                v.loop(v.builder.sub(states, odd), [], lambda *_: some(odd, 1))

            def near() -> None:
                relative(firsts, 1)
                v.store_all([number(1.0)] * ABREAST, [v.at(here, side * LANES) for side in range(ABREAST)])

            firsts, tops = _vectors(v, here), [number(IMPOSSIBLE)] * ABREAST
            for k in range(few):
                tops = top(whole(k), tops)
            if not few:
                tops = v.loop(states, tops, top)
            far = _some(v, [v.below(number(ABOVE), v.sub(a, b)) for a, b in zip(tops, firsts, strict=True)])
            v.only(v.builder.not_(far), near)
            v.only(far, lambda: relative(tops, 0))
            return []

        v.loop(n, [], one)

    return kernel("iiaiai", emit)


normal, linear = kernel("iaiiaiai", _normal), kernel("iaiiiaiai", _linear)
soften, soften_1, soften_2, soften_3, soften_4 = (_soften(few) for few in range(5))


def _looked_up(states: int) -> Any:
    """Numbers of some states, side by side in a table at eight places, as vectors of eight chains into e."""

    def emit(v: Lanes, table: Any, places: Any, p: Any, k: Any, e: Any, o: Any) -> None:
        places, e = v.at(places, p), v.at(e, o)
        rows = [v.load(v.at(table, v.builder.load(v.at(places, lane)), k), states) for lane in range(LANES)]
        for c, column in enumerate(v.turned(rows)):
            v.store(column, v.at(e, c * SIDE))

    return kernel("aaiiai", emit)


looked_8, looked_4, looked_2, looked_1 = (_looked_up(states) for states in (8, 4, 2, 1))


def _counted(states: int) -> Any:
    """Posteriors a b / LEVEL of some states of eight chains, added side by side at eight places of a table."""

    def emit(v: Lanes, a: Any, i: Any, b: Any, j: Any, table: Any, places: Any, p: Any, k: Any) -> None:
        a, b, places = v.at(a, i), v.at(b, j), v.at(places, p)
        rows = [v.mul(v.load(v.at(a, c * SIDE)), v.load(v.at(b, c * SIDE))) for c in range(states)]
        rows = [v.mul(row, number(1 / LEVEL)) for row in rows] + [number(0.0)] * (LANES - states)
        for lane, own in enumerate(v.turned(rows)):
            place = v.at(table, v.builder.load(v.at(places, lane)), k)
            here = v.builder.bitcast(place, v.shuffled(own, own, range(states)).type.as_pointer())
            v.store(v.add(v.builder.load(here, align=8), v.shuffled(own, own, range(states))), place)

    return kernel("aiaiaaii", emit)


counted_8, counted_4, counted_2, counted_1 = (_counted(states) for states in (8, 4, 2, 1))


def _weighed(states: int, columns: int) -> Any:
    """s[k][c] += a b z_c over n steps and the lanes of a vector, for some states and columns.

    s has rows of `stride` vectors; `size` numbers lie between steps of a and b, `step` between those of z.
    """
    places = [(k, c) for k in range(states) for c in range(columns)]

    def emit(
        v: Lanes, n: Any, a: Any, i: Any, b: Any, j: Any, size: Any, z: Any, k: Any, step: Any, s: Any, o: Any,
        stride: Any
    ) -> None:  # fmt: skip
        a, b, z, s = v.at(a, i), v.at(b, j), v.at(z, k), v.at(s, o)

        def one(t: Any, sums: list[Any]) -> list[Any]:
            here, point = v.builder.mul(t, size), v.at(z, v.builder.mul(t, step))
            for side in range(ABREAST):
                own = [[v.load(v.at(x, here, p * SIDE + side * LANES)) for p in range(states)] for x in (a, b)]
                weights = [v.mul(x, y) for x, y in zip(*own, strict=True)]
                points = [v.load(v.at(point, c * WIDE + side * LANES)) for c in range(columns)]
                sums = [v.fma(weights[p], points[c], total) for (p, c), total in zip(places, sums, strict=True)]
            return sums

        sums = v.loop(n, [number(0.0)] * len(places), one)
        for (p, c), total in zip(places, sums, strict=True):
            place = v.at(s, v.times(v.times(stride, p), LANES), c * LANES)
            v.store(v.add(v.load(place), total), place)

    return kernel("iaiaiiaiiaii", emit)


weighed_4_3, weighed_4_1 = _weighed(4, 3), _weighed(4, 1)
weighed_1_3, weighed_1_1 = _weighed(1, 3), _weighed(1, 1)


def _moments(v: Lanes, n: Any, a: Any, i: Any, b: Any, j: Any, size: Any, z: Any, k: Any, step: Any, s: Any, o: Any):
    """s += a b (1, x, x^2) over n steps and the lanes of a vector, for one state; missing x count nothing."""
    a, b, z, s = v.at(a, i), v.at(b, j), v.at(z, k), v.at(s, o)

    def one(t: Any, sums: list[Any]) -> list[Any]:
        here, point = v.builder.mul(t, size), v.at(z, v.builder.mul(t, step))
        weight, first, second = sums
        for side in range(ABREAST):
            r = v.mul(*(v.load(v.at(array, here, side * LANES)) for array in (a, b)))
            x = v.load(v.at(point, side * LANES))
            seen = _seen(v, x)
            r, x = v.where(seen, r, number(0.0)), v.where(seen, x, number(0.0))
            weight, first, second = v.add(weight, r), v.fma(r, x, first), v.fma(v.mul(r, x), x, second)
        return [weight, first, second]

    sums = v.loop(n, [number(0.0)] * 3, one)
    for c, total in enumerate(sums):
        v.store(v.add(v.load(v.at(s, c * LANES)), total), v.at(s, c * LANES))


moments = kernel("iaiaiiaiiai", _moments)


@compiled
def densities(kind, values, codes, origin, length, shift, columns, coefficients, states, t, way, n, e, m, places):
    """Densities, relative to the largest, of n steps from t on (`way` 1) or back (-1) into e; logarithms of it into m.

    `origin` is the first row of the first chain, `shift` the neighbour to look at: 0 before, 1 itself, 2 after.
    """
    apart()
    line, block = columns * WIDE, max(1, CELLS // (ABREAST * states))
    for i in range(0, n, block):
        count, at, to = min(block, n - i), t + way * i, i * states * SIDE
        if kind == NORMAL:
            normal(count, values, at * line + shift, way * line, coefficients, states, e, to)
        elif kind == FEATURES:
            linear(count, values, at * line + shift, way * line, columns, coefficients, states, e, to)
        else:
            for s in range(count):
                locate(kind, codes, origin, length, shift, states, at + way * s, len(values), 0 * t, places)
                look_up(values, places, states, e, to + s * states * SIDE)
                if kind == ROWS:
                    blank(origin + at + way * s, length, shift, states, len(values), e, to + s * states * SIDE)
        if kind == TABLE:
            for s in range(count):
                for lane in range(SIDE):
                    m[(i + s) * SIDE + lane] = coefficients[codes[(at + way * s) * WIDE + shift + lane]]
        elif states == 1:
            soften_1(count, states, e, to, m, i * SIDE)
        elif states == 2:
            soften_2(count, states, e, to, m, i * SIDE)
        elif states == 3:
            soften_3(count, states, e, to, m, i * SIDE)
        elif states == 4:
            soften_4(count, states, e, to, m, i * SIDE)
        else:
            soften(count, states, e, to, m, i * SIDE)


@compiled
def locate(kind, codes, origin, length, shift, states, t, size, elsewhere, places):
    """Where the numbers of sixteen rows begin in a table: that of their symbols, or that of all rows."""
    apart()
    for lane in range(SIDE):
        if kind == TABLE:
            places[lane] = codes[t * WIDE + shift + lane] * states
        else:
            row = (origin + (shift - 1 + lane) * length + t) * states
            places[lane] = row if 0 <= row < size else elsewhere


@compiled
def blank(row, length, shift, states, size, e, to):
    """Rows that are not there have log density 0 in every state."""
    apart()
    for lane in range(SIDE):
        if not 0 <= (row + (shift - 1 + lane) * length) * states < size:
            for k in range(states):
                e[to + k * SIDE + lane] = 0.0


@compiled
def look_up(table, places, states, e, to):
    """Numbers of all states at the places of sixteen rows into e."""
    apart()
    for side in range(0, SIDE, LANES):
        k = 0
        while k < states:
            left = states - k
            if left >= 8:
                looked_8(table, places, side, k, e, to + k * SIDE + side)
                k += 8
            elif left >= 4:
                looked_4(table, places, side, k, e, to + k * SIDE + side)
                k += 4
            elif left >= 2:
                looked_2(table, places, side, k, e, to + k * SIDE + side)
                k += 2
            else:
                looked_1(table, places, side, k, e, to + k * SIDE + side)
                k += 1


@compiled
def count_up(a, i, b, j, states, table, places):
    """Posteriors of sixteen rows, added at their places."""
    apart()
    for side in range(0, SIDE, LANES):
        k = 0
        while k < states:
            left, at = states - k, k * SIDE + side
            if left >= 8:
                counted_8(a, i + at, b, j + at, table, places, side, k)
                k += 8
            elif left >= 4:
                counted_4(a, i + at, b, j + at, table, places, side, k)
                k += 4
            elif left >= 2:
                counted_2(a, i + at, b, j + at, table, places, side, k)
                k += 2
            else:
                counted_1(a, i + at, b, j + at, table, places, side, k)
                k += 1


@compiled
def weigh(kind, values, codes, origin, length, columns, states, t, n, a, i, b, j, sums, places):
    """Adds what n steps from t on tell of the emissions; posteriors times LEVEL are a b."""
    apart()
    own = np.int64(1)
    size, line = states * SIDE, columns * WIDE
    if kind in (ROWS, TABLE):
        for s in range(n):
            locate(kind, codes, origin, length, own, states, t + s, len(values), len(values), places)
            count_up(a, i + s * size, b, j + s * size, states, sums, places)
        return
    if kind == NORMAL:
        for k in range(states):
            moments(n, a, i + k * SIDE, b, j + k * SIDE, size, values, t * line + own, line, sums, k * 3 * LANES)
        return
    k = 0
    while k < states:
        four, c = k + 4 <= states, 0
        at = k * SIDE
        while c < columns:
            wide = c + 3 <= columns
            z, to = t * line + c * WIDE + 1, (k * columns + c) * LANES
            if four and wide:
                weighed_4_3(n, a, i + at, b, j + at, size, values, z, line, sums, to, columns)
            elif four:
                weighed_4_1(n, a, i + at, b, j + at, size, values, z, line, sums, to, columns)
            elif wide:
                weighed_1_3(n, a, i + at, b, j + at, size, values, z, line, sums, to, columns)
            else:
                weighed_1_1(n, a, i + at, b, j + at, size, values, z, line, sums, to, columns)
            c += 3 if wide else 1
        k += 4 if four else 1
