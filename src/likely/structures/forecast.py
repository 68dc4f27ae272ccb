"""What comes after the end of sequences: probabilities of states, and what the emissions make of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from likely.core.family import Family
from likely.errors import DataError, ModelError
from likely.families.von_mises import VonMises
from likely.numerics.soft import Array
from likely.structures.independent import Independent
from likely.structures.mixture import Mixture


@dataclass(frozen=True)
class Forecast:
    """Hidden states and observations 1, 2, ... h rows after the end of sequences.

    Parameters
    ----------
    states : array (S, h, m)      probability of each state
    emission : Family             of the m states, with every slot filled
    """

    states: Array
    emission: Family

    def __len__(self) -> int:
        return self.states.shape[1]

    def at(self, step: int, sequence: int = 0) -> Mixture:
        """The distribution of an observation: a mixture of the states' emissions.

        Parameters
        ----------
        step : int          rows after the end, from 1
        sequence : int      of which sequence, from 0

        Raises
        ------
        DataError      a step or a sequence that was not forecast
        """
        if not (1 <= step <= len(self) and 0 <= sequence < len(self.states)):
            raise DataError(
                f"at(step={step}, sequence={sequence}): steps are 1 to {len(self)}, sequences 0 to "
                f"{len(self.states) - 1}. Ask forecast(h) for more steps."
            )
        return Mixture(self.emission, self.states.shape[2], weights=self.states[sequence, step - 1])

    @property
    def mean(self) -> Array:
        """(S, h), or (S, h, d) of several columns: expected observations."""
        return self.states @ means(self.emission)

    def quantile(self, q: Any) -> Array:
        """(S, h) quantiles of observations, or (S, h, len(q)) of several probabilities."""
        shape = self.states.shape[:2]
        each = [self.at(step + 1, s).quantile(q) for s, step in np.ndindex(shape)]
        return np.array(each).reshape(*shape, *np.shape(q))

    def __repr__(self) -> str:
        return (
            f"Forecast(states={np.array2string(self.states, precision=4, separator=', ')}, emission={self.emission!r})"
        )


def means(emission: Family) -> Array:
    """(m,) or (m, d): expected observation in each state of a filled emission.

    Raises
    ------
    ModelError      the family has no mean
    """
    if isinstance(emission, Mixture):
        inner = means(emission.component)
        return np.einsum("ij,ij...->i...", np.asarray(emission.weights), inner)
    if isinstance(emission, Independent):
        return means(emission.part)
    mean = getattr(emission, "mean", None)
    if mean is None or isinstance(emission, VonMises):  # directions have no weighted average
        raise ModelError(
            f"{type(emission).__name__} has no mean that could be forecast; .states holds the probabilities of states, "
            "and .at(step) the distribution."
        )
    return np.asarray(mean)
