"""What the gamma and the inverse gamma share: one is the other's law of 1 / x, so both maximise the same function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from likely.core.data import Table
from likely.core.family import Family
from likely.core.newton import maximise_positive
from likely.core.params import Params
from likely.core.slot import Slot
from likely.core.stats import Stats
from likely.families.limits import LARGEST, TOO_WEAK, loose, refuse
from likely.numerics import special
from likely.numerics.soft import Array, safe_log


@dataclass(frozen=True)
class Logs(Stats):
    """Weight, total and total logarithm of positive values."""

    weight: Array  # (k,)
    total: Array  # (k,) sum of w x
    log_total: Array  # (k,) sum of w log x
    power: Array | None = None  # (k,) what a Gamma prior on the rate adds to the rate's power

    def positive(self) -> Array:
        own = np.ones_like(self.weight, bool)
        return np.concatenate([own, own, ~own])

    def valid(self) -> bool:
        """The mean of the logarithms is below the logarithm of the mean."""
        if not (np.all(self.weight > 0) and np.all(self.total > 0)):
            return False
        return bool(np.all(self.log_total / self.weight < np.log(self.total / self.weight)))


def log_column(data: Table) -> Array:
    """(n, 1) or (n, k) logarithms of a column, worked out once for a chunk."""
    return data.once("log", lambda: data.with_(x=safe_log(data.x))).column()


def maximise_gamma(stats: Logs, shape: Slot, rate: Slot, params: Params | None) -> tuple[Array, Array]:
    """Shape (k,) and rate (k,) that maximise sum of w [shape log rate - log gamma(shape) + (shape - 1) log x - rate x].

    `rate` is the slot of what multiplies x, whatever the family calls it.
    """
    power = 0.0 if stats.power is None else stats.power

    def score(values: Array) -> tuple[Array, Array, Array]:
        a, b = values.T
        count, log_b = a * stats.weight + power, np.log(b)
        value = count * log_b - stats.weight * special.gammaln(a) + (a - 1) * stats.log_total - b * stats.total
        slope, bend = np.empty((len(a), 2)), np.empty((len(a), 2, 2))
        slope[:, 0], slope[:, 1] = stats.weight * (log_b - special.psi(a)) + stats.log_total, count / b - stats.total
        bend[:, 0, 0], bend[:, 1, 1] = -stats.weight * special.zeta(2, a), -count / b**2
        bend[:, 0, 1] = bend[:, 1, 0] = stats.weight / b
        return value, slope, bend

    begin = _minka(stats, shape, rate) if params is None else np.stack([params[shape.name], params[rate.name]], 1)
    a, b = maximise_positive([shape, rate], begin, stats.weight, score).T
    fallen = (rate.pool(a * stats.weight + power) <= 0) & (rate.pool(stats.weight) > 0)
    refuse(fallen & loose(rate), stats.weight, f"its prior on {rate.name} grows without bound at 0", TOO_WEAK)
    cure = f"Its values are alike; give the {shape.name} or the {rate.name} a value."
    refuse((a > LARGEST) & loose(shape) & loose(rate), stats.weight, f"its {shape.name} grew without bound", cure)
    return a, b


def _minka(stats: Logs, shape: Slot, rate: Slot) -> Array:
    """(k, 2): a shape within 1.5 percent where shape and rate are free (Minka 2002), and the rate that goes with it."""
    mean = stats.total / stats.weight
    s = np.maximum(np.log(mean) - stats.log_total / stats.weight, 0.1 / LARGEST)
    a = (3 - s + np.sqrt((s - 3) ** 2 + 24 * s)) / (12 * s)
    if rate.known is not None:
        a = np.where(np.isnan(rate.known), a, rate.known * mean)
    a = shape.settle(a)
    return np.stack([a, a / mean], 1)


def expected_gamma(stats: Logs, shape: Array, rate: Array) -> Array:
    """(k,): expected log density of the positive values under gamma distributions."""
    constant = shape * np.log(rate) - special.gammaln(shape)
    return stats.weight * constant + (shape - 1) * stats.log_total - rate * stats.total


def pretend_rate(prior: Family) -> Logs:
    """A Gamma prior on the rate: pretend powers of the rate, and a pretend total."""
    q = prior.known_params()
    nothing = np.zeros_like(q.rate)
    return Logs(nothing, q.rate, nothing, q.shape - 1)
