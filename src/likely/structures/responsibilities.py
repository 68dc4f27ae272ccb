"""Where EM begins: responsibilities from a spread of seeds, or at random."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from likely.core.data import Table
from likely.numerics.soft import Array

KINDS = ("k-means++", "random")  # the first is the default
JITTER = 0.5  # standard deviation of the logarithm of each column's scale
PLAIN = 0.25  # the chance that a start spreads its seeds without greed, which would take every outlier for a cluster
LLOYD = 15  # steps of k-means from the seeds, in half of the starts: good for round clusters, bad for all others
SURE = 0.95  # how much of a row goes to its nearest seed; the rest is spread so that no component starts empty


def first_responsibilities(data: Any, weights: Array, m: int, rng: np.random.Generator, kind: str = KINDS[0]) -> Array:
    """(n, k, m): where each row may come from, to begin with; known labels win. Every outer member has its own.

    "k-means++" gives every row mostly to the nearest of m seeds, spread in standardised columns. Half of all starts go
    on to clusters by k-means; for the others the scales of the columns are jittered, so that starts differ in what they
    find similar. "random" gives every row mostly to a component drawn at random: all components begin much alike.
    """
    n, k = weights.shape
    chosen = rng.integers(m, size=(n, k)) if kind == "random" else np.stack(nearest_seeds(data, weights, m, rng), 1)
    r = np.full((n, k, m), (1 - SURE) / m)
    r[np.arange(n)[:, None], np.arange(k), chosen] += SURE
    return labelled(r, data)


def labelled(r: Array, data: Any) -> Array:
    """Responsibilities (n, k, m) as known labels have them."""
    if data.labels is not None:
        known = data.labels >= 0
        r[known] = (data.labels[known, None] == np.arange(r.shape[2]))[:, None, :]
    return r


def nearest_seeds(data: Any, weights: Array, m: int, rng: np.random.Generator) -> list[Array]:
    """(n,) for each outer member: which of its m seeds is the nearest."""
    out = []
    for member, w in enumerate(weights.T):
        points = features(data, member)
        clusters = rng.random() < 0.5
        if not clusters:
            points = points * np.exp(JITTER * rng.standard_normal(points.shape[1]))
        nearest = spread_seeds(points, w, m, rng)[1]
        out.append(_lloyd(points, w, nearest, m) if clusters else nearest)
    return out


def _lloyd(points: Array, weights: Array, nearest: Array, m: int) -> Array:
    """(n,): the cluster of each row after some steps of k-means from others."""
    for _ in range(LLOYD):
        each = (nearest == np.arange(m)[:, None]) * weights
        total = each.sum(1, keepdims=True)
        centres = each @ points / np.where(total > 0, total, 1.0)
        away = (centres**2).sum(1) - 2 * points @ centres.T
        before, nearest = nearest, np.where(total[:, 0] > 0, away, np.inf).argmin(1)
        if (nearest == before).all():
            break
    return nearest


def features(data: Any, member: int) -> Array:
    """(n, f): standardised columns and covariates of each item; text columns as indicators."""
    if data.rows.x.ndim == 3:  # every member looks at points of its own
        return data.once(("features", member), lambda: _features(data, data.rows.x[:, member]))
    return data.once("features", lambda: _features(data, data.rows.x))


def _features(data: Any, x: Array) -> Array:
    rows = _of_rows(data.rows, x)
    return rows if isinstance(data, Table) else _standard(_of_sequences(rows, data.offsets))


def _of_sequences(rows: Array, offsets: Array) -> Array:
    """Means over each sequence of its rows' features, of their squares, and of products with the row before."""
    lagged = np.zeros_like(rows)
    lagged[1:] = rows[1:] * rows[:-1]
    lagged[offsets[:-1]] = 0.0
    lengths = np.diff(offsets)[:, None]
    return np.concatenate([np.add.reduceat(f, offsets[:-1]) / lengths for f in (rows, rows**2, lagged)], 1)


def _of_rows(rows: Table, x: Array) -> Array:
    columns = []
    for j in range(rows.d):
        if rows.text and rows.text[j]:
            columns.append(x[:, j : j + 1] == np.unique(x[:, j]))
        else:
            columns.append(_bounded(x[:, j : j + 1]))
    if rows.given is not None:
        columns.append(rows.given)
    return _standard(np.concatenate(columns, 1).astype(float))


def _standard(out: Array) -> Array:
    """Columns of mean 0 and variance 1; constant ones are 0."""
    out = out - out.mean(0)
    scale = np.sqrt((out**2).mean(0))
    return out / np.where(scale > 0, scale, 1.0)


def _bounded(column: Array) -> Array:
    """A column whose infinite ends of intervals stand where its finite values end, and missing values at its mean."""
    finite = np.isfinite(column)
    if finite.all():
        return column
    if (gone := np.isnan(column)).any():
        return _bounded(np.where(gone, column[finite].mean() if finite.any() else 0.0, column))
    return np.clip(column, column[finite].min(), column[finite].max()) if finite.any() else np.zeros_like(column)


def spread_seeds(points: Array, weights: Array, m: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Rows (m,) to begin from, and which of them is the nearest (n,) to each row, by k-means++.

    Rows are drawn in proportion to weight times squared distance from the seeds so far. Mostly with greed: of a few
    drawn, the one is taken that leaves the smallest sum of those products (Arthur & Vassilvitskii 2007, section 7).
    """
    draw = weights if weights.sum() > 0 else np.ones(len(points))
    tries = 1 if rng.random() < PLAIN else 2 + int(math.log(m))
    seeds, near, nearest = [], np.full(len(points), np.inf), np.zeros(len(points), int)
    lengths = np.einsum("nf,nf->n", points, points)
    for i in range(m):
        odds = draw * near if i else draw
        candidates = _drawn(odds if odds.any() else draw, tries if i else 1, rng)
        away = lengths[candidates, None] - 2 * points[candidates] @ points.T + lengths
        left = np.minimum(near, np.maximum(away, 0.0))
        best = int((left @ draw).argmin())
        nearest[left[best] < near] = i
        near = left[best]
        seeds.append(candidates[best])
    return np.array(seeds), nearest


def _drawn(odds: Array, times: int, rng: np.random.Generator) -> Array:
    """Rows drawn in proportion to odds."""
    steps = odds.cumsum()
    return np.minimum(np.searchsorted(steps, rng.random(times) * steps[-1], "right"), len(odds) - 1)
