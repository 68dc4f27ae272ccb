"""The bootstrap: how estimates scatter, found by fitting again to data sets drawn like the first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from likely.core.numbers import numbers
from likely.errors import FitError, ModelError
from likely.faces.grid import Grid
from likely.faces.words import aligned, capital
from likely.numerics import special
from likely.numerics.soft import Array
from likely.workflows.origin import Origin, refits_of, tally
from likely.workflows.refits import Refit, batch_size, in_parallel
from likely.workflows.relabel import Relabelling
from likely.workflows.replicates import drawing, weighted

if TYPE_CHECKING:
    from likely.workflows.result import Fit

METHODS = ("percentile", "basic", "bca")
FEWEST = 2  # refits from which a scatter can be told


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Estimates from data sets drawn like the one that was fitted.

    Attributes
    ----------
    kind : str                  "parametric", "nonparametric" or "weighted"
    names : tuple of str        of the p numbers, as one writes them behind `fit.model.`
    estimates : array (p,)      of the fit itself
    values : array (B, p)       of the refits that ended well, a row each
    failures : tuple of str     why each of the others did not

    Examples
    --------
    >>> import likely as lk
    >>> boot = lk.fit(lk.Exponential(), [3.1, 8.2, 1.7, 4.4, 0.9]).bootstrap(200, seed=1)
    >>> boot.names, boot.values.shape, boot.failed
    (('rate',), (200, 1), 0)
    """

    kind: str
    names: tuple[str, ...]
    estimates: Array
    values: Array = field(repr=False)
    failures: tuple[str, ...] = ()
    left_out: Callable[[], Array] | None = field(default=None, repr=False)  # (n, p) with each row left out, for BCa

    @property
    def failed(self) -> int:
        """How many refits have no values, because they collapsed or did not converge."""
        return len(self.failures)

    def standard_errors(self) -> Array:
        """(p,): standard deviations of the refits (divisor B - 1)."""
        return self.values.std(axis=0, ddof=1)

    def bias(self) -> Array:
        """(p,): mean of the refits minus the estimate."""
        return self.values.mean(axis=0) - self.estimates

    def covariance(self) -> Array:
        """(p, p): of the refits (divisor B - 1)."""
        return np.atleast_2d(np.cov(self.values, rowvar=False))

    def conf_int(self, level: float = 0.95, method: str = "percentile") -> Array:
        """Confidence intervals.

        Parameters
        ----------
        level : float      coverage, between 0 and 1
        method : str       "percentile": quantiles of the refits; "basic": these reflected about the estimate; "bca":
                           percentiles corrected for bias and skewness, which takes n more fits

        Returns
        -------
        array (p, 2)      lower and upper end of each number

        Raises
        ------
        ModelError      no such method or level, or "bca" of a parametric bootstrap or of rows with weights

        Notes
        -----
        Davison & Hinkley (1997), sections 5.2 and 5.3; BCa: Efron (1987), with the acceleration from the jackknife.
        """
        if not 0 < level < 1:
            raise ModelError(f"level={level}; a coverage lies between 0 and 1, as in level=0.95.")
        if method not in METHODS:
            raise ModelError(f"method={method!r}; intervals are 'percentile', 'basic' or 'bca'.")
        tails = np.array([(1 - level) / 2, (1 + level) / 2])
        if method == "bca":
            return np.stack([np.quantile(v, q) for v, q in zip(self.values.T, self._corrected(tails), strict=True)])
        ends = np.quantile(self.values, tails, axis=0).T
        return ends if method == "percentile" else 2 * self.estimates[:, None] - ends[:, ::-1]

    def _corrected(self, tails: Array) -> Array:
        """(p, 2): at which quantiles BCa cuts."""
        if self.left_out is None:
            raise ModelError(
                "method='bca' leaves out one row after the other, which goes with kind='nonparametric' or 'weighted' "
                "and rows without weights; use method='percentile' or 'basic'."
            )
        below = (self.values < self.estimates).mean(0) + 0.5 * (self.values == self.estimates).mean(0)
        few = 0.5 / len(self.values)
        shift = special.ndtri(np.clip(below, few, 1 - few))[:, None]
        z = shift + special.ndtri(tails)
        return special.ndtr(shift + z / (1 - self._acceleration[:, None] * z))

    @cached_property
    def _acceleration(self) -> Array:
        """(p,): a sixth of the skewness of the jackknife's influence values."""
        assert self.left_out is not None
        left_out = self.left_out()
        influence = left_out.mean(0) - left_out
        spread = (influence**2).sum(0)
        return (influence**3).sum(0) / (6 * np.where(spread > 0, spread, 1.0) ** 1.5)

    def __str__(self) -> str:
        return f"{self._title()}\n{self._grid()}"

    def _repr_html_(self) -> str:
        return f"<p>{self._title()}</p>{self._grid().html()}"

    def _title(self) -> str:
        title = f"{capital(self.kind)} bootstrap, {len(self.values):,} refits"
        why = "; ".join(f"{count:,}: {reason}" for reason, count in Counter(self.failures).most_common())
        return title + (f"; {self.failed:,} more failed ({why})" if self.failures else "")

    def _grid(self) -> Grid:
        columns = self.estimates, self.standard_errors(), *self.conf_int().T
        rows = [aligned(row) for row in zip(*(c.tolist() for c in columns), strict=True)]
        cells = zip(self.names, rows, self.bias().tolist(), strict=True)
        return Grid(
            ("", "estimate", "bias", "std. error", "2.5 %", "97.5 %"),
            tuple((name, first, f"{bias:.2g}", *rest) for name, (first, *rest), bias in cells),
        )


def bootstrap(
    fit: Fit,
    n: int = 1000,
    kind: str = "nonparametric",
    *,
    seed: int = 0,
    threads: int | None = None,
    progress: bool | None = None,
) -> Bootstrap:
    """Fit the model again to n data sets drawn like the one it was fitted to.

    Parameters
    ----------
    n : int            how many data sets
    kind : str         "nonparametric": rows drawn with replacement; "weighted": rows weighted at random (Dirichlet, the
                       Bayesian bootstrap), so that none is ever lost and no component empties; "parametric": rows drawn
                       from the fitted model
    seed : int         the same seed gives the same data sets
    threads : int      all processors unless given; never changes the answer
    progress : bool    a line while it runs; only on a terminal unless given

    Returns
    -------
    Bootstrap      the numbers of every refit; `standard_errors()`, `conf_int()`, and a table where it is printed

    Raises
    ------
    ModelError      nothing was estimated, the fit is no maximum, or labels are known and kind="parametric"
    FitError        fewer than two refits ended well

    Notes
    -----
    Efron & Tibshirani (1993); weighted: Rubin (1981). Weights of the data say how often each row counts: as many rows
    as they sum to are drawn. Every refit begins at the fit (warm start, no random starts) and ends within 0.01 standard
    errors of its maximum; components are numbered as in the fit, by the assignment under which responsibilities for the
    rows of the fit agree best. Refits that collapse are counted, with the reason, and have no values.
    """
    if not isinstance(n, int) or n < FEWEST:
        raise ModelError(f"n={n!r}; a scatter takes at least {FEWEST} refits, a whole number. 1000 is usual.")
    origin = Origin.of(fit, "a bootstrap", threads)
    found = numbers(origin.family, origin.params)
    if not found.names:
        raise ModelError(f"nothing is estimated in {fit.family!r}, so nothing scatters.")
    draw = drawing(kind, origin.family, origin.params, origin.rows)
    relabel = Relabelling(origin.family, origin.params, origin.rows)
    values: list[Array] = []
    failures: list[str] = []
    for refits in origin.each(draw, n, seed, refits_of(origin), tally, "bootstrap", progress):
        good = relabel([r.params for r in refits if r.params is not None])
        values += [numbers(origin.family, params).values for params in good]
        failures += [r.why for r in refits if r.params is None]
    if len(values) < FEWEST:
        raise FitError(
            f"{len(failures)} of {n} refits failed; the first: {failures[0]}. "
            "Try kind='weighted', which loses no row, or a simpler model."
        )
    jackknife = kind != "parametric" and origin.rows.weights is None
    left_out = (lambda: _left_out(origin, relabel)) if jackknife else None
    return Bootstrap(kind, found.names, found.values, np.array(values), tuple(failures), left_out)


def _left_out(origin: Origin, relabel: Relabelling) -> Array:
    """(n, p): the numbers with each row left out in turn.

    Raises
    ------
    FitError      without some row there is no maximum
    """
    n, size = len(origin.rows), batch_size(origin.family, len(origin.rows))

    def refits_without(first: int) -> list[Refit]:
        gone = np.arange(first, min(first + size, n))
        weights = np.ones((n, len(gone)))
        weights[gone, np.arange(len(gone))] = 0.0
        return origin.refitting.refit(weighted(origin.rows, weights))

    out: list[Array] = []
    for refits in in_parallel(refits_without, range(0, n, size), origin.threads):
        lost = [r.why for r in refits if r.params is None]
        if lost:
            raise FitError(f"method='bca' leaves out one row after the other; without one of them, {lost[0]}.")
        good = relabel([r.params for r in refits if r.params is not None])
        out += [numbers(origin.family, params).values for params in good]
    return np.array(out)
