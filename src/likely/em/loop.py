"""The loop, as a generator of steps: progress bars, traces, checkpoints and tests all consume it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from likely.core.family import Family
from likely.core.params import Params
from likely.em.outcome import Outcome
from likely.em.resolution import is_rounding
from likely.em.stopping import Settling, rounding_of
from likely.engines.local import Pass
from likely.errors import Degenerate


class Engine(Protocol):
    """Where passes run: threads here, machines elsewhere."""

    def evaluate(self, family: Family, params: Params, temperature: float = 1.0) -> Pass:
        """One E-step."""
        ...

    def place(self, row: int) -> str:
        """A row in words."""
        ...


@dataclass(frozen=True)
class Step:
    """Parameters, and the objective *at those parameters*; the last step of a run says how it ended."""

    passes: int
    params: Params
    objective: float
    log_likelihood: float
    stats: Any = field(repr=False)
    kind: str  # "start", "em", or the name of an accelerator's proposal
    gain_left: float | None = None  # nats still to be gained, where it can be told
    outcome: Outcome | None = None
    items: float = 0.0  # how many (by weight) the log-likelihood is a sum over

    @property
    def rounding(self) -> float:
        """What the objective cannot resolve."""
        return rounding_of(self.objective, self.items)

    def ending(self, outcome: Outcome, passes: int | None = None) -> Step:
        """The same step as the last of its run."""
        return replace(self, outcome=outcome, passes=passes or self.passes)


class Proposer(Protocol):
    """Chooses the next parameters from the steps so far. Plain EM is one; accelerators are others.

    `ended` says how the run ends where the proposer itself can tell; the loop can only of plain steps.
    """

    ended: Outcome | None

    def propose(self, family: Family, step: Step) -> tuple[Params, str]:
        """The next parameters to evaluate, and what to call them."""
        ...

    def judge(self, accepted: bool, tried: Step) -> None:
        """Told whether the proposal was kept, and what the pass at it brought."""
        ...


class PlainEM:
    """The M-step as it stands."""

    ended: Outcome | None = None

    def propose(self, family: Family, step: Step) -> tuple[Params, str]:
        return family.maximize(step.stats, step.params), "em"

    def judge(self, accepted: bool, tried: Step) -> None:
        return None


def em(
    family: Family,
    engine: Engine,
    begin: Params | Step,
    *,
    tol: float = 1e-3,
    max_passes: int = 10_000,
    temperature: float = 1.0,
    proposer: Proposer | None = None,
) -> Iterator[Step]:
    """Expectation and maximisation; every yielded step is the best so far.

    Parameters
    ----------
    family : Family            bound
    engine : Engine            holds the data
    begin : Params or Step     parameters that respect known and tied slots; or the step of another run to go on from,
                               which is yielded first as it is
    tol : float                stop when the estimated distance to the maximum is below this many standard errors
    max_passes : int           passes over the data (E-steps), the unit of cost
    temperature : float        1 is EM, 0 is hard EM, between is annealing
    proposer : Proposer        plain EM unless given

    Yields
    ------
    Step      one for each pass that was kept; the last one has an outcome

    Raises
    ------
    Degenerate      a component collapsed, or a row became impossible
    """
    proposer = proposer or PlainEM()
    settling = Settling(tol)
    step = begin if isinstance(begin, Step) else _evaluate(family, engine, begin, 1, temperature, "start")
    while step.passes < max_passes:
        yield step
        candidate, kind = proposer.propose(family, step)
        if proposer.ended is not None:
            yield step.ending(proposer.ended)
            return
        new = _risk(family, engine, candidate, step, temperature, kind)
        gain, rounding = new.objective - step.objective, step.rounding
        fell = not gain >= -rounding
        proposer.judge(not fell, new)
        if fell and kind == "em":
            rounded = is_rounding(family, engine, step.params, step.objective, new.objective, temperature)
            fallen = Outcome.rounding_floor if rounded else Outcome.decreased
            yield step.ending(proposer.ended or fallen, new.passes)
            return
        if fell:
            step = replace(step, passes=new.passes, kind="rejected")
            continue
        if kind != "em":
            settling, step = Settling(tol), new
            continue
        remaining, outcome = settling.update(gain, rounding)
        step = replace(new, gain_left=remaining)
        if outcome is not None:
            yield step.ending(outcome)
            return
    yield step.ending(Outcome.pass_limit)


def _risk(family: Family, engine: Engine, params: Params, step: Step, temperature: float, kind: str) -> Step:
    """The next step; an extrapolation that leads nowhere is only worth minus infinity."""
    try:
        return _evaluate(family, engine, params, step.passes + 1, temperature, kind)
    except (Degenerate, np.linalg.LinAlgError):
        if kind == "em":
            raise
        return replace(step, passes=step.passes + 1, kind=kind, objective=-math.inf)


def _evaluate(family: Family, engine: Engine, params: Params, passes: int, temperature: float, kind: str) -> Step:
    done = engine.evaluate(family, params, temperature)
    if done.impossible is not None:
        raise impossible(engine.place(done.impossible), family)
    objective = done.log_likelihood + family.log_prior(params)
    return Step(passes, params, objective, done.log_likelihood, done.stats, kind, items=done.items)


def impossible(place: str, family: Family) -> Degenerate:
    """What to say of a row that has probability zero."""
    where = "in every state that can be reached there" if family.axis == "state" else "under every component"
    return Degenerate(f"{place} has probability zero {where}")
