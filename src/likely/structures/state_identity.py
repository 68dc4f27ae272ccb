"""Which free values of a state space the data cannot tell apart: states in another basis, or about another origin."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.params import Params
from likely.core.slot import Slot
from likely.errors import ModelError
from likely.numerics.soft import Array
from likely.structures.state_beginning import PartlyDiffuse

STEP, NONE = 1e-5, 1e-7  # of differences; of the largest singular value: one that is 0
ROUNDS = 5  # of bringing rows and columns to a common size
UNDETERMINED = "the states are determined only up to a basis"


def redundant(model: Any) -> int:
    """How many of the free values of a bound model say nothing about rows.

    A new basis M = I + E and origin c of the states, x' = M x + c, move A by E A - A E, C by -C E, Q by E Q + Q E', b
    by E b + (I - A) c, d by -C c and so on. The (E, c) whose moves the slots allow are counted, at a random place:
    there are m^2 where A, C and Q are free.
    """
    rng = np.random.default_rng(0)
    return len(_coordinates(model, {n: s.somewhere(rng) for n, s in model.slots.items()}))


def neutral(model: Any, params: Params) -> Array:
    """(r, p): the same moves at some parameters, in free coordinates and of length 1."""
    return _coordinates(model, {n: params[n] for n in model.slots})


def _coordinates(model: Any, place: dict[str, Array]) -> Array:
    """(r, p): the moves of free coordinates that are those of a new basis or origin."""
    slots: dict[str, Slot] = model.slots
    across, moves = {n: _across(s, place[n]) for n, s in slots.items()}, _moves(place)
    allowed = _allowed(model, across, moves, started=True)
    each = [np.linalg.lstsq(across[n], moves[n] @ allowed.T, rcond=None)[0] for n, s in slots.items() if not s.fixed]
    found = np.concatenate([*each, np.zeros((0, len(allowed)))]).T
    _, size, along = np.linalg.svd(found, full_matrices=False)
    return along[size > NONE * size.max(initial=0.0)]


def _allowed(model: Any, across: dict[str, Array], moves: dict[str, Array], *, started: bool) -> Array:
    """(r, k (m^2 + m)): the moves of basis and origin that the slots allow, and the start where that counts."""
    rows, columns = _sizes(np.concatenate([*moves.values()]))
    refused, at = [_of_the_start(model, len(columns)) * columns] if started else [], 0
    for n, slot in model.slots.items():
        own = rows[at : at + len(moves[n])]
        at += len(own)
        move = moves[n] * own[:, None] * columns
        known = slot.fixed or slot.prior is not None  # a prior knows one basis from another
        refused.append(move if known else _outside(move, across[n] * own[:, None]))
    return _null_space(np.concatenate(refused)) * columns


def check_volume(model: Any) -> None:
    """Raise a ModelError where a diffuse start is beside states whose size nothing fixes.

    Its density is flat, so larger states make any data more likely: there would be no maximum.
    """
    diffuse = model.beginning.flat(model.size)
    if not diffuse.any():
        return
    rng = np.random.default_rng(0)
    place = {n: s.somewhere(rng) for n, s in model.slots.items()}
    across = {n: _across(s, place[n]) for n, s in model.slots.items()}
    growth = np.tile(np.concatenate([np.diag(diffuse).ravel(), np.zeros(model.size)]), model.k)
    allowed = _allowed(model, across, _moves(place), started=False)
    if np.abs(allowed @ growth).max(initial=0.0) > NONE * np.abs(allowed).max(initial=0.0):
        raise ModelError(
            "StateSpace: the start is diffuse, and nothing fixes the size of the states: the larger they are, the more "
            "likely is any data. Write values in C (or in A and Q) that fix it, or another P0: leave it out, or "
            '"stationary".',
            slot="P0",
        )


def _moves(place: dict[str, Array]) -> dict[str, Array]:
    """By block (entries, k (m^2 + m)): how it changes with each entry of E and of c, member by member."""
    k, m, _ = place["A"].shape
    units = np.eye(m * m + m)
    each: dict[str, list[Array]] = {n: [] for n in place}
    for i in range(k):
        member = {n: v[i] for n, v in place.items()}
        for unit in units:
            E, c = unit[: m * m].reshape(m, m), unit[m * m :]
            for n, v in place.items():
                out = np.zeros(v.shape)
                out[i] = _moved(n, v[i], E, c, member)
                each[n].append(out.ravel())
    return {n: np.stack(columns, 1) for n, columns in each.items()}


def _moved(name: str, value: Array, E: Array, c: Array, place: dict[str, Array]) -> Array:
    """How a block changes with the basis and the origin of the states."""
    match name:
        case "A":
            return E @ value - value @ E
        case "B":
            return E @ value
        case "b":
            return E @ value + c - place["A"] @ c
        case "C":
            return -value @ E
        case "d":
            return -place["C"] @ c
        case "m0":
            return E @ value + c
        case "Q" | "P0":
            return E @ value + value @ E.T
    return np.zeros_like(value)  # D and R are what they are in any basis


def _of_the_start(model: Any, moves: int) -> Array:
    """(conditions, moves): what a diffuse start, which is in no slot, refuses.

    Its density is flat in the directions of the diffuse states: these stay what they are, a change of their volume
    changes the density, and what is known of the other first states stays known. (Stationary ones are so in any basis.)
    """
    k, m, start = model.k, model.size, model.beginning
    diffuse = start.flat(m)
    if not diffuse.any():
        return np.zeros((0, moves))
    conditions = []
    for unit in np.eye(m * m + m):
        E, c = unit[: m * m].reshape(m, m), unit[m * m :]
        each = [np.trace(E[np.ix_(diffuse, diffuse)]), *E[np.ix_(~diffuse, diffuse)].ravel()]
        if isinstance(start, PartlyDiffuse):
            P0 = np.where(np.isinf(start.P0), 0.0, start.P0)
            each += [*(E @ start.m0 + c)[~diffuse], *(E @ P0 + P0 @ E.T)[np.ix_(~diffuse, ~diffuse)].ravel()]
        conditions.append(each)
    return np.kron(np.eye(k), np.transpose(conditions))


def _across(slot: Slot, place: Array) -> Array:
    """(entries, u): how the values of a slot move with its free coordinates."""
    u = np.zeros(0) if slot.fixed else slot.to_free(place)
    out = np.zeros((place.size, len(u)))
    for j in np.flatnonzero(np.isfinite(u)):
        e = np.where(np.arange(len(u)) == j, STEP * max(1.0, abs(u[j])), 0.0)
        change = slot.from_free(u + e, place)[0] - slot.from_free(u - e, place)[0]
        out[:, j] = change.ravel() / (2 * e[j])
    return out


def _sizes(moves: Array) -> tuple[Array, Array]:
    """Factors of rows and columns that bring both to a common size, whatever the units of states and data."""
    rows, columns = np.ones(len(moves)), np.ones(moves.shape[1])
    for _ in range(ROUNDS):
        for axis, factors in ((1, rows), (0, columns)):
            length = np.abs(moves * rows[:, None] * columns).max(axis)
            factors /= np.where(length > 0, length, 1.0)
    return rows, columns


def _outside(move: Array, across: Array) -> Array:
    """What is left of moves of values after the nearest ones that free coordinates can make."""
    length = np.sqrt((across**2).sum(0))
    axes, size, _ = np.linalg.svd(across[:, length > 0] / length[length > 0], full_matrices=False)
    axes = axes[:, size > NONE * size.max(initial=0.0)]
    return move - axes @ (axes.T @ move)


def _null_space(refused: Array) -> Array:
    """(r, moves): the combinations of which nothing is left."""
    triangle = np.linalg.qr(refused, mode="r") if len(refused) > refused.shape[1] else refused
    _, size, across = np.linalg.svd(triangle)
    return across[int((size > NONE * max(1.0, size.max(initial=0.0))).sum()) :]
