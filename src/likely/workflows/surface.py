"""The objective around a fit: its value, gradient and curvature in unconstrained coordinates.

The gradient is that of Q alone (Fisher's identity): at the parameters of the E-step the gradient of the expected
complete log density is that of the log-likelihood. So any model that EM can fit has standard errors, profiles and a
certificate, with nothing asked of its family. Where the likelihood is approximate, or rows have no noise, that does not
hold, and differences of the objective itself are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from likely.core.data import Data, present
from likely.core.family import Family
from likely.core.numbers import Numbers, numbers, values_of
from likely.core.params import Params
from likely.core.posterior import Pass
from likely.core.setting import Setting
from likely.em.bank import bank_of, coordinates, laid_out
from likely.em.line_search import Trials
from likely.engines.local import Local, width_of
from likely.errors import Degenerate, FitError, ModelError
from likely.numerics.soft import Array
from likely.workflows.regular import boundary, has_priors, regular

if TYPE_CHECKING:
    from likely.workflows.result import Fit

MOST = 600  # free coordinates up to which a matrix of second derivatives is worked out
FEW = 12  # free coordinates up to which differences of the fourth order cost next to nothing
SMOOTH = 5e-3  # step, in standard deviations of one row, of what is worked out without a sum over the data
SILENT = 1e-9  # of the rows: a coordinate of which Q says so little
NEUTRAL = 1e-6  # of the largest singular value: directions that are none, as an edge has taken their coordinates
ROUNDS = 3  # of finding the scale of each coordinate
SOME = 8  # places at which gradients are worked out together
AT_ONCE = 2**21  # numbers in the statistics of the models that are evaluated together


@dataclass(frozen=True)
class Differences:
    """Central differences: the slope of f is about the sum of weights * (f(at * step) - f(-at * step)) / step."""

    at: tuple[int, ...]
    weights: tuple[float, ...]
    near: float  # step of the gradient, in standard deviations of one row
    wide: float  # step of Q, in the same unit


# What they leave out is of the order of the second (fourth) power of the steps, rounding of the order of 1e-15 over
# their product: both are below 1e-6 (1e-9) of the curvature.
SECOND = Differences((1,), (1 / 2,), 1e-4, 2e-4)
FOURTH = Differences((1, 2), (2 / 3, -1 / 12), 3e-3, 4e-3)


class Surface:
    """The objective (log-likelihood + log prior) of a fit as a function of free coordinates.

    Those that are `held` (all coordinates of the family, bool) stay where they are.

    Attributes
    ----------
    family : Family            bound to the data; its slots are as open as they were
    params : Params            of the fit
    point : array (p,)         their coordinates: logarithms, logits, Cholesky factors
    items : float              how many rows, by weight
    engine : Local             where passes over the data run
    boundary : tuple of str    slots with numbers at the edge of what is possible, which have no coordinate
    """

    def __init__(self, family: Family, params: Params, data: Data, engine: Local, held: Array | None = None):
        self.family, self.params, self.data, self.engine = family, params, data, engine
        self._flat = family.flatten(params)
        self._open = np.isfinite(self._flat) & regular(family, params)
        if held is not None:
            self._open &= ~held
        self.point = self._flat[self._open]
        self.rule = FOURTH if len(self.point) <= FEW else SECOND
        self.items = engine.items
        self.boundary = boundary(family, params)
        self._sizes = coordinates(family, params)
        self._bank = cache(lambda models: (bank_of(family, models), Params.concatenate([params] * models)))

    def at(self, u: Array) -> Params:
        """Parameters at coordinates (p,)."""
        whole = self._flat.copy()
        whole[self._open] = u
        return self.family.unflatten(whole, self.params)

    def numbers(self, u: Array | None = None) -> Numbers:
        """What people read, at some coordinates."""
        return numbers(self.family, self.params if u is None else self.at(u))

    def values(self, points: Array) -> Array:
        """(m, q): the q numbers that people read, at coordinates (m, p)."""
        return values_of(self.family, self._together(points)[1], len(points))

    def slopes(self, function: Callable[[Array], Array], u: Array | None = None) -> Array:
        """(q, p): first derivatives of functions (m, p) -> (m, q) of the coordinates that are exact to rounding."""
        u = self.point if u is None else u
        if not len(u):
            return np.zeros((function(u[None]).shape[1], 0))
        steps = SMOOTH * self.scale
        points = [u + sign * at * np.diag(steps) for at in FOURTH.at for sign in (1, -1)]
        f = function(np.concatenate(points)).reshape(len(FOURTH.at), 2, len(u), -1)
        f = np.where(np.isfinite(f), f, 0.0)  # what is infinite does not move
        return np.tensordot(FOURTH.weights, f[:, 0] - f[:, 1], 1).T / steps

    def objective(self, u: Array) -> float:
        """Log-likelihood + log prior."""
        params = self.at(u)
        return self._pass(params).log_likelihood + self.family.log_prior(params)

    def log_likelihood(self, u: Array) -> float:
        return self._pass(self.at(u)).log_likelihood

    def score(self, u: Array | None = None, first: int = 0) -> Array:
        """(p - first,): gradient of the objective, along the first so many coordinates left out."""
        u = self.point if u is None else u
        return self._gradient(u, self._pass(self.at(u)).stats, first)

    def climb(self, u: Array) -> tuple[float, Array]:
        """Objective and gradient, in one pass."""
        params = self.at(u)
        done = self._pass(params)
        return done.log_likelihood + self.family.log_prior(params), self._gradient(u, done.stats, 0)

    def scores_by_row(self) -> Array:
        """(n, p): gradient of the log density of each item, without the prior and without weights."""
        steps = self.rule.wide * self.scale
        out = np.zeros((len(self.data), len(self.point)))
        for j, e in enumerate(np.diag(steps)):
            for at, weight in zip(self.rule.at, self.rule.weights, strict=True):
                change = self.log_prob(self.point + at * e) - self.log_prob(self.point - at * e)
                out[:, j] += weight / steps[j] * change
        return out

    def log_prob(self, u: Array) -> Array:
        """(n,): log density of each item."""
        params = self.at(u)
        each = self.engine.map(lambda chunk: self.family.infer(params, chunk.double()).log_prob[:, 0])
        return np.concatenate(list(each))

    @cached_property
    def neutral(self) -> Array:
        """(p, r): directions that leave the distribution as it is, as no data can tell (a new basis of hidden states).

        Orthonormal where each coordinate is in units of `scale`.
        """
        found = self.family.neutral(self.params)[:, self._open]
        axes, size, _ = np.linalg.svd((found / self.scale).T, full_matrices=False)
        return axes[:, size > NEUTRAL * size.max(initial=0.0)]

    def curvature(self) -> Array:
        """(p, p): minus the second derivatives of the objective: the observed information.

        Raises
        ------
        ModelError      too many free parameters
        """
        return self._curvature

    def complete(self) -> Array:
        """(p, p): what the observed information would be were nothing hidden: minus the second derivatives of Q.

        Raises
        ------
        ModelError      too many free parameters
        """
        if not self.family.hidden:
            return self._curvature
        return self._bent(lambda _: self._statistics)

    @cached_property
    def _curvature(self) -> Array:
        return self._bent(lambda params: self._pass(params).stats)

    def _bent(self, statistics: Callable[[Params], Any]) -> Array:
        """(p, p): minus the derivatives of the gradient of Q, with the statistics that belong to each place."""
        p = len(self.point)
        _refuse_many(p)
        out = np.zeros((p, p))  # the upper triangle: each mixed derivative is worked out once
        steps = self.rule.near * self.scale
        sides = [
            (sign * at, -sign * w) for at, w in zip(self.rule.at, self.rule.weights, strict=True) for sign in (1, -1)
        ]
        moves = [(j, at * steps[j], w / steps[j]) for j in range(p) for at, w in sides]
        for a in range(0, len(moves), SOME):
            some = moves[a : a + SOME]
            places = np.tile(self.point, (len(some), 1))
            for place, (j, step, _) in zip(places, some, strict=True):
                place[j] += step
            params = self._together(places)[1]
            stats = [statistics(params.blocks([i], len(some))) for i in range(len(some))]
            for (j, _, weight), slope in zip(some, self._gradients(places, stats, [m[0] for m in some]), strict=True):
                out[j, j:] += weight * slope
        return out + np.triu(out, 1).T

    def prior_curvature(self) -> Array:
        """(p, p): minus the second derivatives of the log prior."""
        if not has_priors(self.family):
            return np.zeros((len(self.point), len(self.point)))

        def log_priors(points: Array) -> Array:
            bank, params = self._together(points)
            return bank.log_priors(params, len(points))

        return self._second_differences(log_priors)

    def _second_differences(self, function: Callable[[Array], Array]) -> Array:
        """(p, p): minus the second derivatives of a function (m, p) -> (m,) that is exact to rounding."""
        p = len(self.point)
        out, steps = np.zeros((p, p)), np.diag(SMOOTH * self.scale)
        for j, e in enumerate(steps):
            corners = [self.point + a * e + b * steps for a in (1, -1) for b in (1, -1)]
            f = function(np.concatenate(corners)).reshape(4, p)
            out[j] = (f[1] + f[2] - f[0] - f[3]) / (4 * e[j] * np.diag(steps))
        return out

    @cached_property
    def scale(self) -> Array:
        """(p,): about a standard deviation of one row along each coordinate: steps are in these units."""
        scale = np.maximum(1.0, np.abs(self.point))
        p = len(scale)
        for _ in range(ROUNDS if p else 0):
            stats, steps = self._statistics, SECOND.wide * scale
            ahead, behind = (self.point + sign * np.diag(steps) for sign in (1, -1))
            q = self._q(np.concatenate([ahead, behind, self.point[None]]), [stats] * (2 * p + 1))
            bend = (2 * q[-1] - q[:p] - q[p : 2 * p]) / steps**2
            found = np.sqrt(self.items / np.where(bend > 0, bend, np.inf))
            scale = np.where(found > 0, np.minimum(found, 1e3 * scale), scale)
        return scale

    @cached_property
    def _statistics(self) -> Any:
        return self._pass(self.params).stats

    def _pass(self, params: Params) -> Pass:
        done = self.engine.evaluate(self.family, params)
        if done.impossible is not None:
            raise FitError(f"{self.engine.place(done.impossible)} has probability zero at parameters near the fit.")
        return done

    def _gradient(self, u: Array, stats: Any, first: int) -> Array:
        """Of Q + log prior at u, along all coordinates but the first so many."""
        return self._gradients(u[None], [stats], [first])[0]

    def _gradients(self, places: Array, stats: Sequence[Any], first: Sequence[int]) -> list[Array]:
        """The same at several places (m, p), by central differences along all coordinates together."""
        steps, p = self.rule.wide * self.scale, len(self.point)
        sides = np.array([sign * at for at in self.rule.at for sign in (1, -1)])[:, None, None]
        around = [(u + sides * np.diag(steps)[f:]).reshape(-1, p) for u, f in zip(places, first, strict=True)]
        each = [s for s, points in zip(stats, around, strict=True) for _ in points]
        q = np.split(self._q(np.concatenate(around), each), np.cumsum([len(points) for points in around])[:-1])
        weights = np.array([sign * w for w in self.rule.weights for sign in (1, -1)])
        return [weights @ one.reshape(len(weights), -1) / steps[f:] for one, f in zip(q, first, strict=True)]

    def _q(self, points: Array, stats: Sequence[Any]) -> Array:
        """(m,): expected log density + log prior at coordinates (m, p) under statistics each, models side by side."""
        size, out = max(1, AT_ONCE // self._room), [np.zeros(0)]
        for a in range(0, len(points), size):
            some, those = points[a : a + size], stats[a : a + size]
            bank, params = self._together(some)
            each = bank.expected_log_density(params, type(those[0]).concatenate(those))
            out.append(each + bank.log_priors(params, len(some)))
        return np.concatenate(out)

    @cached_property
    def _room(self) -> int:
        """Numbers in the statistics of one model."""
        return max(1, self._statistics.pack(self._statistics).size)

    def _together(self, points: Array) -> tuple[Family, Params]:
        """Models at coordinates (m, p) as one bank: its coordinates run slot by slot, and there model by model."""
        bank, like = self._bank(len(points))
        whole = np.tile(self._flat, (len(points), 1))
        whole[:, self._open] = points
        return bank, bank.unflatten(laid_out(whole, self._sizes), like)


class Differenced(Surface):
    """The same where the gradient of Q is not that of the objective: it is approximate, or hidden states are certain.

    Of a first state that is certain, and of what rows without noise show of states, Q tells nothing: there the
    objective stands in for it.
    """

    def score(self, u: Array | None = None, first: int = 0) -> Array:
        return self.climb(self.point if u is None else u)[1][first:]

    def climb(self, u: Array) -> tuple[float, Array]:
        here = np.zeros(1)

        def heights(points: Array) -> Array:
            both = self._heights(np.concatenate([u[None], points]))
            here[:] = both[0]
            return both[1:, None]

        gradient = self.slopes(heights, u)[0] if len(u) else np.zeros(0)
        if not len(u):
            here[:] = self._heights(u[None])
        if not np.isfinite(here[0]):
            raise FitError("the likelihood is no number at parameters near the fit.")
        return float(here[0]), gradient

    @cached_property
    def _curvature(self) -> Array:
        _refuse_many(len(self.point))
        return self._second_differences(self._heights)

    def complete(self) -> Array:
        out = super().complete()
        silent = np.diag(out) * self.scale**2 <= SILENT * self.items
        among = np.ix_(silent, silent)
        out[among] = self._curvature[among]
        return out

    @cached_property
    def scale(self) -> Array:
        begin = np.maximum(1.0, np.abs(self.point))
        scale = Surface.scale.func(self)
        (silent,) = np.nonzero(scale == begin)
        for _ in range(ROUNDS if len(silent) else 0):
            steps = SMOOTH * np.diag(scale)[silent]
            f = self._heights(np.concatenate([self.point + steps, self.point - steps, self.point[None]]))
            bend = (2 * f[-1] - f[: len(silent)] - f[len(silent) : -1]) / (SMOOTH * scale[silent]) ** 2
            found = np.sqrt(self.items / np.where(bend > 0, bend, np.inf))
            scale[silent] = np.where(found > 0, np.minimum(found, 1e3 * scale[silent]), scale[silent])
        return scale

    def _heights(self, points: Array) -> Array:
        """(m,): the objective at coordinates (m, p), side by side."""
        whole = np.tile(self._flat, (len(points), 1))
        whole[:, self._open] = points
        return Trials(self.family, self.engine, self.params).at(whole)


def surface_at(family: Family, params: Params, data: Data, engine: Local, held: Array | None = None) -> Surface:
    """The surface that suits a family."""
    return (Differenced if family.climbs else Surface)(family, params, data, engine, held)


def _refuse_many(p: int) -> None:
    if p > MOST:
        raise ModelError(
            f"the model has {p} free parameters, and second derivatives are worked out for at most {MOST}; "
            "use fit.bootstrap(), or a simpler model."
        )


@contextmanager
def surface(fit: Fit) -> Generator[Surface]:
    """The objective around a fit, with its data at hand.

    Raises
    ------
    ModelError      the fit carries no data, or is that of hard EM, whose objective is not smooth
    """
    if fit.hard and fit.model.hidden:
        raise ModelError(
            "hard EM counts each row wholly to one component: its objective has no curvature to speak of. "
            "Fit with hard=False, starting here: fit(model, data, start=this_fit)."
        )
    if fit.data is None:
        raise ModelError("a loaded fit does not carry its data; fit again, with start= the loaded fit.")
    data = present(fit.data)
    family = fit.family.bind((), Setting.of(data))
    params = fit.model.bind((), Setting.of(data)).known_params()
    with Local(data, width_of(family), sweeps=family.sweeps) as engine:
        try:
            yield surface_at(family, params, data, engine)
        except Degenerate as error:
            raise FitError(f"near the fit, {error.why}; its likelihood has no curvature there.") from error
