"""Small matrices in registers of compiled code: each row is a vector."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from llvmlite import ir

from likely.numerics.vector import Lanes, number


class Matrices(Lanes):
    """Instructions on matrices, each a list of its rows.

    In a product the matrix to the left is read number by number, which costs nothing where it lies in memory.
    """

    def rows(self, at: Any, count: int, wide: int) -> list[Any]:
        """A matrix (count, wide) that lies in memory."""
        return [self.load(self.at(at, i * wide), wide) for i in range(count)]

    def keep(self, rows: Sequence[Any], at: Any) -> None:
        """A matrix to memory."""
        for i, row in enumerate(rows):
            self.store(row, self.at(at, i * row.type.count))

    def product(
        self, a: Any, down: int, across: int, b: Sequence[Any], height: int, onto: Sequence[Any] | None = None,
        sign: int = 1,
    ) -> list[Any]:  # fmt: skip
        """A b, where a[i, n] lies in memory at i down + n across; added to another matrix, or taken from it."""
        wide = b[0].type.count
        out = [number(0.0, wide)] * height if onto is None else list(onto)
        for n, row in enumerate(b):
            right = row if sign > 0 else self.builder.fneg(row)
            for i in range(height):
                out[i] = self.fma(self.spread(self.at(a, i * down + n * across), wide), right, out[i])
        return out

    def symmetric(self, rows: Sequence[Any]) -> list[Any]:
        """The mean of a matrix and its transposed."""
        half = number(0.5, len(rows))
        return [self.mul(half, self.add(a, b)) for a, b in zip(rows, self.turned(rows), strict=True)]

    def mix(self, weights: Any, rows: Sequence[Any], onto: Any = None) -> Any:
        """The sum of rows, each times its lane of a vector: two sums, half as many additions wait for one another."""
        size = rows[0].type.count
        sums = [number(0.0, size) if onto is None else onto, number(0.0, size)]
        for i, row in enumerate(rows):
            sums[i % 2] = self.fma(self.lane(weights, i, size), row, sums[i % 2])
        return self.add(*sums)

    def dots(self, rows: Sequence[Any], x: Any) -> Any:
        """The vector of products of each row with one vector."""
        return reduce(self.add, self.turned([self.mul(row, x) for row in rows]))

    def settle(self) -> None:
        """What was written is in memory from here on: to read numbers there is faster than to take vectors apart."""
        self.builder.asm(ir.FunctionType(ir.VoidType(), []), "", "~{memory}", [], side_effect=True)
