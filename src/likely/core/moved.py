"""Models that differ from one another in a few of their numbers, side by side in one bank."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from likely.core.domains import Simplex
from likely.core.family import Family
from likely.core.params import Params
from likely.core.slot import REACHED, Slot
from likely.numerics.soft import Array

Index = tuple[int, ...]  # one entry of axes + event


def moved(family: Family, params: Params, changes: Mapping[str, Array]) -> tuple[Params, Array]:
    """Parameters of g models that are the given one but for some numbers, and which of them (g,) are possible.

    Parameters
    ----------
    family : Family      bound
    params : Params      of one model
    changes : dict       values (g,) by names as `likely.core.numbers` has them

    Notes
    -----
    What is tied to a number moves with it (members that share it, entries of the same name), entries of a simplex that
    are not named keep their proportions, and a covariance stays symmetric and keeps its structure. A model that is not
    possible has the given parameters.
    """
    models = len(next(iter(changes.values())))
    arrays: dict[str, Array] = {}
    possible = np.ones(models, bool)
    _move(family, params, "", changes, arrays, possible)
    return _chosen(family, params, "", arrays, possible), possible


def _move(
    family: Family, params: Params, path: str, changes: Mapping[str, Array], arrays: dict[str, Array], possible: Array
) -> None:
    """Fill `arrays` with the slots that change, (g, k) + event, by path; note what is not possible."""
    for name, slot in family.slots.items():
        found = {at: v for place, v in changes.items() if (at := _index(place, path + name)) is not None}
        if found:
            new = _slot(slot, params[name], found, len(possible))
            arrays[path + name] = new
            wrong = ~np.isfinite(new).reshape(len(new), -1).all(1)
            ok = np.where(wrong.reshape((-1,) + (1,) * (new.ndim - 1)), params[name], new)
            outside = slot.domain.outside(ok.reshape((-1, *slot.event)))
            possible &= ~wrong & ~outside.reshape(len(new), -1).any(1)
    for name, part in family.parts().items():
        _move(part, params[name], _into(path, name), changes, arrays, possible)


def _chosen(family: Family, params: Params, path: str, arrays: dict[str, Array], possible: Array) -> Params:
    """The parameters of all models, one after the other."""
    out = {}
    for name in family.slots:
        same = np.broadcast_to(params[name], (len(possible), *params[name].shape))
        new = arrays.get(path + name, same)
        out[name] = np.where(possible.reshape((-1,) + (1,) * (new.ndim - 1)), new, same).reshape((-1, *new.shape[2:]))
    for name, part in family.parts().items():
        out[name] = _chosen(part, params[name], _into(path, name), arrays, possible)
    return Params(**out)


def _into(path: str, part: str) -> str:
    """The path of what is in a part; alternatives are told by their number, as in `component[0].mean`."""
    return f"{path[:-1]}[{part}]." if part.isdigit() else f"{path}{part}."


def _index(place: str, slot: str) -> Index | None:
    """Which entry of a slot a name is about; None where it is about another slot."""
    if not place.startswith(slot) or re.fullmatch(r"(\[[\d, ]+\])*", place[len(slot) :]) is None:
        return None
    return tuple(map(int, re.findall(r"\d+", place[len(slot) :])))


def _slot(slot: Slot, value: Array, found: Mapping[Index, Array], models: int) -> Array:
    """(g, k) + event: the values of one slot with some entries changed; NaN where they cannot all be so at once."""
    full = np.repeat(value.reshape((1, *slot.sizes, *slot.event)), models, axis=0)
    named, axes = np.zeros(full.shape[1:], bool), len(slot.axes)
    for member in {at[:axes] for at in found}:
        at = [place[axes:] for place in found if place[:axes] == member]
        moves = slot.domain.moves(slot.event, at)
        shift = np.stack([found[member + e] - full[(slice(None), *member, *e)] for e in at], 1)
        tied = tuple(slice(None) if i in slot.ties else a for i, a in enumerate(member))
        moved_by = np.tensordot(shift, moves, 1)
        full[(slice(None), *tied)] += moved_by.reshape(models, *(1,) * len(slot.ties), *slot.event)
        named[tied] |= (moves != 0).any(0)
    if isinstance(slot.domain, Simplex):
        _rescale(slot, full, named)
    for at, values in found.items():
        near = REACHED * (np.abs(values) + np.abs(value.reshape(full.shape[1:])[at]))
        full[~(np.abs(full[(slice(None), *at)] - values) <= near)] = np.nan
    return full.reshape((models, slot.k, *slot.event))


def _rescale(slot: Slot, full: Array, named: Array) -> None:
    """The entries of a simplex that are neither named nor known share what is left as they did."""
    touched = named.any(-1, keepdims=True)
    loose = touched & ~named
    if slot.known is not None:
        loose &= np.isnan(slot.known).reshape(named.shape)
    left = 1 - np.where(loose, 0.0, full).sum(-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        full[:] = np.where(loose, full / np.where(loose, full, 0.0).sum(-1, keepdims=True) * left, full)
