"""Draws from a state space: series with their states, and states given what was seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from likely.core.data import Sequences
from likely.numerics.soft import Array
from likely.structures.state_blocks import Blocks

CELLS = 2**22  # numbers of simulated states that are smoothed at a time


def root(covariance: Array) -> Array:
    """(m, m): F with F F' = covariance, which may be singular."""
    size, axes = np.linalg.eigh(covariance)
    return axes * np.sqrt(np.maximum(size, 0.0))


def walked(A: Array, moves: Array, offsets: Array) -> Array:
    """(n, m): x_t = A x_{t-1} + moves_t, and moves_t at the first rows of sequences; all sequences side by side."""
    x, lengths = np.array(moves, float), np.diff(offsets)
    longest_first = np.argsort(-lengths, kind="stable")
    starts, increasing = offsets[:-1][longest_first], np.sort(lengths)
    for t in range(1, int(lengths.max())):
        rows = starts[: len(starts) - int(np.searchsorted(increasing, t, side="right"))] + t
        x[rows] += x[rows - 1] @ A.T
    return x


def drawn(blocks: Blocks, u: Array | None, offsets: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """States (n, m) and rows (n, d) of sequences. Diffuse states begin at 0."""
    n, (d, m) = int(offsets[-1]), blocks.C.shape
    w, v = rng.standard_normal((n, m)), rng.standard_normal((n, d))
    moves, first = blocks.drift(u, n) + w @ root(blocks.Q).T, offsets[:-1]
    moves[first] = blocks.m0 + w[first] @ root(blocks.P0).T
    x = walked(blocks.A, moves, offsets)
    return x, x @ blocks.C.T + blocks.level(u, n) + v @ root(blocks.R).T


def paths(blocks: Blocks, mean: Array, data: Sequences, size: int, rng: np.random.Generator) -> Array:
    """(size, n, m): states given all rows, of which the mean (n, m) is known, by Durbin & Koopman (2002)."""
    n, m = mean.shape
    out, step = np.empty((size, n, m)), max(1, CELLS // max(1, n * m))
    for first in range(0, size, step):
        count = min(step, size - first)
        out[first : first + count] = mean + _deviations(blocks, data, count, rng)
    return out


def _deviations(blocks: Blocks, data: Sequences, count: int, rng: np.random.Generator) -> Array:
    """(count, n, m): draws of x - E(x | y), which do not depend on means, inputs, nor where a diffuse state begins."""
    from likely.numerics.kalman import Layout, Model, smooth

    (n, m), d = (len(data.rows), len(blocks.A)), len(blocks.C)
    offsets = np.append((data.offsets[:-1] + n * np.arange(count)[:, None]).ravel(), count * n)
    about_zero = replace(blocks, B=None, D=None, b=np.zeros(m), d=np.zeros(d), m0=np.zeros(m))
    x, y = drawn(about_zero, None, offsets, rng)
    y[np.tile(np.isnan(data.rows.x), (count, 1))] = np.nan
    model = Model(blocks.A, blocks.Q, blocks.C, blocks.R, np.zeros(m), blocks.P0, blocks.diffuse)
    found = smooth(model, y, None, offsets, Layout.of(~np.isnan(y), offsets))
    return (x - found.mean).reshape(count, n, m)
