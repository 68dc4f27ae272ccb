"""The innermost kernels of a pass over a mixture: blocks of products that stay in registers.

A tile is a run of rows laid out `[group][column][24]`: groups of 24 rows, three vectors wide, so that whatever happens
to one row happens to 24 at once. Offsets count numbers from the beginning of an array.
"""

from __future__ import annotations

from typing import Any

from likely.numerics.vector import LANES, Lanes, kernel, number, wide

VECTORS = 3  # of a group
GROUP = VECTORS * LANES
IMPOSSIBLE = -1e300  # what stands for the largest log joint of a row that has none
ROWS, ABREAST = (
    (8, 3) if wide() else (4, 1)
)  # of a block of products, and vectors it takes abreast: what registers hold


def _whitened(rows: int) -> Any:
    """q += y^2 for `rows` rows of y = W z + w, W lower triangular, at as many data rows as go abreast.

    `coefficients` from `c` on: w, then the columns of W up to the diagonal, `rows` numbers each. The first rows, with
    none `above`, begin the sum.
    """

    def emit(v: Lanes, coefficients: Any, c: Any, above: Any, tile: Any, t: Any, q: Any, at: Any) -> None:
        w, z, q = v.at(coefficients, c), v.at(tile, t), v.at(q, at)
        sums = [v.spread(v.at(w, r)) for r in range(rows) for _ in range(ABREAST)]
        w = v.at(w, rows)

        def column(j: Any, y: list[Any], first: int = 0) -> list[Any]:
            here, own = v.at(z, v.times(j, GROUP)), v.at(w, v.times(j, rows))
            points = [v.load(v.at(here, i * LANES)) for i in range(ABREAST)]
            for r in range(first, rows):
                factor = v.spread(v.at(own, r))
                for i in range(ABREAST):
                    y[r * ABREAST + i] = v.fma(factor, points[i], y[r * ABREAST + i])
            return y

        sums = v.loop(above, sums, column)
        for r in range(rows):
            sums = column(v.builder.add(above, above.type(r)), sums, r)
        begun = v.builder.icmp_signed(">", above, above.type(0))
        for i in range(ABREAST):
            total = v.where(begun, v.load(v.at(q, i * LANES)), number(0.0))
            for r in range(rows):
                total = v.fma(sums[r * ABREAST + i], sums[r * ABREAST + i], total)
            v.store(total, v.at(q, i * LANES))

    return kernel("aiiaiai", emit)


whitened_8, whitened_4, whitened_2, whitened_1 = (_whitened(rows) for rows in (8, 4, 2, 1))


def _place(v: Lanes, i: Any, size: Any) -> Any:
    """Where vector i of row k of an array `[k][size]` stands."""
    at = v.times(i, LANES)
    return lambda array, k: v.at(array, v.builder.mul(k, size), at)


def _joint(v: Lanes, q: Any, constants: Any, members: Any, out: Any, place: Any) -> Any:
    """Log joints l = constant - q / 2 of all members into `out`; their maxima."""

    def member(k: Any, top: list[Any]) -> list[Any]:
        joint = v.fma(v.load(place(q, k)), number(-0.5), v.spread(v.at(constants, k)))
        v.store(joint, place(out, k))
        return [v.max(top[0], joint)]

    return v.loop(members, [number(IMPOSSIBLE)], member)[0]


def _soften(v: Lanes, q: Any, constants: Any, members: Any, size: Any, out: Any) -> None:
    """Responsibilities exp(l - max) / sum from squared lengths q.

    `q` and `out` are `[member][size]`; `out` has two rows more, the maxima and the sums.
    """

    def rows(i: Any, _: list[Any]) -> list[Any]:
        place = _place(v, i, size)
        top = _joint(v, q, constants, members, out, place)

        def weight(k: Any, total: list[Any]) -> list[Any]:
            e = v.exp(v.sub(v.load(place(out, k)), top))
            v.store(e, place(out, k))
            return [v.add(total[0], e)]

        (total,) = v.loop(members, [number(0.0)], weight)
        scale = v.div(number(1.0), total)

        def normalise(k: Any, _: list[Any]) -> list[Any]:
            v.store(v.mul(v.load(place(out, k)), scale), place(out, k))
            return []

        v.loop(members, [], normalise)
        v.store(top, place(out, members))
        v.store(total, place(out, v.builder.add(members, members.type(1))))
        return []

    v.loop(v.builder.sdiv(size, size.type(LANES)), [], rows)


def _harden(v: Lanes, q: Any, constants: Any, members: Any, size: Any, out: Any) -> None:
    """As `_soften` at temperature 0: all of a row to its best member, the first among equals."""

    def rows(i: Any, _: list[Any]) -> list[Any]:
        place = _place(v, i, size)
        top = _joint(v, q, constants, members, out, place)

        def choose(k: Any, left: list[Any]) -> list[Any]:
            best = v.below(v.load(place(out, k)), top)
            own = v.where(best, number(0.0), left[0])
            v.store(own, place(out, k))
            return [v.sub(left[0], own)]

        v.loop(members, [number(1.0)], choose)
        v.store(top, place(out, members))
        v.store(number(1.0), place(out, v.builder.add(members, members.type(1))))
        return []

    v.loop(v.builder.sdiv(size, size.type(LANES)), [], rows)


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
across_0 = _weighted_products(1, 1)


def _rank_update(vectors: int) -> Any:
    """s[a][b] += sum of w z_a z_b over rows: `ROWS` columns from `a` against `vectors` of them from `b`.

    Row i of `count` stands in `points` at the offset `where[i]` and weighs `weight[i]`; rows of `s` are `width` long.
    """

    def emit(v: Lanes, points: Any, where: Any, weight: Any, count: Any, a: Any, b: Any, s: Any, o: Any, width: Any):
        def row(i: Any, sums: list[Any]) -> list[Any]:
            here, w = v.at(points, v.builder.load(v.at(where, i))), v.spread(v.at(weight, i))
            z = [v.mul(w, v.load(v.at(here, b, c * LANES))) for c in range(vectors)]
            for x in range(ROWS):
                factor = v.spread(v.at(here, a, x))
                for c in range(vectors):
                    sums[x * vectors + c] = v.fma(factor, z[c], sums[x * vectors + c])
            return sums

        sums = v.loop(count, [number(0.0)] * (ROWS * vectors), row)
        for x in range(ROWS):
            line = v.at(s, o, v.builder.mul(v.builder.add(a, a.type(x)), width), b)
            for c in range(vectors):
                place = v.at(line, c * LANES)
                v.store(v.add(v.load(place), sums[x * vectors + c]), place)

    return kernel("aaaiiiaii", emit)


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


scaled_4, scaled_1 = _scaled(4), _scaled(1)


def _weighted_squares(columns: int) -> Any:
    """First and second moments of some columns: f[b] += r z_b and s[b] += r z_b^2 over a tile, lane by lane."""

    def emit(v: Lanes, r: Any, at: Any, tile: Any, t: Any, step: Any, groups: Any, f: Any, s: Any, o: Any) -> None:
        r, z, f, s = v.at(r, at), v.at(tile, t), v.at(f, o), v.at(s, o)

        def group(g: Any, sums: list[Any]) -> list[Any]:
            here, own = v.at(z, v.times(g, step)), v.at(r, v.times(g, GROUP))
            for i in range(VECTORS):
                weight = v.load(v.at(own, i * LANES))
                for c in range(columns):
                    point = v.load(v.at(here, c * GROUP + i * LANES))
                    weighted = v.mul(weight, point)
                    sums[c] = v.add(sums[c], weighted)
                    sums[columns + c] = v.fma(weighted, point, sums[columns + c])
            return sums

        sums = v.loop(groups, [number(0.0)] * (2 * columns), group)
        for c in range(columns):
            for array, total in ((f, sums[c]), (s, sums[columns + c])):
                place = v.at(array, c * LANES)
                v.store(v.add(v.load(place), total), place)

    return kernel("aiaiiiaai", emit)


squares_4, squares_1 = _weighted_squares(4), _weighted_squares(1)


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


def _weighted_columns(columns: int) -> Any:
    """s[k][b] += r_k z_b over a tile, for four members at once, whose rows of `r` are `size` numbers apart."""
    pairs = [(k, c) for k in range(4) for c in range(columns)]

    def emit(v: Lanes, r: Any, at: Any, size: Any, tile: Any, t: Any, step: Any, groups: Any, s: Any, o: Any, to: Any):
        r, z, s = v.at(r, at), v.at(tile, t), v.at(s, o)

        def group(g: Any, sums: list[Any]) -> list[Any]:
            here, own = v.at(z, v.times(g, step)), v.at(r, v.times(g, GROUP))
            for i in range(VECTORS):
                weights = [v.load(v.at(own, v.times(size, k), i * LANES)) for k in range(4)]
                points = [v.load(v.at(here, c * GROUP + i * LANES)) for c in range(columns)]
                sums = [v.fma(weights[k], points[c], total) for (k, c), total in zip(pairs, sums, strict=True)]
            return sums

        sums = v.loop(groups, [number(0.0)] * len(pairs), group)
        for (k, c), total in zip(pairs, sums, strict=True):
            place = v.at(s, v.times(v.times(to, k), LANES), c * LANES)
            v.store(v.add(v.load(place), total), place)

    return kernel("aiiaiiiaii", emit)


columns_4, columns_1 = _weighted_columns(4), _weighted_columns(1)
