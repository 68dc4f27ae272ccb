"""The Weibull distribution."""

import numpy as np
import pytest
from scipy import optimize, stats

import likely as lk
from banks import bank, check_expectation, check_stationary, random_weights
from likely.core.written import shared

X = np.random.default_rng(3).weibull(np.repeat([1.0, 4.0], 100)) * 3
OPTIONS = [lk.free, shared, 2, [2, np.nan, 1]]


def test_log_prob_is_scipys():
    x = np.array([1e-300, 1e-3, 0.7, 3, 50])
    for shape, scale in ((0.3, 2), (1, 1), (7.5, 0.2), (2, 1e6)):
        law = stats.weibull_min(shape, scale=scale)
        assert lk.Weibull(shape, scale).log_prob(x) == pytest.approx(law.logpdf(x), rel=1e-12)
    assert lk.Weibull(2, 1).log_prob([0, -1]).tolist() == [-np.inf, -np.inf]


def test_weighted_fits_are_a_general_optimisers():
    family, table = bank(lk.Weibull(), 3, X)
    w = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, w))
    for k in range(3):

        def score(u, k=k):
            z = np.exp(u[0]) * (np.log(X) - u[1])
            return [w[:, k] @ (1 + z - z * np.exp(z)), w[:, k] @ (np.exp(z) - 1)]

        best = optimize.root(score, [0, 1], tol=1e-13).x
        assert [params.shape[k], params.scale[k]] == pytest.approx(np.exp(best), rel=1e-9)


@pytest.mark.parametrize("shape", OPTIONS, ids=repr)
@pytest.mark.parametrize("scale", OPTIONS, ids=repr)
def test_every_combination_of_slots_ends_where_the_gradient_vanishes(shape, scale):
    if not all(isinstance(v, int) for v in (shape, scale)):
        check_stationary(lk.Weibull(shape, scale), X)


def test_expected_log_density_is_the_weighted_sum():
    values = {"shape": [0.5, 2, 9], "scale": [1, 20, 3]}
    check_expectation(lk.Weibull(), X, values)
    check_expectation(lk.Weibull(), np.append(X, -1), values, possible=np.append(X, -1)[:, None] > 0)


def test_units_move_the_scale_alone():
    one, other = (lk.fit(lk.Weibull(), unit * X) for unit in (1, 1e-9))
    assert other.model.shape == pytest.approx(one.model.shape, rel=1e-11)
    assert other.model.scale == pytest.approx(1e-9 * one.model.scale, rel=1e-11)


def test_a_shape_of_one_is_exponential():
    fit = lk.fit(lk.Weibull(shape=1), X)
    assert fit.model.scale == pytest.approx(X.mean(), rel=1e-12)
    assert fit.log_likelihood == pytest.approx(lk.fit(lk.Exponential(), X).log_likelihood, rel=1e-13)


def test_mixtures_recover_what_they_were_drawn_from():
    truth = lk.Mixture(lk.Weibull(shape=[3, 2], scale=[2, 30]), 2, weights=[0.4, 0.6])
    found = lk.fit(lk.Mixture(lk.Weibull(), 2), truth.sample(5000, seed=1), starts=3).model
    order = np.argsort(found.component.scale)
    assert found.weights[order] == pytest.approx([0.4, 0.6], abs=0.03)
    assert found.component.scale[order] == pytest.approx([2, 30], rel=0.04)
    assert found.component.shape[order] == pytest.approx([3, 2], rel=0.08)


def test_equal_values_have_no_maximum():
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.Weibull(), [2.0, 2.0])
    assert str(e.value) == (
        "Weibull(): its shape grew without bound, so the likelihood has no maximum. "
        "Its values are alike; give the shape a value."
    )
    assert lk.fit(lk.Weibull(shape=3), [2.0, 2.0]).model.scale == pytest.approx(2)


def test_zero_is_named():
    with pytest.raises(lk.DataError) as e:
        lk.fit(lk.Weibull(), {"x": [3, 0]})
    assert str(e.value) == (
        "column 'x' row 2 is 0; Weibull() needs numbers above 0. Drop the row, or use a family that allows it."
    )


def test_moments_quantiles_tails_and_draws():
    model, law = lk.Weibull(1.7, 3), stats.weibull_min(1.7, scale=3)
    assert [model.mean, model.variance] == pytest.approx([law.mean(), law.var()], rel=1e-12)
    x = np.array([-1, 0, 1e-9, 2, 9])
    assert model.cdf(x) == pytest.approx(law.cdf(x), rel=1e-12)
    assert model.quantile([0, 0.2, 1]) == pytest.approx(law.ppf([0, 0.2, 1]), rel=1e-12)
    below, above = model.bind().log_tails(model.bind().known_params(), bank(model, 1, [1e-9, 90])[1])
    assert below[0, 0] == pytest.approx(1.7 * np.log(1e-9 / 3), rel=1e-12)
    assert above[1, 0] == pytest.approx(-(30**1.7), rel=1e-12)
    assert stats.kstest(model.sample(2000, seed=1), law.cdf).pvalue > 0.01


@pytest.mark.parametrize(
    ("model", "prior"),
    [
        (lk.Weibull(shape=lk.Gamma(3, 4)), lambda k, _: stats.gamma(3, scale=1 / 4).logpdf(k)),
        (lk.Weibull(scale=lk.Gamma(3, 4)), lambda _, s: stats.gamma(3, scale=1 / 4).logpdf(s)),
        (lk.Weibull(scale=lk.InverseGamma(3, 40)), lambda _, s: stats.invgamma(3, scale=40).logpdf(s)),
    ],
    ids=["shape", "scale", "inverse"],
)
def test_priors_give_the_mode_of_the_posterior(model, prior):
    def loss(u):
        k, s = np.exp(u)
        return -stats.weibull_min(k, scale=s).logpdf(X[:40]).sum() - prior(k, s)

    fit = lk.fit(model, X[:40])
    best = optimize.minimize(loss, [0, 1], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-11})
    assert np.log([fit.model.shape, fit.model.scale]) == pytest.approx(best.x, abs=1e-5)
