"""Declarations of parameters: where their values may lie, and a smooth chart of that place.

A family declares its slots with these: `mean: Value = Real("d", "the centre of each column")`. The member axis is
implicit. Each domain checks values, maps them to unconstrained coordinates and back, and counts free ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from likely.errors import ModelError
from likely.numerics.soft import Array

SINGULAR = 1e-10  # an eigenvalue of a correlation that is 0 but for rounding
Value = Any  # what may stand in a slot: a number, an array, a family, shared, choose(...), or nothing


class Domain:
    """Base of the declarations.

    Parameters
    ----------
    event : str      the shape of one member's value in words: "" a number, "d", "d d", "d p", "m m", ...
    doc : str        what the parameter means, for help, summaries and the documentation
    """

    words = "numbers"
    ends: tuple[float, float] = (-math.inf, math.inf)  # between which each entry lies, whatever the others are

    def __init__(self, event: str = "", doc: str = ""):
        self.event, self.doc = tuple(event.split()), doc
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def shape(self, dims: Mapping[str, int]) -> tuple[int, ...]:
        """The event shape once the dimensions are known."""
        return tuple(dims[e] for e in self.event)

    def outside(self, value: Array) -> Array:
        """Which entries do not belong here. Shape of `value`, or without its last event axes."""
        return ~np.isfinite(value)

    def check(self, owner: str, value: Array) -> None:
        """Raise a ModelError that names the value unless it belongs here."""
        wrong = self.outside(value)
        if wrong.any():
            shown = np.asarray(value)[tuple(np.argwhere(wrong)[0])] if wrong.ndim else value
            text = np.array2string(np.asarray(shown), precision=6, separator=", ").replace("\n", "")
            raise ModelError(f"{owner}.{self.name} = {text}; it needs {self.words}.", slot=self.name)

    def keeps(self, value: Array) -> bool:
        """Do values (k,) + event have the structure that the slot was given (names, directions, zeros)?"""
        return True

    def nearest(self, value: Array) -> Array:
        """(k,) + event: values of that structure, near to some others in a plain sense."""
        return value

    def somewhere(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """(k,) + event: values that belong here, in no special place."""
        return self.nearest(self.bound(rng.standard_normal(shape)))

    def inside(self, value: Array, loose: Array) -> bool:
        """Do the loose entries of (r,) + event lie inside what is possible, where the chart is smooth?"""
        with np.errstate(divide="ignore"):
            smooth = bool(np.isfinite(self.to_free(value, loose)).all())
        return smooth and self.size(value, loose) == self.count(loose)

    def moves(self, event: tuple[int, ...], at: Sequence[tuple[int, ...]]) -> Array:
        """(n,) + event: how all entries move with each of n named ones, while the other named ones stay."""
        out = np.zeros((len(at), *event))
        for i, place in enumerate(at):
            out[(i, *place)] = 1.0
        return out

    def told(self, event: tuple[int, ...]) -> Array:
        """event: entries that tell all that is estimated; not those that are known, or the same as one before them."""
        return np.ones(event, bool)

    def at_edge(self, value: Array) -> Array:
        """Which entries lie at the edge of what is possible, where a likelihood need not be flat at its maximum."""
        return np.zeros(value.shape, bool)

    def count(self, loose: Array) -> int:
        """How many free coordinates, given which entries (r,) + event are estimated."""
        return int(loose.sum())

    def size(self, value: Array, loose: Array) -> int:
        """How many coordinates `to_free` gives: those on the boundary are left out."""
        return int(loose.sum())

    def to_free(self, value: Array, loose: Array) -> Array:
        """Unconstrained coordinates of the loose entries of (r,) + event, laid end to end."""
        return self.unbound(value[loose])

    def from_free(self, u: Array, like: Array, loose: Array) -> Array:
        """Back: `like` with its loose entries replaced."""
        out = like.copy()
        out[loose] = self.bound(u)
        return out

    def unbound(self, value: Array) -> Array:
        """One entry to the real line (elementwise domains)."""
        return value

    def bound(self, u: Array) -> Array:
        """The real line to one entry (elementwise domains)."""
        return u


class Real(Domain):
    """Any finite number."""

    words = "finite numbers"


class Positive(Domain):
    """Above zero; `infinite=True` also allows the limit at infinity."""

    words = "numbers above 0"
    ends = (0.0, math.inf)

    def __init__(self, event: str = "", doc: str = "", *, infinite: bool = False):
        super().__init__(event, doc)
        self.infinite = infinite

    def at_edge(self, value: Array) -> Array:
        return np.isinf(value)

    def outside(self, value: Array) -> Array:
        return ~(value > 0) if self.infinite else ~((value > 0) & np.isfinite(value))

    def unbound(self, value: Array) -> Array:
        return np.log(value)

    def bound(self, u: Array) -> Array:
        return np.exp(u)


class NonNegative(Domain):
    """Zero or above. Exact zeros lie on the boundary and are no coordinates."""

    words = "numbers 0 or above"
    ends = (0.0, math.inf)

    def at_edge(self, value: Array) -> Array:
        return value == 0

    def outside(self, value: Array) -> Array:
        return ~((value >= 0) & np.isfinite(value))

    def somewhere(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return np.exp(rng.standard_normal(shape))

    def size(self, value: Array, loose: Array) -> int:
        return int((loose & (value > 0)).sum())

    def to_free(self, value: Array, loose: Array) -> Array:
        return np.log(value[loose & (value > 0)])

    def from_free(self, u: Array, like: Array, loose: Array) -> Array:
        out = like.copy()
        out[loose & (like > 0)] = np.exp(u)
        return out


class Unit(Domain):
    """A probability; 0 and 1 belong, but `zero=False` leaves 0 out."""

    ends = (0.0, 1.0)

    def __init__(self, event: str = "", doc: str = "", *, zero: bool = True):
        super().__init__(event, doc)
        self.zero = zero
        self.words = "numbers from 0 to 1" if zero else "numbers above 0, at most 1"

    def at_edge(self, value: Array) -> Array:
        return (value == 0) | (value == 1)

    def outside(self, value: Array) -> Array:
        return ~(((value >= 0) if self.zero else (value > 0)) & (value <= 1))

    def unbound(self, value: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.log(value) - np.log1p(-value)

    def bound(self, u: Array) -> Array:
        return np.where(u >= 0, 1 / (1 + np.exp(-np.abs(u))), np.exp(-np.abs(u)) / (1 + np.exp(-np.abs(u))))


class Simplex(Domain):
    """Probabilities that sum to one over the last axis. Exact zeros lie on the boundary and are no coordinates."""

    words = "numbers from 0 to 1 that sum to 1"
    ends = (0.0, 1.0)

    def at_edge(self, value: Array) -> Array:
        return value == 0

    def outside(self, value: Array) -> Array:
        return (value < 0).any(-1) | ~(np.abs(value.sum(-1) - 1) < 1e-9)

    def somewhere(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        out = np.exp(rng.standard_normal(shape))
        return out / out.sum(-1, keepdims=True)

    def count(self, loose: Array) -> int:
        return int(np.maximum(loose.sum(-1) - 1, 0).sum())

    def size(self, value: Array, loose: Array) -> int:
        return self.count(loose & (value > 0))

    def to_free(self, value: Array, loose: Array) -> Array:
        rows = value.reshape(-1, value.shape[-1])
        patterns, out = self._patterns(value, loose)
        for which, on, at in patterns:
            out[at] = np.log(rows[which][:, on[:-1]] / rows[which][:, on[-1:]])
        return out

    def from_free(self, u: Array, like: Array, loose: Array) -> Array:
        out = like.reshape(-1, like.shape[-1]).copy()
        for which, on, at in self._patterns(like, loose)[0]:
            e = np.concatenate([u[at], np.zeros((len(which), 1))], 1)
            e = np.exp(e - e.max(1, keepdims=True))
            mass = out[which][:, on].sum(1, keepdims=True)
            out[np.ix_(which, on)] = e / e.sum(1, keepdims=True) * mass
        return out.reshape(like.shape)

    def _patterns(self, value: Array, loose: Array) -> tuple[list[tuple[Array, Array, Array]], Array]:
        """Rows whose free entries stand at the same places: which rows, which entries, and where their coordinates are.

        And room for all coordinates, which run row by row.
        """
        free = (loose & (value > 0)).reshape(-1, value.shape[-1])
        ends = np.cumsum(np.maximum(free.sum(1) - 1, 0))
        patterns = free[:1] if (free == free[:1]).all() else np.unique(free, axis=0)
        found = []
        for pattern in patterns:
            which, on = np.flatnonzero((free == pattern).all(1)), np.flatnonzero(pattern)
            if len(on) > 1:
                found.append((which, on, ends[which][:, None] - np.arange(len(on) - 1, 0, -1)))
        return found, np.empty(ends[-1] if len(ends) else 0)


class PositiveDefinite(Domain):
    """A covariance: symmetric, positive definite. Charted by the logarithm of its Cholesky factor's diagonal."""

    words = "a symmetric positive definite matrix"
    ends = (0.0, math.inf)  # of a variance; a covariance can be any number
    diagonal = False  # entries off the diagonal are always 0

    def __init__(self, event: str = "d d", doc: str = ""):
        super().__init__(event, doc)

    def told(self, event: tuple[int, ...]) -> Array:
        return np.eye(event[-1], dtype=bool) if self.diagonal else np.tri(event[-1], dtype=bool)

    def somewhere(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        root = rng.standard_normal(shape)
        return self.nearest(root @ np.swapaxes(root, -1, -2) + np.eye(shape[-1]))

    def inside(self, value: Array, loose: Array) -> bool:
        return bool((rank(value[loose.all((-1, -2))]) == value.shape[-1]).all())

    def moves(self, event: tuple[int, ...], at: Sequence[tuple[int, ...]]) -> Array:
        out = super().moves(event, at)
        return np.maximum(out, np.swapaxes(out, -1, -2))

    def outside(self, value: Array) -> Array:
        finite: Array = np.asarray(np.isfinite(value).all((-1, -2)))
        safe = np.where(finite[..., None, None], value, np.eye(value.shape[-1]))
        symmetric = np.isclose(safe, np.swapaxes(safe, -1, -2), rtol=1e-9, atol=0).all((-1, -2))
        smallest: Array = np.linalg.eigvalsh(safe)[..., 0]
        return ~(finite & symmetric & (smallest > 0))

    def count(self, loose: Array) -> int:
        d = loose.shape[-1]
        return int(loose.all((-1, -2)).sum()) * (d * (d + 1) // 2)

    def size(self, value: Array, loose: Array) -> int:
        return self.count(loose)  # without factors of all matrices

    def to_free(self, value: Array, loose: Array) -> Array:
        factor = np.linalg.cholesky(value[loose.all((-1, -2))])
        i, j = np.tril_indices(value.shape[-1])
        return np.where(i == j, np.log(np.where(i == j, factor[:, i, j], 1.0)), factor[:, i, j]).ravel()

    def from_free(self, u: Array, like: Array, loose: Array) -> Array:
        out, free = like.copy(), loose.all((-1, -2))
        d = like.shape[-1]
        i, j = np.tril_indices(d)
        u = u.reshape(-1, len(i))
        factor = np.zeros((len(u), d, d))
        factor[:, i, j] = np.where(i == j, np.exp(np.where(i == j, u, 0.0)), u)
        out[free] = factor @ np.swapaxes(factor, -1, -2)
        return out


def least_moves(directions: Array, at: Sequence[tuple[int, ...]]) -> Array:
    """(n,) + event: the smallest combinations of directions (u,) + event that move one of n entries by 1 and no other.

    Entries that never move apart from one another share the move.
    """
    named = np.stack([directions[(slice(None), *place)] for place in at])
    return np.tensordot(np.linalg.pinv(named), directions, ((0,), (0,)))


def rank(covariance: Array) -> Array:
    """(k,): ranks of covariances (k, d, d), whatever the units."""
    sd = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    safe = np.where(sd > 0, sd, 1.0)
    return np.linalg.matrix_rank(covariance / (safe[..., :, None] * safe[..., None, :]), tol=SINGULAR, hermitian=True)
