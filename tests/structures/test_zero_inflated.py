"""Zero inflation against the closed form of the zero-inflated Poisson, brute-force optimisers, and the boundary."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize
from scipy.special import expit, lambertw

import likely as lk
from likely.core.written import shared
from support import bound

RNG = np.random.default_rng(3)
X = np.where(RNG.random(400) < 0.3, 0, RNG.poisson(2.5, 400)).astype(float)
BOUNDARY = RNG.poisson(2.5, 200).astype(float)[np.r_[0:200, 0:40]]
BOUNDARY = BOUNDARY[BOUNDARY > 0][:180]
BOUNDARY = np.r_[BOUNDARY, np.zeros(5)]  # fewer zeros than a Poisson of this mean expects


def closed_form(x, weights):
    """Rate and probability of a structural zero: m = rate / (1 - exp(-rate)) by Lambert's W."""
    share = weights[x > 0].sum() / weights.sum()
    m = np.average(x[x > 0], weights=weights[x > 0])
    rate = m + lambertw(-m * np.exp(-m)).real
    return rate, 1 - share / -np.expm1(-rate)


@pytest.mark.parametrize("weighted", [False, True])
def test_zero_inflated_poisson_ends_at_its_closed_form(weighted):
    weights = RNG.random(400) * 4 if weighted else np.ones(400)
    fit = lk.fit(lk.ZeroInflated(lk.Poisson()), X, weights=weights, tol=1e-7, starts=3)
    rate, zero = closed_form(X, weights)
    assert fit.converged
    assert fit.model.part.rate == pytest.approx(rate, rel=1e-7)
    assert fit.model.zero == pytest.approx(zero, rel=1e-7)


def test_probabilities_are_those_of_the_mixture_of_zero_and_counts():
    model = lk.ZeroInflated(lk.Poisson(2.0), zero=0.3)
    x = np.arange(6.0)
    p = 0.3 * (x == 0) + 0.7 * stats.poisson.pmf(x, 2)
    np.testing.assert_allclose(np.exp(model.log_prob(x)), p, rtol=1e-12)
    np.testing.assert_allclose(model.cdf(x), p.cumsum(), rtol=1e-12)
    assert model.cdf([-1.0, 2.5]).tolist() == pytest.approx([0.0, p[:3].sum()])
    np.testing.assert_array_equal(model.quantile(p.cumsum()), x)
    assert model.quantile([0, 0.1, 1]).tolist() == [0, 0, np.inf]
    np.testing.assert_allclose(model.structural([0, 0, 3]), [0.3 / p[0], 0.3 / p[0], 0], rtol=1e-12)


@pytest.mark.parametrize(
    "part", [lk.Poisson(2.0), lk.NegativeBinomial(3.0, 1.5), lk.Binomial(8, 0.4), lk.Geometric(0.3)], ids=repr
)
def test_moments_and_draws_agree_with_the_probabilities(part):
    model = lk.ZeroInflated(part, zero=0.25)
    x = np.arange(400.0)
    p = np.exp(model.log_prob(x))
    assert p.sum() == pytest.approx(1, rel=1e-10)
    assert model.mean == pytest.approx(p @ x, rel=1e-9)
    assert model.variance == pytest.approx(p @ x**2 - (p @ x) ** 2, rel=1e-9)
    drawn = model.sample(40_000, seed=1)
    assert (drawn == 0).mean() == pytest.approx(p[0], abs=0.01)
    assert drawn.mean() == pytest.approx(model.mean, rel=0.03)


def test_fewer_zeros_than_the_counts_expect_end_at_the_boundary_with_the_plain_fit():
    fit = lk.fit(lk.ZeroInflated(lk.Poisson()), BOUNDARY)
    plain = lk.fit(lk.Poisson(), BOUNDARY)
    assert closed_form(BOUNDARY, np.ones(len(BOUNDARY)))[1] < 0
    assert fit.converged
    assert fit.model == lk.ZeroInflated(plain.model, zero=0.0)
    assert fit.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-14)


@pytest.mark.parametrize("seed", range(6))
def test_a_start_that_creeps_to_the_boundary_converges_as_well(seed):
    fit = lk.fit(lk.ZeroInflated(lk.Poisson()), BOUNDARY, starts=1, seed=seed)
    plain = lk.fit(lk.Poisson(), BOUNDARY)
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-5)
    assert fit.model.zero < 1e-5


def test_no_zeros_leave_the_plain_fit_of_counts_that_expect_some():
    fit = lk.fit(lk.ZeroInflated(lk.Poisson()), [1, 2, 3, 2])
    assert fit.model == lk.ZeroInflated(lk.Poisson(2.0), zero=0.0)


def test_zeros_alone_are_a_rate_of_zero():
    fit = lk.fit(lk.ZeroInflated(lk.Poisson()), np.zeros(10))
    assert fit.model == lk.ZeroInflated(lk.Poisson(0.0), zero=0.0)
    assert fit.log_likelihood == 0


def test_zero_inflated_negative_binomial_is_the_maximum_of_a_brute_force_optimiser():
    rng = np.random.default_rng(0)
    x = np.where(rng.random(500) < 0.3, 0, rng.negative_binomial(3, 0.4, 500)).astype(float)

    def lost(u):
        zero, size, mean = expit(u[0]), np.exp(u[1]), np.exp(u[2])
        f = stats.nbinom.pmf(x, size, size / (size + mean))
        return -np.log(zero * (x == 0) + (1 - zero) * f).sum()

    found = minimize(lost, [-1, 1, 1], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-9, "maxiter": 4000})
    fit = lk.fit(lk.ZeroInflated(lk.NegativeBinomial()), x, starts=3, tol=1e-6)
    assert fit.log_likelihood == pytest.approx(-found.fun, rel=1e-9)
    assert fit.model.zero == pytest.approx(expit(found.x[0]), rel=1e-4)
    assert fit.model.part.size == pytest.approx(np.exp(found.x[1]), rel=1e-3)


def test_a_beta_prior_is_the_maximum_of_log_likelihood_plus_log_prior():
    fit = lk.fit(lk.ZeroInflated(lk.Poisson(), zero=lk.Beta(30, 20)), X, tol=1e-7, starts=3)

    def lost(u):
        zero, rate = expit(u[0]), np.exp(u[1])
        p = zero * (X == 0) + (1 - zero) * stats.poisson.pmf(X, rate)
        return -np.log(p).sum() - stats.beta.logpdf(zero, 30, 20)

    found = minimize(lost, [0, 1], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-10})
    assert fit.objective == pytest.approx(-found.fun, rel=1e-10)
    assert fit.model.zero == pytest.approx(expit(found.x[0]), rel=1e-5)


def test_regression_of_the_counts_and_a_coin_for_the_zeros():
    rng = np.random.default_rng(1)
    given = rng.normal(size=500)
    y = np.where(rng.random(500) < 0.25, 0, rng.poisson(np.exp(0.5 + 0.8 * given))).astype(float)

    def lost(u):
        f = stats.poisson.pmf(y, np.exp(u[1] * given + u[2]))
        return -np.log(expit(u[0]) * (y == 0) + expit(-u[0]) * f).sum()

    found = minimize(lost, [-1, 0, 0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-10, "maxiter": 2000})
    fit = lk.fit(lk.ZeroInflated(lk.PoissonRegression()), y, given=given, starts=2, tol=1e-6)
    assert fit.log_likelihood == pytest.approx(-found.fun, rel=1e-9)
    assert [*fit.model.part.coefficients, fit.model.part.intercept] == pytest.approx(found.x[1:], abs=1e-4)
    counts = np.exp(fit.model.part.intercept + fit.model.part.coefficients[0])
    assert fit.predict(given=[1.0])[0] == pytest.approx((1 - fit.model.zero) * counts)


def test_a_mixture_of_zero_inflated_counts_with_one_common_coin():
    rng = np.random.default_rng(2)
    x = np.where(rng.random(3000) < 0.2, 0, rng.poisson(np.repeat([3, 12], 1500))).astype(float)
    fit = lk.fit(lk.Mixture(lk.ZeroInflated(lk.Poisson(), zero=shared), 2), x, starts=2)
    assert fit.converged
    assert fit.model.component.zero[0] == fit.model.component.zero[1] == pytest.approx(0.2, abs=0.03)
    assert np.sort(fit.model.component.part.rate) == pytest.approx([3, 12], rel=0.06)


def test_a_choice_among_counts_is_made_inside():
    fit = lk.fit(lk.ZeroInflated(lk.choose([lk.Poisson(), lk.Geometric()])), X, by="bic", starts=2)
    assert type(fit.model.part) is lk.Poisson


def test_an_impossible_count_stays_impossible():
    model = lk.ZeroInflated(lk.Binomial(4, 0.5), zero=0.2)
    assert model.log_prob([5.0, -1.0, 0.5]).tolist() == [-np.inf] * 3
    family, table = bound(model, [0.0, 4.0, 5.0])
    posterior = family.infer(family.known_params(), table)
    stats_ = family.collect(family.known_params(), posterior, table, np.array([[1.0], [1.0], [0.0]]))
    assert np.isfinite(family.expected_log_density(family.known_params(), stats_)).all()


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("Poisson", "ZeroInflated('Poisson'): the part must be a family of counts, as in ZeroInflated(Poisson())."),
        (
            lk.Normal(),
            "ZeroInflated(Normal()): a structural zero stands beside the zeros of counts, so the part must be a family "
            "of counts of one column, as in ZeroInflated(Poisson()) or ZeroInflated(NegativeBinomial()).",
        ),
        (
            lk.Independent(lk.Poisson()),
            "ZeroInflated(Independent(Poisson())): a structural zero stands beside the zeros of counts, so the part "
            "must be a family of counts of one column, as in ZeroInflated(Poisson()) or "
            "ZeroInflated(NegativeBinomial()).",
        ),
    ],
    ids=str,
)
def test_a_part_that_does_not_count_is_refused(part, message):
    with pytest.raises(lk.ModelError) as e:
        lk.ZeroInflated(part)
    assert str(e.value) == message


def test_a_part_without_a_mean_has_none_when_inflated():
    with pytest.raises(lk.ModelError) as e:
        _ = lk.ZeroInflated(lk.PoissonRegression([1.0], 0), 0.2).mean
    assert str(e.value) == (
        "PoissonRegression has no mean, so ZeroInflated(PoissonRegression(coefficients=[1.0], intercept=0), zero=0.2) "
        "has none."
    )
