"""What a fit says of the hidden states of sequences: those of a hidden Markov model, and those of a state space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from likely.core.data import Data
from likely.core.forms import columns_of
from likely.errors import ModelError
from likely.numerics.soft import Array
from likely.structures.chain_known import Decoding
from likely.structures.chain_questions import ChainQuestions
from likely.structures.forecast import Forecast
from likely.structures.state_forecast import StateForecast
from likely.structures.state_known import States
from likely.structures.state_questions import StateQuestions

if TYPE_CHECKING:
    from likely.workflows.result import Fit


Hidden = ChainQuestions | StateQuestions
SUCH = {
    ChainQuestions: "a hidden Markov model such as HMM(Normal(), 2)",
    StateQuestions: "a state space such as StateSpace(2)",
}


class HiddenStates:
    """What `Fit` says where its model is a hidden Markov model, or a state space.

    x is new data, read as the data of the fit was (one sequence, a list of them, or a frame with its column of ids),
    or the data of the fit where nothing is given. Known states (labels) of the data of the fit are respected. Answers
    about rows lie end to end in the order of the data; with `split=True` they are a list, an array for each sequence.
    """

    @property
    def _fit(self) -> Fit:
        return cast("Fit", self)

    def decode(self, x: Any = None, given: Any = None, *, method: str = "viterbi", paths: int = 1) -> Decoding:
        """The most probable hidden states: see `HMM.decode`. States are told by name where labels named them.

        Examples
        --------
        >>> import likely as lk
        >>> start = lk.HMM(lk.Poisson([2.0, 9.0]), 2, initial=[0.5, 0.5], transition=[[0.8, 0.2], [0.2, 0.8]])
        >>> fit = lk.fit(lk.HMM(lk.Poisson(), 2), [1, 3, 2, 9, 8, 11, 2, 1, 3, 2], start=start)
        >>> fit.decode().states
        array([0, 0, 0, 1, 1, 1, 0, 0, 0, 0])
        """
        model, data = self._chain("decode"), self._fit._table(x, given, "decode")
        return model.decode(data, method=method, paths=paths, names=self._state_names())

    def smoothed(self, x: Any = None, given: Any = None, *, split: bool = False) -> Any:
        """(n, m): probability of each state at each row, given all rows of its sequence.

        Of a state space `States`: means (n, m), covariances (n, m, m), and those of neighbouring rows.
        """
        model, data = self._asked(x, given, "smoothed")
        return model.smoothed(data, split=split)

    def filtered(self, x: Any = None, given: Any = None, *, split: bool = False) -> Any:
        """(n, m): probability of each state at each row (of a state space `States`), given the rows up to it."""
        model, data = self._asked(x, given, "filtered")
        return model.filtered(data, split=split)

    def predicted(self, x: Any = None, given: Any = None, *, split: bool = False) -> Any:
        """(n, m): probability of each state at each row (of a state space `States`), given the rows before it."""
        model, data = self._asked(x, given, "predicted")
        return model.predicted(data, split=split)

    def pairwise(self, x: Any = None, given: Any = None, *, rows: bool = False, split: bool = False) -> Any:
        """(S, m, m): expected moves of each sequence; with `rows=True` (n, m, m), those to each row."""
        model, data = self._chain("pairwise"), self._fit._table(x, given, "pairwise")
        return model.pairwise(data, rows=rows, split=split)

    def sample_paths(self, x: Any = None, size: int = 1, *, seed: int = 0, given: Any = None) -> Array:
        """(size, n): hidden paths drawn from their distribution given all rows: see `HMM.sample_paths`.

        Of a state space (size, n, m): see `StateSpace.sample_paths`.
        """
        model, data = self._asked(x, given, "sample_paths")
        return model.sample_paths(data, size, seed=seed)

    def forecast(self, h: int, x: Any = None, given: Any = None, *, future: Any = None) -> Forecast | StateForecast:
        """States and observations 1, 2, ... h rows after the end of every sequence.

        See `HMM.forecast` and `StateSpace.forecast`; `future` are the inputs of rows to come, by name where the fit has
        names of them.
        """
        if future is None:
            model, data = self._asked(x, given, "forecast")
            return model.forecast(h, data)
        space, data = self._space("forecast(future=...)"), self._fit._table(x, given, "forecast")
        return space.forecast(h, data, future=self._inputs(future))

    def residuals(
        self, x: Any = None, given: Any = None, *, interval: bool = False, split: bool = False
    ) -> Any:  # fmt: skip
        """(n,): (pseudo-)residuals, standard normal under the model: see `HMM.residuals`, `StateSpace.residuals`."""
        if interval:
            chain, data = self._chain("residuals(interval=True)"), self._fit._table(x, given, "residuals")
            return chain.residuals(data, interval=True, split=split)
        model, data = self._asked(x, given, "residuals")
        return model.residuals(data, split=split)

    def innovations(
        self, x: Any = None, given: Any = None, *, standardised: bool = True, split: bool = False
    ) -> Any:  # fmt: skip
        """(n,), or (n, d): one-step prediction errors: see `StateSpace.innovations`."""
        space, data = self._space("innovations"), self._fit._table(x, given, "innovations")
        return space.innovations(data, standardised=standardised, split=split)

    def disturbances(self, x: Any = None, given: Any = None, *, split: bool = False) -> Any:
        """`Disturbances`: what all rows say of the noise of each: see `StateSpace.disturbances`."""
        space, data = self._space("disturbances"), self._fit._table(x, given, "disturbances")
        return space.disturbances(data, split=split)

    def impute(self, x: Any = None, given: Any = None, *, split: bool = False) -> Any:
        """`Imputed`: the rows with expectations in place of what is missing: see `StateSpace.impute`."""
        space, data = self._space("impute"), self._fit._table(x, given, "impute")
        return space.impute(data, split=split)

    def expected_durations(self) -> Array:
        """(m,): how many rows the chain is expected to stay in each state."""
        return self._chain("expected_durations").expected_durations()

    def stationary_distribution(self) -> Array | States:
        """(m,): share of rows the chain spends in each state in the long run: see `HMM.stationary_distribution`.

        Of a state space `States`, the mean and covariance it comes to: see `StateSpace.stationary_distribution`.
        """
        return self._hidden("stationary_distribution").stationary_distribution()

    def _asked(self, x: Any, given: Any, what: str) -> tuple[Hidden, Data]:
        """The model, and the data as it was read for the fit."""
        model = self._hidden(what)
        return model, self._fit._table(x, given, what)

    def _inputs(self, future: Any) -> Any:
        """Inputs of rows to come, by the names they have in the fit."""
        if not self._fit.given or isinstance(future, list | tuple):
            return future
        source = columns_of(future)
        return source.matrix(source.positions(self._fit.given), "future ").x if source.names else future

    def _hidden(self, what: str) -> Hidden:
        return self._of(what, ChainQuestions, StateQuestions)

    def _chain(self, what: str) -> ChainQuestions:
        return self._of(what, ChainQuestions)

    def _space(self, what: str) -> StateQuestions:
        return self._of(what, StateQuestions)

    def _of(self, what: str, *kinds: type[Any]) -> Any:
        """The model, where it is one of these."""
        model = self._fit.model
        if isinstance(model, kinds):
            return model
        lacks = "" if isinstance(model, Hidden) else " has no hidden states;"
        raise ModelError(
            f"{type(model).__name__}{lacks or ':'} {what} is asked of {' or of '.join(SUCH[kind] for kind in kinds)}."
        )

    def _state_names(self) -> list[str]:
        """What states are called; nothing where they are only counted."""
        names = self._fit.label_names
        size = int(cast(Any, self._fit.model).size)
        return [*names, *(f"unlabelled {i + 1}" for i in range(size - len(names)))] if names else []

    def _path_entropy(self, data: Any) -> float:
        """How uncertain the paths of all sequences are, each counted by its weight."""
        return float(np.asarray(data.weight_column())[:, 0] @ self._chain("entropy").entropy(data))
