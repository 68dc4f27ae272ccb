"""Where a fit of a nonlinear state space begins when nobody says so."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.data import Sequences
from likely.core.params import Params
from likely.errors import ModelError
from likely.numerics.soft import Array
from likely.structures.noise import Noise
from likely.structures.nonlinear_hidden import Hidden

TRIES = 20  # draws from which the functions may lead out of all numbers
SLOW = 0.9  # how much of a state is left after a row, where f is a linear part beside bumps


def first_params(family: Any, data: Sequences, weights: Array, rng: np.random.Generator) -> Params:
    """Parameters at which all sequences have a likelihood: see the notes of `NonlinearStateSpace`.

    Raises
    ------
    ModelError      none were found
    """
    for _ in range(TRIES):
        params = _drawn(family, data, weights, rng)
        if np.isfinite(Hidden.of(family, params, data).log_prob).all():
            return params
    raise ModelError(
        f"in {TRIES} draws of theta none was found from which f and h stay finite on all rows. Say where to begin: "
        "fit(..., start=NonlinearStateSpace(...)) with every slot filled."
    )


def _drawn(family: Any, data: Sequences, weights: Array, rng: np.random.Generator) -> Params:
    k, m = family.k, family.size
    spread = _variances(data, weights)
    begin = {"m0": np.zeros((k, m)), "P0": np.tile(np.eye(m), (k, 1, 1)), "Q": np.tile(np.eye(m), (k, 1, 1))}
    begin["R"] = 0.5 * spread[:, :, None] * np.eye(spread.shape[1])
    if "theta" in family.slots:
        begin["theta"] = rng.normal(size=(k, family.count))
    if "A" in family.slots:
        event = family.slots["A"].event
        begin["A"] = 0.1 * rng.normal(size=(k, *event))
        bumps = family.f.count if hasattr(family.f, "centres") else 0
        width = min(m, event[1] - bumps)
        begin["A"][:, np.arange(width), bumps + np.arange(width)] += SLOW
    if "C" in family.slots:
        begin["C"] = np.sqrt(spread)[:, :, None] * rng.normal(size=(k, *family.slots["C"].event))
    return Params(**{n: _allowed(slot, begin[n]) for n, slot in family.slots.items()})


def _allowed(slot: Any, value: Array) -> Array:
    """With what is known, tied, of a structure, or drawn to a prior."""
    if slot.fixed:
        return slot.known
    if slot.prior is not None and not isinstance(slot.domain, Noise):
        value = slot.prior.known_params().mean.reshape(value.shape) + slot.offsets
    if isinstance(slot.domain, Noise):
        value = slot.domain.restrict(value)
    return slot.settle(slot.spread(slot.one(value - slot.offsets)) + slot.offsets)


def _variances(data: Sequences, weights: Array) -> Array:
    """(k, d) of the columns, missing values left out; 1 where they say nothing."""
    x, w = data.rows.x, weights[data.owner]
    seen = ~np.isnan(x)
    mass = np.einsum("nk,nd->kd", w, seen.astype(float))
    safe = np.where(mass > 0, mass, 1.0)
    mean = np.einsum("nk,nd->kd", w, np.where(seen, x, 0.0)) / safe
    off = np.where(seen[:, None], x[:, None] - mean, 0.0)
    variance = np.einsum("nk,nkd->kd", w, off**2) / safe
    return np.where(variance > 0, variance, 1.0)
