"""A pass over sequences of complete rows in one compiled call for each piece of them."""

from __future__ import annotations

from functools import cache, reduce
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np

from likely.core.data import Sequences
from likely.core.params import Params
from likely.core.posterior import Pass, Sweep
from likely.families.gaussian import LOG_2PI
from likely.structures.chains import Each, in_sequences
from likely.structures.state_sums import Member, flat, statistics
from likely.structures.state_tracked import equations, layout_of

PIECE, PIECES = 2**15, 8  # rows of a piece at least, and so many at most, for threads to share


def state_sweep(model: Any, params: Params) -> Sweep:
    """A pass for one state space whose first states are not diffuse."""
    params, there = model.beginning.possible(params)
    possible = there is None or bool(there.all())

    def one_go(data: Any, each: Each = map) -> Pass | None:
        data = in_sequences(data)
        if not possible or not data.once("complete", lambda: _complete(data)):
            return None
        passes = each(lambda piece: _passed(model, params, piece), data.once("pieces", lambda: _pieces(data)))
        return reduce(_merged, passes)

    return one_go


def _complete(data: Sequences) -> bool:
    """Are there sequences of equal weight, of which nothing is missing and no state is known?"""
    rows = data.rows
    return data.weights is None and rows.labels is None and rows.x.dtype == np.float64 and layout_of(data).complete


def _pieces(data: Sequences) -> list[Sequences]:
    """The data cut where sequences begin: never by the number of threads."""
    n = len(data.rows)
    count = max(min(PIECES, n // PIECE), 1)
    if count == 1:
        return [data]
    ends = np.unique(np.searchsorted(data.offsets, [n * i // count for i in range(count + 1)]))
    return [data.take(slice(a, b)) for a, b in pairwise(ends.tolist())]


def _passed(model: Any, params: Params, data: Sequences) -> Pass | None:
    layout, kalman = layout_of(data), _kalman()
    work = kalman.Work(*equations(params, 0, data), data.offsets, layout)
    part = Member(model, params, 0, work.mean, layout, data, None)
    room = part.room()
    done = kalman.whole_pass(work, part.numbers, flat(data.rows.x), flat(part.u), part.p, room.flat)
    if done is None:
        return None
    weights, total = done
    moved, shown, began = room.records(weights)
    log_likelihood = -0.5 * (data.rows.x.size * LOG_2PI + total)
    return Pass(statistics([part], [(moved, [shown], began)]), log_likelihood)


@cache
def _kalman() -> Any:
    """The compiled pass; imported when a series is first passed over."""
    return import_module("likely.numerics.kalman_pass")


def _merged(a: Pass | None, b: Pass | None) -> Pass | None:
    return None if a is None or b is None else Pass(a.stats + b.stats, a.log_likelihood + b.log_likelihood)
