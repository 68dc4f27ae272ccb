"""The likelihood-ratio test of nested models, by the chi-square distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from likely.core.data import Data, present
from likely.core.setting import Setting
from likely.errors import FitError, ModelError
from likely.faces.words import log_number, plural, shortened
from likely.numerics import special
from likely.workflows.nesting import check_nested, has_priors
from likely.workflows.surface import surface

if TYPE_CHECKING:
    from likely.workflows.result import Fit

SLACK = 1e-3  # nats by which a maximum may be missed: fits end within their tolerance


@dataclass(frozen=True)
class LikelihoodRatioTest:
    """A likelihood-ratio test of nested models.

    Attributes
    ----------
    statistic : float               2 (log-likelihood of the larger - of the smaller)
    degrees_of_freedom : int        free parameters that the larger has more
    p_value : float                 probability of a statistic at least as large, were the smaller model true
    small, large : str              the models
    log_likelihoods : (float, float)
    warnings : tuple of str         why the chi-square may be off
    """

    statistic: float
    degrees_of_freedom: int
    p_value: float
    small: str
    large: str
    log_likelihoods: tuple[float, float]
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [
            *heading(self.small, self.large, self.log_likelihoods),
            f"statistic {self.statistic:.4g} on {plural(self.degrees_of_freedom, 'degree')} of freedom, "
            f"p = {p_text(self.p_value)}",
            f"Were the smaller model true, {_share(self.p_value)} of data sets would show as large a statistic.",
        ]
        return "\n".join(lines + [f"Caution: {w}" for w in self.warnings])


def likelihood_ratio_test(small: Fit, large: Fit) -> LikelihoodRatioTest:
    """Is a model worse for restricting another one? By the chi-square distribution of the likelihood ratio.

    Parameters
    ----------
    small : Fit      some slots of the larger model known or shared (or a simpler form of covariance)
    large : Fit      of the same data

    Returns
    -------
    LikelihoodRatioTest      prints as sentences

    Raises
    ------
    ModelError      the fits are of different data, MAP or hard, or not nested; or the smaller model lies at the edge of
                    the larger one (fewer components), where no chi-square holds: `bootstrap_test` is for these
    FitError        the smaller fit has the higher likelihood: the larger one has not reached its maximum

    Notes
    -----
    Wilks (1938): twice the difference is chi-square with as many degrees of freedom as the larger model has free
    parameters more, for many rows, where the smaller model lies inside the larger one.

    Examples
    --------
    >>> import likely as lk
    >>> x = [0.2, 1.1, -0.3, 0.9, 1.4, 0.8]
    >>> test = lk.likelihood_ratio_test(lk.fit(lk.Normal(mean=0), x), lk.fit(lk.Normal(), x))
    >>> round(test.statistic, 3), test.degrees_of_freedom, round(test.p_value, 3)
    (5.347, 1, 0.021)
    """
    data = comparable(small, large, "a likelihood-ratio test")
    check_nested(small.family, large.family, data)
    freedom = large.n_free - small.n_free
    if freedom <= 0:
        raise ModelError(
            f"{small.family!r} and {large.family!r} both have {plural(large.n_free, 'free parameter')}: nothing is "
            "restricted, so there is nothing to test."
        )
    check_order(small, large)
    statistic = max(2 * (large.log_likelihood - small.log_likelihood), 0.0)
    p = float(special.chdtrc(freedom, statistic))
    warnings = (*_unfinished(small, "smaller"), *_unfinished(large, "larger"), *_edges(small, large))
    return LikelihoodRatioTest(statistic, freedom, p, *described(small, large), warnings)


def comparable(small: Any, large: Any, what: str) -> Data:
    """What both were fitted to.

    Raises
    ------
    ModelError      a loaded fit, one of hard EM or with priors, or fits of different data
    """
    for which, fit in (("smaller", small), ("larger", large)):
        if fit.data is None:
            raise ModelError(f"the {which} fit was loaded, and a loaded fit does not carry its data; fit again.")
        if fit.hard and fit.model.hidden:
            raise ModelError(
                f"the {which} fit is one of hard EM, whose objective is no likelihood of the data. Fit with hard=False."
            )
        if has_priors(fit.family.bind((), Setting.of(fit.data))):
            raise ModelError(
                f"the {which} model, {fit.family!r}, holds priors: its fit is no maximum of the likelihood, and "
                f"{what} compares maxima. Leave the priors out, or compare by held-out likelihood."
            )
    differs = next(
        (name for name in ("x", "given", "offsets", "weights", "labels") if _differ(small.data, large.data, name)), None
    )
    if differs is not None:
        called = {"x": "rows", "given": "covariates", "offsets": "sequences"}.get(differs, differs)
        raise ModelError(f"the two fits have different {called}; {what} needs two models of the same data.")
    return present(small.data).double()


def _differ(a: Any, b: Any, name: str) -> bool:
    if name == "labels" and a.rows is not a and b.rows is not b and _differ(a.rows, b.rows, name):
        return True  # sequences know labels of their rows as well
    one, other = (getattr(t.rows if name in ("x", "given") else t, name, None) for t in (a, b))
    if one is None or other is None:
        return one is not other
    return one.shape != other.shape or not np.array_equal(one, other, equal_nan=True)


def check_order(small: Fit, large: Fit) -> None:
    """Raise a FitError where a model has a lower likelihood than one that it contains."""
    short = small.log_likelihood - large.log_likelihood
    if short > SLACK:
        raise FitError(
            f"the larger model, {shortened(repr(large.family), 60)}, has a log-likelihood {short:.3g} below that of "
            "the smaller one, which it contains: it did not reach its maximum. Fit it again with more starts=, or with "
            "start= at the smaller fit."
        )


def _unfinished(fit: Fit, which: str) -> tuple[str, ...]:
    return () if fit.converged else (f"the {which} fit is no maximum. {fit.outcome}",)


def _edges(small: Fit, large: Fit) -> tuple[str, ...]:
    """Warnings where estimates lie at the edge of what is possible."""
    out = []
    for which, fit in (("smaller", small), ("larger", large)):
        with surface(fit) as around:
            if around.boundary:
                names = ", ".join(around.boundary)
                out.append(
                    f"in the {which} fit {names} lies at the edge of what is possible, where a chi-square is only "
                    "roughly right; lk.bootstrap_test simulates."
                )
    return tuple(out)


def described(small: Fit, large: Fit) -> tuple[str, str, tuple[float, float]]:
    """The models as text, and their log-likelihoods."""
    return repr(small.family), repr(large.family), (small.log_likelihood, large.log_likelihood)


def heading(small: str, large: str, heights: tuple[float, float]) -> list[str]:
    """A line for each model, in columns."""
    models = [shortened(m, 60) for m in (small, large)]
    width = max(map(len, models))
    return [
        f"{which}  {model:{width}s}  log-likelihood {log_number(height)}"
        for which, model, height in zip(("smaller", "larger "), models, heights, strict=True)
    ]


def p_text(p: float) -> str:
    """A p-value to two digits."""
    return f"{p:.2g}" if p >= 1e-4 else "below 0.0001"


def _share(p: float) -> str:
    return f"{100 * p:.2g} %" if p >= 1e-4 else "fewer than 0.01 %"
