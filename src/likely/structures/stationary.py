"""Chains that begin as they go on: the stationary distribution of moves, and moves of highest likelihood under it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from likely.core.family import Family
from likely.core.params import Params
from likely.core.slot import Slot
from likely.errors import ModelError
from likely.numerics import special
from likely.numerics.soft import Array, safe_log

STEPS = 500  # of the climb at most; it takes some ten
SLOPE = 1e-7  # of the number of moves: where the climb ends


class MayBeStationary(Family, public=False):
    """What is different where the first state of a model has the stationary distribution of its moves.

    Then it is nothing to be estimated, and follows from the moves wherever parameters are made.
    """

    @property
    def stationary(self: Any) -> bool:
        """Does the chain begin as it goes on?"""
        return isinstance(self.initial, str) and self.initial == "stationary"

    def known_params(self) -> Params:
        """The parameters of a bound family with every slot filled."""
        return self._begun(super().known_params())

    def _unflatten(self, u: Array, like: Params) -> tuple[Params, int]:
        params, used = super()._unflatten(u, like)
        return self._begun(params), used

    def obeys(self, params: Params) -> bool:
        """Do these parameters respect every known and tied slot, and the start?"""
        begun = np.allclose(self._begun(params).initial, params.initial, rtol=1e-9, atol=1e-12)
        return begun and super().obeys(params)

    def _begun(self: Any, params: Params) -> Params:
        """With the first state as the moves have it, where the start is stationary."""
        if not self.stationary:
            return params
        return params.replace(initial=stationary(params.transition.reshape(-1, self.size, self.size)))


def stationary(moves: Array) -> Array:
    """The distributions (k, m) that matrices of moves (k, m, m) leave as they are.

    By elimination of one state after the other (Grassmann, Taksar & Heyman 1985), which never subtracts: every
    probability has full relative precision. Where there are several such distributions one of them is found.

    >>> stationary(np.array([[[0.9, 0.1], [0.3, 0.7]]])).round(12)
    array([[0.75, 0.25]])
    """
    if (moves > 0).all():
        return _eliminated(moves)
    orders = np.stack([_closed_first(matrix > 0) for matrix in moves])
    sorted_moves = np.take_along_axis(np.take_along_axis(moves, orders[:, :, None], 1), orders[:, None, :], 2)
    out = np.empty(orders.shape)
    np.put_along_axis(out, orders, _eliminated(sorted_moves), 1)
    return out


def _eliminated(moves: Array) -> Array:
    a = np.array(moves, float)
    m = a.shape[1]
    for r in range(m - 1, 0, -1):
        out = a[:, r, :r].sum(1)
        a[:, :r, r] /= np.where(out > 0, out, 1.0)[:, None]
        a[:, :r, r] *= (out > 0)[:, None]
        a[:, :r, :r] += a[:, :r, r, None] * a[:, r, None, :r]
    found = np.ones((len(a), m))
    for r in range(1, m):
        found[:, r] = (found[:, :r] * a[:, :r, r]).sum(1)
    return found / found.sum(1, keepdims=True)


def _closed_first(steps: Array) -> Array:
    """An order of states in which one that is returned to for ever comes first."""
    reach = _reach(steps)
    first = next(i for i in range(len(steps)) if reach[reach[i], i].all())
    return np.array([first, *(i for i in range(len(steps)) if i != first)])


def _reach(steps: Array) -> Array:
    """(m, m): from which state which other, or itself, can be reached in any number of moves."""
    reach = steps | np.eye(len(steps), dtype=bool)
    for _ in range(int(np.ceil(np.log2(len(steps) + 1)))):
        reach = reach @ reach
    return reach


def check_one_class(known: Array | None, m: int) -> None:
    """Raise a ModelError where written moves (k m, m) leave several sets of states that a chain never leaves."""
    if known is None:
        return
    for matrix in known.reshape(-1, m, m):
        reach = _reach(~(matrix == 0))
        closed = {tuple(np.flatnonzero(reach[i]).tolist()) for i in range(m) if reach[reach[i], i].all()}
        if len(closed) > 1:
            shown = " and ".join("{" + ", ".join(map(str, c)) + "}" for c in sorted(closed))
            raise ModelError(
                f'HMM(initial="stationary"): the states {shown} are never left once entered, so several distributions '
                "are stationary. Write initial=[...] or leave it out, or write NaN in transition where a move between "
                "them is possible.",
                slot="initial",
            )


def maximise_stationary(slot: Slot, first: Array, counts: Array, simple: Array, old: Array | None) -> Array:
    """Moves (k m, m) that maximise sum of first log(stationary) + counts log(moves): never less than the old ones.

    Parameters
    ----------
    slot : Slot             of the transition: known entries, zeros and ties stay
    first : array (k, m)    expected first states
    counts : array (k m, m) expected moves, and pretend ones of a prior
    simple : array          the maximum of the second sum alone, the first candidate
    old : array             where the last M-step ended; None at the first

    Notes
    -----
    There is no closed form (Zucchini, MacDonald & Langrock 2016, section 4.2.5). From the better of both candidates
    the sum is climbed by BFGS in the logarithms of the free entries.
    """
    if slot.fixed:
        return simple
    k, m = first.shape
    counts, groups = np.maximum(counts, 0.0), _groups(slot, m)
    apart = min((*slot.ties, len(slot.axes) - 1))  # so many axes come before the first along which moves are tied
    together = k // math.prod(slot.sizes[:apart])  # chains that have moves in common
    out = np.empty_like(simple)
    for i in range(0, k, together):
        members, block = slice(i, i + together), slice(i * m, (i + together) * m)
        known = None if slot.known is None else slot.known[block]
        climb = _Climb(first[members], counts[block], known, groups[block])
        best = simple[block]
        if old is not None and not climb.value(best) > climb.value(old[block]):
            best = old[block]
        out[block] = climb.top(best) if np.isfinite(climb.value(best)) else best
    return out


def _groups(slot: Slot, m: int) -> Array:
    """(k m, m): a number for each entry; tied ones have it in common."""
    size = len(slot.one(np.zeros(slot.k)))
    return slot.spread(np.arange(size * m).reshape(size, m))


class _Climb:
    """F(moves) = sum of first log(stationary) + counts log(moves), with its slope."""

    def __init__(self, first: Array, counts: Array, known: Array | None, groups: Array):
        self.first, self.counts, self.groups = first, counts, groups
        self.m = first.shape[1]
        self.loose = np.ones(counts.shape, bool) if known is None else np.isnan(known)
        self.mass = np.ones((len(counts), 1))
        if known is not None:
            self.mass = 1 - np.where(self.loose, 0.0, known).sum(1, keepdims=True)

    def value(self, moves: Array) -> float:
        return self._value(moves, stationary(moves.reshape(-1, self.m, self.m)))

    def _value(self, moves: Array, begun: Array) -> float:
        return float(special.xlogy(self.first, begun).sum() + special.xlogy(self.counts, moves).sum())

    def top(self, begin: Array) -> Array:
        """The moves at the top, as the climb reaches it."""
        from scipy.optimize import minimize

        inside = self.loose & (begin > 0)
        if not inside.any():
            return begin
        at, here = safe_log(begin), self.value(begin)
        groups, size = np.zeros(begin.shape, int), len(np.unique(self.groups[inside]))
        groups[inside] = np.unique(self.groups[inside], return_inverse=True)[1].ravel()
        scale = max(1.0, float(self.counts.sum()))

        def moves_at(u: Array) -> Array:
            eta = np.where(inside, at + np.where(inside, u[groups], 0.0), -np.inf)
            top = eta.max(1, keepdims=True)
            e = np.exp(eta - np.where(np.isfinite(top), top, 0.0))
            total = e.sum(1, keepdims=True)
            return np.where(inside, self.mass * e / np.where(total > 0, total, 1.0), begin)

        def down(u: Array) -> tuple[float, Array]:
            moves = moves_at(u)
            begun = stationary(moves.reshape(-1, self.m, self.m))
            value, slope = self._value(moves, begun), np.where(inside, self.slope(moves, begun), 0.0)
            if not np.isfinite(value):
                return np.inf, np.zeros(size)
            return (here - value) / scale, -np.bincount(groups.ravel(), slope.ravel(), size) / scale

        found = minimize(down, np.zeros(size), jac=True, method="BFGS", options={"gtol": SLOPE, "maxiter": STEPS})
        moves = moves_at(found.x)
        return moves if self.value(moves) >= here else begin

    def slope(self, moves: Array, delta: Array) -> Array:
        """(k m, m): derivatives in the logarithms of odds of the entries of each row, from the distribution delta."""
        a = moves.reshape(-1, self.m, self.m)
        ratio = np.where(self.first > 0, self.first / np.where(delta > 0, delta, 1.0), 0.0)
        z = np.linalg.inv(np.eye(self.m) - a + delta[:, None, :])
        pull = delta[:, :, None] * (z @ ratio[:, :, None])[:, None, :, 0]
        each = self.counts + moves * pull.reshape(moves.shape)
        each = np.where(self.loose, each, 0.0)
        share = np.where(self.loose, moves, 0.0) / np.where(self.mass > 0, self.mass, 1.0)
        return each - share * each.sum(1, keepdims=True)
