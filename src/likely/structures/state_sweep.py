"""A pass over few sequences of complete rows in one compiled call."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.data import Sequences
from likely.core.params import Params
from likely.core.posterior import Pass, Sweep
from likely.families.gaussian import LOG_2PI
from likely.structures.chains import in_sequences
from likely.structures.state_sums import Member, flat, statistics
from likely.structures.state_tracked import equations, layout_of


def state_sweep(model: Any, params: Params) -> Sweep:
    """A pass for one state space whose first states are not diffuse."""
    params, there = model.beginning.possible(params)
    possible = there is None or bool(there.all())

    def one_go(data: Any, _each: Any = map) -> Pass | None:
        data = in_sequences(data)
        if not possible or not data.once("few", lambda: _few_and_complete(data)):
            return None
        from likely.numerics.kalman_pass import whole_pass  # compiled: imported when a series is passed over
        from likely.numerics.kalman_work import Work

        layout = layout_of(data)
        work = Work(*equations(params, 0, data), data.offsets, layout)
        part = Member(model, params, 0, work.mean, layout, data, None)
        room = part.room()
        done = whole_pass(work, part.numbers, flat(data.rows.x), flat(part.u), part.p, room.flat)
        if done is None:
            return None
        weights, total = done
        moved, shown, began = room.records(weights)
        log_likelihood = -0.5 * (data.rows.x.size * LOG_2PI + total)
        return Pass(statistics([part], [(moved, [shown], began)]), log_likelihood)

    return one_go


def _few_and_complete(data: Sequences) -> bool:
    """Not more sequences than are worked out one by one, of equal weight; nothing is missing or known of the states."""
    from likely.numerics.kalman_pass import FEWER

    rows = data.rows
    plain = data.weights is None and rows.labels is None and rows.x.dtype == np.float64
    return plain and len(data) < FEWER and layout_of(data).complete
