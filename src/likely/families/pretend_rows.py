"""Pretend rows: the prior of a mean that is as certain as so many rows would make it."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.data import Table
from likely.core.domains import Positive, Real, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.errors import ModelError
from likely.families.gaussian import LOG_2PI, whitening
from likely.families.moments import Moments
from likely.numerics.soft import Array

SPREADS = ("covariance", "variance", "log_variance")  # of the owners, beside the mean


class PretendRows(Family):
    """The prior of a normal's mean that is worth so many rows at a place: mean ~ Normal(mean, covariance / rows).

    Here `covariance` (or `variance`) is that of the very normal in whose slot the prior stands, whether estimated or
    known. Beside an InverseWishart (or InverseGamma) prior on it this makes the normal-inverse-Wishart (normal-inverse-
    gamma) prior.

    Parameters
    ----------
    rows : number or array      above 0; how many pretend rows
    mean : number, array (d,)   where they lie, in the data's units

    Raises
    ------
    ModelError      a fit, a density or a draw is asked for: it says nothing without the normal in whose slot it stands

    Notes
    -----
    The log density of the mean m is -1/2 [d log(2 pi / rows) + log |covariance| + rows r' covariance^-1 r] with
    r = m - mean: pretend statistics of weight `rows` at `mean` without scatter, and one degree of freedom. So closed
    forms stay closed (Gelman et al., Bayesian Data Analysis, section 3.6). The estimate is the joint mode in mean and
    covariance; with mean alone free it is the average over real and pretend rows.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Normal(mean=lk.PretendRows(2, 0), variance=1), [3.0, 3.0, 3.0, 3.0]).model
    Normal(mean=2.0, variance=1.0)
    """

    rows: Value = Positive(doc="number of pretend rows")
    mean: Value = Real("d", doc="where they lie")

    several_columns = True
    covers = 1
    in_rows = True

    def log_density_beside(self, values: Array, params: Params) -> Array:
        q = self.known_params()
        d = q.mean.shape[1]
        spread = next(params[name] for name in SPREADS if name in params)
        white, log_det = whitening(spread.reshape(-1, *(spread.shape[1:] or (1, 1))))
        if (len(white), white.shape[1]) != q.mean.shape:
            return self._of_columns(values - q.mean, white, log_det)
        z = (white @ (values - q.mean)[..., None])[..., 0]
        return -0.5 * (d * (LOG_2PI - np.log(q.rows)) + log_det + q.rows * (z**2).sum(1))

    def _of_columns(self, off: Array, white: Array, log_det: Array) -> Array:
        """Of the rows of matrices (k r, c) each column of which is such a mean: equal parts of the matrices' densities.

        That is the matrix normal distribution N(mean, covariance, I / rows).
        """
        (k, r), c = white.shape[:2], off.shape[1]
        rows = self.known_params().rows.reshape(k, r)[:, 0]
        squares = ((white @ off.reshape(k, r, c)) ** 2).sum((1, 2))
        each = -0.5 * (r * c * (LOG_2PI - np.log(rows)) + c * log_det + rows * squares)
        return np.repeat(each / r, r)

    def log_density(self, params: Params, data: Table) -> Array:
        raise ModelError(_NO_DISTRIBUTION)

    def statistics(self, params: Params | None, data: Table, weights: Array) -> Any:
        raise ModelError(_NO_DISTRIBUTION)

    def m_step(self, stats: Any, params: Params | None) -> Params:
        raise ModelError(_NO_DISTRIBUTION)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        raise ModelError(_NO_DISTRIBUTION)


_NO_DISTRIBUTION = (
    "PretendRows is the prior of a mean, as in Normal(mean=PretendRows(2, 0)); alone it is no distribution to fit, "
    "evaluate or sample."
)


def pretend_rows(prior: PretendRows) -> Moments:
    """The rows as moments: they add to the mean's weight, and one degree of freedom to the covariance's."""
    q = prior.known_params()
    k, d = q.mean.shape
    return Moments(q.rows, np.ones(k), q.mean, np.zeros((k, d, d)))
