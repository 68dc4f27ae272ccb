"""Worked results of the lecture notes: expectation and maximisation."""

import numpy as np
import pytest

import likely as lk
from support import bound, e_step

SEVEN = [-6.0, -5, -4, 0, 4, 5, 6]
NINE = [-10.2, -10, -9.8, -0.2, 0, 0.2, 11.8, 12, 12.2]


def slips(**slots):
    """Two normals of variance 1 with equal odds."""
    return lk.Mixture(lk.Normal(variance=1, **slots), 2, weights=[0.5, 0.5])


def path(model, x, start, passes):
    """The parameters after each of the first passes."""
    steps = []
    lk.fit(model, x, start=start, tol=0, max_passes=passes, callback=lambda step: steps.append(step))
    return steps


def test_two_slips_posterior_odds():
    r = slips(mean=[3, 7]).responsibilities([6.001, 4.9])
    assert r[0, 1] == pytest.approx(0.982, abs=5e-4)
    assert r[0, 1] / r[0, 0] == pytest.approx(54.8, abs=0.05)
    assert r[1, 0] == pytest.approx(0.6, abs=2e-3)
    assert r[1, 0] / r[1, 1] == pytest.approx(1.5, abs=0.01)


def test_one_m_step_gives_the_weighted_means():
    r = np.array([0.99, 0.98, 0.7, 0.2, 0.03, 0.01])
    model, table = bound(lk.Normal(), [9.0, 10, 11, 19, 20, 21])
    first = model.maximize(model.collect(None, None, table, r[:, None]))
    second = model.maximize(model.collect(None, None, table, 1 - r[:, None]))
    assert (first.mean[0], second.mean[0]) == (pytest.approx(10.66, abs=5e-3), pytest.approx(19.09, abs=5e-3))


def test_seven_points_means_after_each_iteration():
    steps = path(slips(), SEVEN, slips(mean=[-20, 6]), passes=4)
    means = np.array([s.params.component.mean for s in steps[1:]])
    assert means == pytest.approx(np.array([[-6.00, 0.00], [-5.00, 3.75], [-4.99, 3.75]]), abs=5e-3)


def test_seven_points_first_responsibilities_do_not_underflow():
    r = slips(mean=[-20, 6]).responsibilities(SEVEN)[:, 0]
    table = [5.11e-12, 2.61e-23, 1.33e-34, 9.09e-80, 6.19e-125, 3.16e-136, 1.62e-147]
    assert r == pytest.approx(table, rel=4e-3, abs=0)  # the table has three digits


@pytest.mark.parametrize(
    ("start", "end"), [((-6, 11), (-5, 12)), ((11, -6), (12, -5)), ((-11, 7), (-10, 6)), ((7, -11), (6, -10))]
)
def test_nine_points_have_four_local_maxima_each_reached_from_near(start, end):
    fit = lk.fit(slips(), NINE, start=slips(mean=list(start)))
    assert fit.converged
    assert fit.model.component.mean == pytest.approx(end, abs=0.02)
    # A local maximum: no small move of the means is better.
    here = fit.log_likelihood
    for move in np.random.default_rng(0).normal(size=(50, 2)) * 0.05:
        moved = slips(mean=fit.model.component.mean + move)
        assert moved.log_prob(NINE).sum() < here


def test_nine_points_default_fit_is_global_and_tells_of_the_other_optimum():
    fit = lk.fit(slips(), NINE)
    best = max(lk.fit(slips(), NINE, start=slips(mean=list(m))).log_likelihood for m in [(-6, 11), (-11, 7)])
    assert fit.log_likelihood == pytest.approx(best, abs=1e-6)
    assert len(fit.starts.optima) > 1
    assert fit.starts.count == 20


def test_two_components_tied_to_one_parameter():
    # Means theta - 7.5 and theta + 7.5: the best theta is where the derivative of the log-likelihood vanishes.
    model = slips(mean=lk.shared + [-7.5, 7.5])
    x = np.random.default_rng(4).normal(np.repeat([-5.5, 9.5], 20), 1)
    fit = lk.fit(model, x)
    first, second = fit.model.component.mean
    assert (second - first, fit.n_free) == (pytest.approx(15), 1)

    def log_likelihood(theta):
        return slips(mean=[theta - 7.5, theta + 7.5]).log_prob(x).sum()

    grid = np.linspace(-20, 20, 4001)
    best = grid[np.argmax([log_likelihood(t) for t in grid])]
    assert (first + second) / 2 == pytest.approx(best, abs=0.01)


def test_the_bound_touches_at_every_e_step_and_the_gain_is_at_least_the_bounds():
    rng = np.random.default_rng(5)
    model, table = bound(lk.Mixture(lk.Normal(), 3), rng.normal(rng.choice([0, 3, 7], 200), 1))
    params = model.start(table, np.ones((200, 1)), rng)
    for _ in range(20):
        posterior, stats = e_step(model, params, table)
        log_likelihood = posterior.log_prob.sum()
        expected, entropy = model.expected_log_density(params, stats).sum(), posterior.slack.sum()
        assert expected + entropy == pytest.approx(log_likelihood, rel=1e-12)
        new = model.maximize(stats, params)
        bound_gain = model.expected_log_density(new, stats).sum() - expected
        gain = model.infer(new, table).log_prob.sum() - log_likelihood
        assert gain >= bound_gain - 1e-10
        assert bound_gain >= -1e-10
        params = new
