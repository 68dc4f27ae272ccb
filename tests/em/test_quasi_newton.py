"""The quasi-Newton finish: the maximum in fewer passes where EM crawls, with nothing asked of a family."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import likely as lk
from likely.em.accelerate import Accelerated
from likely.em.loop import _evaluate, em
from likely.em.outcome import Outcome
from likely.em.quasi_newton import QuasiNewton, Slopes
from likely.engines.local import Local
from support import bound

FLOW = np.loadtxt(Path(lk.__file__).with_name("data") / "nile.csv", delimiter=",", skiprows=1)[:, 1]
RNG = np.random.default_rng(0)
OVERLAPPING = np.concatenate([RNG.normal(0, 1, 700), RNG.normal(2, 1, 300)])


def nearly_noiseless(seed=5, n=200):
    """A first-order autoregression, seen through noise of a thousandth of its variance."""
    rng, x, out = np.random.default_rng(seed), 0.0, []
    for _ in range(n):
        x = 0.8 * x + rng.normal()
        out.append(x + 1e-3**0.5 * rng.normal())
    return np.array(out)


CRAWLING = {  # model, data, the maximum, passes at most
    "trend of the Nile": (lk.local_linear_trend(), FLOW, -631.710689, 85),
    "a variance that is 0": (lk.local_level(), 5 + np.random.default_rng(0).normal(size=100), -140.372013, 70),
    "nearly no noise": (lk.StateSpace(1, C=1.0, d=0.0, m0=0.0, P0=1.0), nearly_noiseless(), -272.220409, 75),
}


@pytest.mark.parametrize("problem", CRAWLING)
def test_the_maximum_of_a_problem_on_which_em_crawls(problem):
    model, y, height, most = CRAWLING[problem]
    fit = lk.fit(model, y, starts=1)
    assert fit.converged
    assert fit.objective >= height - 2e-6
    assert fit.trace[-1].passes <= most
    assert "quasi-newton" in {mark.kind for mark in fit.trace}
    assert np.all(np.diff([mark.objective for mark in fit.trace]) >= -1e-12 * abs(height))


def at_start(model, x, start, passes=3):
    """A bound family, its engine, and steps of EM."""
    family, table = bound(model, x)
    engine = Local(table, 1)
    begin = start.bind((), family.setting).known_params()
    with engine:
        steps = list(em(family, engine, begin, max_passes=passes))
    return family, engine, steps


MIXTURES = {
    "free": lk.Mixture(lk.Normal(), 2),
    "tied and known": lk.Mixture(lk.Normal(mean=[0, np.nan], variance=lk.shared), 2),
    "prior": lk.Mixture(lk.Normal(variance=lk.InverseGamma(2, 1)), 2, weights=lk.Dirichlet(2)),
}
START = lk.Mixture(lk.Normal(mean=[0, 3], variance=1), 2, weights=[0.5, 0.5])


@pytest.mark.parametrize("which", MIXTURES)
def test_gradients_are_those_of_the_objective(which):
    """Fisher's identity, against differences of the objective itself."""
    family, engine, steps = at_start(MIXTURES[which], OVERLAPPING, START)
    slopes = Slopes(family, steps[-1])
    slopes.curvature(steps[-1])
    here = slopes.place(steps[-1])

    def objective(u):
        params = slopes.at(u)
        return engine.evaluate(family, params).log_likelihood + family.log_prior(params)

    h = 1e-4
    expected = [(objective(here.u + e) - objective(here.u - e)) / (2 * h) for e in h * np.eye(len(here.u))]
    assert here.gradient == pytest.approx(expected, rel=1e-5, abs=1e-3)


def test_the_curvature_of_complete_data_of_one_normal():
    """In mean and log variance: n / variance and n / 2 at the maximum, and nothing between them."""
    x = np.random.default_rng(1).normal(3, 2, 500)
    family, _, steps = at_start(lk.Normal(), x, lk.Normal(mean=x.mean(), variance=x.var()), passes=2)
    bend = Slopes(family, steps[-1]).curvature(steps[-1])
    np.testing.assert_allclose(bend, np.diag([500 / x.var(), 250]), rtol=1e-5, atol=1e-3)


def test_known_and_tied_values_stay_on_every_trial():
    family, _, steps = at_start(MIXTURES["tied and known"], OVERLAPPING, START)
    climb = QuasiNewton.begin(1e-3, family, steps[-1], steps[:-1])
    params = climb.propose(0.0)
    assert family.obeys(params)
    assert params.component.mean.ravel()[0] == 0
    assert np.ptp(params.component.variance) == 0


def climbed(climb, family, engine, step, most=60):
    """Steps of BFGS alone; what lowers the objective is turned down. The last step, and how many trials it took."""
    for trial in range(most):
        params = climb.propose(step.rounding)
        if params is None:
            return step, trial
        new = _evaluate(family, engine, params, step.passes + 1, 1.0, "quasi-newton")
        accepted = new.objective >= step.objective
        climb.judge(accepted, new)
        step = new if accepted else step
    return step, most


def test_a_climb_alone_arrives_where_em_does():
    family, engine, steps = at_start(MIXTURES["free"], OVERLAPPING, START, passes=12)
    climb = QuasiNewton.begin(1e-3, family, steps[-1], steps[:-1])
    step, trials = climbed(climb, family, engine, steps[-1])
    assert climb.arrived
    assert trials < 60
    plain = lk.fit(MIXTURES["free"], OVERLAPPING, start=START, accelerate=False, tol=1e-5)
    assert step.objective == pytest.approx(plain.objective, abs=1e-6)


def test_there_is_no_climb_with_too_many_coordinates(monkeypatch):
    family, _, steps = at_start(MIXTURES["free"], OVERLAPPING, START)
    assert QuasiNewton.begin(1e-3, family, steps[-1], []) is not None
    monkeypatch.setattr("likely.em.quasi_newton.MOST", 4)
    assert QuasiNewton.begin(1e-3, family, steps[-1], []) is None


def test_a_trial_that_leads_nowhere_is_shortened_and_after_four_the_climb_ends():
    family, _, steps = at_start(MIXTURES["free"], OVERLAPPING, START)
    climb = QuasiNewton.begin(1e-3, family, steps[-1], [])
    lengths = []
    while (params := climb.propose(0.0)) is not None:
        lengths.append(np.linalg.norm(climb.trial))
        climb.judge(False, replace(steps[-1], params=params, objective=-np.inf))
    assert len(lengths) == 4
    np.testing.assert_allclose(np.divide(lengths[1:], lengths[:-1]), 0.1)
    assert not climb.arrived


def test_a_plain_step_that_falls_by_rounding_at_the_top_is_no_fall():
    _, _, steps = at_start(MIXTURES["free"], OVERLAPPING, START)
    fallen = Accelerated(tol=1e-3, top=steps[-1].objective + 1e-9, arrived=True)
    fallen.judge(False, steps[-1])
    assert fallen.ended is Outcome.rounding_floor
    for other in (Accelerated(tol=1e-3), Accelerated(tol=1e-3, top=steps[-1].objective + 1e-3, arrived=True)):
        other.judge(False, steps[-1])
        assert other.ended is None


def two_states_of_three_columns(noise=1e-8, n=150):
    """Seen all but without noise: one direction of the rows tells the states exactly."""
    rng = np.random.default_rng(0)
    A, C, x, out = np.array([[0.8, 0.2], [-0.3, 0.6]]), rng.normal(size=(3, 2)), np.zeros(2), []
    for _ in range(n):
        x = A @ x + rng.normal(size=2)
        out.append(C @ x + noise**0.5 * rng.normal(size=3))
    return np.array(out)


def test_states_that_are_seen_without_noise_come_to_an_end_and_no_lower_than_em_did():
    """In a valley this narrow there is no maximum in sight: the outcome says so, hundreds of passes early."""
    fit = lk.fit(lk.StateSpace(2, P0=1.0, m0=0.0), two_states_of_three_columns(), starts=1)
    assert fit.trace[-1].passes < 600
    assert fit.objective > 925.75
    assert fit.outcome is Outcome.stalled
    assert np.linalg.eigvalsh(fit.model.R)[0] >= 1e-12
