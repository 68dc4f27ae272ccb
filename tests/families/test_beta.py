"""The beta distribution."""

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import psi

import likely as lk
from banks import bank, check_expectation, check_stationary, random_weights
from likely.core.written import shared
from likely.families.beta import LogOdds
from support import bound

X = np.random.default_rng(3).beta(np.repeat([1.0, 6.0], 100), 2)
BURY = [
    0.461, 0.432, 0.237, 0.113, 0.526, 0.278, 0.275, 0.309, 0.67, 0.428, 0.556, 0.402, 0.472, 0.226, 0.632, 0.533,
    0.309, 0.417, 0.495, 0.241,
]  # fmt: skip  # Bury (1999)
OPTIONS = [lk.free, shared, 2, [2, np.nan, 1]]


def test_log_prob_is_scipys():
    x = np.array([1e-300, 0.1, 0.5, 1 - 1e-15])
    for a, b in ((0.01, 3), (1, 1), (7.5, 0.2), (1e5, 2)):
        assert lk.Beta(a, b).log_prob(x) == pytest.approx(stats.beta(a, b).logpdf(x), rel=1e-12, abs=1e-12)
    assert lk.Beta(2, 2).log_prob([0, 1, -1, 2]).tolist() == [-np.inf] * 4


def test_log_prior_of_impossible_and_certain_events():
    """Estimated probabilities can be 0 or 1: the prior says a number or -inf there, never NaN."""
    uniform, humped = (lk.Beta(*ab).bind() for ab in ((1, 1), (2, 2)))
    for p in (0.0, 1.0):
        assert uniform.log_density_each(np.array([[p]]))[0] == 0
        assert humped.log_density_each(np.array([[p]]))[0] == -np.inf


def test_published_fit():
    fit = lk.fit(lk.Beta(), BURY)
    assert fit.model.a == pytest.approx(4.191735571115, rel=1e-11)
    assert fit.model.b == pytest.approx(6.304647980528, rel=1e-11)
    assert fit.log_likelihood == pytest.approx(10.5776968399, abs=1e-9)


def test_tied_a_is_a_general_optimisers():
    family, table = bank(lk.Beta(a=shared), 2, X)
    w = random_weights(200, 2)
    params = family.maximize(family.collect(None, None, table, w))

    def cost(u):
        return -sum(w[:, k] @ stats.beta(np.exp(u[2]), np.exp(u[k])).logpdf(X) for k in range(2))

    best = optimize.minimize(cost, [0, 0, 0], tol=1e-10).x
    assert np.log(params.b) == pytest.approx(best[:2], abs=1e-5)
    assert np.log(params.a) == pytest.approx(best[[2, 2]], abs=1e-5)


def test_expected_log_density_is_the_weighted_sum():
    check_expectation(lk.Beta(), X, {"a": [0.2, 5, 90], "b": [3, 0.1, 40]})


@pytest.mark.parametrize("b", OPTIONS, ids=repr)
@pytest.mark.parametrize("a", OPTIONS, ids=repr)
def test_m_step_is_stationary(a, b):
    if not (isinstance(a, int) and isinstance(b, int)):
        check_stationary(lk.Beta(a=a, b=b), X)


@pytest.mark.parametrize(("a", "b"), [(0.01, 0.01), (0.01, 5), (1, 1), (50, 1), (1e3, 2e3), (1e6, 1e3)])
def test_shapes_of_all_sizes_solve_the_likelihood_equations(a, b):
    """The mean logarithms of x and 1 - x are psi(a) - psi(a + b) and psi(b) - psi(a + b)."""
    family, _ = bound(lk.Beta(), X)
    s = LogOdds(np.ones(1), np.array([psi(a) - psi(a + b)]), np.array([psi(b) - psi(a + b)]))
    found = family.maximize(s)
    assert [found.a[0], found.b[0]] == pytest.approx([a, b], rel=1e-12 + 1e-14 * (a + b))


def test_equal_values_have_no_maximum():
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.Beta(), [0.3] * 4)
    assert str(e.value) == (
        "Beta(): its a and b grew without bound, so the likelihood has no maximum. "
        "Its values are alike; give a or b a value."
    )
    b = lk.fit(lk.Beta(a=2), [0.3] * 4).model.b
    assert psi(b) - psi(2 + b) == pytest.approx(np.log(0.7), rel=1e-12)


def test_exact_zeros_and_ones_are_named():
    with pytest.raises(lk.DataError) as e:
        lk.fit(lk.Beta(), {"share": [0.3, 1]})
    assert str(e.value) == (
        "column 'share' row 2 is 1; Beta() needs numbers strictly between 0 and 1. "
        "Drop the row, or use a family that allows it."
    )


def test_statistics_of_no_data_are_not_valid():
    half = np.log([0.5])
    assert LogOdds(np.ones(1), 1.1 * half, half).valid()
    assert not LogOdds(np.ones(1), half, half).valid()
    assert not LogOdds(np.zeros(1), 1.1 * half, half).valid()


def test_moments_quantiles_and_draws():
    model, law = lk.Beta(3, 2), stats.beta(3, 2)
    assert (model.mean, model.variance) == (0.6, pytest.approx(0.04))
    assert model.cdf([-1, 0, 0.3, 1, 2]) == pytest.approx(law.cdf([-1, 0, 0.3, 1, 2]), rel=1e-13)
    assert model.quantile([0, 0.3, 1]) == pytest.approx(law.ppf([0, 0.3, 1]), rel=1e-12)
    x = model.sample(100_000, seed=1)
    assert x.mean() == pytest.approx(0.6, abs=0.002)
    assert x.var() == pytest.approx(0.04, rel=0.02)
