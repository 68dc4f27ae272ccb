"""Acceleration: the same maximum in fewer passes, monotone, and never at the expense of a constraint."""

from pathlib import Path

import numpy as np
import pytest

import likely as lk
from likely.em.accelerate import Accelerated, Anderson, Squarem
from likely.em.loop import em
from likely.engines.local import Pass

FAITHFUL = Path(lk.__file__).parent / "data" / "faithful.csv"
DEATHS = np.repeat(np.arange(10), [162, 267, 271, 185, 111, 61, 27, 8, 3, 1])
RNG = np.random.default_rng(0)
OVERLAPPING = np.concatenate([RNG.normal(0, 1, 1400), RNG.normal(2, 1, 600)])

SLOW = {
    "two Poissons": (
        lk.Mixture(lk.Poisson(), 2),
        DEATHS,
        lk.Mixture(lk.Poisson(rate=[1, 3]), 2, weights=[0.5, 0.5]),
    ),
    "overlapping normals": (
        lk.Mixture(lk.Normal(), 2),
        OVERLAPPING,
        lk.Mixture(lk.Normal(mean=[-1, 3], variance=1), 2, weights=[0.5, 0.5]),
    ),
    "three components on a ridge": (
        lk.Mixture(lk.MultivariateNormal(covariance=lk.shared), 3),
        FAITHFUL,
        lk.Mixture(
            lk.MultivariateNormal(mean=[[2, 54], [3.5, 75], [4.5, 82]], covariance=[[0.1, 0.5], [0.5, 34]]),
            3,
            weights=[0.3, 0.2, 0.5],
        ),
    ),
    "with priors": (
        lk.Mixture(lk.Normal(variance=lk.InverseGamma(2, 1)), 2, weights=lk.Dirichlet(2)),
        OVERLAPPING,
        lk.Mixture(lk.Normal(mean=[-1, 3], variance=1), 2, weights=[0.5, 0.5]),
    ),
}


@pytest.mark.parametrize("problem", SLOW)
def test_the_same_maximum_in_far_fewer_passes(problem):
    model, x, start = SLOW[problem]
    plain = lk.fit(model, x, start=start, accelerate=False)
    fast = lk.fit(model, x, start=start)
    assert plain.converged
    assert fast.converged
    assert fast.objective == pytest.approx(plain.objective, abs=2e-6)
    assert fast.trace[-1].passes < 0.7 * plain.trace[-1].passes


def test_the_slowest_textbook_problem_needs_tens_of_passes_instead_of_a_thousand():
    model, x, start = SLOW["two Poissons"]
    assert lk.fit(model, x, start=start, accelerate=False).trace[-1].passes > 1000
    fit = lk.fit(model, x, start=start)
    assert fit.trace[-1].passes < 60
    assert fit.log_likelihood == pytest.approx(-1989.945859883, abs=1e-6)


@pytest.mark.parametrize("problem", SLOW)
def test_the_objective_never_falls(problem):
    model, x, start = SLOW[problem]
    trace = lk.fit(model, x, start=start).trace
    assert {m.kind for m in trace} >= {"start", "em", "squarem"}
    objective = np.array([m.objective for m in trace])
    assert np.all(np.diff(objective) >= -1e-12 * np.abs(objective[1:]))


def test_many_random_problems_end_no_lower_than_plain_em_from_the_same_start():
    rng = np.random.default_rng(3)
    for seed in range(10):
        centres, k = rng.normal(0, 2, 3), int(rng.integers(2, 4))
        x = rng.normal(rng.choice(centres, 150), 1)
        start = lk.Mixture(lk.Normal(mean=np.linspace(-2, 2, k), variance=1.0), k, weights=np.full(k, 1 / k))
        model = lk.Mixture(lk.Normal(variance=lk.shared), k)
        plain, fast = (lk.fit(model, x, start=start, accelerate=a, seed=seed) for a in (False, True))
        assert fast.objective >= plain.objective - 1e-6


def test_passes_are_counted_rejected_ones_too():
    model, x, start = SLOW["overlapping normals"]
    fit = lk.fit(model, x, start=start)
    assert [m.passes for m in fit.trace] == list(range(1, len(fit.trace) + 1))


def test_squarem_solves_a_linear_map_of_one_rate_at_once():
    target, rate = np.array([1.0, 2.0]), 0.9
    x = np.zeros(2)
    method = Squarem(longest=100)
    first, second = target + rate * (x - target), target + rate**2 * (x - target)
    assert method.extrapolate(x, first) is None
    assert method.extrapolate(first, second) == pytest.approx(target)


def test_anderson_solves_a_linear_map_in_as_many_steps_as_dimensions():
    rng = np.random.default_rng(1)
    q = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    matrix, target = q @ np.diag([0.99, 0.7, 0.2]) @ q.T, rng.normal(size=3)
    method, x = Anderson(), np.zeros(3)
    for _ in range(4):
        gx = target + matrix @ (x - target)
        proposal = method.extrapolate(x, gx)
        x = gx if proposal is None else proposal
    assert x == pytest.approx(target, abs=1e-8)


@pytest.mark.parametrize(("room", "kept"), [(10**9, 11), (600, 7), (1, 3)])
def test_anderson_remembers_what_there_is_room_for(monkeypatch, room, kept):
    monkeypatch.setattr("likely.em.accelerate.ROOM", room)
    method, x, rates = Anderson(), np.zeros(100), np.linspace(0, 0.9, 100)
    for _ in range(15):
        gx = 1 + rates * x
        method.extrapolate(x, gx)
        x = gx
        assert len(method.points) == len(method.residuals) <= kept
    assert len(method.points) == kept or kept == 11  # plain steps that are nearly parallel may be dropped


def test_a_proposal_that_lowers_the_objective_is_thrown_away_and_plain_em_goes_on():
    model, x, start = SLOW["overlapping normals"]

    class Hostile:
        """An engine that calls every extrapolation worse than it is."""

        def __init__(self, engine, proposer):
            self.engine, self.proposer = engine, proposer

        def evaluate(self, family, params, temperature=1.0):
            done = self.engine.evaluate(family, params, temperature)
            extrapolated = self.proposer.kinds[-1:] not in ([], ["em"])
            return Pass(done.stats, done.log_likelihood - 1e6 * extrapolated)

    class Recorded(Accelerated):
        def propose(self, family, step):
            params, kind = super().propose(family, step)
            self.kinds.append(kind)
            return params, kind

    from likely.engines.local import Local
    from support import bound

    family, table = bound(model, x)
    proposer = Recorded(tol=1e-3)
    proposer.kinds = []
    with Local(table, 1) as engine:
        begin = start.bind((), family.setting).known_params()
        steps = list(em(family, Hostile(engine, proposer), begin, proposer=proposer, max_passes=200))
        plain = list(em(family, engine, begin, max_passes=200))
    kept = [s.objective for s in steps if s.kind == "em"]
    assert sum(s.kind == "rejected" for s in steps) > 20
    assert kept == pytest.approx([s.objective for s in plain if s.kind == "em"][: len(kept)], rel=1e-14)
