"""The logistic distribution."""

import numpy as np
import pytest
from scipy import optimize, stats

import likely as lk
from banks import bank, check_expectation, check_stationary, random_weights
from likely.core.written import shared

X = np.random.default_rng(3).logistic(np.repeat([1.0, 8.0], 100), 2)
LOCATIONS = [lk.free, shared, shared + [0, 3, 6], [2, np.nan, 1], lk.Normal(3, 2), shared(lk.Normal(3, 2))]
SCALES = [lk.free, shared, 2, [2, np.nan, 1], lk.InverseGamma(3, 2), lk.Gamma(3, 2), shared(lk.Gamma(3, 2))]


def test_log_prob_is_scipys():
    x = np.array([-1e5, -3, 0, 0.1, 50, 1e5])
    for location, scale in ((0, 1), (3, 0.01), (-2, 1e4)):
        law = stats.logistic(location, scale)
        assert lk.Logistic(location, scale).log_prob(x) == pytest.approx(law.logpdf(x), rel=1e-13)


def test_distribution_function_and_quantiles_are_scipys():
    x, law = np.linspace(-20, 30, 11), stats.logistic(3, 2)
    model = lk.Logistic(3, 2)
    assert model.cdf(x) == pytest.approx(law.cdf(x), rel=1e-13)
    assert model.quantile([0, 0.1, 0.5, 1]) == pytest.approx(law.ppf([0, 0.1, 0.5, 1]), rel=1e-13)
    assert (model.mean, model.variance) == pytest.approx(law.stats("mv"), rel=1e-13)


def test_draws_follow_the_distribution_function():
    model = lk.Logistic(3, 2)
    assert stats.kstest(model.sample(5000, seed=1), lambda x: model.cdf(x)).pvalue > 0.01


def test_weighted_fits_are_a_general_optimisers():
    family, table = bank(lk.Logistic(), 3, X)
    w = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, w))
    for k in range(3):
        best = optimize.minimize(
            lambda u, k=k: -w[:, k] @ stats.logistic.logpdf(X, u[0], np.exp(u[1])), [0, 0], tol=1e-10
        )
        assert params.location[k] == pytest.approx(best.x[0], abs=1e-4)
        assert params.scale[k] == pytest.approx(np.exp(best.x[1]), rel=1e-4)


def test_statistics_say_what_the_rows_say():
    check_expectation(lk.Logistic(), X, {"location": [0, 3, 1e6], "scale": [1, 0.01, 30]})


@pytest.mark.parametrize("scale", SCALES, ids=str)
@pytest.mark.parametrize("location", LOCATIONS, ids=str)
def test_the_m_step_is_a_maximum_whatever_the_slots(location, scale):
    check_stationary(lk.Logistic(location, scale), X)


def test_units_and_origin_move_the_answer_along():
    plain, moved = lk.fit(lk.Logistic(), X).model, lk.fit(lk.Logistic(), 1e6 + 1e-3 * X).model
    assert moved.location == pytest.approx(1e6 + 1e-3 * plain.location, rel=1e-13)
    assert moved.scale == pytest.approx(1e-3 * plain.scale, rel=1e-6)


def test_many_rows_take_no_other_way_than_few():
    x = np.random.default_rng(5).logistic(2, 3, 30_000)
    fit = lk.fit(lk.Logistic(), x)
    slope = optimize.approx_fprime(
        [fit.model.location, fit.model.scale], lambda u: stats.logistic.logpdf(x, *u).sum(), 1e-6
    )
    assert np.abs(slope).max() < 0.1
    assert fit.log_likelihood == pytest.approx(stats.logistic.logpdf(x, fit.model.location, fit.model.scale).sum())


def test_a_mixture_is_recovered():
    truth = lk.Mixture(lk.Logistic([0, 12], [1, 2]), 2, weights=[0.3, 0.7])
    model = lk.fit(lk.Mixture(lk.Logistic(), 2), truth.sample(10_000, seed=1), starts=3).model
    order = np.argsort(model.component.location)
    assert model.component.location[order] == pytest.approx([0, 12], abs=0.15)
    assert model.component.scale[order] == pytest.approx([1, 2], abs=0.08)


def test_all_values_alike():
    with pytest.raises(lk.DataError) as e:
        lk.fit(lk.Logistic(), [2.0, 2, 2])
    assert str(e.value) == (
        "column 1 is constant (2 in all 3 rows): the likelihood grows without bound as the scale falls to 0. "
        "Leave the column out, or give the scale a value or a prior."
    )
    prior = lk.InverseGamma(2, 6)
    assert lk.fit(lk.Logistic(scale=prior), [2.0, 2, 2]).model.scale == pytest.approx(
        1, rel=1e-9
    )  # (6 + 0) / (2 + 1 + 3)
