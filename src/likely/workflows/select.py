"""`choose(...)`: every candidate is fitted, the best by an information criterion is kept, the table with it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from likely.core.family import Family
from likely.core.written import Choose, Shared
from likely.em.outcome import Outcome
from likely.errors import FitError, ModelError

if TYPE_CHECKING:
    from likely.workflows.result import Fit

CRITERIA = ("bic", "aic", "icl")


@dataclass(frozen=True)
class Candidate:
    """One model that was tried; `score` is None where it could not be fitted, and `why` says so."""

    model: str
    log_likelihood: float | None
    n_free: int | None
    score: float | None
    why: str = ""


@dataclass(frozen=True)
class Selection:
    """The table behind a choice, in the order tried; lower scores are better."""

    by: str
    candidates: tuple[Candidate, ...]
    chosen: int


def is_open(model: Any) -> bool:
    """Does a `choose(...)` stand anywhere in the model?"""
    return next(_choices(model), None) is not None


def select(model: Any, fit_one: Callable[[Family], Fit], by: str | None) -> Fit:
    """Fit every combination of the choices and keep the best.

    Raises
    ------
    ModelError      `by` is not one of "bic", "aic", "icl"
    FitError        no candidate could be fitted
    """
    if by not in CRITERIA:
        got = "" if by is None else f" (got by={by!r})"
        raise ModelError(f"{model!r} leaves a choice open; say how to decide it with by='bic', 'aic' or 'icl'{got}.")
    tried: list[tuple[Candidate, Fit | None]] = []
    cut_short = None
    for candidate in expand(model):
        try:
            fit = fit_one(candidate)
            row = Candidate(repr(candidate), fit.log_likelihood, fit.n_free, getattr(fit, by))
            tried.append((row, fit))
            if fit.outcome in (Outcome.interrupted, Outcome.stopped):
                cut_short = fit.outcome
                break
        except FitError as error:
            tried.append((Candidate(repr(candidate), None, None, None, str(error)), None))
    fitted = [(row.score, i) for i, (row, _) in enumerate(tried) if row.score is not None]
    if not fitted:
        raise FitError(f"none of the {len(tried)} candidates could be fitted; the first: {tried[0][0].why}")
    chosen = min(fitted)[1]
    best = tried[chosen][1]
    assert best is not None
    return replace(best, outcome=cut_short or best.outcome, selection=Selection(by, tuple(r for r, _ in tried), chosen))


def expand(model: Any) -> Iterator[Family]:
    """Every model that the choices allow, the last choice varying fastest."""
    if isinstance(model, Choose):
        for option in model.options:
            yield from expand(option)
        return
    choices = list(_choices(model))
    for picks in itertools.product(*(c.options for c in choices)):
        made = _replace(model, dict(zip(map(id, choices), picks, strict=True)))
        yield from expand(made) if is_open(made) else iter([made])


def _choices(value: Any) -> Iterator[Choose]:
    """The choices in a model, outermost first."""
    if isinstance(value, Choose):
        yield value
    elif isinstance(value, Family):
        for inner in vars(value).values():
            yield from _choices(inner)
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
