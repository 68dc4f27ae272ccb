"""States that last: how many rows a stay takes follows a family of counts of each state's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from likely.core.data import Sequences, Table
from likely.core.family import Family
from likely.core.params import Params
from likely.core.slot import Slot
from likely.core.stats import Stats
from likely.errors import ModelError
from likely.families.categorical import Categorical
from likely.families.categories import OfCategories
from likely.numerics.soft import Array, safe_log
from likely.structures.chain_starts import STICKY
from likely.structures.chains import Chained, Decoded, Path
from likely.structures.dynamics import Markov

MOST = 2**17  # durations beyond the longest sequence that are told apart, where so many are probable
ENOUGH = 37.0  # nats below: a part of 1e-16
ROUNDS = 3  # of EM over the unseen ends of stays in one M-step: the next E-step goes on from there


@dataclass(frozen=True)
class Stays(Stats):
    """Expected numbers of stays of 1, 2, ... rows: complete ones, and those cut by the end of a sequence."""

    lasted: Array  # (k m, D)
    cut: Array  # (k m, D)

    def __add__(self, other: Self | None) -> Self:
        if other is None:
            return self
        return type(self)(_padded(self.lasted, other.lasted), _padded(self.cut, other.cut))

    def pack(self, origin: Self) -> Array:
        """As long as the origin, which may have seen longer stays."""
        room = np.zeros(origin.lasted.shape)
        return np.concatenate([_padded(room, self.lasted).ravel(), _padded(room, self.cut).ravel()])


def _padded(a: Array, b: Array) -> Array:
    out = np.zeros((len(a), max(a.shape[1], b.shape[1])))
    out[:, : a.shape[1]] += a
    out[:, : b.shape[1]] += b
    return out


class SemiMarkov(Markov):
    """Stays whose number of rows less one follows `durations`; a move always leads to another state.

    What is hidden is where stays begin. The last stay of a sequence goes on unseen: it counts by the probability to
    last at least so long, in the likelihood and in the M-step. That has no closed form; it is climbed by EM over the
    unseen ends, where a stay that is cut counts at each duration it may have, given that it lasts so long. A round of
    that is the M-step of the larger EM in which whole durations are hidden, so the likelihood never falls.
    """

    def chains(
        self, model: Any, params: Params, density: Array, data: Sequences, temperature: float
    ) -> Sequence[Path]:  # fmt: skip
        from likely.numerics.chain_durations import best_stays, smooth_stays

        k, m = params.initial.shape
        tables = stay_tables(model.durations, params.durations, int(data.lengths.max()))[:2]
        logs = safe_log(params.initial), safe_log(params.transition.reshape(k, m, m))
        chain = [
            a / (temperature or 1.0) for a in (*logs, *(t.reshape(k, m, -1) for t in tables), density.swapaxes(0, 1))
        ]
        out: list[Path] = []
        for first, moves, lasts, at_least, rows in zip(*chain, strict=True):
            own = first, moves, lasts, at_least, np.ascontiguousarray(rows), data.offsets
            if temperature == 0:
                states, log_prob, stopped = best_stays(*own)
                out.append(_decoded(log_prob, states, data.offsets, m, stopped))
            else:
                found = smooth_stays(*own)
                out.append(replace(found, log_prob=temperature * found.log_prob))
        return out

    def counted(self, model: Any, hidden: Chained, data: Sequences, weights: Array) -> dict[str, Any]:
        place, longest = _place(data), int(data.lengths.max())
        rows = weights[data.owner]

        def summed(name: str) -> Array:
            each = zip(hidden.members, rows.T, strict=True)
            return np.concatenate([_by_duration(getattr(c, name) * w[:, None], place, longest) for c, w in each])

        stays = Stays(summed("lasted"), summed("cut"))
        return {**super().counted(model, hidden, data, weights), "durations": stays}

    def worth(self, model: Any, params: Params, hidden: Chained, data: Sequences) -> Array:
        k, m = params.initial.shape
        place, tables = _place(data), stay_tables(model.durations, params.durations, int(data.lengths.max()))[:2]
        out = super().worth(model, params, hidden, data)
        for table, name in zip(tables, ("lasted", "cut"), strict=True):
            logs = table.reshape(k, m, -1).transpose(0, 2, 1)
            for i, chain in enumerate(hidden.members):
                seen: Any = getattr(chain, name)
                rows = (seen * np.where(seen > 0, logs[i][place], 0.0)).sum(1)
                out[:, i] += np.add.reduceat(rows, data.offsets[:-1])
        return out

    def expected(self, model: Any, params: Params, stats: Any) -> Array:
        each = _expected(model.durations, params.durations, stats.durations)
        return super().expected(model, params, stats) + each.reshape(len(params.initial), -1).sum(1)

    def begin(
        self, model: Any, moves: Array, r: Array, data: Sequences, weights: Array, rng: np.random.Generator
    ) -> dict[str, Any]:  # fmt: skip
        """Durations of the stays that the guessed states make, or of equal ones of some length."""
        (_, k, m), longest = r.shape, int(data.lengths.max())
        values = Table(np.arange(longest, dtype=float)[:, None])
        counts = np.empty((k, m, longest))
        for i in range(k):
            seen = _stays(r[:, i].argmax(1), data, weights[:, i], m, longest)
            mean = seen.sum(0) @ np.arange(1, longest + 1) / max(seen.sum(), 1e-300)
            if rng.random() < 0.5:
                mean, seen = 1 / (1 - rng.uniform(*STICKY)), np.zeros((m, longest))
            counts[i] = seen + max(1.0, seen.sum() / m / 10) * _geometric(max(mean, 1.5), longest)
        counts *= _possible(model.durations, values)
        durations = model.durations.start(values, np.ascontiguousarray(counts.reshape(k * m, -1).T), rng)
        return {**super().begin(model, moves, r, data, weights, rng), "durations": durations}

    def maximised(self, model: Any, stats: Any, params: Params | None) -> dict[str, Any]:
        old = None if params is None else params.durations
        durations = _maximised(model.durations, stats.durations, old)
        return {**super().maximised(model, stats, params), "durations": durations}

    def walk(self, model: Any, params: Params, members: Array, data: Sequences, rng: np.random.Generator) -> Array:
        m, at, ends = model.size, data.offsets[:-1].copy(), data.offsets[1:]
        states, owner = np.empty(len(data.rows), np.int64), np.asarray(members, np.int64)
        now = _drawn(params.initial[owner], rng)
        open_ = np.arange(len(data))
        while len(open_):
            member = owner[open_] * m + now[open_]
            blank = Table(np.zeros((len(open_), 1)))
            lasts = model.durations.draw(params.durations, member, blank, rng)[:, 0].astype(int) + 1
            until = np.minimum(at[open_] + lasts, ends[open_])
            for s, b in zip(open_.tolist(), until.tolist(), strict=True):
                states[at[s] : b] = now[s]
            at[open_], now[open_] = until, _drawn(params.transition[member], rng)
            open_ = open_[until < ends[open_]]
        return states


@dataclass(frozen=True)
class DecodedStays(Decoded):
    """The best stays of every sequence."""

    lasted: Any = None  # (n, m), as in `SmoothedStays`
    cut: Any = None

    def _arrivals(self) -> Array:
        """Rows at which a stay begins, but for the first: to stay is no move."""
        rows = super()._arrivals()
        return rows[self.states[rows] != self.states[rows - 1]]


def _decoded(log_prob: Array, states: Array, offsets: Array, m: int, stopped: dict[int, int]) -> DecodedStays:
    lasted, cut = np.zeros((len(states), m)), np.zeros((len(states), m))
    ends = np.append(np.diff(states) != 0, True)
    ends[offsets[1:] - 1] = True
    last = np.flatnonzero(ends)
    rows = np.diff(last, prepend=-1)
    begun = np.repeat(offsets[:-1], np.diff(offsets))
    final = np.isin(last, offsets[1:] - 1)
    for out, some in ((lasted, ~final), (cut, final)):
        some = some & (states[last] >= 0)
        np.add.at(out, (begun[last[some]] + rows[some] - 1, states[last[some]]), 1.0)
    return DecodedStays(log_prob, states, offsets, m, stopped, lasted=lasted, cut=cut)


def check_durations(durations: Any, transition: Any, initial: Any, size: Any) -> None:
    """Raise a ModelError for what cannot be how long states last, or does not go with it."""
    if not isinstance(durations, Family):
        raise ModelError(f"HMM(durations={durations!r}): write a family of counts, as in durations=NegativeBinomial().")
    counts = isinstance(durations, Categorical) or bool(
        not durations.hidden and not durations.parts() and not durations.uses_given and not durations.several_columns
        and durations.fits(np.array([[0.0], [1.0]])).all() and not durations.fits(np.array([[0.5]])).any()
    )  # fmt: skip
    if not counts:
        raise ModelError(
            f"HMM(durations={durations!r}): the rows of a stay less one are 0, 1, 2, ...; write one family of "
            "counts, such as Poisson(), NegativeBinomial(), Geometric() or Categorical(categories=[0, 1, 2])."
        )
    if size == 1:
        raise ModelError("HMM(..., 1, durations=...): a stay ends by a move to another state; two states are needed.")
    if isinstance(initial, str):
        raise ModelError(
            'HMM(initial="stationary", durations=...): the first stay begins at the first row, which no '
            "stationary chain sees to. Leave initial=... out, or write its probabilities."
        )
    if isinstance(transition, Family) and transition.uses_given:
        raise ModelError(
            f"HMM(transition={transition!r}, durations=...): moves that depend on covariates are not combined with "
            "durations. Leave one of them out."
        )


def leaving(slot: Slot, m: int) -> Slot:
    """The slot of moves that never lead back at once: zeros on the diagonal, of which a prior says nothing."""
    if slot.ties:
        raise ModelError(
            "HMM(transition=shared, durations=...): no state moves to itself, so that no two rows can be alike. Leave "
            "shared out.",
            slot="transition",
        )
    same = np.tile(np.eye(m, dtype=bool), (slot.k // m, 1))
    known = np.full((slot.k, m), np.nan) if slot.known is None else slot.known.copy()
    if (known[same] > 0).any():
        i = int(np.argmax(known[same] > 0)) % m
        raise ModelError(
            f"HMM.transition[{i}, {i}] = {known[same][i]:.6g}, but with durations=... a stay ends by a move to another "
            "state. Write 0 there.",
            slot="transition",
        )
    known[same] = 0.0
    if slot.prior is None:
        return replace(slot, known=known)
    alpha = slot.prior.slots["alpha"]
    prior = slot.prior._changed(slots={"alpha": replace(alpha, known=np.where(same, 1.0, alpha.known))})
    return replace(slot, known=known, prior=prior)


def _place(data: Sequences) -> Array:
    """(n,): the place of each row in its sequence, from 0."""
    return data.once("place", lambda: np.arange(len(data.rows)) - data.offsets[:-1][data.owner])


def _by_duration(values: Array, place: Array, longest: int) -> Array:
    """(m, longest): sums of (n, m) over the sequences."""
    return np.stack([np.bincount(place, v, longest) for v in values.T])


def stay_tables(durations: Family, params: Params, longest: int) -> tuple[Array, Array, Array, Array]:
    """Log probabilities (k m, longest) of stays of 1, 2, ... rows, and of at least so many; and both beyond `longest`.

    The latter two go on until what remains is nothing beside stays of the longest sequence, and hold it in their last
    entry.
    """
    size, most = 2 * longest + 64, longest + MOST
    while True:
        found = durations.infer(params, Table(np.arange(size, dtype=float)[:, None])).log_prob.T
        later = np.logaddexp.accumulate(found[:, ::-1], 1)[:, ::-1]
        if size >= most or (later[:, 3 * size // 4] <= later[:, longest - 1] - ENOUGH).all():
            break
        size = min(2 * size, most)
    if size >= most:
        rest = durations.log_tails(params, Table(np.array([[size - 1.0]])))[1].T
        found = np.concatenate([found[:, :-1], np.logaddexp(found[:, -1:], rest)], 1)
        later = np.logaddexp.accumulate(found[:, ::-1], 1)[:, ::-1]
    lasts = np.ascontiguousarray(found[:, :longest])
    return lasts, np.minimum(later[:, :longest], 0.0), found, later


def _expected(durations: Family, params: Params, stays: Stays) -> Array:
    """(k m,): the log probability of stays."""
    tables = stay_tables(durations, params, stays.lasted.shape[1])
    each = [w * np.where(w > 0, t, 0.0) for w, t in zip((stays.lasted, stays.cut), tables[:2], strict=True)]
    return (each[0] + each[1]).sum(1)


def _maximised(durations: Family, stays: Stays, params: Params | None) -> Params:
    """Parameters of higher log probability of stays + log prior: EM over the ends that were not seen, a few rounds."""
    if params is None:
        params = _fitted(durations, stays.lasted + stays.cut, None)
    if not (stays.cut > 0).any():
        return _fitted(durations, stays.lasted, params)
    value = float(_expected(durations, params, stays).sum()) + durations.log_prior(params)
    for _ in range(ROUNDS):
        new = _fitted(durations, _completed(durations, params, stays), params)
        there = float(_expected(durations, new, stays).sum()) + durations.log_prior(new)
        if not there > value:
            break
        params, value = new, there
    return params


def _completed(durations: Family, params: Params, stays: Stays) -> Array:
    """(k m, size): expected numbers of stays of 1, 2, ... rows, cut ones at their full length given what was seen."""
    longest = stays.lasted.shape[1]
    _, at_least, found, _ = stay_tables(durations, params, longest)
    with np.errstate(invalid="ignore"):
        each = np.where(stays.cut > 0, safe_log(stays.cut) - at_least, -np.inf)
    often = np.logaddexp.accumulate(each, 1)
    often = np.concatenate([often, np.repeat(often[:, -1:], found.shape[1] - longest, 1)], 1)
    out = np.exp(found + often)
    out[:, :longest] += stays.lasted
    return out


def _fitted(durations: Family, counts: Array, params: Params | None) -> Params:
    values = Table(np.arange(counts.shape[1], dtype=float)[:, None])
    stats = durations.collect(params, None, values, np.ascontiguousarray(counts.T))
    return durations.maximize(stats, params)


def _stays(states: Array, data: Sequences, weights: Array, m: int, longest: int) -> Array:
    """(m, longest): numbers of stays by state and rows."""
    found = _decoded(np.zeros(len(data)), states, data.offsets, m, {})
    return _by_duration((found.lasted + found.cut) * weights[data.owner][:, None], _place(data), longest)


def _geometric(mean: float, longest: int) -> Array:
    p = (1 - 1 / mean) ** np.arange(longest)
    return p / p.sum()


def _possible(durations: Family, values: Table) -> Array:
    """(longest,): which stays can occur."""
    if isinstance(durations, OfCategories):
        return durations.codes(values)[:, 0] < len(durations.known())
    return durations.fits(values.x)[:, 0]


def _drawn(odds: Array, rng: np.random.Generator) -> Array:
    """(n,) states, row i by odds[i]."""
    return np.minimum((rng.random((len(odds), 1)) > odds.cumsum(1)).sum(1), odds.shape[1] - 1)
