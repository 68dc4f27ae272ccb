"""A pass over sequences in one go: compiled steps on many chains side by side, whatever the emissions are."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from likely.core.data import Sequences, Table
from likely.core.params import Params
from likely.core.posterior import Pass, Sweep
from likely.numerics.soft import Array
from likely.structures.chains import Each, below, blocks_of_rows, in_sequences, log_densities, seen

SHORT = 2**13  # states times numbers of rows below which compiled kernels are not worth it


def chain_sweep(model: Any, params: Params, record: Callable[..., Any]) -> Sweep:
    """A pass for one hidden Markov model whose moves are one matrix; `record` makes statistics of first states, ..."""
    in_stream, moves = model.emission.in_stream(params.emission), params.transition

    def one_go(data: Any, each: Each = map) -> Pass | None:
        data = in_sequences(data)
        if len(data.rows) * data.rows.d * model.size < SHORT:
            return None
        from likely.numerics.chain_stream import Stream

        stream = data.once(("stream", model.size), lambda: Stream(data.offsets, data.weights, model.size))
        direct = None if in_stream is None or data.rows.labels is not None else in_stream(data.rows, stream)
        for source in (direct, None):
            emission, told = source or _through_rows(model.emission, params.emission, data, stream, each)
            sums = stream.sweep(emission, params.initial[0], moves, each)
            if sums is None:
                return None
            stats = told(sums.emission)
            if stats is not None:
                return Pass(record(sums.start[None], sums.transitions, stats), sums.log_likelihood)
        return None

    return one_go


def _through_rows(family: Any, params: Params, data: Sequences, stream: Any, each: Each) -> tuple[Any, Any]:
    """Any emissions: log densities of all rows first, a block of rows at a time; in the end posteriors likewise."""
    rows = below(data)
    blocks = blocks_of_rows(rows, family.k)
    density = log_densities(family, params, rows, each)
    density = seen(density[:, None], data.rows.absent, data.rows.labels)[0][:, 0]

    def told(posteriors: Array) -> Any:
        def collect(block: tuple[slice, Table]) -> Any:
            rows, table = block
            inferred = family.infer(params, table) if family.hidden else None
            weights = posteriors[rows]
            absent = table.absent
            weights = weights if absent is None else np.where(absent[:, None], 0.0, weights)
            return family.collect(params, inferred, table, weights)

        return reduce(lambda a, b: a + b, each(collect, blocks))

    return stream.given(density), told
