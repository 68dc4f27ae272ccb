"""Where EM begins: responsibilities from a spread of seeds."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.data import Table
from likely.numerics.soft import Array

JITTER = 0.5  # standard deviation of the logarithm of each column's scale
SURE = 0.95  # how much of a row goes to its nearest seed; the rest is spread so that no component starts empty


def first_responsibilities(data: Any, weights: Array, m: int, rng: np.random.Generator) -> Array:
    """(n, k, m): every row mostly with the nearest of m seeds; known labels win.

    Seeds are spread by k-means++ (Arthur & Vassilvitskii 2007) in standardised columns whose scales are jittered, so
    that starts differ in what they find similar. Every outer member k gets seeds of its own.
    """
    r = np.full((len(data), weights.shape[1], m), (1 - SURE) / m)
    jitter = np.exp(JITTER * rng.standard_normal(features(data, 0).shape[1]))
    for member, w in enumerate(weights.T):
        points = features(data, member) * jitter
        nearest = _distance(points, points[spread_seeds(points, w, m, rng)]).argmin(1)
        r[np.arange(len(points)), member, nearest] += SURE
    if data.labels is not None:
        known = data.labels >= 0
        r[known] = (data.labels[known, None] == np.arange(m))[:, None, :]
    return r


def features(data: Any, member: int) -> Array:
    """(n, f): standardised columns and covariates; text columns as indicators."""
    if data.rows.x.ndim == 3:  # every member looks at points of its own
        return data.once(("features", member), lambda: _features(data.rows, data.rows.x[:, member]))
    return data.once("features", lambda: _features(data.rows, data.rows.x))


def _features(rows: Table, x: Array) -> Array:
    columns = []
    for j in range(rows.d):
        if rows.text and rows.text[j]:
            columns.append(x[:, j : j + 1] == np.unique(x[:, j]))
        else:
            columns.append(x[:, j : j + 1])
    if rows.given is not None:
        columns.append(rows.given)
    out = np.concatenate(columns, 1).astype(float)
    out -= out.mean(0)
    scale = np.sqrt((out**2).mean(0))
    return out / np.where(scale > 0, scale, 1.0)


def spread_seeds(points: Array, weights: Array, m: int, rng: np.random.Generator) -> Array:
    """(m,) rows, each drawn in proportion to weight times squared distance from those already drawn."""
    draw = weights / weights.sum() if weights.sum() > 0 else np.full(len(points), 1 / len(points))
    seeds = [rng.choice(len(points), p=draw)]
    near = np.full(len(points), np.inf)
    for _ in range(m - 1):
        near = np.minimum(near, _distance(points, points[seeds[-1:]])[:, 0])
        odds = draw * near
        seeds.append(rng.choice(len(points), p=odds / odds.sum() if odds.sum() > 0 else draw))
    return np.array(seeds)


def _distance(points: Array, centres: Array) -> Array:
    """(n, m) squared distances."""
    return np.stack([((points - c) ** 2).sum(1) for c in centres], 1)
