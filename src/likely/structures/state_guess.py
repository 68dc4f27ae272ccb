"""Where Kalman EM begins: states guessed from stretches of rows, or blocks of a plain size where much is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likely.core.data import Sequences
from likely.core.params import Params
from likely.errors import Degenerate
from likely.numerics.soft import Array
from likely.structures.state_stationary import radius
from likely.structures.state_sums import summed
from likely.structures.state_tracked import layout_of

if TYPE_CHECKING:
    from likely.numerics.kalman import Blur

STAY = (0.3, 0.95)  # between these the diagonal of a free A begins
MOVING, SHOWING = 0.1, 0.5  # shares of the rows' variance that the two noises begin with
UNSURE = 0.1  # variance of a guessed state, in units of the states'
BESIDE = 0.5  # what is free in a row without noise, in units of what is known there
MOST = 20_000  # rows from which states are guessed
STEADY = 0.98  # the largest eigenvalue to begin with


def first_params(model: Any, data: Sequences, weights: Array, rng: np.random.Generator) -> Params:
    """Parameters of a bound model to begin from; weights (S, k)."""
    begin = _plain(model, data, weights, rng)
    free = all(model.slots[n].known is None and not hasattr(model.slots[n].domain, "coordinates") for n in "AC")
    if not free or data.lengths.max() < 2 * _stretch(model, data):
        return begin
    states = [_guessed(model, data, weights[:, i], rng) for i in range(model.k)]
    layout = layout_of(data)
    guesses = [_Guess(x, data, layout) for x in states]
    try:
        return model.maximize(summed(model, begin, guesses, layout, data, weights), begin)
    except (Degenerate, np.linalg.LinAlgError):
        return begin


def _plain(model: Any, data: Sequences, weights: Array, rng: np.random.Generator) -> Params:
    """Blocks of a plain size, jittered, within what the slots allow."""
    k, m = model.k, model.size
    mean, variance = _columns(data, weights)
    slots, d = model.slots, mean.shape[1]
    sd = np.sqrt(variance.mean(1))[:, None, None]
    values = {
        "A": rng.uniform(*STAY, (k, m, 1)) * np.eye(m) + 0.05 * rng.standard_normal((k, m, m)),
        "C": sd * rng.standard_normal((k, d, m)), "b": np.zeros((k, m)), "d": mean, "m0": np.zeros((k, m)),
        "B": np.zeros((k, m, model.setting.dims["p"])), "D": np.zeros((k, d, model.setting.dims["p"])),
    }  # fmt: skip
    if model.showing.held:
        largest = np.abs(np.nan_to_num(slots["C"].nearest(np.zeros((k, d, m))))).max(2, keepdims=True)
        values["C"] *= np.where(largest > 0, BESIDE * largest / sd, 1.0)
    out = {n: slots[n].nearest(v) for n, v in values.items() if n in slots}
    shown = np.einsum("kdm,kdm->k", out["C"], out["C"]) / (d * m)
    size = variance.mean(1) / np.where(shown > 0, shown, 1.0) * np.exp(rng.standard_normal(k))
    eye = np.broadcast_to(np.eye(m), (k, m, m))
    out["Q"] = slots["Q"].nearest(MOVING * size[:, None, None] * eye)
    share = SHOWING * np.exp(0.5 * rng.standard_normal(k))
    out["R"] = slots["R"].nearest(share[:, None, None] * variance[:, :, None] * np.eye(d))
    if "P0" in slots:
        out["P0"] = slots["P0"].nearest(size[:, None, None] * eye)
        if slots["m0"].known is None:
            out["m0"] = slots["m0"].nearest(_first_level(out["C"], mean - out["d"]))
    out["A"] = _steady(slots["A"], out["A"], model.beginning.flat(m))
    return model.beginning.begun(Params(**{n: np.ascontiguousarray(v) for n, v in out.items()}))


def _first_level(C: Array, level: Array) -> Array:
    """(k, m): states that show what is left of the level of the columns."""
    return np.stack([np.linalg.lstsq(one, away, rcond=None)[0] for one, away in zip(C, level, strict=True)])


def _steady(slot: Any, A: Array, flat: Array) -> Array:
    """Free moves shrunk until the states do not run away, where that is in their power.

    Where some states (m,) are diffuse and others not, it is these others: a level among the diffuse ones never rests.
    """
    own = np.flatnonzero(~flat | flat.all())
    for _ in range(50):
        far = radius(A[:, own[:, None], own]) > STEADY
        if slot.fixed or not far.any():
            break
        A = slot.nearest(np.where(far[:, None, None], 0.8 * A, A))
    return A


def _columns(data: Sequences, weights: Array) -> tuple[Array, Array]:
    """(k, d): means and variances of what was observed in each column."""
    x, w = data.rows.x, weights[data.owner]
    there = ~np.isnan(x)
    total = w.T @ there
    safe = np.where(total > 0, total, 1.0)
    mean = w.T @ np.where(there, x, 0.0) / safe
    square = np.stack([w[:, i] @ np.where(there, (x - mean[i]) ** 2, 0.0) for i in range(w.shape[1])]) / safe
    largest = square.max(1, keepdims=True)
    return mean, np.where(square > 1e-12 * largest, square, np.where(largest > 0, largest, 1.0))


def _stretch(model: Any, data: Sequences) -> int:
    """How many rows side by side show as much as there are states."""
    return -(-model.size // data.rows.d) + 1


def _guessed(model: Any, data: Sequences, weights: Array, rng: np.random.Generator) -> Array:
    """(n, m): states of unit variance: principal components of stretches of rows, and random ones where these end."""
    h, x = _stretch(model, data) + int(rng.integers(3)), data.rows.x
    mean, variance = _columns(data, weights[:, None])
    z = np.where(np.isnan(x), 0.0, (x - mean) / np.sqrt(variance))
    if data.rows.given is not None:
        u = np.column_stack([data.rows.given, np.ones(len(z))])
        z = z - u @ np.linalg.lstsq(u, z, rcond=None)[0]
    ends = np.repeat(data.offsets[1:], data.lengths) - 1
    at = np.arange(len(x))
    stretches = np.concatenate([z[np.minimum(at + j, ends)] for j in range(h)], 1)
    some = rng.choice(len(x), MOST, replace=False) if len(x) > MOST else at
    w = np.sqrt(weights[data.owner][some])[:, None]
    _, size, across = np.linalg.svd(w * stretches[some], full_matrices=False)
    m = model.size
    seen = int((size[:m] > 1e-8 * size[0]).sum())
    states = rng.standard_normal((len(x), m))
    states[:, :seen] = stretches @ (across[:seen].T / size[:seen]) * np.sqrt((w**2).sum())
    turn = np.linalg.qr(np.eye(m) + 0.3 * rng.standard_normal((m, m)))[0]
    return states @ turn


class _Guess:
    """Guessed states in place of smoothed ones: each as uncertain as the next."""

    def __init__(self, mean: Array, data: Sequences, layout: Any):
        self.mean, self.data, self.layout = mean, data, layout

    def blur(self, weights: Array) -> Blur:
        from likely.numerics.kalman import Blur

        one = UNSURE * np.eye(self.mean.shape[1])
        moves = float(weights @ (self.data.lengths - 1))
        rows = np.bincount(self.layout.pattern, weights[self.data.owner], minlength=len(self.layout.patterns))
        return Blur(moves * one, moves * one, 0 * one, weights.sum() * one, rows[:, None, None] * one)
