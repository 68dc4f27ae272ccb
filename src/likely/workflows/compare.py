"""Models side by side: which of them describes the same data best, and by how much."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from likely.core.data import Table
from likely.core.family import Family
from likely.core.notation import parse
from likely.core.written import Choose
from likely.errors import FitError, ModelError
from likely.faces.ranking import grid, heading
from likely.workflows.deciding import shown
from likely.workflows.fit import fit
from likely.workflows.result import Fit
from likely.workflows.select import CRITERIA
from likely.workflows.selection import HELD_OUT, Candidate, Selection

SCORES = (*CRITERIA, "aicc")
SAME = ("x", "weights", "labels")  # what two fits must have been given alike
Model = Family | Fit | str


@dataclass(frozen=True)
class Compared:
    """One model of a comparison; what could not be found out is None, and `why` says so.

    `difference` is to the best score: 0 for the best, otherwise how much worse. The weight exp(-difference / 2), made
    to sum to 1 over the models, is the Akaike weight of AIC, and for BIC about the model's posterior probability.
    """

    name: str
    log_likelihood: float | None
    n_free: int | None
    score: float | None
    difference: float | None
    standard_error: float | None = None  # of the difference, where rows were held out
    weight: float | None = None
    why: str = ""


@dataclass(frozen=True)
class Comparison:
    """The models in the order of their scores, best first; prints as a table."""

    by: str
    rows: tuple[Compared, ...]
    how: str = ""

    @property
    def held_out(self) -> bool:
        """By rows that the parameters had not seen?"""
        return self.by == HELD_OUT

    @property
    def best(self) -> str:
        """The name of the best."""
        return self.rows[0].name

    def __str__(self) -> str:
        failed = [f"{r.name} could not be fitted: {r.why}" for r in self.rows if r.why]
        return "\n".join([heading(self), str(grid(self)), *failed])

    def _repr_html_(self) -> str:
        return f"<div><p>{heading(self)}</p>{grid(self).html()}</div>"


def compare(
    models: Sequence[Model] | Mapping[str, Model],
    data: Any = None,
    *,
    by: str | None = None,
    folds: Any = None,
    holdout: float | None = None,
    repeats: int = 1,
    groups: Any = None,
    **options: Any,
) -> Comparison:
    """Models of any families on the same data: a table of scores, differences to the best, and weights.

    Parameters
    ----------
    models : list, or dict by name       models, fits, or both
    data : as for `fit`                  may be left out where there is a fit: its data then
    by : "bic", "aic", "aicc" or "icl"   lower is better; BIC unless given, and no folds either
    folds, holdout, repeats, groups      compare by held-out log-likelihood instead, as for `fit`
    options                              of `fit`, for every model fitted here: columns, given, starts, seed, ...

    Returns
    -------
    Comparison      best first; `.rows` are the numbers

    Raises
    ------
    ModelError      the fits are of different data, or no data is known
    FitError        none of the models could be fitted

    Notes
    -----
    AICc is AIC + 2 k (k + 1) / (n - k - 1) for k free parameters and n rows (Hurvich & Tsai 1989); weights are those of
    Burnham & Anderson (2002). Densities of different units cannot be compared: take logarithms with a family
    (LogNormal), not of the data. Held-out scores are worked out by fitting every model anew to the other folds.

    Examples
    --------
    >>> import likely as lk
    >>> x = [1.2, 0.7, 3.1, 0.4, 1.9, 0.9, 5.2, 2.2]
    >>> print(lk.compare([lk.Exponential(), lk.Gamma(), lk.Normal()], x, by="aicc"))
    Models by AICc (lower is better)
    model          log-likelihood  parameters   AICc  difference  weight
    Exponential()          -13.34           1  29.35        0.00   0.723
    Gamma()                -12.57           2  31.54        2.19   0.242
    Normal()               -14.50           2  35.40        6.05   0.035
    """
    held_out = folds is not None or holdout is not None
    named = _named(models)
    if by is not None and (held_out or by not in SCORES):
        raise _unclear(by, folds, holdout)
    data = _common_data(named, data)
    if held_out:
        families = [_family(m) for m in named.values()]
        way = {"folds": folds, "holdout": holdout, "repeats": repeats, "groups": groups}
        table = _held_out(families, data, {**options, **{n: v for n, v in way.items() if v is not None}})
        rows = [_of_candidate(name, c) for name, c in zip(named, table.candidates, strict=True)]
        return Comparison(HELD_OUT, _sorted(rows, -1), table.how)
    if repeats != 1 or groups is not None:
        what = "groups=..." if groups is not None else f"repeats={repeats}"
        raise ModelError(f"{what} belongs to held-out rows; give folds=10 or holdout=0.3 too, or leave it out.")
    by = by or "bic"
    rows = [_of_fit(name, m, data, by, options) for name, m in named.items()]
    if all(r.score is None for r in rows):
        raise FitError(f"none of the {len(rows)} models could be fitted; the first: {rows[0].why}")
    return Comparison(by, _weighted(_sorted(rows, 1)))


def _unclear(by: str, folds: Any, holdout: float | None) -> ModelError:
    if folds is None and holdout is None:
        return ModelError(f"by={by!r}; models are compared by {', '.join(map(repr, SCORES))}, or with folds=10.")
    other = f"folds={shown(folds)}" if folds is not None else f"holdout={holdout}"
    return ModelError(f"by={by!r} and {other}: each of them says how to compare; leave one of them out.")


def _named(models: Any) -> dict[str, Model]:
    """The models by name: their notation, where they have no other."""
    if isinstance(models, Mapping):
        named = dict(models)
    else:
        if isinstance(models, Family | Fit | str):
            one = repr(models.family if isinstance(models, Fit) else models)
            raise ModelError(f"compare({one}, ...): write the models in a list, as in [Normal(), Gamma()].")
        named = {}
        for m in models:
            name = m if isinstance(m, str) else repr(m.family if isinstance(m, Fit) else m)
            if name in named:
                raise ModelError(
                    f"{name} is among the models twice; give them names, as in {{'first': ..., 'second': ...}}."
                )
            named[name] = m
    for name, m in named.items():
        if not isinstance(m, Family | Fit | str):
            raise ModelError(f"compare: {name} is {m!r}; a model or a fit is needed.")
    if len(named) < 2:
        raise ModelError(f"compare needs at least 2 models; got {len(named)}.")
    return named


def _family(model: Model) -> Family:
    return model.family if isinstance(model, Fit) else parse(model) if isinstance(model, str) else model


def _common_data(named: dict[str, Model], data: Any) -> Any:
    """The data that all are compared on."""
    fits = [(name, m) for name, m in named.items() if isinstance(m, Fit)]
    for name, other in fits[1:]:
        _require_same(*fits[0], name, other)
    known = next((m.data for _, m in fits if m.data is not None), None)
    if data is None and known is None and len(fits) < len(named):
        raise ModelError("compare: no data is known; pass it after the models.")
    if data is not None and fits:
        raise ModelError("compare: a fit brings its data with it; leave data out, or pass models without fits.")
    return known if data is None else data


def _require_same(first: str, a: Fit, second: str, b: Fit) -> None:
    """Were both fitted to the same rows and columns?"""
    for what in ("n_obs", "n_columns", "columns"):
        mine, theirs = getattr(a, what), getattr(b, what)
        if mine != theirs:
            raise _different(first, second, f"{_SAID[what]} {_value(mine)} and {_value(theirs)}")
    if isinstance(a.data, Table) and isinstance(b.data, Table) and a.data is not b.data:
        pairs = [(getattr(a.data, n), getattr(b.data, n)) for n in SAME]
        if a.data.vocabulary != b.data.vocabulary or not all(_alike(*pair) for pair in pairs):
            raise _different(first, second, "their rows differ")


_SAID = {"n_obs": "their rows are", "n_columns": "their numbers of columns are", "columns": "their columns are"}


def _value(value: Any) -> str:
    return ", ".join(value) or "without names" if isinstance(value, tuple) else f"{value:g}"


def _alike(a: Any, b: Any) -> bool:
    return a is b or (a is not None and b is not None and np.array_equal(a, b))


def _different(first: str, second: str, how: str) -> ModelError:
    return ModelError(
        f"{first} and {second} were fitted to different data ({how}); likelihoods of different data "
        "cannot be compared. Fit both to the same."
    )


def _held_out(families: list[Family], data: Any, options: dict[str, Any]) -> Selection:
    table = fit(Choose(families), data, **options).selection
    assert table is not None
    return table


def _of_candidate(name: str, c: Candidate) -> Compared:
    return Compared(name, None, c.n_free, c.score, c.difference, c.standard_error, None, c.why)


def _of_fit(name: str, model: Model, data: Any, by: str, options: dict[str, Any]) -> Compared:
    try:
        found = model if isinstance(model, Fit) else fit(model, data, **options)
    except FitError as error:
        return Compared(name, None, None, None, None, why=str(error))
    return Compared(name, found.log_likelihood, found.n_free, _score(found, by), None)


def _score(found: Fit, by: str) -> float:
    if by != "aicc":
        return getattr(found, by)
    k, left = found.n_free, found.n_obs - found.n_free - 1
    return found.aic + 2 * k * (k + 1) / left if left > 0 else math.inf


def _sorted(rows: list[Compared], sign: int) -> tuple[Compared, ...]:
    """Best first; those without a score last."""
    return tuple(sorted(rows, key=lambda r: math.inf if r.score is None else sign * r.score))


def _weighted(rows: tuple[Compared, ...]) -> tuple[Compared, ...]:
    best = rows[0].score
    assert best is not None
    away = [math.inf if r.score is None else 0.0 if r.score == best else r.score - best for r in rows]
    share = [math.exp(-d / 2) for d in away]
    return tuple(
        r if r.score is None else Compared(r.name, r.log_likelihood, r.n_free, r.score, d, None, s / sum(share))
        for r, d, s in zip(rows, away, share, strict=True)
    )
