"""Covariances with a structure: free blocks, tied variances, known parts, shapes to scale; singular ones allowed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from likely.core.domains import PositiveDefinite, least_moves, rank
from likely.core.patterns import Names, Scaled, named
from likely.errors import ModelError
from likely.numerics.soft import Array

NEGATIVE = 1e-10  # of the largest eigenvalue: what rounding may leave of one that is 0
KEPT = 1e-9  # of the largest entry: how far a value may lie from its structure
WORDS = ("diagonal", "spherical")


class Noise(PositiveDefinite):
    """The covariance of a noise; it may be singular, and parts of it may be known.

    Without a structure (as a declaration) it is one free matrix. With one, `blocks` of indices are free matrices,
    `groups` of indices are equal free variances that correlate with nothing, and all the rest is `base`; or it is a
    free multiple of `shape`.

    Parameters
    ----------
    event, doc : str
    base : array (r, r), optional      the known part, 0 wherever something is free
    blocks, groups : index arrays      disjoint
    shape : array (r, r), optional     in place of all these
    """

    words = "a symmetric matrix without negative eigenvalues"

    def __init__(
        self, event: str = "d d", doc: str = "", *, base: Array | None = None, blocks: Sequence[Array] = (),
        groups: Sequence[Array] = (), shape: Array | None = None,
    ):  # fmt: skip
        super().__init__(event, doc)
        self.base, self.blocks, self.groups, self.scale_of = base, tuple(blocks), tuple(groups), shape
        self.structured = base is not None or shape is not None
        self.is_diagonal = self.structured and not blocks and _diagonal(shape if base is None else base)
        self.diagonal = self.is_diagonal  # entries off the diagonal are no parameters
        self._triangles = [(b, *np.tril_indices(len(b))) for b in self.blocks]
        if shape is not None:
            self._weights = np.linalg.pinv(shape, hermitian=True) / np.linalg.matrix_rank(shape, hermitian=True)

    # -- what belongs here
    def outside(self, value: Array) -> Array:
        finite: Array = np.asarray(np.isfinite(value).all((-1, -2)))
        safe = np.where(finite[..., None, None], value, 0.0)
        symmetric = np.isclose(safe, np.swapaxes(safe, -1, -2), rtol=1e-9, atol=0).all((-1, -2))
        return ~(finite & symmetric & ~_negative(safe))

    def check(self, owner: str, value: Array) -> None:
        check_covariance(f"{owner}.{self.name}", self.name, value)

    def told(self, event: tuple[int, ...]) -> Array:
        if not self.structured:
            return super().told(event)
        if self.scale_of is not None:
            return np.tri(event[-1], dtype=bool) & (self.scale_of != 0)
        out = np.zeros(event, bool)
        for i in self.blocks:
            out[np.ix_(i, i)] = np.tri(len(i), dtype=bool)
        for i in self.groups:
            out[i[0], i[0]] = True
        return out

    def at_edge(self, value: Array) -> Array:
        """A variance of 0."""
        return (value == 0) & np.eye(value.shape[-1], dtype=bool)

    def keeps(self, value: Array) -> bool:
        largest = max(np.abs(value).max(initial=0.0), 1e-300)
        return not self.structured or bool((np.abs(self.restrict(value) - value) <= KEPT * largest).all())

    def nearest(self, value: Array) -> Array:
        return self.restrict(value)

    def inside(self, value: Array, loose: Array) -> bool:
        if not self.structured:
            return super().inside(value, loose)
        return bool((rank(value) == rank(self.example(value.shape[-1])[None])).all())

    def moves(self, event: tuple[int, ...], at: Sequence[tuple[int, ...]]) -> Array:
        return least_moves(self._directions(event[-1]), at) if self.structured else super().moves(event, at)

    def _directions(self, r: int) -> Array:
        """(u, r, r): how a covariance of this structure moves with each of its free values."""
        if self.scale_of is not None:
            return self.scale_of[None]
        pairs = [
            (b[[i, j]], b[[j, i]]) for b, rows, columns in self._triangles for i, j in zip(rows, columns, strict=True)
        ]
        out = np.zeros((len(pairs) + len(self.groups), r, r))
        for move, (i, j) in zip(out, [*pairs, *((g, g) for g in self.groups)], strict=True):
            move[i, j] = 1.0
        return out

    # -- the maximum
    def restrict(self, moment: Array) -> Array:
        """(k, r, r): the covariances of this structure that are most likely where residuals have this mean square."""
        if self.scale_of is not None:
            size = np.einsum("ij,kij->k", self._weights, moment)
            return size[:, None, None] * self.scale_of
        if self.base is None:
            return moment
        out = np.tile(self.base, (len(moment), 1, 1))
        for i in self.blocks:
            out[:, i[:, None], i] = moment[:, i[:, None], i]
        for i in self.groups:
            out[:, i, i] = moment[:, i, i].mean(1, keepdims=True)
        return out

    def variances(self, scatter: Array, dof: Array) -> Array:
        """(k, r): the same for a diagonal, where every row has its own sum of squares and degrees of freedom (k, r)."""
        out = np.empty_like(scatter)
        with np.errstate(invalid="ignore", divide="ignore"):
            if self.scale_of is not None:
                shape = np.diagonal(self.scale_of)
                on = shape > 0
                return ((scatter[:, on] / shape[on]).sum(1) / dof[:, on].sum(1))[:, None] * shape
            out[:] = np.nan if self.base is None else np.diagonal(self.base)
            for i in self.groups:
                out[:, i] = (scatter[:, i].sum(1) / dof[:, i].sum(1))[:, None]
        return out

    def free_rows(self, r: int) -> Array:
        """Rows with a free variance."""
        if self.scale_of is not None:
            return np.flatnonzero(np.diagonal(self.scale_of) > 0)
        return np.arange(r) if self.base is None else np.sort(np.concatenate([*self.blocks, *self.groups]).astype(int))

    def example(self, r: int) -> Array:
        """(r, r): a matrix of this structure, with a free part that is the identity."""
        return self.restrict(np.eye(r)[None])[0]

    def variance_at(self, value: Array, i: int, variance: float) -> Array | None:
        """(r, r): a covariance with another variance of row i, and of those that move with it.

        None where its row has covariances to estimate, or nothing.
        """
        if self.scale_of is not None:
            return None if self.scale_of[i, i] == 0 else self.scale_of * (variance / self.scale_of[i, i])
        groups = self.groups if self.structured else (np.arange(1),) if len(value) == 1 else ()
        own = next((g for g in groups if i in g), None)
        if own is None:
            return None
        out = value.copy()
        out[own, own] = variance
        return out

    # -- free coordinates
    def count(self, loose: Array) -> int:
        if not self.structured:
            return super().count(loose)
        each = sum(len(i) for _, i, _ in self._triangles) + len(self.groups) + (self.scale_of is not None)
        return len(loose) * each

    def to_free(self, value: Array, loose: Array) -> Array:
        if not self.structured:
            return _log_roots(value[loose]) if value.shape[-1] == 1 else super().to_free(value, loose)
        parts = [_log_cholesky(value[:, b[:, None], b], i, j) for b, i, j in self._triangles]
        parts += [2 * _log_roots(value[:, g[0], g[0]])[:, None] for g in self.groups]
        if self.scale_of is not None:
            parts.append(2 * _log_roots(np.einsum("ij,kij->k", self._weights, value))[:, None])
        return np.concatenate([*parts, np.zeros((len(value), 0))], 1).ravel()

    def from_free(self, u: Array, like: Array, loose: Array) -> Array:
        if not self.structured:
            return super().from_free(u, like, loose)
        u, at = u.reshape(len(like), -1), 0
        if self.scale_of is not None:
            return np.exp(u[:, :1, None]) * self.scale_of
        out = like.copy()
        for b, i, j in self._triangles:
            factor = np.zeros((len(u), len(b), len(b)))
            own = u[:, at : at + len(i)]
            factor[:, i, j] = np.where(i == j, np.exp(np.where(i == j, own, 0.0)), own)
            out[:, b[:, None], b] = factor @ np.swapaxes(factor, 1, 2)
            at += len(i)
        for g in self.groups:
            out[:, g, g] = np.exp(u[:, at])[:, None]
            at += 1
        return out


def noise_of(declared: PositiveDefinite, owner: str, name: str, value: Any, size: int) -> Noise | None:
    """The declaration of a covariance narrowed to what is written in its slot; None for values that say nothing more.

    Those are: nothing, a number, a matrix known whole, a prior, shared.

    Raises
    ------
    ModelError      a shape that does not fit, a word that is none, free entries that are not whole blocks, a known part
                    with a negative eigenvalue
    """
    where, value = f"{owner}.{name}", named(value)
    if isinstance(value, float) and math.isnan(value):
        value = _free_number(where, name, size)
    if isinstance(value, str):
        return _narrowed(declared, base=np.zeros((size, size)), groups=_grouped(where, name, value, size))
    if isinstance(value, Scaled):
        _require_shape(where, name, value, np.shape(value.shape), size)
        check_covariance(f"{where} = scaled(...)", name, value.shape)
        if not np.any(value.shape):
            raise ModelError(f"{where} = {value!r}; a shape of 0 has no size. Write 0 for no noise.", slot=name)
        return _narrowed(declared, shape=np.asarray(value.shape))
    if isinstance(value, Names):
        _require_shape(where, name, value, value.shape, size)
        base, places = value.places()
        return _patterned(
            declared, where, base, {n: np.flatnonzero(_on_diagonal(where, n, at)) for n, at in places.items()}
        )
    if isinstance(value, list | tuple | np.ndarray) and np.isnan(value).any():
        _require_shape(where, name, np.asarray(value).tolist(), np.shape(value), size)
        return _patterned(declared, where, np.array(value, float), {})
    return None


def check_covariance(where: str, slot: str, value: Array) -> None:
    """Raise a ModelError that names two entries that differ, or the negative eigenvalue, of a known covariance."""
    value = np.asarray(value, float)
    if not np.isfinite(value).all():
        raise ModelError(f"{where} has an entry that is not finite; it needs {Noise.words}.", slot=slot)
    unequal = np.argwhere(~np.isclose(value, np.swapaxes(value, -1, -2), rtol=1e-9, atol=0))
    if len(unequal):
        *member, i, j = (int(a) for a in unequal[0])
        one, other = value[(*member, i, j)], value[(*member, j, i)]
        raise ModelError(
            f"{where} has {one:.6g} at [{i}, {j}] and {other:.6g} at [{j}, {i}]; a covariance is symmetric.", slot=slot
        )
    low = _negative(value)
    if np.any(low):
        smallest = float(np.linalg.eigvalsh(value)[..., 0].min())
        raise ModelError(f"{where} has the eigenvalue {smallest:.6g}; a covariance has none below 0.", slot=slot)


def _negative(value: Array) -> Array:
    """Which symmetric matrices have an eigenvalue below 0 by more than rounding; on correlations."""
    sd = np.sqrt(np.maximum(np.diagonal(value, axis1=-2, axis2=-1), 0.0))
    safe = np.where(sd > 0, sd, 1.0)
    eigenvalues = np.linalg.eigvalsh(value / (safe[..., :, None] * safe[..., None, :]))
    lost = (sd == 0)[..., :, None] & (value != 0)
    return (eigenvalues[..., 0] < -NEGATIVE * np.maximum(eigenvalues[..., -1], 1.0)) | lost.any((-1, -2))


def _narrowed(declared: PositiveDefinite, **structure: Any) -> Noise:
    out = Noise(" ".join(declared.event), declared.doc, **structure)
    out.name = declared.name
    return out


def _grouped(where: str, name: str, word: str, size: int) -> list[Array]:
    if word not in WORDS:
        raise ModelError(
            f"{where} = {word!r}; the words for a covariance are 'diagonal' and 'spherical'. Leave the slot empty for "
            "a full one.",
            slot=name,
        )
    return [np.arange(size)] if word == "spherical" else list(np.arange(size)[:, None])


def _free_number(where: str, name: str, size: int) -> Array:
    """One NaN for a whole covariance: its entry where it has only one."""
    if size > 1:
        raise ModelError(
            f'{where} = nan is one free number for a covariance ({size}, {size}). Write "spherical" for one free '
            'variance, "diagonal" for one of each, or leave the slot empty to estimate all of it.',
            slot=name,
        )
    return np.full((1, 1), np.nan)


def _on_diagonal(where: str, text: str, at: Array) -> Array:
    if (at & ~np.eye(len(at), dtype=bool)).any():
        raise ModelError(
            f"{where} has the name {text!r} off its diagonal; equal names are for variances. Write nan for entries "
            "that are free.",
            slot=where.rpartition(".")[2],
        )
    return np.diagonal(at)


def _patterned(declared: PositiveDefinite, where: str, base: Array, tied: dict[str, Array]) -> Noise:
    """The structure of free (NaN) entries, names and known ones.

    A block of free entries maximises by itself only where it is whole and correlates with nothing else.
    """
    slot = where.rpartition(".")[2]
    free = np.isnan(base)
    for i in tied.values():
        free[i, i] = True
    if not np.array_equal(free, free.T):
        i, j = np.argwhere(free & ~free.T)[0]
        raise ModelError(
            f"{where} is free at [{i}, {j}] and known at [{j}, {i}]; a covariance is symmetric.", slot=slot
        )
    blocks, alone = [], []
    for i in _connected(free):
        others = np.setdiff1d(np.arange(len(base)), i)
        whole = free[np.ix_(i, i)].all() and not (len(i) > 1 and any(np.isin(i, t).any() for t in tied.values()))
        if not whole or (base[np.ix_(i, others)] != 0).any():
            raise ModelError(
                f"{where} is free in some entries of rows {', '.join(map(str, i))}; free entries make whole blocks "
                "(every variance and covariance of some rows) or single variances, with known zeros to all other rows.",
                slot=slot,
            )
        (blocks if len(i) > 1 else alone).append(i)
    base = np.where(free, 0.0, base)
    check_covariance(where, slot, base)
    groups = [i for i in alone if not any(np.isin(i, t).any() for t in tied.values())]
    return _narrowed(declared, base=base, blocks=blocks, groups=[*tied.values(), *groups])


def _connected(free: Array) -> list[Array]:
    """Sets of rows that free entries join, in order; rows without any free entry belong to none."""
    left, found = set(np.flatnonzero(free.any(1)).tolist()), []
    while left:
        inside, new = set(), {min(left)}
        while new:
            inside |= new
            new = {int(j) for i in new for j in np.flatnonzero(free[i])} - inside
        left -= inside
        found.append(np.array(sorted(inside)))
    return found


def _log_roots(variances: Array) -> Array:
    """Logarithms of standard deviations; minus infinity, which is no coordinate, of a variance of 0."""
    with np.errstate(divide="ignore"):
        return 0.5 * np.log(variances)


def _log_cholesky(block: Array, i: Array, j: Array) -> Array:
    factor = np.linalg.cholesky(block)
    return np.where(i == j, np.log(np.where(i == j, factor[:, i, j], 1.0)), factor[:, i, j])


def _diagonal(matrix: Array | None) -> bool:
    return matrix is not None and bool((matrix == np.diag(np.diagonal(matrix))).all())


def _require_shape(where: str, name: str, what: Any, found: tuple[int, ...], size: int) -> None:
    if found != (size, size):
        raise ModelError(f"{where} = {what} has shape {found}; it needs {(size, size)}.", slot=name)
