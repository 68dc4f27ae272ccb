"""Threads of this process: canonical chunks, merged in a fixed tree, so the bits do not depend on the threads."""

from __future__ import annotations

import contextlib
import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from likely.core.data import Data, Sequences, Table
from likely.core.family import Family
from likely.core.params import Params
from likely.core.posterior import Pass
from likely.numerics.soft import Array

CELLS = 2**21  # numbers in the largest temporary of a chunk
FEWEST, MOST = 2**10, 2**15  # rows of a chunk: enough to outweigh the interpreter's share of the work
SHARED = 2**18  # numbers in the largest temporary of all chunks together from which threads share the work
PIECES, WORTH = 8, 2**13  # so many chunks at least, for threads to share, where a chunk keeps this many rows
PIECE = 2**17  # rows times width of a piece from which it is worth handing over and merging
MANY = 64  # pieces at most where rows take no room


class Local:
    """A pass over data that fits in memory, on the threads of this process.

    Parameters
    ----------
    data : Table or Sequences
    width : int        members times columns of the model: how much room a row takes
    threads : int      at most this many; None for all processors
    sweeps : bool      the model passes over data in one go, where rows take no room
    """

    def __init__(self, data: Data, width: int, threads: int | None = None, *, sweeps: bool = False):
        many = len(data.rows) * width >= SHARED  # below that, starting threads costs more than they save
        self.sweeps = sweeps and (many or isinstance(data, Sequences))
        self.data, self.width = data if self.sweeps else data.double(), width
        self.items = data.n_obs
        n = len(data.rows)
        self.whole = self.sweeps and isinstance(data, Sequences)  # a pass in one go divides sequences itself
        bounds = _whole(data, _pieces(n, width) if self.sweeps else _bounds(n, width))
        self.chunks = [self.data.take(slice(a, b)) for a, b in bounds]
        self.threads = min(threads or processors(), PIECES if self.whole else len(bounds)) if many else 1
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Local:
        _keep_freed_memory()
        self._limits = contextlib.ExitStack()
        if len(self.chunks) > 1:  # threads belong to chunks, not to the matrix products inside one
            self._limits.enter_context(_blas().limit(limits=1, user_api="blas"))
        if self.threads > 1:
            self._pool = ThreadPoolExecutor(self.threads - 1)
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._limits.close()

    def place(self, row: int) -> str:
        """A row in words."""
        return self.data.place(row)

    def map(self, work: Callable[[Data], Any]) -> Iterator[Any]:
        """Results in the order of the chunks."""
        return self.each(work, self.chunks)

    def each(self, work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """Results in the order of other items than the chunks."""
        return map(work, items) if self._pool is None else self._shared(self._pool, work, items)

    def _shared(self, pool: ThreadPoolExecutor, work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """The calling thread takes its part: to wake one that waits costs as much as a small piece of work."""
        left, done = deque(enumerate(items)), dict[int, Any]()
        count = len(left)

        def one_more() -> bool:
            try:
                i, item = left.popleft()
            except IndexError:
                return False
            done[i] = work(item)
            return True

        def all_left() -> None:
            while one_more():
                pass

        helpers = [pool.submit(all_left) for _ in range(min(self.threads, count) - 1)]
        try:
            for i in range(count):
                while i not in done and one_more():
                    pass
                for helper in helpers if i not in done else ():  # then one of them is at it, its last
                    helper.result()
                yield done.pop(i)
        finally:
            left.clear()
            wait([helper for helper in helpers if not helper.cancel()])

    def evaluate(self, family: Family, params: Params, temperature: float = 1.0) -> Pass:
        """One E-step: expected statistics and log-likelihood at some parameters."""
        sweep = family.sweep(params, temperature) if self.sweeps else None
        if self.whole and sweep is not None:
            done, sweep = sweep(self.data, self.each), None
            if done is not None:
                return Pass(done.stats, done.log_likelihood, done.impossible, self.items)

        def work(chunk: Data) -> Pass:
            done = None if sweep is None else sweep(chunk)
            if done is not None:
                return done
            finer = self._finer(chunk)
            return _merge(finer, (_step_by_step(family, params, part, temperature) for part in finer))

        done = _merge(self.chunks, self.map(work))
        return Pass(done.stats, done.log_likelihood, done.impossible, self.items)

    def _finer(self, chunk: Data) -> list[Data]:
        """A chunk cut so that what is worked out for each of its rows has room."""
        if not self.sweeps:
            return [chunk]
        bounds = _whole(chunk, _bounds(len(chunk.rows), self.width))
        return chunk.once(("finer", self.width), lambda: [chunk.take(slice(a, b)).double() for a, b in bounds])

    def summarise(self, family: Family) -> Any:
        """Statistics of fully observed data: what a closed form needs."""
        return _tree(self.map(lambda chunk: family.collect(None, None, chunk, chunk.weight_column())))


def _step_by_step(family: Family, params: Params, chunk: Data, temperature: float) -> Pass:
    """A pass over a chunk as the protocol has it: first what is hidden is inferred, then statistics are collected."""
    weights = chunk.weight_column()
    posterior = family.infer(params, chunk, temperature)
    each = weights[:, 0] * posterior.log_prob[:, 0]
    total = float(each.sum())
    if not math.isfinite(total):
        item = _first(~np.isfinite(each))
        return Pass(None, total, chunk.first_row(item) + posterior.stopped(item, 0))
    return Pass(family.collect(params, posterior, chunk, weights), total)


def _merge(chunks: Sequence[Data], passes: Iterable[Pass]) -> Pass:
    """Passes over chunks, in their order, as one."""
    log_likelihoods: list[float] = []
    seen, impossible = 0, None

    def possible() -> Iterator[Any]:
        """Statistics as they come, so that they need not all be held at once."""
        nonlocal seen, impossible
        for chunk, one in zip(chunks, passes, strict=True):
            if impossible is None and one.impossible is not None:
                impossible = seen + one.impossible
            seen += len(chunk.rows)
            if impossible is None:
                log_likelihoods.append(one.log_likelihood)
                yield one.stats

    stats = _tree(possible())
    return Pass(stats, math.fsum(log_likelihoods)) if impossible is None else Pass(None, -math.inf, impossible)


def width_of(family: Family) -> int:
    """How much room a row takes: the largest number of members of any bank, times the columns."""
    widest = max([family.k, *(width_of(p) for p in family.parts().values())])
    return max(widest, family.k * int(family.setting.dims.get("d", 1)))


def _tree(items: Iterable[Any]) -> Any:
    """Merge neighbours, then neighbours of neighbours: rounding grows with the log of the number of chunks."""
    held: list[tuple[int, Any]] = []
    for item in items:
        level = 0
        while held and held[-1][0] == level:
            item = held.pop()[1] + item
            level += 1
        held.append((level, item))
    out = held.pop()[1] if held else None
    while held:
        out = held.pop()[1] + out
    return out


def _bounds(n: int, width: int) -> list[tuple[int, int]]:
    """Chunks of equal size but the last; they depend on the data and the model alone."""
    size = min(max(CELLS // max(width, 1), FEWEST), MOST)
    if n * width >= SHARED:
        size = min(size, max(n // PIECES, WORTH))
    size = 1 << (size.bit_length() - 1)
    return [(a, min(a + size, n)) for a in range(0, n, size)]


def _whole(data: Data, bounds: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Bounds of rows as bounds of items, which are never divided: sequences go where they begin."""
    if isinstance(data, Table):
        return bounds
    ends = np.unique(np.searchsorted(data.offsets[:-1], [0, *(b for _, b in bounds)]))
    return list(pairwise(ends.tolist()))


def _pieces(n: int, width: int) -> list[tuple[int, int]]:
    """Equal pieces for threads to share, where rows take no room."""
    worth = max(n * width // PIECE, 1)
    count = max(min(max(n >> 17, PIECES), MANY, n >> 11, 1 << worth.bit_length() - 1), 1)
    return list(pairwise([n * i // count for i in range(count + 1)]))


def _keep_freed_memory() -> None:
    """Let temporaries reuse memory: without this every one is mapped, cleared and given back, at twice the time.

    The C library of Linux learns from the largest block ever freed (up to 32 MiB) what is worth keeping. This one is
    never touched, so it costs nothing.
    """
    np.empty(2**25 - 2**16, np.uint8)


@cache
def _blas() -> ThreadpoolController:
    """The matrix libraries of this process; finding them takes milliseconds, so it is done once."""
    return ThreadpoolController()


def processors() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _first(mask: Array) -> int:
    return int(np.flatnonzero(mask)[0])
