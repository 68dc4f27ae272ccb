"""Where Baum-Welch begins: a first guess of the states of the rows, and of the moves between them."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.data import Sequences
from likely.numerics.soft import Array
from likely.structures.responsibilities import SURE, first_responsibilities, labelled

STICKY = (0.5, 0.98)  # between these the probability to stay begins, in half of the starts
SPREAD = 5.0  # strength of the noise about equal probabilities of the other moves
UNEVEN = 0.3  # standard deviation of the logarithm of the length of each phase of a chain that only moves forward


def first_states(model: Any, data: Sequences, weights: Array, rng: np.random.Generator, kind: str) -> Array:
    """(n, k, m): the state each row may come from, to begin with; weights (n, k) are those of rows."""
    if _forward_only(model):
        return labelled(_phases(data, weights.shape[1], model.size, rng), data.rows)
    return first_responsibilities(data.rows, weights, model.size, rng, kind)


def _forward_only(model: Any) -> bool:
    """Is every move to an earlier state known to be impossible? Then states are phases that follow one another."""
    slot = model.slots.get("transition")
    known = None if slot is None else slot.known
    if known is None:
        return False
    below = np.tril(np.ones((model.size, model.size), bool), -1)
    return model.size > 1 and bool((known.reshape(-1, model.size, model.size)[:, below] == 0).all())


def _phases(data: Sequences, k: int, m: int, rng: np.random.Generator) -> Array:
    """Every sequence cut into m stretches of about equal length."""
    begun = np.repeat(data.offsets[:-1], np.diff(data.offsets))
    place = (np.arange(len(data.rows)) - begun + 0.5) / np.repeat(np.diff(data.offsets), np.diff(data.offsets))
    r = np.full((len(data.rows), k, m), (1 - SURE) / m)
    for member in range(k):
        ends = np.exp(UNEVEN * rng.standard_normal(m)).cumsum()
        phase = np.minimum(np.searchsorted(ends / ends[-1], place), m - 1)
        r[np.arange(len(r)), member, phase] += SURE
    return r


def first_moves(r: Array, data: Sequences, weights: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Numbers of first states (k, m) and of moves (k m, m) to begin with: as guessed states have them, or sticky ones.

    Moves are never all alike, so that no two states are the same to EM: it would never tell them apart.
    """
    _, k, m = r.shape
    first = np.einsum("sk,skm->km", weights, r[data.offsets[:-1]]) + 1.0
    moves = np.empty((k, m, m))
    for i in range(k):
        moves[i] = _sticky(m, rng) if rng.random() < 0.5 else _counted(r[:, i], weights[:, i], data)
    return first, moves.reshape(k * m, m)


def _sticky(m: int, rng: np.random.Generator) -> Array:
    stay = rng.uniform(*STICKY)
    others = rng.dirichlet(np.full(m, SPREAD), m)
    return stay * np.eye(m) + (1 - stay) * others


def _counted(r: Array, weights: Array, data: Sequences) -> Array:
    """Moves between guessed states, and one of each kind besides."""
    inside = np.repeat(weights, np.diff(data.offsets))
    inside[data.offsets[:-1]] = 0.0
    return (r[:-1] * inside[1:, None]).T @ r[1:] + 1.0
