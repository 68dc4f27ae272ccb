"""A slot after its family took its place in a model: sizes known, arrays flat `(k,) + event`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from likely.core.domains import Domain, PositiveDefinite, Real, Simplex
from likely.core.written import Choose, Free, Shared
from likely.errors import ModelError
from likely.numerics.soft import Array

REACHED = 1e-9  # of the largest entry: how far an allowed value may lie from itself after rounding


@dataclass(frozen=True)
class Axis:
    """One way in which members are many: "component" (hidden), "state" (hidden), "column" (seen), ..."""

    name: str
    size: int
    hidden: bool = True


@dataclass(frozen=True)
class Slot:
    """What is to be done about one parameter of a bank.

    `known` holds values that are not estimated (NaN entries are), `ties` the positions of the axes over which one value
    is common, `offsets` what is added to that common value, `prior` the bound prior family.
    """

    name: str
    domain: Domain
    axes: tuple[Axis, ...]
    event: tuple[int, ...]
    known: Array | None = None
    ties: tuple[int, ...] = ()
    offsets: Array | float = 0.0
    prior: Any = None

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Number of members along each axis."""
        return tuple(a.size for a in self.axes)

    @cached_property
    def k(self) -> int:
        """Number of members in the flat bank."""
        return math.prod(self.sizes)

    @property
    def share(self) -> float:
        """The part of a prior that each member carries, so that a prior on a tied slot counts once."""
        return 1.0 / math.prod(self.sizes[t] for t in self.ties)

    @cached_property
    def fixed(self) -> bool:
        """Nothing is estimated here."""
        return self.known is not None and not np.isnan(self.known).any()

    @property
    def simple(self) -> bool:
        """Every member's value is free and its own: the closed form of the textbook applies."""
        return self.known is None and not self.ties and (self.prior is None or self.prior.in_rows)

    def pool(self, a: Array, how: Callable[..., Array] = np.sum) -> Array:
        """Combine (k, ...) over tied members and give each of them the result; the same array where nothing is tied."""
        if not self.ties:
            return a
        full = a.reshape(self.sizes + a.shape[1:])
        return np.broadcast_to(how(full, axis=self.ties, keepdims=True), full.shape).reshape(a.shape)

    def one(self, a: Array) -> Array:
        """One entry for each group of tied members: (k, ...) to (r, ...); the same array where nothing is tied."""
        if not self.ties:
            return a
        full = a.reshape(self.sizes + a.shape[1:])
        for t in self.ties:
            full = full.take([0], axis=t)
        return full.reshape((-1, *a.shape[1:]))

    def spread(self, a: Array) -> Array:
        """The opposite of `one`: (r, ...) to (k, ...)."""
        if not self.ties:
            return a
        small = tuple(1 if i in self.ties else s for i, s in enumerate(self.sizes))
        return np.broadcast_to(a.reshape(small + a.shape[1:]), self.sizes + a.shape[1:]).reshape((self.k, *a.shape[1:]))

    def settle(self, estimate: Array) -> Array:
        """Known values win over estimated ones; a simplex keeps its known entries and rescales the others."""
        if self.known is None:
            return estimate
        gaps = np.isnan(self.known)
        if not isinstance(self.domain, Simplex) or not gaps.any():
            return np.where(gaps, estimate, self.known)
        known, loose = np.where(gaps, 0.0, self.known), np.where(gaps, estimate, 0.0)
        # Where nothing fell on the free entries every split of what is left is a maximum: take equal parts.
        loose = np.where(gaps & (loose.sum(-1, keepdims=True) == 0), 1.0, loose)
        total = loose.sum(-1, keepdims=True)
        return known + loose / np.where(total == 0, 1.0, total) * (1 - known.sum(-1, keepdims=True))

    def nearest(self, value: Array) -> Array:
        """(k,) + event: values as near to some others as is allowed, in a plain sense."""
        near = self.domain.nearest(self.spread(self.one(value - self.offsets)) + self.offsets)
        return near if self.known is None else np.where(np.isnan(self.known), near, self.known)

    def somewhere(self, rng: np.random.Generator) -> Array:
        """(k,) + event: allowed values in no special place: what holds there holds wherever the slot can be."""
        value = self.domain.somewhere((self.k, *self.event), rng)
        return self.settle(self.spread(self.one(value)) + self.offsets)

    def reaches(self, value: Array) -> bool:
        """Are values (k,) + event allowed, but for rounding?"""
        finite = np.isfinite(value)
        size = np.abs(value[finite]).max(initial=0.0)
        near = self.nearest(value)
        return bool(((near == value) | np.isclose(near, value, rtol=0, atol=REACHED * size)).all())

    def inside(self, value: Array) -> bool:
        """Do allowed values lie inside what is possible, not at its edge?"""
        return self.domain.inside(self.one(value - self.offsets), self.loose())

    def loose(self) -> Array:
        """(r,) + event: which entries are estimated."""
        if self.known is None:
            return np.ones((round(self.k * self.share), *self.event), bool)
        return np.isnan(self.one(self.known))

    def count(self) -> int:
        """Number of free parameters."""
        return self.domain.count(self.loose())

    def to_free(self, value: Array) -> Array:
        """Unconstrained coordinates of what is estimated."""
        return self.domain.to_free(self.one(value - self.offsets), self.loose())

    def size(self, value: Array) -> int:
        """How many coordinates `to_free` gives."""
        return self.domain.size(self.one(value - self.offsets), self.loose())

    def from_free(self, u: Array, like: Array) -> tuple[Array, int]:
        """Values from the first coordinates of `u`, and how many were used."""
        small, loose = self.one(like - self.offsets), self.loose()
        used = self.size(like)
        return self.spread(self.domain.from_free(u[:used], small, loose)) + self.offsets, used


def bind_slot(owner: Any, name: str, axes: tuple[Axis, ...], dims: Mapping[str, int]) -> Slot:
    """The slot of a family at its place in a model; what stands in it is checked against that place."""
    domain, value, family = owner.domain(name), getattr(owner, name), type(owner).__name__
    event = domain.shape(dims)
    slot = Slot(name, domain, axes, event)
    if isinstance(value, Free):
        return slot
    if isinstance(value, Choose):
        raise ModelError(f"{family}.{name} = {value!r} is still open; fit(..., by='bic') resolves it.", slot=name)
    if isinstance(value, Shared):
        tied = _tie(slot, family, value)
        return tied if value.prior is None else _bind_prior(tied, owner, value.prior)
    if hasattr(value, "bind"):
        return _bind_prior(slot, owner, value)
    known = _flat(slot, family, value)
    _check_known(domain, family, known)
    return replace(slot, known=known)


def _flat(slot: Slot, family: str, value: Any) -> Array:
    """A written array broadcast to axes + event, then flat."""
    full = slot.sizes + slot.event
    if isinstance(value, str):
        raise ModelError(f"{family}.{slot.name} = {value!r}; it needs {slot.domain.words}.", slot=slot.name)
    value = np.asarray(value, float)
    if value.ndim == 0 and isinstance(slot.domain, PositiveDefinite):
        value = np.diag(np.full(slot.event[-1], value))  # one number for a covariance: that many times the identity
    try:
        spread = np.broadcast_to(value, full)
    except ValueError:
        axes = " + ".join(
            [f"{a.size} {a.name}s" for a in slot.axes] + [f"event {slot.event}" if slot.event else "a number each"]
        )
        raise ModelError(
            f"{family}.{slot.name} has shape {value.shape}; it must broadcast to {full} ({axes}).", slot=slot.name
        ) from None
    return np.ascontiguousarray(spread.reshape((slot.k, *slot.event)))


def _check_known(domain: Domain, family: str, known: Array) -> None:
    gaps = np.isnan(known)
    if not gaps.any():
        domain.check(family, known)
    elif isinstance(domain, PositiveDefinite):
        raise ModelError(
            f"{family}.{domain.name} has NaN in some entries; a covariance is known whole or estimated whole. "
            "Leave the slot empty to estimate it.",
            slot=domain.name,
        )
    elif isinstance(domain, Simplex):
        mass = np.where(gaps, 0.0, known)
        if (mass < 0).any() or (mass.sum(-1) > 1 + 1e-9).any():
            raise ModelError(f"{family}.{domain.name}: the known entries must be from 0 to 1 and sum to at most 1.")
    else:
        domain.check(family, known[~gaps])


def _tie(slot: Slot, family: str, value: Shared) -> Slot:
    names = [a.name for a in slot.axes]
    wanted = [value.over] if isinstance(value.over, str) else list(value.over or [])
    if not wanted:
        wanted = [a.name for a in slot.axes if a.hidden][-1:]
    if not wanted:
        raise ModelError(
            f"{family}.{slot.name} = shared, but {family} stands alone. Put it inside a structure, "
            f"as in Mixture({family}({slot.name}=shared), 2).",
            slot=slot.name,
        )
    for name in wanted:
        if name not in names:
            raise ModelError(
                f"{family}.{slot.name} = shared(over={name!r}), but the axes here are {', '.join(names) or 'none'}.",
                slot=slot.name,
            )
    ties = tuple(len(names) - 1 - names[::-1].index(name) for name in wanted)
    offsets: Array | float = 0.0
    if value.offsets is not None:
        if not isinstance(slot.domain, Real):
            raise ModelError(
                f"{family}.{slot.name} = shared + offsets; offsets are for slots that take any real number."
            )
        offsets = _flat(slot, family, value.offsets)
    return replace(slot, ties=ties, offsets=offsets)


def _bind_prior(slot: Slot, owner: Any, prior: Any) -> Slot:
    """The prior as a bank of its own: one for each member (and for each leading event entry it does not cover)."""
    family, takes = type(owner).__name__, owner.takes_priors().get(slot.name, ())
    if type(prior).__name__ not in takes:
        offer = " or ".join(filter(None, [", ".join(takes[:-1]), *takes[-1:]])) or "no prior"
        raise ModelError(
            f"{family}.{slot.name} = {prior!r}: this slot cannot take {type(prior).__name__} as a prior; "
            f"it takes {offer}, a number, shared, or nothing.",
            slot=slot.name,
        )
    if prior.in_rows and slot.ties:
        raise ModelError(
            f"{family}.{slot.name} = shared({prior!r}): pretend rows scatter as the rows of one component do, and this "
            f"value is common to several. Give it a Normal prior: {slot.name}=shared(Normal(mean, variance)).",
            slot=slot.name,
        )
    extra = () if prior.covers is None else slot.event[: len(slot.event) - prior.covers]
    axes = slot.axes + tuple(Axis(f"entry{i}", size, hidden=False) for i, size in enumerate(extra))
    bound = prior.bind(axes, {"d": slot.event[-1] if slot.event and prior.covers != 0 else 1})
    for name, own in bound.slots.items():
        if not own.fixed:
            raise ModelError(
                f"{family}.{slot.name} = {prior!r}: a prior needs all its own values; {name} is missing.",
                slot=slot.name,
            )
    return replace(slot, prior=bound)
