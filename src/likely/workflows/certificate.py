"""What was found out about a fit as a maximum: a verdict in words, and the checks behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from textwrap import fill

import numpy as np

from likely.core.family import Family
from likely.faces.components import WIDTH
from likely.faces.grid import Grid
from likely.numerics.soft import Array

NAME = 12  # characters in front of what a check says
NAMED = 0.3  # of the largest change along a direction: smaller ones are not named
MOST = 4  # numbers named of a direction


class Verdict(Enum):
    """The members are the sentences the user reads; `good` says whether the fit is a maximum one can build on."""

    maximum = "Verified: a local maximum."
    boundary = "A maximum at the edge of what is possible: numbers that lie at the edge have no standard error."
    not_identified = "Not identified: along some direction other values fit as well, or all but."
    saddle = "No maximum: the objective is level here, as on a saddle, and rises from here."
    not_converged = "Not converged: the gradient is not zero."
    cannot = "Cannot be certified."

    @property
    def good(self) -> bool:
        """Is this a maximum, every number of which the data determine?"""
        return self in (Verdict.maximum, Verdict.boundary)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, and what was seen; `good` unless it asks for attention."""

    name: str
    good: bool
    words: str


@dataclass(frozen=True)
class Direction:
    """A way to go in the space of parameters, told by the numbers that change most along it (largest first)."""

    changes: tuple[tuple[str, float], ...]  # name, and change in units of what one row tells; the first is positive

    def __str__(self) -> str:
        return ", ".join(f"{name} {'up' if change > 0 else 'down'}" for name, change in self.changes)


def direction(names: tuple[str, ...], changes: Array) -> Direction:
    """The direction along which numbers change so much.

    >>> str(direction(("mean", "variance", "weights[0]"), np.array([0.1, -2.0, 1.0])))
    'variance up, weights[0] down'
    """
    size = np.abs(changes) / max(np.abs(changes).max(initial=0.0), 1e-300)
    order = np.argsort(-size.round(6), kind="stable")[:MOST]  # rounding alone shall not decide the order
    order = order[size[order] >= NAMED]
    sign = 1.0 if not len(order) or changes[order[0]] > 0 else -1.0
    return Direction(tuple((names[i], float(sign * changes[i])) for i in order))


@dataclass(frozen=True)
class Carrier:
    """A row (or sequence, from 1) without which a number would be `moves` standard errors elsewhere, to first order."""

    row: int
    number: str
    moves: float


@dataclass(frozen=True, eq=False)
class Certificate:
    """What `fit.certify()` found. `str()` is a short report.

    Attributes
    ----------
    verdict : Verdict              one sentence
    checks : tuple of Check        what was looked at, in words
    gradient : float               norm of the gradient of the objective, each coordinate in units of `scale`, the
                                   standard deviation of one row
    distance : float               of the maximum, in standard errors: the Newton decrement sqrt(s' I^-1 s)
    eigenvalues : array (p,)       of the observed information in the same units, ascending: how many complete rows
                                   (whose labels are known) would tell as much along that direction
    weakest : Direction            along which the data tell least
    edges : tuple of str           numbers at an edge of what is possible
    carriers : tuple of Carrier    rows (or sequences) that move a number by over a standard error, the heaviest first
    probe_gain : float             nats gained by EM from points beside the fit, at most; NaN where none was needed
    better : Family                a model with a higher objective, where one is known; begin there: start=
    better_by : float              nats by which it is higher; 0 where none is known
    """

    verdict: Verdict
    checks: tuple[Check, ...]
    gradient: float = np.nan
    distance: float = np.nan
    eigenvalues: Array = field(default_factory=lambda: np.zeros(0), repr=False)
    weakest: Direction | None = None
    edges: tuple[str, ...] = ()
    carriers: tuple[Carrier, ...] = ()
    probe_gain: float = np.nan
    better: Family | None = None
    better_by: float = 0.0

    @property
    def good(self) -> bool:
        """Is this a maximum, every number of which the data determine?"""
        return self.verdict.good

    @property
    def gain_left(self) -> float:
        """Nats below the maximum, to second order: half the square of the distance."""
        return self.distance**2 / 2

    @property
    def condition(self) -> float:
        """Largest over smallest eigenvalue; infinite where the smallest is not above zero, NaN where there is none."""
        if not len(self.eigenvalues):
            return float("nan")
        return float(self.eigenvalues[-1] / self.eigenvalues[0]) if self.eigenvalues[0] > 0 else float("inf")

    def __str__(self) -> str:
        lines = [
            fill(f"{c.name:<{NAME}}{c.words}", WIDTH, subsequent_indent=" " * NAME, break_on_hyphens=False)
            for c in self.checks
        ]
        return "\n".join([fill(str(self.verdict), WIDTH), "", *lines])

    def _repr_html_(self) -> str:
        grid = Grid(("", ""), tuple((c.name, c.words) for c in self.checks), left=(0, 1))
        return f"<p><b>{self.verdict}</b></p>{grid.html()}"
