"""The innermost kernels of a pass over a mixture: blocks of products that stay in registers.

A tile is a run of rows laid out `[group][column][24]`: groups of 24 rows, three vectors wide, so that whatever happens
to one row happens to 24 at once. Offsets count numbers from the beginning of an array.
"""

from __future__ import annotations

from typing import Any

from likely.numerics.vector import LANES, Lanes, kernel, number, whole, wide

VECTORS = 3  # of a group
GROUP = VECTORS * LANES
IMPOSSIBLE = -1e300  # what stands for the largest log joint of a row that has none
ROWS, ABREAST = (
    (8, 3) if wide() else (4, 1)
)  # of a block of products, and vectors it takes abreast: what registers hold
STEP = ABREAST * LANES


def _turned(columns: int) -> Any:
    """x - centre for eight rows of x, from their column j on, turned so that a column of them is a vector of a tile.

    The first number stands at `at` in x, whose rows are `d` long; the first column goes to `to`.
    """

    def emit(v: Lanes, x: Any, at: Any, d: Any, centre: Any, j: Any, tile: Any, to: Any) -> None:
        x, tile = v.at(x, at), v.at(tile, to)
        middle = v.load(v.at(centre, j), columns)
        rows = [v.sub(v.load(v.at(x, v.times(d, lane)), columns), middle) for lane in range(LANES)]
        for c, column in enumerate(v.turned(rows)):
            v.store(column, v.at(tile, c * GROUP))

    return kernel("aiiaiai", emit)


turned_8, turned_4, turned_2, turned_1 = (_turned(columns) for columns in (8, 4, 2, 1))


def _whitened(rows: int, *, first: bool = False) -> Any:
    """q += y^2 for `rows` rows of y = W z + w, W lower triangular, at as many data rows as go abreast.

    `offsets` from `o` on: w; `coefficients` from `c` on: the columns of W up to the diagonal, `rows` numbers each. The
    `first` rows, with none above, begin the sum: a kernel of their own, since to ask costs a spill of all registers.
    """

    def emit(v: Lanes, offsets: Any, o: Any, coefficients: Any, c: Any, above: Any, tile: Any, t: Any, q: Any, at: Any):
        offsets, w, z, q = v.at(offsets, o), v.at(coefficients, c), v.at(tile, t), v.at(q, at)
        sums = [v.spread(v.at(offsets, r)) for r in range(rows) for _ in range(ABREAST)]

        def column(j: Any, y: list[Any], top: int = 0) -> list[Any]:
            here, own = v.at(z, v.times(j, GROUP)), v.at(w, v.times(j, rows))
            points = [v.load(v.at(here, i * LANES)) for i in range(ABREAST)]
            for r in range(top, rows):
                factor = v.spread(v.at(own, r))
                for i in range(ABREAST):
                    y[r * ABREAST + i] = v.fma(factor, points[i], y[r * ABREAST + i])
            return y

        if not first:
            sums = v.loop(above, sums, column)
        for r in range(rows):
            sums = column(above.type(r) if first else v.builder.add(above, above.type(r)), sums, r)
        for i in range(ABREAST):
            total = number(0.0) if first else v.load(v.at(q, i * LANES))
            for r in range(rows):
                total = v.fma(sums[r * ABREAST + i], sums[r * ABREAST + i], total)
            v.store(total, v.at(q, i * LANES))

    return kernel("aiaiiaiai", emit)


whitened_8, whitened_4, whitened_2, whitened_1 = (_whitened(rows) for rows in (8, 4, 2, 1))
first_8, first_4, first_2, first_1 = (_whitened(rows, first=True) for rows in (8, 4, 2, 1))


def _places(v: Lanes, i: Any, size: Any) -> Any:
    """Where the vectors of the i-th rows that go abreast stand, of row k of an array `[k][size]`."""
    first = v.times(i, STEP)
    return lambda array, k: [v.at(array, v.builder.mul(k, size), first, a * LANES) for a in range(ABREAST)]


def _joint(v: Lanes, q: Any, constants: Any, members: Any, out: Any, places: Any) -> list[Any]:
    """Log joints l = constant - q / 2 of all members into `out`; their maxima."""

    def member(k: Any, tops: list[Any]) -> list[Any]:
        constant = v.spread(v.at(constants, k))
        joint = [v.fma(v.load(here), number(-0.5), constant) for here in places(q, k)]
        v.store_all(joint, places(out, k))
        return [v.max(top, own) for top, own in zip(tops, joint, strict=True)]

    return v.loop(members, [number(IMPOSSIBLE)] * ABREAST, member)


def _soften(v: Lanes, q: Any, constants: Any, members: Any, size: Any, out: Any) -> None:
    """Responsibilities exp(l - max) / sum from squared lengths q.

    `q` and `out` are `[member][size]`; `out` has two rows more, the maxima and the sums.
    """

    def rows(i: Any, _: list[Any]) -> list[Any]:
        places = _places(v, i, size)
        tops = _joint(v, q, constants, members, out, places)

        def weight(k: Any, totals: list[Any]) -> list[Any]:
            e = [v.exp(v.sub(v.load(here), top)) for here, top in zip(places(out, k), tops, strict=True)]
            v.store_all(e, places(out, k))
            return [v.add(total, own) for total, own in zip(totals, e, strict=True)]

        totals = v.loop(members, [number(0.0)] * ABREAST, weight)
        scales = [v.div(number(1.0), total) for total in totals]

        def normalise(k: Any, _: list[Any]) -> list[Any]:
            shares = [v.mul(v.load(here), scale) for here, scale in zip(places(out, k), scales, strict=True)]
            v.store_all(shares, places(out, k))
            return []

        v.loop(members, [], normalise)
        v.store_all(tops, places(out, members))
        v.store_all(totals, places(out, v.builder.add(members, members.type(1))))
        return []

    v.loop(v.builder.sdiv(size, size.type(STEP)), [], rows)


def _harden(v: Lanes, q: Any, constants: Any, members: Any, size: Any, out: Any) -> None:
    """As `_soften` at temperature 0: all of a row to its best member, the first among equals."""

    def rows(i: Any, _: list[Any]) -> list[Any]:
        places = _places(v, i, size)
        tops = _joint(v, q, constants, members, out, places)

        def choose(k: Any, left: list[Any]) -> list[Any]:
            worse = [v.below(v.load(here), top) for here, top in zip(places(out, k), tops, strict=True)]
            own = [v.where(is_worse, number(0.0), rest) for is_worse, rest in zip(worse, left, strict=True)]
            v.store_all(own, places(out, k))
            return [v.sub(rest, taken) for rest, taken in zip(left, own, strict=True)]

        v.loop(members, [number(1.0)] * ABREAST, choose)
        v.store_all(tops, places(out, members))
        v.store_all([number(1.0)] * ABREAST, places(out, v.builder.add(members, members.type(1))))
        return []

    v.loop(v.builder.sdiv(size, size.type(STEP)), [], rows)


soften, harden = kernel("aaiia", _soften), kernel("aaiia", _harden)


def _sum_and_product(v: Lanes, r: Any, added: Any, multiplied: Any, vectors: Any, out: Any) -> None:
    """Lane by lane the sum of some vectors and the product of some others, side by side into `out`."""
    terms, factors = v.at(r, added), v.at(r, multiplied)

    def both(i: Any, so_far: list[Any]) -> list[Any]:
        at = v.times(i, LANES)
        return [v.add(so_far[0], v.load(v.at(terms, at))), v.mul(so_far[1], v.load(v.at(factors, at)))]

    total, product = v.loop(vectors, [number(0.0), number(1.0)], both)
    v.store(total, out)
    v.store(product, v.at(out, LANES))


sum_and_product = kernel("aiiia", _sum_and_product)


def _weighted_products(rows: int, columns: int | None) -> Any:
    """s[a][b] += r z_a z_b over a tile: a block of the lower triangle, or (`columns` None) of its diagonal.

    z_a are `rows` columns of the tile from `a` on, z_b from `b` on. Every entry of `s` is a vector, whose lanes are
    summed when all is done; it begins at `o` and has rows of `stride` vectors.
    """
    pairs = [(i, j) for i in range(rows) for j in (range(i + 1) if columns is None else range(columns))]

    def emit(v: Lanes, r: Any, at: Any, tile: Any, a: Any, b: Any, step: Any, groups: Any, s: Any, o: Any, stride: Any):
        r, left, right, s = v.at(r, at), v.at(tile, a), v.at(tile, b), v.at(s, o)

        def group(g: Any, sums: list[Any]) -> list[Any]:
            near, far, own = v.at(left, v.times(g, step)), v.at(right, v.times(g, step)), v.at(r, v.times(g, GROUP))
            for i in range(VECTORS):
                weight = v.load(v.at(own, i * LANES))
                za = [v.load(v.at(near, c * GROUP + i * LANES)) for c in range(rows)]
                zb = za if columns is None else [v.load(v.at(far, c * GROUP + i * LANES)) for c in range(columns)]
                weighted = [v.mul(weight, z) for z in za]
                sums = [v.fma(weighted[x], zb[y], total) for (x, y), total in zip(pairs, sums, strict=True)]
            return sums

        sums = v.loop(groups, [number(0.0)] * len(pairs), group)
        for (x, y), total in zip(pairs, sums, strict=True):
            place = v.at(s, v.times(v.times(stride, x), LANES), y * LANES)
            v.store(v.add(v.load(place), total), place)

    return kernel("aiaiiiiaii", emit)


square_1, square_2, square_3, square_4 = (_weighted_products(rows, None) for rows in (1, 2, 3, 4))
across_1, across_2, across_3, across_4 = (_weighted_products(rows, 4) for rows in (1, 2, 3, 4))


def _laid(columns: int) -> Any:
    """(x - centre) times a scale for some rows of x, `columns` columns from j on, row by row into `out`.

    Row i of `count` stands in x at the offset `where[i]` and is scaled by `scale[i]`; in `out` rows are 8 apart.
    """

    def emit(v: Lanes, x: Any, where: Any, scale: Any, count: Any, centre: Any, j: Any, out: Any, to: Any) -> None:
        x, out, middle = v.at(x, j), v.at(out, to), v.load(v.at(centre, j), columns)

        def row(i: Any, _: list[Any]) -> list[Any]:
            z = v.sub(v.load(v.at(x, v.builder.load(v.at(where, i))), columns), middle)
            v.store(v.mul(z, v.spread(v.at(scale, i), columns)), v.at(out, v.times(i, LANES)))
            return []

        v.loop(count, [], row)

    return kernel("aaaiaiai", emit)


laid_8, laid_4, laid_2, laid_1 = (_laid(columns) for columns in (8, 4, 2, 1))


def _rank_update(vectors: int) -> Any:
    """s[a][b] += sum of z_a z_b over rows: `ROWS` columns from `a` against `vectors` of them from `b`.

    Rows stand in `points`, `[eight columns][size][8]`, and `count` of them are there; rows of `s` are `width` long.
    """

    def emit(v: Lanes, points: Any, size: Any, count: Any, a: Any, b: Any, s: Any, o: Any, width: Any):
        block = v.times(size, LANES)
        near = v.at(points, v.builder.mul(v.builder.sdiv(a, whole(LANES)), block), v.builder.srem(a, whole(LANES)))
        first = v.builder.sdiv(b, whole(LANES))
        far = [v.at(points, v.builder.mul(v.builder.add(first, whole(c)), block)) for c in range(vectors)]

        def row(i: Any, sums: list[Any]) -> list[Any]:
            here = v.times(i, LANES)
            z = [v.load(v.at(column, here)) for column in far]
            for x in range(ROWS):
                factor = v.spread(v.at(near, here, x))
                for c in range(vectors):
                    sums[x * vectors + c] = v.fma(factor, z[c], sums[x * vectors + c])
            return sums

        sums = v.loop(count, [number(0.0)] * (ROWS * vectors), row)
        for x in range(ROWS):
            line = v.at(s, o, v.builder.mul(v.builder.add(a, a.type(x)), width), b)
            for c in range(vectors):
                place = v.at(line, c * LANES)
                v.store(v.add(v.load(place), sums[x * vectors + c]), place)

    return kernel("aiiiiaii", emit)


update_1, update_2, update_3 = (_rank_update(vectors) for vectors in (1, 2, 3))


def _scaled(members: int) -> Any:
    """q = sum over columns of (a z + b)^2 for some members, at as many data rows as go abreast.

    `coefficients` from `c` on: for every column, a and b of each member. Rows of `q` are `size` numbers apart.
    """

    def emit(v: Lanes, coefficients: Any, c: Any, columns: Any, tile: Any, t: Any, q: Any, at: Any, size: Any) -> None:
        factors, z, q = v.at(coefficients, c), v.at(tile, t), v.at(q, at)

        def column(j: Any, sums: list[Any]) -> list[Any]:
            here, own = v.at(z, v.times(j, GROUP)), v.at(factors, v.times(j, 2 * members))
            points = [v.load(v.at(here, i * LANES)) for i in range(ABREAST)]
            for k in range(members):
                a, b = v.spread(v.at(own, 2 * k)), v.spread(v.at(own, 2 * k + 1))
                for i in range(ABREAST):
                    y = v.fma(a, points[i], b)
                    sums[k * ABREAST + i] = v.fma(y, y, sums[k * ABREAST + i])
            return sums

        sums = v.loop(columns, [number(0.0)] * (members * ABREAST), column)
        for k in range(members):
            for i in range(ABREAST):
                v.store(sums[k * ABREAST + i], v.at(q, v.times(size, k), i * LANES))

    return kernel("aiiaiaii", emit)


scaled_4, scaled_2, scaled_1 = _scaled(4), _scaled(2), _scaled(1)


def _weighted_squares(members: int, columns: int) -> Any:
    """First and second moments of some columns: f[k][b] += r_k z_b and s[k][b] += r_k z_b^2 over a tile, lane by lane.

    Rows of `r` are `size` numbers apart, members in f and s `to` vectors.
    """
    pairs = [(k, c) for k in range(members) for c in range(columns)]

    def emit(
        v: Lanes, r: Any, at: Any, size: Any, tile: Any, t: Any, step: Any, groups: Any, f: Any, s: Any, o: Any, to: Any
    ) -> None:
        r, z, f, s = v.at(r, at), v.at(tile, t), v.at(f, o), v.at(s, o)

        def group(g: Any, sums: list[Any]) -> list[Any]:
            here, own = v.at(z, v.times(g, step)), v.at(r, v.times(g, GROUP))
            for i in range(VECTORS):
                weights = [v.load(v.at(own, v.times(size, k), i * LANES)) for k in range(members)]
                points = [v.load(v.at(here, c * GROUP + i * LANES)) for c in range(columns)]
                points += [v.mul(z, z) for z in points]
                both = [(k, c + power * columns) for power in (0, 1) for k, c in pairs]
                sums = [v.fma(weights[k], points[c], total) for (k, c), total in zip(both, sums, strict=True)]
            return sums

        sums = v.loop(groups, [number(0.0)] * (2 * len(pairs)), group)
        for array, totals in ((f, sums[: len(pairs)]), (s, sums[len(pairs) :])):
            for (k, c), total in zip(pairs, totals, strict=True):
                place = v.at(array, v.times(v.times(to, k), LANES), c * LANES)
                v.store(v.add(v.load(place), total), place)

    return kernel("aiiaiiiaaii", emit)


squares_4_2, squares_4_1 = _weighted_squares(4, 2), _weighted_squares(4, 1)
squares_1_2, squares_1_1 = _weighted_squares(1, 2), _weighted_squares(1, 1)


def _combined(members: int) -> Any:
    """q = sum over columns of a z for some members, at as many data rows as go abreast.

    `coefficients` from `c` on: for every column, a of each member. Rows of `q` are `size` numbers apart.
    """

    def emit(v: Lanes, coefficients: Any, c: Any, columns: Any, tile: Any, t: Any, q: Any, at: Any, size: Any) -> None:
        factors, z, q = v.at(coefficients, c), v.at(tile, t), v.at(q, at)

        def column(j: Any, sums: list[Any]) -> list[Any]:
            here, own = v.at(z, v.times(j, GROUP)), v.at(factors, v.times(j, members))
            points = [v.load(v.at(here, i * LANES)) for i in range(ABREAST)]
            for k in range(members):
                a = v.spread(v.at(own, k))
                for i in range(ABREAST):
                    sums[k * ABREAST + i] = v.fma(a, points[i], sums[k * ABREAST + i])
            return sums

        sums = v.loop(columns, [number(0.0)] * (members * ABREAST), column)
        for k in range(members):
            for i in range(ABREAST):
                v.store(sums[k * ABREAST + i], v.at(q, v.times(size, k), i * LANES))

    return kernel("aiiaiaii", emit)


combined_4, combined_1 = _combined(4), _combined(1)


def _weighted_columns(members: int, columns: int) -> Any:
    """s[k][b] += r_k z_b over a tile, lane by lane.

    Rows of `r` are `size` numbers apart, members in `s` `to` vectors.
    """
    pairs = [(k, c) for k in range(members) for c in range(columns)]

    def emit(v: Lanes, r: Any, at: Any, size: Any, tile: Any, t: Any, step: Any, groups: Any, s: Any, o: Any, to: Any):
        r, z, s = v.at(r, at), v.at(tile, t), v.at(s, o)

        def group(g: Any, sums: list[Any]) -> list[Any]:
            here, own = v.at(z, v.times(g, step)), v.at(r, v.times(g, GROUP))
            for i in range(VECTORS):
                weights = [v.load(v.at(own, v.times(size, k), i * LANES)) for k in range(members)]
                points = [v.load(v.at(here, c * GROUP + i * LANES)) for c in range(columns)]
                sums = [v.fma(weights[k], points[c], total) for (k, c), total in zip(pairs, sums, strict=True)]
            return sums

        sums = v.loop(groups, [number(0.0)] * len(pairs), group)
        for (k, c), total in zip(pairs, sums, strict=True):
            place = v.at(s, v.times(v.times(to, k), LANES), c * LANES)
            v.store(v.add(v.load(place), total), place)

    return kernel("aiiaiiiaii", emit)


columns_4_4, columns_4_1 = _weighted_columns(4, 4), _weighted_columns(4, 1)
columns_1_4, columns_1_1 = _weighted_columns(1, 4), _weighted_columns(1, 1)
