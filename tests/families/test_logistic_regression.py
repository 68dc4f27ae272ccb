"""Logistic regression against published values, a brute-force optimiser, and data without a maximum."""

import numpy as np
import pytest
from scipy.optimize import minimize
from spector import GIVEN, GPA, GRADE, PSI

import likely as lk
from likely.core.written import shared

RNG = np.random.default_rng(5)
X = RNG.normal(size=(200, 2)) * [1, 3] + [2, -1]
TRUTH = np.array([1.0, -0.5])
Y = (RNG.random(200) < 1 / (1 + np.exp(1.5 - X @ TRUTH))).astype(float)
W = RNG.random(200) * 3


def best(y, x, weights, penalty=np.zeros_like):
    """Coefficients and intercept of highest weighted log-likelihood less a penalty, by brute force."""
    h = np.column_stack([x, np.ones(len(x))])

    def lost(b):
        return np.sum(penalty(b)) - (weights * (y * (h @ b) - np.logaddexp(0, h @ b))).sum()

    found = minimize(lost, np.zeros(h.shape[1]), method="BFGS", options={"gtol": 1e-10}).x
    return minimize(lost, found, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12, "maxiter": 5000}).x


def test_spectors_grades_give_the_published_coefficients():
    # Greene, Econometric Analysis, table 17.1 (2.826, 0.095, 2.379, -13.021); digits from statsmodels 0.15 Logit.
    fit = lk.fit(lk.LogisticRegression(), GRADE, given=GIVEN)
    assert fit.model.coefficients == pytest.approx([2.826112594889, 0.095157661318, 2.378687655093], rel=1e-10)
    assert fit.model.intercept == pytest.approx(-13.021346858116, rel=1e-10)
    assert fit.log_likelihood == pytest.approx(-12.889634222131413, rel=1e-12)


def test_weights_count_as_repeated_rows():
    # statsmodels 0.15: GLM with binomial family and freq_weights 1, 2, 3, 1, 2, 3, ...
    fit = lk.fit(lk.LogisticRegression(), GRADE, given=GIVEN, weights=1 + np.arange(32) % 3)
    assert fit.model.coefficients == pytest.approx([2.572970267169, 0.020382173075, 2.569963351203], rel=1e-10)
    assert fit.log_likelihood == pytest.approx(-25.634555810349635, rel=1e-12)


def test_a_normal_prior_is_ridge_regression():
    model = lk.LogisticRegression(coefficients=lk.Normal(0.5, 0.1))
    fit = lk.fit(model, Y, given=X, weights=W).model
    truth = best(Y, X, W, lambda b: ((b[:2] - 0.5) ** 2).sum() / (2 * 0.1))
    assert [*fit.coefficients, fit.intercept] == pytest.approx(truth, abs=1e-6)


def test_the_objective_of_a_ridge_regression_is_log_likelihood_plus_log_prior():
    fit = lk.fit(lk.LogisticRegression(coefficients=lk.Normal(0, 0.1), intercept=lk.Normal(1, 2)), Y, given=X)
    m = fit.model
    prior = lk.Normal(0, 0.1).log_prob(m.coefficients).sum() + lk.Normal(1, 2).log_prob([m.intercept])[0]
    assert fit.objective == pytest.approx(fit.log_likelihood + prior, rel=1e-12)
    truth = best(Y, X, np.ones(200), lambda b: (b[:2] ** 2).sum() / 0.2 + (b[2] - 1) ** 2 / 4)
    assert [*m.coefficients, m.intercept] == pytest.approx(truth, abs=1e-6)


def test_known_entries_stay_and_the_others_are_best_given_them():
    fit = lk.fit(lk.LogisticRegression(coefficients=[np.nan, -0.5]), Y, given=X, weights=W)
    rest = best(Y, X, W, lambda b: 1e8 * (b[1] + 0.5) ** 2)
    assert fit.model.coefficients[1] == -0.5
    assert [fit.model.coefficients[0], fit.model.intercept] == pytest.approx(rest[[0, 2]], abs=1e-5)
    assert fit.n_free == 2


def test_a_regression_through_the_origin_has_no_intercept():
    fit = lk.fit(lk.LogisticRegression(intercept=0), Y, given=X)
    truth = best(Y, X, np.ones(200), lambda b: 1e8 * b[2] ** 2)
    assert fit.model.intercept == 0
    assert fit.model.coefficients == pytest.approx(truth[:2], abs=1e-5)


@pytest.mark.parametrize(("shift", "scale"), [(1e8, 1), (0, 1e8), (0, 1e-8), (-1e6, 1e3)])
def test_units_and_level_of_a_covariate_cost_no_digits(shift, scale):
    plain = lk.fit(lk.LogisticRegression(), Y, given=X)
    moved = lk.fit(lk.LogisticRegression(), Y, given=shift + scale * X)
    assert scale * moved.model.coefficients == pytest.approx(plain.model.coefficients, rel=1e-6)
    assert moved.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-6)


def test_predictions_are_probabilities():
    fit = lk.fit(lk.LogisticRegression(), Y, given=X)
    p = 1 / (1 + np.exp(-(X @ fit.model.coefficients + fit.model.intercept)))
    np.testing.assert_allclose(fit.predict(given=X), p, rtol=1e-12)
    np.testing.assert_allclose(fit.model.log_prob(Y, given=X), np.log(np.where(Y == 1, p, 1 - p)), rtol=1e-9)


def test_draws_are_ones_as_often_as_predicted():
    model = lk.LogisticRegression(coefficients=[2.0], intercept=-1.0)
    given = np.repeat([-1.0, 0.0, 1.0], 20_000)
    shares = model.sample(given=given, seed=3).reshape(3, -1).mean(1)
    assert shares == pytest.approx(model.regress([-1.0, 0.0, 1.0]), abs=0.01)


def test_a_mixture_of_two_is_recovered():
    rng = np.random.default_rng(2)
    given = 2 * rng.normal(size=(6000, 2))
    first = rng.random(6000) < 0.4
    eta = np.where(first, 1 + given @ [2, -1], -1 + given @ [-2, 0.5])
    y = (rng.random(6000) < 1 / (1 + np.exp(-eta))).astype(float)
    labels = np.where(np.arange(6000) < 200, np.where(first, 0, 1), -1)
    fit = lk.fit(lk.Mixture(lk.LogisticRegression(), 2), y, given=given, labels=labels, starts=1)
    assert fit.converged
    assert fit.model.weights == pytest.approx([0.4, 0.6], abs=0.05)
    assert fit.model.component.coefficients == pytest.approx(np.array([[2, -1], [-2, 0.5]]), abs=0.4)
    assert fit.model.component.intercept == pytest.approx([1, -1], abs=0.3)


def test_tied_coefficients_with_labels_are_one_regression_with_two_intercepts():
    labels = (np.arange(200) % 2).astype(int)
    fit = lk.fit(lk.Mixture(lk.LogisticRegression(coefficients=shared), 2), Y, given=X, labels=labels, starts=1)
    two = np.column_stack([X, labels == 1])
    alone = lk.fit(lk.LogisticRegression(), Y, given=two).model
    for j in range(2):
        assert fit.model.component.coefficients[j] == pytest.approx(alone.coefficients[:2], rel=1e-6)
    gap = fit.model.component.intercept[1] - fit.model.component.intercept[0]
    assert gap == pytest.approx(alone.coefficients[2], rel=1e-6)


def test_separated_data_have_no_maximum_and_the_message_names_the_covariate_and_the_cure():
    drug = np.repeat([0, 1], 100)
    age = RNG.normal(size=200)
    cured = np.where(drug == 0, 0, RNG.random(200) < 0.5).astype(float)  # nobody without the drug
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.LogisticRegression(), cured, given={"drug": drug, "age": age})
    assert str(e.value) == (
        "LogisticRegression(): its coefficients run off to infinity (covariate 'drug' separates the ones from the "
        "zeros), so the likelihood has no maximum. Give a prior, as in LogisticRegression(coefficients=Normal(0, 10)), "
        "or leave out the covariate that separates."
    )


def test_a_prior_cures_separation():
    x = np.array([-2.0, -1.0, 1.0, 2.0])
    y = (x > 0).astype(float)
    with pytest.raises(lk.FitError, match="covariate 1 separates the ones from the zeros"):
        lk.fit(lk.LogisticRegression(), y, given=x)
    fit = lk.fit(lk.LogisticRegression(coefficients=lk.Normal(0, 10)), y, given=x).model
    truth = best(y, x[:, None], np.ones(4), lambda b: b[0] ** 2 / 20)
    assert [*fit.coefficients, fit.intercept] == pytest.approx(truth, abs=1e-5)


def test_one_outcome_alone_has_no_maximum():
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.LogisticRegression(), np.ones(20), given=RNG.normal(size=20))
    assert str(e.value) == (
        "LogisticRegression(): its intercept runs off to infinity (all rows are alike), so the likelihood has no "
        "maximum. Give a prior, as in LogisticRegression(intercept=Normal(0, 10))."
    )


def test_nearly_separated_data_have_a_maximum_however_far_out():
    x = np.concatenate([np.linspace(-1, -0.1, 50), np.linspace(0.1, 1, 50), [0.02, -0.02]])
    y = np.concatenate([np.zeros(50), np.ones(50), [0, 1]])
    fit = lk.fit(lk.LogisticRegression(), y, given=x)
    h = 1e-4
    c, a = fit.model.coefficients[0], fit.model.intercept
    for i, j in [(1, 0), (-1, 0), (0, 1), (0, -1)]:
        assert lk.LogisticRegression([c + h * i], a + h * j).log_prob(y, given=x).sum() < fit.log_likelihood
    assert c > 10


def test_covariates_that_depend_on_one_another_are_named():
    given = {"gpa": GPA, "psi": PSI, "control": 1 - np.array(PSI)}
    with pytest.raises(lk.ModelError) as e:
        lk.fit(lk.LogisticRegression(), GRADE, given=given)
    assert str(e.value) == (
        "LogisticRegression: covariates 'psi' and 'control' depend linearly on one another (or there are too few "
        "rows), so their coefficients are not determined. Leave one of them out, or give its coefficient a value or a "
        "prior."
    )
    assert lk.fit(lk.LogisticRegression(coefficients=lk.Normal(0, 1)), GRADE, given=given).converged


def test_a_covariate_that_does_not_vary_is_named():
    with pytest.raises(lk.ModelError) as e:
        lk.fit(lk.LogisticRegression(), GRADE, given={"gpa": GPA, "year": [1980] * 32})
    assert str(e.value) == (
        "LogisticRegression: covariate 'year' does not vary, so its coefficient is not determined. Leave it out; the "
        "intercept describes what is constant."
    )


def test_covariates_are_needed():
    with pytest.raises(lk.ModelError) as e:
        lk.fit(lk.LogisticRegression(), GRADE)
    assert str(e.value) == "LogisticRegression() conditions on covariates; name them with given=..."


def test_another_number_of_covariates_is_refused():
    with pytest.raises(lk.DataError) as e:
        lk.LogisticRegression([1.0, 2.0], 0).regress([[1.0, 2.0, 3.0]])
    assert str(e.value) == "the model has 2 covariates; given has 3 columns."


def test_responses_are_zeros_and_ones():
    with pytest.raises(lk.DataError) as e:
        lk.fit(lk.LogisticRegression(), [0, 1, 2], given=[1, 2, 3])
    assert str(e.value) == (
        "column 1 row 3 is 2; LogisticRegression() needs 0 or 1 (or False, True). Drop the row, or use a family that "
        "allows it."
    )
