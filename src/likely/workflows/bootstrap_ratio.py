"""The likelihood-ratio test whose distribution is simulated: for numbers of components, and models not nested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from likely.core.data import Data
from likely.core.family import Family
from likely.core.params import Params
from likely.errors import Degenerate, FitError, ModelError
from likely.faces.words import plural
from likely.numerics.soft import Array
from likely.workflows.hypothesis import check_order, comparable, described, heading, p_text
from likely.workflows.nesting import check_nested, grown
from likely.workflows.origin import Origin
from likely.workflows.refits import Refit
from likely.workflows.replicates import Side, simulating

if TYPE_CHECKING:
    from likely.workflows.result import Fit

TOL = 0.05  # standard errors: so a statistic is off by at most 0.0025, also where the larger model is hardly identified


@dataclass(frozen=True)
class BootstrapTest:
    """A likelihood-ratio test whose distribution was simulated from the smaller model.

    Attributes
    ----------
    statistic : float               2 (log-likelihood of the larger - of the smaller)
    p_value : float                 (1 + number of simulated statistics at least as large) / (1 + number simulated)
    simulated : array (n,)          statistics of the data sets drawn from the smaller model
    small, large : str              the models
    log_likelihoods : (float, float)
    failures : tuple of str         why data sets have no statistic
    """

    statistic: float
    p_value: float
    simulated: Array = field(repr=False)
    small: str
    large: str
    log_likelihoods: tuple[float, float]
    failures: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        """How many data sets have no statistic, because a refit failed."""
        return len(self.failures)

    def __str__(self) -> str:
        above = int((self.simulated >= self.statistic).sum())
        lines = [
            *heading(self.small, self.large, self.log_likelihoods),
            f"statistic {self.statistic:.4g}, p = {p_text(self.p_value)} by parametric bootstrap",
            f"Of {plural(len(self.simulated), 'data set')} drawn from the smaller model {above} showed as large a "
            "statistic.",
        ]
        lost = [f"{self.failed:,} more failed; the first: {self.failures[0]}."] if self.failures else []
        return "\n".join(lines + lost)


def bootstrap_test(
    small: Fit,
    large: Fit,
    n: int = 99,
    *,
    starts: int = 4,
    seed: int = 0,
    threads: int | None = None,
    progress: bool | None = None,
) -> BootstrapTest:
    """Is the larger model needed? The likelihood ratio against its distribution in data drawn from the smaller model.

    Parameters
    ----------
    small : Fit        what is true under the hypothesis, as a mixture of 2 components
    large : Fit        of the same data, as a mixture of 3; it need not be nested
    n : int            how many data sets are drawn; 99 make p a whole number of per cent
    starts : int       random starts of the larger model for each data set, besides one at its fit
    seed : int         the same seed gives the same data sets
    threads : int      all processors unless given; never changes the answer
    progress : bool    a line while it runs; only on a terminal unless given

    Returns
    -------
    BootstrapTest      prints as sentences

    Raises
    ------
    ModelError      the fits are of different data, MAP or hard, or are no maxima; or labels are known
    FitError        the smaller model, although nested, has the higher likelihood; or every refit failed

    Notes
    -----
    McLachlan (1987). Both models are fitted to every data set; p = (1 + #{LR* >= LR}) / (n + 1). Too few starts make
    the larger refits stop at lower optima, LR* too small and p too small.

    Examples
    --------
    >>> import likely as lk
    >>> x = lk.Mixture(lk.Normal([0, 5], 1), 2, weights=[0.5, 0.5]).sample(60, seed=1)
    >>> one, two = lk.fit(lk.Normal(), x), lk.fit(lk.Mixture(lk.Normal(variance=lk.shared), 2), x)
    >>> lk.bootstrap_test(one, two, 19).p_value
    0.05
    """
    if not isinstance(n, int) or n < 1:
        raise ModelError(f"n={n!r}; at least one data set must be drawn. 99 is usual.")
    if not isinstance(starts, int) or starts < 0:
        raise ModelError(f"starts={starts!r}; it is a whole number of random starts, 0 or above.")
    data = comparable(small, large, "a bootstrap test")
    within = grown(small.family, large.family) or _nested(small.family, large.family, data)
    if within:
        check_order(small, large)
    origins = [Origin.of(fit, "a bootstrap test", threads, TOL) for fit in (small, large)]
    draw = simulating(origins[0].family, origins[0].params, origins[0].rows)

    def work(data: Side, rng: np.random.Generator) -> list[float | str]:
        lower = origins[0].refitting.refit(data)
        upper = origins[1].refitting.refit(data, _starts(origins[1].family, data, starts, rng))
        return [_ratio(a, b, within) for a, b in zip(lower, upper, strict=True)]

    found = [one for some in origins[1].each(draw, n, seed, work, _tally, "bootstrap test", progress) for one in some]
    simulated = np.array([one for one in found if not isinstance(one, str)])
    failures = tuple(one for one in found if isinstance(one, str))
    if not len(simulated):
        raise FitError(f"all {n} data sets drawn from {small.model!r} failed; the first: {failures[0]}.")
    statistic = 2 * (large.log_likelihood - small.log_likelihood)
    p = float((1 + (simulated >= statistic).sum()) / (1 + len(simulated)))
    return BootstrapTest(statistic, p, simulated, *described(small, large), failures)


def _starts(family: Family, data: Side, starts: int, rng: np.random.Generator) -> list[list[Params]]:
    """Random starts for each data set; those that collapse at once are left out."""
    return [[p for _ in range(starts) if (p := _start(family, data.one(i), rng))] for i in range(data.count)]


def _start(family: Family, data: Data, rng: np.random.Generator) -> Params | None:
    if not family.hidden:
        return None
    try:
        return family.start(data, np.array(data.weight_column()), rng)
    except Degenerate:
        return None


def _ratio(small: Refit, large: Refit, within: bool) -> float | str:
    """The statistic of one data set, or why there is none. A larger model cannot really be worse."""
    if small.params is None or large.params is None:
        return f"the smaller model: {small.why}" if small.params is None else f"the larger model: {large.why}"
    ratio = 2 * (large.log_likelihood - small.log_likelihood)
    return max(ratio, 0.0) if within else ratio


def _tally(found: Sequence[float | str]) -> tuple[int, int]:
    return len(found), sum(isinstance(one, str) for one in found)


def _nested(small: Family, large: Family, data: Data) -> bool:
    try:
        check_nested(small, large, data)
    except ModelError:
        return False
    return True
