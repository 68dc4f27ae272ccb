"""A filled chain in front of sequences: what is known of its hidden states, worked out once when it is first asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from likely.core.data import Sequences
from likely.core.params import Params
from likely.core.posterior import Posterior
from likely.errors import DataError
from likely.numerics.soft import Array, safe_log
from likely.structures.chain_unrolled import Unrolled, unroll
from likely.structures.chains import below, log_densities, seen


@dataclass(frozen=True)
class Decoding:
    """The most probable hidden states of sequences.

    As an array it is `states`; `split()` has them sequence by sequence.
    """

    codes: Array = field(repr=False)  # (paths, n) states from 0, best path first; -1 where a sequence has no more paths
    log_probs: Array = field(repr=False)  # (paths, S) log probability of each path together with the rows
    offsets: Array = field(repr=False)  # (S + 1,) where sequences begin
    method: str
    names: tuple[str, ...] = ()  # of the states, where labels named them

    @property
    def states(self) -> Array:
        """(n,): the state of every row on the best path: from 0, or by name where labels named them."""
        return self.paths[0]

    @property
    def paths(self) -> Array:
        """(paths, n): the same for every path that was asked for, best first."""
        return np.array([*self.names, ""])[self.codes] if self.names else self.codes

    @property
    def log_prob(self) -> Array:
        """(S,): log probability of each sequence together with its best path, in nats.

        -inf where the states, each the most probable by itself, hold a move that is impossible (`method="posterior"`).
        """
        return self.log_probs[0]

    def split(self) -> list[Array]:
        """The states of each sequence."""
        return np.split(self.states, self.offsets[1:-1])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self.states if dtype is None else self.states.astype(dtype)

    def __len__(self) -> int:
        return self.codes.shape[1]

    def __repr__(self) -> str:
        total = f"{self.log_prob.sum():.4f}"
        count = f", paths={len(self.codes)}" if len(self.codes) > 1 else ""
        return f"Decoding({self.states}, method={self.method!r}, log_prob={total}{count})"


@dataclass(frozen=True)
class Known:
    """The chain at some sequences; everything else follows from these."""

    model: Any  # bound, with every slot filled
    params: Params
    data: Sequences
    ahead: int = 0  # rows after the end of which something is asked

    @staticmethod
    def of(model: Any, data: Sequences, ahead: int = 0) -> Known:
        """What a filled hidden Markov model can know of some sequences."""
        bound = model._alone(data.rows)
        return Known(bound, bound.known_params(), data, ahead)

    @property
    def offsets(self) -> Array:
        """(S + 1,)."""
        return self.data.offsets

    @cached_property
    def posterior(self) -> Posterior:
        """What forward-backward says."""
        found = self.model.infer(self.params, self.data)
        self._refuse(found.hidden.members[0].stopped)
        return found

    @property
    def gamma(self) -> Array:
        """(n, m): smoothed."""
        return self.posterior.hidden.members[0].gamma

    @cached_property
    def log_density(self) -> Array:
        """(n, m): of the rows under each state, as labels and missing rows leave them."""
        rows = self.data.rows
        density = log_densities(self.model.emission, self.params.emission, below(self.data))
        return seen(density[:, None], rows.absent, rows.labels)[0][:, 0]

    @cached_property
    def chain(self) -> Unrolled:
        """The chain as the kernels see it."""
        return unroll(self.model, self.params, self.data, self.ahead)

    @cached_property
    def wide(self) -> Any:
        """Forward-backward over the chain as the kernels see it."""
        if self.chain.rows == 1:
            return self.posterior.hidden.members[0]
        from likely.numerics.chain import smooth

        self._refuse(self.posterior.hidden.members[0].stopped)
        first, moves, _ = self.chain.steps
        return smooth(np.exp(first), np.exp(moves[0]), self.wide_density, self.offsets)

    @cached_property
    def wide_density(self) -> Array:
        """(n, w)."""
        return np.ascontiguousarray(self.chain.widened(self.log_density))

    @cached_property
    def log_filtered(self) -> Array:
        """(n, w)."""
        from likely.numerics.chain_paths import log_filtered_of

        first, moves, which = self.chain.steps
        out = safe_log(self.wide.filtered)
        for s in getattr(self.wide, "apart", ()):  # where probabilities are too small for anything but logarithms
            rows = slice(self.offsets[s], self.offsets[s + 1])
            out[rows] = log_filtered_of(first, moves, which[rows], self.wide_density[rows])
        return out

    @cached_property
    def log_ahead(self) -> Array:
        """(n, w)."""
        from likely.numerics.chain_paths import log_ahead

        return log_ahead(*self.chain.steps, self.log_filtered, self.offsets)

    def filtered(self) -> Array:
        """(n, m)."""
        return self.chain.summed(np.exp(self.log_filtered))

    def predicted(self) -> Array:
        """(n, m)."""
        return self.chain.summed(np.exp(self.log_ahead))

    def pairwise(self, place: Array) -> Array:
        """(places, m, m): expected moves, added up by the place of the row they lead to."""
        from likely.numerics.chain_paths import expected_moves

        _, moves, which = self.chain.steps
        seen = self.log_filtered, self.log_ahead, self.wide.gamma, self.offsets
        return expected_moves(moves, which, *seen, place, self.chain.state, self.chain.m)

    def drawn(self, size: int, rng: np.random.Generator) -> Array:
        """(size, n)."""
        from likely.numerics.chain_paths import draw_paths

        return self.chain.hidden(draw_paths(*self.chain.steps[1:], self.log_filtered, self.offsets, size, rng))

    def forecast(self, h: int) -> Array:
        """(S, h, m): probabilities of states after the end of every sequence."""
        moves, steps = np.exp(self.chain.log_moves[0]), [np.exp(self.log_filtered[self.offsets[1:] - 1])]
        for _ in range(h):
            steps.append(steps[-1] @ moves)
        return self.chain.summed(np.stack(steps[1:], 1))

    def decode(self, method: str, paths: int, names: Sequence[str]) -> Decoding:
        """The best path, or the best few."""
        codes, log_probs = self._best(paths) if method == "viterbi" else self._each_by_itself()
        return Decoding(codes, log_probs, self.offsets, method, tuple(names))

    def _best(self, paths: int) -> tuple[Array, Array]:
        from likely.numerics.chain_paths import best_of

        best = self.model.infer(self.params, self.data, 0.0).hidden.members[0]
        self._refuse(best.stopped)
        if paths == 1:
            return best.states[None], best.log_prob[None]
        codes, log_probs = best_of(*self.chain.steps, self.wide_density, self.offsets, paths)
        there = (log_probs > -np.inf).any(1)  # no sequence has so many
        return self.chain.hidden(codes[there]), log_probs[there]

    def _each_by_itself(self) -> tuple[Array, Array]:
        from likely.numerics.chain_paths import log_joint

        states = self.gamma.argmax(1)
        placed = self.chain.placed(states, self.offsets)
        return states[None], log_joint(*self.chain.steps, self.wide_density, self.offsets, placed)[None]

    def entropy(self) -> Array:
        """(S,): how uncertain the whole path of each sequence is, in nats."""
        found, gamma = self.posterior, self.gamma
        inner = np.where(gamma > 0, gamma * found.child.slack.reshape(gamma.shape), 0.0).sum(1)
        if (absent := self.data.rows.absent) is not None:
            inner[absent] = 0.0
        return np.maximum(found.slack[:, 0] - np.add.reduceat(inner, self.offsets[:-1]), 0.0)

    def tails(self) -> tuple[Array, Array, Array, Array]:
        """(n,) logarithms, given the rows before, of the probability below a row's value, above, at most, at least.

        Those of a missing row are of some other value.
        """
        rows, emission, log_p = self.data.rows.with_(labels=None), self.model.emission, safe_log(self.predicted())
        at = np.where(np.isnan(rows.x[:, 0]), emission.example(1)[0], rows.x[:, 0])

        def mixed(x: Array) -> tuple[Array, Array]:
            low, high = emission.log_tails(self.params.emission, rows.with_(x=x[:, None]))
            return np.logaddexp.reduce(log_p + low, 1), np.logaddexp.reduce(log_p + high, 1)

        at_most, above = mixed(at)
        less, at_least = mixed(np.nextafter(at, -np.inf))  # of a density the same, of counts those before
        return less, above, at_most, at_least

    def _refuse(self, stopped: dict[int, int]) -> None:
        """Raise for the first sequence that is impossible."""
        if not stopped:
            return
        s = min(stopped)
        row = int(self.offsets[s]) + stopped[s]
        raise DataError(
            f"{self.data.place(row)} has probability 0 in every state that can be reached there, so its sequence is "
            "impossible under this model. Mend the row or leave it missing (NaN), or allow the move or the value in "
            "the model.",
            row=row + 1,
        )  # fmt: skip
