"""When to stop: the gain that is still to come, estimated from the gains so far."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from likely.em.outcome import Outcome

ROUNDING = 100 * 2.0**-52  # relative error allowed in a summed log-likelihood
STEADY = 0.05  # how far the ratio of gains may still drift, relative to its distance from 1


@dataclass
class RemainingGain:
    """Aitken's extrapolation of a linearly converging objective.

    Near a maximum EM's gains shrink by a constant factor a (the square of its rate), so the gains still to come sum to
    d a / (1 - a) after a last gain d. Early on that is wildly optimistic, so it counts only once the factor is steady;
    a factor at or above 1 says that EM is still speeding up, as on leaving a saddle.
    """

    gains: list[float] = field(default_factory=list)
    factor: float = math.nan
    steady: float = 0.0  # the last factor that could be trusted

    def update(self, gain: float, rounding: float) -> float | None:
        """The gain that remains after a step that gained `gain`; None while it cannot be told."""
        before, self.factor = self.factor, math.nan
        last = self.gains[-1] if self.gains else math.nan
        self.gains.append(gain)
        if gain <= rounding:
            return None
        if not last > gain:
            return None
        self.factor = gain / last
        if not abs(self.factor - before) < max(STEADY * (1 - self.factor), 0.02 * self.factor):
            return None
        self.steady = self.factor
        return gain * self.factor / (1 - self.factor)

    def below(self, rounding: float) -> float:
        """What may still be to come when the last gain drowned in rounding."""
        return rounding / (1 - self.steady)


@dataclass
class Settling:
    """Whether plain EM has come to its end: two plain steps in a row must say so."""

    tol: float
    left: RemainingGain = field(default_factory=RemainingGain)
    quiet: int = 0  # plain steps in a row that say it is over

    def update(self, gain: float, rounding: float) -> tuple[float | None, Outcome | None]:
        """The gain that remains after a plain step that gained `gain`, and how the run ends where it does."""
        remaining = self.left.update(gain, rounding)
        close = gain <= rounding or (remaining is not None and remaining < enough(self.tol))
        self.quiet = self.quiet + 1 if close and self.tol > 0 else 0
        if self.quiet < 2:
            return remaining, None
        unresolved = gain <= rounding and self.left.below(rounding) > enough(self.tol)
        return remaining, Outcome.rounding_floor if unresolved else Outcome.converged


def enough(tol: float) -> float:
    """Gain in nats that corresponds to `tol` standard errors: half its square."""
    return 0.5 * tol * tol


def rounding_of(objective: float, items: float = 0.0) -> float:
    """What a sum over so many items cannot resolve: terms of order one, also where they all but cancel."""
    return ROUNDING * max(abs(objective), items)
