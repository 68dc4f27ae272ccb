"""How far a fit can be trusted: the questions one asks of it, each answered in a module of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from likely.core.family import Family
from likely.numerics.soft import Array

if TYPE_CHECKING:
    from likely.workflows.bootstrap import Bootstrap
    from likely.workflows.certificate import Certificate
    from likely.workflows.goodness import GoodnessOfFit
    from likely.workflows.intervals import Intervals
    from likely.workflows.profile import Profile
    from likely.workflows.result import Fit
    from likely.workflows.uncertainty import Delta, StandardErrors, Uncertainty


class Trusted:
    """What `Fit` says of its own reliability."""

    @property
    def _fit(self) -> Fit:
        return cast("Fit", self)

    def certify(self, starts: int = 0) -> Certificate:
        """Is it a maximum? Gradient, curvature, edges, starts and rows, with a verdict in words.

        Parameters
        ----------
        starts : int      so many other starts are tried, to tell whether something better exists; 0 for none

        See `likely.workflows.certify.certify` for what is looked at.
        """
        from likely.workflows.certify import certify

        return certify(self._fit, starts)

    def bootstrap(
        self, n: int = 1000, kind: str = "nonparametric", *, seed: int = 0, threads: int | None = None,
        progress: bool | None = None,
    ) -> Bootstrap:  # fmt: skip
        """Standard errors and intervals from n refits; see `likely.workflows.bootstrap.bootstrap`.

        Parameters
        ----------
        n : int            how many data sets
        kind : str         "nonparametric" (rows drawn again), "weighted" (rows weighted at random) or "parametric"
                           (rows drawn from the fit)
        seed : int         the same seed gives the same data sets
        threads : int      all processors unless given; never changes the answer
        progress : bool    a line while it runs; only on a terminal unless given
        """
        from likely.workflows.bootstrap import bootstrap

        return bootstrap(self._fit, n, kind, seed=seed, threads=threads, progress=progress)

    def goodness_of_fit(
        self, statistic: str | None = None, n: int = 999, *, seed: int = 0, threads: int | None = None,
        progress: bool | None = None,
    ) -> GoodnessOfFit:  # fmt: skip
        """Could the data have come from this model? See `likely.workflows.goodness.goodness_of_fit`.

        Parameters
        ----------
        statistic : str    "ks", "ad", "cvm" (continuous families) or "chi2" (counts); "ad" or "chi2" unless given
        n : int            how many data sets are drawn from the fit, and fitted, for the p-value
        seed, threads, progress      as for `bootstrap`
        """
        from likely.workflows.goodness import goodness_of_fit

        return goodness_of_fit(self._fit, statistic, n, seed=seed, threads=threads, progress=progress)

    @cached_property
    def uncertainty(self) -> Uncertainty:
        """Derivatives of the objective at the fit, worked out once for standard errors, intervals and profiles."""
        from likely.workflows.uncertainty import Uncertainty

        return Uncertainty(self._fit)

    def standard_errors(self, kind: str = "observed") -> StandardErrors:
        """Standard errors of everything that was estimated.

        Parameters
        ----------
        kind : str      "observed": from the curvature of the objective (log-likelihood + log prior); "sandwich": robust
                        against a wrong model (Huber 1967, White 1982); "opg": from the outer products of the scores

        Returns
        -------
        StandardErrors      `errors["mean"]` is one of them; `.why` tells which numbers have none, and why

        Raises
        ------
        ModelError      the fit did not converge, is that of hard EM, or has no data

        Notes
        -----
        The observed information is worked out in free coordinates, by central differences of the score, which is the
        gradient of the expected complete log density (Fisher's identity); the delta method leads to the numbers.
        Weights count how often each row occurred.

        Examples
        --------
        >>> import likely as lk
        >>> print(lk.fit(lk.Normal(), [1.0, 2.0, 3.0, 6.0]).standard_errors())
        Standard errors from the observed information
                  estimate  std. error
        mean         3.000       0.935
        variance     3.500       2.475
        """
        return self.uncertainty.standard_errors(kind)

    def vcov(self, kind: str = "observed") -> Array:
        """(p, p): covariance of the estimates, in the order of `standard_errors().names`; NaN where there is none."""
        return self.uncertainty.covariance(kind)[0]

    def conf_int(
        self, level: float = 0.95, method: str = "wald", names: str | Sequence[str] | None = None
    ) -> Intervals:
        """Confidence intervals of what was estimated.

        Parameters
        ----------
        level : float        coverage, between 0 and 1
        method : str         "wald": from standard errors, on the scale on which a number is unbounded (logarithm of
                             rates and variances, logit of probabilities); "profile": where the likelihood has fallen by
                             as much as chi-square allows; "exact": of a Bernoulli, Binomial, Poisson, Exponential or
                             Normal; "bootstrap": percentiles of 1,000 refits (`fit.bootstrap` offers more)
        names : str or list      of these numbers only, as one writes them behind `fit.model.`

        Returns
        -------
        Intervals      `intervals["mean"]` is (low, high); `.why` tells what cannot be said

        Examples
        --------
        >>> import likely as lk
        >>> print(lk.fit(lk.Bernoulli(), [1] * 8 + [0] * 2).conf_int(method="exact"))
        95 % intervals (exact)
           estimate    low   high
        p    0.8000 0.4439 0.9748
        """
        from likely.workflows.intervals import conf_int

        return conf_int(self._fit, level, method, names)

    def profile(self, name: str, points: int = 31, level: float = 0.95) -> Profile:
        """The highest objective that each value of a number allows, and the interval it gives.

        Parameters
        ----------
        name : str        of the number, as one writes it behind `fit.model.`: "mean", "component.rate[0]"
        points : int      how many values to look at; 0 for the interval alone
        level : float     coverage of the interval

        Returns
        -------
        Profile      `.values`, `.log_likelihoods`, `.best`, `.low`, `.high`

        Examples
        --------
        >>> import likely as lk
        >>> print(lk.fit(lk.Exponential(), [3.1, 8.2, 1.7]).profile("rate"))
        rate = 0.230769, 95 % by profile likelihood 0.0573896 to 0.598406
        """
        from likely.workflows.profile import profile

        return profile(self._fit, name, points, level)

    def delta(self, function: Callable[[Family], Any], kind: str = "observed") -> Delta:
        """Standard error of any function of the fitted model (delta method).

        Parameters
        ----------
        function : callable      sees a model with every slot filled, like `fit.model`; gives a number or an array
        kind : str               of covariance, as for `standard_errors`

        Returns
        -------
        Delta      `.value`, `.error`, `.conf_int(level, low=..., high=...)`

        Examples
        --------
        >>> import likely as lk
        >>> odds = lk.fit(lk.Bernoulli(), [1] * 8 + [0] * 2).delta(lambda m: m.p / (1 - m.p))
        >>> round(odds.value, 4), round(odds.error, 4)
        (4.0, 3.1623)
        """
        return self.uncertainty.delta(function, kind)

    def __getstate__(self) -> dict[str, Any]:
        """For pickling: what was worked out for standard errors holds on to this process."""
        return {name: value for name, value in self.__dict__.items() if name != "uncertainty"}
