"""The binomial distribution: successes among a number of trials."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.data import Table
from likely.core.domains import Unit, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.setting import Setting
from likely.core.support import COUNTS, counts_up_to
from likely.core.written import free
from likely.errors import DataError, ModelError
from likely.families.counts import (
    Trials,
    expected_trials,
    log_failure,
    pretend_trials,
    smallest_count,
    success_share,
    times,
    whole_trials,
)
from likely.families.linear import Features, Linear
from likely.numerics import special
from likely.numerics.soft import Array, safe_log


class Binomial(Linear):
    """Successes among a number of trials; log probability log C(trials, x) + x log p + (trials - x) log(1 - p).

    Parameters
    ----------
    trials : int, optional                 trials of every row; left out, they are the column named by given=...
    p : number, array, Beta or shared      probability of success in each trial

    Raises
    ------
    ModelError      trials is not a whole number from 1, or several columns were given for it

    Notes
    -----
    Maximum likelihood is successes / trials, summed over rows. A Beta(a, b) prior counts as a - 1 pretend successes and
    b - 1 pretend failures: the estimate is the mode of p. The number of trials is never estimated: that likelihood is
    unstable wherever the variance comes near the mean.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.Binomial(10), [3, 5, 4]).model
    Binomial(10, p=0.4)
    >>> lk.fit(lk.Binomial(), [3, 5, 4], given=[10, 10, 20]).model
    Binomial(p=0.3)
    """

    trials: int | None
    p: Value = Unit(doc="probability of success in each trial")

    support = COUNTS
    priors = {"p": ("Beta",)}

    def __init__(self, trials: int | None = None, p: Value = free, **unknown: Any):
        self.__dict__["trials"] = whole_trials("Binomial", trials)
        self._fill(p=p, **unknown)

    @property
    def uses_given(self) -> bool:
        return self.trials is None

    def arguments(self) -> list[str]:
        return [] if self.trials is None else [repr(self.trials)]

    def own_setting(self, setting: Setting) -> Setting:
        if self.uses_given and setting.dims.get("p", 0) > 1:
            raise ModelError(
                f"{self!r} reads its number of trials from one column; given has {setting.dims['p']}. "
                "Name one column with given=..."
            )
        return setting

    def log_density(self, params: Params, data: Table) -> Array:
        x, rest = data.column(), self._failures(data)
        return times(x, safe_log(params.p)) + times(rest, log_failure(params.p)) + self._log_choose(data)

    def features(self, data: Table) -> Features:
        return {"successes": data.column(), "failures": self._failures(data), "base": self._log_choose(data)}

    def natural(self, params: Params) -> dict[str, Array]:
        return {"successes": safe_log(params.p), "failures": log_failure(params.p)}

    def constant(self, params: Params) -> Array:
        return np.zeros_like(params.p)

    def recorded(self, weight: Array, totals: dict[str, Array]) -> Trials:
        return Trials(**totals)

    def m_step(self, stats: Trials, params: Params | None) -> Params:
        return Params(p=success_share(self.slots["p"], stats))

    def expected_log_density(self, params: Params, stats: Trials) -> Array:
        return expected_trials(params.p, stats)

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        n = np.broadcast_to(self._trials(data), (len(members), 1))[:, 0]
        return rng.binomial(n.astype(np.int64), params.p[members]).astype(float)[:, None]

    def pretend(self, name: str, prior: Family) -> Trials:
        return pretend_trials(prior)

    # -- the number of trials ---------------------------------------------------------------------------------------
    def _trials(self, data: Table) -> Array:
        """(n, 1), or (1, 1) where all rows have the same; 0 where the column says what cannot be."""
        if self.trials is not None:
            return np.full((1, 1), float(self.trials))
        n = self._given(data)
        return data.once("trials", lambda: np.where(COUNTS.contains(n), n, 0.0))

    def _given(self, data: Table) -> Array:
        """(n, 1): the column of trials as it stands."""
        if data.given is None:
            raise DataError(
                f"{self!r} reads the number of trials of each row from given=..., which is missing here. "
                "Give it, or write one number for all rows, as in Binomial(10)."
            )
        return data.given[:, :1]

    def _failures(self, data: Table) -> Array:
        return data.once(("failures", self.trials), lambda: self._trials(data) - data.column())

    def _log_choose(self, data: Table) -> Array:
        """`log C(n, x)`; the beta function keeps the digits that a difference of log factorials loses."""
        x, n = data.column(), self._trials(data)
        return data.once(("log choose", self.trials), lambda: -np.log1p(n) - special.betaln(n - x + 1, x + 1))

    def fits(self, x: Array) -> Array:
        possible = COUNTS.contains(x)
        return possible if self.trials is None else possible & (x <= self.trials)

    def needs(self, column: int) -> str:
        return COUNTS.words if self.trials is None else counts_up_to(self.trials).words

    def outside(self, data: Table) -> Array | None:
        if self.trials is not None:
            return super().outside(data)

        def beyond() -> Array:
            x, n = data.column(), self._trials(data)
            wrong = ~(COUNTS.contains(x) & (x <= n) & (n == self._given(data)))
            return wrong if data.x.ndim == 3 else wrong[:, 0]

        wrong = data.once(("outside", Binomial, "by row"), beyond)
        return wrong if wrong.any() else None

    def check_rows(self, setting: Setting) -> None:
        rows = setting.rows
        if self.trials is not None or rows is None or rows.given is None:
            return
        x, n = rows.column(), rows.given[:, :1]
        source = rows.given_names[0] if rows.given_names else "given"
        if len(wrong := np.flatnonzero(~COUNTS.contains(n))):
            row, value = int(wrong[0]), float(n[wrong[0], 0])
            raise DataError(
                f"column '{source}' row {row + 1} is {value:.6g}; Binomial reads its number of trials there and needs "
                f"{COUNTS.words} Correct the row, or drop it.",
                column=source, row=row + 1, value=value,
            )  # fmt: skip
        if (beyond := x > n).any():
            row, j = (int(i) for i in np.argwhere(beyond)[0])
            value, name = float(x[row, j]), rows.name(j)
            raise DataError(
                f"column '{name}' row {row + 1} is {value:.6g}, but column '{source}' says {n[row, 0]:.6g} trials; "
                "Binomial needs at most as many successes. Correct the row, or drop it.",
                column=name, row=row + 1, value=value,
            )  # fmt: skip

    # -- questions --------------------------------------------------------------------------------------------------
    @property
    def mean(self) -> Value:
        """Expected number of successes, trials p."""
        self._require_filled()
        return self._fixed_trials() * self.p

    @property
    def variance(self) -> Value:
        """Trials p (1 - p)."""
        self._require_filled()
        return self._fixed_trials() * self.p * (1 - self.p)

    def _fixed_trials(self) -> int:
        if self.trials is None:
            raise ModelError(
                f"{self!r} has its number of trials row by row in given=...; write it, as in Binomial(10), to ask for "
                "moments or quantiles."
            )
        return self.trials

    def cumulative(self, params: Params, data: Table) -> Array:
        return _cumulative(data.column(), float(self._fixed_trials()), params.p)

    def inverse(self, params: Params, q: Array) -> Array:
        n = float(self._fixed_trials())
        return smallest_count(q, lambda x: _cumulative(x, n, params.p), np.where(params.p > 0, n, 0.0))


def _cumulative(x: Array, n: float, p: Array) -> Array:
    x = np.floor(x)
    inside = np.clip(x, 0, n - 1)
    return np.where(x < 0, 0.0, np.where(x >= n, 1.0, special.betaincc(inside + 1, n - inside, p)))
