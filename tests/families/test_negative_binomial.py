"""The negative binomial distribution."""

import numpy as np
import pytest
from scipy import optimize, stats

import likely as lk
from banks import bank, check_expectation, check_stationary, random_weights
from likely.core.written import shared
from support import bound, q_gradient

RNG = np.random.default_rng(3)
X = np.concatenate([RNG.negative_binomial(2, 0.5, 100), RNG.negative_binomial(1, 0.1, 100)]).astype(float)
SMOOTH = np.array([4.0, 5, 5, 6, 4, 5])  # varies less than Poisson counts do
OPTIONS = [lk.free, shared, 2, [2, np.nan, 1]]


def law(mean, size):
    return stats.nbinom(size, size / (size + mean)) if np.isfinite(size) else stats.poisson(mean)


def test_log_prob_is_scipys():
    x = np.array([0, 1, 2, 50, 10_000])
    for mean, size in ((0.1, 0.01), (3, 1), (9.5, 29.9), (9.5, 30.1), (200, 1e4), (4, np.inf)):
        assert lk.NegativeBinomial(mean, size).log_prob(x) == pytest.approx(law(mean, size).logpmf(x), rel=1e-10)
    assert lk.NegativeBinomial(3, 1).log_prob([-1, 0.5]).tolist() == [-np.inf, -np.inf]


@pytest.mark.parametrize(
    ("x", "mean", "size", "expected"),  # worked out with 60 digits
    [
        (10, 9.5, 1e6, -2.0914994619876056),
        (1000, 900, 1e9, -9.7334106638570148),
        (100_000, 3, 0.5, -15422.369766725768),
        (7, 2, 1e-6, -15.761436265677697),
    ],
)
def test_log_prob_keeps_its_digits(x, mean, size, expected):
    assert lk.NegativeBinomial(mean, size).log_prob([x])[0] == pytest.approx(expected, rel=1e-12)


def test_log_prob_approaches_poissons_as_the_size_grows():
    x = np.arange(30)
    poisson = lk.Poisson(4.5).log_prob(x)
    leading = ((x - 4.5) ** 2 - x) / 2  # over the size
    for size in (1e4, 1e6, 1e9, 1e12):
        gap = lk.NegativeBinomial(4.5, size).log_prob(x) - poisson
        assert size * gap == pytest.approx(leading, rel=1e-2, abs=100 / size + 1e-13 * size)
    assert lk.NegativeBinomial(4.5, np.inf).log_prob(x) == pytest.approx(poisson, rel=1e-15)


def test_maximum_likelihood_is_a_general_optimisers():
    fit = lk.fit(lk.NegativeBinomial(), X)
    best = optimize.minimize(lambda u: -law(*np.exp(u)).logpmf(X).sum(), [0, 0], tol=1e-10)
    assert np.log([fit.model.mean, fit.model.size]) == pytest.approx(best.x, abs=1e-5)
    assert fit.log_likelihood == pytest.approx(-best.fun, rel=1e-12)
    assert fit.model.mean == pytest.approx(X.mean(), rel=1e-14)


def test_weighted_maximum_likelihood():
    family, table = bank(lk.NegativeBinomial(), 3, X)
    w = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, w))
    for k in range(3):
        best = optimize.minimize(lambda u, k=k: -w[:, k] @ law(*np.exp(u)).logpmf(X), [0, 0], tol=1e-10)
        assert np.log([params.mean[k], params.size[k]]) == pytest.approx(best.x, abs=1e-5)


@pytest.mark.parametrize(
    ("written", "pick"),
    [
        ({"size": shared}, lambda u, k: (u[k], u[2])),
        ({"mean": shared}, lambda u, k: (u[2], u[k])),
        ({"mean": [4, 6], "size": shared}, lambda u, k: (np.log([4, 6][k]), u[2])),
        ({"mean": shared, "size": [0.5, 3]}, lambda u, k: (u[2], np.log([0.5, 3][k]))),
    ],
    ids=["size", "mean", "size at known means", "mean at known sizes"],
)
def test_tied_values_are_a_general_optimisers(written, pick):
    family, table = bank(lk.NegativeBinomial(**written), 2, X)
    w = np.repeat([[1.0, 0.2], [0.1, 1]], 100, axis=0)
    params = family.maximize(family.collect(None, None, table, w))

    def cost(u):
        return -sum(w[:, k] @ law(*np.exp(pick(u, k))).logpmf(X) for k in range(2))

    best = optimize.minimize(cost, np.ones(3), tol=1e-10)
    for k in range(2):
        assert np.log([params.mean[k], params.size[k]]) == pytest.approx(pick(best.x, k), abs=1e-4)


def test_expected_log_density_is_the_weighted_sum():
    check_expectation(lk.NegativeBinomial(), X, {"mean": [0.2, 5, 90], "size": [0.1, 40, np.inf]})
    check_expectation(lk.NegativeBinomial(), np.zeros(5), {"mean": [0.0, 0.5], "size": [1, np.inf]})


@pytest.mark.parametrize("size", OPTIONS, ids=repr)
@pytest.mark.parametrize("mean", OPTIONS, ids=repr)
def test_m_step_is_stationary(mean, size):
    if not (isinstance(mean, int) and isinstance(size, int)):
        check_stationary(lk.NegativeBinomial(mean=mean, size=size), X)


@pytest.mark.parametrize("size", [0.01, 1, 25, 35, 1e3])
def test_sizes_of_all_orders_solve_the_likelihood_equation(size):
    x = law(20 * max(1, size / 30), size).rvs(5000, random_state=1)
    family, table = bound(lk.NegativeBinomial(), x)
    s = family.collect(None, None, table, np.ones((5000, 1)))
    params = family.maximize(s)
    assert params.size[0] == pytest.approx(size, rel=0.2)
    assert np.abs(q_gradient(family, params, s)).max() < 1e-8 * 5000


def test_counts_that_vary_no_more_than_poissons_are_poisson():
    fit = lk.fit(lk.NegativeBinomial(), SMOOTH)
    poisson = lk.fit(lk.Poisson(), SMOOTH)
    assert fit.model == lk.NegativeBinomial(mean=poisson.model.rate, size=np.inf)
    assert fit.log_likelihood == pytest.approx(poisson.log_likelihood, rel=1e-15)
    assert fit.log_likelihood > lk.NegativeBinomial(fit.model.mean, 1e4).log_prob(SMOOTH).sum()
    assert lk.parse(repr(fit.model)) == fit.model


def test_the_boundary_is_where_variance_equals_mean():
    assert np.isinf(lk.fit(lk.NegativeBinomial(), [0, 2]).model.size)  # mean 1, variance 1
    assert np.isinf(lk.fit(lk.NegativeBinomial(), [0, 2, 1], weights=[1, 1, 0.1]).model.size)
    assert np.isfinite(lk.fit(lk.NegativeBinomial(), [0, 2, 3], weights=[1, 1, 0.1]).model.size)


def test_a_tied_size_is_infinite_for_all_or_none():
    x = np.concatenate([SMOOTH, X])
    w = np.zeros((206, 2))
    w[:6, 0] = w[6:, 1] = 1
    own, tied = (bank(lk.NegativeBinomial(size=s), 2, x)[0] for s in (lk.free, shared))
    table = bank(lk.NegativeBinomial(), 2, x)[1]
    s = own.collect(None, None, table, w)
    assert np.isinf(own.maximize(s).size).tolist() == [True, False]
    assert np.isfinite(tied.maximize(s).size).all()
    w[6:, 1] *= 1e-3
    assert np.isinf(tied.maximize(own.collect(None, None, table, w)).size).all()


def test_a_tied_mean_with_a_size_at_the_boundary():
    x = np.concatenate([SMOOTH, X])
    w = np.zeros((206, 2))
    w[:6, 0] = w[6:, 1] = 1
    family, table = bank(lk.NegativeBinomial(mean=shared), 2, x)
    s = family.collect(None, None, table, w)
    params = family.maximize(s)
    assert np.isinf(params.size).tolist() == [True, False]
    best = optimize.minimize(
        lambda u: -law(np.exp(u[0]), np.inf).logpmf(SMOOTH).sum() - law(*np.exp(u)).logpmf(X).sum(), [1, 0], tol=1e-10
    )
    assert np.log([params.mean[0], params.size[1]]) == pytest.approx(best.x, abs=1e-5)
    assert np.abs(q_gradient(family, params.replace(size=params.size), s)).max() < 1e-6


def test_all_zeros_have_mean_zero():
    fit = lk.fit(lk.NegativeBinomial(), [0, 0, 0])
    assert fit.model == lk.NegativeBinomial(mean=0.0, size=np.inf)
    assert fit.log_likelihood == 0
    assert fit.model.log_prob([0, 1]).tolist() == [0, -np.inf]
    assert fit.model.quantile([0.5, 1]).tolist() == [0, 0]
    assert fit.model.sample(3).tolist() == [0, 0, 0]


def test_member_without_weight_keeps_its_values_and_does_not_spoil_tied_ones():
    for written in ({}, {"size": shared}, {"mean": shared}):
        family, table = bank(lk.NegativeBinomial(**written), 3, X)
        alone, _ = bank(lk.NegativeBinomial(**written), 2, X)
        w = random_weights(200, 3)
        first = family.maximize(family.collect(None, None, table, w))
        w = w[:, [0, 1, 1]] * [1, 0, 1]
        second = family.maximize(family.collect(None, None, table, w), first)
        smaller = alone.maximize(alone.collect(None, None, table, w[:, [0, 2]]))
        for name in ("mean", "size"):
            assert second[name][[0, 2]] == pytest.approx(smaller[name], rel=1e-11)
            assert second[name][1] == (second[name][0] if name in written else first[name][1])


def test_huge_counts_cost_no_more_than_their_number():
    x = np.random.default_rng(0).negative_binomial(2, 1e-9, 1000).astype(float)
    fit = lk.fit(lk.NegativeBinomial(), x)
    assert fit.model.size == pytest.approx(2, rel=0.1)
    gamma = lk.fit(lk.Gamma(), x).model  # the limit of large means
    assert fit.model.size == pytest.approx(gamma.shape, rel=1e-6)


def test_a_mixture_is_recovered():
    truth = lk.Mixture(lk.NegativeBinomial(mean=[3, 60], size=[2, 10]), 2, weights=[0.4, 0.6])
    fit = lk.fit(lk.Mixture(lk.NegativeBinomial(), 2), truth.sample(5000, seed=2), starts=2)
    order = np.argsort(fit.model.component.mean)
    assert fit.model.component.mean[order] == pytest.approx([3, 60], rel=0.05)
    assert fit.model.component.size[order] == pytest.approx([2, 10], rel=0.15)


def test_values_outside_the_support_are_named():
    with pytest.raises(lk.DataError) as e:
        lk.fit(lk.NegativeBinomial(), {"visits": [3, 1.5]})
    assert str(e.value) == (
        "column 'visits' row 2 is 1.5; NegativeBinomial() needs counts 0, 1, 2, ... "
        "Drop the row, or use a family that allows it."
    )


def test_moments_quantiles_and_draws():
    for mean, size in ((3.5, 0.7), (3.5, np.inf)):
        model, truth = lk.NegativeBinomial(mean, size), law(mean, size)
        assert model.variance == pytest.approx(truth.var())
        x = np.array([-1, 0, 2.5, 40])
        assert model.cdf(x) == pytest.approx(truth.cdf(x), rel=1e-12)
        q = np.array([0.01, 0.3, 0.5, 0.999])
        assert model.quantile(q).tolist() == truth.ppf(q).tolist()
        assert model.quantile([0, 1]).tolist() == [0, np.inf]
        draws = model.sample(100_000, seed=1)
        assert draws.mean() == pytest.approx(mean, abs=5 * np.sqrt(truth.var() / 100_000))
        assert draws.var() == pytest.approx(truth.var(), rel=0.05)
    assert lk.NegativeBinomial([2, 4], [1, np.inf]).variance.tolist() == [6, 4]
