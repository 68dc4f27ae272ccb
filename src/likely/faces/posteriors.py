"""Posterior = prior + data, for a probability, a rate or a mean under its conjugate prior."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from likely.core.family import Family
from likely.faces.entries import bound_family
from likely.faces.places import place_words
from likely.faces.style import FAINT, INK, colour, dress, explain, minus
from likely.faces.words import plural
from likely.families.bernoulli import Bernoulli
from likely.families.beta import Beta
from likely.families.binomial import Binomial
from likely.families.exponential import Exponential
from likely.families.gamma import Gamma
from likely.families.geometric import Geometric
from likely.families.normal import Normal
from likely.families.poisson import Poisson
from likely.numerics.soft import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from likely.workflows.result import Fit

POINTS = 1001
TAIL = 2e-4  # of a distribution beyond each side of the picture
PRIOR_WIDTHS = 4  # of posterior and likelihood together: a prior that is wider than that is cut off
HIGHEST = 1.35  # times the posterior's peak: a prior's pole is cut off there
DIGITS = 4


@dataclass(frozen=True)
class Data:
    """What the data says: n rows by weight, their total, and that of the covariate, where there is one."""

    n: float
    total: float
    given: float = 0.0


@dataclass(frozen=True)
class Conjugate:
    """A family whose prior and posterior are of one kind."""

    slot: str
    prior: type[Family]
    likelihood: Callable[[Any, Data], Family | None]  # as a density of the number; None where it has no area
    posterior: Callable[[Any, Any, Data], Family]  # of the family, the prior, the data


def _proportion(successes: float, failures: float) -> Beta:
    return Beta(successes + 1, failures + 1)


def _more(prior: Beta, successes: float, failures: float) -> Beta:
    return Beta(prior.a + successes, prior.b + failures)


def _rate(events: float, exposure: float) -> Gamma | None:
    return Gamma(events + 1, exposure) if exposure > 0 else None


def _longer(prior: Gamma, events: float, exposure: float) -> Gamma:
    return Gamma(prior.shape + events, prior.rate + exposure)


def _weighed(prior: Normal, variance: float, d: Data) -> Normal:
    precision = 1 / prior.variance + d.n / variance
    return Normal((prior.mean / prior.variance + d.total / variance) / precision, 1 / precision)


def _trials(f: Binomial, d: Data) -> float:
    return d.given if f.trials is None else d.n * f.trials


CONJUGATE: dict[type[Family], Conjugate] = {
    Bernoulli: Conjugate("p", Beta, lambda _, d: _proportion(d.total, d.n - d.total),
                         lambda _, q, d: _more(q, d.total, d.n - d.total)),
    Binomial: Conjugate("p", Beta, lambda f, d: _proportion(d.total, _trials(f, d) - d.total),
                        lambda f, q, d: _more(q, d.total, _trials(f, d) - d.total)),
    Geometric: Conjugate("p", Beta, lambda _, d: _proportion(d.n, d.total), lambda _, q, d: _more(q, d.n, d.total)),
    Poisson: Conjugate("rate", Gamma, lambda _, d: _rate(d.total, d.n), lambda _, q, d: _longer(q, d.total, d.n)),
    Exponential: Conjugate("rate", Gamma, lambda _, d: _rate(d.n, d.total), lambda _, q, d: _longer(q, d.n, d.total)),
    Normal: Conjugate("mean", Normal, lambda f, d: Normal(d.total / d.n, f.variance / d.n),
                      lambda f, q, d: _weighed(q, f.variance, d)),
}  # fmt: skip


def no_posterior(fit: Fit) -> str:
    """Why there is no such picture; "" where there is."""
    kind = CONJUGATE.get(type(fit.family))
    if kind is None:
        return (
            "it draws one number under its conjugate prior (Bernoulli, Binomial or Geometric with a Beta, Poisson or "
            f"Exponential with a Gamma, Normal(mean=Normal(...), variance=...)), and this is {fit.family!r}"
        )
    others = [s for s in bound_family(fit).slots.values() if s.name != kind.slot and not s.fixed]
    if not isinstance(getattr(fit.family, kind.slot), kind.prior):
        return f"{kind.slot} has no {kind.prior.__name__} prior"
    return f"{others[0].name} is estimated, and it draws one number with the others known" if others else ""


def draw_posterior(fit: Fit, ax: Axes) -> None:
    """Densities of one number: the prior, the likelihood (scaled to area 1), the posterior, and its mode, the MAP."""
    assert fit.data is not None
    kind, rows = CONJUGATE[type(fit.family)], fit.data.rows
    weights = np.asarray(rows.weight_column())[:, 0]
    given = 0.0 if rows.given is None else float(weights @ rows.given[:, 0])
    d = Data(float(weights.sum()), float(weights @ rows.x[:, 0]), given)
    prior = getattr(fit.family, kind.slot)
    likelihood, posterior = kind.likelihood(fit.model, d), kind.posterior(fit.model, prior, d)
    at = _grid(prior, [q for q in (likelihood, posterior) if q is not None])
    ax.plot(at, _density(prior, at), color=colour(1), lw=1.5, label=f"prior {_words(prior)}")
    if likelihood is not None:
        label = f"likelihood of {plural(d.n, 'row')}, scaled to area 1"
        ax.plot(at, _density(likelihood, at), color=colour(2), lw=1.5, ls=(0, (5, 2)), label=label)
    density = _density(posterior, at)
    ax.fill_between(at, density, facecolor=colour(0), alpha=0.22, lw=0)
    ax.plot(at, density, color=colour(0), lw=2.0, label=f"posterior {_words(posterior)}")
    found = float(getattr(fit.model, kind.slot))
    peak = float(_density(posterior, np.array([found]))[0])
    ax.plot([found, found], [0, peak], color=INK, lw=1.1, label=f"mode: MAP estimate {minus(f'{found:.{DIGITS}g}')}")
    ax.plot(found, peak, "o", ms=5, color=INK)
    seen = [c.get_ydata() for c in ax.lines[: 2 + (likelihood is not None)]]
    tops = [float(np.max(y[np.isfinite(y)])) for y in map(np.asarray, seen)]
    ax.set_ylim(0, 1.06 * min(max(tops), HIGHEST * max(tops[1:])))
    ax.set_xlim(at[0], at[-1])
    ax.axhline(0, color=FAINT, lw=0.8, zorder=0)
    dress(ax, "Posterior = prior + data", place_words(fit, kind.slot), "density")
    explain(ax)


def _words(q: Family) -> str:
    values = ", ".join(minus(f"{float(getattr(q, name)):.{DIGITS}g}") for name in q.domains)
    return f"{type(q).__name__}({values})"


def _density(q: Family, at: Array) -> Array:
    """(g,): also at the ends of the support, where it is the limit."""
    low, high = np.clip(q.quantile([0.0, 1.0]), -np.finfo(float).max, np.finfo(float).max)
    hair = 1e-12 * (at[-1] - at[0] or 1.0)
    return np.exp(q.log_prob(np.clip(at, low + hair, high - hair)))


def _grid(prior: Family, others: list[Family]) -> Array:
    """Where data and posterior are, and of the prior as much as leaves them visible."""
    ends = np.array([q.quantile([TAIL, 1 - TAIL]) for q in others])
    low, high = ends[:, 0].min(), ends[:, 1].max()
    room = PRIOR_WIDTHS / 2 * (high - low)
    first, last = prior.quantile([TAIL, 1 - TAIL])
    low, high = min(low, max(first, low - room)), max(high, min(last, high + room))
    if low > 0 and prior.quantile(0.0) == 0 and low < 0.15 * (high - low):
        low = 0.0
    if prior.quantile(1.0) == 1 and 1 - high < 0.15 * (high - low):
        high = 1.0
    return np.linspace(low, high, POINTS)
