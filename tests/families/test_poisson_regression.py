"""Poisson regression against an independent library, a brute-force optimiser, and data without a maximum."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize
from spector import GPA, PSI, TUCE

import likely as lk

RNG = np.random.default_rng(6)
X = RNG.normal(size=(150, 2))
Y = RNG.poisson(np.exp(0.5 + X @ [0.8, -0.4])).astype(float)


def test_an_independent_library_gives_the_same():
    # statsmodels 0.15: Poisson(tuce, [1, gpa, psi]).fit(method="newton", tol=1e-14)
    fit = lk.fit(lk.PoissonRegression(), TUCE, given=np.column_stack([GPA, PSI]))
    assert fit.model.coefficients == pytest.approx([0.144993781577, 0.03343231703], rel=1e-9)
    assert fit.model.intercept == pytest.approx(2.619184868176, rel=1e-10)
    assert fit.log_likelihood == pytest.approx(-88.2527638118236, rel=1e-12)


def test_log_probabilities_are_those_of_poisson_at_each_rows_rate():
    model = lk.PoissonRegression([0.3, -0.2], 1.0)
    rate = np.exp(X @ [0.3, -0.2] + 1)
    np.testing.assert_allclose(model.log_prob(Y, given=X), stats.poisson.logpmf(Y, rate), rtol=1e-12)
    np.testing.assert_allclose(model.regress(X), rate, rtol=1e-12)


def test_a_normal_prior_is_ridge_regression():
    def lost(b):
        eta = X @ b[:2] + b[2]
        return -(Y * eta - np.exp(eta)).sum() + (b[:2] ** 2).sum() / (2 * 0.01)

    fit = lk.fit(lk.PoissonRegression(coefficients=lk.Normal(0, 0.01)), Y, given=X).model
    truth = minimize(lost, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12}).x
    assert [*fit.coefficients, fit.intercept] == pytest.approx(truth, abs=1e-6)


def test_a_known_coefficient_of_one_on_log_exposure_gives_rates_per_exposure():
    exposure = np.array([1.0, 2.0, 4.0, 8.0, 3.0])
    group = np.array([0.0, 0.0, 1.0, 1.0, 1.0])
    counts = np.array([3.0, 5.0, 2.0, 6.0, 1.0])
    fit = lk.fit(lk.PoissonRegression([np.nan, 1]), counts, given=np.column_stack([group, np.log(exposure)])).model
    # With one group covariate maximum likelihood is the groups' counts per exposure.
    assert np.exp(fit.intercept) == pytest.approx(8 / 3, rel=1e-10)
    assert np.exp(fit.intercept + fit.coefficients[0]) == pytest.approx(9 / 15, rel=1e-10)


def test_large_counts_are_reached_from_afar():
    x = np.linspace(0, 5, 40)
    y = np.round(np.exp(4 + 2.2 * x))
    fit = lk.fit(lk.PoissonRegression(), y, given=x).model
    assert fit.coefficients[0] == pytest.approx(2.2, abs=1e-4)
    assert fit.intercept == pytest.approx(4, abs=1e-3)


def test_a_mixture_of_two_is_recovered():
    rng = np.random.default_rng(4)
    given = rng.normal(size=(1500, 2))
    first = rng.random(1500) < 0.4
    y = rng.poisson(np.exp(np.where(first, 1 + given @ [0.5, -1], 2 + given @ [-0.5, 0.3])))
    fit = lk.fit(lk.Mixture(lk.PoissonRegression(), 2), y, given=given, starts=4)
    order = np.argsort(fit.model.component.intercept)
    assert fit.converged
    assert fit.model.weights[order] == pytest.approx([0.4, 0.6], abs=0.05)
    assert fit.model.component.intercept[order] == pytest.approx([1, 2], abs=0.1)
    assert fit.model.component.coefficients[order] == pytest.approx(np.array([[0.5, -1], [-0.5, 0.3]]), abs=0.1)


def test_acceleration_leads_to_the_same_maximum():
    given = X[:, :1]
    one, two = (lk.fit(lk.Mixture(lk.PoissonRegression(), 2), Y, given=given, starts=3, accelerate=a) for a in (0, 1))
    assert one.log_likelihood == pytest.approx(two.log_likelihood, abs=1e-4)


def test_draws_have_the_expected_counts():
    model = lk.PoissonRegression([1.0], 0.5)
    drawn = model.sample(given=np.repeat([-1.0, 0.0, 1.0], 20_000), seed=1).reshape(3, -1)
    assert drawn.mean(1) == pytest.approx(np.exp([-0.5, 0.5, 1.5]), rel=0.02)
    with pytest.raises(lk.DataError) as e:
        model.sample(3)
    assert str(e.value) == "PoissonRegression conditions on covariates; sample(given=...) needs them, one row a draw."


def test_zeros_throughout_a_group_have_no_maximum():
    group = np.repeat([0, 1], 30)
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.PoissonRegression(), np.where(group == 1, Y[:60], 0), given={"group": group, "age": X[:60, 0]})
    assert str(e.value) == (
        "PoissonRegression(): its coefficients run off to infinity (all counts are 0 towards one end of covariate "
        "'group'), so the likelihood has no maximum. Give a prior, as in PoissonRegression(coefficients=Normal(0, 10)),"
        " or leave out the covariate that separates."
    )


def test_a_lone_count_among_zeros_has_no_maximum():
    x = np.array([-0.14, 0.89090734, -0.26, 0.44, -1.38, -0.27, 0.45, -0.04, 0.88819003, 0.62])
    y = np.zeros(10)
    y[1] = 1  # the largest covariate, by a hair
    with pytest.raises(lk.FitError, match="all counts are 0 towards one end of covariate 1"):
        lk.fit(lk.PoissonRegression(), y, given=x)


def test_no_counts_at_all_have_no_maximum():
    with pytest.raises(lk.FitError, match=r"its intercept runs off to infinity \(all counts are 0\)"):
        lk.fit(lk.PoissonRegression(), np.zeros(20), given=X[:20])
