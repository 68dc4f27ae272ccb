"""The unbiased variance, as a prior worth minus one degree of freedom."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np

from likely.core.data import Table
from likely.core.family import Family
from likely.core.params import Params
from likely.core.written import CONSTANTS
from likely.errors import ModelError
from likely.numerics.soft import Array


class Unbiased(Family, public=False):
    """Stands in the slot of a variance or covariance V: its estimate divides by n - 1 in place of n.

    This is not maximum likelihood. It is a prior with log density 1/2 log det V, whose pretend data take one degree of
    freedom away (in a regression, one for each coefficient and the intercept), whether or not the mean is estimated.
    Where the mean is, from complete data, the expectation of the estimate is the variance itself; inside EM the same is
    done with expected counts. The prior is improper: it has no integral, so it cannot be sampled.

    `unbiased` is its one instance, and how it is written.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Normal(variance=lk.unbiased), [1.0, 2.0, 3.0, 6.0]).model
    Normal(mean=3.0, variance=4.666667)
    >>> lk.Normal(variance=lk.unbiased)
    Normal(variance=unbiased)
    """

    several_columns = True
    covers = None
    estimated: int = 1  # means, or coefficients and intercept, that were estimated for each column

    def __repr__(self) -> str:
        return "unbiased"

    def estimating(self, count: int) -> Self:
        """The same where `count` coefficients are estimated for each column."""
        return self._changed(estimated=count)

    def as_moments(self, d: int) -> tuple[Array, Array]:
        """As pretend deviations from the mean: degrees of freedom (k,), and scatter (k, d, d), which is zero."""
        return np.full(self.k, -float(self.estimated)), np.zeros((self.k, d, d))

    def log_density(self, params: Params, data: Table) -> Array:
        d = math.isqrt(data.x.shape[-1])
        v = data.x.reshape((len(data), -1 if data.x.ndim == 3 else 1, d, d))
        return 0.5 * self.estimated * np.linalg.slogdet(v)[1]

    def statistics(self, params: Params | None, data: Table, weights: Array) -> Any:
        raise ModelError(_NO_DISTRIBUTION)

    def m_step(self, stats: Any, params: Params | None) -> Params:
        raise ModelError(_NO_DISTRIBUTION)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        raise ModelError(_NO_DISTRIBUTION)


_NO_DISTRIBUTION = (
    "unbiased corrects a variance, as in Normal(variance=unbiased); it is no distribution to fit or to sample."
)

unbiased = Unbiased()
CONSTANTS["unbiased"] = unbiased
