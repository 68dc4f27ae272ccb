"""Which numbers of a fit the likelihood is smooth in: those at an edge, or that end where the data ends, are not."""

from __future__ import annotations

import numpy as np

from likely.core.family import Family
from likely.core.params import Params
from likely.numerics.soft import Array


def regular(family: Family, params: Params) -> Array:
    """Which coordinates are not ends of the data."""
    own = [
        np.full(slot.size(params[name]), name not in family.nonregular)
        for name, slot in family.slots.items()
        if not slot.fixed
    ]
    return np.concatenate([*own, *(regular(part, params[n]) for n, part in family.parts().items()), np.zeros(0, bool)])


def has_priors(family: Family) -> bool:
    """Is there a prior in any slot, here or below?"""
    own = any(slot.prior is not None for slot in family.slots.values())
    return own or any(has_priors(part) for part in family.parts().values())


def boundary(family: Family, params: Params) -> tuple[str, ...]:
    """Names of estimated numbers at an edge: probabilities 0 and 1, a rate of 0, an infinite size, ends of a range."""
    found = []
    for name, slot in family.slots.items():
        if slot.fixed:
            continue
        free = np.ones(slot.k, bool) if slot.known is None else np.isnan(slot.known)
        at_edge = slot.domain.at_edge(params[name]) & free.reshape(
            free.shape + (1,) * (1 + len(slot.event) - free.ndim)
        )
        at_edge &= slot.domain.told(slot.event)
        if name in family.nonregular or at_edge.any():
            found.append(name)
    for name, part in family.parts().items():
        found += [f"{name}.{n}" for n in boundary(part, params[name])]
    return tuple(found)
