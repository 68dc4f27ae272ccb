"""What a hidden chain was inferred to be: the states of every row, and the moves between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from likely.core.data import Sequences, Table
from likely.core.family import Family
from likely.core.params import Params
from likely.numerics.soft import Array

CELLS = 2**16  # numbers of a block of rows x members whose log densities are worked out at a time

Each = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]  # `map`, of one thread or several


class Path(Protocol):
    """The chain of one member, as `numerics.chain` found it."""

    @property
    def log_prob(self) -> Array:
        """(S,) log-likelihoods."""
        ...

    @property
    def gamma(self) -> Array:
        """(n, m) probabilities of states."""
        ...

    @property
    def stopped(self) -> dict[int, int]:
        """Of impossible sequences the row, counted from its own, where they become so."""
        ...

    def pairs(self, weights: Array | None = None) -> Array:
        """(m, m) expected numbers of moves, each sequence counted by its weight (S,)."""
        ...

    def expected(self, log_moves: Array) -> Array:
        """(S,) expected sums over a sequence of what each move is worth."""
        ...


@dataclass(frozen=True)
class Decoded:
    """One best path of every sequence, known with certainty: what remains of a chain at temperature zero."""

    log_prob: Array  # (S,)
    states: Array  # (n,), -1 where the sequence is impossible
    offsets: Array
    m: int
    stopped: dict[int, int]
    which: Array | None = None  # (n,) by which of several matrices each row was reached, where moves change
    matrices: int = 1

    @property
    def gamma(self) -> Array:
        """(n, m), one of each row at its state."""
        return (self.states[:, None] == np.arange(self.m)).astype(float)

    def pairs(self, weights: Array | None = None) -> Array:
        """(m, m) numbers of moves, or (u, m, m) by each matrix; each sequence counted by its weight (S,)."""
        arrivals = self._arrivals()
        each = 1.0 if weights is None else np.repeat(weights, np.diff(self.offsets))[arrivals]
        out = np.zeros((self.m, self.m) if self.which is None else (self.matrices, self.m, self.m))
        np.add.at(out, self._moves(arrivals), each)
        return out

    def expected(self, log_moves: Array) -> Array:
        """(S,) sums over a sequence of what each of its moves is worth."""
        arrivals, rows = self._arrivals(), np.zeros(len(self.states))
        rows[arrivals] = log_moves[self._moves(arrivals)]
        return np.add.reduceat(rows, self.offsets[:-1])

    def _moves(self, arrivals: Array) -> tuple[Array, ...]:
        """Where each move stands in the matrix, or the matrices."""
        move = self.states[arrivals - 1], self.states[arrivals]
        return move if self.which is None else (self.which[arrivals], *move)

    def _arrivals(self) -> Array:
        """Rows to which a move led."""
        inside = self.states >= 0
        inside[self.offsets[:-1]] = False
        return np.flatnonzero(inside)


@dataclass(frozen=True)
class Chained:
    """The chains of all members."""

    members: Sequence[Path]
    offsets: Array

    @property
    def gamma(self) -> Array:
        """(n, k, m) probability of each state at each row."""
        return np.stack([c.gamma for c in self.members], 1)

    def stopped(self, sequence: int, member: int) -> int:
        """The row of a sequence, counted from its own, at which it becomes impossible under a member."""
        return self.members[member].stopped.get(sequence, 0)

    def first(self, weights: Array) -> Array:
        """(k, m): expected first states under the weights (S, k) of sequences."""
        return np.stack([w @ c.gamma[self.offsets[:-1]] for w, c in zip(weights.T, self.members, strict=True)])


def in_sequences(data: Any) -> Sequences:
    """Data as sequences: a table is one."""
    if isinstance(data, Sequences):
        return data

    def one() -> Sequences:
        weights = None if data.weights is None else data.weights[:1]
        return Sequences(data.with_(weights=None), np.array([0, len(data)]), weights)

    assert isinstance(data, Table)
    return data.once("one sequence", one)


def seen(log_density: Array, absent: Array | None, labels: Array | None) -> tuple[Array, Array | None]:
    """Log densities (n, k, m) as missing rows and labels leave them, and which rows (n, 1 or k, 1) are there."""
    there = None if absent is None else ~absent.reshape(len(log_density), -1, 1)
    if there is not None:
        log_density = np.where(there, log_density, 0.0)
    if labels is not None:
        known = (labels[:, None] < 0) | (labels[:, None] == np.arange(log_density.shape[2]))
        log_density = np.where(known[:, None, :], log_density, -np.inf)
    return log_density, there


def log_densities(family: Family, params: Params, rows: Table, each: Each = map) -> Array:
    """(n, k) of rows without labels under a bank; a block of rows at a time, which stays in a cache."""
    out = np.empty((len(rows), family.k))

    def fill(block: tuple[slice, Table]) -> None:
        out[block[0]] = family.infer(params, block[1]).log_prob

    list(each(fill, blocks_of_rows(rows, family.k)))
    return out


def blocks_of_rows(rows: Table, k: int) -> list[tuple[slice, Table]]:
    """Runs of rows, remembered with them."""
    size = max(CELLS // k, 1)
    runs = [slice(a, min(a + size, len(rows))) for a in range(0, len(rows), size)]
    return rows.once(("blocks", size), lambda: [(s, rows.take(s)) for s in runs])


def below(data: Sequences) -> Table:
    """What the emissions see: rows without labels."""
    return data.rows if data.rows.labels is None else data.once("below", lambda: data.rows.with_(labels=None))
