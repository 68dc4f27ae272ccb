"""One row of the Kalman recursions for up to eight states and values: matrices stay in registers, compiled by size.

Products are turned about (A P A' is A times the transposed of A P) until the matrix to the left is a parameter, or one
of a set (see `kalman_gains`). The code for a size is compiled when a model first needs it, and called by its address.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from likely.numerics.called import address_of, at_address
from likely.numerics.compiled import compiled
from likely.numerics.matrices import Matrices
from likely.numerics.soft import Array
from likely.numerics.vector import Lanes, kernel, number, whole

LARGEST = 8
SETS, SUMS, FILTER, SMOOTHER, AHEAD, BACK = range(6)  # covariances ahead and back, means, those of many rows
ARGUMENTS = "aaaaaaaaaai", "aaaaaaa", "aaaaaaaa", "aaaaaaa", "aaaaaaaiii", "aaaaaaii"


def _sets(
    v: Matrices, m: int, q: int, P: Any, H: Any, R: Any, A: Any, Q: Any, own: Any, sets: Any, seen: Any, gain: Any,
    white: Any, r: Any,
) -> None:  # fmt: skip
    """Fill a set from P, which becomes that of the next row.

    `own` gets what is left of the variance of each innovation, given those before it, and from LARGEST on the variance.
    """
    before = after = v.rows(P, m, m)
    v.keep(before, sets)
    if q:
        shown, across = v.rows(H, q, m), v.product(H, m, 1, before, q)
        S = v.product(H, m, 1, v.turned(across), q, [v.load(v.at(R, v.times(r, i)), q) for i in range(q)])
        unit = [v.unit(i, q) for i in range(q)]
        _eliminate(v, S, [unit, shown, across], own)
        for rows, place in ((unit, white), (shown, seen), (across, gain)):
            v.keep(rows, place)
        v.settle()
        after = v.product(gain, 1, m, across, m, before, -1)
    moved = v.product(A, m, 1, after, m)
    v.keep(after, v.at(sets, m * m))
    v.keep(moved, v.at(sets, 2 * m * m))
    v.keep(v.symmetric(v.product(A, m, 1, v.turned(moved), m, v.rows(Q, m, m))), P)


def _eliminate(v: Matrices, S: list[Any], others: list[list[Any]], own: Any) -> None:
    """L^-1 times other matrices, where S = L L': rows are taken from those below them (Gauss), and scaled."""
    q = len(S)
    for i in range(q):
        v.store(v.lane(S[i], i), v.at(own, LARGEST + i))
    for i in range(q):
        left = v.lane(S[i], i)
        v.store(left, v.at(own, i))
        factors = v.mul(S[i], v.lane(v.div(number(-1.0, 1), left), 0, q))
        for below in range(i + 1, q):
            for rows in (S, *others):
                rows[below] = v.fma(v.lane(factors, below, rows[i].type.count), rows[i], rows[below])
        root = v.sqrt(v.div(number(1.0, 1), left))
        for rows in others:
            rows[i] = v.mul(rows[i], v.lane(root, 0, rows[i].type.count))


def _sums(v: Matrices, m: int, q: int, N: Any, ahead: Any, A: Any, sets: Any, seen: Any, gain: Any, own: Any) -> None:
    """To `own` the smoothed covariance, that with the row after, and N before the row, symmetric.

    N before an observation is (I - K H)' M (I - K H) + H' S^-1 H, with M = A' N A.
    """
    moved = v.rows(v.at(sets, 2 * m * m), m, m)
    pulled = v.product(N, m, 1, moved, m)
    v.keep(v.product(v.at(sets, 2 * m * m), 1, m, pulled, m, v.rows(v.at(sets, m * m), m, m), -1), own)
    v.keep(v.product(ahead, m, 1, pulled, m, moved, -1), v.at(own, m * m))
    new = v.product(A, 1, m, v.product(N, m, 1, v.rows(A, m, m), m), m)
    if q:
        part = v.turned(v.product(seen, 1, m, v.product(gain, m, 1, new, q), m, new, -1))
        new = v.product(seen, 1, m, v.product(gain, m, 1, part, q, v.rows(seen, q, m), -1), m, part)
    v.keep(v.symmetric(new), v.at(own, 2 * m * m))


def _filter(
    v: Matrices, m: int, q: int, x: Any, y: Any, turned: Any, seen: Any, gain: Any, white: Any, whites: Any, out: Any
) -> None:  # fmt: skip
    """White innovations w = W y - seen x of a row with predicted mean x, and A (x + gain' w): the next less drift."""
    mean = v.load(x, m)
    if q:
        w = v.sub(v.dots(v.rows(white, q, q), v.load(y, q)), v.dots(v.rows(seen, q, m), mean))
        v.store(w, whites)
        mean = v.mix(w, v.rows(gain, q, m), mean)
    v.store(v.mix(mean, v.rows(turned, m, m)), out)


def _smoother(v: Matrices, m: int, q: int, back: Any, A: Any, P: Any, seen: Any, gain: Any, white: Any, x: Any) -> None:
    """`back` (m,) of the row after becomes that of this row; P- times it is added to the predicted mean x."""
    new = v.mix(v.load(back, m), v.rows(A, m, m))
    if q:
        new = v.mix(v.sub(v.load(white, q), v.dots(v.rows(gain, q, m), new)), v.rows(seen, q, m), new)
    v.store(new, back)
    v.store(v.mix(new, v.rows(P, m, m), v.load(x, m)), x)


def _ahead(
    v: Matrices, m: int, q: int, x: Any, y: Any, step: Any, bring: Any, own: Any, seen: Any, whites: Any, r: Any,
    moves: Any, rows: Any,
) -> None:  # fmt: skip
    """Rows that share a set: w = y own - x seen; x step + y bring is added to the drift that stands in the next row.

    Rows of y, w, own and seen are r apart.
    """
    step, bring = v.rows(step, m, m), v.rows(bring, q, m)
    own, seen = (
        [v.load(v.at(a, v.times(r, i)), q) for i in range(count)] for a, count in ((own, q), (seen, m if q else 0))
    )

    def shown(t: Any, mean: Any) -> Any:
        now = v.load(v.at(y, v.times(t, r)), q)
        v.store(v.sub(v.mix(now, own), v.mix(mean, seen)), v.at(whites, v.times(t, r)))
        return now

    def row(t: Any, carried: list[Any]) -> list[Any]:
        after = v.at(x, v.times(t, m), m)
        brought = v.load(after, m)
        brought = v.mix(shown(t, carried[0]), bring, brought) if q else brought
        mean = v.mix(carried[0], step, brought)
        v.store(mean, after)
        return [mean]

    last = v.loop(moves, [v.load(x, m)], row)[0]
    if q:
        v.only(v.builder.icmp_signed("<", moves, rows), lambda: shown(moves, last))


def _back(
    v: Matrices, m: int, q: int, back: Any, step: Any, seen: Any, P: Any, whites: Any, x: Any, r: Any, rows: Any
) -> None:  # fmt: skip
    """The same rows backward: back step + w seen is that of the row before, P- times it is added to the mean."""
    step, seen, P = v.rows(step, m, m), v.rows(seen, q, m), v.rows(P, m, m)

    def row(i: Any, carried: list[Any]) -> list[Any]:
        t = v.builder.sub(v.builder.sub(rows, i), whole(1))
        brought = v.mix(v.load(v.at(whites, v.times(t, r)), q), seen) if q else None
        new = v.mix(carried[0], step, brought)
        mean = v.at(x, v.times(t, m))
        v.store(v.mix(new, P, v.load(mean, m)), mean)
        return [new]

    v.store(v.loop(rows, [v.load(back, m)], row)[0], back)


def _sized(kind: int, emit: Any) -> Any:
    return kernel("nn" + ARGUMENTS[kind], lambda v, m, q, *given: emit(Matrices(v.builder), m, q, *given))


_emit_sets, _emit_sums = _sized(SETS, _sets), _sized(SUMS, _sums)
_emit_filter, _emit_smoother = _sized(FILTER, _filter), _sized(SMOOTHER, _smoother)
_emit_ahead, _emit_back = _sized(AHEAD, _ahead), _sized(BACK, _back)


@cache
def _addresses(m: int, q: int) -> tuple[int, ...]:
    """Where the code of each kind for q values of m states is."""

    def sets(P, H, R, A, Q, own, place, seen, gain, white, r):
        _emit_sets(m, q, P, H, R, A, Q, own, place, seen, gain, white, r)

    def sums(N, ahead, A, place, seen, gain, own):
        _emit_sums(m, q, N, ahead, A, place, seen, gain, own)

    def filter_row(x, y, turned, seen, gain, white, whites, out):
        _emit_filter(m, q, x, y, turned, seen, gain, white, whites, out)

    def smooth_row(r, A, P, seen, gain, white, x):
        _emit_smoother(m, q, r, A, P, seen, gain, white, x)

    def ahead(x, y, step, bring, own, seen, whites, r, moves, rows):
        _emit_ahead(m, q, x, y, step, bring, own, seen, whites, r, moves, rows)

    def back(r, step, seen, P, whites, x, wide, rows):
        _emit_back(m, q, r, step, seen, P, whites, x, wide, rows)

    made = sets, sums, filter_row, smooth_row, ahead, back
    return tuple(address_of(*one) for one in zip(ARGUMENTS, made, strict=True))


def steps(m: int, count: Array) -> Array:
    """Addresses (6, LARGEST + 1) of each kind of step for so many values of m states; 0 where there is no code."""
    return _table(m, frozenset(count.tolist()))


@cache
def _table(m: int, counts: frozenset[int]) -> Array:
    out = np.zeros((len(ARGUMENTS), LARGEST + 1), np.int64)
    if m <= LARGEST:
        for q in counts:
            if q <= LARGEST:
                out[:, q] = _addresses(m, q)
    return out


@compiled
def code(steps, kind, q):
    """The address of a step for q values, 0 where there is none."""
    return steps[kind, q] if q <= LARGEST else 0


def _step(kind: int, given: str) -> Any:
    """Calls a step by its address; an array and a place in it are `p`."""

    def call(v: Lanes, address: Any, *arguments: Any) -> None:
        left = iter(arguments)
        at_address(
            v, ARGUMENTS[kind], address, *(v.at(next(left), next(left)) if c == "p" else next(left) for c in given)
        )

    return kernel("i" + given.replace("p", "ai"), call)


step_sets, step_sums = _step(SETS, "appaaappppi"), _step(SUMS, "aaapppa")
step_filter, step_smoother = _step(FILTER, "ppappppp"), _step(SMOOTHER, "pappppp")
step_ahead, step_back = _step(AHEAD, "ppaaaapiii"), _step(BACK, "aappppii")
