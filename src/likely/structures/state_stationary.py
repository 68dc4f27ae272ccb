"""A state space that begins as it goes on: the stationary mean and covariance, and an M-step that reckons with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.params import Params
from likely.errors import ModelError
from likely.families.moments import outer
from likely.numerics.soft import Array
from likely.structures.state_beginning import STABLE, Beginning, equations_maximised, log_normal, pseudo_inverse
from likely.structures.state_identity import settled
from likely.structures.state_sums import StateSums
from likely.structures.state_theta import MOVING, theta

DOUBLINGS = 64
STEP = 1e-5  # of differences, in free coordinates
SLOPE = 1e-9  # of the number of rows: where the climb ends
FAR = 1e30  # the value where there is no stationary distribution


class Stationary(Beginning):
    """The first state has the stationary distribution of the moves: mean (I - A)^-1 b, and P0 = A P0 A' + Q.

    The M-step of A, b and Q has no closed form then: from the better of the old ones and those that leave the first
    state out of account the expected log density is climbed by BFGS, so it never falls.
    """

    settles = ("m0", "P0")
    _alone: Any = None  # one of the models where several stand side by side

    def bound(self, model: Any) -> Any:
        slot = model.slots["A"]
        if "B" in model.slots:
            known = model.slots["B"].known
            if known is None or known.any():
                raise ModelError(
                    'StateSpace(P0="stationary"): inputs move the state, so it has no stationary distribution. Write '
                    'B=0, or another start: values in m0 and P0, or P0="diffuse".',
                    slot="P0",
                )
        if slot.fixed:
            check_stable(np.asarray(slot.known))
        return model

    def begun(self, params: Params) -> Params:
        m0, P0 = stationary(params.A, params.b, params.Q)
        return params.replace(m0=m0, P0=P0)

    def expected(self, model: Any, params: Params, stats: StateSums) -> Array:
        if not np.isfinite(params.P0).all():
            return np.full(len(params.A), -np.inf)
        return log_normal(stats.first, params.m0, params.P0)

    def maximised(self, model: Any, stats: StateSums, params: Params) -> Params:
        if model.axes and model.axes[0].name == "start":
            return self._one_by_one(model, stats, params)
        simple = self.begun(equations_maximised(model, stats, params))
        names = [n for n in ("A", "b", "Q") if not model.slots[n].fixed]
        if not names:
            return simple
        old = self.begun(simple.replace(**{n: settled(model.slots[n], params[n]) for n in names}))
        better = max((old, simple), key=lambda p: _value(model, stats, p))
        return _Climb(self, model, stats, better, names).run()

    def _one_by_one(self, model: Any, stats: StateSums, params: Params) -> Params:
        """Models side by side know nothing of one another: each climbs by itself."""
        if self._alone is None:
            self._alone = model.bind(model.axes[1:], model.setting)
        models = model.axes[0].size
        blocks = [(stats.blocks([i], models), params.blocks([i], models)) for i in range(models)]
        return Params.concatenate([self._alone.maximize(*block) for block in blocks])


class _Climb:
    """From some moves to those of highest expected log density, first states included."""

    def __init__(self, start: Stationary, model: Any, stats: StateSums, begin: Params, names: list[str]):
        self.start, self.model, self.stats, self.begin, self.names = start, model, stats, begin, names
        self.slots = [model.slots[n] for n in names]
        self.ends = np.cumsum([s.size(begin[n]) for n, s in zip(names, self.slots, strict=True)])
        self.rows = 1.0 + float(stats.state.weight.sum())
        self.priors = any(s.prior is not None for s in self.slots)

    def run(self) -> Params:
        from scipy.optimize import minimize

        u = np.concatenate([s.to_free(self.begin[n]) for n, s in zip(self.names, self.slots, strict=True)])
        if not len(u):
            return self.begin
        found = minimize(self.value, u, jac=self.slope, method="BFGS", options={"gtol": SLOPE, "maxiter": 200}).x
        return self.at(found) if self.value(found) < self.value(u) else self.begin

    def at(self, u: Array) -> Params:
        parts = np.split(u, self.ends[:-1])
        each = zip(self.names, self.slots, parts, strict=True)
        return self.start.begun(self.begin.replace(**{n: s.from_free(part, self.begin[n])[0] for n, s, part in each}))

    def value(self, u: Array) -> float:
        found = _value(self.model, self.stats, self.at(u))
        return -found / self.rows if np.isfinite(found) else FAR

    def slope(self, u: Array) -> Array:
        """By the chain rule: exact in A, b and Q, and differences of what they are in free coordinates."""
        at, steps = self.at(u), STEP * np.eye(len(u))
        if not np.isfinite(at.P0).all():
            return np.zeros(len(u))
        raw = _slopes(self.stats, at)
        out = np.zeros(len(u))
        for name, slot, last in zip(self.names, self.slots, self.ends, strict=True):
            own = slice(last - slot.size(self.begin[name]), last)
            for j in range(own.start, own.stop):
                ahead, behind = (slot.from_free((u + sign * steps[j])[own], self.begin[name])[0] for sign in (1, -1))
                out[j] = (raw[name] * (ahead - behind)).sum() / (2 * STEP)
        if self.priors:
            out += [(self._prior(u + e) - self._prior(u - e)) / (2 * STEP) for e in steps]
        return -out / self.rows

    def _prior(self, u: Array) -> float:
        return self.model.log_prior(self.at(u))


def _slopes(stats: StateSums, params: Params) -> dict[str, Array]:
    """Derivatives of the expected log density of moves and first states by A, b and Q, entry by entry.

    The first states depend on A and Q through P = A P A' + Q: with H the derivative by P, that by Q is Z = A' Z A + H,
    and that by A is 2 Z A P.
    """
    m, state, first = params.A.shape[1], stats.state, stats.first
    weight, precision = state.weight[:, None, None], pseudo_inverse(params.Q)
    slopes = theta(params, MOVING)
    away = np.concatenate([-slopes[:, :, :-1], np.broadcast_to(np.eye(m), params.A.shape)], 2)
    error = (away @ state.mean[:, :, None])[:, :, 0] - params.b
    scatter = away @ state.scatter
    moved = precision @ (scatter[:, :, :m] + weight * error[:, :, None] * state.mean[:, None, :m])
    drifted = state.weight[:, None] * (precision @ error[:, :, None])[:, :, 0]
    squares = scatter @ np.swapaxes(away, 1, 2) + weight * outer(error)
    spread = 0.5 * (precision @ squares @ precision - state.dof[:, None, None] * precision)
    inverse, off = pseudo_inverse(params.P0), first.mean - params.m0
    first_mean = first.weight[:, None] * (inverse @ off[:, :, None])[:, :, 0]
    first_spread = 0.5 * (inverse @ first.about(params.m0) @ inverse - first.dof[:, None, None] * inverse)
    Z = stationary(np.swapaxes(params.A, 1, 2), params.b, first_spread)[1]
    back = np.linalg.solve(np.eye(m) - np.swapaxes(params.A, 1, 2), first_mean[:, :, None])
    moved = moved + 2 * Z @ params.A @ params.P0 + back * params.m0[:, None, :]
    return {"A": moved, "b": drifted + back[:, :, 0], "Q": spread + Z}


def _value(model: Any, stats: StateSums, params: Params) -> float:
    """Expected log density of moves and first states, and log prior: what depends on A, b and Q."""
    if not np.isfinite(params.P0).all():
        return -np.inf
    moves = model.moving.expected(theta(params, MOVING), params.Q, stats.state)
    return float((moves + model.beginning.expected(model, params, stats)).sum()) + model.log_prior(params)


def stationary(A: Array, b: Array, Q: Array) -> tuple[Array, Array]:
    """Mean (k, m) and covariance (k, m, m) that x = A x + b + w leaves as they are; infinite where there are none.

    P = Q + A Q A' + A^2 Q A'^2 + ... by doubling, which adds only what is positive semidefinite (Smith 1968).
    """
    m = A.shape[1]
    stable = radius(A) < STABLE
    safe = np.where(stable[:, None, None], A, 0.0)
    mean = np.linalg.solve(np.eye(m) - safe, b[:, :, None])[:, :, 0]
    total, power = Q.copy(), safe
    for _ in range(DOUBLINGS):
        more = power @ total @ np.swapaxes(power, 1, 2)
        total = total + 0.5 * (more + np.swapaxes(more, 1, 2))
        power = power @ power
        if np.abs(more).max() <= 1e-17 * np.abs(total).max():
            break
    infinite = np.where(np.eye(m) > 0, np.inf, 0.0)
    return mean, np.where(stable[:, None, None], total, infinite)


def radius(A: Array) -> Array:
    """(k,): the largest modulus of an eigenvalue."""
    return np.abs(np.linalg.eigvals(A)).max(1)


def check_stable(A: Array) -> None:
    """Raise a ModelError where known moves (k, m, m) have no stationary distribution."""
    worst = float(radius(A).max())
    if worst >= STABLE:
        raise ModelError(
            f'StateSpace(P0="stationary"): A has an eigenvalue of modulus {worst:.6g}, so the state has no stationary '
            'distribution; all must be below 1. Write P0="diffuse", or values in m0 and P0.',
            slot="P0",
        )
