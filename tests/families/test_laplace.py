"""The Laplace distribution."""

import numpy as np
import pytest
from scipy import optimize, stats

import likely as lk
from banks import bank, bank_of_mixture, check_expectation, random_weights
from likely.core.written import shared
from support import e_step

X = np.random.default_rng(3).laplace(np.repeat([1.0, 8.0], 100), 2)
FLOOD = [
    1.96, 1.96, 3.60, 3.80, 4.79, 5.66, 5.76, 5.78, 6.27, 6.30, 6.76, 7.65, 7.84, 7.99, 8.51, 9.18, 10.13, 10.24, 10.25,
    10.43, 11.45, 11.48, 11.75, 11.81, 12.34, 12.78, 13.06, 13.29, 13.98, 14.18, 14.40, 16.22, 17.06,
]  # fmt: skip  # Best et al. (2008)
LOCATIONS = [lk.free, shared, shared + [0, 3, 6], 2, [2, np.nan, 1], lk.Normal(3, 2), shared(lk.Normal(3, 0.02))]
SCALES = [lk.free, shared, [2, np.nan, 1], lk.InverseGamma(3, 2), lk.Gamma(90, 2), shared(lk.Gamma(3, 2))]


def test_log_prob_is_scipys():
    x = np.array([-500, -3, 0, 0.1, 50, 600])
    for location, scale in ((0, 1), (3, 2), (-2, 1e4)):
        law = stats.laplace(location, scale)
        assert lk.Laplace(location, scale).log_prob(x) == pytest.approx(law.logpdf(x), rel=1e-14)


def test_distribution_function_and_quantiles_are_scipys():
    x, q, law, model = np.linspace(-20, 30, 11), [0, 0.1, 0.5, 0.99, 1], stats.laplace(3, 2), lk.Laplace(3, 2)
    assert model.cdf(x) == pytest.approx(law.cdf(x), rel=1e-14)
    assert model.quantile(q) == pytest.approx(law.ppf(q), rel=1e-14)
    assert (model.mean, model.variance) == law.stats("mv")


def test_draws_follow_the_distribution_function():
    model = lk.Laplace(3, 2)
    assert stats.kstest(model.sample(5000, seed=1), lambda x: model.cdf(x)).pvalue > 0.01


def test_published_fit():
    fit = lk.fit(lk.Laplace(), FLOOD)
    assert fit.model.location == 10.13
    assert fit.model.scale == pytest.approx(3.360909091, abs=1e-9)
    assert fit.log_likelihood == pytest.approx(-95.8768364635, abs=1e-9)


def test_an_even_number_of_rows_has_the_middle_of_the_interval():
    assert lk.fit(lk.Laplace(), [7.0, 1, 3, 2]).model == lk.Laplace(2.5, 1.75)
    assert lk.fit(lk.Laplace(), [7.0, 1, 3, 2], weights=[0.1, 0.2, 0.2, 0.1]).model.location == 2.5
    assert lk.fit(lk.Laplace(), [7.0, 1, 3, 2], weights=[3, 1, 1, 1]).model.location == 5


def test_statistics_say_what_the_rows_say():
    check_expectation(lk.Laplace(), X, {"location": [0, 3, 1e6], "scale": [1, 0.01, 30]})


@pytest.mark.parametrize("scale", SCALES, ids=str)
@pytest.mark.parametrize("location", LOCATIONS, ids=str)
def test_the_m_step_is_a_maximum_whatever_the_slots(location, scale):
    """Along every coordinate and in random directions, near and far, the objective is lower; kinks included."""
    mixture, table = bank_of_mixture(lk.Laplace(location, scale), X, 3)
    rng = np.random.default_rng(2)
    params = mixture.start(table, rng.exponential(size=(200, 1)), rng)
    _, held = e_step(mixture, params, table, rng.exponential(size=(200, 1)))
    new = mixture.maximize(held, params)

    def objective(u):
        at = mixture.unflatten(u, new)
        return mixture.expected_log_density(at, held).sum() + mixture.log_prior(at)

    u = mixture.flatten(new)
    best = objective(u)
    assert best > objective(mixture.flatten(params)) or (location, scale) == (2, 2)
    for size in (1e-6, 1e-3, 0.1, 1):
        ahead = np.concatenate([np.eye(len(u)), -np.eye(len(u)), rng.standard_normal((20, len(u)))])
        assert max(objective(u + size * e) for e in ahead) <= best + 1e-11 * abs(best)
    assert mixture.component.obeys(new.component)


def test_weighted_fits_are_a_general_optimisers():
    family, table = bank(lk.Laplace(), 3, X)
    w = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, w))
    for k in range(3):
        best = optimize.minimize(
            lambda u, k=k: -w[:, k] @ stats.laplace.logpdf(X, u[0], np.exp(u[1])),
            [4, 1],
            method="Nelder-Mead",
            options={"xatol": 1e-9, "fatol": 1e-9},
        )
        assert params.location[k] == pytest.approx(best.x[0], abs=1e-5)
        assert params.scale[k] == pytest.approx(np.exp(best.x[1]), rel=1e-5)


def test_a_mixture_is_recovered():
    truth = lk.Mixture(lk.Laplace([0, 12], [1, 2]), 2, weights=[0.3, 0.7])
    model = lk.fit(lk.Mixture(lk.Laplace(), 2), truth.sample(10_000, seed=1), starts=3).model
    order = np.argsort(model.component.location)
    assert model.component.location[order] == pytest.approx([0, 12], abs=0.15)
    assert model.component.scale[order] == pytest.approx([1, 2], abs=0.08)


def test_every_column_may_have_its_own():
    pair = np.column_stack([X, 3 * X[::-1]])
    model = lk.fit(lk.Independent(lk.Laplace()), pair).model
    alone = [lk.fit(lk.Laplace(), column).model for column in pair.T]
    assert model.part.location.tolist() == [a.location for a in alone]
    assert model.part.scale == pytest.approx([a.scale for a in alone], rel=1e-14)


def test_all_values_alike():
    with pytest.raises(lk.DataError) as e:
        lk.fit(lk.Laplace(), [2.0, 2, 2])
    assert str(e.value) == (
        "column 1 is constant (2 in all 3 rows): the likelihood grows without bound as the scale falls to 0. "
        "Leave the column out, or give the scale a value or a prior."
    )
    assert lk.fit(lk.Laplace(scale=lk.InverseGamma(2, 6)), [2.0, 2, 2]).model == lk.Laplace(2.0, 1.0)
    with pytest.raises(lk.FitError, match="its scale fell to zero with 5 rows left"):
        lk.fit(lk.Mixture(lk.Laplace(), 2), [1.0] * 5 + [2, 3, 4, 5, 6, 7])
