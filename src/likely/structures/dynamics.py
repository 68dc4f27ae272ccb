"""How a hidden chain goes on: what a hidden Markov model asks of its moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from likely.core.data import Sequences
from likely.core.params import Params
from likely.core.slot import Slot
from likely.numerics import special
from likely.numerics.soft import Array, safe_log
from likely.structures.chains import Chained, Decoded, Path
from likely.structures.stationary import maximise_stationary


class Markov:
    """One matrix of moves for all rows. Subclasses have other moves; each method speaks of a whole bound model."""

    def chains(
        self, model: Any, params: Params, density: Array, data: Sequences, temperature: float
    ) -> Sequence[Path]:  # fmt: skip
        """The chains of all members where rows have log densities (n, k, m) under their states."""
        m = params.initial.shape[1]
        each = zip(params.initial, params.transition.reshape(-1, m, m), density.swapaxes(0, 1), strict=True)
        return [_chain(*one, data.offsets, temperature) for one in each]

    def counted(self, model: Any, hidden: Chained, data: Sequences, weights: Array) -> dict[str, Any]:
        """Statistics of moves, by the names of `HMMStats`; weights (S, k) are those of sequences."""
        each = zip(hidden.members, weights.T, strict=True)
        return {"transition": np.concatenate([c.pairs(np.ascontiguousarray(w)) for c, w in each])}

    def worth(self, model: Any, params: Params, hidden: Chained, data: Sequences) -> Array:
        """(S, k): expected log probabilities of the moves."""
        m = params.initial.shape[1]
        logs = safe_log(params.transition.reshape(-1, m, m))
        return np.stack([c.expected(log) for c, log in zip(hidden.members, logs, strict=True)], 1)

    def expected(self, model: Any, params: Params, stats: Any) -> Array:
        """(k,): the same as a function of statistics."""
        return special.xlogy(stats.transition, params.transition).reshape(len(params.initial), -1).sum(-1)

    def begin(
        self, model: Any, moves: Array, r: Array, data: Sequences, weights: Array, rng: np.random.Generator
    ) -> dict[str, Any]:  # fmt: skip
        """Parameters of moves to begin from: numbers of moves (k m, m) and states of rows (n, k, m) are guessed."""
        return {"transition": shares(model.slots["transition"], moves, None)}

    def maximised(self, model: Any, stats: Any, params: Params | None) -> dict[str, Any]:
        """What the M-step makes of moves."""
        old = None if params is None else params.transition
        moves = shares(model.slots["transition"], stats.transition, old)
        if model.stationary:
            moves = maximise_stationary(model.slots["transition"], stats.initial, stats.transition, moves, old)
        return {"transition": moves}

    def walk(self, model: Any, params: Params, members: Array, data: Sequences, rng: np.random.Generator) -> Array:
        """(n,) states drawn at random, those of sequence s from member members[s]."""
        from likely.numerics.chain_recursions import walks

        states = np.empty(len(data.rows), np.int64)
        sums = params.initial.cumsum(1), params.transition.cumsum(1)
        walks(*sums, rng.random(len(states)), data.offsets, np.asarray(members, np.int64), states)
        return states


def _chain(initial: Array, moves: Array, density: Array, offsets: Array, temperature: float) -> Path:
    """The chain of one member at some temperature."""
    from likely.numerics.chain import best_path, smooth

    if temperature == 0:
        states, log_prob, stopped = best_path(initial, moves, density, offsets)
        return Decoded(log_prob, states, offsets, len(initial), stopped)
    if temperature == 1:
        return smooth(initial, moves, density, offsets)
    cooled = smooth(initial ** (1 / temperature), moves ** (1 / temperature), density / temperature, offsets)
    return cooled.heated(temperature)


def shares(slot: Slot, counts: Array, old: Array | None) -> Array:
    """Counts as probabilities; where nothing was counted the old ones, or equal ones."""
    pooled = np.maximum(slot.pool(counts), 0.0)
    total = pooled.sum(-1, keepdims=True)
    blank = np.full_like(pooled, 1 / pooled.shape[-1]) if old is None else old
    return slot.settle(np.where(total > 0, pooled / np.where(total > 0, total, 1.0), blank))
