"""What a nonlinear state space infers of the states of some sequences; the smoother runs when somebody asks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from likely.core.data import Sequences
from likely.core.params import Params
from likely.errors import ModelError
from likely.numerics.extended import Filter, Filtered, Noises, Rectangle, Smoothed, extended, smooth, unscented
from likely.numerics.extended_path import iterated
from likely.numerics.soft import Array
from likely.structures.nonlinear_moments import Cloud, FeatureMoments, FirstStates, NonlinearStats, looks, moves

METHODS = ("extended", "iterated", "unscented")


@dataclass(frozen=True)
class Hidden:
    """The states of all sequences under every member of a bank."""

    family: Any
    params: Params
    data: Sequences
    rows: Rectangle

    @staticmethod
    def of(family: Any, params: Params, data: Sequences) -> Hidden:
        """Nothing is worked out yet."""
        given = data.rows.given if data.rows.p else None
        rows = data.once("rectangle", lambda: Rectangle.of(data.rows.x, given, data.offsets))
        hidden = Hidden(family, params, data, rows)
        if family.k == 1 and (hidden.log_prob == -np.inf).any():
            hidden.name_nan()
        return hidden

    @property
    def _functions(self) -> tuple[Any, Any]:
        move, look = self.family.sides
        return move.function(self.params), look.function(self.params)

    @property
    def _noises(self) -> Noises:
        p = self.params
        return Noises(p.Q, p.R, p.m0, p.P0)

    def _filter(self) -> Filter:
        through = unscented if self.family.method == "unscented" else extended
        functions = self._functions
        return Filter(through, lambda _: functions, self._noises, self.rows)

    @cached_property
    def _iterated(self) -> tuple[Filtered, Smoothed]:
        return iterated(*self._functions, self._noises, self.rows)

    @cached_property
    def _ended(self) -> tuple[Array, Array]:
        """(k, S) log-likelihoods and the times at which sequences stop, in the order of the rectangle."""
        if self.family.method == "iterated":
            found = self._iterated[0]
            return found.log_prob, found.stopped
        if self.family.k == 1:  # statistics come next; of a bank of trials they do not
            return self.filtered.log_prob, self.filtered.stopped
        run = self._filter()
        return run.log_likelihoods(), run.stopped

    @cached_property
    def filtered(self) -> Filtered:
        """Beliefs before and after each row."""
        return self._iterated[0] if self.family.method == "iterated" else self._filter().run()

    @cached_property
    def smoothed(self) -> Smoothed:
        """Beliefs given whole sequences."""
        return self._iterated[1] if self.family.method == "iterated" else smooth(self.filtered, self.rows)

    @cached_property
    def log_prob(self) -> Array:
        """(S, k)."""
        out = np.empty(self._ended[0].shape[::-1])
        out[self.rows.order] = self._ended[0].T
        return out

    def stopped(self, sequence: int, member: int) -> int:
        """The row of a sequence, counted from its own, at which numbers cease."""
        place = int(np.flatnonzero(self.rows.order == sequence)[0])
        return max(int(self._ended[1][member, place]), 0)

    def name_nan(self) -> None:
        """Raise a ModelError where a function gives NaN: the row at which it does."""
        member, place = (int(i[0]) for i in np.nonzero(self._ended[0] == -np.inf))
        t, s = int(self._ended[1][member, place]), int(self.rows.order[place])
        found = self.filtered
        row = self.data.place(int(self.data.offsets[s]) + t)
        u = None if self.rows.u is None else self.rows.u[t, place][None, None]
        before = self.params.m0 if t == 0 else found.mean[t - 1, :, place]
        states = [before] if t == 0 else [before, found.predicted_mean[t, :, place]]
        for side, x in zip(self.family.sides[-len(states) :], states, strict=True):
            with np.errstate(all="ignore"):
                value = side.function(self.params).value(x[:, None], u)
            if np.isnan(value).any():
                at = np.array2string(x[0], precision=4, separator=", ")
                what = f"{side.written.name} returns NaN at {row}, for x = {at}"
                theta = np.array2string(self.params.theta[0], precision=4, separator=", ") if self.family.count else ""
                raise ModelError(
                    f"{what}{f' and theta = {theta}' if theta else ''}; it needs numbers wherever states may come. "
                    "Write it so that it is defined there, or begin elsewhere: fit(..., start=...)."
                )

    def slack(self) -> Array:
        """(S, k): entropy of the states, and of what is missing in rows that were observed in part."""
        inside = self.rows.inside[:, None, :]
        found, last = self.filtered, np.roll(self.rows.inside, -1, 0)
        last[-1] = False
        left = np.where(last[:, None, :, None, None], np.roll(found.left, -1, 0), found.cov)
        size = np.linalg.eigvalsh(left)
        some = (size > 1e-13 * np.maximum(size[..., -1:], 1e-300)) & inside[..., None]  # what is certain has no entropy
        total = 0.5 * np.where(some, 1 + np.log(2 * np.pi * np.where(some, size, 1.0)), 0.0).sum((0, -1))
        out = np.empty(self.log_prob.shape)
        out[self.rows.order] = (total + self._missing()).T
        return out

    def _missing(self) -> Array:
        """(k, S): entropy of missing entries of rows seen in part, given their states."""
        gone = np.isnan(self.rows.y)
        part = gone.any(2) & ~gone.all(2)
        noise, out = self.params.R, np.zeros((len(self.params.R), len(self.rows.order)))
        for t, s in np.argwhere(part):
            i = gone[t, s]
            log_det = np.linalg.slogdet(noise)[1] - np.linalg.slogdet(noise[:, ~i][:, :, ~i])[1]
            out[:, s] += 0.5 * (log_det + i.sum() * (1 + np.log(2 * np.pi)))
        return out

    def collected(self, weights: Array) -> NonlinearStats:
        """Statistics under weights (S, k) of sequences."""
        w = weights[self.rows.order].T  # (k, S)
        belief = self.smoothed
        first, spread = belief.mean[0], belief.cov[0]
        square = np.einsum("ks,ksij->kij", w, spread + first[..., :, None] * first[..., None, :])
        states = FirstStates(w.sum(1), np.einsum("ks,ksi->ki", w, first), square, (w > 0).sum(1).astype(float))
        inside = self.rows.inside
        there = inside & ~np.isnan(self.rows.y).all(2)
        move, look = self.family.sides
        each = np.broadcast_to(w[:, None, :], (len(w), *inside.shape))
        state = rows = None
        if inside[1:].any():
            state = _summed(move, moves(belief, self.rows), each[:, 1:][:, inside[1:]])
        if there.any():
            known = looks(belief, self.rows, look.function(self.params), self.params.R)
            rows = _summed(look, known, each[:, there])
        return NonlinearStats(states, state, rows)

    def by_row(self, a: Array) -> Array:
        """(n, ...) of one model, from (T, 1, S, ...)."""
        inside = self.rows.inside
        out = np.empty((len(self.data.rows), *a.shape[3:]))
        out[self.rows.rows[inside]] = a[:, 0][inside]
        return out


def _summed(side: Any, known: Any, weights: Array) -> Any:
    make = (
        Cloud.of if side.features is None else partial(FeatureMoments.of, features=side.features, written=side.written)
    )
    return make(known, weights)
