"""What cannot be estimated in an equation of a state space, whatever the data are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from likely.core.slot import Slot
from likely.errors import ModelError
from likely.numerics.soft import Array
from likely.structures.entries import Entries
from likely.structures.noise_range import Range

TOUCHED = 1e-10  # what a direction of length one may have of another by rounding


def check_equation(slopes: Sequence[Slot], intercept: Slot, noise: Slot, reach: Range, *, hidden: bool) -> bool:
    """Are there free entries in rows without noise? Where states are `hidden` the rows before and after tell of them.

    Raises a ModelError where coefficients or their priors ask for something that nothing can tell.
    """
    slots = [*slopes, intercept]
    names = Counter(n for s in slots if isinstance(s.domain, Entries) for n in s.domain.names if n)
    for name, count in names.items():
        if count > 1:
            inside = " and ".join(s.name for s in slots if isinstance(s.domain, Entries) and name in s.domain.names)
            raise ModelError(
                f"the name {name!r} stands in {inside}; equal names tie entries of one slot. Write another name in one "
                "of them.",
                slot=slots[0].name,
            )
    for slot in slots:
        rows = None if slot.prior is None or not slot.prior.in_rows else slot.prior.known_params().rows
        if rows is not None and not reach.regular:
            raise ModelError(
                f"{slot.name} = {slot.prior!r}, but {noise.name} is singular; pretend rows scatter as the noise does. "
                f"Give {slot.name} a Normal prior.",
                slot=slot.name,
            )
        if rows is not None and np.ptp(np.reshape(rows, (slot.k, -1)), axis=1).any():
            raise ModelError(
                f"{slot.name} = {slot.prior!r}: pretend rows are rows of the whole equation; give one number of them.",
                slot=slot.name,
            )
    each = [(slot, *found) for slot in slots for found in _without_noise(slot, reach)]
    if each and not hidden:
        _refuse(noise, *each[0])
    return bool(each)


def _without_noise(slot: Slot, reach: Range) -> Iterator[tuple[Array, Array]]:
    """By member: directions without noise, and those of them that free entries move."""
    for member, silent in enumerate(reach.silent):
        moved = np.abs(silent.T @ _directions(slot, member)).max(1, initial=0.0) > TOUCHED
        if moved.any():
            yield silent, moved


def _refuse(noise: Slot, slot: Slot, silent: Array, moved: Array) -> None:
    """Free entries in rows that have no noise follow exactly from the states: no regression can tell them."""
    touched = np.flatnonzero(np.abs(silent[:, np.flatnonzero(moved)[0]]) > TOUCHED)
    if len(touched) > 1:
        raise ModelError(
            f"{slot.name} has free entries in rows {', '.join(map(str, touched))}, but a combination of these rows "
            f"has no noise ({noise.name} is singular), so nothing can estimate them. Give the entries values, or "
            f"{noise.name} full rank.",
            slot=slot.name,
        )
    i = touched[0]
    raise ModelError(
        f"row {i} of {slot.name} has free entries but no noise ({noise.name}[{i}, {i}] is 0), so nothing can "
        f"estimate them. Give the entries values, or {noise.name}[{i}, {i}] a variance.",
        slot=slot.name,
    )


def _directions(slot: Slot, member: int) -> Array:
    """(r, u): how the rows of a slot move with its unknowns."""
    r = slot.event[0]
    if isinstance(slot.domain, Entries):
        return np.moveaxis(
            slot.domain.directions.reshape(-1, r, int(np.prod(slot.event[1:], dtype=int))), 0, -1
        ).reshape(r, -1)
    free = np.ones(slot.event, bool) if slot.known is None else np.isnan(slot.known[member])
    return np.diag(free.reshape(r, -1).any(1).astype(float))
