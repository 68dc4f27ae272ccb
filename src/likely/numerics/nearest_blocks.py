"""The innermost kernels of k-means: rows laid side by side, and the nearest and second nearest of some points to each.

|z - c|^2 - |z|^2 = |c|^2 - 2 c'z is a product of matrices, some points against the rows of a group at a time. All of it
is there twice: in single precision, which is twice as fast and nearly always enough, and in double. A group is 48 rows
laid out `[column][48]`, or in double precision 24 rows; the points are `[block][1 + d][POINTS]`: their squared lengths,
then -2 times their columns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from likely.numerics.blocks import ABREAST, VECTORS
from likely.numerics.vector import DOUBLE, LANES, VECTOR, Lanes, kernel, whole

POINTS = 8 if ABREAST > 1 else 4  # of a block: what registers hold
NOWHERE = 1e38  # what stands for the squared length of a point that is not there
LEAST = 1e-36  # below it, single precision ends


class Vectors(Lanes):
    """Vectors of so many numbers of some precision."""

    def __init__(self, builder: ir.IRBuilder, element: Any, count: int):
        super().__init__(builder)
        self.element, self.count, self.vector = element, count, ir.VectorType(element, count)

    @property
    def group(self) -> int:
        """Rows in a group."""
        return VECTORS * self.count

    def constant(self, x: float) -> ir.Constant:
        """The same number in every lane."""
        return ir.Constant(self.vector, [ir.Constant(self.element, x)] * self.count)

    def load(self, pointer: Any) -> Any:
        return self.builder.load(self.builder.bitcast(pointer, self.vector.as_pointer()), align=4)

    def store(self, vector: Any, pointer: Any) -> None:
        self.builder.store(vector, self.builder.bitcast(pointer, vector.type.as_pointer()), align=4)

    def spread(self, pointer: Any) -> Any:
        undefined = ir.Constant(self.vector, ir.Undefined)
        one = self.builder.insert_element(undefined, self.builder.load(pointer), ir.Constant(ir.IntType(32), 0))
        first = ir.Constant(ir.VectorType(ir.IntType(32), self.count), [0] * self.count)
        return self.builder.shuffle_vector(one, undefined, first)

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        return self._call("fma", a, b, c)

    def root(self, x: Any) -> Any:
        """Its square root; 0 below 0."""
        return self._call("sqrt", self.max(x, self.constant(0.0)))

    def size(self, x: Any) -> Any:
        return self.max(x, self.sub(self.constant(0.0), x))

    def _call(self, name: str, *args: Any) -> Any:
        kind = ir.FunctionType(self.vector, [self.vector] * len(args))
        full = f"llvm.{name}.v{self.count}f{64 if self.element == DOUBLE else 32}"
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, full), args)


def singles(v: Lanes) -> Vectors:
    """Twice as many numbers in the same room."""
    return Vectors(v.builder, ir.FloatType(), 2 * LANES)


def doubles(v: Lanes) -> Vectors:
    """Vectors as everywhere else."""
    return Vectors(v.builder, DOUBLE, LANES)


SINGLES, DOUBLES = 2 * VECTORS * LANES, VECTORS * LANES  # rows of a group


def laid_out(points: np.ndarray, precision: type) -> np.ndarray:
    """Points (k, d) as a kernel reads them."""
    k, d = points.shape
    blocks = -(-k // POINTS)
    out = np.zeros((blocks * POINTS, 1 + d), precision)
    out[:, 0] = NOWHERE
    with np.errstate(over="ignore"):
        out[:k, 0] = np.einsum("kd,kd->k", points, points)
        out[:k, 1:] = -2 * points
    return out.reshape(blocks, POINTS, 1 + d).swapaxes(1, 2).ravel()


def _side_by_side(vectors: Callable[[Lanes], Vectors]) -> Any:
    """The first columns of rows of x, eight at a time, less a centre, into a group; x may be in single precision."""

    def emit(v: Lanes, x: Any, columns: Any, rows: Any, centre: Any, group: Any) -> None:
        w = vectors(v)
        narrower = ir.VectorType(w.element, LANES)

        for first in range(0, w.group, LANES):
            own = [v.builder.mul(v.builder.load(v.at(rows, first + i)), columns) for i in range(LANES)]

            def eight(b: Any, _: list[Any], first: int = first, own: list[Any] = own) -> list[Any]:
                j = v.times(b, LANES)
                middle = v.load(v.at(centre, j))
                square = [v.sub(v.load(v.at(x, row, j)), middle) for row in own]
                for c, column in enumerate(v.turned(square)):
                    place = v.at(group, v.times(j, w.group), c * w.group + first)
                    w.store(column if narrower == VECTOR else v.builder.fptrunc(column, narrower), place)
                return []

            v.loop(v.builder.sdiv(columns, columns.type(LANES)), [], eight)

    return kernel("aiaaa", emit)


side_by_side_singles, side_by_side_doubles = _side_by_side(singles), _side_by_side(doubles)


def _two_nearest(vectors: Callable[[Lanes], Vectors]) -> Any:
    """Of each row of a group: bounds on its distances to the nearest point and to all others, and which it is.

    `out` is `[3][rows]`: a bound above the least distance, one below the least but one, and the number of the nearest
    point. Where the first bound is not below the second, it may be another point.

    |c|^2 + 2 |c||z| is at most 24 |z|^2, or at most three times |c|^2 - 2 c'z (where |c| is above 4 |z|); `doubt` times
    that is what rounding may have done.
    """

    def emit(v: Lanes, points: Any, blocks: Any, columns: Any, group: Any, doubt: Any, out: Any) -> None:
        w = vectors(v)
        for part in range(0, VECTORS, ABREAST):
            at = [w.at(group, (part + i) * w.count) for i in range(ABREAST)]
            begin = [w.constant(NOWHERE)] * (2 * ABREAST) + [w.constant(0.0)] * (ABREAST + 1)
            found = w.loop(blocks, begin, lambda b, best, at=at: _block(w, points, b, columns, at, best))[:-1]
            lengths = w.loop(columns, [w.constant(0.0)] * ABREAST, lambda j, sums, at=at: _square(w, at, j, sums))
            blur = w.spread(doubt)
            for i, length in enumerate(lengths):
                least, second, which = found[i::ABREAST]
                always = w.fma(w.mul(blur, w.constant(24.0)), length, w.constant(LEAST))
                times = w.mul(blur, w.constant(3.0))
                near = w.add(w.add(least, length), w.fma(times, w.size(least), always))
                far = w.sub(w.add(second, length), w.fma(times, w.size(second), always))
                for r, value in enumerate((w.root(near), w.root(far), which)):
                    w.store(value, w.at(out, r * w.group + (part + i) * w.count))

    return kernel("aiiaaa", emit)


def _block(w: Vectors, points: Any, b: Any, columns: Any, at: list[Any], best: list[Any]) -> list[Any]:
    """The best so far after a block of points: least, second, which, and the number of the next point."""
    own = w.at(points, w.times(w.times(b, POINTS), w.builder.add(columns, columns.type(1))))
    sums = [w.spread(w.at(own, r)) for r in range(POINTS) for _ in range(ABREAST)]

    def column(j: Any, sums: list[Any]) -> list[Any]:
        z = [w.load(w.at(a, w.times(j, w.group))) for a in at]
        here = w.at(own, POINTS, w.times(j, POINTS))
        for r in range(POINTS):
            factor = w.spread(w.at(here, r))
            for i in range(ABREAST):
                sums[r * ABREAST + i] = w.fma(factor, z[i], sums[r * ABREAST + i])
        return sums

    sums = w.loop(columns, sums, column)
    least, second, which = (best[a : a + ABREAST] for a in (0, ABREAST, 2 * ABREAST))
    name = best[-1]
    for r in range(POINTS):
        for i in range(ABREAST):
            value = sums[r * ABREAST + i]
            nearer = w.below(value, least[i])
            beaten = w.where(nearer, least[i], value)
            second[i] = w.where(w.below(beaten, second[i]), beaten, second[i])
            least[i] = w.where(nearer, value, least[i])
            which[i] = w.where(nearer, name, which[i])
        name = w.add(name, w.constant(1.0))
    return [*least, *second, *which, name]


def _square(w: Vectors, at: list[Any], j: Any, sums: list[Any]) -> list[Any]:
    z = [w.load(w.at(a, w.times(j, w.group))) for a in at]
    return [w.fma(one, one, total) for one, total in zip(z, sums, strict=True)]


two_nearest_singles, two_nearest_doubles = _two_nearest(singles), _two_nearest(doubles)


def _moved(
    v: Lanes, x: Any, row: Any, columns: Any, places: Any, p: Any, weights: Any, sums: Any, s: Any, t: Any
) -> None:
    """Sums of w r (from s on) and |w| r^2 (from t on) over the first columns, eight at a time: a row of x more.

    `weights` are w and |w|, r is the row's way from the place that begins at p. X may be in single precision.
    """
    factors = v.spread(weights), v.spread(v.at(weights, 1))

    def eight(b: Any, _: list[Any]) -> list[Any]:
        j = v.times(b, LANES)
        r = v.sub(v.load(v.at(x, row, j)), v.load(v.at(places, p, j)))
        for begin, factor, power in zip((s, t), factors, (r, v.mul(r, r)), strict=True):
            place = v.at(sums, begin, j)
            v.store(v.fma(factor, power, v.load(place)), place)
        return []

    v.loop(v.builder.sdiv(columns, columns.type(LANES)), [], eight)


moved = kernel("aiiaiaaii", _moved)


def _fetched(v: Lanes, x: Any, at: Any, count: Any) -> None:
    """So many numbers of x are wanted soon: memory may begin to bring them."""
    byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [byte] + [number] * 3)
    function = cgutils.get_or_insert_function(v.builder.module, kind, "llvm.prefetch.p0i8")
    reading, often, data = number(0), number(2), number(1)

    def line(b: Any, _: list[Any]) -> list[Any]:
        v.builder.call(function, [v.builder.bitcast(v.at(x, at, v.times(b, LANES)), byte), reading, often, data])
        return []

    v.loop(v.builder.sdiv(v.builder.add(count, whole(LANES - 1)), whole(LANES)), [], line)


fetched = kernel("aii", _fetched)
