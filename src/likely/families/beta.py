"""The beta distribution: proportions; and the prior of a probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from likely.core.data import Table
from likely.core.domains import Positive, Value
from likely.core.newton import Score, maximise_positive
from likely.core.params import Params
from likely.core.stats import Stats
from likely.core.support import OPEN_UNIT
from likely.families.limits import LARGEST, loose, powered, refuse
from likely.families.linear import Features, Linear
from likely.numerics import special
from likely.numerics.soft import Array


@dataclass(frozen=True)
class LogOdds(Stats):
    """Weight, total log x and total log(1 - x)."""

    weight: Array  # (k,)
    log_total: Array  # (k,) sum of w log x
    log_rest: Array  # (k,) sum of w log(1 - x)

    def positive(self) -> Array:
        own = np.ones_like(self.weight, bool)
        return np.concatenate([own, ~own, ~own])

    def valid(self) -> bool:
        """The geometric means of x and of 1 - x sum to less than 1."""
        if not np.all(self.weight > 0):
            return False
        return bool(np.all(np.exp(self.log_total / self.weight) + np.exp(self.log_rest / self.weight) < 1))


class Beta(Linear):
    """A beta distribution; log density (a - 1) log x + (b - 1) log(1 - x) - log B(a, b) for 0 < x < 1.

    Parameters
    ----------
    a : number, array, Gamma, LogNormal or shared      power of x, plus one; without unit
    b : number, array, Gamma, LogNormal or shared      power of 1 - x, plus one; without unit

    Notes
    -----
    Maximum likelihood is Newton's method on the sums of log x and log(1 - x), from Johnson & Kotz's approximation in
    geometric means. The density at exactly 0 or 1 is zero or infinite, so such values are refused. Priors on a and b
    are not conjugate: log-likelihood + log prior is climbed numerically, to the mode in (a, b). As a prior on a
    probability, Beta(a, b) counts as a - 1 pretend successes and b - 1 pretend failures: Beta(1, 1) says nothing.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Beta(), [0.2, 0.3, 0.5, 0.6, 0.4]).model
    Beta(a=4.574, b=6.877)
    >>> lk.Beta(2, 6).mean
    0.25
    """

    a: Value = Positive(doc="power of x, plus one")
    b: Value = Positive(doc="power of 1 - x, plus one")

    priors = {"a": ("Gamma", "LogNormal"), "b": ("Gamma", "LogNormal")}

    support = OPEN_UNIT
    record = LogOdds

    def log_density(self, params: Params, data: Table) -> Array:
        x, rest = _logs(data)
        return powered(params.a - 1, x) + powered(params.b - 1, rest) + self.constant(params)

    def features(self, data: Table) -> Features:
        x, rest = _logs(data)
        return {"log_total": x, "log_rest": rest}

    def natural(self, params: Params) -> dict[str, Array]:
        return {"log_total": params.a - 1, "log_rest": params.b - 1}

    def constant(self, params: Params) -> Array:
        return -special.betaln(params.a, params.b)

    def m_step(self, stats: LogOdds, params: Params | None) -> Params:
        slots = [self.slots["a"], self.slots["b"]]
        begin = _geometric(stats) if params is None else np.stack([params.a, params.b], 1)
        a, b = maximise_positive(slots, begin, stats.weight, _score(stats)).T
        grown = (a + b > LARGEST) & loose(slots[0]) & loose(slots[1])
        refuse(grown, stats.weight, "its a and b grew without bound", "Its values are alike; give a or b a value.")
        return Params(a=a, b=b)

    def expected_log_density(self, params: Params, stats: LogOdds) -> Array:
        powers = (params.a - 1) * stats.log_total + (params.b - 1) * stats.log_rest
        return powers - stats.weight * special.betaln(params.a, params.b)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        return rng.beta(params.a[members], params.b[members])[:, None]

    @property
    def mean(self) -> Value:
        """Mean."""
        self._require_filled()
        return self.a / (self.a + self.b)

    @property
    def variance(self) -> Value:
        """Mean squared deviation."""
        self._require_filled()
        total = self.a + self.b
        return self.a * self.b / (total**2 * (total + 1))

    def cumulative(self, params: Params, data: Table) -> Array:
        return special.betainc(params.a, params.b, np.clip(data.column(), 0, 1))

    def inverse(self, params: Params, q: Array) -> Array:
        return special.betaincinv(params.a, params.b, q)


def _logs(data: Table) -> tuple[Array, Array]:
    """log x and log(1 - x), worked out once for a chunk."""

    def compute() -> tuple[Array, Array]:
        x = data.column()
        with np.errstate(divide="ignore"):
            return np.log(x), np.log1p(-x)

    return data.once("log odds", compute)


def _score(stats: LogOdds) -> Score:
    def score(values: Array) -> tuple[Array, Array, Array]:
        a, b = values.T
        w, both, common = stats.weight, special.psi(a + b), special.zeta(2, a + b)
        slope, bend = np.empty((len(a), 2)), np.empty((len(a), 2, 2))
        value = (a - 1) * stats.log_total + (b - 1) * stats.log_rest - w * special.betaln(a, b)
        slope[:, 0], slope[:, 1] = (
            w * (both - special.psi(a)) + stats.log_total,
            w * (both - special.psi(b)) + stats.log_rest,
        )
        bend[:, 0, 0], bend[:, 1, 1] = w * (common - special.zeta(2, a)), w * (common - special.zeta(2, b))
        bend[:, 0, 1] = bend[:, 1, 0] = w * common
        return value, slope, bend

    return score


def _geometric(stats: LogOdds) -> Array:
    """(k, 2): a and b from the geometric means of x and 1 - x (Johnson & Kotz 1970, chapter 24)."""
    mean = np.exp(np.stack([stats.log_total, stats.log_rest], 1) / stats.weight[:, None])
    return 0.5 + mean / (2 * np.maximum(1 - mean.sum(1, keepdims=True), 0.1 / LARGEST))
