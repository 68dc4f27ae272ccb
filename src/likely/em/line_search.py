"""Search between old and new parameters, for families whose M-steps are not enough.

Where an E-step is approximate (the extended Kalman filter) the M-step maximises something that is no bound of the
objective, and may lower it. Where rows have no noise (moving averages) it leaves some of what is free as it is. Steps
are then shortened until they climb; a step that climbs at no length is taken block by block; and the end is a
quasi-Newton climb of the objective itself, which alone can say that it has converged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from likely.core.data import Data
from likely.core.domains import PositiveDefinite
from likely.core.family import Family
from likely.core.params import Params
from likely.em.bank import bank_of, coordinates, laid_out
from likely.em.loop import Step
from likely.em.outcome import Outcome
from likely.em.stopping import Settling, enough
from likely.errors import Degenerate
from likely.numerics.soft import Array

SHORTER = tuple(2.0**-i for i in range(7))  # 1, 1/2, ..., 1/64
LONGER = (2.0, 1.5)  # tried beside them, in free coordinates, when steps may be accelerated
EAGER = 0.1  # nats: an accelerated search that gains less leaves EM to the quasi-Newton climb
TOGETHER = 256  # trials in one call
NEAR, WIDER = 1e-4, 10  # steps of differences, in units of a coordinate; those of second derivatives are wider
CURVED = 24  # free parameters up to which the climb takes all second derivatives
COLLAPSED, COLLAPSING = 1e-8, 1e-4  # of a variance where the climb began; nats that a step still gained there
PATIENCE = 100  # steps that rise so before the objective is taken to have no maximum
FLAT = 1e-8  # of the largest curvature: what is below it is not told by the data
LENGTHS = (1.0, 2.0, 4.0, 16.0, 0.5, 0.25, 0.1, 0.03, 0.01, 1e-3, 1e-4)


@dataclass
class LineSearch:
    """Proposes only what climbs: steps of EM at some length, single blocks, then a quasi-Newton climb.

    Parameters
    ----------
    engine : Engine        holds the data
    tol : float            as for `em`
    accelerate : bool      try longer steps too, and leave EM early
    temperature : float    as for `em`
    """

    engine: Any
    tol: float
    accelerate: bool = True
    temperature: float = 1.0
    ended: Outcome | None = None  # how the run ends, once it does
    climbing: bool = False  # has EM been left?
    settling: Settling = field(init=False)
    climb: Climber | None = None
    before: float = -np.inf  # objective of the step before
    began: Params | None = None  # where the climb did
    vanished: int = 0  # steps in a row that rose with a covariance that had all but vanished
    lengths: list[float] = field(default_factory=list)  # of EM's steps that were taken; 0 is a block alone

    def __post_init__(self) -> None:
        self.settling = Settling(self.tol)

    def propose(self, family: Family, step: Step) -> tuple[Params, str]:
        """The next parameters, and "line search", "block" or "quasi-newton"; the same where the run has ended."""
        if not self.climbing:
            found = None if self._slow(step) else self._searched(family, step)
            if found is not None:
                self.before = step.objective
                return found
            self.climbing = True
        if self.climb is None:
            self.climb = Climber(family, self._trials(family, step), self.tol)
            self.began = step.params
        rises = step.objective - self.before > COLLAPSING
        self.vanished = self.vanished + 1 if rises and vanishing(family, step.params, self.began) else 0
        if self.vanished > PATIENCE:  # at a maximum on the edge the others settle long before
            require_noise(family, step.params, self.began)
        found, self.ended = self.climb.next(step)
        self.before = step.objective
        return found, "quasi-newton"

    def judge(self, accepted: bool, tried: Step) -> None:
        """What was proposed climbs already; the loop only confirms."""

    def _trials(self, family: Family, step: Step) -> Trials:
        return Trials(family, self.engine, step.params, self.temperature)

    def _slow(self, step: Step) -> bool:
        """Is there too little left for EM to gain?"""
        gain = step.objective - self.before
        if not np.isfinite(gain):
            return False
        _, settled = self.settling.update(gain, step.rounding)
        return settled is not None or (self.accelerate and self.tol > 0 and gain < EAGER)

    def _searched(self, family: Family, step: Step) -> tuple[Params, str] | None:
        try:
            new = family.maximize(step.stats, step.params)
        except Degenerate:
            if family.flatten(step.params).size == 0:
                raise
            return None
        trials, old = self._trials(family, step), step.params
        candidates = [between(old, new, a) for a in SHORTER]
        lengths = list(SHORTER)
        if self.accelerate:
            for a in LONGER:
                longer = _beyond(family, old, new, a)
                if longer is not None:
                    candidates.append(longer)
                    lengths.append(a)
        heights = trials.of(candidates)
        best = self._chosen(heights, step)
        if best is not None:
            self.lengths.append(lengths[best])
            return candidates[best], "line search"
        return self._by_block(trials, old, new, step)

    def _chosen(self, heights: Array, step: Step) -> int | None:
        """The best of all lengths, or without acceleration the longest that does not lower the objective."""
        climbs = heights >= step.objective - step.rounding
        if not climbs.any():
            return None
        return int(heights.argmax()) if self.accelerate else int(climbs.argmax())

    def _by_block(self, trials: Trials, old: Params, new: Params, step: Step) -> tuple[Params, str] | None:
        """One slot of the model moved alone."""
        each = [n for n in old if isinstance(old[n], Params) or not np.array_equal(old[n], new[n])]
        candidates = [old.replace(**{n: between(old[n], new[n], a)}) for n in each for a in SHORTER]
        if not candidates:
            return None
        heights = trials.of(candidates)
        best = int(heights.argmax())
        if not heights[best] > step.objective + step.rounding:
            return None
        self.lengths.append(0.0)
        return candidates[best], "block"


def vanishing(family: Family, params: Params, began: Any) -> bool:
    """Has a covariance all but vanished since the climb began?"""
    try:
        require_noise(family, params, began)
    except Degenerate:
        return True
    return False


def require_noise(family: Family, params: Params, began: Any) -> None:
    """Raise Degenerate where a covariance has all but vanished."""
    for name, slot in family.slots.items():
        if slot.fixed or not isinstance(slot.domain, PositiveDefinite):
            continue
        now, before = (np.einsum("kii->ki", p[name]) for p in (params, began))
        gone = (now < COLLAPSED * before).any(1)
        if gone.any():
            raise Degenerate(
                f"its {name} fell to zero", members=np.flatnonzero(gone).tolist(),
                cure=f"Give {name} a value, or a prior.",
            )  # fmt: skip
    for name, part in family.parts().items():
        require_noise(part, params[name], began[name])


def between(old: Any, new: Any, a: float) -> Any:
    """(1 - a) old + a new: covariances stay positive, simplices sum to one, and what is known stays."""
    if a == 1:
        return new
    if isinstance(old, Params):
        return Params(**{n: between(old[n], new[n], a) for n in old})
    return (1 - a) * old + a * new


def _beyond(family: Family, old: Params, new: Params, a: float) -> Params | None:
    """Further than the M-step, in free coordinates, where every point is possible."""
    with np.errstate(all="ignore"):
        start, end = family.flatten(old), family.flatten(new)
        if len(start) != len(end) or not np.isfinite(end - start).all():
            return None
        return family.unflatten(start + a * (end - start), new)


@dataclass
class Trials:
    """The objective at many parameters of one family in as few passes as can be."""

    family: Family
    engine: Any
    like: Params
    temperature: float = 1.0
    _banks: dict[int, Family] = field(default_factory=dict, repr=False)

    def of(self, candidates: Sequence[Params]) -> Array:
        """Log-likelihood + log prior of each; -inf where there is none."""
        some = (candidates[i : i + TOGETHER] for i in range(0, len(candidates), TOGETHER))
        return np.concatenate([self._heights(self._bank(len(few)), Params.concatenate(few), len(few)) for few in some])

    def at(self, u: Array) -> Array:
        """The same at free coordinates (trials, q)."""
        sizes, heights = coordinates(self.family, self.like), []
        with np.errstate(all="ignore"):
            for i in range(0, len(u), TOGETHER):
                few = u[i : i + TOGETHER]
                bank, like = self._bank(len(few)), Params.concatenate([self.like] * len(few))
                heights.append(self._heights(bank, bank.unflatten(laid_out(few, sizes), like), len(few)))
        return np.concatenate(heights)

    def _bank(self, models: int) -> Family:
        if models not in self._banks:
            self._banks[models] = bank_of(self.family, models)
        return self._banks[models]

    def _heights(self, bank: Family, params: Params, models: int) -> Array:
        def work(chunk: Data) -> Array:
            w = np.asarray(chunk.weight_column())
            log_prob = bank.infer(params, chunk, self.temperature).log_prob
            return np.where(w > 0, w * log_prob, 0.0).sum(0)

        with np.errstate(all="ignore"):
            total = sum(self.engine.map(work), np.zeros(models))
            total = total + bank.log_priors(params, models)
        return np.where(np.isfinite(total), total, -np.inf)


@dataclass
class Climber:
    """Newton's method in free coordinates, by differences of the objective, many points in one call.

    Of many parameters it is BFGS, which begins with the second derivatives along coordinates. The curvature is worked
    out afresh before a run ends: it has converged where half the square of the gradient in that metric, which is what a
    quadratic function has left to gain, is within the tolerance.
    """

    family: Family
    trials: Trials
    tol: float
    metric: Array | None = None  # (q, q): inverse curvature
    fresh: bool = False  # was it worked out here?
    last: tuple[Array, Array] | None = None  # where the last step began, and the gradient there

    def next(self, step: Step) -> tuple[Params, Outcome | None]:
        """Where the climb goes on, or how it ends."""
        self.trials.like = step.params
        u = self.family.flatten(step.params)
        if len(u) == 0:
            return step.params, Outcome.converged
        gradient, bend = self._slopes(u, step.objective, whole=len(u) <= CURVED)
        if not np.isfinite(gradient).all():
            return step.params, Outcome.stalled
        self._learn(u, gradient)
        if self.metric is None or len(u) <= CURVED:  # all second derivatives come in the call for the gradient
            self._look(bend)
        while True:
            assert self.metric is not None
            direction = self.metric @ gradient
            left = 0.5 * float(gradient @ direction)
            low = max(enough(self.tol), step.rounding)
            found = None if left <= low else self._searched(u, direction, step)
            if found is not None:
                self.last, self.fresh = (u, gradient), False
                return found, None
            if self.fresh:
                return step.params, Outcome.converged if left <= low else Outcome.stalled
            self._look(bend)

    def _searched(self, u: Array, direction: Array, step: Step) -> Params | None:
        heights = self.trials.at(u + np.array(LENGTHS)[:, None] * direction)
        best = int(heights.argmax())
        if not heights[best] > step.objective + step.rounding:
            return None
        return self.family.unflatten(u + LENGTHS[best] * direction, self.trials.like)

    def _slopes(self, u: Array, height: float, *, whole: bool) -> tuple[Array, Array]:
        """(q,) central differences, and minus the second derivatives: all (q, q), or those along coordinates (q,)."""
        q, h = len(u), NEAR * np.maximum(1.0, np.abs(u))
        near, corners = np.diag(h), WIDER * self._corners(h) if whole else np.zeros((0, q))
        steps = np.concatenate([near, corners])
        heights = self.trials.at(np.concatenate([u + steps, u - steps]))
        ahead, behind = heights[: len(steps)], heights[len(steps) :]
        with np.errstate(invalid="ignore"):
            gradient, bend = (ahead - behind)[:q] / (2 * h), 2 * height - ahead - behind
            return gradient, self._curvature(bend[q:], WIDER * h) if whole else bend / h**2

    @staticmethod
    def _corners(h: Array) -> Array:
        """Steps along each coordinate, and along each two of them."""
        i, j = np.triu_indices(len(h), 1)
        each = np.diag(h)
        return np.concatenate([each, each[i] + each[j]])

    @staticmethod
    def _curvature(bend: Array, h: Array) -> Array:
        """(q, q) from second differences along corners."""
        q = len(h)
        i, j = np.triu_indices(q, 1)
        out = np.diag(bend[:q] / h**2)
        out[i, j] = out[j, i] = 0.5 * (bend[q:] - bend[i] - bend[j]) / (h[i] * h[j])
        return np.where(np.isfinite(out), out, 0.0)

    def _look(self, bend: Array) -> None:
        """The inverse curvature here, every eigenvalue made positive."""
        if bend.ndim == 1:
            size = np.abs(np.where(np.isfinite(bend) & (bend != 0), bend, 1.0))
            self.metric = np.diag(1 / np.maximum(size, FLAT * size.max()))
        else:
            self.metric = _inverse(bend)
        self.fresh, self.last = True, None

    def _learn(self, u: Array, gradient: Array) -> None:
        """The BFGS update of the metric from the last step."""
        if self.last is None or self.metric is None:
            return
        s, y = u - self.last[0], self.last[1] - gradient
        sy = float(s @ y)
        if len(s) != len(self.metric) or sy <= 1e-12 * np.linalg.norm(s) * np.linalg.norm(y):
            return
        v = np.eye(len(u)) - np.outer(s, y) / sy
        self.metric = v @ self.metric @ v.T + np.outer(s, s) / sy


def _inverse(curvature: Array) -> Array:
    """The inverse in which every direction goes uphill; flat directions are as flat as rounding can tell."""
    scale = np.sqrt(np.maximum(np.abs(np.diag(curvature)), FLAT * np.abs(np.diag(curvature)).max() + 1e-300))
    size, axes = np.linalg.eigh(curvature / np.outer(scale, scale))
    size = np.maximum(np.abs(size), FLAT * np.abs(size).max())
    return (axes / size) @ axes.T / np.outer(scale, scale)
