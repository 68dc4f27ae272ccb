"""Standard errors and the delta method."""

import pickle

import numpy as np
import pytest
from scipy import stats
from scipy.special import polygamma
from spector import GIVEN, GRADE

import likely as lk
from likely.errors import ModelError
from support import hessian

AIRCONDIT = np.array([3, 5, 7, 18, 43, 85, 91, 98, 100, 130, 230, 487.0])
DEATHS = np.repeat(np.arange(10), [162, 267, 271, 185, 111, 61, 27, 8, 3, 1])
TWO = np.random.default_rng(3).normal(np.repeat([0.0, 3.0], 60), 1)


@pytest.fixture(scope="module")
def hasselblad():
    start = lk.Mixture(lk.Poisson(rate=[1.0, 3.0]), 2, weights=[0.5, 0.5])
    return lk.fit(lk.Mixture(lk.Poisson(), 2), DEATHS, start=start, tol=1e-9)


def test_hasselblads_standard_errors_come_out_to_seven_digits(hasselblad):
    errors = hasselblad.standard_errors()
    found = [round(errors[n], 7) for n in ("weights[0]", "component.rate[0]", "component.rate[1]")]
    assert found == [0.1946843, 0.3500297, 0.2504783]
    assert errors["weights[1]"] == pytest.approx(errors["weights[0]"], rel=1e-12)


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        (lk.Gamma(), {"shape": 0.245971733, "rate": 0.00319669157}),
        (lk.Weibull(), {"shape": 0.180622107, "scale": 36.4094734}),
    ],
)
def test_published_standard_errors_of_the_air_conditioning_data(family, expected):
    assert dict(lk.fit(family, AIRCONDIT).standard_errors()) == pytest.approx(expected, rel=1e-7)


def test_logistic_regression_has_its_published_standard_errors():
    # Greene, Econometric Analysis, table 17.1, the logit: constant 4.931, gpa 1.263, tuce 0.142, psi 1.065
    errors = lk.fit(lk.LogisticRegression(), GRADE, given=GIVEN).standard_errors()
    assert sorted(errors.errors.round(3).tolist()) == [0.142, 1.065, 1.263, 4.931]


def test_exponential_and_normal_have_their_closed_forms():
    fit = lk.fit(lk.Exponential(), AIRCONDIT)
    assert fit.standard_errors()["rate"] == pytest.approx(fit.model.rate / np.sqrt(12), rel=1e-9)
    assert fit.delta(lambda m: m.mean).error == pytest.approx(31.2009708, rel=1e-8)
    variance = AIRCONDIT.var()
    covariance = lk.fit(lk.Normal(), AIRCONDIT).vcov()
    np.testing.assert_allclose(covariance, np.diag([variance / 12, variance**2 / 6]), rtol=1e-8, atol=1e-5)


def test_probabilities_of_categories_covary_as_a_multinomial():
    x = np.repeat(["a", "b", "c"], [5, 9, 26])
    p = np.array([5, 9, 26]) / 40
    fit = lk.fit(lk.Categorical(), x)
    np.testing.assert_allclose(fit.vcov(), (np.diag(p) - np.outer(p, p)) / 40, rtol=1e-8, atol=1e-12)


def test_a_mixture_agrees_with_a_numerical_hessian_of_its_log_likelihood():
    fit = lk.fit(lk.Mixture(lk.Normal(), 2), TWO, starts=3, tol=1e-8)
    m = fit.model

    def log_likelihood(u):
        each = stats.norm.pdf(TWO[:, None], u[1:3], np.sqrt(u[3:5]))
        return np.log(each @ [u[0], 1 - u[0]]).sum()

    at = np.array([m.weights[0], *m.component.mean, *m.component.variance])
    expected = np.sqrt(np.diag(np.linalg.inv(-hessian(log_likelihood, at, 1e-3))))
    np.testing.assert_allclose(fit.standard_errors().errors[[0, 2, 3, 4, 5]], expected, rtol=1e-4)


def test_weights_are_repeated_rows():
    repeated = lk.fit(lk.Gamma(), np.repeat(AIRCONDIT, 3))
    weighted = lk.fit(lk.Gamma(), AIRCONDIT, weights=np.full(12, 3.0))
    for kind in ("observed", "sandwich", "opg"):
        np.testing.assert_allclose(weighted.vcov(kind), repeated.vcov(kind), rtol=1e-6)


def test_the_sandwich_is_right_where_the_model_is_wrong():
    x = np.random.default_rng(1).gamma(4, 1, 200)
    fit = lk.fit(lk.Exponential(), x)
    robust = fit.delta(lambda m: m.mean, kind="sandwich")
    assert robust.error == pytest.approx(x.std() / np.sqrt(200), rel=1e-6)
    assert fit.delta(lambda m: m.mean).error == pytest.approx(x.mean() / np.sqrt(200), rel=1e-8)


def test_outer_products_of_scores_have_their_formula():
    fit = lk.fit(lk.Gamma(), AIRCONDIT)
    a, b = fit.model.shape, fit.model.rate
    scores = np.stack([np.log(b) - polygamma(0, a) + np.log(AIRCONDIT), a / b - AIRCONDIT], 1)
    np.testing.assert_allclose(fit.vcov("opg"), np.linalg.inv(scores.T @ scores), rtol=1e-6)


def test_with_a_prior_the_curvature_is_that_of_the_objective():
    # 8 + 1 successes, 2 + 1 failures: the mode has the curvature of so many tosses on the logit's scale
    x = [1] * 8 + [0] * 2
    errors = lk.fit(lk.Bernoulli(p=lk.Beta(2, 2)), x).standard_errors()
    p = 9 / 12
    curvature = 9 / p**2 + 3 / (1 - p) ** 2
    assert errors["p"] == pytest.approx(curvature**-0.5, rel=1e-8)
    assert str(errors).startswith("Standard errors from the observed information of log-likelihood + log prior\n")
    outer = 10 * 0.8 * 0.2 + 2 * p * (1 - p)  # on the scale of the logit: scores x - p about their mean, and the prior
    opg = lk.fit(lk.Bernoulli(p=lk.Beta(2, 2)), x).standard_errors("opg")
    assert opg["p"] == pytest.approx(p * (1 - p) * outer**-0.5, rel=1e-6)


def test_known_and_tied_numbers_are_respected():
    fit = lk.fit(lk.Mixture(lk.Normal(mean=[0, 3], variance=lk.shared), 2), TWO, starts=2)
    assert fit.standard_errors().names == ("weights[0]", "weights[1]", "component.variance[0]")
    assert np.isfinite(fit.standard_errors().errors).all()


def test_no_standard_error_at_an_edge_and_why():
    errors = lk.fit(lk.Categorical(categories=["a", "b", "c"]), ["a", "b", "b", "b"]).standard_errors()
    assert np.isnan(errors["p[2]"])
    assert np.isnan(errors.covariance[2]).all()
    assert errors["p[0]"] == pytest.approx(np.sqrt(0.25 * 0.75 / 4), rel=1e-8)
    assert errors.why == {
        "p[2]": "p[2] has no standard error: it is 0, at the edge of what is possible, where the likelihood need not "
        "be level. The other errors are those if it were known. fit.profile('p[2]') shows how far from there the data "
        "let it be."
    }


def test_no_standard_error_of_an_infinite_size_and_why():
    fit = lk.fit(lk.NegativeBinomial(), [3, 4, 4, 5, 4, 3, 5])  # less scattered than a Poisson: the limit
    assert fit.standard_errors().why == {
        "size": "size has no standard error: it is inf, at the edge of what is possible, where the likelihood need not "
        "be level. The other errors are those if it were known. fit.bootstrap() shows how it scatters."
    }
    assert fit.standard_errors()["mean"] == pytest.approx(np.sqrt(4 / 7), rel=1e-6)


def test_no_standard_error_of_an_end_of_the_data_and_why():
    errors = lk.fit(lk.Pareto(), [1.0, 1.5, 2.0, 5.0]).standard_errors()
    assert errors.why == {
        "scale": "scale has no standard error: the likelihood has a jump or a corner at its maximum there, and no "
        "curvature."
    }
    assert errors["shape"] > 0


def test_no_standard_error_of_what_is_not_identified_and_why():
    # Both components alike: weights and the difference of the rates tell nothing.
    x = np.random.default_rng(0).poisson(3.0, 400)
    same = lk.Mixture(lk.Poisson(rate=[x.mean(), x.mean()]), 2, weights=[0.3, 0.7])
    fit = lk.fit(lk.Mixture(lk.Poisson(), 2), x, start=same)
    errors = fit.standard_errors()
    assert np.isnan(errors["weights[0]"])
    assert " along a direction that moves " in errors.why["weights[0]"]
    assert fit.delta(lambda m: m.weights @ m.component.rate).error == pytest.approx(np.sqrt(x.mean() / 400), rel=0.05)


def test_a_fit_that_is_no_maximum_is_refused():
    fit = lk.fit(lk.Mixture(lk.Poisson(), 2), DEATHS, max_passes=3, starts=1)
    with pytest.raises(ModelError) as e:
        fit.standard_errors()
    assert str(e.value) == (
        "standard errors are those of a maximum, and this fit is none: Stopped at the limit of passes, before "
        "convergence; raise max_passes. Fit again."
    )


def test_an_unknown_kind_is_refused():
    with pytest.raises(ModelError) as e:
        lk.fit(lk.Normal(), TWO).standard_errors("robust")
    assert str(e.value) == "kind='robust'; standard errors are 'observed', 'sandwich' or 'opg'."


def test_nothing_estimated_has_no_errors():
    with pytest.raises(ModelError) as e:
        lk.fit(lk.Normal(0, 1), TWO).standard_errors()
    assert str(e.value) == "nothing is estimated in Normal(mean=0, variance=1), so nothing has a standard error."


def test_the_delta_method_has_its_closed_forms():
    fit = lk.fit(lk.Bernoulli(), [1] * 30 + [0] * 10)
    odds = fit.delta(lambda m: np.log(m.p / (1 - m.p)))
    assert odds.value == pytest.approx(np.log(3))
    assert odds.error == pytest.approx(np.sqrt(1 / 30 + 1 / 10), rel=1e-9)
    normal = lk.fit(lk.Normal(), TWO)
    s = np.sqrt(TWO.var())
    both = normal.delta(lambda m: [np.sqrt(m.variance), m.mean / np.sqrt(m.variance)])
    cv = TWO.mean() / s
    np.testing.assert_allclose(both.error, [s / np.sqrt(240), np.sqrt((1 + cv**2 / 2) / 120)], rtol=1e-7)
    assert both.covariance.shape == (2, 2)


def test_intervals_of_a_function_stay_in_its_range():
    fit = lk.fit(lk.Bernoulli(), [1] * 3 + [0])
    odds = fit.delta(lambda m: m.p / (1 - m.p))
    reach = 1.959963984540054 * np.sqrt(1 / 3 + 1)
    np.testing.assert_allclose(odds.conf_int(0.95, low=0), 3 * np.exp([-reach, reach]), rtol=1e-8)
    assert odds.conf_int()[0] < 0


def test_a_function_must_give_numbers():
    with pytest.raises(ModelError) as e:
        lk.fit(lk.Normal(), TWO).delta(lambda m: type(m).__name__)
    assert str(e.value) == (
        "delta: the function gave 'Normal'; it must give finite numbers, as in lambda m: m.rate[0] / m.rate[1]."
    )


def test_a_fit_with_errors_can_be_pickled():
    fit = lk.fit(lk.Normal(), AIRCONDIT)
    errors = fit.standard_errors()
    again = pickle.loads(pickle.dumps(fit)).standard_errors()
    np.testing.assert_array_equal(again.errors, errors.errors)


def test_errors_are_read_by_name_and_shown_as_a_table():
    errors = lk.fit(lk.Normal(), AIRCONDIT).standard_errors()
    assert list(errors) == ["mean", "variance"]
    assert len(errors) == 2
    assert str(errors).splitlines()[1].split() == ["estimate", "std.", "error"]
    assert errors._repr_html_().count("<tr>") == 3
    with pytest.raises(KeyError):
        errors["sd"]
