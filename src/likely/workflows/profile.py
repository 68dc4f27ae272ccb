"""Profile likelihood: the highest objective that each value of a number allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from likely.core.moved import moved
from likely.errors import ModelError
from likely.numerics import special
from likely.numerics.soft import Array
from likely.workflows.ridge import Place, Ridge
from likely.workflows.scales import check_level, to_scale
from likely.workflows.surface import Surface, surface, surface_at

if TYPE_CHECKING:
    from likely.workflows.result import Fit
    from likely.workflows.uncertainty import Uncertainty

BEYOND = 0.15  # of the interval's width: so far do the points of a profile reach on both sides
CLOSE = 1e-6  # of the wanted root: where the search for an end stops
LEVEL, LEVEL_FOR = 0.02, 2  # an end is open where so many steps bring it less than this part of the way nearer
HIGHER = 1e-2  # nats by which a profile may rise above the fit before the fit is called second best


@dataclass(frozen=True)
class Profile:
    """The objective along one number, everything else being chosen best for each of its values.

    Attributes
    ----------
    name : str                       of the number, as one writes it behind `fit.model.`
    values : array (m,)              rising
    log_likelihoods : array (m,)     the highest log-likelihood (+ log prior) there
    best : float                     the estimate
    maximum : float                  the objective there
    level : float                    coverage of the interval
    low, high : float                where twice the fall equals the quantile of chi-square with one degree of freedom;
                                     the end of what is possible (or infinite) where it never falls so far
    why : str                        what is to be said about the ends, or nothing
    """

    name: str
    values: Array
    log_likelihoods: Array
    best: float
    maximum: float
    level: float
    low: float
    high: float
    why: str = ""

    def __str__(self) -> str:
        ends = f"{self.low:.6g} to {self.high:.6g}"
        text = f"{self.name} = {self.best:.6g}, {100 * self.level:g} % by profile likelihood {ends}"
        return f"{text}\n{self.why}" if self.why else text


def profile(fit: Fit, name: str, points: int, level: float) -> Profile:
    """See `Fit.profile`."""
    return next(iter(profiles(fit, [name], points, level)))


def profiles(fit: Fit, names: Sequence[str], points: int, level: float) -> Iterator[Profile]:
    """Profiles of some numbers, from one preparation."""
    check_level(level)
    if not (points == 0 or points >= 3):
        raise ModelError(f"points={points}; a profile is drawn through at least 3 points.")
    known = fit.uncertainty
    with surface(fit) as s:
        for name in names:
            i = known.numbers.index(name)
            if reason := no_profile(known, i):
                raise ModelError(reason)
            if (known.slopes[i] == 0).all():
                yield _from_edge(fit, s, name, points, level)
            else:
                search = _Search(Ridge(s, i, known.information), fit.objective, level)
                yield search.both_sides(name, known.numbers.values[i], points)


def no_profile(known: Uncertainty, i: int) -> str:
    """Why a number has no profile, or nothing."""
    found = known.numbers
    name = found.names[i]
    if name in known.not_determined:
        return f"{name} has no profile: {known.family.undetermined}, and in one of them it has any value one likes."
    if found.nonregular[i]:
        return f"{name} has no profile interval: the likelihood has a jump or a corner at its maximum there."
    if not np.isfinite(found.values[i]):
        return f"{name} has no profile: it is infinite, and there is no place to begin. Use fit.bootstrap()."
    return ""


@dataclass
class _Search:
    """Looks along a ridge for the places where it has fallen by so much."""

    ridge: Ridge
    maximum: float
    level: float
    places: list[Place] = field(default_factory=list)  # all that were visited
    why: list[str] = field(default_factory=list)

    @property
    def target(self) -> float:
        """The root of twice the fall at the ends."""
        return float(special.ndtri((1 + self.level) / 2))

    def fall(self, place: Place) -> float:
        """Root of twice the fall."""
        return float(np.sqrt(max(2 * (self.maximum - place.objective), 0.0)))

    def both_sides(self, name: str, best: float, points: int) -> Profile:
        top = self.ridge.top()
        self.maximum = max(self.maximum, top.objective)
        self.places.append(top)
        low, high = (self._end(top, sign, name) for sign in (-1, 1))
        if points:
            margin = BEYOND * (high - low) if np.isfinite(high - low) else 0.0
            self._fill(low - margin, high + margin, points)
        return self._told(name, best, points, *(self.ridge.value(t) for t in (low, high)))

    def _end(self, start: Place, sign: int, name: str) -> float:
        """Where on the scale the objective has fallen by enough, on one side of the maximum."""
        t = start.t + sign * self.ridge.reach(start) * self.target
        roots, inner = [0.0], start
        while True:
            place = self._visit(t)
            if place is None:
                return self._open(name, sign, inner)
            roots.append(self.fall(place))
            if roots[-1] >= self.target:
                return self._between(inner, place)
            inner = place
            if len(roots) > LEVEL_FOR and roots[-1] - roots[-1 - LEVEL_FOR] < LEVEL * self.target:
                return self._open(name, sign, inner)
            t = start.t + (t - start.t) * float(np.clip(self.target / max(roots[-1], 1e-300), 1.1, 2.0))

    def _between(self, inner: Place, outer: Place) -> float:
        """The same between two places: the root of twice the fall is nearly a straight line, so by false position.

        Where one side stays twice, the middle is tried.
        """
        stayed, room = 0, abs(outer.t - inner.t)
        while True:
            a, b = (self.fall(p) - self.target for p in (inner, outer))
            if min(-a, b) < CLOSE * self.target or abs(outer.t - inner.t) < CLOSE * room:
                return outer.t if b < -a else inner.t
            share = 0.5 if abs(stayed) > 1 else -a / (b - a)
            place = self._visit(inner.t + share * (outer.t - inner.t))
            if place is None:
                return inner.t
            if self.fall(place) < self.target:
                inner, stayed = place, max(stayed, 0) + 1
            else:
                outer, stayed = place, min(stayed, 0) - 1
            stayed = 0 if share == 0.5 else stayed

    def _visit(self, t: float) -> Place | None:
        place = self.ridge.climb(t, min(self.places, key=lambda p: abs(p.t - t)))
        if place is not None:
            self.places.append(place)
        return place

    def _open(self, name: str, sign: int, last: Place) -> float:
        side = "below" if sign < 0 else "above"
        self.why.append(
            f"{name} has no limit {side} at this level: twice the log-likelihood falls by {self.fall(last) ** 2:.3g} "
            f"on the way to {self.ridge.value(last.t):.6g} and hardly further beyond; {self.target**2:.3g} was needed."
        )
        return sign * np.inf

    def _fill(self, low: float, high: float, points: int) -> None:
        """Points between the ends; where one is open, as far as was reached."""
        reached = [p.t for p in self.places]
        ends = (low if np.isfinite(low) else min(reached), high if np.isfinite(high) else max(reached))
        wanted = np.linspace(*ends, points)
        centre = self.places[0].t
        for t in sorted(wanted.tolist(), key=lambda t: abs(t - centre)):
            self._visit(t)

    def _told(self, name: str, best: float, points: int, low: float, high: float) -> Profile:
        places = sorted(self.places, key=lambda p: p.t)
        highest = max(places, key=lambda p: p.objective)
        if highest.objective > self.maximum + HIGHER:
            self.why.append(
                f"The objective rises to {highest.objective:.4f} at {name} = {self.ridge.value(highest.t):.6g}, above "
                f"the fit's {self.maximum:.4f}: fit again with more starts."
            )
        values = np.array([self.ridge.value(p.t) for p in places])
        heights = np.array([p.objective for p in places])
        return Profile(name, values, heights, best, self.maximum, self.level, low, high, " ".join(self.why))


def _from_edge(fit: Fit, s: Surface, name: str, points: int, level: float) -> Profile:
    """The one-sided profile of a number that lies at an edge: seen from a place just inside."""
    found = s.numbers()
    i = found.index(name)
    best, (low, high) = float(found.values[i]), found.ranges[i].tolist()
    inside = 0.5 / s.items
    near, possible = moved(s.family, s.params, {name: np.array([best + inside if best == low else best - inside])})
    if not possible[0]:
        raise ModelError(f"{name} = {best:.6g} cannot move by itself; there is no profile of it.")
    there = surface_at(s.family, near, s.data, s.engine)
    search = _Search(Ridge(there, i, there.curvature()), fit.objective, level)
    start = search.ridge.top(stay=True)
    search.places.append(start)
    sign = 1 if best == low else -1
    end = search._end(start, sign, name)
    if points:
        edge = to_scale(np.array([best + sign * inside]), found.ranges[[i]])[0]
        beyond = end + BEYOND * sign if np.isfinite(end) else end
        search._fill(min(edge, beyond), max(edge, beyond), points - 1)
    out = search._told(name, best, points, best, best)
    ends = (low, search.ridge.value(end)) if sign > 0 else (search.ridge.value(end), high)
    values, heights = np.append(out.values, best), np.append(out.log_likelihoods, fit.objective)
    order = np.argsort(values)
    why = (
        f"{name} is at the edge of what is possible; the interval is one-sided, and its level that of a two-sided one."
    )
    return Profile(name, values[order], heights[order], best, fit.objective, level, *ends, f"{why} {out.why}".strip())
