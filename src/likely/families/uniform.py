"""The uniform distribution on an interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from likely.core.data import Table
from likely.core.domains import Real, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.setting import Setting
from likely.core.slot import Axis
from likely.core.stats import Stats
from likely.errors import ModelError
from likely.families.limits import refuse
from likely.numerics.soft import Array, safe_log


@dataclass(frozen=True)
class Extremes(Stats):
    """Weight, and the least and the largest value that has any."""

    weight: Array  # (k,)
    low: Array  # (k,) inf where nothing was seen
    high: Array  # (k,) -inf where nothing was seen

    carried: ClassVar[tuple[str, ...]] = ("low", "high")

    def __add__(self, other: Self | None) -> Self:
        if other is None:
            return self
        low, high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        return type(self)(self.weight + other.weight, low, high)

    def __rmul__(self, scale: float) -> Self:
        return type(self)(scale * self.weight, self.low, self.high)


class Uniform(Family):
    """A uniform distribution; log density -log(high - low) for low <= x <= high.

    Parameters
    ----------
    low : number, array or shared       in the data's units
    high : number, array or shared      in the data's units

    Notes
    -----
    Maximum likelihood is the least and the largest value. Every value inside has some density there, so as a component
    of a mixture a free Uniform keeps the whole range of the rows it starts with: EM cannot shrink it. There, give the
    ends values, as in `Mixture([Normal(), Uniform(0, 100)])`, a background of known range.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Uniform(), [2.0, 7.0, 3.5]).model
    Uniform(low=2.0, high=7.0)
    >>> lk.Uniform(2, 7).log_prob([3, 8]).round(3)
    array([-1.609,   -inf])
    """

    low: Value = Real(doc="lower end")
    high: Value = Real(doc="upper end")

    def bind(self, axes: tuple[Axis, ...] = (), setting: Setting | dict[str, int] | None = None) -> Self:
        out = super().bind(axes, setting)
        low, high = out.slots["low"].known, out.slots["high"].known
        if low is not None and high is not None:
            for ends in zip(low, high, strict=True):
                _check_order(*ends)
        return out

    nonregular = ("low", "high")

    def log_density(self, params: Params, data: Table) -> Array:
        x = data.column()
        return np.where((x >= params.low) & (x <= params.high), -_log_width(params), -np.inf)

    def statistics(self, params: Params | None, data: Table, weights: Array) -> Extremes:
        x, seen = data.column(), weights > 0
        low, high = np.where(seen, x, np.inf).min(0), np.where(seen, x, -np.inf).max(0)
        return Extremes(weights.sum(0), low, high)

    def m_step(self, stats: Extremes, params: Params | None) -> Params:
        low, high = self.slots["low"], self.slots["high"]
        least = low.pool(stats.low - low.offsets, np.min) + low.offsets
        most = high.pool(stats.high - high.offsets, np.max) + high.offsets
        a, b = low.settle(np.where(np.isinf(least), np.nan, least)), high.settle(np.where(np.isinf(most), np.nan, most))
        refuse(b <= a, stats.weight, "its width vanished", "Its values are alike; give one end a value.")
        return Params(low=a, high=b)

    def expected_log_density(self, params: Params, stats: Extremes) -> Array:
        inside = (stats.low >= params.low) & (stats.high <= params.high) | (stats.weight == 0)
        return np.where(inside, -stats.weight * _log_width(params), -np.inf)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        return rng.uniform(params.low[members], params.high[members])[:, None]

    def fits(self, x: Array) -> Array:
        low, high = self._known_ends()
        return np.isfinite(x) & (x >= low) & (x <= high)

    def needs(self, column: int) -> str:
        low, high = self._known_ends()
        if np.isinf(low) and np.isinf(high):
            return self.support.words
        if np.isinf(low):
            return f"numbers up to {high:.6g}"
        return f"numbers from {low:.6g}" + ("" if np.isinf(high) else f" to {high:.6g}")

    @property
    def mean(self) -> Value:
        """Mean, in the data's units."""
        self._require_filled()
        return (self.low + self.high) / 2

    @property
    def variance(self) -> Value:
        """Mean squared deviation, in the data's units squared."""
        self._require_filled()
        return (self.high - self.low) ** 2 / 12

    def cumulative(self, params: Params, data: Table) -> Array:
        return np.clip((data.column() - params.low) / (params.high - params.low), 0, 1)

    def inverse(self, params: Params, q: Array) -> Array:
        return params.low + q * (params.high - params.low)

    def _known_ends(self) -> tuple[float, float]:
        """The widest range that known ends leave open."""
        low = np.min(self.low) if isinstance(self.low, float | int | np.ndarray) else -np.inf
        high = np.max(self.high) if isinstance(self.high, float | int | np.ndarray) else np.inf
        low, high = float(low if np.isfinite(low) else -np.inf), float(high if np.isfinite(high) else np.inf)
        _check_order(low, high)
        return low, high


def _check_order(low: float, high: float) -> None:
    if low >= high:
        raise ModelError(f"Uniform.low = {low:.6g} and high = {high:.6g}; low must be below high.", slot="low")


def _log_width(params: Params) -> Array:
    return safe_log(params.high - params.low)
