"""The Dirichlet distribution: shares that sum to one; and the prior of probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from likely.core.data import Table
from likely.core.domains import Positive, Value
from likely.core.newton import Score, climb, maximise_positive
from likely.core.params import Params
from likely.core.setting import Setting
from likely.core.slot import Slot
from likely.core.stats import Stats
from likely.core.support import Support
from likely.errors import DataError, ModelError
from likely.families.limits import LARGEST, loose, refuse
from likely.families.linear import Features, Linear
from likely.numerics import special
from likely.numerics.soft import Array, safe_log

SHARES = Support("numbers above 0 that sum to 1 over the columns", lambda x: (x > 0) & (x < 1), 0.5)
ROUNDING = 1e-9  # how far a row's sum may be from 1


@dataclass(frozen=True)
class LogShares(Stats):
    """Weight, and total logarithm of each share."""

    weight: Array  # (k,)
    log_total: Array  # (k, d)

    def positive(self) -> Array:
        return np.concatenate([np.ones(self.weight.size, bool), np.zeros(self.log_total.size, bool)])

    def valid(self) -> bool:
        """The geometric means sum to less than 1."""
        if not np.all(self.weight > 0):
            return False
        return bool(np.all(np.exp(self.log_total / self.weight[:, None]).sum(1) < 1))


class Dirichlet(Linear):
    """A Dirichlet distribution of d shares; log density sum (alpha_j - 1) log x_j - log B(alpha).

    Parameters
    ----------
    alpha : number, array (d,), Gamma, LogNormal (of each) or shared      powers, plus one; a number is d equal ones

    Raises
    ------
    ModelError      the data, or alpha, has a single column

    Notes
    -----
    log B(alpha) = sum log gamma(alpha_j) - log gamma(sum alpha). Data are rows of d columns above 0 that sum to 1.
    Maximum likelihood is Newton's method with the structure of the Hessian (diagonal plus rank one, so a step costs d;
    Minka 2000, "Estimating a Dirichlet distribution"). A prior on alpha, of each entry by itself, is not conjugate:
    log-likelihood + log prior is climbed numerically, to the mode in alpha. As a prior on probabilities,
    Dirichlet(alpha) counts as alpha - 1 pretend counts of each: 1 says nothing, 2 is "add one".

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Dirichlet(), [[0.2, 0.3, 0.5], [0.3, 0.3, 0.4], [0.1, 0.5, 0.4]]).model
    Dirichlet(alpha=[6.149, 11.568, 13.91])
    >>> lk.Dirichlet([1, 2, 5]).mean
    array([0.125, 0.25 , 0.625])
    """

    alpha: Value = Positive("d", doc="powers of the shares, plus one")

    priors = {"alpha": ("Gamma", "LogNormal")}

    support = SHARES
    record = LogShares
    several_columns = True
    covers = 1

    def own_setting(self, setting: Setting) -> Setting:
        if setting.rows is not None and setting.dims["d"] == 1:
            raise ModelError(
                "Dirichlet describes shares that sum to 1, a column each; the data has 1 column. "
                "For one share in (0, 1), use Beta()."
            )
        return setting

    def log_density(self, params: Params, data: Table) -> Array:
        if data.x.ndim == 3:
            return self.constant(params) + special.xlogy(params.alpha - 1, data.x).sum(2)
        return self.constant(params) + _logs(data) @ (params.alpha - 1).T

    def features(self, data: Table) -> Features:
        logs = _logs(data)
        return {"log_total": logs[:, None] if logs.ndim == 2 else logs}

    def natural(self, params: Params) -> dict[str, Array]:
        return {"log_total": params.alpha - 1}

    def constant(self, params: Params) -> Array:
        return special.gammaln(params.alpha.sum(1)) - special.gammaln(params.alpha).sum(1)

    def m_step(self, stats: LogShares, params: Params | None) -> Params:
        slot = self.slots["alpha"]
        begin = _geometric(stats) if params is None else params.alpha
        if slot.ties:
            alpha = maximise_positive([slot], begin, stats.weight, _score(stats))
        else:
            alpha = _maximise_apart(slot, begin, stats)
        grown = (alpha.sum(1) > LARGEST) & loose(slot).all(1)
        refuse(grown, stats.weight, "its alpha grew without bound", "Its rows are alike; give alpha a value.")
        return Params(alpha=alpha)

    def expected_log_density(self, params: Params, stats: LogShares) -> Array:
        return _value(stats, params.alpha)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        alpha = params.alpha[members]
        if alpha.shape[1] == 1:
            raise ModelError(
                "Dirichlet.alpha is one number, which does not say how many shares; write an array of d numbers."
            )
        # log of a gamma(alpha) draw as that of gamma(alpha + 1) times a power of a uniform: exact for tiny alpha
        logs = np.log(rng.standard_gamma(alpha + 1)) + safe_log(rng.random(alpha.shape)) / alpha
        x = np.exp(logs - logs.max(1, keepdims=True))
        return x / x.sum(1, keepdims=True)

    def outside(self, data: Table) -> Array | None:
        def impossible() -> Array:
            return ~(self.fits(data.x).all(-1) & (np.abs(data.x.sum(-1) - 1) <= ROUNDING))

        wrong = data.once(("outside", Dirichlet), impossible)
        return wrong if wrong.any() else None

    def check_rows(self, setting: Setting) -> None:
        rows = self.own_setting(setting).rows
        if rows is None:
            return
        total = rows.x.sum(-1)
        wrong = np.flatnonzero(np.abs(total - 1) > ROUNDING)
        if len(wrong):
            row, value = int(wrong[0]) + 1, float(total[wrong[0]])
            raise DataError(
                f"row {row} sums to {value:.6g}; Dirichlet needs rows that sum to 1. Divide each row by its sum.",
                row=row, value=value,
            )  # fmt: skip

    def example(self, d: int) -> Array:
        return np.full(d, 1 / d)

    @property
    def mean(self) -> Value:
        """Mean of each share."""
        self._require_filled()
        alpha = np.atleast_1d(self.alpha)
        return alpha / alpha.sum(-1, keepdims=True)

    @property
    def variance(self) -> Value:
        """Mean squared deviation of each share."""
        mean, total = self.mean, np.sum(np.atleast_1d(self.alpha), -1, keepdims=True)
        return mean * (1 - mean) / (total + 1)


def _logs(data: Table) -> Array:
    return data.once("log", lambda: data.with_(x=np.log(data.x))).x


def _value(stats: LogShares, alpha: Array) -> Array:
    constant = special.gammaln(alpha.sum(1)) - special.gammaln(alpha).sum(1)
    return stats.weight * constant + ((alpha - 1) * stats.log_total).sum(1)


def _slope(stats: LogShares, alpha: Array) -> Array:
    return stats.weight[:, None] * (special.psi(alpha.sum(1, keepdims=True)) - special.psi(alpha)) + stats.log_total


def _score(stats: LogShares) -> Score:
    def score(alpha: Array) -> tuple[Array, Array, Array]:
        d, w = alpha.shape[1], stats.weight[:, None, None]
        common = special.zeta(2, alpha.sum(1))[:, None, None]
        return _value(stats, alpha), _slope(stats, alpha), w * (common - special.zeta(2, alpha)[:, :, None] * np.eye(d))

    return score


def _maximise_apart(slot: Slot, begin: Array, stats: LogShares) -> Array:
    """Newton for members of their own: the Hessian -w diag(psi'(alpha)) + w psi'(sum alpha) 11' is solved in d steps.

    The step is taken in logarithms, which keeps alpha above 0.
    """
    unit = LogShares(
        np.ones_like(stats.weight), stats.log_total / np.where(stats.weight > 0, stats.weight, 1.0)[:, None]
    )
    live = loose(slot) & (stats.weight > 0)[:, None]
    fixed = slot.settle(np.ones_like(begin))

    def values(u: Array) -> Array:
        return np.where(live, np.exp(u), fixed)

    def look(u: Array) -> tuple[Array, Array, Array]:
        alpha = values(u)
        slope = np.where(live, _slope(unit, alpha), 0.0)
        inverse = np.where(live, 1 / special.zeta(2, alpha), 0.0)
        common = special.zeta(2, alpha.sum(1, keepdims=True))
        push = common * (slope * inverse).sum(1, keepdims=True) / (1 - common * inverse.sum(1, keepdims=True))
        return _value(unit, alpha), alpha * slope, inverse * (slope + push) / alpha

    begin = np.where(live, begin, 1.0)
    return np.where(live, values(climb(np.log(begin), look)), slot.settle(np.full_like(begin, np.nan)))


def _geometric(stats: LogShares) -> Array:
    """(k, d): a start from the geometric means, exact for large alpha."""
    mean = np.exp(stats.log_total / stats.weight[:, None])
    d = mean.shape[1]
    return 0.5 + (d - 1) * mean / (2 * np.maximum(1 - mean.sum(1, keepdims=True), 0.1 / LARGEST))
