"""How rows are held out: dealt into folds, a share of them once, by given folds, or by a splitter of one's own.

Rows of zero weight are absent, and rows of one group stay together. Sequences are held out whole: to what is dealt here
a sequence is an item, as a row is, only that it is as large as it has rows. The same seed deals in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from likely.core.data import Data, Sequences
from likely.core.named import counted
from likely.errors import DataError
from likely.numerics.soft import Array

MANY = 50_000  # rows to a fold from which folds are drawn: a shuffle takes longer than a fit, and they differ by 1 %
BLOCKS = 10  # parts of what is held out once, whose differences tell a standard error


@dataclass(frozen=True)
class Split:
    """Parts that are held out, and what is said of a fit to the rest."""

    name: str
    held: tuple[int, ...]


@dataclass(frozen=True)
class Round:
    """Items dealt into parts: each held out in turn, or (where there are others) the first few held out together."""

    parts: tuple[Array, ...]  # positions of the items: rows, or sequences
    splits: tuple[Split, ...]
    sample: int = 0  # rounds of one sample tell a standard error together

    @property
    def held(self) -> int:
        """How many parts are held out at some time: those that come first."""
        return sum(len(s.held) for s in self.splits)

    def training(self, split: Split) -> Array:
        """The items, in their order, that are left to fit to."""
        return np.sort(np.concatenate([p for i, p in enumerate(self.parts) if i not in split.held]))

    def merged(self, stats: list[Any]) -> list[Any]:
        """From the statistics of each part those of the rows that each split leaves to fit to.

        What comes before a part is merged with what comes after: subtraction would lose digits, and extremes have none.
        """
        if self.held < len(stats):
            return [running(stats[self.held :])[-1]]
        before, after = running(stats), running(stats[::-1])[::-1]
        first, last = after[1], before[-2]
        return [first, *(b + a for b, a in zip(before, after[2:], strict=False)), last]


def running(items: list[Any]) -> list[Any]:
    """Each item merged with all before it."""
    out = items[:1]
    for item in items[1:]:
        out.append(out[-1] + item)
    return out


class Dealer(Protocol):
    """A way to hold rows out."""

    @property
    def words(self) -> str:
        """How, in words."""
        ...

    def rounds(self, data: Data) -> list[Round]:
        """The items in parts.

        Raises
        ------
        DataError      too few rows, sequences or groups
        """
        ...


@dataclass(frozen=True)
class Dealt:
    """Rows (or groups) shuffled and dealt into so many folds, this many times."""

    count: int
    repeats: int
    seed: int

    @property
    def words(self) -> str:
        often = f", dealt {self.repeats} times" if self.repeats > 1 else ""
        return f"{self.count} folds{often}"

    def rounds(self, data: Data) -> list[Round]:
        units, unit = _units(data, f"folds={self.count}")
        if self.count > units:
            raise DataError(
                f"folds={self.count}, but the data has only {counted(units, unit)}; every fold needs at least one. "
                f"Ask for at most {units}."
            )
        generators = np.random.default_rng([self.seed, 2]).spawn(self.repeats)
        return [self._round(data, rng, i) for i, rng in enumerate(generators)]

    def _round(self, data: Data, rng: np.random.Generator, i: int) -> Round:
        often = f" of repeat {i + 1}" if self.repeats > 1 else ""
        splits = tuple(Split(f"without fold {f + 1}{often}", (f,)) for f in range(self.count))
        return Round(_parts(*_deal(data, self.count, rng), self.count), splits, i)


@dataclass(frozen=True)
class Once:
    """A share of the rows (or groups) held out once."""

    share: float
    seed: int

    @property
    def words(self) -> str:
        return f"{100 * self.share:.3g} % of the rows"

    def rounds(self, data: Data) -> list[Round]:
        units, unit = _units(data, f"holdout={self.share:g}")
        if units < 2:
            raise DataError(
                f"holdout={self.share:g}, but the data has only {counted(units, unit)}; at least 2 are needed, "
                "one to fit to and one to hold out."
            )
        rows, sizes, codes = _grouped(data)
        order = np.random.default_rng([self.seed, 2]).permutation(units)
        ends = np.cumsum(sizes[order]) / sizes.sum()
        held = int(np.clip(np.abs(ends - self.share).argmin() + 1, 1, units - 1))
        blocks = min(BLOCKS, held)
        block = np.full(units, blocks)
        block[order[:held]] = np.arange(held) % blocks
        split = Split("without the rows held out", tuple(range(blocks)))
        return [Round(_parts(rows, block[codes], blocks + 1), (split,))]


@dataclass(frozen=True)
class Given:
    """Each distinct value of the table's groups is a fold."""

    @property
    def words(self) -> str:
        return "the folds given"

    def rounds(self, data: Data) -> list[Round]:
        _units(data, "folds=...")
        rows, sizes, codes = _grouped(data)
        if len(sizes) < 2:
            raise DataError("folds=... holds one value only; at least 2 folds are needed.")
        splits = tuple(Split(f"without fold {f + 1}", (f,)) for f in range(len(sizes)))
        return [Round(_parts(rows, codes, len(sizes)), splits)]


@dataclass(frozen=True)
class Splitter:
    """What an object with `.split(X, y, groups)` yields, as those of scikit-learn: (training, held-out) positions."""

    splitter: Any

    @property
    def words(self) -> str:
        return f"the splits of {type(self.splitter).__name__}"

    def rounds(self, data: Data) -> list[Round]:
        pairs = list(self._checked(data))
        n = len(_present(data))
        tests = [test for _, test in pairs]
        one_each = len(np.unique(np.concatenate(tests))) == sum(map(len, tests)) == n
        if one_each and len(pairs) > 1 and all(len(a) + len(b) == n for a, b in pairs):
            splits = tuple(Split(f"without fold {f + 1}", (f,)) for f in range(len(tests)))
            return [Round(tuple(tests), splits)]
        return [Round((test, train), (Split(f"in split {i + 1}", (0,)),)) for i, (train, test) in enumerate(pairs)]

    def _checked(self, data: Data) -> Iterator[tuple[Array, Array]]:
        name, there = type(self.splitter).__name__, np.zeros(len(data), bool)
        _units(data, f"folds={name}(...)")
        there[_present(data)] = True
        points = data.rows.x[data.offsets[:-1]] if isinstance(data, Sequences) else data.x
        for i, split in enumerate(self.splitter.split(points, data.labels, data.groups)):
            train, test = (np.unique(np.arange(len(data))[_places(p)]) for p in split)
            train, test = train[there[train]], test[there[test]]
            item = data.item
            for rows, what in ((train, f"no {item} to fit to"), (test, f"no {item} to hold out")):
                if not len(rows):
                    raise DataError(f"split {i + 1} of {name} has {what}; each split needs both.")
            shared = np.intersect1d(train, test)
            if len(shared):
                raise DataError(
                    f"split {i + 1} of {name} holds out {item} {shared[0] + 1}, which it also fits to; "
                    f"held-out {item}s must be others."
                )
            yield train, test


def _places(positions: Any) -> Array:
    """Positions, or a mask; an empty list is of no type yet."""
    found = np.asarray(positions)
    return found if found.size else found.astype(int)


def _present(data: Data) -> Array:
    """Positions of the items that weigh anything."""
    return np.arange(len(data)) if data.weights is None else np.flatnonzero(data.weights > 0)


def _units(data: Data, how: str) -> tuple[int, str]:
    """How many there are of what is never divided, and what it is; `how` items are held out, for messages.

    Raises
    ------
    DataError      a single sequence: nothing would be left to fit to
    """
    rows = _present(data)
    if isinstance(data, Sequences) and len(rows) == 1:
        raise DataError(
            f"{how} holds out whole sequences, and the data has only one. Give several, as a list or with "
            "sequence=..., or decide with by='bic'."
        )
    return (len(rows), data.item) if data.groups is None else (len(np.unique(data.groups[rows])), "group")


def _grouped(data: Data) -> tuple[Array, Array, Array]:
    """The items that weigh anything; how many rows each group has; and the group (from 0) of each item."""
    items = _present(data)
    sizes = data.lengths[items] if isinstance(data, Sequences) else np.ones(len(items), int)
    if data.groups is None:
        return items, sizes, np.arange(len(items))
    codes = np.unique(data.groups[items], return_inverse=True)[1]
    return items, np.bincount(codes, sizes).astype(int), codes


def _deal(data: Data, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Items, and the fold of each.

    Folds have equal numbers of rows, to within one; to a per cent where they have many; with groups and sequences, as
    these allow.
    """
    small = np.int16 if count < 2**15 else np.int64  # sorted in one go
    if data.groups is None and not isinstance(data, Sequences):
        rows = _present(data)
        if len(rows) >= MANY * count:
            return rows, rng.integers(count, size=len(rows), dtype=small)
        return rows, rng.permutation((np.arange(len(rows)) % count).astype(small))
    rows, sizes, codes = _grouped(data)
    order = rng.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    lap, place = np.divmod(np.arange(len(sizes)), count)
    folds = np.empty(len(sizes), small)
    folds[order] = np.where(lap % 2, count - 1 - place, place)  # to and fro: the large groups go round
    return rows, folds[codes]


def _parts(rows: Array, part: Array, count: int) -> tuple[Array, ...]:
    """Rows by part, in their order."""
    ends = np.cumsum(np.bincount(part, minlength=count))
    return tuple(np.split(rows[np.argsort(part, kind="stable")], ends[:-1]))
