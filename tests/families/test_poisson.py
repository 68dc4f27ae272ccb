"""The Poisson distribution."""

import numpy as np
import pytest
from scipy import stats

import likely as lk
from banks import bank, bank_of_mixture, check_expectation, check_stationary, random_weights
from support import q_gradient

X = np.random.default_rng(3).poisson(np.repeat([1.0, 6.0], 100)).astype(float)


def test_log_prob_is_scipys():
    x = np.array([0, 1, 2, 50, 100_000])
    for rate in (0.01, 3.5, 1e5):
        assert lk.Poisson(rate).log_prob(x) == pytest.approx(stats.poisson(rate).logpmf(x), rel=1e-13)


def test_log_prob_of_rate_zero_and_outside_the_support():
    assert lk.Poisson(0).log_prob([0, 1]).tolist() == [0, -np.inf]
    assert lk.Poisson(2).log_prob([-1, 0.5]).tolist() == [-np.inf, -np.inf]


def test_weighted_maximum_likelihood_is_the_mean():
    family, table = bank(lk.Poisson(), 3, X)
    w = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, w))
    assert params.rate == pytest.approx((w * X[:, None]).sum(0) / w.sum(0), rel=1e-14)


def test_all_zeros_have_rate_zero_and_probability_one():
    fit = lk.fit(lk.Poisson(), [0, 0, 0])
    assert fit.model.rate == 0
    assert fit.log_likelihood == 0
    assert fit.model.quantile([0.5, 1]).tolist() == [0, 0]
    assert fit.model.sample(3).tolist() == [0, 0, 0]


def test_mixture_with_a_component_of_rate_zero_goes_on():
    x = np.array([0.0] * 30 + [5, 6, 7, 5, 4])
    mixture, table = bank_of_mixture(lk.Poisson(rate=[0, np.nan]), x, 2)
    params = mixture.start(table, np.ones((35, 1)), np.random.default_rng(0))
    for _ in range(50):
        posterior = mixture.infer(params, table)
        stats_ = mixture.collect(params, posterior, table, np.ones((35, 1)))
        params = mixture.maximize(stats_, params)
    assert np.isfinite(posterior.log_prob).all()
    assert params.component.rate[0] == 0
    assert params.component.rate[1] == pytest.approx(5.4, rel=0.01)
    assert np.abs(q_gradient(mixture, params, stats_)).max() < 1e-6
    assert len(mixture.flatten(params)) == mixture.count_free() == 2


def test_expected_log_density_is_the_weighted_sum():
    check_expectation(lk.Poisson(), X, {"rate": [0.2, 5, 90]})
    check_expectation(lk.Poisson(), np.zeros(5), {"rate": [0.0, 0.5]})


@pytest.mark.parametrize(
    "rate", [lk.free, [1, np.nan, 7], lk.shared, lk.Gamma(3, 2), lk.shared(lk.Gamma(3, 2))], ids=repr
)
def test_m_step_is_stationary(rate):
    check_stationary(lk.Poisson(rate=rate), X)


def test_prior_counts_as_pretend_events_in_pretend_rows():
    fit = lk.fit(lk.Poisson(rate=lk.Gamma(3, 2)), [4, 0, 1])
    assert fit.model.rate == pytest.approx((5 + 2) / (3 + 2), rel=1e-15)
    assert lk.fit(lk.Poisson(rate=lk.Gamma(1, 2)), [0, 0]).model.rate == 0


def test_prior_that_no_event_outweighs_is_named():
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.Poisson(rate=lk.Gamma(0.5, 2)), [0, 0])
    assert str(e.value) == (
        "Poisson(rate=Gamma(shape=0.5, rate=2)): its prior on rate grows without bound at 0 and the rows do not "
        "outweigh it, so the likelihood has no maximum. Use a prior whose exponents are 1 or above, as Beta(1, 1), "
        "Dirichlet(1) or Gamma(1, 1)."
    )


def test_data_outside_the_support_is_named():
    with pytest.raises(lk.DataError) as e:
        lk.fit(lk.Poisson(), {"visits": [3, -3]})
    assert str(e.value) == (
        "column 'visits' row 2 is -3; Poisson() needs counts 0, 1, 2, ... Drop the row, or use a family that allows it."
    )


def test_negative_rate_is_named():
    with pytest.raises(lk.ModelError) as e:
        lk.Poisson(-1).log_prob([1])
    assert str(e.value) == "Poisson.rate = -1.; it needs numbers 0 or above."


def test_draws_have_the_moments():
    model = lk.Poisson(3.5)
    x = model.sample(100_000, seed=1)
    assert (model.mean, model.variance) == (3.5, 3.5)
    assert x.mean() == pytest.approx(3.5, abs=4 * np.sqrt(3.5 / 100_000))
    assert x.var() == pytest.approx(3.5, rel=0.03)


def test_moments_of_a_bank_keep_its_shape():
    assert lk.Poisson([[1, 2], [3, 4]]).mean.tolist() == [[1, 2], [3, 4]]
