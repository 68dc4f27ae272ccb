"""The exponential distribution."""

import numpy as np
import pytest
from scipy import stats

import likely as lk
from banks import bank, check_expectation, check_stationary, random_weights
from likely.core.written import shared

X = np.random.default_rng(3).exponential(np.repeat([1.0, 6.0], 100))
AIRCONDIT = [3, 5, 7, 18, 43, 85, 91, 98, 100, 130, 230, 487]  # Proschan (1963)


def test_log_prob_is_scipys():
    x = np.array([0, 1e-300, 1, 50])
    for rate in (0.01, 3.5):
        assert lk.Exponential(rate).log_prob(x) == pytest.approx(stats.expon(scale=1 / rate).logpdf(x), rel=1e-14)
    assert lk.Exponential(2).log_prob([-1e-9]).tolist() == [-np.inf]


def test_published_fit():
    fit = lk.fit(lk.Exponential(), AIRCONDIT)
    assert 1 / fit.model.rate == pytest.approx(108.083333333, rel=1e-11)
    assert fit.log_likelihood == pytest.approx(-68.1948304143, abs=1e-9)


def test_weighted_maximum_likelihood_is_weight_over_total():
    family, table = bank(lk.Exponential(), 3, X)
    w = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, w))
    assert params.rate == pytest.approx(w.sum(0) / (w * X[:, None]).sum(0), rel=1e-14)


def test_expected_log_density_is_the_weighted_sum():
    check_expectation(lk.Exponential(), X, {"rate": [0.2, 5, 90]})


@pytest.mark.parametrize("rate", [lk.free, [1, np.nan, 7], shared, lk.Gamma(3, 2), shared(lk.Gamma(3, 2))], ids=repr)
def test_m_step_is_stationary(rate):
    check_stationary(lk.Exponential(rate=rate), X)


def test_prior_counts_as_pretend_values():
    fit = lk.fit(lk.Exponential(rate=lk.Gamma(3, 2)), [4, 0, 1])
    assert fit.model.rate == pytest.approx((3 + 2) / (5 + 2), rel=1e-15)


def test_member_without_weight_keeps_its_rate():
    family, table = bank(lk.Exponential(), 2, X)
    first = family.maximize(family.collect(None, None, table, random_weights(200, 2)))
    w = random_weights(200, 2, seed=1) * [1, 0]
    second = family.maximize(family.collect(None, None, table, w), first)
    assert second.rate[1] == first.rate[1]
    assert second.rate[0] != first.rate[0]


def test_all_zeros_have_no_maximum():
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.Exponential(), [0, 0])
    assert str(e.value) == (
        "Exponential(): its rate grew without bound, so the likelihood has no maximum. "
        "Its values are all 0; give the rate a value."
    )
    assert lk.fit(lk.Exponential(rate=lk.Gamma(1, 1)), [0, 0]).model.rate == 2


def test_prior_that_the_rows_do_not_outweigh_is_named():
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.Exponential(rate=lk.Gamma(0.5, 1)), [1], weights=[0.3])
    assert str(e.value) == (
        "Exponential(rate=Gamma(shape=0.5, rate=1)): its prior on rate grows without bound at 0, so the likelihood has "
        "no maximum. The rows do not outweigh it; use a Gamma prior whose shape is 1 or above."
    )


def test_moments_quantiles_and_draws():
    model = lk.Exponential(0.4)
    law = stats.expon(scale=2.5)
    assert (model.mean, model.variance) == (2.5, pytest.approx(6.25))
    assert model.cdf([-1, 0, 3]) == pytest.approx(law.cdf([-1, 0, 3]), rel=1e-14)
    assert model.quantile([0, 0.3, 1]) == pytest.approx(law.ppf([0, 0.3, 1]), rel=1e-14)
    x = model.sample(100_000, seed=1)
    assert x.mean() == pytest.approx(2.5, abs=0.03)
    assert x.var() == pytest.approx(6.25, rel=0.03)
    with pytest.raises(lk.NotFitted):
        _ = lk.Exponential().mean
