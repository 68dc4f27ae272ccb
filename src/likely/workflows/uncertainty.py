"""Standard errors: what the curvature of the objective at a fit says about its numbers, and about functions of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from likely.core.data import Data, Sequences
from likely.core.named import counted
from likely.core.numbers import Numbers
from likely.errors import ModelError
from likely.faces.grid import Grid
from likely.faces.words import aligned, listed, together
from likely.numerics.soft import Array
from likely.workflows.edges import shrinking
from likely.workflows.scales import interval
from likely.workflows.surface import surface

if TYPE_CHECKING:
    from likely.core.family import Family
    from likely.workflows.result import Fit

KINDS = {
    "observed": "the observed information",
    "sandwich": "the sandwich of the observed information and the scores of the rows",
    "opg": "the outer products of the scores of the rows",
}
# Of the information that the complete data would hold: what is known about a direction less than this is not told
# apart from rounding.
NOTHING = 1e-6
PART = 1e-3  # of a number's movement along a direction from which on it depends on that direction
TOLD = 3  # numbers that are named to describe a direction


@dataclass(frozen=True)
class StandardErrors:
    """Standard errors of everything that a fit estimated; `errors["mean"]` is that of one number.

    Attributes
    ----------
    kind : str                 "observed", "sandwich" or "opg"
    names : tuple of str       of the p numbers, as one writes them behind `fit.model.`
    values : array (p,)        the estimates
    errors : array (p,)        NaN where there is none
    covariance : array (p, p)  of the estimates
    why : dict                 by name: why a number has no standard error
    """

    kind: str
    names: tuple[str, ...]
    values: Array
    errors: Array
    covariance: Array = field(repr=False)
    why: dict[str, str] = field(default_factory=dict)
    with_prior: bool = False

    def __getitem__(self, name: str) -> float:
        if name not in self.names:
            raise KeyError(name)
        return float(self.errors[self.names.index(name)])

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def keys(self) -> tuple[str, ...]:
        """The names, so that `dict(errors)` works."""
        return self.names

    def __str__(self) -> str:
        return "\n".join([self._title(), str(self._grid()), *together(self.why)])

    def _repr_html_(self) -> str:
        return f"<p>{self._title()}</p>{self._grid().html()}" + "".join(f"<p>{w}</p>" for w in together(self.why))

    def _title(self) -> str:
        of = " of log-likelihood + log prior" if self.with_prior else ""
        return f"Standard errors from {KINDS[self.kind]}{of}"

    def _grid(self) -> Grid:
        rows = [
            (name, *(aligned([v, e]) if np.isfinite(e) else (f"{v:.4g}", "none")))
            for name, v, e in zip(self.names, self.values.tolist(), self.errors.tolist(), strict=True)
        ]
        return Grid(("", "estimate", "std. error"), tuple(rows))


@dataclass(frozen=True)
class Delta:
    """A function of a fitted model with its standard error.

    Attributes
    ----------
    value : float or array     what the function gives at the fit
    error : float or array     its standard error, NaN where there is none
    covariance : array (q, q)  of the q entries, laid flat
    why : str                  why there is no standard error, or nothing
    """

    value: Any
    error: Any
    covariance: Array = field(repr=False)
    why: str = ""

    def conf_int(self, level: float = 0.95, *, low: float = -np.inf, high: float = np.inf) -> Array:
        """(..., 2): Wald intervals; where the value lies between `low` and `high`, on a scale that keeps them there.

        Parameters
        ----------
        level : float          coverage, between 0 and 1
        low, high : float      a function that is never negative has low=0, a correlation low=-1 and high=1
        """
        value = np.asarray(self.value, float)
        ranges = np.broadcast_to(np.array([low, high], float), (value.size, 2))
        ends = interval(value.ravel(), np.ravel(self.error), ranges, level)
        return ends.reshape(*value.shape, 2)


class Uncertainty:
    """What is known at a fit: derivatives in free coordinates, worked out once and kept.

    Parameters
    ----------
    fit : Fit      converged, with its data

    Raises
    ------
    ModelError      the fit is no maximum, has no data, estimates nothing, or is that of hard EM
    """

    def __init__(self, fit: Fit):
        if not fit.converged:
            raise ModelError(f"standard errors are those of a maximum, and this fit is none: {fit.outcome} Fit again.")
        self._fit = fit
        with surface(fit) as s:
            self.numbers: Numbers = s.numbers()
            if not self.numbers.names:
                raise ModelError(f"nothing is estimated in {fit.family!r}, so nothing has a standard error.")
            self.information, self.slopes = s.curvature(), s.slopes(s.values)
            self.items, self.with_prior = s.items, fit.objective != fit.log_likelihood
            self.family, self.params = s.family, s.params
            self.scale, self._surface, self.neutral = s.scale, s, s.neutral

    def inverse(self, kind: str) -> tuple[Array, Array]:
        """(p, p): covariance of the coordinates; and directions (p, m) about which nothing is known.

        Those that leave the distribution as it is are left out of both: what does not move along them has the same
        covariance in whatever place along them one stands.
        """
        if kind not in KINDS:
            raise ModelError(f"kind={kind!r}; standard errors are 'observed', 'sandwich' or 'opg'.")
        if kind == "opg":
            return self._inverted(self.outer + self._surface.prior_curvature())
        covariance, flat = self._observed
        return (covariance if kind == "observed" else covariance @ self.outer @ covariance), flat

    @cached_property
    def _observed(self) -> tuple[Array, Array]:
        return self._inverted(self.information)

    @cached_property
    def outer(self) -> Array:
        """(p, p): sum of w s s' over the scores of the items about their mean."""
        with surface(self._fit) as s:
            _require_several(s.data, len(self.information) - self.neutral.shape[1])
            scores, weights = s.scores_by_row(), np.asarray(s.data.weight_column())
        scores = scores - (weights * scores).sum(0) / weights.sum()
        return (weights * scores).T @ scores

    def _inverted(self, information: Array) -> tuple[Array, Array]:
        across = complement(self.neutral)
        size, direction = np.linalg.eigh(across.T @ self._scaled(information) @ across)
        known, direction = size > NOTHING, across @ direction
        along = self.scale[:, None] * direction
        return (along[:, known] / size[known]) @ along[:, known].T / self.items, direction[:, ~known]

    def _scaled(self, information: Array) -> Array:
        return self.scale[:, None] * information * self.scale / self.items

    def covariance(self, kind: str) -> tuple[Array, dict[str, str]]:
        """(p, p) of the numbers, NaN where there is none; and why not, by name."""
        inverse, flat = self.inverse(kind)
        why = self._no_coordinate() | self._not_known(flat, kind) | self.not_determined | self._near_an_edge
        out = self.slopes @ inverse @ self.slopes.T
        without = [name in why for name in self.numbers.names]
        out[without] = out[:, without] = np.nan
        return out, why

    def _no_coordinate(self) -> dict[str, str]:
        found, still = self.numbers, (self.slopes == 0).all(1)
        why = {}
        for i, (name, value) in enumerate(zip(found.names, found.values.tolist(), strict=True)):
            if found.nonregular[i]:
                why[name] = (
                    f"{name} has no standard error: the likelihood has a jump or a corner at its maximum there, and no "
                    "curvature."
                )
            elif found.at_edge[i] or still[i]:
                why[name] = _at_edge(name, value)
        return why

    @cached_property
    def not_determined(self) -> dict[str, str]:
        """Numbers that differ between descriptions of the same distribution, and why they have no standard error."""
        lost = moved_along(self.neutral, self.slopes * self.scale)
        return {
            name: f"{name} has no standard error: {self.family.undetermined}, and another one changes it. fit.delta() "
            "gives that of what none changes."
            for name, gone in zip(self.numbers.names, lost, strict=True)
            if gone
        }

    def _not_known(self, flat: Array, kind: str) -> dict[str, str]:
        """Numbers that move along directions in which the objective does not fall."""
        moves = self.slopes * self.scale
        along = moves @ flat
        length = np.linalg.norm(moves, axis=1)
        lost = moved_along(flat, moves)
        if not lost.any():
            return {}
        share = np.linalg.norm(along, axis=1) / np.where(length > 0, length, 1.0)
        names = [self.numbers.names[i] for i in np.argsort(-share, kind="stable")[: int(lost.sum())]]
        told = listed(names[:TOLD]) + (" and others" if len(names) > TOLD else "")
        what = self._fallen(kind)
        return {
            name: f"{name} has no standard error: {what} along a direction that moves {told}."
            for name, gone in zip(self.numbers.names, lost, strict=True)
            if gone
        }

    @cached_property
    def _near_an_edge(self) -> dict[str, str]:
        """Variances on their way to 0, where EM gets in the limit only."""
        with surface(self._fit) as s:
            names = shrinking(s)
        values = dict(zip(self.numbers.names, self.numbers.values.tolist(), strict=True))
        return {name: _at_edge(name, values[name]) for name in names}

    def _fallen(self, kind: str) -> str:
        if kind == "opg":
            return "not identified, the scores of the rows do not vary"
        across = complement(self.neutral)
        lowest = np.linalg.eigvalsh(across.T @ self._scaled(self.information) @ across)[0]
        if lowest < -NOTHING:
            return "this is no maximum, the objective rises"
        return "not identified, the objective stays the same"

    def standard_errors(self, kind: str) -> StandardErrors:
        """Of all numbers."""
        covariance, why = self.covariance(kind)
        with np.errstate(invalid="ignore"):
            errors = np.sqrt(np.diag(covariance))
        return StandardErrors(
            kind, self.numbers.names, self.numbers.values, errors, covariance, why, with_prior=self.with_prior
        )

    def delta(self, function: Callable[[Family], Any], kind: str) -> Delta:
        """The delta method for any function of the model."""
        s = self._surface
        value = _numeric(function(self._fit.model))

        def at(points: Array) -> Array:
            each = (function(s.family.publish(s.at(u))) for u in points)
            return np.array([np.ravel(_numeric(v)) for v in each]).reshape(len(points), -1)

        slopes = s.slopes(at) if len(s.point) else np.zeros((value.size, 0))
        inverse, flat = self.inverse(kind)
        covariance = slopes @ inverse @ slopes.T
        moves = slopes * self.scale
        turned, lost = (moved_along(directions, moves) for directions in (self.neutral, flat))
        why = ""
        if turned.any():
            why = f"the function has no standard error: {self.family.undetermined}, and another one changes it."
        elif lost.any():
            why = f"the function has no standard error: {self._fallen(kind)} along a direction that moves it."
        lost |= turned
        covariance[lost] = covariance[:, lost] = np.nan
        error = np.sqrt(np.diag(covariance)).reshape(value.shape)
        plain = value.ndim == 0
        return Delta(float(value) if plain else value, float(error) if plain else error, covariance, why)


def complement(directions: Array) -> Array:
    """(p, p - r): orthonormal directions across orthonormal ones (p, r)."""
    p, r = directions.shape
    return np.eye(p) if r == 0 else np.linalg.svd(directions)[0][:, r:]


def moved_along(directions: Array, moves: Array) -> Array:
    """(q,): which functions, with moves (q, p), depend on some orthonormal directions (p, r)."""
    return np.linalg.norm(moves @ directions, axis=1) > PART * np.linalg.norm(moves, axis=1)


def _at_edge(name: str, value: float) -> str:
    return (
        f"{name} has no standard error: it is {value:.6g}, at the edge of what is possible, where the likelihood need "
        f"not be level. The other errors are those if it were known. {_advice(name, value)}"
    )


def _advice(name: str, value: float) -> str:
    if np.isfinite(value):
        return f"fit.profile({name!r}) shows how far from there the data let it be."
    return "fit.bootstrap() shows how it scatters."


def _numeric(value: Any) -> Array:
    out = np.asarray(value)
    if out.dtype.kind not in "fiub" or not np.isfinite(out).all():
        raise ModelError(
            f"delta: the function gave {value!r}; it must give finite numbers, as in lambda m: m.rate[0] / m.rate[1]."
        )
    return out.astype(float)


def _require_several(data: Data, p: int) -> None:
    """Raise a ModelError where sequences are too few for their scores to show how they vary."""
    if isinstance(data, Sequences) and len(data) <= p:
        raise ModelError(
            f"the data has {counted(len(data), 'sequence')}, and 'sandwich' and 'opg' see how the scores of sequences "
            f"vary: of {p} free parameters at least {p + 1} sequences can tell. Use kind='observed'."
        )
