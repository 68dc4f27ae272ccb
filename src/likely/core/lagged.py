"""Series beside their own past: what autoregressive emissions condition on."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from likely.core.layout import is_sequences
from likely.core.sequences import sequences_of
from likely.errors import DataError
from likely.numerics.soft import Array


def lagged(x: Any, lags: int = 1) -> tuple[Any, Any]:
    """Series without their first rows, and the rows before each row as its covariates.

    With these any regression is an autoregressive emission: `fit(HMM(LinearGaussian(), 2), y, given=past)` is a
    regime-switching autoregression (Hamilton 1989). The first `lags` rows of a series are conditioned on, no more.

    Parameters
    ----------
    x : array (n,) or (n, d), or a list of such      one series, or several
    lags : int                                       how many rows back

    Returns
    -------
    y : array (n - lags,) or (n - lags, d)      the series; a list of them where x is a list of series
    past : array (n - lags, lags d)             all columns of the row before, then of the one before that, and so on

    Raises
    ------
    DataError      lags below one, or a series with no more than `lags` rows; a missing value, which no regression can
                   condition on

    Examples
    --------
    >>> import likely as lk
    >>> lk.lagged([1.0, 2.0, 4.0, 8.0], lags=2)
    (array([4., 8.]), array([[2., 1.],
           [4., 2.]]))
    >>> rng = np.random.default_rng(0)
    >>> x = np.zeros(400)
    >>> for t in range(1, 400):
    ...     x[t] = (0.9 if t // 100 % 2 else -0.5) * x[t - 1] + rng.normal()
    >>> y, past = lk.lagged(x)
    >>> fit = lk.fit(lk.HMM(lk.LinearGaussian(), 2), y, given=past, starts=3)
    >>> sorted(fit.model.emission.coefficients.ravel().round(1).tolist())
    [-0.5, 0.9]
    """
    if not isinstance(lags, int | np.integer) or lags < 1:
        raise DataError(f"lagged(x, lags={lags!r}): lags is a whole number of rows, from 1.")
    found = sequences_of(x)
    each = []
    for s, (a, b) in enumerate(pairwise(found.offsets.tolist())):
        if b - a <= lags:
            where = found.called(s) if len(found) > 1 else "the series"
            raise DataError(
                f"lagged(x, lags={lags}): {where} has {b - a} row{'s' * (b - a != 1)}, so no row has {lags} before it; "
                f"at least {lags + 1} are needed. Leave it out, or use fewer lags."
            )
        each.append(_one(found.rows.x[a:b], int(lags)))
    if not is_sequences(x):
        return each[0]
    return [y for y, _ in each], [past for _, past in each]


def _one(x: Array, lags: int) -> tuple[Array, Array]:
    past = np.concatenate([x[lags - j : len(x) - j] for j in range(1, lags + 1)], 1)
    y = x[lags:]
    return (y[:, 0] if y.shape[1] == 1 else y), past
