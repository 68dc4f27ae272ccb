"""The objective around a fit: score, curvature, scores of rows, and what has no coordinate."""

import numpy as np
import pytest

import likely as lk
from likely.errors import ModelError
from likely.workflows.surface import surface
from support import gradient, hessian

X = np.random.default_rng(0).normal(np.repeat([0.0, 3.0], 60), 1)
MIXTURE = lk.Mixture(lk.Normal(), 2)


@pytest.fixture(scope="module")
def fit():
    return lk.fit(MIXTURE, X, starts=3, tol=1e-8)


def test_the_score_is_the_gradient_of_the_objective(fit):
    with surface(fit) as s:
        away = s.point + np.linspace(-0.1, 0.2, len(s.point))
        np.testing.assert_allclose(s.score(away), gradient(s.objective, away, 1e-3), rtol=1e-7, atol=1e-7)
        height, slope = s.climb(away)
        assert height == s.objective(away)
        np.testing.assert_array_equal(slope, s.score(away))


def test_the_curvature_is_minus_the_hessian_of_the_log_likelihood(fit):
    with surface(fit) as s:
        expected = -hessian(lambda u: s.log_prob(u).sum(), s.point, 1e-2)
        np.testing.assert_allclose(s.curvature(), expected, rtol=1e-6, atol=1e-5)


def test_differences_of_either_order_give_the_same_curvature(fit, monkeypatch):
    with surface(fit) as s:
        fine = s.curvature()
    monkeypatch.setattr("likely.workflows.surface.FEW", 0)
    with surface(fit) as s:
        np.testing.assert_allclose(s.curvature(), fine, rtol=1e-5, atol=1e-4)


def test_a_prior_is_part_of_the_curvature():
    fit = lk.fit(lk.Mixture(lk.Poisson(rate=lk.Gamma(3, 1)), 2, weights=lk.Dirichlet([4, 4])), [0, 1, 2, 7, 8, 9])
    with surface(fit) as s:
        expected = -hessian(s.objective, s.point, 1e-2)
        np.testing.assert_allclose(s.curvature(), expected, rtol=1e-6, atol=1e-6)
        prior = -hessian(lambda u: s.family.log_prior(s.at(u)), s.point, 1e-2)
        np.testing.assert_allclose(s.prior_curvature(), prior, rtol=1e-4, atol=1e-4)


def test_scores_of_rows_sum_to_the_score(fit):
    with surface(fit) as s:
        rows = s.scores_by_row()
        assert rows.shape == (120, 5)
        one = gradient(lambda u: s.log_prob(u)[7], s.point, 1e-3)
        np.testing.assert_allclose(rows[7], one, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(rows.sum(0), s.score(), atol=1e-6)


def test_slopes_are_derivatives_of_what_people_read():
    with surface(lk.fit(lk.Normal(), X)) as s:
        np.testing.assert_allclose(s.slopes(s.values), np.diag([1.0, X.var()]), rtol=1e-10)


def test_ends_of_the_data_and_edges_have_no_coordinates():
    with surface(lk.fit(lk.Pareto(), X**2 + 1)) as s:
        assert (len(s.point), s.boundary) == (1, ("scale",))
    with surface(lk.fit(lk.Bernoulli(), [0, 0, 0])) as s:
        assert (len(s.point), s.boundary) == (0, ("p",))
        assert s.curvature().shape == (0, 0)


def test_hard_em_has_no_curvature():
    with pytest.raises(ModelError) as e, surface(lk.fit(MIXTURE, X, hard=True)):
        pass
    assert str(e.value) == (
        "hard EM counts each row wholly to one component: its objective has no curvature to speak of. "
        "Fit with hard=False, starting here: fit(model, data, start=this_fit)."
    )


def test_a_loaded_fit_has_no_data(tmp_path):
    lk.fit(lk.Normal(), X).save(tmp_path / "fit.json")
    with pytest.raises(ModelError) as e, surface(lk.load(tmp_path / "fit.json")):
        pass
    assert str(e.value) == "a loaded fit does not carry its data; fit again, with start= the loaded fit."


def test_too_many_parameters_are_refused(monkeypatch):
    monkeypatch.setattr("likely.workflows.surface.MOST", 1)
    with surface(lk.fit(lk.Normal(), X)) as s, pytest.raises(ModelError) as e:
        s.curvature()
    assert str(e.value) == (
        "the model has 2 free parameters, and second derivatives are worked out for at most 1; use fit.bootstrap(), "
        "or a simpler model."
    )
