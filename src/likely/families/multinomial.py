"""The multinomial distribution: how a number of trials falls into categories."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.data import Table
from likely.core.domains import Simplex, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.setting import Setting
from likely.core.stats import Counts
from likely.core.support import COUNTS
from likely.core.written import free
from likely.errors import DataError, ModelError
from likely.families.counts import pretend_shares, shares_of, whole_trials
from likely.families.linear import Features, Linear
from likely.numerics import special
from likely.numerics.soft import Array, safe_log


class Multinomial(Linear):
    """Counts of d categories, a column each; log probability log(n! / prod x_j!) + sum x_j log p_j, n the row's total.

    Parameters
    ----------
    p : array (d,), Dirichlet or shared      probability of each column's category
    trials : int, optional                   total of every row; draws need it, estimates do not: each row has its own

    Raises
    ------
    ModelError      trials is not a whole number from 1

    Notes
    -----
    Maximum likelihood is each column's share of all counts. A Dirichlet(alpha) prior counts as alpha - 1 pretend counts
    (alpha = 2 is Laplace's "add one"): the estimate is the mode of p.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Multinomial(), [[3, 1, 0], [2, 2, 2]]).model
    Multinomial(p=[0.5, 0.3, 0.2])
    >>> lk.Multinomial([0.5, 0.5], trials=10).sample(2, seed=1).sum(1)
    array([10., 10.])
    """

    p: Value = Simplex("d", doc="probability of each column's category")
    trials: int | None

    support = COUNTS
    priors = {"p": ("Dirichlet",)}
    several_columns = True

    def __init__(self, p: Value = free, *, trials: int | None = None, **unknown: Any):
        self.__dict__["trials"] = whole_trials("Multinomial", trials)
        self._fill(p=p, **unknown)

    def arguments(self) -> list[str]:
        return [] if self.trials is None else [f"trials={self.trials}"]

    def log_density(self, params: Params, data: Table) -> Array:
        zero = np.asarray(params.p == 0)
        out = _product(data.x, safe_log(np.where(zero, 1.0, params.p))) + _log_orders(data)
        return np.where(_product(data.x, zero.astype(float)) > 0, -np.inf, out) if zero.any() else out

    def features(self, data: Table) -> Features:
        return {"total": data.x[:, None] if data.x.ndim == 2 else data.x, "base": _log_orders(data)}

    def natural(self, params: Params) -> dict[str, Array]:
        return {"total": safe_log(params.p)}

    def constant(self, params: Params) -> Array:
        return np.zeros(len(params.p))

    def recorded(self, weight: Array, totals: dict[str, Array]) -> Counts:
        return Counts(totals["total"].sum(1), **totals)

    def m_step(self, stats: Counts, params: Params | None) -> Params:
        return Params(p=shares_of(self.slots["p"], stats))

    def expected_log_density(self, params: Params, stats: Counts) -> Array:
        out = special.xlogy(stats.total, params.p).sum(1)
        return out if stats.base is None else out + stats.base

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        if self.trials is None:
            raise ModelError(
                f"{type(self).__name__} does not say how many trials a row has, which a draw needs; write "
                "Multinomial(..., trials=10)."
            )
        p = params.p[members]
        return rng.multinomial(self.trials, p / p.sum(1, keepdims=True)).astype(float)

    def pretend(self, name: str, prior: Family) -> Counts:
        return pretend_shares(prior)

    def outside(self, data: Table) -> Array | None:
        def impossible() -> Array:
            possible = COUNTS.contains(data.x).all(-1)
            return np.logical_not(possible if self.trials is None else possible & (data.x.sum(-1) == self.trials))

        wrong = data.once(("outside", Multinomial, self.trials), impossible)
        return wrong if wrong.any() else None

    def check_rows(self, setting: Setting) -> None:
        if self.trials is None or setting.rows is None:
            return
        total = setting.rows.x.sum(-1)
        wrong = np.flatnonzero(np.isfinite(total) & (total != self.trials))
        if len(wrong):
            row, value = int(wrong[0]) + 1, float(total[wrong[0]])
            raise DataError(
                f"row {row} sums to {value:.6g}; Multinomial(trials={self.trials}) needs rows that sum to "
                f"{self.trials}. Correct the row, or leave trials out: then each row has its own total.",
                row=row, value=value,
            )  # fmt: skip


def _product(x: Array, table: Array) -> Array:
    """(n, k): sum over columns of x times a table (k, d)."""
    return x @ table.T if x.ndim == 2 else np.einsum("nkd,kd->nk", x, table)


def _log_orders(data: Table) -> Array:
    """(n, 1) or (n, k): in how many orders a row's counts can have come about, in nats."""

    def orders() -> Array:
        out = special.gammaln(data.x.sum(-1) + 1) - special.gammaln(data.x + 1).sum(-1)
        return out[:, None] if out.ndim == 1 else out

    return data.once("log orders", orders)
