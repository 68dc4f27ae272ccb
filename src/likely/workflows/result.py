"""The result of a fit: what was found, how it was reached, and what it says about new data."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from likely.core.data import Data, Sequences
from likely.core.family import Family
from likely.core.setting import Setting
from likely.em.loop import Step
from likely.em.outcome import Outcome
from likely.em.starts import Mark, Starts
from likely.engines.local import Local, width_of
from likely.errors import DataError, ModelError
from likely.io.tables import reread, reread_sequences
from likely.numerics import special
from likely.numerics.soft import Array
from likely.structures.state_questions import StateQuestions
from likely.workflows.decoding import HiddenStates
from likely.workflows.selection import Selection
from likely.workflows.trusted import Trusted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from likely.em.path import Path
    from likely.faces.summary import Summary


@dataclass(frozen=True, eq=False)
class Fit(HiddenStates, Trusted):
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
    n_obs: float  # rows that were observed, or the sum of their weights (or of those of their sequences)
    n_columns: int
    columns: tuple[str, ...] = ()  # their names, where they have any
    given: tuple[str, ...] = ()
    label_names: tuple[str, ...] = ()
    sequence: str = ""  # the column that said which rows make a sequence; empty where there was none
    time: str = ""  # the column that said when each row was
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
        """-sum w r log r over the data that was fitted: how uncertain the labels are, in nats; 0 without a mixture.

        Of a hidden Markov model it is that of whole paths of states.
        """
        if self.model.axis == "state":
            return self._path_entropy(self.training("entropy and icl"))
        if not _has_components(self.model):
            return 0.0
        data = self.training("entropy and icl")
        r = self._responsibilities(data)
        return float(-(data.weight_column() * special.xlogy(r, r)).sum())

    def responsibilities(self, x: Any = None, given: Any = None) -> Array:
        """(n, m): probability of each component for each row, of new data or of the data that was fitted.

        Of a mixture of sequences (S, m), for each of them; of a hidden Markov model that of each state at each row,
        given the whole sequence (smoothed).
        """
        return self._responsibilities(self._table(x, given, "responsibilities"))

    def predict(self, x: Any = None, given: Any = None) -> Array:
        """(n,): the most probable component of each row (from 0), or its label where these were given by name.

        Of a hidden Markov model it is the state on the most probable path (`decode`); `responsibilities` has the
        probability of each by itself.

        For a regression that stands alone, `predict(given=...)` gives the expected responses; of a state space each row
        is predicted from the rows before it (`forecast` looks ahead).
        """
        if isinstance(self.model, StateQuestions):
            return self.model.expected(self._table(x, given, "predict"))
        if self.model.uses_given and not _has_members(self.model):
            return self.model.regress(self.training("predict").given if given is None else given)
        if self.model.axis == "state":
            return self.decode(x, given).states
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
        return float(weights @ self._map(data, lambda q: q.log_prob[:, 0]) / data.n_obs)

    def sample(
        self, n: int = 1, *, seed: int = 0, given: Any = None, sequences: int | None = None, states: bool = False
    ) -> Any:
        """n draws from the fitted model; of hidden states a sequence of n rows (`HMM.sample`, `StateSpace.sample`)."""
        if sequences is None and not states:
            return self.model.sample(n, seed=seed, given=given)
        return self._hidden("sample(sequences=..., states=...)").sample(
            n, seed=seed, given=given, sequences=sequences, states=states
        )

    def summary(self) -> Summary:
        """What was found, as a table (text, or HTML in a notebook)."""
        from likely.faces.summary import summarise

        return summarise(self)

    def plot(
        self, kind: str | None = None, *, ax: Axes | None = None, columns: Sequence[str | int] | None = None,
        x: str | None = None, y: str | None = None, path: Path | Sequence[Path] | None = None,
        limits: tuple[tuple[float, float], tuple[float, float]] | None = None, h: int | None = None,
        future: Any = None,
    ) -> Axes:  # fmt: skip
        """Draw the fit: see `likely.faces.plots.plot`. The axes' figure is `.figure`.

        Parameters
        ----------
        kind : str             "states" (one column over time), "density" (one column), "scatter" (two), "regression"
                               (one column against one covariate), "trace" or "selection"; the first that suits the
                               fit unless named. Also "transition", "residuals", "panel", "posterior", "profile",
                               "surface" or (of a state space) "forecast"
        ax : Axes              where to draw; a new figure unless given
        columns : two names    which columns a scatter shows
        x, y : str             the numbers of a profile (x) or a surface, as one writes them behind `fit.model.`
        path : Path or list    what a `Path` saw of a fit, drawn on its surface
        limits : two pairs     (lowest, highest) of x and of y on a surface
        h : int                how many rows a forecast goes ahead
        future : array         (h, p) inputs of the rows that are forecast
        """
        from likely.faces.plots import plot

        return plot(self, kind, ax, columns=columns, x=x, y=y, path=path, limits=limits, h=h, future=future)

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
        data = self.reread(x, given=given)
        if data.rows.d != self.n_columns:
            raise DataError(f"the data has {data.rows.d} columns, the model was fitted to {self.n_columns}.")
        return data

    def reread(self, x: Any, *, given: Any = None, sequence: Any = None, time: Any = None) -> Data:
        """New data with the columns of this fit; `sequence` and `time` go by the names they had, unless given."""
        model, read = self.model, {"given": given, "infinite": self.model.reads_infinite}
        if not model.sequential:
            return reread(x, self.columns, self.given, **read)
        read |= {"missing": model.reads_missing, "id_name": self.sequence, "time_name": self.time}
        return reread_sequences(x, self.columns, self.given, sequence=sequence, time=time, **read)

    def _responsibilities(self, data: Any) -> Array:
        if not _has_members(self.model):
            raise ModelError(
                f"{type(self.model).__name__} has no components; responsibilities and predict need a mixture."
            )
        if _has_components(self.model):
            return self._map(data, lambda q: q.hidden[:, 0])
        return self._map(data, lambda q: q.hidden.gamma[:, 0])

    def _map(self, data: Any, what: Callable[[Any], Array]) -> Array:
        """Something of the posterior, chunk by chunk."""
        bound = self.model.bind((), Setting.of(data))
        params = bound.known_params()
        with Local(data, width_of(bound)) as engine:
            return np.concatenate(list(engine.map(lambda chunk: what(bound.infer(params, chunk.double())))))


def _has_components(model: Family) -> bool:
    return model.axis == "component"


def _has_members(model: Family) -> bool:
    """Are there components, or states, that rows may come from?"""
    return model.axis in ("component", "state")


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
        n_free=bound.count_free() - bound.count_redundant(),
        n_obs=data.n_obs,
        n_columns=data.rows.d,
        columns=data.rows.names,
        given=data.rows.given_names,
        label_names=data.rows.label_names,
        sequence=data.id_name if isinstance(data, Sequences) else "",
        time=data.time_name if isinstance(data, Sequences) else "",
        hard=hard,
        seconds=seconds,
        data=data,
    )
