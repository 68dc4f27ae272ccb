"""Confidence intervals: Wald, by profile likelihood, exact, or by the bootstrap."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from likely.core.data import present
from likely.core.family import Family
from likely.core.numbers import Numbers, numbers
from likely.core.setting import Setting
from likely.engines.local import Local, width_of
from likely.errors import DataError, ModelError
from likely.faces.grid import Grid
from likely.faces.words import aligned, together
from likely.numerics import special
from likely.numerics.soft import Array
from likely.workflows.profile import no_profile, profiles
from likely.workflows.scales import check_level, interval

if TYPE_CHECKING:
    from likely.workflows.result import Fit


@dataclass(frozen=True)
class Intervals:
    """Confidence intervals of the numbers of a fit; `intervals["mean"]` is one, as (low, high).

    Attributes
    ----------
    method : str               "wald", "profile", "exact" or "bootstrap"
    level : float              coverage
    names : tuple of str       of the p numbers, as one writes them behind `fit.model.`
    values : array (p,)        the estimates
    low, high : array (p,)     the ends; NaN where there is no interval, infinite where the data set no limit
    why : dict                 by name: why a number has no interval, or an open one
    """

    method: str
    level: float
    names: tuple[str, ...]
    values: Array
    low: Array
    high: Array
    why: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> tuple[float, float]:
        if name not in self.names:
            raise KeyError(name)
        i = self.names.index(name)
        return float(self.low[i]), float(self.high[i])

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def keys(self) -> tuple[str, ...]:
        """The names, so that `dict(intervals)` works."""
        return self.names

    def __str__(self) -> str:
        return "\n".join([self._title(), str(self._grid()), *together(self.why)])

    def _repr_html_(self) -> str:
        return f"<p>{self._title()}</p>{self._grid().html()}" + "".join(f"<p>{w}</p>" for w in together(self.why))

    def _title(self) -> str:
        return f"{100 * self.level:g} % intervals ({WORDS[self.method]})"

    def _grid(self) -> Grid:
        columns = (self.values.tolist(), self.low.tolist(), self.high.tolist())
        rows = [(name, *_shown(row)) for name, row in zip(self.names, zip(*columns, strict=True), strict=True)]
        return Grid(("", "estimate", "low", "high"), tuple(rows))


WORDS = {
    "wald": "Wald, on the scale on which each number is unbounded",
    "profile": "profile likelihood",
    "exact": "exact",
    "bootstrap": "percentiles of 1,000 refits to rows drawn again",
}


def _shown(row: Sequence[float]) -> list[str]:
    if np.isnan(row).any():
        return [f"{row[0]:.4g}", "none", "none"]
    return aligned(row)


def conf_int(fit: Fit, level: float, method: str, names: str | Sequence[str] | None) -> Intervals:
    """See `Fit.conf_int`."""
    check_level(level)
    if method not in WORDS:
        raise ModelError(f"method={method!r}; intervals are 'wald', 'profile', 'exact' or 'bootstrap'.")
    if method == "exact":
        found, ends, why = _exact(fit, level)
        chosen = _chosen(found, names)
    elif method == "bootstrap":
        boot = fit.bootstrap()
        found, ends, why = _found(fit), boot.conf_int(level), {}
        chosen = _chosen(found, names)
    elif method == "wald":
        found, errors = fit.uncertainty.numbers, fit.standard_errors()
        chosen, why = _chosen(found, names), errors.why
        ends = interval(found.values, errors.errors, found.ranges, level)
    else:
        found = fit.uncertainty.numbers
        chosen, ends = _chosen(found, names), np.full((len(found.names), 2), np.nan)
        why = {found.names[i]: reason for i in chosen if (reason := no_profile(fit.uncertainty, i))}
        can = [i for i in chosen if found.names[i] not in why]
        for i, one in zip(can, profiles(fit, [found.names[i] for i in can], 0, level), strict=True):
            ends[i] = one.low, one.high
            why |= {one.name: one.why} if one.why else {}
    told = [found.names[i] for i in chosen]
    low, high = ends[chosen].T
    return Intervals(method, level, tuple(told), found.values[chosen], low, high, {n: why[n] for n in told if n in why})


def _found(fit: Fit) -> Numbers:
    """The numbers of a fit, without derivatives."""
    setting = Setting.of(present(fit.training("an interval")))
    return numbers(fit.family.bind((), setting), fit.model.bind((), setting).known_params())


def _chosen(found: Numbers, names: str | Sequence[str] | None) -> list[int]:
    if names is None:
        return list(range(len(found.names)))
    return [found.index(name) for name in ([names] if isinstance(names, str) else names)]


Exact = Callable[[Any, Array, Family], Array]  # from statistics, and the two tails, to (p, 2)


def _trials(stats: Any, tails: Array, _: Family) -> Array:
    """Clopper & Pearson (1934)."""
    s, f = float(stats.successes[0]), float(stats.failures[0])
    low = special.betaincinv(s, f + 1, tails[0]) if s > 0 else 0.0
    high = special.betaincinv(s + 1, f, tails[1]) if f > 0 else 1.0
    return np.array([[low, high]])


def _poisson(stats: Any, tails: Array, _: Family) -> Array:
    """Garwood (1936)."""
    total, rows = float(stats.total[0]), float(stats.weight[0])
    low = special.gammaincinv(total, tails[0]) if total > 0 else 0.0
    return np.array([[low, special.gammaincinv(total + 1, tails[1])]]) / rows


def _exponential(stats: Any, tails: Array, _: Family) -> Array:
    """2 rate * total is chi-square with 2 n degrees of freedom."""
    return special.gammaincinv(float(stats.weight[0]), tails)[None] / float(stats.total[0])


def _normal(stats: Any, tails: Array, family: Family) -> Array:
    """Student's t for the mean, chi-square for the variance; one degree of freedom more where the other is known."""
    mean, variance = family.slots["mean"], family.slots["variance"]
    n, squares, out = float(stats.weight[0]), float(stats.scatter[0, 0, 0]), []
    if mean.known is not None:
        squares, df = float(stats.about(mean.known[:, None])[0, 0, 0]), n
    else:
        df = n - 1
        if variance.known is not None:
            reach = special.ndtri(tails) * np.sqrt(float(variance.known[0]) / n)
        else:
            reach = special.stdtrit(df, tails) * np.sqrt(squares / df / n)
        out.append(float(stats.mean[0, 0]) + reach)
    if variance.known is None:
        out.append(squares / (2 * special.gammaincinv(df / 2, tails[::-1])))
    return np.array(out)


EXACT: dict[str, Exact] = {
    "Bernoulli": _trials, "Binomial": _trials, "Poisson": _poisson, "Exponential": _exponential, "Normal": _normal
}  # fmt: skip


def _exact(fit: Fit, level: float) -> tuple[Numbers, Array, dict[str, str]]:
    kind = type(fit.family).__name__
    if kind not in EXACT:
        raise ModelError(
            f"method='exact': there is no exact interval for {kind}; there are those of {', '.join(EXACT)}. "
            "Use method='profile'."
        )
    data = present(fit.training("an exact interval"))
    family = fit.family.bind((), Setting.of(data))
    for name, slot in family.slots.items():
        if slot.prior is not None and type(slot.prior).__name__ != "Unbiased":
            raise ModelError(
                f"method='exact': {name} has a prior, and exact intervals are those of maximum likelihood. "
                "Use method='profile'."
            )
    weights = np.asarray(data.weight_column())[:, 0]
    if (weights != np.floor(weights)).any():
        row = int((weights != np.floor(weights)).argmax())
        raise DataError(
            f"the weight of row {row + 1} is {weights[row]:.6g}; an exact interval needs weights that are whole "
            "numbers, which say how often each row occurred. Use method='profile'.",
            row=row + 1, value=float(weights[row]),
        )  # fmt: skip
    found = _found(fit)
    if not found.names:
        raise ModelError(f"nothing is estimated in {fit.family!r}, so there are no intervals.")
    with Local(data, width_of(family)) as engine:
        stats = engine.summarise(family)
    return found, EXACT[kind](stats, np.array([(1 - level) / 2, (1 + level) / 2]), family), {}
