"""A state space that begins as it goes on: the stationary mean and covariance, and an M-step that reckons with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from likely.core.params import Params
from likely.core.slot import Slot
from likely.core.written import written
from likely.errors import ModelError
from likely.families.moments import Moments, outer
from likely.numerics.soft import Array
from likely.structures.state_agreeing import agreeing
from likely.structures.state_beginning import STABLE, Beginning, equations_maximised, log_partly, pseudo_inverse
from likely.structures.state_sums import StateSums
from likely.structures.state_theta import MOVING, theta

DOUBLINGS = 64
STEP = 1e-5  # of differences, in free coordinates
SLOPE = 1e-9  # of the number of rows: where the climb ends
ROUNDING = 1e-13  # of an expected log density
FAR = 1e30  # the value where there is no stationary distribution


class Stationary(Beginning):
    """The first state has the stationary distribution of the moves: mean (I - A)^-1 b, and P0 = A P0 A' + Q.

    Some states may be diffuse. The others have no part in these, so A, b and Q above are their own blocks. The M-step
    of A, b and Q has no closed form. Where what the first state asks of them is linear there is one: it is put in the
    moments of the moves, at the answer to the round before, until guess and answer agree. A model for which they do not
    agree soon, or no higher than before, climbs its expected log density by BFGS, from the better of the old A, b and Q
    and of those that leave the first state out of account; so the M-step never falls.
    """

    settles = ("m0", "P0")
    _alone: Any = None  # one of the models where several stand side by side

    def __init__(self, slots: dict[str, Slot] | None = None, words: tuple[str, ...] = ("stationary",)):
        super().__init__(slots)
        self.words = words

    def flat(self, m: int) -> Array:
        return np.broadcast_to([word == "diffuse" for word in self.words], m)

    def own(self, m: int) -> Array:
        """Which of m states are stationary, by their places."""
        return np.flatnonzero(~self.flat(m))

    def bound(self, model: Any) -> Any:
        flat = self.flat(model.size)
        if flat.any():
            _check_apart(model, flat)
        elif "B" in model.slots:
            known = model.slots["B"].known
            if known is None or known.any():
                raise ModelError(
                    'StateSpace(P0="stationary"): inputs move the state, so it has no stationary distribution. Write '
                    'B=0, or another start: values in m0 and P0, or P0="diffuse".',
                    slot="P0",
                )
        own, known = self.own(model.size), model.slots["A"].known
        if known is not None and not np.isnan(known[:, own[:, None], own]).any():
            check_stable(known[:, own[:, None], own], model.P0)
        return model

    def begun(self, params: Params) -> Params:
        k, m, _ = params.A.shape
        own, m0, P0 = self.own(m), np.zeros((k, m)), np.zeros((k, m, m))
        at = np.ix_(np.arange(k), own, own)
        P0[:, range(m), range(m)] = np.inf
        m0[:, own], P0[at] = stationary(params.A[at], params.b[:, own], params.Q[at])
        return params.replace(m0=m0, P0=P0)

    def possible(self, params: Params) -> tuple[Params, Array]:
        own = self.own(params.A.shape[1])
        there = np.isfinite(params.P0[:, own, own]).all(1)
        if not there.all():
            A = params.A.copy()
            A[np.ix_(~there, own)] = 0.0
            params = self.begun(params.replace(A=A))
        return params, there

    def asked(self, stats: StateSums, params: Params) -> dict[str, Array]:
        """Derivatives of the expected log density of first states by A, b and Q."""
        return _asked(stats.first, params, self.own(params.A.shape[1]))

    def expected(self, model: Any, params: Params, stats: StateSums) -> Array:
        params, there = self.possible(params)
        return np.where(there, log_partly(stats.first, params, self.flat(params.A.shape[1])), -np.inf)

    def maximised(self, model: Any, stats: StateSums, params: Params) -> Params:
        simple = self.begun(equations_maximised(model, stats, params))
        names = [n for n in ("A", "b", "Q") if not (model.slots[n].fixed or model.moving.held)]
        if not names:
            return simple
        old = self.begun(simple.replace(**{n: model.slots[n].nearest(params[n]) for n in names}))
        found, agreed = agreeing(self, model, stats, simple, old)
        found = self.begun(simple.replace(**{n: found[n] for n in names}))
        models = model.axes[0].size if model.axes and model.axes[0].name == "start" else 1
        alone = self._by_itself(model) if models > 1 else model
        heights = np.array([_heights(model, alone, stats, p, models) for p in (old, simple, found)])
        there = agreed.reshape(models, -1).all(1) & (heights[2] >= heights[:2].max(0) - ROUNDING * np.abs(heights[2]))
        if there.all():
            return found

        def best(i: int) -> Params:
            if there[i]:
                return found.blocks([i], models)
            better = (old if heights[0, i] > heights[1, i] else simple).blocks([i], models)
            return _Climb(self, alone, stats.blocks([i], models), better, names).run()

        return Params.concatenate([best(i) for i in range(models)])

    def _by_itself(self, model: Any) -> Any:
        """One of the models that stand side by side, which know nothing of one another."""
        if self._alone is None:
            self._alone = model.bind(model.axes[1:], model.setting)
        return self._alone


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
        before = self.value(self.begin)
        found = minimize(self.down, u, jac=True, method="BFGS", options={"gtol": SLOPE, "maxiter": 200}).x
        after = self.at(found)
        return after if self.value(after) < before else self.begin

    def at(self, u: Array) -> Params:
        parts = np.split(u, self.ends[:-1])
        each = zip(self.names, self.slots, parts, strict=True)
        return self.start.begun(self.begin.replace(**{n: s.from_free(part, self.begin[n])[0] for n, s, part in each}))

    def down(self, u: Array) -> tuple[float, Array]:
        """Minus what is climbed, of one row, and its slope."""
        at = self.at(u)
        return self.value(at), self.slope(u, at)

    def value(self, at: Params) -> float:
        found = _value(self.model, self.stats, at)
        return -found / self.rows if np.isfinite(found) else FAR

    def slope(self, u: Array, at: Params) -> Array:
        """By the chain rule: exact in A, b and Q, and differences of what they are in free coordinates."""
        steps = STEP * np.eye(len(u))
        if not self.start.possible(at)[1].all():
            return np.zeros(len(u))
        raw = _slopes(self.stats, at, self.start.own(at.A.shape[1]))
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


def _slopes(stats: StateSums, params: Params, own: Array) -> dict[str, Array]:
    """Derivatives of the expected log density of moves and first states by A, b and Q, entry by entry."""
    m, state = params.A.shape[1], stats.state
    weight, precision = state.weight[:, None, None], pseudo_inverse(params.Q)
    slopes = theta(params, MOVING)
    away = np.concatenate([-slopes[:, :, :-1], np.broadcast_to(np.eye(m), params.A.shape)], 2)
    error = (away @ state.mean[:, :, None])[:, :, 0] - params.b
    scatter = away @ state.scatter
    moved = precision @ (scatter[:, :, :m] + weight * error[:, :, None] * state.mean[:, None, :m])
    drifted = state.weight[:, None] * (precision @ error[:, :, None])[:, :, 0]
    squares = scatter @ np.swapaxes(away, 1, 2) + weight * outer(error)
    spread = 0.5 * (precision @ squares @ precision - state.dof[:, None, None] * precision)
    asked = _asked(stats.first, params, own)
    return {"A": moved + asked["A"], "b": drifted + asked["b"], "Q": spread + asked["Q"]}


def _asked(first: Moments, params: Params, own: Array) -> dict[str, Array]:
    """The same of first states alone.

    They (those that are not diffuse: at the places `own`) depend on A and Q through P = A P A' + Q: with H the
    derivative by P, that by Q is Z = A' Z A + H, and that by A is 2 Z A P.
    """
    k, m, _ = params.A.shape
    at = np.ix_(np.arange(k), own, own)
    A, P0, m0 = params.A[at], params.P0[at], params.m0[:, own]
    first = Moments(first.weight, first.dof, first.mean[:, own], first.scatter[at])
    inverse, off = pseudo_inverse(P0), first.mean - m0
    first_mean = first.weight[:, None] * (inverse @ off[:, :, None])[:, :, 0]
    first_spread = 0.5 * (inverse @ first.about(m0) @ inverse - first.dof[:, None, None] * inverse)
    Z = stationary(np.swapaxes(A, 1, 2), m0, first_spread)[1]
    back = np.linalg.solve(np.eye(len(own)) - np.swapaxes(A, 1, 2), first_mean[:, :, None])
    out = {"A": np.zeros((k, m, m)), "b": np.zeros((k, m)), "Q": np.zeros((k, m, m))}
    out["A"][at] = 2 * Z @ A @ P0 + back * m0[:, None, :]
    out["b"][:, own] = back[:, :, 0]
    out["Q"][at] = Z
    return out


def _value(model: Any, stats: StateSums, params: Params) -> float:
    """Expected log density of moves and first states, and log prior: what depends on A, b and Q."""
    moves = model.moving.expected(theta(params, MOVING), params.Q, stats.state)
    return float((moves + model.beginning.expected(model, params, stats)).sum()) + model.log_prior(params)


def _heights(model: Any, alone: Any, stats: StateSums, params: Params, models: int) -> Array:
    """The same of each of several models side by side."""
    moves = model.moving.expected(theta(params, MOVING), params.Q, stats.state)
    found = (moves + model.beginning.expected(model, params, stats)).reshape(models, -1).sum(1)
    if not any(slot.prior is not None for slot in model.slots.values()):
        return found
    return found + [alone.log_prior(params.blocks([i], models)) for i in range(models)]


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


def check_stable(A: Array, P0: Any) -> None:
    """Raise a ModelError where known moves (k, m, m) of stationary states have no stationary distribution."""
    worst = float(radius(A).max())
    if worst < STABLE:
        return
    if isinstance(P0, str):
        raise ModelError(
            f'StateSpace(P0="stationary"): A has an eigenvalue of modulus {worst:.6g}, so the state has no stationary '
            'distribution; all must be below 1. Write P0="diffuse", or values in m0 and P0.',
            slot="P0",
        )
    raise ModelError(
        f"StateSpace(P0={P0!r}): the block of A of the stationary states has an eigenvalue of modulus {worst:.6g}, so "
        "they have no stationary distribution; all must be below 1. Write 'diffuse' for them.",
        slot="P0",
    )


def _check_apart(model: Any, flat: Array) -> None:
    """Raise a ModelError where inputs or diffuse states (m,) move, or may move, stationary ones."""
    rng = np.random.default_rng(0)
    own, others = np.flatnonzero(~flat), np.flatnonzero(flat)
    crossing = model.slots["A"].somewhere(rng)[:, own[:, None], others].any(0)
    if crossing.any():
        i, j = np.argwhere(crossing)[0]
        raise ModelError(
            f"StateSpace(P0={written(model.P0)}): A moves state {others[j] + 1}, which is diffuse, into state "
            f"{own[i] + 1}, which so has no stationary distribution. Write A[{own[i]}, {others[j]}] = 0, or 'diffuse' "
            "for both.",
            slot="P0",
        )
    moved = model.slots["B"].somewhere(rng)[:, own].any((0, 2)) if "B" in model.slots else np.zeros(len(own), bool)
    if moved.any():
        i = own[moved.argmax()]
        raise ModelError(
            f"StateSpace(P0={written(model.P0)}): inputs move state {i + 1}, so it has no stationary distribution. "
            f"Write zeros in B[{i}], or 'diffuse' for that state.",
            slot="P0",
        )
