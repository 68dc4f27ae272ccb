"""The log-normal distribution."""

import numpy as np
import pytest
from scipy import stats

import likely as lk
from banks import bank, check_expectation, check_stationary, random_weights
from likely.core.written import shared

X = np.exp(np.random.default_rng(3).normal(np.repeat([0.0, 2.0], 100), 0.7))
AIRCONDIT = [3, 5, 7, 18, 43, 85, 91, 98, 100, 130, 230, 487]  # Proschan (1963)
MEANS = [lk.free, shared, shared + [0, 1, 2], 0.5, [1, np.nan, 2], lk.Normal(0, 2), shared(lk.Normal(0, 2))]
VARIANCES = [
    lk.free, shared, 0.5, [1, np.nan, 2], lk.InverseGamma(2, 3), shared(lk.InverseGamma(2, 3)), lk.unbiased,
    shared(lk.unbiased),
]  # fmt: skip


def law(m, v):
    return stats.lognorm(np.sqrt(v), scale=np.exp(m))


def test_log_prob_is_scipys():
    x = np.array([1e-3, 1, 50, 1e9])
    assert lk.LogNormal(2, 3).log_prob(x) == pytest.approx(law(2, 3).logpdf(x), rel=1e-13)
    assert lk.LogNormal(0, 1).log_prob([0, -1]).tolist() == [-np.inf, -np.inf]


def test_published_fit():
    fit = lk.fit(lk.LogNormal(), AIRCONDIT)
    assert fit.model.log_mean == pytest.approx(3.828588211156, rel=1e-12)
    assert np.sqrt(fit.model.log_variance) == pytest.approx(1.529225363137, rel=1e-12)
    assert fit.log_likelihood == pytest.approx(-68.0674566354, abs=1e-9)


def test_it_is_the_normal_fit_of_the_logarithms():
    for written in ({}, {"mean": 0.3}, {"variance": lk.InverseGamma(2, 3)}, {"variance": lk.unbiased}):
        normal = lk.fit(lk.Normal(**written), np.log(X))
        fit = lk.fit(lk.LogNormal(**{f"log_{n}": v for n, v in written.items()}), X)
        assert fit.model.log_mean == pytest.approx(normal.model.mean, rel=1e-13)
        assert fit.model.log_variance == pytest.approx(normal.model.variance, rel=1e-13)
        assert fit.objective == pytest.approx(normal.objective - np.log(X).sum(), rel=1e-12)


def test_weighted_maximum_likelihood():
    family, table = bank(lk.LogNormal(), 3, X)
    w = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, w))
    mean = (w * np.log(X)[:, None]).sum(0) / w.sum(0)
    assert params.log_mean == pytest.approx(mean, rel=1e-13)
    assert params.log_variance == pytest.approx((w * (np.log(X)[:, None] - mean) ** 2).sum(0) / w.sum(0), rel=1e-12)


def test_expected_log_density_is_the_weighted_sum():
    check_expectation(lk.LogNormal(), X, {"log_mean": [0.2, 5, -3], "log_variance": [3, 0.1, 40]})


@pytest.mark.parametrize("variance", VARIANCES, ids=repr)
@pytest.mark.parametrize("mean", MEANS, ids=repr)
def test_m_step_is_stationary(mean, variance):
    if not (isinstance(mean, float) and isinstance(variance, float)):
        check_stationary(lk.LogNormal(log_mean=mean, log_variance=variance), X)


def test_moments_quantiles_and_draws():
    model, truth = lk.LogNormal(1, 0.25), law(1, 0.25)
    assert (model.mean, model.variance) == (pytest.approx(truth.mean()), pytest.approx(truth.var()))
    assert model.cdf([-1, 0, 3]) == pytest.approx(truth.cdf([-1, 0, 3]), rel=1e-13)
    assert model.quantile([0, 0.3, 1]) == pytest.approx(truth.ppf([0, 0.3, 1]), rel=1e-12)
    x = model.sample(100_000, seed=1)
    assert np.log(x).mean() == pytest.approx(1, abs=0.006)
    assert np.log(x).var() == pytest.approx(0.25, rel=0.02)
    assert lk.LogNormal([0, 1], 0).mean.tolist() == pytest.approx([1, np.e])


def test_values_outside_the_support_are_named():
    with pytest.raises(lk.DataError) as e:
        lk.fit(lk.LogNormal(), {"price": [1, -3]})
    assert str(e.value) == (
        "column 'price' row 2 is -3; LogNormal() needs numbers above 0. Drop the row, or use a family that allows it."
    )
