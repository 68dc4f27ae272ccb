"""What families of counts share: successes and failures, estimates under any slot and prior, exact quantiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from likely.core.data import Table
from likely.core.slot import Slot
from likely.core.stats import Counts, Stats
from likely.core.written import plain
from likely.errors import Degenerate, ModelError
from likely.families.limits import powered
from likely.numerics import special
from likely.numerics.soft import Array

FUZZ = 64 * np.finfo(float).eps  # relative error allowed in a cdf, so that its own values lead back to their counts


@dataclass(frozen=True)
class Trials(Stats):
    """Weighted successes and failures.

    Both are kept: the difference of weight and successes would leave 1e-16 of a failure where there is none.
    """

    successes: Array  # (k,)
    failures: Array  # (k,)
    base: Array | None = None  # (k,) sum of w log h(x), the part of the log density without parameters

    carried: ClassVar[tuple[str, ...]] = ("base",)


def times(x: Array, slope: Array) -> Array:
    """`x * slope` (n, k) for x >= 0 and slopes (k,) that may be -inf, with 0 * -inf = 0."""
    return x * slope if np.isfinite(slope).all() else powered(x, slope)


def log_failure(p: Array) -> Array:
    """`log(1 - p)`, -inf where p = 1."""
    with np.errstate(divide="ignore"):
        return np.log1p(-p)


def log_inverse_factorial(data: Table) -> Array:
    """`log (1 / x!)`, worked out once for a chunk."""
    return data.once("log inverse factorial", lambda: -special.gammaln(data.column() + 1))


def success_share(slot: Slot, stats: Trials) -> Array:
    """(k,): the part of the trials that succeeded, as the slot has it; NaN where there were none."""
    successes, failures = slot.pool(stats.successes), slot.pool(stats.failures)
    _refuse_unbounded(slot, successes, "0")
    _refuse_unbounded(slot, failures, "1")
    return slot.settle(successes / (successes + failures))


def expected_trials(p: Array, stats: Trials) -> Array:
    """(k,): successes log p + failures log(1 - p) + base."""
    out = special.xlogy(stats.successes, p) + special.xlog1py(stats.failures, -p)
    return out if stats.base is None else out + stats.base


def pretend_trials(prior: Any) -> Trials:
    """A Beta(a, b) prior as a - 1 successes and b - 1 failures."""
    q = prior.known_params()
    return Trials(q.a - 1, q.b - 1)


def rate_of(slot: Slot, stats: Counts) -> Array:
    """(k,): total over weight, as the slot has it; NaN where there is no weight."""
    total, weight = slot.pool(stats.total), slot.pool(stats.weight)
    _refuse_unbounded(slot, total, "0")
    return slot.settle(total / weight)


def shares_of(slot: Slot, stats: Counts) -> Array:
    """(k, c): totals as probabilities, as the slot has them; NaN where there are none."""
    total = slot.pool(stats.total)
    _refuse_unbounded(slot, total.min(1), "0")
    return slot.settle(total / total.sum(1, keepdims=True))


def pretend_shares(prior: Any) -> Counts:
    """A Dirichlet(alpha) prior as alpha - 1 counts."""
    extra = prior.known_params().alpha - 1
    return Counts(extra.sum(1), extra)


def _refuse_unbounded(slot: Slot, count: Array, where: str) -> None:
    """Only a prior with an exponent below 1 takes more than the rows gave."""
    if (count < 0).any():
        raise Degenerate(
            f"its prior on {slot.name} grows without bound at {where} and the rows do not outweigh it",
            members=np.flatnonzero(count < 0).tolist(),
            cure="Use a prior whose exponents are 1 or above, as Beta(1, 1), Dirichlet(1) or Gamma(1, 1).",
        )


def whole_trials(owner: str, trials: Any) -> int | None:
    """A number of trials as written, checked."""
    trials = plain(trials)
    if trials is None:
        return None
    if isinstance(trials, float) and trials.is_integer():
        trials = int(trials)
    if not isinstance(trials, int) or trials < 1:
        raise ModelError(
            f"{owner}(trials={trials!r}): the number of trials is one whole number from 1, common to all rows, "
            f"as in {owner}(trials=10)."
        )
    return trials


def smallest_count(q: Array, cumulative: Callable[[Array], Array], largest: Array) -> Array:
    """(n, k): the smallest count whose distribution function reaches q, by doubling and bisection.

    Parameters
    ----------
    q : (n, 1) or (n, k)        probabilities
    cumulative : callable       counts (n, k) to their distribution function
    largest : (k,)              the answer where q = 1: the largest possible count, or infinity

    Notes
    -----
    q is lowered by a relative 64 units of rounding, as R's quantile functions do, so that rounding in the distribution
    function does not push its own values to the next count.
    """
    q = np.broadcast_to(q, np.broadcast_shapes(q.shape, largest.shape))
    enough = q * (1 - FUZZ)
    low, high = np.full(q.shape, -1.0), np.zeros(q.shape)
    while (short := cumulative(high) < enough).any():
        low, high = np.where(short, high, low), np.where(short, 2 * high + 1, high)
    while True:
        middle = low + np.floor((high - low) / 2)
        open_ = (low < middle) & (middle < high)
        if not open_.any():
            return np.where(q >= 1, largest, high)
        reached = cumulative(middle) >= enough
        high, low = np.where(open_ & reached, middle, high), np.where(open_ & ~reached, middle, low)
