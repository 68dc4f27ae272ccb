"""Truncation: rows outside a known window were never recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from likely.core.data import Table
from likely.core.domains import Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.stats import Stats
from likely.core.written import plain, written
from likely.errors import ModelError
from likely.numerics.soft import Array
from likely.numerics.tails import Tails, log_between
from likely.structures.around import Around, require_continuous

HALVINGS = 1100  # of a bracket around a quantile: all of the range of numbers
NODES = 400  # of the integral over quantiles
FAR = -700.0  # log of next to nothing
HUGE = 1e300


@dataclass(frozen=True)
class Windowed(Stats):
    """Weight, and the statistics of the part."""

    weight: Array  # (k,)
    part: Any


class Truncated(Around):
    """A continuous family of which only values in a window are ever seen; density f(x) / P(low <= x <= high).

    Parameters
    ----------
    part : Family                     of one column, as Normal() or Weibull(); its slots describe it before truncation
    low, high : number, optional      ends of the window, in the data's units; an end that is not given is open

    Raises
    ------
    ModelError      no window, ends in the wrong order, or a part that is not continuous, has no distribution function
                    or has an end that is itself estimated

    Notes
    -----
    Maximum likelihood is Newton's method on the statistics of the part, minus n log P(low <= x <= high). The values may
    look like a limit of the part (an exponential cut on both sides whose mean is above the middle, a normal cut at 0
    that looks exponential): then the likelihood rises for ever, and an error says in which slot. Priors stand on the
    slots of the part; the estimate is the mode in its own parameters. A row censored within a window is
    `Censored(Truncated(...))`.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Truncated(lk.Exponential(), low=2), [3.0, 4.0, 8.0]).model
    Truncated(Exponential(rate=0.333333), low=2.0)
    >>> lk.Truncated(lk.Normal(0, 1), low=0).mean
    0.797885
    """

    low: float | None
    high: float | None

    def __init__(self, part: Family, low: float | None = None, high: float | None = None):
        require_continuous("Truncated", part)
        ends = _end("low", low, -np.inf), _end("high", high, np.inf)
        if ends == (None, None):
            raise ModelError("Truncated needs a window: low=..., high=... or both.")
        self.__dict__.update(part=part, low=ends[0], high=ends[1])
        a, b = self._window()
        if not a < b:
            raise ModelError(f"Truncated: low={a:.6g} and high={b:.6g}; low must be below high.")
        if not part.fits(np.clip(part.example(1), a, b)).all():
            raise ModelError(
                f"Truncated({type(part).__name__}(...), {', '.join(self._ends())}): no value of {part!r} lies in the "
                f"window; it has {part.needs(0)}."
            )

    def arguments(self) -> list[str]:
        return [written(self.part), *self._ends()]

    def _ends(self) -> list[str]:
        return [f"{n}={written(v)}" for n, v in (("low", self.low), ("high", self.high)) if v is not None]

    def _window(self) -> tuple[float, float]:
        return -np.inf if self.low is None else self.low, np.inf if self.high is None else self.high

    def log_density(self, params: Params, data: Table) -> Array:
        window = self._log_window(params)
        return np.where(window > -np.inf, self.part.log_density(params.part, data) - window, -np.inf)

    def statistics(self, params: Params | None, data: Table, weights: Array) -> Windowed:
        return Windowed(weights.sum(0), self.part.statistics(None if params is None else params.part, data, weights))

    def begin(self, stats: Windowed) -> Params:
        return self.part.maximize(stats.part, None)

    def expected_log_density(self, params: Params, stats: Windowed) -> Array:
        window = np.where(stats.weight > 0, self._log_window(params), 0.0)
        inside = self.part.expected_log_density(params.part, stats.part)
        return np.where(window > -np.inf, inside - stats.weight * window, -np.inf)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        q, out = rng.random((len(members), 1)), np.empty((len(members), 1))
        for k in np.unique(members):
            rows = members == k
            one = Params(**{n: params.part[n][[k]] for n in params.part})
            out[rows] = self.inverse(Params(part=one), q[rows])
        return out

    def fits(self, x: Array) -> Array:
        low, high = self._window()
        return self.part.fits(x) & (x >= low) & (x <= high)

    def outside(self, data: Table) -> Array | None:
        wrong = data.once(("outside", type(self), *self.arguments()), lambda: ~self.fits(data.x).all(-1))
        return wrong if wrong.any() else None

    def needs(self, column: int) -> str:
        words = {"from": self.low, "up to": self.high}
        return f"{self.part.needs(column)}, {' '.join(f'{w} {end:.6g}' for w, end in words.items() if end is not None)}"

    def example(self, d: int) -> Array:
        return np.clip(self.part.example(d), *self._window())

    @property
    def mean(self) -> Value:
        """Mean within the window, in the data's units."""
        return plain(self._moments()[0])

    @property
    def variance(self) -> Value:
        """Mean squared deviation within the window, in the data's units squared."""
        return plain(self._moments()[1])

    def _moments(self) -> tuple[Array, Array]:
        """Integrals over quantiles, by the double exponential rule (Takahasi & Mori 1974)."""
        self._require_filled()
        bound = self.bind()
        t = np.linspace(-6, 6, NODES)[:, None]
        below, above = (-np.logaddexp(0.0, sign * np.pi * np.sinh(t)) for sign in (-1, 1))
        x = bound._where(bound.known_params(), below, above)[:, 0]
        share = (np.cosh(t) * np.exp(below + above))[:, 0]
        mean = _integral(share, x)
        with np.errstate(over="ignore"):
            return mean, _integral(share, (x - mean) ** 2) if np.isfinite(mean) else np.asarray(np.inf)

    def cumulative(self, params: Params, data: Table) -> Array:
        return np.exp(self.log_tails(params, data)[0])

    def log_tails(self, params: Params, data: Table) -> Tails:
        low, high = self._end_tails(params)
        here = self.part.log_tails(params.part, data.with_(x=np.clip(data.x, *self._window())))
        window = np.maximum(log_between(low, high), -np.finfo(float).max)
        return log_between(low, here) - window, log_between(here, high) - window

    def inverse(self, params: Params, q: Array) -> Array:
        with np.errstate(divide="ignore"):
            inside = self._where(params, np.log(q), np.log1p(-q))
        return np.where(q <= 0, self._window()[0], np.where(q >= 1, self._window()[1], inside))

    def _where(self, params: Params, below: Array, above: Array) -> Array:
        """Points with these logarithms of tails, by halving a bracket: exact also where the window is far in a tail."""
        a, b = (self._far(params, side) for side in (0, 1))
        shape = np.broadcast_shapes(below.shape, (1, len(params.part[next(iter(params.part))])))
        a, b = np.full(shape, a), np.full(shape, b)
        for _ in range(HALVINGS):
            middle = _between(a, b)
            here = self.log_tails(params, Table(middle[:, :, None]))
            short = np.where(below < above, here[0] < below, here[1] > above)
            a, b = np.where(short, middle, a), np.where(short, b, middle)
            if not (np.abs(b - a) > 1e-15 * np.abs(b)).any():
                break
        return b

    def _far(self, params: Params, side: int) -> float:
        """A point with next to nothing beyond it: the end of the window, or far out where that is open."""
        end, inner, width = self._window()[side], float(self.example(1)[0]), 1.0
        while np.isinf(end):
            at = inner + (width if side else -width)
            if (self.log_tails(params, Table(np.full((1, 1), at)))[side] < FAR).all() or width > HUGE:
                end = at
            width *= 4
        return end

    def _end_tails(self, params: Params) -> tuple[Tails, Tails]:
        """Tails (1, k) of the ends of the window."""
        k = len(params.part[next(iter(params.part))])
        never, surely = np.full((1, k), -np.inf), np.zeros((1, k))
        low, high = (never, surely), (surely, never)
        if self.low is not None:
            low = self.part.log_tails(params.part, Table(np.full((1, 1), self.low)))
        if self.high is not None:
            high = self.part.log_tails(params.part, Table(np.full((1, 1), self.high)))
        return low, high

    def _log_window(self, params: Params) -> Array:
        """(k,): log probability of the window."""
        return log_between(*self._end_tails(params))[0]


def _between(a: Array, b: Array) -> Array:
    """Points between two, in the middle of their logarithms where they are of different size."""
    up, down = (b > 4) & (b > 4 * a), (a < -4) & (a < 4 * b)
    with np.errstate(invalid="ignore"):
        far = np.where(up, np.sqrt(np.maximum(a, 1.0)) * np.sqrt(b), -np.sqrt(-a) * np.sqrt(np.maximum(-b, 1.0)))
    return np.where(up | down, far, a + (b - a) / 2)


def _integral(shares: Array, values: Array) -> Array:
    """The mean of values under shares; infinite where the shares do not fall faster than the values grow."""
    parts = shares * values
    endless = np.abs(parts[[0, -1]]).max() > 1e-6 * np.abs(parts).max()
    return np.copysign(np.inf, parts[np.abs(parts).argmax()]) if endless else parts.sum() / shares.sum()


def _end(name: str, value: Any, open_end: float) -> float | None:
    """An end as a number; None where it is open."""
    if value is None:
        return None
    refusal = ModelError(f"Truncated: {name}={value!r}; it needs a number, or nothing where the window is open.")
    try:
        end = float(value)
    except (TypeError, ValueError):
        raise refusal from None
    if np.isnan(end) or end == -open_end:
        raise refusal
    return None if end == open_end else end
