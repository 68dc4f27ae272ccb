"""Worked results of the lecture notes: maximum likelihood and MAP with complete data."""

import numpy as np
import pytest

import likely as lk


def test_eight_up_two_down_gives_four_fifths():
    assert lk.fit(lk.Bernoulli(), [1] * 8 + [0] * 2).model.p == pytest.approx(0.8, abs=1e-15)


def test_five_up_is_certainty_by_maximum_likelihood_and_six_sevenths_with_one_fake_count_each():
    tosses = [1] * 5
    assert lk.fit(lk.Bernoulli(), tosses).model.p == 1
    assert lk.fit(lk.Bernoulli(p=lk.Beta(2, 2)), tosses).model.p == pytest.approx(6 / 7, abs=1e-15)


def test_fifteen_coin_tosses_with_five_heads():
    tosses = [t == "H" for t in "HHTTTTTHTHTTTTH"]
    assert lk.fit(lk.Bernoulli(), tosses).model.p == pytest.approx(1 / 3, abs=1e-15)


def test_exponential_rate_is_three_over_the_sum():
    assert lk.fit(lk.Exponential(), [3.1, 8.2, 1.7]).model.rate == pytest.approx(3 / 13, abs=1e-15)


def test_uniform_ends_are_the_samples_ends():
    model = lk.fit(lk.Uniform(), [2.5, 0.25, 4.0, 1.0]).model
    assert (model.low, model.high) == (0.25, 4.0)


def test_multinomial_probabilities_are_relative_counts():
    model = lk.fit(lk.Multinomial(), [[3, 1, 0], [2, 2, 2]]).model
    assert model.p == pytest.approx([0.5, 0.3, 0.2], abs=1e-15)


def test_categorical_probabilities_are_relative_counts_of_strings():
    model = lk.fit(lk.Categorical(), ["a", "b", "a", "c"]).model
    assert list(model.categories) == ["a", "b", "c"]
    assert model.p == pytest.approx([0.5, 0.25, 0.25], abs=1e-15)


def test_normal_with_unknown_variance_divides_by_n_and_unbiased_by_n_minus_one():
    x = [2.0, 4.0, 9.0]
    ml, unbiased = lk.fit(lk.Normal(), x).model, lk.fit(lk.Normal(variance=lk.unbiased), x).model
    assert (ml.mean, unbiased.mean) == (pytest.approx(5.0), pytest.approx(5.0))
    assert ml.variance == pytest.approx(26 / 3)
    assert unbiased.variance == pytest.approx(26 / 2)


def test_normal_with_known_variance_estimates_the_mean_alone():
    fit = lk.fit(lk.Normal(variance=1), [2.0, 4.0, 9.0])
    assert (fit.model.mean, fit.model.variance, fit.n_free) == (pytest.approx(5.0), 1.0, 1)


def test_sixteen_draws_with_variance_one_know_the_mean_to_a_quarter():
    # Standard error sqrt(variance / n) = 1/4: the curvature of the log-likelihood at its maximum is 16, and moving the
    # mean by two standard errors (0.5) costs 2 nats.
    x = np.random.default_rng(1).normal(3, 1, 16)
    mean = lk.fit(lk.Normal(variance=1), x).model.mean

    def log_likelihood(m):
        return lk.Normal(m, 1).log_prob(x).sum()

    h = 1e-3
    curvature = -(log_likelihood(mean + h) - 2 * log_likelihood(mean) + log_likelihood(mean - h)) / h**2
    assert 1 / np.sqrt(curvature) == pytest.approx(0.25, rel=1e-6)
    assert log_likelihood(mean) - log_likelihood(mean + 0.5) == pytest.approx(2.0, rel=1e-9)


def test_conditional_gaussian_of_one_covariate_is_least_squares():
    rng = np.random.default_rng(2)
    u = rng.normal(size=40)
    y = 1.5 - 2 * u + 0.3 * rng.normal(size=40)
    model = lk.fit(lk.LinearGaussian(), y, given=u).model
    design = np.column_stack([u, np.ones(40)])
    slope, intercept = np.linalg.lstsq(design, y, rcond=None)[0]
    residual = y - design @ [slope, intercept]
    assert np.ravel(model.coefficients) == pytest.approx([slope], rel=1e-12)
    assert np.ravel(model.intercept) == pytest.approx([intercept], rel=1e-12)
    assert np.ravel(model.covariance) == pytest.approx([(residual**2).mean()], rel=1e-12)


def test_conditional_gaussian_of_many_covariates_and_responses_is_least_squares():
    rng = np.random.default_rng(3)
    u = rng.normal(size=(60, 3))
    y = u @ rng.normal(size=(3, 2)) + [1, -1] + rng.normal(size=(60, 2)) @ [[1, 0.5], [0, 0.3]]
    model = lk.fit(lk.LinearGaussian(), y, given=u).model
    design = np.column_stack([u, np.ones(60)])
    solution = np.linalg.lstsq(design, y, rcond=None)[0]
    residual = y - design @ solution
    assert model.coefficients == pytest.approx(solution[:3].T, rel=1e-10)
    assert model.intercept == pytest.approx(solution[3], rel=1e-10)
    assert model.covariance == pytest.approx(residual.T @ residual / 60, rel=1e-10)
