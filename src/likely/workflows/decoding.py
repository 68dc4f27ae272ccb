"""What a fit says of the hidden states of sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from likely.core.data import Data
from likely.errors import ModelError
from likely.numerics.soft import Array
from likely.structures.chain_known import Decoding
from likely.structures.chain_questions import ChainQuestions
from likely.structures.forecast import Forecast

if TYPE_CHECKING:
    from likely.workflows.result import Fit


class HiddenStates:
    """What `Fit` says where its model is a hidden Markov model.

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
        model, data = self._asked(x, given, "decode")
        return model.decode(data, method=method, paths=paths, names=self._state_names())

    def smoothed(self, x: Any = None, given: Any = None, *, split: bool = False) -> Any:
        """(n, m): probability of each state at each row, given all rows of its sequence."""
        model, data = self._asked(x, given, "smoothed")
        return model.smoothed(data, split=split)

    def filtered(self, x: Any = None, given: Any = None, *, split: bool = False) -> Any:
        """(n, m): probability of each state at each row, given the rows up to it."""
        model, data = self._asked(x, given, "filtered")
        return model.filtered(data, split=split)

    def predicted(self, x: Any = None, given: Any = None, *, split: bool = False) -> Any:
        """(n, m): probability of each state at each row, given the rows before it."""
        model, data = self._asked(x, given, "predicted")
        return model.predicted(data, split=split)

    def pairwise(self, x: Any = None, given: Any = None, *, rows: bool = False, split: bool = False) -> Any:
        """(S, m, m): expected moves of each sequence; with `rows=True` (n, m, m), those to each row."""
        model, data = self._asked(x, given, "pairwise")
        return model.pairwise(data, rows=rows, split=split)

    def sample_paths(self, x: Any = None, size: int = 1, *, seed: int = 0, given: Any = None) -> Array:
        """(size, n): hidden paths drawn from their distribution given all rows: see `HMM.sample_paths`."""
        model, data = self._asked(x, given, "sample_paths")
        return model.sample_paths(data, size, seed=seed)

    def forecast(self, h: int, x: Any = None, given: Any = None) -> Forecast:
        """States and observations 1, 2, ... h rows after the end of every sequence: see `HMM.forecast`."""
        model, data = self._asked(x, given, "forecast")
        return model.forecast(h, data)

    def residuals(
        self, x: Any = None, given: Any = None, *, interval: bool = False, split: bool = False
    ) -> Any:  # fmt: skip
        """(n,): pseudo-residuals, standard normal under the model: see `HMM.residuals`."""
        model, data = self._asked(x, given, "residuals")
        return model.residuals(data, interval=interval, split=split)

    def expected_durations(self) -> Array:
        """(m,): how many rows the chain is expected to stay in each state."""
        return self._chain("expected_durations").expected_durations()

    def stationary_distribution(self) -> Array:
        """(m,): share of rows the chain spends in each state in the long run: see `HMM.stationary_distribution`."""
        return self._chain("stationary_distribution").stationary_distribution()

    def _asked(self, x: Any, given: Any, what: str) -> tuple[ChainQuestions, Data]:
        """The model, and the data as it was read for the fit."""
        model = self._chain(what)
        return model, self._fit._table(x, given, what)

    def _chain(self, what: str) -> ChainQuestions:
        model = self._fit.model
        if not isinstance(model, ChainQuestions):
            raise ModelError(
                f"{type(model).__name__} has no hidden states; {what} is asked of a hidden Markov model such as "
                "HMM(Normal(), 2)."
            )
        return model

    def _state_names(self) -> list[str]:
        """What states are called; nothing where they are only counted."""
        names = self._fit.label_names
        size = int(cast(Any, self._fit.model).size)
        return [*names, *(f"unlabelled {i + 1}" for i in range(size - len(names)))] if names else []

    def _path_entropy(self, data: Any) -> float:
        """How uncertain the paths of all sequences are, each counted by its weight."""
        return float(np.asarray(data.weight_column())[:, 0] @ self._chain("entropy").entropy(data))
