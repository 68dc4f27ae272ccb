"""The gamma distribution."""

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import psi

import likely as lk
from banks import bank, check_expectation, check_stationary, random_weights
from likely.core.written import shared
from likely.families.gammas import Logs
from support import bound

X = np.random.default_rng(3).gamma(np.repeat([1.0, 6.0], 100), 2)
AIRCONDIT = [3, 5, 7, 18, 43, 85, 91, 98, 100, 130, 230, 487]  # Proschan (1963)
BURY = [
    16, 11.6, 19.9, 18.6, 18, 13.1, 29.1, 10.3, 12.2, 15.6, 12.7, 13.1, 19.2, 19.5, 23, 6.7, 7.1, 14.3, 20.6, 25.6, 8.2,
    34.4, 16.1, 10.2, 12.3,
]  # fmt: skip  # Bury (1999)
OPTIONS = [lk.free, shared, 2, [2, np.nan, 1]]
PRIORS = [lk.Gamma(3, 2), shared(lk.Gamma(3, 2)), lk.Gamma(1, 0.5)]


def test_log_prob_is_scipys():
    x = np.array([1e-300, 0.1, 1, 50, 1e5])
    for shape, rate in ((0.01, 3), (1, 1), (7.5, 0.2), (1e5, 2)):
        law = stats.gamma(shape, scale=1 / rate)
        assert lk.Gamma(shape, rate).log_prob(x) == pytest.approx(law.logpdf(x), rel=1e-12)
    assert lk.Gamma(2, 1).log_prob([0, -1]).tolist() == [-np.inf, -np.inf]


def test_log_prior_at_a_rate_of_zero():
    """Poisson rates can be zero: the prior says 0 or -inf there, never NaN."""
    at_zero = [lk.Gamma(shape, 2).bind().log_density_each(np.zeros((1, 1)))[0] for shape in (1, 2)]
    assert at_zero == [np.log(2), -np.inf]


@pytest.mark.parametrize(
    ("x", "shape", "scale", "log_likelihood"),
    [
        (AIRCONDIT, 0.7064931748043, 1 / 0.006536559828567, -67.6454245558),
        (BURY, 6.404041247196, 2.544643198096, -80.6818553589),
    ],
    ids=["air conditioning", "Bury"],
)
def test_published_fits(x, shape, scale, log_likelihood):
    fit = lk.fit(lk.Gamma(), x)
    assert fit.model.shape == pytest.approx(shape, rel=1e-11)
    assert 1 / fit.model.rate == pytest.approx(scale, rel=1e-11)
    assert fit.log_likelihood == pytest.approx(log_likelihood, abs=1e-9)


def test_weighted_fits_are_a_general_optimisers():
    family, table = bank(lk.Gamma(), 3, X)
    w = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, w))
    for k in range(3):
        best = optimize.minimize(
            lambda u, k=k: -w[:, k] @ stats.gamma(np.exp(u[0]), scale=np.exp(-u[1])).logpdf(X), [0, 0], tol=1e-10
        )
        assert np.log([params.shape[k], params.rate[k]]) == pytest.approx(best.x, abs=1e-5)


def test_tied_rate_is_a_general_optimisers():
    family, table = bank(lk.Gamma(rate=shared), 2, X)
    w = random_weights(200, 2)
    params = family.maximize(family.collect(None, None, table, w))

    def cost(u):
        return -sum(w[:, k] @ stats.gamma(np.exp(u[k]), scale=np.exp(-u[2])).logpdf(X) for k in range(2))

    best = optimize.minimize(cost, [0, 0, 0], tol=1e-10).x
    assert np.log(params.shape) == pytest.approx(best[:2], abs=1e-5)
    assert np.log(params.rate) == pytest.approx(best[[2, 2]], abs=1e-5)


def test_expected_log_density_is_the_weighted_sum():
    check_expectation(lk.Gamma(), X, {"shape": [0.2, 5, 90], "rate": [3, 0.1, 40]})


@pytest.mark.parametrize("rate", [*OPTIONS, *PRIORS], ids=repr)
@pytest.mark.parametrize("shape", OPTIONS, ids=repr)
def test_m_step_is_stationary(shape, rate):
    if not (isinstance(shape, int) and isinstance(rate, int)):
        check_stationary(lk.Gamma(shape=shape, rate=rate), X)


def test_m_step_does_not_depend_on_where_it_begins():
    family, table = bank(lk.Gamma(rate=shared), 3, X)
    s = family.collect(None, None, table, random_weights(200, 3))
    one = family.maximize(s)
    far = one.replace(shape=np.array([1e-6, 1e6, 1.0]), rate=np.full(3, 1e5))
    assert family.maximize(s, far).shape == pytest.approx(one.shape, rel=1e-11)


def test_prior_on_the_rate_is_its_mode_where_the_shape_is_known():
    fit = lk.fit(lk.Gamma(shape=2, rate=lk.Gamma(4, 3)), [1, 2, 6])
    assert fit.model.rate == pytest.approx((3 * 2 + 4 - 1) / (9 + 3), rel=1e-13)


def test_prior_is_the_maximum_of_the_objective():
    prior = lk.Gamma(4, 3)
    fit = lk.fit(lk.Gamma(rate=prior), X)

    def cost(u):
        law = stats.gamma(np.exp(u[0]), scale=np.exp(-u[1]))
        return -law.logpdf(X).sum() - stats.gamma(4, scale=1 / 3).logpdf(np.exp(u[1]))

    best = optimize.minimize(cost, [0, 0], tol=1e-10)
    assert fit.objective == pytest.approx(-best.fun, rel=1e-12)
    assert np.log([fit.model.shape, fit.model.rate]) == pytest.approx(best.x, abs=1e-6)


@pytest.mark.parametrize("shape", [1e-3, 0.1, 1, 30, 1e4, 1e8])
def test_shapes_of_all_sizes_solve_the_likelihood_equation(shape):
    """The mean and the mean logarithm of Gamma(shape, 1) are shape and psi(shape), whose rounding costs digits."""
    family, _ = bound(lk.Gamma(), X)
    found = family.maximize(Logs(np.ones(1), np.array([shape]), np.array([psi(shape)])))
    assert found.shape[0] == pytest.approx(shape, rel=1e-12 + 1e-14 * shape)
    assert found.rate[0] == pytest.approx(1, rel=1e-12 + 1e-14 * shape)


def test_equal_values_have_no_maximum():
    for x in ([2.5], [0.1] * 7, [1e8] * 3):
        with pytest.raises(lk.FitError) as e:
            lk.fit(lk.Gamma(), x)
        assert str(e.value) == (
            "Gamma(): its shape grew without bound, so the likelihood has no maximum. "
            "Its values are alike; give the shape or the rate a value."
        )
    assert lk.fit(lk.Gamma(shape=3), [2.0] * 5).model.rate == pytest.approx(1.5, rel=1e-12)
    assert lk.fit(lk.Gamma(rate=3), [2.0] * 5).model.shape == pytest.approx(6.4930769, rel=1e-6)


def test_a_collapsing_component_is_named():
    family, table = bank(lk.Gamma(), 2, [1, 1, 1, 4, 5, 6])
    with pytest.raises(lk.Degenerate) as e:
        family.maximize(family.collect(None, None, table, np.array([[1, 0]] * 3 + [[0, 2]] * 3) + 0.0))
    assert (e.value.why, e.value.members, e.value.weights) == ("its shape grew without bound", (0,), (3.0,))


def test_prior_that_the_rows_do_not_outweigh_is_named():
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.Gamma(rate=lk.Gamma(0.5, 1)), [1e-3, 2])
    assert str(e.value) == (
        "Gamma(rate=Gamma(shape=0.5, rate=1)): its prior on rate grows without bound at 0, so the likelihood has no "
        "maximum. The rows do not outweigh it; use a Gamma prior whose shape is 1 or above."
    )


def test_values_outside_the_support_are_named():
    with pytest.raises(lk.DataError) as e:
        lk.fit(lk.Gamma(), {"wait": [1, 0, 2]})
    assert str(e.value) == (
        "column 'wait' row 2 is 0; Gamma() needs numbers above 0. Drop the row, or use a family that allows it."
    )


def test_statistics_of_no_data_are_not_valid():
    assert Logs(np.ones(1), np.array([2.0]), np.array([0.5])).valid()
    assert not Logs(np.ones(1), np.array([2.0]), np.array([0.7])).valid()  # log 2 = 0.693
    assert not Logs(np.ones(1), np.array([-2.0]), np.array([0.5])).valid()
    assert not Logs(np.zeros(1), np.array([2.0]), np.array([0.5])).valid()


def test_moments_quantiles_and_draws():
    model, law = lk.Gamma(3, 0.5), stats.gamma(3, scale=2)
    assert (model.mean, model.variance) == (6, 12)
    assert model.cdf([-1, 0, 3]) == pytest.approx(law.cdf([-1, 0, 3]), rel=1e-13)
    assert model.quantile([0, 0.3, 1]) == pytest.approx(law.ppf([0, 0.3, 1]), rel=1e-12)
    x = model.sample(100_000, seed=1)
    assert x.mean() == pytest.approx(6, abs=0.04)
    assert x.var() == pytest.approx(12, rel=0.03)
    assert lk.Gamma([[1, 2], [3, 4]], [1, 2]).mean.tolist() == [[1, 1], [3, 2]]


def test_a_mixture_is_recovered():
    truth = lk.Mixture(lk.Gamma(shape=[2, 30], rate=[1, 2]), 2, weights=[0.4, 0.6])
    fit = lk.fit(lk.Mixture(lk.Gamma(), 2), truth.sample(5000, seed=2), starts=2)
    order = np.argsort(fit.model.component.shape)
    assert fit.model.component.mean[order] == pytest.approx([2, 15], rel=0.05)
    assert fit.model.component.shape[order] == pytest.approx([2, 30], rel=0.15)
