"""The result of a fit: what was found, how it was reached, and what it says about new data."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from likely.core.data import Data
from likely.core.family import Family
from likely.core.setting import Setting
from likely.em.loop import Step
from likely.em.outcome import Outcome
from likely.em.starts import Mark, Starts
from likely.engines.local import Local, width_of
from likely.errors import DataError, ModelError
from likely.faces.summary import Summary, summarise
from likely.io.tables import reread
from likely.numerics import special
from likely.numerics.soft import Array
from likely.workflows.selection import Selection
from likely.workflows.trusted import Trusted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from likely.em.path import Path


@dataclass(frozen=True, eq=False)
class Fit(Trusted):
    """A fitted model. Frozen; everything else is computed from it on demand.

    Examples
    --------
    >>> import likely as lk
    >>> fit = lk.fit(lk.Exponential(), [3.1, 8.2, 1.7])
    >>> fit.model
    Exponential(rate=0.230769)
    >>> round(fit.log_likelihood, 4), fit.n_free
    (-7.399, 1)
    """

    family: Family  # what was free
    model: Family  # the same with every slot filled
    log_likelihood: float  # nats
    objective: float  # log-likelihood + log prior: what was maximised
    outcome: Outcome
    trace: tuple[Mark, ...]  # the objective at every pass of the best start
    starts: Starts
    n_free: int  # number of free parameters
    n_obs: float  # rows, or the sum of their weights
    n_columns: int
    columns: tuple[str, ...] = ()  # their names, where they have any
    given: tuple[str, ...] = ()
    label_names: tuple[str, ...] = ()
    hard: bool = False
    seconds: float = 0.0
    selection: Selection | None = None
    data: Data | None = field(default=None, repr=False)  # what it was fitted to; not saved

    @property
    def converged(self) -> bool:
        """Is this a maximum, to the tolerance?"""
        return self.outcome.good

    @property
    def aic(self) -> float:
        """-2 log-likelihood + 2 n_free; lower is better."""
        return -2 * self.log_likelihood + 2 * self.n_free

    @property
    def bic(self) -> float:
        """-2 log-likelihood + n_free log(n_obs); lower is better."""
        return -2 * self.log_likelihood + self.n_free * math.log(self.n_obs)

    @property
    def icl(self) -> float:
        """BIC + 2 entropy of the responsibilities (Biernacki, Celeux & Govaert 2000); lower is better."""
        return self.bic + 2 * self.entropy

    @cached_property
    def entropy(self) -> float:
        """-sum w r log r over the data that was fitted: how uncertain the labels are, in nats; 0 without a mixture."""
        if not _has_components(self.model):
            return 0.0
        data = self.training("entropy and icl")
        r = self._responsibilities(data)
        return float(-(data.weight_column() * special.xlogy(r, r)).sum())

    def responsibilities(self, x: Any = None, given: Any = None) -> Array:
        """(n, m): probability of each component for each row, of new data or of the data that was fitted."""
        return self._responsibilities(self._table(x, given, "responsibilities"))

    def predict(self, x: Any = None, given: Any = None) -> Array:
        """(n,): the most probable component of each row (from 0), or its label where labels were given by name.

        For a regression that stands alone, `predict(given=...)` gives the expected responses.
        """
        if self.model.uses_given and not _has_components(self.model):
            return self.model.regress(self.training("predict").given if given is None else given)
        best = self.responsibilities(x, given).argmax(1)
        if not self.label_names:
            return best
        names = [
            *self.label_names,
            *(f"unlabelled {i + 1}" for i in range(best.max(initial=0) + 1 - len(self.label_names))),
        ]
        return np.array(names)[best]

    def log_prob(self, x: Any = None, given: Any = None) -> Array:
        """(n,): log density of each row, in nats."""
        return self._map(self._table(x, given, "log_prob"), lambda q: q.log_prob[:, 0])

    def score(self, x: Any = None, given: Any = None) -> float:
        """Mean log density per row (per unit of weight): comparable between data sets of different sizes."""
        data = self._table(x, given, "score")
        weights = np.asarray(data.weight_column())[:, 0]
        return float(weights @ self._map(data, lambda q: q.log_prob[:, 0]) / weights.sum())

    def sample(self, n: int = 1, *, seed: int = 0, given: Any = None) -> Any:
        """n draws from the fitted model."""
        return self.model.sample(n, seed=seed, given=given)

    def summary(self) -> Summary:
        """What was found, as a table (text, or HTML in a notebook)."""
        return summarise(self)

    def plot(
        self, kind: str | None = None, *, ax: Axes | None = None, columns: Sequence[str | int] | None = None,
        x: str | None = None, y: str | None = None, path: Path | Sequence[Path] | None = None,
        limits: tuple[tuple[float, float], tuple[float, float]] | None = None,
    ) -> Axes:  # fmt: skip
        """Draw the fit: see `likely.faces.plots.plot`. The axes' figure is `.figure`.

        Parameters
        ----------
        kind : str             "density" (one column), "scatter" (two), "regression" (one column against one covariate),
                               "trace" or "selection"; the first that suits the fit unless named. Also "panel",
                               "posterior", "profile" or "surface"
        ax : Axes              where to draw; a new figure unless given
        columns : two names    which columns a scatter shows
        x, y : str             the numbers of a profile (x) or a surface, as one writes them behind `fit.model.`
        path : Path or list    what a `Path` saw of a fit, drawn on its surface
        limits : two pairs     (lowest, highest) of x and of y on a surface
        """
        from likely.faces.plots import plot

        return plot(self, kind, ax, columns=columns, x=x, y=y, path=path, limits=limits)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fit as JSON; `likely.load(path)` gives it back (without the data)."""
        from likely.workflows.storage import save

        save(self, path)

    def __str__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def training(self, what: str) -> Any:
        """The data of the fit; `what` needs it, if new data is not given."""
        if self.data is None:
            raise ModelError(
                f"{what} without data needs the data of the fit, which a loaded fit does not carry; pass x."
            )
        return self.data

    def _table(self, x: Any, given: Any, what: str) -> Any:
        if x is None:
            return self.training(what)
        table = reread(x, self.columns, self.given, given=given, infinite=self.model.reads_infinite)
        if table.d != self.n_columns:
            raise DataError(f"the data has {table.d} columns, the model was fitted to {self.n_columns}.")
        return table

    def _responsibilities(self, data: Any) -> Array:
        if not _has_components(self.model):
            raise ModelError(
                f"{type(self.model).__name__} has no components; responsibilities and predict need a mixture."
            )
        return self._map(data, lambda q: q.hidden[:, 0])

    def _map(self, data: Any, what: Callable[[Any], Array]) -> Array:
        """Something of the posterior, chunk by chunk."""
        bound = self.model.bind((), Setting.of(data.rows))
        params = bound.known_params()
        with Local(data, width_of(bound)) as engine:
            return np.concatenate(list(engine.map(lambda chunk: what(bound.infer(params, chunk.double())))))


def _has_components(model: Family) -> bool:
    return model.axis == "component"


def result(
    family: Family,
    bound: Family,
    trace: tuple[Mark, ...],
    last: Step,
    starts: Starts,
    data: Data,
    *,
    hard: bool,
    seconds: float,
) -> Fit:
    """The frozen record of a finished run."""
    assert last.outcome is not None
    return Fit(
        family=family,
        model=bound.publish(last.params),
        log_likelihood=last.log_likelihood,
        objective=last.objective,
        outcome=last.outcome,
        trace=trace,
        starts=starts,
        n_free=bound.count_free(),
        n_obs=float(data.weight_column().sum()),
        n_columns=data.rows.d,
        columns=data.rows.names,
        given=data.rows.given_names,
        label_names=data.rows.label_names,
        hard=hard,
        seconds=seconds,
        data=data,
    )
