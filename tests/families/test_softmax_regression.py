"""Softmax regression against an independent library, a brute-force optimiser, and data without a maximum."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax
from spector import GIVEN, GPA, GRADE, KIND, PSI

import likely as lk

RNG = np.random.default_rng(8)
X = RNG.normal(size=(300, 2))
ETA = np.column_stack([X @ [1.0, -0.5] + 0.3, X @ [-0.5, 1.0], np.zeros(300)])
CODES = (RNG.random((300, 1)) > np.exp(log_softmax(ETA, axis=1)).cumsum(1)).sum(1)


def lost(b, penalty=0.0):
    theta = b.reshape(2, 3)
    eta = np.column_stack([X @ theta[:, :2].T + theta[:, 2], np.zeros(300)])
    return -log_softmax(eta, axis=1)[np.arange(300), CODES].sum() + penalty * (theta[:, :2] ** 2).sum()


def test_an_independent_library_gives_the_same():
    # statsmodels 0.15: MNLogit(2 - kind, [1, gpa, psi]).fit(method="newton", tol=1e-14), whose baseline is kind 2.
    fit = lk.fit(lk.SoftmaxRegression(), KIND, given=np.column_stack([GPA, PSI]))
    assert fit.model.coefficients == pytest.approx(
        np.array([[-2.930012195677, -1.046939387359], [-1.775233957656e-03, 6.698715684986e-05]]), rel=1e-8
    )
    assert fit.model.intercept == pytest.approx([9.029008397205, -1.765710422649e-01], rel=1e-9)
    assert fit.log_likelihood == pytest.approx(-30.578716151137307, rel=1e-12)


def test_the_maximum_is_that_of_a_brute_force_optimiser():
    fit = lk.fit(lk.SoftmaxRegression(), CODES, given=X).model
    truth = minimize(lost, np.zeros(6), method="BFGS", options={"gtol": 1e-8}).x.reshape(2, 3)
    np.testing.assert_allclose(np.column_stack([fit.coefficients, fit.intercept]), truth, atol=1e-5)


def test_a_normal_prior_is_ridge_regression():
    fit = lk.fit(lk.SoftmaxRegression(coefficients=lk.Normal(0, 0.05)), CODES, given=X).model
    truth = minimize(lost, np.zeros(6), args=(10.0,), method="BFGS", options={"gtol": 1e-8}).x.reshape(2, 3)
    np.testing.assert_allclose(np.column_stack([fit.coefficients, fit.intercept]), truth, atol=1e-5)


def test_two_categories_are_logistic_regression():
    one = lk.fit(lk.SoftmaxRegression(), np.where(GRADE, "A", "other"), given=GIVEN).model
    other = lk.fit(lk.LogisticRegression(), GRADE, given=GIVEN).model
    assert one.categories == ("A", "other")
    assert one.coefficients[0] == pytest.approx(other.coefficients, rel=1e-10)
    assert one.intercept[0] == pytest.approx(other.intercept, rel=1e-10)


def test_which_category_is_the_baseline_changes_the_coefficients_but_no_probability():
    words = np.array(["x", "y", "z"])[CODES]
    one = lk.fit(lk.SoftmaxRegression(), words, given=X)
    two = lk.fit(lk.SoftmaxRegression(categories=["z", "y", "x"]), words, given=X)
    np.testing.assert_allclose(one.predict(), two.predict()[:, ::-1], rtol=1e-8)
    assert two.model.coefficients[0] == pytest.approx(-one.model.coefficients[0], rel=1e-7)


def test_probabilities_sum_to_one_and_are_what_log_prob_says():
    model = lk.SoftmaxRegression([[1.0], [2.0]], [0.5, -0.5], categories=["a", "b", "c"])
    given = np.linspace(-3, 3, 7)
    p = model.regress(given)
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-12)
    for j, word in enumerate("abc"):
        np.testing.assert_allclose(np.exp(model.log_prob([word] * 7, given=given)), p[:, j], rtol=1e-12)


def test_a_value_that_is_no_category_is_impossible():
    model = lk.SoftmaxRegression([[1.0], [2.0]], [0.5, -0.5], categories=["a", "b", "c"])
    assert model.log_prob(["d"], given=[0.0])[0] == -np.inf


def test_draws_follow_the_probabilities_and_are_words_where_categories_are():
    model = lk.SoftmaxRegression([[1.0], [2.0]], [0.5, -0.5], categories=["a", "b", "c"])
    drawn = model.sample(given=np.full(30_000, 0.7), seed=2)
    assert [(drawn == w).mean() for w in "abc"] == pytest.approx(model.regress([0.7])[0], abs=0.01)


def test_a_category_with_no_rows_has_no_maximum():
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.SoftmaxRegression(categories=[0, 1, 2, 3]), CODES, given=X)
    assert str(e.value) == (
        "SoftmaxRegression(categories=[0.0, 1.0, 2.0, 3.0]): its intercept runs off to infinity (a category has no "
        "rows), so the likelihood has no maximum. Give a prior, as in SoftmaxRegression(intercept=Normal(0, 10))."
    )


def test_separated_categories_have_no_maximum():
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.SoftmaxRegression(), np.where(X[:, 0] > 0, 2, CODES % 2), given={"dose": X[:, 0], "age": X[:, 1]})
    assert str(e.value) == (
        "SoftmaxRegression(categories=[0.0, 1.0, 2.0]): its coefficients run off to infinity (a combination of "
        "covariates 'dose', 'age' separates some categories from the others), so the likelihood has no maximum. Give a "
        "prior, as in SoftmaxRegression(coefficients=Normal(0, 10)), or leave out the covariate that separates."
    )


def test_two_categories_are_needed():
    with pytest.raises(lk.ModelError) as e:
        lk.fit(lk.SoftmaxRegression(), ["tea"] * 3, given=[1, 2, 3])
    assert str(e.value) == (
        "SoftmaxRegression needs two categories or more; there is only 'tea'. Write those there are, as in "
        "categories=['a', 'b'], or use another column."
    )


def test_coefficients_for_another_number_of_categories_are_refused():
    with pytest.raises(lk.ModelError) as e:
        lk.fit(lk.SoftmaxRegression([[1, 2], [3, np.nan], [0, 0]]), CODES, given=X)
    assert str(e.value) == (
        "SoftmaxRegression has coefficients for 3 categories against a last one, but there are 3 categories (0.0, 1.0, "
        "2.0). Write one row of coefficients for each but the last."
    )
