"""Goodness of fit: could the data have come from the fitted model?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from likely.core.data import Data, Sequences, Table
from likely.core.family import Family
from likely.core.params import Params
from likely.core.support import BINARY, COUNTS
from likely.em.bank import bank_of
from likely.errors import FitError, ModelError
from likely.faces.words import capital, model_words, plural
from likely.numerics.soft import Array
from likely.workflows.origin import Origin
from likely.workflows.replicates import Replicates, repeated, simulated

if TYPE_CHECKING:
    from likely.workflows.result import Fit

CONTINUOUS = {"ks": "Kolmogorov-Smirnov", "ad": "Anderson-Darling", "cvm": "Cramer-von Mises"}
STATISTICS = {**CONTINUOUS, "chi2": "chi-square"}
EXPECTED = 5.0  # fewest expected counts of a cell
SMALLEST = np.finfo(float).tiny


@dataclass(frozen=True)
class GoodnessOfFit:
    """A test of fit whose distribution was simulated, refitting every time.

    Attributes
    ----------
    name : str              of the statistic, "ks", "ad", "cvm" or "chi2"
    statistic : float       larger is worse
    p_value : float         (1 + number of simulated statistics at least as large) / (1 + number simulated)
    simulated : array       statistics of the data sets drawn from the fit
    model : str             what was fitted, in words
    failures : tuple of str      why data sets have no statistic
    """

    name: str
    statistic: float
    p_value: float
    simulated: Array = field(repr=False)
    model: str
    failures: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        """How many data sets have no statistic, because their refit failed."""
        return len(self.failures)

    def __str__(self) -> str:
        above = int((self.simulated >= self.statistic).sum())
        lines = [
            f"{capital(STATISTICS[self.name])} test of fit: {self.model}",
            f"statistic {self.statistic:.4g}, p = {self.p_value:.2g} by parametric bootstrap with refitting",
            f"Of {plural(len(self.simulated), 'data set')} drawn from the fit {above:,} fitted as badly or worse.",
        ]
        lost = [f"{self.failed:,} more failed; the first: {self.failures[0]}."] if self.failures else []
        return "\n".join(lines + lost)


def goodness_of_fit(
    fit: Fit,
    statistic: str | None = None,
    n: int = 999,
    *,
    seed: int = 0,
    threads: int | None = None,
    progress: bool | None = None,
) -> GoodnessOfFit:
    """Could one column of data have come from the model that was fitted to it?

    Parameters
    ----------
    statistic : str    "ks" (Kolmogorov-Smirnov, the largest gap between the distribution functions), "ad"
                       (Anderson-Darling, which looks at the tails as well), "cvm" (Cramer-von Mises), for continuous
                       families; "chi2" for counts. "ad" or "chi2" unless given
    n : int            how many data sets are drawn from the fit, and fitted
    seed : int         the same seed gives the same data sets
    threads : int      all processors unless given; never changes the answer
    progress : bool    a line while it runs; only on a terminal unless given

    Returns
    -------
    GoodnessOfFit      prints as sentences

    Raises
    ------
    ModelError      several columns, covariates, text, a statistic for other families, or fewer than two cells
    DataError       weights that are not whole numbers: a row of weight 3 is three rows

    Notes
    -----
    Parameters were estimated, so tabulated p-values are wrong (far too large); here every simulated data set is fitted
    as well (Stute, Gonzales Manteiga & Presedo Quindimil 1993). Cells of the chi-square are runs of counts that the fit
    expects at least 5 times. D'Agostino & Stephens (1986) for the statistics.
    """
    if not isinstance(n, int) or n < 1:
        raise ModelError(f"n={n!r}; at least one data set must be drawn. 999 is usual.")
    origin = Origin.of(fit, "a test of fit", threads)
    column = _checked_column(fit, origin.rows)
    name = _suited(origin.family, statistic)
    rows = repeated(column, "a test of fit")
    measure = _chi_square(origin, rows, fit) if name == "chi2" else _by_cdf(name)
    observed = float(measure(origin.family, origin.params, rows)[0])

    def draw(count: int, rng: np.random.Generator) -> Replicates:
        return simulated(origin.family, origin.params, rows, count, rng)

    def work(data: Any, _: np.random.Generator) -> tuple[Array, list[str]]:
        refits = origin.refitting.refit(data)
        good = [i for i, r in enumerate(refits) if r.params is not None]
        why = [r.why for r in refits if r.params is None]
        if not good:
            return np.zeros(0), why
        params = Params.concatenate([r.params for r in refits if r.params is not None])
        return measure(bank_of(origin.family, len(good)), params, data.some(good)), why

    found = list(origin.each(draw, n, seed, work, _tally, "test of fit", progress))
    values = np.concatenate([some for some, _ in found])
    failures = tuple(why for _, some in found for why in some)
    if not len(values):
        raise FitError(f"all {n} data sets drawn from {fit.model!r} failed; the first: {failures[0]}.")
    p = float((1 + (values >= observed * (1 - 1e-12)).sum()) / (1 + len(values)))
    return GoodnessOfFit(name, observed, p, values, model_words(fit.family), failures)


Measure = Callable[[Family, Params, Table], Array]  # bound family, its parameters and data to a statistic (k,) each


def _tally(found: tuple[Array, list[str]]) -> tuple[int, int]:
    return len(found[0]) + len(found[1]), len(found[1])


def _by_cdf(name: str) -> Measure:
    def measure(family: Family, params: Params, data: Table) -> Array:
        u = np.sort(family.cumulative(params, data), axis=0)
        n = len(u)
        place = np.arange(1, n + 1)[:, None]
        if name == "ks":
            return np.maximum(place / n - u, u - (place - 1) / n).max(0)
        if name == "cvm":
            return 1 / (12 * n) + ((u - (2 * place - 1) / (2 * n)) ** 2).sum(0)
        low, high = np.maximum(u, SMALLEST), np.maximum(1 - u, SMALLEST)
        return -n - ((2 * place - 1) / n * (np.log(low) + np.log(high[::-1]))).sum(0)

    return measure


def _chi_square(origin: Origin, rows: Table, fit: Fit) -> Measure:
    """Pearson's statistic over cells of counts that the fit expects at least 5 times."""
    last = _upper_ends(origin.family, origin.params, rows)
    if len(last) < 2:
        raise ModelError(
            f"{plural(len(rows), 'row')} of {fit.family!r} make fewer than two cells that are expected "
            f"{EXPECTED:.0f} times; a chi-square test needs more rows."
        )

    def measure(family: Family, params: Params, data: Table) -> Array:
        ends = family.cumulative(params, Table(last[:-1, None]))
        zeros = np.zeros((1, ends.shape[1]))
        expected = len(data) * np.diff(np.concatenate([zeros, ends, zeros + 1]), axis=0)
        column = data.column()
        below = np.stack([(column <= end).sum(0) for end in last[:-1]])
        counts = np.diff(np.concatenate([zeros, below, zeros + len(data)]), axis=0)
        misfit = np.where(counts == expected, 0.0, (counts - expected) ** 2)
        return (misfit / np.maximum(expected, SMALLEST)).sum(0)

    return measure


def _upper_ends(family: Family, params: Params, rows: Table) -> Array:
    """The largest count of each cell; the last takes all that is above."""
    n, top = len(rows), int(rows.column().max())
    below = np.concatenate([[0.0], n * family.cumulative(params, Table(np.arange(top + 1.0)[:, None]))[:, 0]])
    ends, since = [], 0.0
    for count, reached in enumerate(below[1:]):
        if reached - since >= EXPECTED and n - reached >= EXPECTED:
            ends.append(float(count))
            since = reached
    return np.array([*ends, np.inf])


def _checked_column(fit: Fit, rows: Data) -> Table:
    if isinstance(rows, Sequences):
        raise ModelError(
            f"a test of fit is for rows that do not depend on one another; {fit.family!r} describes sequences. Compare "
            "models by their criteria."
        )
    if rows.d != 1:
        raise ModelError(
            f"a test of fit is for one column; {fit.family!r} describes {rows.d}. Fit one of them with columns=..., or "
            "compare models by their criteria."
        )
    if rows.given is not None:
        raise ModelError(f"a test of fit is for one distribution of all rows; {fit.family!r} conditions on covariates.")
    if any(rows.text):
        raise ModelError("a test of fit is for numbers; the column holds text.")
    return rows


def _suited(family: Family, statistic: str | None) -> str:
    """The statistic asked for, or the usual one, checked against the family."""
    if statistic is not None and statistic not in STATISTICS:
        raise ModelError(f"statistic={statistic!r}; it is 'ks', 'ad', 'cvm' or 'chi2'.")
    leaves = list(_leaves(family))
    without = next((f for f in leaves if type(f).cumulative is Family.cumulative), None)
    if without is not None:
        raise ModelError(f"a test of fit needs a distribution function, and {type(without).__name__} has none.")
    counts = [f for f in leaves if type(f).support in (COUNTS, BINARY)]
    if counts and len(counts) < len(leaves):
        raise ModelError("a test of fit is for counts or for continuous numbers; this mixture has components of both.")
    usual = "chi2" if counts else "ad"
    if statistic is None or (statistic == "chi2") == bool(counts):
        return statistic or usual
    if counts:
        raise ModelError(
            f"statistic={statistic!r} is for continuous families; {type(counts[0]).__name__} describes counts: use "
            "statistic='chi2'."
        )
    raise ModelError(
        f"statistic='chi2' is for counts; {type(leaves[0]).__name__} is continuous: use 'ks', 'ad' or 'cvm'."
    )


def _leaves(family: Family) -> Iterator[Family]:
    parts = family.parts().values()
    if not parts:
        yield family
    for part in parts:
        yield from _leaves(part)
