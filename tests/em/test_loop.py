"""The loop on problems made to misbehave: falls, plateaus, limits, collapses, interruptions."""

import numpy as np
import pytest

import likely as lk
from likely.core.params import Params
from likely.em.loop import Step, em
from likely.em.outcome import Outcome
from likely.em.starts import Race, Runner
from likely.em.stopping import RemainingGain, enough, rounding_of
from likely.engines.local import Pass
from likely.errors import Degenerate


class Scripted:
    """An engine whose log-likelihood follows a script; the family below hands it the pass number."""

    def __init__(self, objectives):
        self.objectives = objectives

    def evaluate(self, family, params, temperature=1.0):
        return Pass(None, self.objectives[int(params.t[0])])


class Clock(lk.Family, public=False):
    """Not a distribution: its M-step counts."""

    def maximize(self, stats, params=None):
        return Params(t=params.t + 1)

    def log_prior(self, params):
        return 0.0


def run(objectives, **options):
    return list(em(Clock(), Scripted(objectives), Params(t=np.array([0.0])), **options))


def test_a_fall_is_reported_as_what_it_is_and_the_best_is_kept():
    steps = run([-10.0, -5.0, -5.5])
    assert steps[-1].outcome is Outcome.decreased
    assert steps[-1].objective == -5.0
    assert not Outcome.decreased.good


def test_a_fall_within_rounding_is_no_fall():
    assert run([-1e9, -1e9 - 1e-6, -1e9 - 1e-6, -1e9])[-1].outcome.good


def test_linear_convergence_stops_within_the_tolerance_and_not_before():
    rate = 0.99
    objective = [-100 - 10 * rate**t for t in range(5000)]
    last = run(objective, tol=1e-3)[-1]
    assert last.outcome is Outcome.converged
    missing = -100 - last.objective
    assert missing < 1.05 * enough(1e-3)
    assert last.gain_left == pytest.approx(missing, rel=1e-3)
    assert missing > 0.5 * enough(1e-3)  # nor does it waste passes


def test_leaving_a_saddle_is_not_taken_for_convergence():
    # Gains of 5e-8 that grow by 7 % a pass: tiny, but speeding up.
    objective = np.concatenate([[-30.0], -30 + np.cumsum(5e-8 * 1.07 ** np.arange(300))])
    assert run(objective.tolist(), max_passes=250)[-1].outcome is Outcome.pass_limit


def test_zero_tolerance_runs_all_passes():
    assert len(run([-1.0] * 50, tol=0, max_passes=40)) == 40


def test_gains_below_rounding_that_still_matter_are_the_rounding_floor():
    big, rate = -1e12, 0.999
    objective = [big - 1e3 * rate**t for t in range(20_000)]
    last = run(objective, max_passes=20_000)[-1]
    assert last.outcome is Outcome.rounding_floor


def test_remaining_gain_waits_for_a_steady_factor():
    left = RemainingGain()
    assert left.update(1.0, 0) is None
    assert left.update(0.5, 0) is None
    assert left.update(0.1, 0) is None  # the factor jumped from .5 to .2
    assert left.update(0.02, 0) == pytest.approx(0.02 * 0.2 / 0.8)


def test_an_impossible_row_is_named():
    class Impossible:
        def evaluate(self, family, params, temperature=1.0):
            return Pass(None, -np.inf, impossible=4)

        def place(self, row):
            return f"row {row + 1}"

    with pytest.raises(Degenerate) as error:
        next(em(Clock(), Impossible(), Params(t=np.array([0.0]))))
    assert error.value.why == "row 5 has probability zero under every component"


def test_ctrl_c_returns_the_best_so_far():
    def interrupt(step):
        if step.passes == 5:
            raise KeyboardInterrupt

    x = np.random.default_rng(0).normal(size=200)
    fit = lk.fit(lk.Mixture(lk.Normal(), 2), x, callback=interrupt, tol=0, max_passes=30)
    assert fit.outcome is Outcome.interrupted
    assert not fit.converged
    assert fit.objective == fit.trace[-1].objective


def test_ctrl_c_before_any_pass_is_not_swallowed():
    def interrupt():
        raise KeyboardInterrupt
        yield

    race = Race(print, [Runner(interrupt())])
    with pytest.raises(KeyboardInterrupt):
        race.run()
    assert race.best is None


def test_a_callback_can_stop_the_fit():
    x = np.random.default_rng(0).normal(size=200)
    fit = lk.fit(lk.Mixture(lk.Normal(), 2), x, callback=lambda step: step.passes == 3)
    assert fit.outcome is Outcome.stopped


def test_a_start_that_breaks_ties_is_put_right_before_the_guard_begins():
    x = np.random.default_rng(0).normal(np.repeat([0, 5], 50), 1)
    start = lk.Mixture(lk.Normal(mean=[0, 5], variance=[0.1, 30]), 2, weights=[0.9, 0.1])
    fit = lk.fit(lk.Mixture(lk.Normal(variance=lk.shared), 2, weights=[0.5, 0.5]), x, start=start)
    assert fit.converged
    assert fit.model.component.variance[0] == fit.model.component.variance[1]
    assert fit.model.weights == pytest.approx([0.5, 0.5])


def test_collapsing_starts_are_dropped_and_counted():
    # Two equal rows far out invite a component to collapse onto them; some starts find a proper optimum all the same.
    low, high = np.random.default_rng(0).normal(0, 1, 20), np.random.default_rng(1).normal(8, 1, 20)
    fit = lk.fit(lk.Mixture(lk.Normal(), 2), np.concatenate([low, [50.0, 50.0], high]), starts=20)
    assert fit.starts.count == 20
    assert len(fit.starts.collapsed) > 0
    assert set(fit.starts.collapsed) == {"its variance fell to zero"}
    assert fit.converged
    assert fit.model.component.variance.min() > 0.1


def test_when_every_start_collapses_the_error_names_component_weight_and_cure():
    x = [0.0] * 5 + [1.0] * 5
    with pytest.raises(lk.FitError) as error:
        lk.fit(lk.Mixture(lk.Normal(), 2), x)
    text = str(error.value)
    assert text.startswith("every one of the 20 starts collapsed: component ")
    assert "its variance fell to zero with 5 rows left to it, where the likelihood is unbounded." in text
    assert text.endswith("Try fewer components, variance=shared, or a prior in variance=...")


def test_hard_em_is_k_means_for_spherical_components_of_one_variance():
    x = [[0, 0], [0.5, 0], [0.5, 1], [1, 1]]
    model = lk.Mixture(lk.MultivariateNormal("spherical", covariance=lk.shared), 2, weights=[0.5, 0.5])
    start = lk.Mixture(lk.MultivariateNormal(mean=[[0, 0], [1, 1]], covariance=np.eye(2)), 2, weights=[0.5, 0.5])
    fit = lk.fit(model, x, weights=[3, 1, 1, 3], start=start, hard=True)
    # scikit-learn's test of weighted k-means: labels 0 0 1 1, centres (.125, 0) and (.875, 1), inertia .375.
    assert fit.predict().tolist() == [0, 0, 1, 1]
    assert fit.model.component.mean == pytest.approx(np.array([[0.125, 0], [0.875, 1]]))
    assert fit.model.component.covariance[0, 0, 0] == pytest.approx(0.375 / (8 * 2))


def runs(*objectives):
    """Runners that follow scripts, and end with them."""

    def steps(script):
        for i, objective in enumerate(script):
            outcome = Outcome.converged if i == len(script) - 1 else None
            yield Step(i + 1, Params(), objective, objective, None, "em", None, outcome)

    return [Runner(steps(o)) for o in objectives]


def test_of_runners_that_are_level_a_finished_one_wins():
    race = Race(print, runs([-5.0, -2.0, -1.0], [-5.0, -1.0 + 1e-9, -1.0 + 2e-9]))
    finished, cut_short = race.runners
    while finished.advance():
        pass
    cut_short.advance()
    cut_short.advance()
    assert cut_short.objective > finished.objective
    assert race.best is finished


def test_a_runner_that_was_dropped_too_soon_is_called_back():
    # Four creep up towards -10 and look promising; the fifth stands at -5 with nothing promised and is dropped first.
    slow = [[-100.0 + 4 * min(i, 20) for i in range(45)] for _ in range(6)]
    still = [-5.0 - 1e-7 * max(0, 30 - i) for i in range(40)]
    race = Race(lambda _: None, runs(*slow, still))
    race.run()
    assert race.best is race.runners[-1]
    assert race.best.done


def test_rounding_is_that_of_the_terms_where_they_all_but_cancel():
    """A sum of a million terms of order one resolves nothing finer than a single term would."""
    step = Step(1, Params(), 1e-9, 1e-9, None, "em", items=1e6)
    assert step.rounding == rounding_of(1e6) > rounding_of(1e-9)
