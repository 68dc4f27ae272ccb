"""What is estimated in the coefficients of an equation, and the linear equations that say how large it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from likely.core.slot import Slot
from likely.errors import Degenerate
from likely.families.gaussian import COLLINEAR
from likely.families.moments import outer, positive_definite
from likely.families.regression import entry_priors, numbered
from likely.numerics.soft import Array
from likely.structures.entries import Entries

UNTOLD = "its coefficients are not determined by the rows it has"


class Unknowns:
    """The unknowns of some members of a bank: coefficients theta = base + sum of unknown * direction.

    Parameters
    ----------
    slots : (Slot, ...)      side by side: events (r, columns), or (r,) for one column
    members : array (g,)     positions in the bank

    Attributes
    ----------
    base : array (g, r, c)
    directions : array (g, r, c, u)
    certainty, centre : array (u,)      precision and centre of normal priors; no precision without one
    """

    def __init__(self, slots: Sequence[Slot], members: Array):
        parts = [_of_slot(s, members) for s in slots]
        (g, r), u = parts[0][0].shape[:2], sum(p[1].shape[-1] for p in parts)
        columns = [p[0].shape[2] for p in parts]
        self.members = members
        self.base = np.concatenate([p[0] for p in parts], 2)
        self.directions = np.zeros((g, r, sum(columns), u))
        at = c = 0
        for (_, own, _, _), width in zip(parts, columns, strict=True):
            self.directions[:, :, c : c + width, at : at + own.shape[-1]] = own
            at, c = at + own.shape[-1], c + width
        self.certainty, self.centre = (np.concatenate([p[i] for p in parts]) for i in (2, 3))
        self._flat = np.ascontiguousarray(self.directions.reshape(g * r * sum(columns), u))
        self._sideways = np.ascontiguousarray(self._flat.T)
        self._prior = self.certainty.any()

    def told(self, gram: Array, cross: Array) -> Normal:
        """What rows tell: moments (k, r or 1, c, c) of the regressors, (k, r, c) with the response."""
        gram, cross = (gram, cross) if len(self.members) == len(gram) else (gram[self.members], cross[self.members])
        along = gram @ self.directions
        left = cross - (self.base[:, :, None, :] @ gram)[:, :, 0]
        return Normal(self, along, left)


class Normal:
    """Normal equations of some unknowns for any precision of the noise."""

    def __init__(self, unknowns: Unknowns, along: Array, left: Array):
        self.unknowns = unknowns
        g, r, c, u = along.shape
        self._along, self._left = along.reshape(g, r, c * u), left
        self._checked = False

    def solve(self, precision: Array, now: Array) -> Array:
        """(g, r, c): the best coefficients where the noise has these precisions (k, r, r).

        Coefficients of which no row and no prior tells anything stay as they are `now` (k, r, c).
        """
        q = self.unknowns
        if len(q.members) != len(precision):
            precision, now = precision[q.members], now[q.members]
        u = len(q.centre)
        matrix = q._sideways @ (precision @ self._along).reshape(-1, u)
        push = q._sideways @ (precision @ self._left).ravel()
        if q._prior:
            matrix[np.arange(u), np.arange(u)] += q.certainty
            push += q.certainty * q.centre
        scale = np.sqrt(matrix.diagonal())
        if not scale.all():
            return self._without(matrix, push, scale > 0, now)
        self._check(matrix, scale)
        found = np.linalg.solve(matrix / (scale[:, None] * scale), push / scale) / scale
        return q.base + (q._flat @ found).reshape(q.base.shape)

    def _without(self, matrix: Array, push: Array, told: Array, now: Array) -> Array:
        """The same where nothing is told of some unknowns."""
        q = self.unknowns
        scale = np.sqrt(matrix.diagonal()[told])
        self._check(matrix[np.ix_(told, told)], scale)
        found = np.zeros(len(told))
        found[told] = np.linalg.solve(matrix[np.ix_(told, told)] / outer(scale), push[told] / scale) / scale
        value = q.base + (q._flat @ found).reshape(q.base.shape)
        return np.where((q.directions[..., ~told] != 0).any(-1), now, value)

    def _check(self, matrix: Array, scale: Array) -> None:
        if not self._checked:
            require_determined(matrix / outer(scale), self.unknowns.members)
            self._checked = True


def require_determined(correlation: Array, members: Array) -> None:
    """Raise Degenerate where a combination of unknowns leaves everything as it is, as far as rounding can tell."""
    if not positive_definite((correlation - COLLINEAR * np.eye(len(correlation)))[None])[0]:
        raise Degenerate(UNTOLD, members=members.tolist())


def elementwise(slot: Slot) -> bool:
    """Is every entry either known or estimated by itself?"""
    return not slot.ties and not isinstance(slot.domain, Entries)


def masks(slots: Sequence[Slot]) -> tuple[Array, Array, Array, Array]:
    """(k, r, c) of elementwise slots side by side: which entries are free, and the others' values.

    And precision and centre of their normal priors; no precision without one.
    """
    parts = []
    for slot in slots:
        shape = (slot.k, slot.event[0], *(slot.event[1:] or (1,)))
        number, base = numbered(slot)
        normal = slot.prior is not None and not slot.prior.in_rows
        precision, centre = entry_priors(slot) if normal else (np.zeros(shape), np.zeros(shape))
        parts.append([np.reshape(a, shape) for a in (number >= 0, base, precision, centre)])
    free, base, precision, centre = (np.concatenate(p, 2) for p in zip(*parts, strict=True))
    return free, base, precision, centre


def pretend_rows(slots: Sequence[Slot]) -> list[tuple[slice, Array, Array]]:
    """Where slots have pretend rows: their columns, how many rows (k,), expected coefficients (k, r, columns)."""
    found, at = [], 0
    for slot in slots:
        columns = int(np.prod(slot.event[1:], dtype=int))
        if slot.prior is not None and slot.prior.in_rows:
            q = slot.prior.known_params()
            rows = np.reshape(q.rows, (slot.k, -1))[:, 0]
            found.append((slice(at, at + columns), rows, np.reshape(q.mean, (slot.k, slot.event[0], columns))))
        at += columns
    return found


def _of_slot(slot: Slot, members: Array) -> tuple[Array, Array, Array, Array]:
    """Base (g, r, c), directions (g, r, c, u), certainty (u,) and centre (u,) of one slot."""
    g, r = len(members), slot.event[0]
    if isinstance(slot.domain, Entries):
        own = slot.domain.directions.reshape(-1, r, int(np.prod(slot.event[1:], dtype=int)))
        u = len(own)
        directions = np.zeros((g, *own.shape[1:], g * u))
        for i in range(g):
            directions[i, :, :, i * u : (i + 1) * u] = np.moveaxis(own, 0, -1)
        base = np.broadcast_to(slot.domain.base.reshape(own.shape[1:]), directions.shape[:3])
        return base, directions, np.zeros(g * u), np.zeros(g * u)
    number, base = (a[members].reshape(g, r, -1) for a in numbered(slot))
    unknown, first = np.unique(number, return_index=True)
    unknown, first = unknown[unknown >= 0], first[unknown >= 0]
    directions = (number[..., None] == unknown).astype(float)
    if slot.prior is None or slot.prior.in_rows:
        return base, directions, np.zeros(len(unknown)), np.zeros(len(unknown))
    precision, centre = (a[members].ravel()[first] for a in entry_priors(slot))  # on a tied value it counts once
    return base, directions, precision, centre
