"""Sequences drawn from a nonlinear state space."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.data import Sequences
from likely.core.params import Params
from likely.numerics.extended import Rectangle, root
from likely.numerics.soft import Array


def walk(family: Any, params: Params, members: Array, data: Sequences, rng: np.random.Generator) -> tuple[Array, Array]:
    """Rows (n, d) and states (n, m) of sequences, each of its member of the bank."""
    d, m = params.R.shape[1], family.size
    n = len(data.rows)
    given = data.rows.given if data.rows.p else None
    rows = Rectangle.of(np.zeros((n, d)), given, data.offsets)
    y, z = np.empty((n, d)), np.empty((n, m))
    own = members[rows.order]
    first, moved, shown = (root(params[name])[own] for name in ("P0", "Q", "R"))
    each = Params(**{name: params[name][own] for name in params})
    move, look = (side.function(each) for side in family.sides)
    state = params.m0[own] + (first @ rng.normal(size=(len(own), m, 1)))[..., 0]
    for t, on in enumerate(rows.active):
        u = None if rows.u is None else rows.u[t][:, None]
        if t:
            # functions know the sequences as members, all of them: those that have ended go on unseen
            state = move.value(state[:, None], u)[:, 0] + (moved @ rng.normal(size=(len(own), m, 1)))[..., 0]
        row = look.value(state[:, None], u)[:, 0] + (shown @ rng.normal(size=(len(own), d, 1)))[..., 0]
        at = rows.rows[t, :on]
        y[at], z[at] = row[:on], state[:on]
    return y, z
