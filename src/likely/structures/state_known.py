"""What is known of the hidden states of a state space: records of means and covariances, row by row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from likely.errors import ModelError
from likely.numerics import special
from likely.numerics.soft import Array

ROUNDING = 1e-9  # of the variance of a noise: if no more than this is told of it, nothing is
SMALLEST = 1e-13  # of what is added up to a variance: below this all is rounding


@dataclass(frozen=True)
class States:
    """Hidden states, each known by its mean and covariance. `np.asarray` gives the means.

    Parameters
    ----------
    mean : array (n, m)                       in the units of the states
    covariance : array (n, m, m)              infinite on the diagonal where nothing is known of a state yet
    lagged : array (n, m, m), optional        of smoothed states: Cov(x_t, x_{t-1}), zero at first rows

    Examples
    --------
    >>> import likely as lk
    >>> level = lk.StateSpace(1, A=1, C=1, d=0, Q=1, R=3, m0=0, P0=1)
    >>> known = level.filtered([4.0])
    >>> known.mean, known.sd.round(3), known.interval(0.9).round(1)
    (array([[1.]]), array([[0.866]]), array([[[-0.4,  2.4]]]))
    """

    mean: Array
    covariance: Array
    lagged: Array | None = field(default=None, repr=False)

    @property
    def sd(self) -> Array:
        """(n, m): standard deviations."""
        return deviations(self.covariance)

    def interval(self, level: float = 0.95) -> Array:
        """(n, m, 2): both ends of the interval that holds each state with this probability."""
        return around(self.mean, self.sd, level)

    def split(self, offsets: Array) -> list[Self]:
        """Those of each sequence."""
        parts = (None if v is None else np.split(v, offsets[1:-1]) for v in (self.mean, self.covariance, self.lagged))
        mean, covariance, lagged = parts
        assert mean is not None
        assert covariance is not None
        each = lagged or [None] * len(mean)
        return [type(self)(*one) for one in zip(mean, covariance, each, strict=True)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self.mean if dtype is None else self.mean.astype(dtype)

    def __len__(self) -> int:
        return len(self.mean)


@dataclass(frozen=True)
class Disturbances:
    """What all rows together say of the noise of each row.

    Parameters
    ----------
    state : array (n, m)                          E(w_t | all rows); NaN at first rows, to which no move leads
    state_covariance : array (n, m, m)            Cov(w_t | all rows)
    observation : array (n, d)                    E(v_t | all rows); NaN where nothing was observed
    observation_covariance : array (n, d, d)      Cov(v_t | all rows)
    state_residuals : array (n, m)                the auxiliary residuals of Koopman (1993) and Harvey & Koopman (1992):
                                                  `state` over the standard deviation that it has under the model
    observation_residuals : array (n, d)          the same of `observation`
    """

    state: Array
    state_covariance: Array
    observation: Array
    observation_covariance: Array
    state_residuals: Array
    observation_residuals: Array

    def split(self, offsets: Array) -> list[Self]:
        """Those of each sequence."""
        each = [np.split(v, offsets[1:-1]) for v in self.__dict__.values()]
        return [type(self)(*one) for one in zip(*each, strict=True)]


@dataclass(frozen=True)
class Imputed:
    """Rows without gaps. `np.asarray` gives the values.

    Parameters
    ----------
    values : array (n,), or (n, d) of several columns      what was observed, and expectations where nothing was
    sd : array, the same shape                             standard deviations of these, 0 where it was observed
    """

    values: Array
    sd: Array

    def interval(self, level: float = 0.95) -> Array:
        """Both ends (along a last axis) of the interval that holds each value with this probability."""
        return around(self.values, self.sd, level)

    def split(self, offsets: Array) -> list[Self]:
        """Those of each sequence."""
        each = (np.split(v, offsets[1:-1]) for v in (self.values, self.sd))
        return [type(self)(*one) for one in zip(*each, strict=True)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self.values if dtype is None else self.values.astype(dtype)

    def __len__(self) -> int:
        return len(self.values)


def variances(covariance: Array) -> Array:
    """(..., d): the diagonals of covariances (..., d, d)."""
    return np.einsum("...ii->...i", covariance)


def deviations(covariance: Array) -> Array:
    """(..., d): standard deviations of covariances (..., d, d)."""
    return np.sqrt(np.maximum(variances(covariance), 0.0))


def around(mean: Array, sd: Array, level: float) -> Array:
    """(..., 2): both ends of the central interval of a normal distribution."""
    if not 0 < level < 1:
        raise ModelError(f"interval(level={level!r}): a level lies between 0 and 1, as in level=0.95.")
    half = float(special.ndtri((1 + level) / 2)) * sd
    return np.stack([mean - half, mean + half], -1)


def scaled(values: Array, noise: Array, left: Array, terms: Array) -> Array:
    """Values over the standard deviations that they have, of variance noise - left; NaN where rounding is all of it.

    `terms` are as large as what was added up to `left`.
    """
    variance = noise - left
    there = variance > ROUNDING * noise + SMALLEST * terms
    return np.where(there, values / np.sqrt(np.where(there, variance, 1.0)), np.nan)
