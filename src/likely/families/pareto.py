"""The Pareto distribution: sizes above a threshold, with a tail that falls as a power."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from likely.core.data import Table
from likely.core.domains import Positive, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.stats import Stats
from likely.core.support import POSITIVE
from likely.core.written import plain
from likely.families.gammas import log_column
from likely.families.limits import TOO_WEAK, loose, refuse
from likely.numerics.soft import Array, safe_log, weigh


@dataclass(frozen=True)
class Tail(Stats):
    """Weight, total logarithm, and the least value that has any weight."""

    weight: Array  # (k,)
    log_total: Array  # (k,) sum of w log x
    low: Array  # (k,) inf where nothing was seen
    power: Array | None = None  # (k,) what a Gamma prior on the shape adds to the shape's power

    carried: ClassVar[tuple[str, ...]] = ("low",)

    def __add__(self, other: Self | None) -> Self:
        if other is None:
            return self
        power = other.power if self.power is None else self.power if other.power is None else self.power + other.power
        low = np.minimum(self.low, other.low)
        return type(self)(self.weight + other.weight, self.log_total + other.log_total, low, power)

    def __rmul__(self, scale: float) -> Self:
        power = None if self.power is None else scale * self.power
        return type(self)(scale * self.weight, scale * self.log_total, self.low, power)

    def positive(self) -> Array:
        own = np.ones_like(self.weight, bool)
        return np.concatenate([own, ~own])

    def valid(self) -> bool:
        """No weight is negative, and the mean logarithm is not below the least one."""
        seen = self.weight > 0
        least = self.weight[seen] * np.log(self.low[seen])
        return bool(np.all(self.weight >= 0) and np.all(self.log_total[seen] >= least - 1e-9 * np.abs(least)))


class Pareto(Family):
    """A Pareto distribution; log density log(shape) + shape log(scale) - (shape + 1) log x for x >= scale.

    Parameters
    ----------
    scale : number, array or shared             the least value there can be, in the data's units
    shape : number, array, Gamma or shared      how fast the tail falls, without unit

    Notes
    -----
    Maximum likelihood is the least value, and one over the mean of log(x / scale). A Gamma(shape, rate) prior on the
    shape counts as shape - 1 pretend values whose log(x / scale) sum to `rate`; the estimate is the mode of the shape
    itself. The scale ends where the data begins: it has no standard error, and as a component of a mixture a free
    Pareto keeps the least value of the rows it starts with. There, give the scale a value.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Pareto(), [1.0, 2.0, 4.0]).model
    Pareto(scale=1.0, shape=1.442695)
    >>> lk.Pareto(scale=2, shape=3).mean
    3.0
    """

    scale: Value = Positive(doc="the least value there can be")
    shape: Value = Positive(doc="how fast the tail falls")

    support = POSITIVE
    nonregular = ("scale",)
    priors = {"shape": ("Gamma",)}

    def log_density(self, params: Params, data: Table) -> Array:
        inside = np.log(params.shape) + params.shape * np.log(params.scale) - (params.shape + 1) * log_column(data)
        return np.where(data.column() >= params.scale, inside, -np.inf)

    def statistics(self, params: Params | None, data: Table, weights: Array) -> Tail:
        low = np.where(weights > 0, data.column(), np.inf).min(0)
        return Tail(weights.sum(0), weigh(weights, log_column(data)), low)

    def m_step(self, stats: Tail, params: Params | None) -> Params:
        scale, shape = self.slots["scale"], self.slots["shape"]
        least = scale.pool(stats.low, np.min)
        begin = scale.settle(np.where(np.isinf(least), np.nan, least))
        count = shape.pool(stats.weight + (0.0 if stats.power is None else stats.power))
        decay = shape.pool(stats.log_total - np.where(stats.weight > 0, stats.weight * np.log(begin), 0.0))
        seen = shape.pool(stats.weight)
        flat = (decay <= 1e-14 * np.abs(shape.pool(stats.log_total))) & (seen > 0) & loose(shape)
        refuse(flat, stats.weight, "its shape grew without bound", "Its values are alike; give the shape a value.")
        slope = shape.settle(np.where(seen == 0, np.nan, count / decay))
        refuse(slope <= 0, stats.weight, "its prior on shape grows without bound at 0", TOO_WEAK)
        return Params(scale=begin, shape=slope)

    def expected_log_density(self, params: Params, stats: Tail) -> Array:
        constant = np.log(params.shape) + params.shape * np.log(params.scale)
        inside = (stats.low >= params.scale) | (stats.weight == 0)
        return np.where(inside, stats.weight * constant - (params.shape + 1) * stats.log_total, -np.inf)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        tail = rng.standard_exponential(len(members)) / params.shape[members]
        return (params.scale[members] * np.exp(tail))[:, None]

    def pretend(self, name: str, prior: Family) -> Tail:
        q = prior.known_params()
        nothing = np.zeros_like(q.rate)
        return Tail(nothing, q.rate, np.full_like(q.rate, np.inf), q.shape - 1)

    def fits(self, x: Array) -> Array:
        return np.isfinite(x) & (x > 0) & (x >= self._known_scale())

    def needs(self, column: int) -> str:
        least = self._known_scale()
        return f"numbers from {least:.6g}" if least > 0 else self.support.words

    def example(self, d: int) -> Array:
        return np.full(d, 2 * self._known_scale() or self.support.example)

    @property
    def mean(self) -> Value:
        """Mean, in the data's units; infinite up to a shape of 1."""
        self._require_filled()
        a, m = np.asarray(self.shape), np.asarray(self.scale)
        return plain(np.where(a > 1, a * m / np.where(a > 1, a - 1, 1.0), np.inf))

    @property
    def variance(self) -> Value:
        """Mean squared deviation, in the data's units squared; infinite up to a shape of 2."""
        self._require_filled()
        a, m = np.asarray(self.shape), np.asarray(self.scale)
        safe = np.where(a > 2, a, 3.0)
        return plain(np.where(a > 2, safe * m**2 / ((safe - 1) ** 2 * (safe - 2)), np.inf))

    def cumulative(self, params: Params, data: Table) -> Array:
        return -np.expm1(-params.shape * np.log(np.maximum(data.column() / params.scale, 1.0)))

    def log_tails(self, params: Params, data: Table) -> tuple[Array, Array]:
        above = -params.shape * np.log(np.maximum(data.column() / params.scale, 1.0))
        return safe_log(-np.expm1(above)), above

    def inverse(self, params: Params, q: Array) -> Array:
        with np.errstate(divide="ignore"):
            return params.scale * np.exp(-np.log1p(-q) / params.shape)

    def _known_scale(self) -> float:
        """The least scale that known ones leave possible; 0 where one is free."""
        least = float(np.min(self.scale)) if isinstance(self.scale, float | int | np.ndarray) else 0.0
        return least if np.isfinite(least) else 0.0
