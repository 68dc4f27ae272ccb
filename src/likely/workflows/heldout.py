"""The choice by held-out likelihood: every candidate is fitted without some rows, and judged by those.

Where statistics are additive and the answer is in closed form those of each fold are worked out once, for all
candidates that differ in nothing but priors: training on the other folds is then a merge, and no pass over the data.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from likely.core.data import Data, present
from likely.core.family import Family
from likely.core.setting import Setting
from likely.core.written import Shared, free
from likely.em.outcome import Outcome
from likely.em.starts import Starts
from likely.engines.local import Local, width_of
from likely.errors import DataError, Degenerate, FitError
from likely.numerics.soft import Array
from likely.workflows.checks import collapse
from likely.workflows.folds import Dealer, Round, running
from likely.workflows.grids import Pick, edge_of
from likely.workflows.select import CUT_SHORT, candidates_of, none_fitted
from likely.workflows.selection import HELD_OUT, Candidate, Selection

if TYPE_CHECKING:
    from likely.workflows.result import Fit


class Fitter(Protocol):
    """Fits one model, with the options of `fit`."""

    @property
    def threads(self) -> int | None: ...

    @property
    def temperature(self) -> float: ...

    def check(self, family: Family, data: Any) -> Family:
        """The family bound to the data, or why it cannot be fitted."""
        ...

    def fit(self, family: Family, data: Any, stats: Any = None) -> Fit:
        """The fit to all of it; `stats` are its statistics, where they are known already."""
        ...

    def about(self, text: str) -> None:
        """Said on the progress line."""
        ...


@dataclass(frozen=True)
class HeldOut:
    """The choice by held-out log-likelihood: the best, or ("1se") the simplest within a standard error of the best.

    The score is the total over all folds per row that was observed, or per unit of weight. The simplest is the one with
    the fewest free parameters; among as many the one that fits its training rows least closely, which of priors is the
    strongest; then the last.
    """

    dealer: Dealer
    rule: str = "best"

    def select(self, model: Any, data: Data, fitter: Fitter) -> Fit:
        """Judge every combination of the choices, and fit the chosen one to all the data.

        Raises
        ------
        DataError       too few rows or groups for the folds
        FitError        no candidate could be fitted to the rest of every fold
        """
        every, judge = list(candidates_of(model)), _Judge(data, self.dealer.rounds(data), fitter)
        table, cut_short = self._judged(every, judge)
        fitter.about("the chosen one")
        chosen = every[table.chosen][0]
        best = fitter.fit(chosen, data, judge.whole(chosen))
        return replace(best, outcome=cut_short or best.outcome, selection=table)

    def _judged(
        self, every: Sequence[tuple[Family, tuple[Pick, ...]]], judge: _Judge
    ) -> tuple[Selection, Outcome | None]:
        """The table of scores; and how it was cut short, if it was (then of those judged on every fold)."""
        if self.rule == "1se" and np.bincount(judge.samples).max() < 2:
            raise DataError(
                f"rule='1se' needs a standard error, and {self.dealer.words} leaves one held-out score only. "
                "Hold out more, or use rule='best'."
            )
        tried, cut_short = [], None
        try:
            for i, (family, _) in enumerate(every):
                tried.append(judge.tried(family, f"candidate {i + 1} of {len(every)}"))
        except _CutShort as short:
            cut_short = short.outcome
        if not tried and cut_short is Outcome.interrupted:
            raise KeyboardInterrupt
        if not tried:
            raise FitError("the callback stopped the fit before any candidate was judged on every fold.")
        return self._table(tried, judge, [picks for _, picks in every]), cut_short

    def _table(self, tried: list[_Tried], judge: _Judge, picks: list[tuple[Pick, ...]]) -> Selection:
        scores = [-math.inf if t.totals is None else t.totals.sum() / judge.weights.sum() for t in tried]
        possible = [i for i, t in enumerate(tried) if t.totals is not None]
        if not possible:
            raise none_fitted([Candidate(t.model, None, None, None, t.why) for t in tried])
        best = max(possible, key=lambda i: (scores[i], -i))
        rows = [_row(t, s, tried[best], judge) for t, s in zip(tried, scores, strict=True)]
        chosen = best
        if self.rule == "1se":
            near = [i for i in possible if i == best or _within(rows[i])]
            chosen = min(near, key=lambda i: (rows[i].n_free, tried[i].fitted, -i))
        return Selection(HELD_OUT, tuple(rows), chosen, self.dealer.words, self.rule, edge_of(picks[chosen]))


@dataclass(frozen=True)
class _Merged:
    """Statistics of each part of a round, and of the rows that each split leaves to fit to."""

    parts: list[Any]
    rest: list[Any]


class _CutShort(Exception):
    """A fit ended before its time."""

    def __init__(self, outcome: Outcome):
        self.outcome = outcome


@dataclass(frozen=True)
class _Tried:
    """What came of one candidate; no totals, and a reason, where it could not be fitted."""

    model: str
    n_free: int | None
    totals: Array | None = None  # (parts,) held-out log-likelihood of each part, in nats
    fitted: float = 0.0  # log-likelihood of all training rows
    why: str = ""


class _Judge:
    """Scores candidates on the same rounds, and remembers the statistics of their parts."""

    def __init__(self, data: Data, rounds: list[Round], fitter: Fitter):
        self.data, self.rounds, self.fitter = data, rounds, fitter
        self.present = present(data)
        self.weights = np.array([data.mass[p].sum() for r in rounds for p in r.parts[: r.held]])
        self.samples = np.array([r.sample for r in rounds for _ in range(r.held)])
        self._stats: dict[str, list[_Merged]] = {}

    def tried(self, family: Family, about: str) -> _Tried:
        """One candidate on every round."""
        key = repr(_without_priors(family))
        known = key in self._stats
        bound = family.bind((), Setting.of(self.present)) if known else self.fitter.check(family, self.present)
        if not bound.hidden and not known:
            self._stats[key] = [self._summaries(bound, r) for r in self.rounds]
        try:
            each = self._by_refitting(bound, about) if bound.hidden else self._by_merging(bound, self._stats[key])
            totals, fitted = zip(*each, strict=True)
        except FitError as error:
            return _Tried(repr(family), _identified(bound), why=str(error))
        return _Tried(repr(family), _identified(bound), np.concatenate(totals), math.fsum(fitted))

    def whole(self, family: Family) -> Any:
        """Statistics of all the data, where they are those of the parts of a round; else None."""
        known, one = self._stats.get(repr(_without_priors(family))), self.rounds[0]
        if known is None or sum(map(len, one.parts)) < len(self.present):
            return None
        return running(known[0].parts)[-1]

    def _summaries(self, bound: Family, one: Round) -> _Merged:
        width, threads = width_of(bound), self.fitter.threads

        def summary(rows: Array) -> Any:
            with Local(self.data.take(rows), width, 1, sweeps=bound.sweeps) as engine:
                return engine.summarise(bound)

        with Local(self.data, width, threads, sweeps=bound.sweeps) as engine:
            parts = list(engine.each(summary, one.parts))
        return _Merged(parts, one.merged(parts))

    def _by_merging(self, bound: Family, stats: list[_Merged]) -> Iterable[tuple[list[float], float]]:
        """Totals of the parts that each split holds out, and the log-likelihood of the others."""
        for one, merged in zip(self.rounds, stats, strict=True):
            parts = merged.parts
            for split, rest in zip(one.splits, merged.rest, strict=True):
                try:
                    params = bound.maximize(rest, None)
                except Degenerate as error:
                    train = self.data.take(one.training(split))
                    raise FitError(f"{split.name}: {collapse(error, bound, train, Starts(()))}") from error
                totals = [float(bound.expected_log_density(params, parts[i]).sum()) for i in split.held]
                yield _numbers(totals, split.name), float(bound.expected_log_density(params, rest).sum())

    def _by_refitting(self, bound: Family, about: str) -> Iterable[tuple[list[float], float]]:
        for one in self.rounds:
            for split in one.splits:
                self.fitter.about(f"{about}, {split.name}")
                try:
                    fit = self.fitter.fit(bound, self.data.take(one.training(split)))
                except (FitError, DataError) as error:
                    raise FitError(f"{split.name}: {error}") from error
                if fit.outcome in CUT_SHORT:
                    raise _CutShort(fit.outcome)
                totals = [self._score(fit, one.parts[i]) for i in split.held]
                yield _numbers(totals, split.name), fit.log_likelihood

    def _score(self, fit: Fit, rows: Array) -> float:
        """Log-likelihood of some rows at fitted parameters, in the sense in which they were fitted (hard or not)."""
        data = self.data.take(rows)
        bound = fit.model.bind((), Setting.of(data))
        params = bound.known_params()

        def total(chunk: Any) -> float:
            log_prob = bound.infer(params, chunk, self.fitter.temperature).log_prob
            return float((chunk.weight_column() * log_prob).sum())

        with Local(data, width_of(bound), self.fitter.threads) as engine:
            return math.fsum(engine.map(total))


def _numbers(totals: list[float], name: str) -> list[float]:
    """The same: minus infinity is a score, what is no number is none."""
    if any(map(math.isnan, totals)):
        raise FitError(f"{name}: the log-likelihood of the rows held out is not a number.")
    return totals


def _row(tried: _Tried, score: float, best: _Tried, judge: _Judge) -> Candidate:
    if tried.totals is None or best.totals is None:
        return Candidate(tried.model, None, tried.n_free, None, tried.why)
    folds = tuple((tried.totals / judge.weights).tolist())
    if tried is best or not np.isfinite(best.totals).all():
        return Candidate(tried.model, None, tried.n_free, float(score), "", 0.0, None, folds)
    paired = tried.totals - best.totals
    difference = float(paired.sum() / judge.weights.sum())
    error = _standard_error(paired, judge.weights, judge.samples)
    return Candidate(tried.model, None, tried.n_free, float(score), "", difference, error, folds)


def _standard_error(paired: Array, weights: Array, samples: Array) -> float | None:
    """Of the sum of paired differences (parts,) over the sum of weights: that of a ratio, from parts of one sample.

    Repeats deal the same rows anew: they steady the estimate (variances are averaged) and do not shrink it.
    """
    if not np.isfinite(paired).all():
        return None
    variances = []
    for sample in np.unique(samples):
        d, w = paired[samples == sample], weights[samples == sample]
        if len(d) < 2:
            return None
        left = d - w * d.sum() / w.sum()
        variances.append(len(d) / (len(d) - 1) * (left @ left) / w.sum() ** 2)
    return math.sqrt(np.mean(variances))


def _within(row: Candidate) -> bool:
    """Is it within a standard error of the best?"""
    return row.difference is not None and row.standard_error is not None and row.difference >= -row.standard_error


def _without_priors(value: Any) -> Any:
    """A model as its statistics see it: they do not depend on priors."""
    if isinstance(value, Shared):
        return Shared(None, value.over, value.offsets)
    if not isinstance(value, Family):
        return value
    slots = {n: free if isinstance(v := getattr(value, n), Family) else _without_priors(v) for n in value.domains}
    parts = value.with_parts({n: _without_priors(p) for n, p in value.parts().items()})
    return parts._changed(**slots)


def _identified(bound: Family) -> int:
    return bound.count_free() - bound.count_redundant()
