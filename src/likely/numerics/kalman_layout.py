"""Which values of sequences are there, and which sequences meet the same patterns: all of them share covariances."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from likely.numerics.soft import Array

SIZES = np.array([0, 1, 2, 4, 4, 8, 8, 8, 8])  # so many values in place of 0, 1, 2, ...: for these there are kernels


def made_up(count: Array | int) -> Array:
    """To how many values so many are made up; more than 8 stay as they are."""
    return np.where(np.less(count, len(SIZES)), SIZES[np.minimum(count, len(SIZES) - 1)], count)


@dataclass(frozen=True)
class Places:
    """Where observed values stand in rows that are made up to 1, 2, 4 or 8 of them: the others tell nothing.

    What is made up has no part in the states, and noise of variance 1 by itself.
    """

    count: Array  # (P,) how many values there are in all
    columns: Array  # (P, r) of y, those that are observed first
    there: Array  # (P, r) 1 for these
    both: Array  # (P, r, r) 1 for pairs of them
    alone: Array  # (P, r, r) 1 on the diagonal for the others

    @classmethod
    def of(cls, columns: Array, count: Array) -> Self:
        """Places for patterns with these columns (P, d)."""
        P, d = columns.shape
        many = made_up(count)
        room = max(d, int(many.max(initial=0)))
        wide = np.zeros((P, room), np.int64)
        wide[:, :d] = columns
        there = (np.arange(room) < count[:, None]).astype(float)
        both = there[:, :, None] * there[:, None, :]
        return cls(many, wide, there, both, np.eye(room) * (1 - there[:, :, None]))


@dataclass(frozen=True)
class Track:
    """Sequences that meet the same patterns of observed values, as far as each of them lasts."""

    pattern: Array  # (T,) of the longest, row by row
    members: Array  # the sequences' numbers, the longest first
    lengths: Array  # of the members
    starts: Array  # their first rows

    @cached_property
    def groups(self) -> list[Array]:
        """Positions among the members of those that are equally long, the longest first."""
        return np.split(np.arange(len(self.members)), 1 + np.flatnonzero(np.diff(self.lengths)))

    @cached_property
    def alike(self) -> bool:
        """Are all of them equally long?"""
        return bool(self.lengths[-1] == self.lengths[0])

    @cached_property
    def constant(self) -> bool:
        """Is every row observed like the first?"""
        return bool((self.pattern == self.pattern[0]).all())


@dataclass(frozen=True)
class Layout:
    """What depends on which values are missing, and not on the values: computed once for a chunk of data."""

    patterns: Array  # (P, d) the distinct rows of what is observed
    pattern: Array  # (n,) which of them each row is
    columns: Array  # (P, d) the columns of y, those that are observed first
    count: Array  # (P,) how many are
    offsets: Array  # (S + 1,) where sequences begin, and the end
    observed: Array  # (S,) how many values of each sequence are
    tracks: list[Track]

    @classmethod
    def of(cls, observed: Array, offsets: Array) -> Self:
        """The layout of sequences that lie end to end.

        Parameters
        ----------
        observed : bool array (n, d)     False where a value is missing
        offsets : array (S + 1,)         where sequences begin, and the end; none is empty
        """
        offsets = np.ascontiguousarray(offsets, np.int64)
        patterns, pattern = _patterns(observed)
        columns = np.argsort(~patterns, axis=1, kind="stable")
        count = patterns.sum(1)
        totals = np.add.reduceat(count[pattern], offsets[:-1])
        return cls(patterns, pattern, columns, count, offsets, totals, _tracks(pattern, offsets))

    @cached_property
    def complete(self) -> bool:
        """Is nothing missing?"""
        return bool(self.patterns.all())

    @cached_property
    def places(self) -> Places:
        """Where what is observed stands, where something is missing."""
        return Places.of(self.columns, self.count)

    @cached_property
    def whole_rows(self) -> bool:
        """Is nothing missing of rows of which something is there?"""
        return bool(((self.count == 0) | (self.count == self.columns.shape[1])).all())

    @cached_property
    def groups(self) -> list[Array]:
        """Sequences with the same length and the same patterns, as arrays of their numbers."""
        return [track.members[group] for track in self.tracks for group in track.groups]


def _patterns(observed: Array) -> tuple[Array, Array]:
    """Distinct rows of a boolean array, and which of them each row is."""
    n, d = observed.shape
    if observed.all():
        return np.ones((1, d), bool), np.zeros(n, np.int64)
    packed = np.ascontiguousarray(np.packbits(observed, axis=1))
    codes = packed.view(np.dtype((np.void, packed.shape[1])))[:, 0]
    _, first, which = np.unique(codes, return_index=True, return_inverse=True)
    return observed[first], which.astype(np.int64)


def _tracks(pattern: Array, offsets: Array) -> list[Track]:
    """Sequences of one and the same pattern throughout lie on one track, others on that of their own patterns."""
    lengths = np.diff(offsets)
    changes = np.zeros(len(pattern), np.int64)
    changes[1:] = pattern[1:] != pattern[:-1]
    changes[offsets[:-1]] = 0
    steady = np.add.reduceat(changes, offsets[:-1]) == 0
    begins = pattern[offsets[:-1]]
    found = [np.flatnonzero(steady & (begins == p)) for p in np.unique(begins[steady])]
    alike: dict[bytes, list[int]] = {}
    for s in np.flatnonzero(~steady):
        alike.setdefault(pattern[offsets[s] : offsets[s + 1]].tobytes(), []).append(int(s))
    tracks = []
    for members in (*found, *(np.array(same) for same in alike.values())):
        ordered = members[np.argsort(-lengths[members], kind="stable")]
        starts, long = offsets[ordered], lengths[ordered]
        tracks.append(Track(pattern[starts[0] : starts[0] + long[0]], ordered, long, starts))
    return tracks
