"""The inverse gamma distribution."""

import numpy as np
import pytest
from scipy import optimize, stats

import likely as lk
from banks import bank, check_expectation, check_stationary, random_weights
from likely.core.written import shared

X = 1 / np.random.default_rng(3).gamma(np.repeat([3.0, 8.0], 100), 2)
OPTIONS = [lk.free, shared, 2, [2, np.nan, 1]]


def test_log_prob_is_scipys():
    x = np.array([1e-3, 0.1, 1, 50, 1e5])
    for shape, scale in ((0.01, 3), (1, 1), (7.5, 0.2), (1e5, 2)):
        law = stats.invgamma(shape, scale=scale)
        assert lk.InverseGamma(shape, scale).log_prob(x) == pytest.approx(law.logpdf(x), rel=1e-12)
    assert lk.InverseGamma(2, 1).log_prob([0, -1]).tolist() == [-np.inf, -np.inf]


def test_a_fit_is_the_gamma_fit_of_one_over_x():
    fit, gamma = lk.fit(lk.InverseGamma(), X), lk.fit(lk.Gamma(), 1 / X)
    assert fit.model.shape == pytest.approx(gamma.model.shape, rel=1e-12)
    assert fit.model.scale == pytest.approx(gamma.model.rate, rel=1e-12)
    assert fit.log_likelihood == pytest.approx(gamma.log_likelihood - 2 * np.log(X).sum(), rel=1e-12)
    law = stats.invgamma(fit.model.shape, scale=fit.model.scale)
    assert fit.log_likelihood == pytest.approx(law.logpdf(X).sum(), rel=1e-12)


def test_tied_shape_is_a_general_optimisers():
    family, table = bank(lk.InverseGamma(shape=shared), 2, X)
    w = random_weights(200, 2)
    params = family.maximize(family.collect(None, None, table, w))

    def cost(u):
        return -sum(w[:, k] @ stats.invgamma(np.exp(u[2]), scale=np.exp(u[k])).logpdf(X) for k in range(2))

    best = optimize.minimize(cost, [0, 0, 0], tol=1e-10).x
    assert np.log(params.scale) == pytest.approx(best[:2], abs=1e-5)
    assert np.log(params.shape) == pytest.approx(best[[2, 2]], abs=1e-5)


def test_expected_log_density_is_the_weighted_sum():
    check_expectation(lk.InverseGamma(), X, {"shape": [0.2, 5, 90], "scale": [3, 0.1, 40]})


@pytest.mark.parametrize("scale", [*OPTIONS, lk.Gamma(3, 2), shared(lk.Gamma(3, 2))], ids=repr)
@pytest.mark.parametrize("shape", OPTIONS, ids=repr)
def test_m_step_is_stationary(shape, scale):
    if not (isinstance(shape, int) and isinstance(scale, int)):
        check_stationary(lk.InverseGamma(shape=shape, scale=scale), X)


def test_as_a_prior_on_a_variance_it_is_pretend_deviations():
    x = np.array([1.0, -1, 3])
    fit = lk.fit(lk.Normal(mean=0, variance=lk.InverseGamma(3, 4)), x)
    assert fit.model.variance == pytest.approx((11 + 2 * 4) / (3 + 2 * (3 + 1)), rel=1e-14)
    direct = stats.norm(0, np.sqrt(fit.model.variance)).logpdf(x).sum()
    assert fit.objective - direct == pytest.approx(stats.invgamma(3, scale=4).logpdf(fit.model.variance), rel=1e-12)


def test_as_moments_says_the_same_as_the_log_density():
    prior = lk.InverseGamma([2, 5], [3, 1]).bind((lk.Mixture(lk.Normal(), 2).bind().component.axes[0],))
    dof, scatter = prior.as_moments(1)
    one, two = (prior.log_density_each(np.array([[v], [v]])) for v in (0.7, 2.3))
    pretend = [-0.5 * (dof * np.log(v) + scatter[:, 0, 0] / v) for v in (0.7, 2.3)]
    assert one - two == pytest.approx(pretend[0] - pretend[1], rel=1e-12)


def test_equal_values_have_no_maximum():
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.InverseGamma(), [2.0, 2.0])
    assert str(e.value) == (
        "InverseGamma(): its shape grew without bound, so the likelihood has no maximum. "
        "Its values are alike; give the shape or the scale a value."
    )


def test_moments_quantiles_and_draws():
    model, law = lk.InverseGamma(5, 8), stats.invgamma(5, scale=8)
    assert (model.mean, model.variance) == (2, pytest.approx(law.var()))
    assert model.cdf([-1, 0, 3]) == pytest.approx([0, 0, law.cdf(3)], rel=1e-13)
    assert model.quantile([0, 0.3, 1]) == pytest.approx([0, law.ppf(0.3), np.inf], rel=1e-12)
    x = model.sample(100_000, seed=1)
    assert x.mean() == pytest.approx(2, abs=0.02)
    assert np.log(x).std() == pytest.approx(np.log(law.rvs(100_000, random_state=1)).std(), rel=0.02)
    assert (lk.InverseGamma(1, 1).mean, lk.InverseGamma(2, 1).variance) == (np.inf, np.inf)
    assert lk.InverseGamma([1, 2], 3).mean.tolist() == [np.inf, 3]
