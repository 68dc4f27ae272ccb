"""The first state of a state space: a distribution of its own, fixed but unknown, stationary, or not known at all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from likely.core.named import counted
from likely.core.params import Params
from likely.core.patterns import Names
from likely.core.slot import Slot
from likely.core.written import Free, written
from likely.errors import ModelError
from likely.families.gaussian import LOG_2PI, check_collapse, maximise_gaussian
from likely.families.moments import Moments, outer, positive_definite
from likely.numerics.soft import Array
from likely.structures.state_settled import Settled
from likely.structures.state_sums import StateSums
from likely.structures.state_theta import MOVING, SHOWING, blocks_of, theta

STARTS = ("diffuse", "stationary")  # what may be said in words, of all states or of each
STABLE = 1 - 1e-12  # the largest modulus of an eigenvalue below which there is a stationary distribution


class Beginning:
    """A first state whose mean and covariance are slots."""

    settles: tuple[str, ...] = ()  # slots that are no slots here, as they follow from what is written
    fixed = False  # is the first state a parameter, not something hidden?
    held = False  # is it one that an M-step leaves as it is, so that the likelihood itself must be climbed?

    def __init__(self, slots: dict[str, Slot] | None = None):
        self.slots = slots or {}

    def bound(self, model: Any) -> Any:
        """The bound model as this beginning needs it; raises a ModelError where it cannot begin so."""
        return model

    def begun(self, params: Params) -> Params:
        """With the mean and covariance of the first state that follow from the rest."""
        return params

    def flat(self, m: int) -> Array:
        """(m,): which of the first states are diffuse."""
        return np.zeros(m, bool)

    def possible(self, params: Params) -> tuple[Params, Array | None]:
        """The parameters, with others for the members that have no such first state; which have (k,), None if all."""
        return params, None

    def completed(self, stats: StateSums, params: Params) -> StateSums:
        """With what the first state itself adds to the moments of moves and rows."""
        return stats

    def expected(self, model: Any, params: Params, stats: StateSums) -> Array:
        """(k,): the expected log density of first states."""
        return log_normal(stats.first, params.m0, params.P0)

    def maximised(self, model: Any, stats: StateSums, params: Params) -> Params:
        """The M-step."""
        new = equations_maximised(model, stats, params)
        return new.replace(**self._own(model, stats, params))

    def _own(self, model: Any, stats: StateSums, params: Params) -> dict[str, Array]:
        mean, spread = self.slots["m0"], self.slots["P0"]
        domain: Any = spread.domain
        if mean.fixed and spread.fixed:
            return {"m0": params.m0, "P0": params.P0}
        first, m = stats.first, params.m0.shape[1]
        if spread.prior is not None:
            first = first + spread.share * model.pretend("P0", spread.prior)

        size = spread.pool(np.einsum("kmm->km", stats.first.scatter + stats.state.scatter[:, -m:, -m:]))

        def estimate(scatter: Array, _before: Array | None) -> Array:
            if spread.fixed:
                return np.asarray(spread.known)
            own = spread.pool(scatter) / spread.pool(first.dof)[:, None, None]
            value = np.where(np.isnan(own), np.nan, domain.restrict(own))
            if model.moving.least == 0:
                check_collapse(first, spread, value)
                return value
            return _held(value, size, model.moving.least)

        m0, P0 = maximise_gaussian(first, mean, estimate, params.P0)
        return {n: np.where(np.isnan(new), params[n], new) for n, new in (("m0", m0), ("P0", _symmetric(P0)))}


class Fixed(Beginning):
    """A fixed first state: P0 is 0, and m0 is that state, known or to be estimated.

    It is a parameter of the moves and rows that follow it at once (Holmes 2013): the M-step finds it and the two
    equations in turn, until none moves. Where states have no noise the second state follows from the first, whatever
    that is: given the second, nothing moves it.
    """

    fixed = True

    def __init__(self, slots: dict[str, Slot] | None = None):
        super().__init__(slots)
        self.held = "m0" in self.slots and not self.slots["m0"].fixed and _singular(self.slots["Q"])

    def bound(self, model: Any) -> Any:
        zero = np.zeros((model.slots["P0"].k, *model.slots["P0"].event))
        slot = model.slots["P0"]
        return model._changed(
            slots={**model.slots, "P0": Slot(slot.name, slot.domain, slot.axes, slot.event, known=zero)}
        )

    def expected(self, model: Any, params: Params, stats: StateSums) -> Array:
        return np.zeros(len(params.m0))

    def completed(self, stats: StateSums, params: Params) -> StateSums:
        m0, k = params.m0, len(params.m0)
        rows = np.repeat(m0, len(stats.rows.weight) // k, 0)
        return StateSums(
            state=_behind(m0, stats.first_move) + stats.state, rows=_behind(rows, stats.first_rows) + stats.rows
        )

    def maximised(self, model: Any, stats: StateSums, params: Params) -> Params:
        found = Settled(self._first_state(model, stats, params))
        while True:
            m0 = found.guess
            params = equations_maximised(model, self.completed(stats, params.replace(m0=m0)), params).replace(m0=m0)
            if self.slots["m0"].fixed or self.held or found.settled(self._first_state(model, stats, params)):
                return params

    def _first_state(self, model: Any, stats: StateSums, params: Params) -> Array:
        """(k, m): least squares of the second states and the first rows on the first state."""
        slot = self.slots["m0"]
        if slot.fixed:
            return np.asarray(slot.known)
        if self.held:
            return params.m0
        k, m = params.m0.shape
        move, rows = stats.first_move, stats.first_rows
        each = len(rows.weight) // k
        precision = move.weight[:, None, None] * pseudo_inverse(params.Q)
        error = move.mean[:, -m:] - _rest(params, MOVING, move.mean[:, :-m])
        bottom = np.swapaxes(params.A, 1, 2) @ precision @ params.A
        top = _times(np.swapaxes(params.A, 1, 2) @ precision, error)
        d = params.C.shape[1]
        if each == 1:
            weight = rows.weight[:, None, None] * pseudo_inverse(params.R)
            error = rows.mean[:, -d:] - _rest(params, SHOWING, rows.mean[:, :-d])
        else:  # columns by themselves
            weight = rows.weight.reshape(k, d)[:, :, None] * pseudo_inverse(params.R)
            by_column = rows.mean.reshape(k, d, -1)
            u = by_column[:, :, :-1]
            shift = np.einsum("kdp,kdp->kd", params.D, u) if "D" in params else 0.0
            error = by_column[:, :, -1] - shift - params.d
        bottom = bottom + np.swapaxes(params.C, 1, 2) @ weight @ params.C
        top = top + _times(np.swapaxes(params.C, 1, 2) @ weight, error)
        return _solved(slot, bottom, top, params.m0)


class Diffuse(Beginning):
    """Nothing is known of the first state (de Jong 1991): no mean, no covariance, and nothing to estimate.

    Its density is the limit of a normal's whose variance v grows, times sqrt(v): 1 / sqrt(2 pi) for each state.
    """

    settles = ("m0", "P0")

    def flat(self, m: int) -> Array:
        return np.ones(m, bool)

    def begun(self, params: Params) -> Params:
        k, m, _ = params.A.shape
        return params.replace(m0=np.zeros((k, m)), P0=np.broadcast_to(np.where(np.eye(m) > 0, np.inf, 0.0), (k, m, m)))

    def expected(self, model: Any, params: Params, stats: StateSums) -> Array:
        return -0.5 * LOG_2PI * params.A.shape[1] * stats.first.weight

    def _own(self, model: Any, stats: StateSums, params: Params) -> dict[str, Array]:
        return {"m0": params.m0, "P0": params.P0}


class PartlyDiffuse(Diffuse):
    """Nothing is known of some of the first states; mean and covariance of the others are known."""

    def __init__(self, slots: dict[str, Slot] | None, m0: Array, P0: Array):
        super().__init__(slots)
        self.m0, self.P0 = m0, P0

    def flat(self, m: int) -> Array:
        return np.isinf(np.diagonal(self.P0))

    def begun(self, params: Params) -> Params:
        k, m, _ = params.A.shape
        return params.replace(m0=np.broadcast_to(self.m0, (k, m)), P0=np.broadcast_to(self.P0, (k, m, m)))

    def expected(self, model: Any, params: Params, stats: StateSums) -> Array:
        return log_partly(stats.first, params, self.flat(len(self.P0)))


def beginning_of(model: Any, slots: dict[str, Slot] | None = None) -> Beginning:
    """The beginning that is written in m0 and P0 of a model."""
    from likely.structures.state_stationary import Stationary

    m0, P0 = model.m0, model.P0
    words = words_of(model)
    if words:
        if not isinstance(m0, Free):
            raise ModelError(
                f"StateSpace.m0 = {written(m0)} beside P0={P0!r}, which says what the first state is; leave m0 out.",
                slot="m0",
            )
        return Diffuse(slots) if set(words) == {"diffuse"} else Stationary(slots, words)
    if isinstance(P0, np.ndarray) and np.isinf(P0).any():
        return _partly(model, slots)
    if isinstance(P0, float | int | np.ndarray) and not np.any(P0):
        return Fixed(slots)
    return Beginning(slots)


def words_of(model: Any) -> tuple[str, ...]:
    """What P0 says in words: of all states at once, or of each."""
    P0 = model.P0
    if isinstance(P0, str) and P0 in STARTS:
        return (P0,)
    if isinstance(P0, float) and math.isinf(P0) and P0 > 0:
        return ("diffuse",)
    if not isinstance(P0, Names) or not set(P0.cells) & set(STARTS):
        return ()
    if not set(P0.cells) <= set(STARTS):
        raise ModelError(
            f"StateSpace.P0 = {P0!r}: of each state it says 'diffuse' or 'stationary', and nothing else beside these. "
            "Where a covariance of other states is known, write the matrix, with infinite variances of diffuse states.",
            slot="P0",
        )
    if isinstance(model.size, int) and P0.shape != (model.size,):
        raise ModelError(
            f"StateSpace.P0 = {P0!r} speaks of {counted(P0.shape[0], 'state')}, and there are "
            f"{written(model.size)}; write one word for each.",
            slot="P0",
        )
    return P0.cells


def _partly(model: Any, slots: dict[str, Slot] | None) -> Beginning:
    P0, m = np.asarray(model.P0), model.size
    m0 = np.zeros(m) if isinstance(model.m0, Free) else np.asarray(model.m0, float)
    diffuse = np.isinf(np.diagonal(P0)) if P0.shape == (m, m) else np.zeros(m, bool)
    rest = P0.copy()
    rest[diffuse, diffuse] = 0.0
    finite = P0.shape == (m, m) and np.isfinite(rest).all() and (np.diagonal(P0) >= 0).all()
    if (
        not finite
        or rest[diffuse].any()
        or rest[:, diffuse].any()
        or np.linalg.eigvalsh(rest)[0] < -1e-12 * np.abs(rest).max()
    ):
        raise ModelError(
            f"StateSpace.P0 = {P0.tolist()}: infinite variances stand on the diagonal of a matrix ({m}, {m}), with "
            "zeros beside them, and the other states have a covariance.",
            slot="P0",
        )
    if np.shape(m0) != (m,) or not np.isfinite(m0).all() or m0[diffuse].any():
        raise ModelError(
            f"StateSpace.m0 = {m0.tolist()} beside infinite variances in P0: one known number for each of {m} states "
            "is needed, 0 for the diffuse ones.",
            slot="m0",
        )
    return PartlyDiffuse(slots, m0, P0)


def equations_maximised(model: Any, stats: StateSums, params: Params) -> Params:
    """Both regressions at their maxima; the first state as it was."""
    moves, Q = model.moving.maximise(stats.state, theta(params, MOVING), params.Q)
    shows, R = model.showing.maximise(stats.rows, theta(params, SHOWING), params.R)
    return params.replace(
        Q=_symmetric(Q), R=_symmetric(R), **blocks_of(moves, MOVING, params), **blocks_of(shows, SHOWING, params)
    )


def _symmetric(covariance: Array) -> Array:
    """Without what rounding makes of a small entry on one side only."""
    return 0.5 * (covariance + np.swapaxes(covariance, 1, 2))


def _held(value: Array, size: Array, least: float) -> Array:
    """Covariances (k, m, m) with eigenvalues of `least` at least, in units of the squares (k, m) of the states."""
    sd = np.sqrt(np.where(size > 0, size, 1.0))
    part = value / outer(sd)
    if np.isnan(part).any() or positive_definite(part - 0.5 * least * np.eye(part.shape[1])).all():
        return value
    share, axes = np.linalg.eigh(part)
    return (axes * np.maximum(share, least)[:, None]) @ np.swapaxes(axes, 1, 2) * outer(sd)


def _singular(slot: Slot) -> bool:
    """Does the slot leave some directions without noise, whatever is estimated?"""
    r = slot.event[0]
    domain: Any = slot.domain
    some = domain.example(r)[None] if slot.known is None else slot.known
    return bool((np.linalg.matrix_rank(some, hermitian=True) < r).any())


def _behind(m0: Array, others: Moments) -> Moments:
    """Moments of (a fixed first state, others)."""
    m = m0.shape[1]
    scatter = np.zeros((len(m0), *(m + np.array(others.scatter.shape[1:]))))
    scatter[:, m:, m:] = others.scatter
    return Moments(others.weight, others.dof, np.concatenate([m0, others.mean], 1), scatter)


def _rest(params: Params, names: tuple[str, ...], u: Array) -> Array:
    """(k, r): what inputs (k, p) and intercept say of a response."""
    _, inputs, level = names
    return params[level] + (_times(params[inputs], u) if inputs in params else 0.0)


def _times(matrices: Array, vectors: Array) -> Array:
    return (matrices @ vectors[:, :, None])[:, :, 0]


def pseudo_inverse(covariance: Array) -> Array:
    """Pseudo-inverses: directions without noise say nothing."""
    return np.linalg.pinv(covariance, rcond=1e-13, hermitian=True)


def _solved(slot: Slot, bottom: Array, top: Array, before: Array) -> Array:
    """The first states (k, m) of highest expected log density + log prior, under their slot."""
    bottom, top = slot.pool(bottom), slot.pool(top)
    if slot.prior is not None:
        q = slot.prior.known_params()
        certainty = (1 / q.variance).reshape(before.shape)
        bottom = bottom + certainty[:, :, None] * np.eye(before.shape[1])
        top = top + certainty * q.mean.reshape(before.shape)
    domain: Any = slot.domain
    directions = getattr(domain, "directions", None)
    if directions is not None:
        base = domain.base
        inner = directions @ bottom @ directions.T
        beta = np.linalg.solve(
            inner, ((top - _times(bottom, np.broadcast_to(base, before.shape))) @ directions.T)[:, :, None]
        )
        return base + beta[:, :, 0] @ directions
    out = before.copy() if slot.known is None else np.where(np.isnan(slot.known), before, slot.known)
    free = np.ones(before.shape, bool) if slot.known is None else np.isnan(slot.known)
    for i, some in enumerate(free):
        push = top[i] - bottom[i][:, ~some] @ out[i, ~some]
        out[i, some] = np.linalg.lstsq(bottom[i][np.ix_(some, some)], push[some], rcond=1e-13)[0]
    return out


def log_partly(first: Moments, params: Params, flat: Array) -> Array:
    """(k,): expected log density of moments of first states, of which those that are flat (m,) are diffuse."""
    own = np.flatnonzero(~flat)
    kept = Moments(first.weight, first.dof, first.mean[:, own], first.scatter[:, own[:, None], own])
    return log_normal(kept, params.m0[:, own], params.P0[:, own[:, None], own]) - (
        0.5 * LOG_2PI * flat.sum() * first.weight
    )


def log_normal(first: Moments, mean: Array, covariance: Array) -> Array:
    """(k,): expected log density of moments, on the range of a covariance that may be singular."""
    size, axes = np.linalg.eigh(covariance)
    some = size > 1e-13 * np.maximum(size[:, -1:], 0.0)
    safe = np.where(some, size, 1.0)
    along = np.einsum("kji,kji->ki", first.about(mean) @ axes, axes)
    square = np.where(some, along / safe, 0.0).sum(1)
    return -0.5 * (first.weight * some.sum(1) * LOG_2PI + first.dof * np.log(safe).sum(1) + square)
