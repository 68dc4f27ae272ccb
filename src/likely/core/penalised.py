"""MAP where a prior is not conjugate: expected log density + log prior climbed numerically, one family for all.

Members are independent problems unless something is tied; derivatives are central differences of the two functions
that every family has, so a family need only say which priors its slots take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likely.core.newton import maximise
from likely.core.params import Params
from likely.numerics.soft import Array

if TYPE_CHECKING:
    from likely.core.family import Family

NEAR = 1e-3  # steps of differences, in units of each coordinate
ROUNDS = 3  # of finding these units


def maximise_numerically(family: Family, stats: Any, begin: Params) -> Params:
    """Parameters of a bound leaf that maximise expected log density + log prior, climbed to from `begin`.

    Coordinates are those of the domains (logarithms, logits); begin has to lie inside. The value never falls.
    """
    return _Climb(family, stats, begin).run()


class _Climb:
    def __init__(self, family: Family, stats: Any, begin: Params):
        self.family, self.stats, self.begin = family, stats, begin
        self.names = list(family.slots)
        slots = self.slots = [family.slots[n] for n in self.names]
        self.known = np.concatenate([self._unbound(n, _known(s)) for n, s in zip(self.names, slots, strict=True)], 1)
        self.ends = np.cumsum([int(np.prod(s.event, dtype=int)) for s in slots])[:-1]
        self.offsets = [np.broadcast_to(s.offsets, (s.k, *s.event)) for s in slots]

    def run(self) -> Params:
        u = np.concatenate(
            [self._unbound(n, self.begin[n] - off) for n, off in zip(self.names, self.offsets, strict=True)], 1
        )
        u = np.where(np.isfinite(u), u, 0.0)
        unit = self._units(u)

        def score(v: Array) -> tuple[Array, Array, Array]:
            value, slope, bend = self._derivatives(v * unit, unit)
            return value, slope * unit, bend * unit[:, :, None] * unit[:, None, :]

        everywhere = np.ones(len(u))  # a prior speaks also where no row does
        found = maximise(self.slots, self.known / unit, u / unit, everywhere, score) * unit
        return self._params(found)

    def _params(self, u: Array) -> Params:
        values = {}
        for name, slot, off, part in zip(
            self.names, self.slots, self.offsets, np.split(u, self.ends, axis=1), strict=True
        ):
            value = slot.domain.bound(part.reshape((slot.k, *slot.event))) + off
            values[name] = value if slot.known is None else np.where(np.isnan(slot.known), value, slot.known)
        return self.begin.replace(**values)

    def _value(self, u: Array) -> Array:
        """(k,): of each member; a prior on a tied value is shared among its members."""
        params = self._params(u)
        out = self.family.expected_log_density(params, self.stats)
        for name, slot in self.family.slots.items():
            if slot.prior is not None:
                value = (params[name] - slot.offsets).reshape(slot.prior.k, -1)
                each = slot.prior.log_density_beside(value, self.family.beside(name, params))
                out = out + slot.share * each.reshape(slot.k, -1).sum(1)
        return out

    def _units(self, u: Array) -> Array:
        """(k, q): about a standard deviation of one row along each coordinate; steps and differences are in these.

        The value bends by one over a whole standard error, and is itself about as large as there are rows.
        """
        unit, here = np.maximum(1.0, np.abs(u)), self._value(u)
        rows = 1 + np.abs(here)
        for _ in range(ROUNDS):
            for j in range(u.shape[1]):
                step = np.zeros_like(u)
                step[:, j] = NEAR * unit[:, j]
                bend = (2 * here - self._value(u + step) - self._value(u - step)) / step[:, j] ** 2
                found = np.sqrt(rows / np.where(bend > 0, bend, np.inf))
                unit[:, j] = np.where(found > 0, np.clip(found, 1e-3 * unit[:, j], 1e3 * unit[:, j]), unit[:, j])
        for slot, columns in zip(self.slots, np.split(np.arange(u.shape[1]), self.ends), strict=True):
            unit[:, columns] = slot.pool(unit[:, columns], np.min)  # tied members share their coordinates
        return unit

    def _derivatives(self, u: Array, unit: Array) -> tuple[Array, Array, Array]:
        """Value (k,), gradient (k, q) and Hessian (k, q, q); fourth order along the coordinates."""
        (k, q), here = u.shape, self._value(u)
        slope, bend = np.empty((k, q)), np.empty((k, q, q))
        steps = np.zeros((q, k, q))
        for j in range(q):
            steps[j, :, j] = NEAR * unit[:, j]
        for j, e in enumerate(steps):
            h = e[:, j]
            ahead, behind = self._value(u + e), self._value(u - e)
            slope[:, j] = (8 * (ahead - behind) - self._value(u + 2 * e) + self._value(u - 2 * e)) / (12 * h)
            bend[:, j, j] = (ahead - 2 * here + behind) / h**2
            for i, other in enumerate(steps[:j]):
                corners = self._value(u + e + other) + self._value(u - e - other)
                corners -= self._value(u + e - other) + self._value(u - e + other)
                bend[:, i, j] = bend[:, j, i] = corners / (4 * h * other[:, i])
        return here, slope, bend

    def _unbound(self, name: str, value: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.family.slots[name].domain.unbound(value).reshape(len(value), -1)


def _known(slot: Any) -> Array:
    return np.full((slot.k, *slot.event), np.nan) if slot.known is None else slot.known
