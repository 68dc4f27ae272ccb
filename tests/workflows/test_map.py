"""MAP in every slot: closed forms, and everywhere the maximum of log-likelihood + log prior found by other means."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize

import likely as lk
from support import bound

RNG = np.random.default_rng(4)
REAL = RNG.normal(3, 2, 40)
PAIR = RNG.multivariate_normal([1, 2], [[2, 1], [1, 3]], 30)
POSITIVE = RNG.gamma(2, 1.5, 40)
UNIT = RNG.beta(2, 4, 40)
COUNTS = RNG.negative_binomial(2, 0.3, 40).astype(float)
EVEN_COUNTS = np.array([2.0, 3, 2, 3, 2, 2])
SHARES = RNG.dirichlet([2, 3, 1], 40)
U = RNG.normal(size=(40, 3)) * [1, 2, 0.5] + [0, 5, 1]
LINE = U @ [1, -2, 0.5] + 3 + RNG.normal(size=40)
WISHART = lk.InverseWishart(5, [[1, 0.2], [0.2, 2]])

CASES = [
    (lk.Bernoulli(p=lk.Beta(2, 3)), (COUNTS > 3).astype(float), None),
    (lk.Geometric(p=lk.Beta(2, 3)), COUNTS, None),
    (lk.Poisson(rate=lk.Gamma(3, 2)), COUNTS, None),
    (lk.Exponential(rate=lk.Gamma(3, 2)), POSITIVE, None),
    (lk.Categorical(p=lk.Dirichlet([2, 3, 4])), COUNTS % 3, None),
    (lk.Normal(mean=lk.Normal(0, 1)), REAL, None),
    (lk.Normal(mean=lk.Normal(0, 1), variance=lk.InverseGamma(3, 2)), REAL, None),
    (lk.Normal(mean=lk.PretendRows(4, 0), variance=lk.InverseGamma(3, 2)), REAL, None),
    (lk.LogNormal(log_mean=lk.Normal(0, 1), log_variance=lk.InverseGamma(3, 2)), POSITIVE, None),
    (lk.MultivariateNormal(mean=lk.Normal(0, 1), covariance=WISHART), PAIR, None),
    (lk.MultivariateNormal(mean=lk.MultivariateNormal(mean=[0, 1], covariance=[[1, 0.3], [0.3, 1]])), PAIR, None),
    (lk.MultivariateNormal(mean=lk.PretendRows(3, [0, 0]), covariance=WISHART), PAIR, None),
    (lk.MultivariateNormal("diagonal", mean=lk.Normal([0, 1], 2)), PAIR, None),
    (lk.MultivariateNormal("diagonal", mean=lk.MultivariateNormal(mean=0, covariance=[[2, 1], [1, 2]])), PAIR, None),
    (lk.MultivariateNormal("spherical", mean=lk.PretendRows(3, [0, 0])), PAIR, None),
    (lk.LinearGaussian(coefficients=lk.Normal(0, 0.5)), LINE, U),
    (lk.LinearGaussian(coefficients=lk.Normal(0, 0.5), intercept=lk.Normal(1, 2)), LINE, U),
    (lk.LinearGaussian(coefficients=lk.Normal([[0, 1, 2], [0, 0, 0]], 0.1)), np.column_stack([LINE, REAL]), U),
    (lk.Gamma(shape=lk.Gamma(5, 2)), POSITIVE, None),
    (lk.Gamma(shape=lk.LogNormal(0, 0.5), rate=lk.Gamma(3, 1)), POSITIVE, None),
    (lk.InverseGamma(shape=lk.Gamma(5, 2), scale=lk.Gamma(3, 1)), POSITIVE, None),
    (lk.Beta(a=lk.Gamma(5, 2), b=lk.Gamma(5, 1)), UNIT, None),
    (lk.Dirichlet(alpha=lk.Gamma([5, 5, 5], 2)), SHARES, None),
    (lk.NegativeBinomial(size=lk.Gamma(3, 1)), COUNTS, None),
    (lk.NegativeBinomial(size=lk.Gamma(3, 1)), EVEN_COUNTS, None),  # without the prior its size would be infinite
]


def objective(fit, x, given=None):
    """Log-likelihood + log prior as a function of the free coordinates, from densities alone; those of the fit."""
    family, table = bound(fit.family, x, given=given)
    params = fit.model.bind((), family.setting).known_params()

    def value(u):
        at = family.unflatten(u, params)
        return float(family.infer(at, table).log_prob.sum()) + family.log_prior(at)

    return value, family.flatten(params)


@pytest.mark.parametrize(("model", "x", "given"), CASES, ids=lambda v: repr(v) if isinstance(v, lk.Family) else "")
def test_map_is_the_highest_point_of_log_likelihood_plus_log_prior(model, x, given):
    fit = lk.fit(model, x, given=given)
    value, found = objective(fit, x, given)
    assert value(found) == pytest.approx(fit.objective, rel=1e-12)
    away = minimize(lambda u: -value(u), found + 0.3, method="BFGS", options={"gtol": 1e-6})
    assert -away.fun == pytest.approx(fit.objective, abs=1e-7)
    assert away.x == pytest.approx(found, abs=2e-4)


@pytest.mark.parametrize("model", [
    lk.Gamma(shape=lk.Gamma(5, 2)),
    lk.Gamma(shape=lk.shared(lk.Gamma(5, 2))),
    lk.Gamma(shape=lk.Gamma(5, 2), rate=lk.shared),
    lk.Gamma(shape=lk.Gamma(5, 2), rate=[0.5, np.nan]),
])  # fmt: skip
def test_in_a_mixture_the_objective_never_falls_and_ends_at_a_maximum(model):
    x = np.concatenate([POSITIVE, 10 + 3 * POSITIVE])
    fit = lk.fit(lk.Mixture(model, 2), x, accelerate=False, starts=3)
    steps = np.diff([mark.objective for mark in fit.trace])
    assert steps.min() >= -1e-9
    value, found = objective(fit, x)
    slope = [value(found + e) - value(found - e) for e in 1e-5 * np.eye(len(found))]
    assert np.abs(slope).max() / 2e-5 < 0.05


def test_thumbtack_with_every_beta_prior_has_its_closed_form():
    up, down = 5, 0
    tosses = [1] * up + [0] * down
    for a in (1, 2, 5):
        for b in (1, 2, 5):
            fitted = lk.fit(lk.Bernoulli(p=lk.Beta(a, b)), tosses).model.p
            assert fitted == pytest.approx((up + a - 1) / (up + down + a + b - 2), rel=1e-14)
    assert lk.fit(lk.Bernoulli(p=lk.Beta(2, 2)), tosses).model.p == pytest.approx(6 / 7)


def test_a_dirichlet_of_one_number_is_that_many_fake_counts_and_one_more():
    rolls = [1] * 7 + [2] * 2 + [3]
    laplace = lk.fit(lk.Categorical(p=lk.Dirichlet(2)), rolls).model.p
    assert laplace == pytest.approx(np.array([8, 3, 2]) / 13)


def test_the_mean_with_known_variance_is_the_precision_weighted_average():
    n, variance = len(REAL), 4.0
    fitted = lk.fit(lk.Normal(mean=lk.Normal(1, 0.5), variance=variance), REAL).model.mean
    by_hand = (REAL.sum() / variance + 1 / 0.5) / (n / variance + 1 / 0.5)
    assert fitted == pytest.approx(by_hand, rel=1e-14)


def test_a_normal_prior_on_coefficients_is_ridge_regression():
    fit = lk.fit(lk.LinearGaussian(coefficients=lk.Normal(0, 0.5), covariance=0.49), LINE, given=U)
    centred, response = U - U.mean(0), LINE - LINE.mean()
    ridge = np.linalg.solve(centred.T @ centred + 0.49 / 0.5 * np.eye(3), centred.T @ response)
    assert fit.model.coefficients[0] == pytest.approx(ridge, rel=1e-10)


def test_a_normal_prior_tells_apart_covariates_that_rows_do_not():
    twice = np.column_stack([U[:, 0], U[:, 0]])
    fit = lk.fit(lk.LinearGaussian(coefficients=lk.Normal(0, 1)), LINE, given=twice)
    assert fit.model.coefficients[0, 0] == pytest.approx(fit.model.coefficients[0, 1], rel=1e-8)


def test_pretend_rows_are_rows():
    real = np.concatenate([REAL, np.full(3, 10.0)])
    fitted = lk.fit(lk.Normal(mean=lk.PretendRows(3, 10), variance=2), REAL).model
    assert fitted.mean == pytest.approx(real.mean(), rel=1e-14)


def test_the_normal_inverse_wishart_prior_has_its_published_mode():
    """Gelman et al., section 3.6: the joint mode of mean and covariance."""
    rows, at, dof, scale = 3.0, np.zeros(2), 5.0, np.array([[1, 0.2], [0.2, 2]])
    fitted = lk.fit(
        lk.MultivariateNormal(mean=lk.PretendRows(rows, at), covariance=lk.InverseWishart(dof, scale)), PAIR
    ).model
    n, mean = len(PAIR), PAIR.mean(0)
    scatter = (PAIR - mean).T @ (PAIR - mean)
    away = np.outer(mean - at, mean - at)
    assert fitted.mean == pytest.approx((n * mean + rows * at) / (n + rows), rel=1e-12)
    mode = (scale + scatter + rows * n / (rows + n) * away) / (n + dof + 2 + 2)
    assert fitted.covariance == pytest.approx(mode, rel=1e-12)


def test_pretend_rows_agree_with_the_density_that_their_objective_reports():
    fit = lk.fit(lk.Normal(mean=lk.PretendRows(4, 1), variance=2), REAL)
    prior = stats.norm(1, np.sqrt(2 / 4)).logpdf(fit.model.mean)
    assert fit.objective == pytest.approx(fit.log_likelihood + prior, rel=1e-13)


def test_a_prior_that_a_slot_cannot_take_is_refused_with_what_it_takes():
    with pytest.raises(lk.ModelError) as error:
        lk.fit(lk.Gamma(shape=lk.Beta(2, 2)), POSITIVE)
    assert str(error.value) == (
        "Gamma.shape = Beta(a=2, b=2): this slot cannot take Beta as a prior; it takes Gamma or LogNormal, a number, "
        "shared, or nothing."
    )


def test_pretend_rows_in_a_shared_mean_are_refused():
    with pytest.raises(lk.ModelError) as error:
        lk.fit(lk.Mixture(lk.Normal(mean=lk.shared(lk.PretendRows(2, 0))), 2), REAL)
    assert str(error.value) == (
        "Normal.mean = shared(PretendRows(rows=2, mean=0)): pretend rows scatter as the rows of one component do, and "
        "this value is common to several. Give it a Normal prior: mean=shared(Normal(mean, variance))."
    )


def test_a_prior_that_lacks_a_value_is_refused():
    with pytest.raises(lk.ModelError) as error:
        lk.fit(lk.Gamma(shape=lk.Gamma(5)), POSITIVE)
    assert str(error.value) == "Gamma.shape = Gamma(shape=5): a prior needs all its own values; rate is missing."
