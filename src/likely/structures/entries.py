"""What may stand in a slot of coefficients beside plain numbers: names and directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from likely.core.domains import Real, least_moves
from likely.core.patterns import Affine, Names, named
from likely.core.written import plain
from likely.errors import ModelError
from likely.numerics.soft import Array

DEPENDENT = 1e-10  # relative to the largest: a singular value of the directions that counts as none
KEPT = 1e-9  # of the largest entry: how far a value may lie from what its directions reach


class Entries(Real):
    """Coefficients of the form base + sum_j beta_j directions_j, with beta free.

    Parameters
    ----------
    declared : Real                          the declaration of the slot
    where : str                              family and slot, for messages, as "StateSpace.A"
    base : array (event)
    directions : array (u,) + event          linearly independent
    names : (str or None, ...)               of the directions; None for an entry that is free by itself

    Raises
    ------
    ModelError      a direction that is 0, or directions that depend linearly on one another
    """

    def __init__(
        self, declared: Real, where: str, base: Array, directions: Array, names: Sequence[str | None]
    ):  # fmt: skip
        super().__init__(" ".join(declared.event), declared.doc)
        self.name, self.base, self.directions, self.names = declared.name, base, directions, tuple(names)
        flat = directions.reshape(len(directions), -1)
        _require_independent(flat, self.names, where)
        self._flat, self._inverse = flat, np.linalg.pinv(flat)

    @property
    def words(self) -> str:
        return "values that its names and directions can reach"

    def coordinates(self, value: Array) -> Array:
        """(k, u): the free numbers of values (k,) + event."""
        return (value - self.base).reshape(len(value), -1) @ self._inverse

    def values(self, coordinates: Array) -> Array:
        """(k,) + event: the opposite of `coordinates`."""
        return self.base + (coordinates @ self._flat).reshape((len(coordinates), *self.base.shape))

    def nearest(self, value: Array) -> Array:
        return self.values(self.coordinates(value))

    def moves(self, event: tuple[int, ...], at: Sequence[tuple[int, ...]]) -> Array:
        return least_moves(self.directions, at)

    def keeps(self, value: Array) -> bool:
        reached = self.nearest(value)
        return bool((np.abs(reached - value) <= KEPT * max(np.abs(value).max(initial=0.0), 1e-300)).all())

    def told(self, event: tuple[int, ...]) -> Array:
        each = np.column_stack([self.base.ravel(), self._flat.T])
        _, first = np.unique(each, axis=0, return_index=True)
        out = np.zeros(self.base.size, bool)
        out[first] = True
        return (out & (self._flat != 0).any(0)).reshape(event)

    def count(self, loose: Array) -> int:
        return len(loose) * len(self.names)

    def size(self, value: Array, loose: Array) -> int:
        return self.count(loose)

    def to_free(self, value: Array, loose: Array) -> Array:
        return self.coordinates(value).ravel()

    def from_free(self, u: Array, like: Array, loose: Array) -> Array:
        return self.values(u.reshape(len(like), -1))


def stated(value: Any) -> Any:
    """A written value in its one standard form: as `plain`, and arrays with names in them."""
    return plain(named(value))


def entries_of(declared: Real, where: str, value: Any, event: tuple[int, ...]) -> Entries | None:
    """The declaration of a slot narrowed to what names or directions in it say; None for any other value.

    `where` is family and slot for messages, as "StateSpace.A".

    Raises
    ------
    ModelError      a shape that does not fit, nothing free, or directions that depend linearly on one another
    """
    value = named(value)
    if isinstance(value, Names):
        _require_shape(where, repr(value), value.shape, event)
        base, places = value.places()
        written = {n: at.astype(float) for n, at in places.items()}
    elif isinstance(value, Affine):
        base = _spread(where, "base", value.base, event)
        written = {n: _spread(where, n, d, event) for n, d in value.directions.items()}
    else:
        return None
    free = np.argwhere(np.isnan(base))
    alone = np.zeros((len(free), *event))
    for j, at in enumerate(free):
        alone[(j, *at)] = 1.0
    directions = np.concatenate([np.array(list(written.values())).reshape((-1, *event)), alone])
    names = [*written, *[None] * len(free)]
    base = np.where(np.isnan(base), 0.0, base)
    if not np.isfinite(base).all():
        raise ModelError(f"{where} = {value!r}; it needs finite numbers.", slot=declared.name)
    return Entries(declared, where, base, directions, names)


def _spread(where: str, part: str, value: Any, event: tuple[int, ...]) -> Array:
    """A base or a direction as an array of the event's shape; one number stands for all entries."""
    array = np.asarray(value, float)
    if array.ndim:
        _require_shape(where, f"affine(...), {part}", array.shape, event)
    return np.broadcast_to(array, event).copy()


def _require_shape(where: str, what: str, found: tuple[int, ...], event: tuple[int, ...]) -> None:
    if found != event:
        raise ModelError(f"{where} = {what} has shape {found}; it needs {event}.", slot=where.rpartition(".")[2])


def _require_independent(flat: Array, names: tuple[str | None, ...], where: str) -> None:
    """Raise a ModelError that names the directions of which a combination vanishes."""
    length = np.sqrt((flat**2).sum(1))
    left, size, _ = np.linalg.svd(flat / np.where(length > 0, length, 1.0)[:, None], full_matrices=False)
    if len(flat) <= flat.shape[1] and size.min(initial=1.0) > DEPENDENT:
        return
    if len(flat) > flat.shape[1]:
        text = f"{len(flat)} free numbers for {flat.shape[1]} entries"
    else:
        involved = np.flatnonzero(np.abs(left[:, -1]) > 1e-6)
        shown = [repr(names[j]) if names[j] else "an entry that is free by itself" for j in involved]
        text = f"the direction {shown[0]} is 0" if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
        text += "" if len(shown) == 1 else " depend linearly on one another"
    raise ModelError(
        f"{where}: {text}, so the free numbers are not determined. Leave directions out until none is a combination "
        "of the others.",
        slot=where.rpartition(".")[2],
    )
