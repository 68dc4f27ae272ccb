"""Vectors of eight numbers in compiled code: what the compiler does not find by itself in the innermost loops.

Numba compiles plain loops well, but it neither keeps a block of a matrix product in registers nor vectorises `exp`.
The innermost kernels are therefore written in terms of vectors, one lane a row of the data: `Lanes` wraps the few
instructions they need, and `kernel` makes a function of arrays that Numba's code can call. LLVM translates them for any
processor: one register a vector with AVX-512, two with AVX2, four with NEON.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, config, types
from numba.extending import intrinsic

from likely.numerics.exponential import INV_LN2, LEAST, LN2_HIGH, LN2_LOW, POLYNOMIAL, ROUNDER

LANES = 8
DOUBLE, INT, BIT = ir.DoubleType(), ir.IntType(64), ir.IntType(1)
VECTOR, WHOLE = ir.VectorType(DOUBLE, LANES), ir.VectorType(INT, LANES)


@cache
def wide() -> bool:
    """Does one register hold a whole vector (AVX-512)? Then blocks of 24 vectors fit, else of 4."""
    if config.CPU_NAME is not None:  # type: ignore[attr-defined]  # Numba was told to compile for some processor
        return "+avx512f" in (config.CPU_FEATURES or "")  # type: ignore[attr-defined]
    return bool(llvm.get_host_cpu_features().get("avx512f"))


def number(x: float, size: int = LANES) -> ir.Constant:
    """A vector with the same constant in every lane."""
    return ir.Constant(ir.VectorType(DOUBLE, size), [ir.Constant(DOUBLE, x)] * size)


def whole(i: int) -> ir.Constant:
    """An index."""
    return ir.Constant(INT, i)


class Lanes:
    """Instructions on vectors, added to the function that is being compiled."""

    def __init__(self, builder: ir.IRBuilder):
        self.builder = builder

    def at(self, pointer: Any, *offsets: Any) -> Any:
        """The pointer moved by so many numbers."""
        for offset in offsets:
            pointer = self.builder.gep(pointer, [whole(offset) if isinstance(offset, int) else offset])
        return pointer

    def times(self, i: Any, size: Any) -> Any:
        """An index times a stride."""
        return self.builder.mul(i, whole(size) if isinstance(size, int) else size)

    def load(self, pointer: Any, size: int = LANES) -> Any:
        """Numbers that lie side by side, single or double, as double."""
        own = pointer.type.pointee
        read = self.builder.load(self.builder.bitcast(pointer, ir.VectorType(own, size).as_pointer()), align=4)
        return read if own == DOUBLE else self.builder.fpext(read, ir.VectorType(DOUBLE, size))

    def turned(self, rows: Sequence[Any]) -> list[Any]:
        """Columns of some vectors of equal length: as in a perfect shuffle of cards, so often as rows can be halved."""
        n, w = len(rows), rows[0].type.count
        many, long = (1 << (size - 1).bit_length() for size in (n, w))
        rows = [self.cut(row, 0, long) for row in (*rows, *[rows[0]] * (many - n))]
        while rows[0].type.count < many:  # short ones lie side by side
            size = 2 * rows[0].type.count
            rows = [self.shuffled(a, b, range(size)) for a, b in zip(rows[::2], rows[1::2], strict=True)]
        half, size = len(rows) // 2, rows[0].type.count
        parts = range(size // 2), range(size // 2, size)
        turns = [[i + side * size for i in part for side in (0, 1)] for part in parts]
        for _ in range(many.bit_length() - 1 if half else 0):
            pairs = zip(rows[:half], rows[half:], strict=True)
            rows = [self.shuffled(a, b, places) for a, b in pairs for places in turns]
        columns = [self.cut(row, at, n) for row in rows for at in range(0, size, many)]
        return columns[:w]

    def cut(self, vector: Any, first: int, size: int) -> Any:
        """So many numbers of a vector from one on; what lies beyond its end is anything."""
        if first == 0 and size == vector.type.count:
            return vector
        return self.shuffled(vector, vector, range(first, first + size))

    def shuffled(self, a: Any, b: Any, places: Sequence[int]) -> Any:
        """Numbers of a and b, counted through, at some places."""
        kind = ir.VectorType(ir.IntType(32), len(places))
        return self.builder.shuffle_vector(a, b, ir.Constant(kind, list(places)))

    def store(self, vector: Any, pointer: Any) -> None:
        self.builder.store(vector, self.builder.bitcast(pointer, vector.type.as_pointer()), align=8)

    def store_all(self, vectors: Sequence[Any], pointers: Sequence[Any]) -> None:
        for vector, pointer in zip(vectors, pointers, strict=True):
            self.store(vector, pointer)

    def spread(self, pointer: Any, size: int = LANES) -> Any:
        """The number behind a pointer, in every lane."""
        return self.all(self.builder.load(pointer), size)

    def all(self, value: Any, size: int = LANES) -> Any:
        """A number in every lane."""
        nothing = ir.Constant(ir.VectorType(DOUBLE, size), ir.Undefined)
        one = self.builder.insert_element(nothing, value, ir.Constant(ir.IntType(32), 0))
        return self.shuffled(one, nothing, [0] * size)

    def unit(self, i: int, size: int = LANES) -> ir.Constant:
        """1 in lane i, 0 in the others."""
        return ir.Constant(ir.VectorType(DOUBLE, size), [ir.Constant(DOUBLE, float(i == j)) for j in range(size)])

    def lane(self, vector: Any, i: int, size: int = 1) -> Any:
        """The number in one lane, in every lane of another vector."""
        return self.shuffled(vector, vector, [i] * size)

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        """A b + c, rounded once."""
        kind = ir.FunctionType(a.type, [a.type] * 3)
        function = cgutils.get_or_insert_function(self.builder.module, kind, f"llvm.fma.v{a.type.count}f64")
        return self.builder.call(function, [a, b, c])

    def add(self, a: Any, b: Any) -> Any:
        return self.builder.fadd(a, b)

    def sub(self, a: Any, b: Any) -> Any:
        return self.builder.fsub(a, b)

    def mul(self, a: Any, b: Any) -> Any:
        return self.builder.fmul(a, b)

    def div(self, a: Any, b: Any) -> Any:
        return self.builder.fdiv(a, b)

    def sqrt(self, a: Any) -> Any:
        kind = ir.FunctionType(a.type, [a.type])
        name = f"llvm.sqrt.v{a.type.count}f64"
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), [a])

    def below(self, a: Any, b: Any) -> Any:
        """Lane by lane: is a < b?"""
        return self.builder.fcmp_ordered("<", a, b)

    def where(self, mask: Any, a: Any, b: Any) -> Any:
        return self.builder.select(mask, a, b)

    def max(self, a: Any, b: Any) -> Any:
        return self.where(self.below(b, a), a, b)

    def exp(self, x: Any, least: float = LEAST) -> Any:
        """Exp of every lane, for x up to 700; 0 below `least`. Within an ulp or two (see `exponential`)."""
        builder = self.builder
        low = self.below(x, number(least))
        shifted = self.fma(self.max(x, number(least)), number(INV_LN2), number(ROUNDER))
        n = self.sub(shifted, number(ROUNDER))
        r = self.fma(n, number(-LN2_LOW), self.fma(n, number(-LN2_HIGH), self.max(x, number(least))))
        pairs = [self.fma(r, number(b), number(a)) for a, b in zip(POLYNOMIAL[::2], POLYNOMIAL[1::2], strict=True)]
        square = self.mul(r, r)
        fours = [self.fma(b, square, a) for a, b in zip(pairs[::2], pairs[1::2], strict=True)]
        fourth = self.mul(square, square)
        value = self.fma(self.fma(fours[2], fourth, fours[1]), fourth, fours[0])
        exponent = builder.shl(builder.bitcast(shifted, WHOLE), ir.Constant(WHOLE, [ir.Constant(INT, 52)] * LANES))
        scaled = builder.bitcast(builder.add(builder.bitcast(value, WHOLE), exponent), VECTOR)
        return self.where(low, number(0.0), scaled)

    def loop(self, count: Any, carried: Sequence[Any], body: Callable[[Any, list[Any]], Sequence[Any]]) -> list[Any]:
        """`for i in range(count): carried = body(i, carried)`, all of it in registers; the final values."""
        builder, before = self.builder, self.builder.block
        head, inside, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        i = builder.phi(INT)
        i.add_incoming(whole(0), before)
        values = [builder.phi(c.type) for c in carried]
        for value, c in zip(values, carried, strict=True):
            value.add_incoming(c, before)
        builder.cbranch(builder.icmp_signed("<", i, count), inside, after)
        builder.position_at_end(inside)
        changed = body(i, list(values))
        following = builder.add(i, whole(1))
        for phi, new in zip([i, *values], [following, *changed], strict=True):
            phi.add_incoming(new, builder.block)
        builder.branch(head)
        builder.position_at_end(after)
        return values

    def parts(self, count: Any, sizes: Sequence[int], size: int, body: Callable[[Any], None]) -> None:
        """Run over those parts of `count` that are so long: it is cut into parts of `sizes`, the longest first."""
        builder, largest = self.builder, size == sizes[0]
        done = whole(0) if largest else builder.and_(count, whole(-2 * size))
        times = (
            builder.sdiv(count, whole(size)) if largest else builder.and_(builder.udiv(count, whole(size)), whole(1))
        )

        def part(i: Any, _: list[Any]) -> list[Any]:
            body(builder.add(done, builder.mul(i, whole(size))))
            return []

        self.loop(times, [], part)

    def only(self, condition: Any, body: Callable[[], None]) -> None:
        """Run only where a condition holds."""
        self.parts(self.builder.zext(condition, INT), (1,), 1, lambda _: body())


def kernel(signature: str, emit: Callable[..., None]) -> Any:
    """A function that compiled code calls: `a` in the signature is an array (emit gets its pointer), `i` an index.

    Of a number that is known when it is compiled, `n`, emit gets the number.

    >>> double = kernel("ai", lambda v, x, i: v.store(v.add(v.load(v.at(x, i)), v.load(v.at(x, i))), v.at(x, i)))
    """

    def typed(_: Any, *given: Any) -> Any:
        expected = [types.int64 if c == "i" else arg for c, arg in zip(signature, given, strict=True)]

        def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: Sequence[Any]) -> Any:
            emit(Lanes(builder), *(_given(context, builder, *one) for one in zip(sig.args, args, strict=True)))
            return context.get_dummy_value()

        return types.void(*expected), generate

    names = ", ".join(f"p{i}" for i in range(len(signature)))
    scope: dict[str, Any] = {"typed": typed}
    exec(f"def call(context, {names}): return typed(context, {names})", scope)  # Numba reads the parameters' names
    return intrinsic(prefer_literal=True)(scope["call"])


def _given(context: Any, builder: ir.IRBuilder, kind: Any, value: Any) -> Any:
    """An argument as `emit` wants it."""
    if isinstance(kind, types.IntegerLiteral):
        return kind.literal_value
    return context.make_array(kind)(context, builder, value=value).data if isinstance(kind, types.Array) else value


def _apart(v: Lanes) -> None:
    v.builder.function.attributes.add("noinline")


apart = kernel("", _apart)  # the function around it is not copied into those that call it, which compile faster
