"""One Baum-Welch pass over a stream of rows: the sequences of a hidden Markov model laid end to end.

The stream is cut into segments of equal length, of which sixteen are worked at a time, a group. Segments that begin
inside a sequence are approached from its neighbours; what was reached is compared with what the neighbour found, and
approached from farther where they differ by more than rounding, in the limit by exact products of matrices.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from likely.numerics.chain_emissions import FEATURES, LEVEL, LOWEST, NORMAL, ROWS, SIDE, TABLE, WIDE
from likely.numerics.chain_group import misfit, passes, strung, transfers
from likely.numerics.chain_pass import KNOWN
from likely.numerics.soft import Array
from likely.numerics.vector import LANES

ROOM = 2**15  # numbers a segment's forward vectors take in all sixteen lanes, at most: two times that fits in a cache
FEWEST = 256  # rows of a segment all the same, where there are enough: running up to it should cost little
MORE = 768  # rows of a segment where all threads have work: what no longer fits in a cache costs less than run-ups
TILE = 2**12  # numbers of a tile of time, of which all backward vectors are kept
START, GROWTH = 32, 4  # steps from which a segment is first approached; how many times farther at most when next
SPARE = 1.15  # times as far as would have done: parameters change from pass to pass, and a pass in vain costs more
RUNS = 8  # of groups, at most: each is a piece of work for a thread
ROUNDING = 1e-12  # relative difference that rounding may make where segments meet
AMPLE = 1e-14  # so small a difference leaves something for parameters to change
NO_NUMBERS, NO_CODES = np.empty(0), np.empty(0, np.int64)

Each = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]  # `map`, of one thread or several


@dataclass
class Sums:
    """What a pass tells: expected starts (k,), transitions (k, k), and of emissions what the kind of emission says."""

    log_likelihood: float
    start: Array
    transitions: Array
    emission: Array


@dataclass(frozen=True)
class Emission:
    """One way to work out densities and to collect what is told of them; see `chain_emissions`.

    `values` and `codes` belong to the whole stream, or (`own`) have a line for each group.
    """

    kind: int
    values: Array
    codes: Array
    columns: int
    coefficients: Array
    size: int  # rows that are collected: columns, symbols, or those of the stream

    @property
    def parts(self) -> tuple[Any, ...]:
        """As kernels take it: values and codes in lines, one for each group or one for all."""
        return self.kind, np.atleast_2d(self.values), np.atleast_2d(self.codes), self.columns, self.coefficients


class Stream:
    """Rows of sequences laid end to end, cut into groups of sixteen segments, for some number of states.

    Parameters
    ----------
    offsets : array (s + 1,)         where sequences begin, and at last end; none is empty
    weights : array (s,) or None     weights of sequences; None for one each
    states : int
    """

    def __init__(self, offsets: Array, weights: Array | None, states: int):
        self.offsets, self.states = np.asarray(offsets), states
        self.rows = n = int(self.offsets[-1])
        lengths = np.diff(self.offsets)
        self.weights = NO_NUMBERS if weights is None else np.repeat(np.asarray(weights, float), lengths)
        self.length = _segment(n, lengths, states)
        self.tile = max(8, TILE // (states * SIDE))
        self.groups = -(-n // (self.length * SIDE))
        self.segments = self.groups * SIDE
        first = np.zeros((self.segments + 2) * self.length, np.int64)
        first[self.length + self.offsets] = 1  # also behind the last row
        first = first.reshape(-1, self.length)
        first[1 + -(-n // self.length) :, 0] = 1  # segments of no rows
        self.meets = first[1:-1, 0] == 0  # segments that begin inside a sequence
        bits = self._wide(first) << np.arange(WIDE)
        self.words = np.ascontiguousarray(bits.sum(-1))
        self._free: list[tuple[Array, ...]] = []  # room that groups left behind
        self.warm: float = START if self.meets.any() else 0  # infinite: products are needed
        if self.warm > self.length:
            self.warm = math.inf

    # -- emissions ----------------------------------------------------------------------------------------------------
    def packed(self, columns: Array, missing: int = 0) -> Array:
        """Numbers (n, c) of rows as kernels read them: `[group][step][column][WIDE]`, one line for each group.

        `missing` stands for rows that are not there.
        """
        n, c = columns.shape
        padded = np.full(((self.segments + 2) * self.length, c), missing, columns.dtype)
        padded[self.length : self.length + n] = columns
        wide = self._wide(padded.reshape(-1, self.length, c))
        return np.ascontiguousarray(wide).reshape(self.groups, -1)

    def _wide(self, segments: Array) -> Array:
        """Segments (s + 2, length, ...) as (groups, length, ..., WIDE)."""
        own = np.arange(self.groups)[:, None] * SIDE + np.arange(WIDE)
        return np.moveaxis(segments[own], 1, -1)

    def given(self, log_density: Array) -> Emission:
        """Log densities (n, k) of rows under states; collected are posteriors (n, k), times the sequences' weights."""
        values = np.ascontiguousarray(log_density, float).ravel()
        return Emission(ROWS, values, NO_CODES, 0, NO_NUMBERS, self.rows)

    def linear(self, packed: Array, natural: Array) -> Emission:
        """Log densities natural (k, c) times features (n, c), which are `packed`; collected are sums (c, k)."""
        coefficients = np.ascontiguousarray(natural, float)
        return Emission(FEATURES, packed, NO_CODES, natural.shape[1], coefficients.ravel(), natural.shape[1])

    def normal(self, packed: Array, mean: Array, variance: Array) -> Emission:
        """Normal log densities of x (n, 1), NaN where missing, `packed`; collected are sums (3, k) of 1, x, x^2."""
        h = np.sqrt(0.5 / variance)
        constant = -0.5 * np.log(2 * np.pi * variance)
        coefficients = np.stack([h, -h * mean, constant], 1)
        return Emission(NORMAL, packed, NO_CODES, 1, coefficients.ravel(), 3)

    def symbols(self, codes: Array, table: Array) -> Emission:
        """Log densities table (c, k) of symbols, of which `codes` (n, 1) are `packed`; collected are counts (c, k).

        One symbol, the last say, is that of rows that are not there or missing: it has log density 0 in every state.
        """
        top = table.max(1, keepdims=True)
        top = np.where(top > -np.inf, top, 0.0)
        relative = table - top
        return Emission(
            TABLE, np.exp(np.where(relative < LOWEST, -np.inf, relative)).ravel(), codes, 1, top[:, 0], len(table)
        )

    # -- the pass -----------------------------------------------------------------------------------------------------
    def sweep(self, emission: Emission, initial: Array, transition: Array, each: Each = map) -> Sums | None:
        """A pass over the stream, whose groups `each` works on; None where probabilities are too small for it.

        Sums are the same to the last bit in however many threads `each` works.
        """
        model = np.ascontiguousarray(initial, float), (_blocks(transition), _blocks(transition.T))
        while True:
            met = np.full((4, self.segments, self.states), 1 / self.states)  # before, left, after, gave: see `ahead`
            if self.warm == math.inf:
                kept = self._products(emission, model, met[0], met[2], each)
                found = self._pass(emission, transition, model, met, each)  # from what is exact: without a run-up
                if kept < ROUNDING / 10:
                    self.warm = self.length // 2  # for the next: a segment is long enough to forget what came before
                return found
            found = self._pass(emission, transition, model, met, each)
            apart = misfit(self.meets, *met)
            if apart <= ROUNDING:
                if apart > AMPLE:  # parameters of the next pass may need more
                    self.warm = min(self._enough(apart), self.length)
                return found
            if math.isnan(apart):
                return None
            self.warm = self._enough(apart)
            if self.warm > self.length:
                self.warm = math.inf

    def _enough(self, apart: float) -> float:
        """The run-up that should do where one came so near, if errors shrink by the same factor at every step."""
        factor = math.log(AMPLE) / math.log(apart) if apart < 0.9 else GROWTH
        return -(-self.warm * min(SPARE * factor, GROWTH) // 8) * 8

    def _products(self, emission: Emission, model: Any, before: Array, after: Array, each: Each) -> float:
        k = self.states
        ends, scales = np.empty((self.segments, k, k)), np.empty((self.segments, k, 2))
        parts = emission.parts

        def work(run: tuple[int, int]) -> None:
            inside = self._space()
            transfers(parts, self._parts, *model, inside, run, ends, scales)
            self._free.append(inside)

        list(each(work, self._runs))
        return strung(ends, scales, before, after)

    def _pass(self, emission: Emission, transition: Array, model: Any, met: Any, each: Each) -> Sums | None:
        k, groups, parts = self.states, self.groups, emission.parts
        warm = 0 if self.warm == math.inf else int(self.warm)
        likelihoods, starts, x = np.zeros(groups), np.zeros((groups, k)), np.zeros((groups, k * k * LANES))
        lines = {ROWS: (1, (emission.size + 1) * k), TABLE: (groups, emission.size * k)}
        sums = np.zeros(lines.get(emission.kind, (groups, emission.size * k * LANES)))

        def work(run: tuple[int, int]) -> None:
            inside = self._space()
            passes(parts, self._parts, warm, *model, inside, run, tuple(met), likelihoods, starts, x, sums)
            self._free.append(inside)

        list(each(work, self._runs))
        log_likelihood, start, pairs = likelihoods.sum(), starts.sum(0), x.sum(0).reshape(k, k, LANES).sum(-1)
        if not (math.isfinite(log_likelihood) and np.isfinite(pairs).all() and np.isfinite(start).all()):
            return None
        return Sums(float(log_likelihood), start, pairs * transition / LEVEL, _collected(emission, sums.sum(0), k))

    @property
    def _parts(self) -> tuple[Any, ...]:
        return self.words, self.weights, self.rows, self.length, self.tile

    def _space(self) -> tuple[Array, ...]:
        """Room for a group to be worked in: that of one that is done, where there is one."""
        with suppress(IndexError):
            return self._free.pop()
        size, steps = self.states * SIDE, self.length + 2
        sizes = steps * size, steps * SIDE, steps * size, (steps + 1) * SIDE, (self.tile + 1) * size, KNOWN
        return *(_room(size) for size in sizes), np.empty(SIDE, np.int64)

    @property
    def _runs(self) -> list[tuple[int, int]]:
        """Runs of groups for threads to share; what comes out does not depend on them."""
        count = min(self.groups, RUNS)
        each, more = divmod(self.groups, count)  # longer ones first: at the end no thread should wait for long
        return list(pairwise([each * i + min(i, more) for i in range(count + 1)]))


def _collected(emission: Emission, sums: Array, k: int) -> Array:
    if emission.kind == ROWS:
        return sums.reshape(-1, k)[:-1]
    if emission.kind == TABLE:
        return sums.reshape(-1, k)
    return sums.reshape(k, emission.size, LANES).sum(-1).T / LEVEL


def _segment(n: int, lengths: Array, states: int) -> int:
    """Rows of a segment: whole sequences where all are alike."""
    most = max(ROOM // (states * SIDE), FEWEST)
    alike = int(lengths[0])
    if (lengths == alike).all() and alike <= most:
        return alike * max(1, min(round(most / alike), -(-len(lengths) // (2 * SIDE))))
    groups = max(-(-n // (SIDE * max(most, MORE))), min(-(-n // (SIDE * most)), RUNS))
    return -(-n // (SIDE * (groups + groups % 2 if groups > 1 else 1)))


def _blocks(transition: Array) -> Array:
    """A matrix in the order in which kernels read it: blocks of columns."""
    from likely.numerics.chain_steps import FEW

    k, pieces, at = len(transition), [], 0
    while at < k:
        left = k - at
        size = left if k <= FEW else -(-left // -(-left // 10))
        pieces.append(transition[:, at : at + size].ravel())
        at += size
    return np.concatenate(pieces).astype(float)


def _room(size: int) -> Array:
    """Zeros that begin where a cache line does."""
    space = np.zeros(size + LANES)
    first = -(space.ctypes.data // 8) % LANES
    return space[first : first + size]
