"""The geometric distribution."""

import numpy as np
import pytest
from scipy import stats

import likely as lk
from banks import bank, check_expectation, check_stationary, random_weights

X = np.random.default_rng(2).geometric(np.repeat([0.2, 0.7], 100)) - 1.0


def test_log_prob_is_scipys():
    x = np.array([0, 1, 2, 10, 300])
    assert lk.Geometric(0.3).log_prob(x) == pytest.approx(stats.geom(0.3, loc=-1).logpmf(x), rel=1e-13)


def test_log_prob_at_certainty_and_outside_the_support():
    assert lk.Geometric(1).log_prob([0, 1, -1, 0.5]).tolist() == [0, -np.inf, -np.inf, -np.inf]


def test_weighted_maximum_likelihood_is_rows_over_trials():
    family, table = bank(lk.Geometric(), 3, X)
    w = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, w))
    assert params.p == pytest.approx(w.sum(0) / (w.sum(0) + (w * X[:, None]).sum(0)), rel=1e-14)


def test_all_zeros_are_certain_success():
    fit = lk.fit(lk.Geometric(), [0, 0, 0])
    assert fit.model.p == 1
    assert fit.log_likelihood == 0
    assert fit.model.quantile([0.5, 1]).tolist() == [0, 0]
    assert fit.model.variance == 0


def test_expected_log_density_is_the_weighted_sum():
    check_expectation(lk.Geometric(), X, {"p": [0.2, 0.5, 0.99]})
    check_expectation(lk.Geometric(), np.zeros(5), {"p": [1.0, 0.5]})


@pytest.mark.parametrize(
    "p", [lk.free, [0.2, np.nan, 0.7], lk.shared, lk.Beta(2, 3), lk.shared(lk.Beta(2, 3))], ids=repr
)
def test_m_step_is_stationary(p):
    check_stationary(lk.Geometric(p=p), X)


def test_prior_counts_as_pretend_trials():
    fit = lk.fit(lk.Geometric(p=lk.Beta(3, 5)), [1, 4, 0])
    assert fit.model.p == pytest.approx((3 + 2) / (3 + 2 + 5 + 4), rel=1e-15)


def test_zero_chance_of_success_is_refused():
    with pytest.raises(lk.ModelError) as e:
        lk.Geometric(0).sample()
    assert str(e.value) == "Geometric.p = 0.; it needs numbers above 0, at most 1."


def test_draws_have_the_moments():
    model = lk.Geometric(0.3)
    x = model.sample(200_000, seed=1)
    assert (model.mean, model.variance) == (pytest.approx(7 / 3), pytest.approx(0.7 / 0.09))
    assert x.mean() == pytest.approx(model.mean, abs=4 * np.sqrt(model.variance / 200_000))
    assert x.var() == pytest.approx(model.variance, rel=0.03)
    assert x.min() == 0
