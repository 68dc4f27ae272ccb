"""Zero inflation: a hidden coin decides whether a row is 0 whatever the counts would have been."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from likely.core.data import Table
from likely.core.domains import Unit, Value
from likely.core.door import table_of
from likely.core.family import Family
from likely.core.params import Params
from likely.core.posterior import Posterior
from likely.core.stats import Stats
from likely.core.written import Choose, free, written
from likely.errors import ModelError
from likely.families.counts import (
    Trials,
    expected_trials,
    log_failure,
    pretend_trials,
    smallest_count,
    success_share,
)
from likely.numerics import special
from likely.numerics.soft import Array, safe_log, soft

STRUCTURAL = 0.2, 0.8  # the part of the zeros that a start takes for structural lies between


@dataclass(frozen=True)
class Inflation(Stats):
    """How often the coin made a zero and how often it did not, and the statistics of the counts."""

    coin: Trials
    part: Any = None  # of the bank of counts


class ZeroInflated(Family):
    """Counts with too many zeros: with probability `zero` a row is 0, else it follows a family of counts.

    Probability zero + (1 - zero) f(0) of a 0, and (1 - zero) f(x) of any other count x.

    Parameters
    ----------
    part : Family                            of counts: Poisson(), NegativeBinomial(), Binomial(10), Geometric(), also
                                             a mixture of them or PoissonRegression()
    zero : number, array, Beta or shared     probability of a structural zero

    Raises
    ------
    ModelError      the part is no family of counts, or of several columns

    Notes
    -----
    EM (Lambert 1992): of the zeros, the part zero / (zero + (1 - zero) f(0)) is structural. `zero` is the share of
    structural zeros among all rows, and the counts are fitted to what is left. For Poisson the result is the closed
    form: the rate solves m = rate / (1 - exp(-rate)) for the mean m of the positive counts. Where the counts alone
    expect at least as many zeros as there are, the maximum is at the boundary, `zero=0`, with the plain fit of the
    counts. A Beta(a, b) prior counts as a - 1 pretend structural zeros and b - 1 pretend rows that are none; the mode
    is that of `zero` itself.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.ZeroInflated(lk.Poisson()), [0, 0, 0, 0, 0, 2, 3, 1, 4, 2]).model
    ZeroInflated(Poisson(rate=2.11), zero=0.431)
    >>> lk.fit(lk.ZeroInflated(lk.Poisson()), [1, 0, 2, 3, 1, 2]).model
    ZeroInflated(Poisson(rate=1.5), zero=0.0)
    """

    part: Family
    zero: Value = Unit(doc="probability of a structural zero")

    priors = {"zero": ("Beta",)}
    hidden = True

    def __init__(self, part: Any, zero: Value = free, **unknown: Any):
        self.__dict__["part"] = _counts(part)
        self._fill(zero=zero, **unknown)

    @property
    def uses_given(self) -> bool:
        return self.part.uses_given

    def arguments(self) -> list[str]:
        return [written(self.part)]

    def parts(self) -> dict[str, Family]:
        return {"part": self.part}

    def own_dims(self) -> dict[str, int]:
        return self.part.own_dims()

    def fits(self, x: Array) -> Array:
        return self.part.fits(x)

    def needs(self, column: int) -> str:
        return self.part.needs(column)

    def example(self, d: int) -> Array:
        return self.part.example(d)

    def distinct_members(self) -> int:
        return self.part.distinct_members()

    def distinct_rows_needed(self) -> int:
        return self.part.distinct_rows_needed()

    def structural(self, x: Any, given: Any = None) -> Array:
        """(n,): probability that a row is a structural zero; 0 for a positive count. Every slot must be filled."""
        table = table_of(x, given=given)
        bound = self._alone(table)
        return bound.infer(bound.known_params(), table).hidden[:, 0, 0]

    def infer(self, params: Params, data: Any, temperature: float = 1.0) -> Posterior:
        child = self.part.infer(params.part, data, temperature)
        coin = np.where(_zeros(data), safe_log(params.zero), -np.inf)
        joint = np.stack([coin, log_failure(params.zero) + child.log_prob], -1)
        log_prob, r = soft(joint, temperature)

        def slack() -> Array:
            inner = np.where(r[..., 1] > 0, r[..., 1] * child.slack, 0.0)
            return inner - temperature * special.xlogy(r, r).sum(-1)

        return Posterior(log_prob, r, child, slack)

    def collect(self, params: Params | None, posterior: Posterior | None, data: Any, weights: Array) -> Inflation:
        assert posterior is not None
        structural, counted = weights * posterior.hidden[..., 0], weights * posterior.hidden[..., 1]
        inner = None if params is None else params.part
        part = self.part.collect(inner, posterior.child, data, counted)
        return Inflation(Trials(structural.sum(0), counted.sum(0)), part)

    def start(self, data: Any, weights: Array, rng: np.random.Generator, kind: str = "k-means++") -> Params:
        """From a random share of the zeros; half of the starts of a model that stands alone try the boundary."""
        share = rng.uniform(*STRUCTURAL, weights.shape[1])
        structural = weights * np.where(_zeros(data), share, 0.0)
        plain = self._plain(data, weights, rng, kind) if rng.random() < 0.5 or _zeros(data).all() else None
        if plain is not None:
            return plain
        zero = success_share(self.slots["zero"], Trials(structural.sum(0), (weights - structural).sum(0)))
        return Params(zero=zero, part=self.part.start(data, weights - structural, rng, kind))

    def _plain(self, data: Any, weights: Array, rng: np.random.Generator, kind: str) -> Params | None:
        """The plain fit of the counts, if the likelihood falls from there as `zero` leaves 0.

        EM creeps towards that boundary and never arrives; from it, it does not move.
        """
        slot = self.slots["zero"]
        if self.k > 1 or not slot.simple:
            return None
        part = self.part.start(data, weights, rng, kind)
        zeros = _zeros(data)
        found = np.where(zeros, self.part.infer(part, data).log_prob, 0.0)
        with np.errstate(over="ignore"):
            rise = (weights * np.where(zeros, np.exp(-found), 0.0)).sum() - weights.sum()
        return Params(zero=np.zeros(1), part=part) if rise <= 0 else None

    def m_step(self, stats: Inflation, params: Params | None) -> Params:
        old = None if params is None else params.part
        zero = success_share(self.slots["zero"], stats.coin)
        return Params(zero=zero, part=self.part.maximize(stats.part, old))

    def expected_log_density(self, params: Params, stats: Inflation) -> Array:
        return expected_trials(params.zero, stats.coin) + self.part.expected_log_density(params.part, stats.part)

    def pretend(self, name: str, prior: Family) -> Inflation:
        return Inflation(pretend_trials(prior))

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        structural = rng.random(len(members)) < params.zero[members]
        return np.where(structural[:, None], 0.0, self.part.draw(params.part, members, data, rng))

    # -- questions --------------------------------------------------------------------------------------------------
    @property
    def mean(self) -> Value:
        """Expected count of a row."""
        return self._both("mean")[0] * (1 - self.zero)

    @property
    def variance(self) -> Value:
        """Mean squared deviation of the counts."""
        mean, variance = self._both("mean", "variance")
        return (1 - self.zero) * (variance + self.zero * mean**2)

    def _both(self, *names: str) -> list[Any]:
        """Moments of the counts alone."""
        self._require_filled()
        for name in names:
            if not hasattr(type(self.part), name) and name not in self.part.domains:
                raise ModelError(f"{type(self.part).__name__} has no {name}, so {self!r} has none.")
        return [getattr(self.part, name) for name in names]

    def regress(self, given: Any) -> Array:
        """Expected counts (n,) at covariates (n, p), structural zeros included."""
        return (1 - self.zero) * self.part.regress(given)

    def cumulative(self, params: Params, data: Table) -> Array:
        below = self.part.cumulative(params.part, data)
        return np.where(data.column() < 0, 0.0, params.zero + (1 - params.zero) * below)

    def inverse(self, params: Params, q: Array) -> Array:
        largest = np.where(params.zero < 1, self.part.inverse(params.part, np.ones((1, 1)))[0], 0.0)
        return smallest_count(q, lambda x: self.cumulative(params, Table(x[:, :, None])), largest)


def _counts(part: Any) -> Any:
    """The part, checked: a family of one column that can give 0 and gives whole numbers, or a choice among such."""
    if isinstance(part, Choose):
        for one in part.options:
            _counts(one)
        return part
    if not isinstance(part, Family):
        raise ModelError(f"ZeroInflated({part!r}): the part must be a family of counts, as in ZeroInflated(Poisson()).")
    points = np.array([[0.0], [0.5]])
    if part.several_columns or part.reads_text or part.fits(points)[:, 0].tolist() != [True, False]:
        raise ModelError(
            f"ZeroInflated({part!r}): a structural zero stands beside the zeros of counts, so the part must be a "
            "family of counts of one column, as in ZeroInflated(Poisson()) or ZeroInflated(NegativeBinomial())."
        )
    return part


def _zeros(data: Table) -> Array:
    """(n, 1) or (n, k): which points are 0."""
    return data.once("zeros", lambda: data.column() == 0)
