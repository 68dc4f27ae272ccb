"""The life of a fit: notation and data are checked against each other, starts race, the best is published."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from likely.core.data import Data, present
from likely.core.family import Family
from likely.core.notation import parse
from likely.core.written import Choose
from likely.em.loop import Step
from likely.em.outcome import Outcome
from likely.em.starts import Mark, Optimum, Starts
from likely.engines.local import Local, width_of
from likely.errors import Degenerate, FewObservations, ModelError
from likely.faces.progress import progress_line, say
from likely.io.tables import read
from likely.workflows.checks import check_fit, check_init, collapse
from likely.workflows.climb import Climb
from likely.workflows.deciding import are_ids, deciding
from likely.workflows.few import few_observed
from likely.workflows.result import Fit, result
from likely.workflows.select import expand


def fit(
    model: Family | Choose | str,
    data: Any,
    *,
    columns: Any = None,
    given: Any = None,
    weights: Any = None,
    labels: Any = None,
    sequence: Any = None,
    time: Any = None,
    start: Family | Fit | str | None = None,
    starts: int = 20,
    init: str = "k-means++",
    seed: int = 0,
    hard: bool = False,
    accelerate: bool = True,
    tol: float = 1e-3,
    max_passes: int = 10_000,
    by: str | None = None,
    folds: Any = None,
    holdout: float | None = None,
    repeats: int = 1,
    groups: Any = None,
    rule: str = "best",
    threads: int | None = None,
    progress: bool | None = None,
    callback: Callable[[Step], Any] | None = None,
) -> Fit:
    """Fit a model to data by maximum likelihood, or maximum a posteriori where slots hold priors.

    With complete data this is the closed form, in one pass; where something is hidden it is EM.

    Parameters
    ----------
    model : Family, choose(...) or str   what to fit; empty slots are estimated
    data : array, list, dict, frame or path      NumPy, pandas, polars, Arrow, a CSV or Parquet file; for a model of
                                         sequences a list with a sequence in each item, or `sequences(x, lengths)`
    columns : str or list                which columns to model (all that suit the model unless given)
    given : array, or column name(s)     covariates, for families that condition on them
    weights : array, or column name      (n,) >= 0: how often each row (or each sequence) counts
    labels : array, or column name       known component (or state) of some rows; None, NaN or -1 where unknown
    sequence : array, or column name     which sequence each row belongs to, for a model of sequences; its rows stand
                                         together. Without it rows are one sequence, and each of several files is one
    time : array, or column name         when each row was, a number or a date: it must rise within every sequence, and
                                         is not modelled
    start : Family, Fit or str           begin here: the same notation with every slot filled
    starts : int                         how many random starts race one another; where few agree on the best, its
                                         components are then moved about
    init : "k-means++" or "random"       how random starts guess what is hidden: rows with the nearest of some seeds, or
                                         each by lot (then all components begin much alike, rarely a good start)
    seed : int                           the same seed gives the same fit
    hard : bool                          give each row wholly to its best component (classification EM)
    accelerate : bool                    extrapolate (SQUAREM, Anderson); False is plain EM, to the same maximum
    tol : float                          stop within this many standard errors of the maximum; 0 runs all passes
    max_passes : int                     limit of passes over the data for each start
    by : "bic", "aic" or "icl"           how `choose(...)` slots are decided; lower is better
    folds : int, array, column name or splitter      decide by held-out likelihood instead: rows dealt into so many
                                         folds, each held out in turn; or in which fold each row is; or an object with
                                         `.split(X, y, groups)`, as those of scikit-learn
    holdout : float                      the same, this share of the rows (0.3 of them) held out once
    repeats : int                        deal rows into folds so many times
    groups : array, or column name       rows (or sequences) that are held out together, never divided
    rule : "best" or "1se"               the best held-out score, or the simplest candidate within one standard error
    threads : int                        all processors unless given; never changes the answer
    progress : bool                      a line while it runs; only on a terminal unless given
    callback : callable                  sees every Step; returning True stops the fit

    Returns
    -------
    Fit      `.model` is the model with every slot filled

    Raises
    ------
    InputError      the model or the data cannot be used; the message names the place
    FitError        every start collapsed: the likelihood is unbounded

    Warns
    -----
    FewObservations      there are fewer observed values than free parameters, and no prior

    Notes
    -----
    EM: Dempster, Laird & Rubin (1977). The objective is log-likelihood + log prior; it is checked at every pass.

    A held-out score is the log-likelihood of all held-out rows together, per unit of weight. The chosen candidate is
    fitted to all the data again, and `.selection` keeps the table. The standard error of "1se" is that of the paired
    differences to the best, fold by fold (Breiman, Friedman, Olshen & Stone 1984 use unpaired ones); the simplest has
    the fewest free parameters, then the lowest likelihood of what it was fitted to (of priors the strongest), then
    comes last. A row that weighs 3 stays whole in one fold, where three equal rows may be divided. Sequences are held
    out whole, and the score is per row; of one sequence alone nothing can be held out.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Bernoulli(), [1] * 8 + [0] * 2).model
    Bernoulli(p=0.8)
    """
    family = parse(model) if isinstance(model, str) else model
    _check_options(family, starts, max_passes, tol)
    check_init(init, start)
    decide = deciding(family, by=by, folds=folds, holdout=holdout, repeats=repeats, rule=rule, groups=groups, seed=seed)
    roles = {"columns": columns, "given": given, "weights": weights, "labels": labels}
    roles |= {"sequence": sequence, "time": time}
    roles |= {"groups": folds, "grouped_by": "folds"} if are_ids(folds) else {"groups": groups}
    # All candidates see the same columns: those that suit the first.
    table = read(data, next(expand(family)), **roles)
    with progress_line(progress) as watch:
        climb = Climb(watch, callback, starts, seed, 0.0 if hard else 1.0, tol, max_passes, threads, accelerate, init)
        fitter = Fitter(start, climb)
        if decide is not None:
            found = decide.select(family, table, fitter)
        else:
            assert isinstance(family, Family)  # what leaves nothing open
            found = fitter.fit(family, table)
    if few := few_observed(found):
        warnings.warn(few, FewObservations, stacklevel=2)
    return found


def _check_options(family: Any, starts: int, max_passes: int, tol: float) -> None:
    if not isinstance(family, Family | Choose):
        raise ModelError(f"fit({family!r}, ...): the first argument is a model, as in fit(Normal(), x).")
    if starts < 1:
        raise ModelError(f"starts={starts}; at least one start is needed.")
    if max_passes < 1:
        raise ModelError(f"max_passes={max_passes}; at least one pass over the data is needed.")
    if not tol >= 0:
        raise ModelError(f"tol={tol}; it is a number of standard errors, 0 or above.")


@dataclass(frozen=True)
class Fitter:
    """Fits one model after another in the same way."""

    start: Any
    climb: Climb

    @property
    def threads(self) -> int | None:
        """At most so many."""
        return self.climb.threads

    @property
    def temperature(self) -> float:
        """1 of EM, 0 of hard EM."""
        return self.climb.temperature

    def about(self, text: str) -> None:
        """What is being fitted, for the progress line."""
        say(self.climb.watch, text)

    def check(self, family: Family, data: Data) -> Family:
        """The family bound to rows that weigh something; raises an InputError where it cannot be fitted so."""
        bound, start = check_fit(family, data), self.start
        if not bound.hidden and (start is not None or self.temperature == 0):
            what = "start=..." if start is not None else "hard=True"
            raise ModelError(
                f"{what} is for EM, and nothing is hidden in {family!r}: it has a closed form. Leave it out."
            )
        return bound

    def fit(self, family: Family, data: Data, stats: Any = None) -> Fit:
        """The fit of a family to all the data, whose statistics may be known already."""
        began = perf_counter()
        used, hard = present(data), self.temperature == 0
        bound = self.check(family, used)
        with Local(used, width_of(bound), self.threads, sweeps=bound.sweeps) as engine:
            if bound.hidden:
                trace, last, starts = self.climb.run(bound, engine, _start_params(bound, self.start))
            else:
                trace, last, starts = _closed_form(bound, engine, stats)
        seconds = perf_counter() - began
        return result(family, bound, tuple(trace), last, starts, data, hard=hard, seconds=seconds)


def _start_params(family: Family, start: Any) -> Any:
    """The parameters a user wants to begin from, or None."""
    if start is None:
        return None
    model = parse(start) if isinstance(start, str) else getattr(start, "model", start)
    return model.bind((), family.setting).known_params()


def _closed_form(family: Family, engine: Local, stats: Any) -> tuple[list[Mark], Step, Starts]:
    try:
        stats = engine.summarise(family) if stats is None else stats
        params = family.maximize(stats, None)
    except Degenerate as error:
        raise collapse(error, family, engine.data, Starts(())) from error
    log_likelihood = float(family.expected_log_density(params, stats).sum())
    objective = log_likelihood + family.log_prior(params)
    step = Step(1, params, objective, log_likelihood, stats, "closed form", 0.0, Outcome.closed_form)
    return [Mark(1, objective, step.kind, 0.0)], step, Starts((Optimum(objective, 1),))
