"""Student's t distribution of one column: normal in the middle, heavy in the tails."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from likely.core.data import Table
from likely.core.domains import Positive, Real, Value
from likely.core.family import Family
from likely.core.params import Params
from likely.core.slot import Slot
from likely.families.held import Held, Holding
from likely.families.limits import loose
from likely.families.location_scale import Totals, begun, log_priors, maximise_location_scale, quantile_start
from likely.numerics import special
from likely.numerics.soft import Array, safe_log

LOG_2PI = math.log(2 * math.pi)
LEAST, MOST = 0.1, 1000.0  # degrees of freedom that are searched; the next candidate is infinity
SERIES = 200.0  # degrees of freedom from which Stirling's series is exact
FIRST = ((8.0, 0.25), (1.0, 0.25), (0.3, 0.45))  # degrees of freedom to begin with, and tails left out of the spread


class StudentT(Holding):
    """Student's t distribution; log density log c(dof) - (dof + 1) / 2 log(1 + z^2 / dof) - log(scale).

    Here z = (x - location) / scale, and c(dof) = gamma((dof + 1) / 2) / [gamma(dof / 2) sqrt(pi dof)].

    Parameters
    ----------
    location : number, array, Normal or shared              the centre, in the data's units
    scale : number, array, InverseGamma, Gamma or shared    in the data's units; not the standard deviation, which is
        scale * sqrt(dof / (dof - 2))
    dof : number, array, Gamma or shared                    degrees of freedom: the smaller, the heavier the tails;
        infinity is the normal distribution

    Raises
    ------
    FitError      more values are alike than heavy tails can bear: the scale falls to zero

    Notes
    -----
    No few sums suffice, so its statistics are the rows themselves: a fit holds n (k + 1) numbers for k components.
    Maximum likelihood is Newton's method in the location, log scale and log dof together. There may be several maxima,
    mostly with dof below 1: of climbs from the median that begin with light, heavy and very heavy tails the highest is
    taken (in a mixture at the start).

    Estimates of dof lie from 0.1 to 1000, or are infinity where the normal distribution fits better than any of these;
    infinity is a boundary. The likelihood grows without bound at a value that s of n rows share once dof is below
    s / (n - s) (Fernandez & Steel 1999), hence the lower end. Under a prior dof stays finite. Priors are on the
    location, the scale and dof themselves: the estimate is the mode in these.

    Examples
    --------
    >>> import likely as lk
    >>> lk.fit(lk.StudentT(dof=3), [1.0, 2.0, 3.0, 4.0, 50.0]).model
    StudentT(location=2.612, scale=2.416, dof=3.0)
    >>> lk.StudentT(0, 1, dof=1).cdf(1)
    array([0.75])
    """

    location: Value = Real(doc="centre, in the data's units")
    scale: Value = Positive(doc="in the data's units")
    dof: Value = Positive(doc="degrees of freedom; infinity is the normal distribution", infinite=True)

    priors = {"location": ("Normal",), "scale": ("InverseGamma", "Gamma"), "dof": ("Gamma",)}

    def log_density(self, params: Params, data: Table) -> Array:
        z = (data.column() - params.location) / params.scale
        return _log_constant(params.dof) - np.log(params.scale) - _log_tail(z, params.dof)

    def m_step(self, stats: Held, params: Params | None) -> Params:
        slots = [self.slots[name] for name in self.domains]
        if params is None:
            begin = begun(stats, lambda some: _first_climbs(some, slots))
        else:
            begin = np.stack([params.location, params.scale, params.dof], 1)
        found = _climb(stats, slots, begin)
        return Params(**dict(zip(self.domains, found.T, strict=True)))

    def draw(self, params: Params, members: Array, data: Table, rng: np.random.Generator) -> Array:
        dof = params.dof[members]
        finite = np.where(np.isinf(dof), 1.0, dof)
        stretch = np.where(np.isinf(dof), 1.0, np.sqrt(finite / rng.chisquare(finite)))
        z = rng.standard_normal(len(members)) * stretch
        return (params.location[members] + params.scale[members] * z)[:, None]

    def pretend(self, name: str, prior: Family) -> None:
        """The M-step deals with priors itself."""

    @property
    def mean(self) -> Value:
        """Mean, in the data's units; NaN where dof is 1 or below: there is none."""
        self._require_filled()
        dof = np.asarray(self.dof)
        return _plain(np.where(dof > 1, self.location, np.nan))

    @property
    def variance(self) -> Value:
        """Mean squared deviation, in the data's units squared; infinity for dof up to 2, NaN where there is no mean."""
        self._require_filled()
        dof = np.asarray(self.dof)
        finite = np.where(np.isinf(dof) | (dof <= 2), 3.0, dof)
        factor = np.where(np.isinf(dof), 1.0, np.where(dof > 2, finite / (finite - 2), np.inf))
        return _plain(np.where(dof > 1, np.square(self.scale) * factor, np.nan))

    def cumulative(self, params: Params, data: Table) -> Array:
        return self._below(params, (data.column() - params.location) / params.scale)

    def log_tails(self, params: Params, data: Table) -> tuple[Array, Array]:
        z = (data.column() - params.location) / params.scale
        return safe_log(self._below(params, z)), safe_log(self._below(params, -z))

    def _below(self, params: Params, z: Array) -> Array:
        return np.where(np.isinf(params.dof), special.ndtr(z), special.stdtr(_finite(params.dof), z))

    def inverse(self, params: Params, q: Array) -> Array:
        z = np.where(np.isinf(params.dof), special.ndtri(q), special.stdtrit(_finite(params.dof), q))
        z = np.where(q <= 0, -np.inf, np.where(q >= 1, np.inf, z))
        return params.location + params.scale * z


def _plain(value: Array) -> Value:
    return float(value) if value.ndim == 0 else value


def _first_climbs(stats: Held, slots: Sequence[Slot]) -> Array:
    """(k, 3): the highest of several climbs; heavy tails and light ones may lead to different maxima."""
    best = None
    for dof, tail in FIRST if loose(slots[2]).any() else FIRST[:1]:
        shape = slots[2].settle(np.full(slots[2].k, dof))
        width = 2 * np.where(np.isinf(shape), special.ndtri(1 - tail), special.stdtrit(_finite(shape), 1 - tail))
        found = _climb(stats, slots, np.column_stack([quantile_start(stats, slots, width, tail), shape]))
        best = found if best is None else _higher(stats, slots, best, found)
    assert best is not None
    return best


def _climb(stats: Held, slots: Sequence[Slot], begin: Array) -> Array:
    """(k, 3): the nearest maximum, with dof at infinity where that is better than all that is searched."""
    dof = slots[2]
    found = maximise_location_scale(stats, slots, begin, _law, (LEAST, MOST))
    normal = loose(dof) & ((found[:, 2] >= MOST) | np.isinf(begin[:, 2]))
    if dof.prior is not None or not normal.any():
        return found
    known = np.full(dof.k, np.nan) if dof.known is None else dof.known
    # Where all else is known too there is nothing to climb, only to compare.
    at_infinity = replace(dof, known=np.where(dof.pool(normal.astype(float)) > 0, np.inf, known))
    start = np.where(np.isinf(begin[:, 2:]), begin, found)
    other = maximise_location_scale(stats, [*slots[:2], at_infinity], start, _law, (LEAST, MOST))
    return _higher(stats, slots, found, other)


def _higher(stats: Held, slots: Sequence[Slot], one: Array, other: Array) -> Array:
    """(k, 3): of two candidates the one of higher likelihood, for all members together whom ties connect."""
    first, second = one[:, :, None], other[:, :, None]

    def gain(x: Array) -> Array:
        return _log_prob(x, *second.transpose(1, 0, 2)) - _log_prob(x, *first.transpose(1, 0, 2))

    ties = tuple(sorted({t for s in slots for t in s.ties}))
    total = np.where(stats.weight > 0, stats.total(gain), 0.0) + log_priors(slots, other) - log_priors(slots, one)
    total = replace(slots[2], ties=ties).pool(total)
    return np.where((total >= 0)[:, None], other, one)


def _log_prob(x: Array, location: Array, scale: Array, dof: Array) -> Array:
    return _log_constant(dof) - np.log(scale) - _log_tail((x - location) / scale, dof)


def _finite(dof: Array) -> Array:
    """dof with a stand-in for infinity."""
    return np.where(np.isinf(dof), 1.0, dof)


def _log_tail(z: Array, dof: Array) -> Array:
    """`(dof + 1) / 2 log(1 + z^2 / dof)`, z^2 / 2 where dof is infinite."""
    finite = _finite(dof)
    with np.errstate(over="ignore"):  # of values so far away that their density is 0
        tail = (finite + 1) / 2 * np.log1p(z**2 / finite)
        return np.where(np.isinf(dof), z**2 / 2, tail) if np.isinf(dof).any() else tail


def _log_constant(dof: Array) -> Array:
    """Log density of the standard law at 0; in its limit the differences of large terms are taken by series."""
    small = np.minimum(dof, SERIES)
    few = special.gammaln((small + 1) / 2) - special.gammaln(small / 2) - np.log(np.pi * small) / 2
    y = 1 / np.maximum(dof, SERIES)
    many = -LOG_2PI / 2 - y / 4 + y**3 / 24 - y**5 / 20
    return np.where(dof < SERIES, few, many)


def _law(totals: Totals, weight: Array, shapes: Array) -> Sequence[Array]:
    """Sums over the log density of the standard law and its derivatives in z and in log dof.

    All follow from those of log q, q, q^2, g and g q, where q = dof / (dof + z^2) and g = z / (dof + z^2).
    """
    endless = np.isinf(shapes[:, 0])
    if endless.all():
        return _normal(totals, weight)
    dof = _finite(shapes)

    def functions(z: Array) -> Sequence[Array]:
        squares = z**2
        near = 1 / (dof + squares)
        q, g = dof * near, z * near
        return np.log1p(squares / dof), q, q * q, g, g * q

    tail, q, qq, g, gq = totals(functions)
    v = dof[:, 0]
    slope = v * (special.psi((v + 1) / 2) - special.psi(v / 2)) / 2 - 0.5  # of the constant, in log dof
    bend = v**2 * (special.zeta(2, (v + 1) / 2) - special.zeta(2, v / 2)) / 4 + 0.5 + slope
    pull, both = weight - q, q - qq
    h = weight * _log_constant(v) - (v + 1) / 2 * tail
    in_z = [-(v + 1) * g, -(v + 1) * pull, -(v + 1) / v * (qq - both), -(v + 1) * (2 * gq - g)]
    in_z.append(-(v + 1) * (2 * both - pull))
    in_dof = [weight * slope - v * tail / 2 + (v + 1) * pull / 2]
    in_dof.append(weight * bend - v * tail / 2 + (v + 1) * pull / 2 + ((v - 1) * pull - (v + 1) * both) / 2)
    in_dof += [(v + 1) * gq - v * g, (v + 1) * both - v * pull]
    found = [h, *in_z, *in_dof]
    if not endless.any():
        return found
    return [np.where(endless, a, b) for a, b in zip(_normal(totals, weight), found, strict=True)]


def _normal(totals: Totals, weight: Array) -> Sequence[Array]:
    """The same where dof is infinite."""
    z, squares = totals(lambda z: [z, z**2])
    none = np.zeros_like(z)
    return [-weight * LOG_2PI / 2 - squares / 2, -z, -squares, -weight, -z, -squares, none, none, none, none]
