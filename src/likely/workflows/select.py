"""`choose(...)`: what it allows, and the choice by an information criterion: all are fitted, the best is kept."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from likely.core.family import Family
from likely.core.written import Choose, Shared
from likely.em.outcome import Outcome
from likely.errors import FitError
from likely.workflows.grids import Pick, edge_of
from likely.workflows.selection import Candidate, Selection

if TYPE_CHECKING:
    from likely.workflows.heldout import Fitter
    from likely.workflows.result import Fit

CRITERIA = ("bic", "aic", "icl")
CUT_SHORT = (Outcome.interrupted, Outcome.stopped)


def is_open(model: Any) -> bool:
    """Does a `choose(...)` stand anywhere in the model?"""
    return next(_choices(model), None) is not None


@dataclass(frozen=True)
class Criterion:
    """The choice by "bic", "aic" or "icl"."""

    by: str

    def select(self, model: Any, data: Any, fitter: Fitter) -> Fit:
        """Fit every combination of the choices and keep the best.

        Raises
        ------
        FitError        no candidate could be fitted
        """
        tried: list[tuple[Candidate, Fit | None]] = []
        picks, cut_short = [], None
        every = list(candidates_of(model))
        for i, (candidate, picked) in enumerate(every):
            picks.append(picked)
            fitter.about(f"candidate {i + 1} of {len(every)}")
            try:
                fit = fitter.fit(candidate, data)
                row = Candidate(repr(candidate), fit.log_likelihood, fit.n_free, getattr(fit, self.by))
                tried.append((row, fit))
                if fit.outcome in CUT_SHORT:
                    cut_short = fit.outcome
                    break
            except FitError as error:
                tried.append((Candidate(repr(candidate), None, None, None, str(error)), None))
        fitted = [(row.score, i) for i, (row, _) in enumerate(tried) if row.score is not None]
        if not fitted:
            raise none_fitted([row for row, _ in tried])
        chosen = min(fitted)[1]
        best = tried[chosen][1]
        assert best is not None
        table = Selection(self.by, tuple(r for r, _ in tried), chosen, edge=edge_of(picks[chosen]))
        return replace(best, outcome=cut_short or best.outcome, selection=table)


def none_fitted(tried: list[Candidate]) -> FitError:
    """The error where nothing is left to choose from."""
    return FitError(f"none of the {len(tried)} candidates could be fitted; the first: {tried[0].why}")


def candidates_of(model: Any) -> Iterator[tuple[Family, tuple[Pick, ...]]]:
    """Every model that the choices allow, the last choice varying fastest, and what was picked for it."""
    if isinstance(model, Choose):
        for i, option in enumerate(model.options):
            for made, picks in candidates_of(option):
                yield made, (Pick(model, i), *picks)
        return
    choices = list(_choices(model))
    for indices in itertools.product(*(range(len(c.choice.options)) for c in choices)):
        own = tuple(replace(c, index=i) for c, i in zip(choices, indices, strict=True))
        made = _replace(model, {id(p.choice): p.option for p in own})
        if is_open(made):
            yield from ((inner, own + more) for inner, more in candidates_of(made))
        else:
            yield made, own


def expand(model: Any) -> Iterator[Family]:
    """Every model that the choices allow, the last choice varying fastest."""
    return (family for family, _ in candidates_of(model))


def _choices(value: Any, counts: bool = False) -> Iterator[Pick]:
    """The choices in a model, outermost first; those outside the slots are of counts."""
    if isinstance(value, Choose):
        yield Pick(value, 0, counts)
    elif isinstance(value, Family):
        for name, inner in vars(value).items():
            yield from _choices(inner, name not in value.domains)
    elif isinstance(value, Shared):
        yield from _choices(value.prior)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _choices(inner)


def _replace(value: Any, picks: dict[int, Any]) -> Any:
    if isinstance(value, Choose):
        return picks[id(value)]
    if isinstance(value, Family):
        return value._changed(**{n: _replace(v, picks) for n, v in vars(value).items()})
    if isinstance(value, Shared):
        return Shared(_replace(value.prior, picks), value.over, value.offsets)
    if isinstance(value, dict):
        return {n: _replace(v, picks) for n, v in value.items()}
    return value
