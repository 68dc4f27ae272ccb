"""Acceleration: extrapolation of the expected statistics, so that constraints and priors hold by construction.

An EM map in the space of packed statistics is x -> G(x): the M-step at statistics x, then the E-step. All proposals
here are affine combinations of points of that space, so ties, known values and sums survive; only inequalities can
break, and those are asked (`valid`). The loop guards: a proposal that lowers the objective is thrown away.

Far from a maximum SQUAREM (Varadhan & Roland 2008, step S3) walks curved ridges well; near it Anderson acceleration
(type II, as in Henderson & Varadhan 2019) is unbeatable. Where both are at a loss, as in state spaces that are all but
free of noise, BFGS climbs in free coordinates; Newton's method does where values are not identified or BFGS has led
nowhere. Convergence itself is left to plain EM steps: when any of them sees next to nothing left to gain, plain steps
confirm it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from likely.core.family import Family
from likely.core.params import Params
from likely.em.loop import Step
from likely.em.newton import Newton
from likely.em.outcome import Outcome
from likely.em.quasi_newton import QuasiNewton
from likely.em.stopping import enough
from likely.errors import Degenerate
from likely.numerics.soft import Array

WARM = 10  # plain steps first: an accelerator should not choose the basin
SMALL_CYCLE = 1.0  # nats: a SQUAREM cycle that gains less hands over to Anderson
MEMORY = 10  # points that Anderson remembers beside the latest
ROOM = 2**23  # numbers in these points: fewer are remembered where statistics are huge, but never fewer than two
CONDITION = 1e6  # of its least-squares problem; older points are dropped above it
LONGEST_HOLD = 4  # cycles of SQUAREM before Anderson is tried again, at most
STRIKES = 2  # rejected proposals in a row that send Anderson back to SQUAREM
CONFIRM = 8  # plain steps that confirm; then acceleration resumes
LOST = 3  # proposals rejected or not feasible after which BFGS is tried
PATIENCE = 40  # passes of acceleration after which it is tried in any case
PART = 0.1  # of the passes so far: so many it may take to measure a curvature where the model is identified
CRAWL = 0.02  # nats: a climb by Newton's method that gains less and has not arrived is stalled
RECENT = 8  # steps from which it learns when it begins
SHORTER = 5  # times a proposal is shortened towards the EM point before it is given up


@dataclass
class Squarem:
    """x0, G(x0), G(G(x0)) to x0 + 2 a r + a^2 v with a = |r| / |v|."""

    longest: float = 4.0  # the step length may grow while it proves itself
    length: float = 1.0
    before: Array | None = None  # x0, once its successor is known

    def extrapolate(self, x: Array, gx: Array) -> Array | None:
        """A proposal from two EM steps in a row; None after the first of them."""
        if self.before is None:
            self.before = x
            return None
        r = x - self.before
        v = gx - x - r
        size = np.linalg.norm(v)
        start, self.before = self.before, None
        self.length = min(float(np.linalg.norm(r) / size), self.longest) if size > 0 else 1.0
        return start + 2 * self.length * r + self.length**2 * v if self.length > 1 else None

    def judge(self, accepted: bool) -> None:
        """A longest step that was kept may grow; one that was not shrinks."""
        if not accepted:
            self.longest = max(2.0, self.longest / 4)
        elif self.length == self.longest:
            self.longest *= 4
        self.before = None


@dataclass
class Anderson:
    """The affine combination of remembered EM points whose combined residual is smallest."""

    points: list[Array] = field(default_factory=list)
    residuals: list[Array] = field(default_factory=list)
    strikes: int = 0

    def extrapolate(self, x: Array, gx: Array) -> Array | None:
        """A proposal from all remembered points; None while there is only one."""
        kept = 1 + max(2, min(MEMORY, ROOM // x.size))
        self.points, self.residuals = [*self.points, x][-kept:], [*self.residuals, gx - x][-kept:]
        while len(self.points) > 1:
            dx, df = np.diff(self.points, axis=0), np.diff(self.residuals, axis=0)
            size = np.linalg.norm(df, axis=1)
            size = np.where(size > 0, size, 1.0)
            q, r = np.linalg.qr((df / size[:, None]).T)
            diagonal = np.abs(np.diag(r))
            if df.shape[1] >= df.shape[0] and diagonal.min() * CONDITION > diagonal.max():
                gamma = np.linalg.solve(r, self.residuals[-1] @ q) / size
                return gx - gamma @ dx - gamma @ df
            self.points, self.residuals = self.points[1:], self.residuals[1:]
        return None

    def judge(self, accepted: bool) -> None:
        """Rejections in a row are counted."""
        self.strikes = 0 if accepted else self.strikes + 1


@dataclass
class Accelerated:
    """Proposes what to evaluate next: plain steps, SQUAREM, Anderson, a climb where they crawl, plain steps again."""

    tol: float
    ended: Outcome | None = None  # it leaves that to the loop, but where climbs find nothing left to gain, or no way
    method: Squarem | Anderson = field(default_factory=Squarem)
    plain_left: int = WARM  # plain steps still to come before the next extrapolation
    hold: int = 1  # SQUAREM cycles before Anderson may take over
    sentence: int = 2  # the same after Anderson has failed; it doubles
    origin: Any = None  # statistics that set the units
    latest: Array | None = None  # packed statistics whose M-step gave the parameters of the step in hand
    source: Any = None  # the same, not packed
    pending: tuple[Array, Any] | None = None  # those of the proposal being evaluated
    cycle: float = -np.inf  # objective when the current SQUAREM cycle began
    height: float = -np.inf  # objective of the step before
    recent: list[Step] = field(default_factory=list)  # what the last passes brought
    lost: int = 0  # proposals that were rejected or not feasible
    spent: int = 0  # passes of SQUAREM and Anderson
    climb: QuasiNewton | Newton | None = None  # while it goes on
    top: float = -np.inf  # objective where the last climb ended
    arrived: bool = False  # did that find nothing left to gain?
    barred: bool = False  # does a climb lead nowhere here?

    def propose(self, family: Family, step: Step) -> tuple[Params, str]:
        """The next parameters, and "em", "squarem", "anderson", "quasi-newton" or "newton"."""
        if self.pending is not None:  # the last proposal was kept
            (self.latest, self.source), self.pending = self.pending, None
        if self.climb is not None:
            return self._climbed(family, step)
        if self.plain_left > 0 or self._soon(step):
            self.plain_left = max(self.plain_left - 1, 0)
            return self._plain(family, step)
        if self._crawls(family, step):
            return self._climbed(family, step)
        if self.origin is None:
            self.origin, self.latest, self.source = step.stats, None, None
        return self._extrapolated(family, step) or self._plain(family, step)

    def judge(self, accepted: bool, tried: Step) -> None:
        """Told whether the proposal was kept."""
        if np.isfinite(tried.objective):
            self.recent = [*self.recent[1 - RECENT :], tried]
        if self.climb is not None:
            if tried.kind != "em":
                self.climb.judge(accepted, tried)
            return
        self.spent += self.origin is not None
        if tried.kind != "em":
            self.method.judge(accepted)
        if accepted:
            return
        if tried.kind == "em" and self.arrived and self.top - tried.objective < enough(self.tol):
            self.ended = Outcome.rounding_floor  # the loop would call it a fall
        self.lost += 1
        self.pending, self.plain_left = None, 1
        if isinstance(self.method, Anderson) and self.method.strikes >= STRIKES:
            self.method, self.hold = Squarem(), self.sentence
            self.sentence = min(2 * self.sentence, LONGEST_HOLD)

    def _crawls(self, family: Family, step: Step) -> bool:
        """Does extrapolation not get on, and can a climb begin? Without a tolerance there is no end to lead to."""
        if self.barred or self.tol <= 0 or (self.lost < LOST and self.spent < PATIENCE):
            return False
        few = PART * step.passes if np.isfinite(self.top) else 0
        self.climb = Newton.begin(self.tol, family, step, few)
        self.climb = self.climb or QuasiNewton.begin(self.tol, family, step, self.recent)
        self.barred = self.climb is None
        return not self.barred

    def _climbed(self, family: Family, step: Step) -> tuple[Params, str]:
        """A step of a climb. At its end plain steps confirm, and if they do not end the run another climb begins.

        It is over when a climb, with the plain steps before it, gained next to nothing.
        """
        assert self.climb is not None
        found = self.climb.propose(step.rounding)
        if found is not None:
            return found, "newton" if isinstance(self.climb, Newton) else "quasi-newton"
        gained = step.objective - self.top
        self.arrived, little = self.climb.arrived, gained < enough(self.tol)
        if little and self.arrived:
            return self._over(step)
        if isinstance(self.climb, Newton) and gained < CRAWL and self.climb.crawls:
            self.ended = Outcome.stalled
            return step.params, "em"
        self.barred, self.top = little, step.objective
        self.climb, self.latest, self.spent = None, None, PATIENCE
        self._confirm()
        return self._plain(family, step)

    def _over(self, step: Step) -> tuple[Params, str]:
        self.ended = Outcome.converged if step.rounding < enough(self.tol) else Outcome.rounding_floor
        return step.params, "em"

    def _soon(self, step: Step) -> bool:
        """Will plain steps be within the tolerance before an extrapolation could be confirmed?

        After a gain g, a remaining gain of g a / (1 - a) gives the factor a by which the gains shrink.
        """
        gain, self.height = step.objective - self.height, step.objective
        if step.gain_left is None or not 0 < gain < np.inf or self.tol <= 0:
            return False
        factor = step.gain_left / (gain + step.gain_left)
        return step.gain_left * factor**CONFIRM < enough(self.tol)

    def _plain(self, family: Family, step: Step) -> tuple[Params, str]:
        try:
            params = family.maximize(step.stats, step.params)
        except Degenerate:
            if not self.arrived or self.tol == 0:
                raise
            return self._over(step)  # a variance is 0 to rounding, and nothing is left to gain
        if self.origin is not None:
            self.pending = (step.stats.pack(self.origin), step.stats)
        return params, "em"

    def _extrapolated(self, family: Family, step: Step) -> tuple[Params, str] | None:
        gx = step.stats.pack(self.origin)
        if self.latest is None or len(self.latest) != len(gx):
            return None
        fresh = isinstance(self.method, Squarem) and self.method.before is None
        proposal = self.method.extrapolate(self.latest, gx)
        if fresh:
            self._hand_over(step)
        if proposal is None:
            return None
        found = self._feasible(family, step, proposal, self.latest, gx)
        if found is None:
            self.method.judge(False)
            self.lost += 1
            return None
        params, x, stats = found
        kind = type(self.method).__name__.lower()
        self.pending = (x, stats)
        if isinstance(self.method, Anderson) and self._nothing_left(self.method, family, step, params):
            self._confirm()
        return params, kind

    def _hand_over(self, step: Step) -> None:
        """At the beginning of a SQUAREM cycle: did the last one gain enough to go on like this?"""
        gained, self.cycle = step.objective - self.cycle, step.objective
        self.hold -= 1
        if gained < SMALL_CYCLE and self.hold < 0:
            self.method = Anderson()

    def _feasible(
        self, family: Family, step: Step, proposal: Array, x: Array, gx: Array
    ) -> tuple[Params, Array, Any] | None:
        """Parameters at the proposal, shortened towards the EM point until its statistics are possible.

        Counts may shrink tenfold at most: a component must die under plain EM, not by extrapolation.
        """
        least = np.where(self.origin.positive(), 0.1 * np.minimum(gx, x), -np.inf)
        for _ in range(SHORTER):
            stats, _ = self.origin.unpack(proposal, step.stats)
            try:
                if np.isfinite(proposal).all() and (proposal >= least).all() and stats.valid():
                    return family.maximize(stats, step.params), proposal, stats
            except (Degenerate, np.linalg.LinAlgError):
                pass
            proposal = gx + 0.5 * (proposal - gx)
        return None

    def _nothing_left(self, method: Anderson, family: Family, step: Step, new: Params) -> bool:
        """Is the gain that the proposal promises below the tolerance?

        To second order it is half the residual in statistics times the step in natural parameters, which Q alone gives:
        1/2 [Q(new, S) - Q(old, S) - Q(new, S0) + Q(old, S0)] for statistics S at the old parameters and S0 that made
        them.
        """
        if len(method.points) < 3:
            return False

        def q(params: Params, stats: Any) -> float:
            return float(family.expected_log_density(params, stats).sum())

        old = step.params
        promised = 0.5 * (q(new, step.stats) - q(old, step.stats) - q(new, self.source) + q(old, self.source))
        return abs(promised) < max(enough(self.tol), step.rounding)

    def _confirm(self) -> None:
        """Plain steps for a while, from the proposal in hand; if they do not end the run, acceleration begins anew."""
        self.plain_left, self.method, self.origin, self.pending = CONFIRM, Anderson(), None, None
