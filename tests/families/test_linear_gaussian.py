"""Regression with normal errors."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize

import likely as lk
from banks import bank, check_expectation
from likely.core.notation import parse
from support import bound, e_step, meeting, q_gradient

NAN = np.nan
RNG = np.random.default_rng(12)
N = 80
HALF = np.repeat([0, 1], N // 2)
GIVEN = RNG.normal(size=(N, 2)) + [3, -2]
ERROR = RNG.normal(size=(N, 2)) @ [[1, 0.5], [0, 0.7]]
Y = np.column_stack([1 + 2 * GIVEN[:, 0] - GIVEN[:, 1], 3 - GIVEN[:, 0]]) + HALF[:, None] * [3, -4] + ERROR
ONES = np.ones((N, 1))

COEFFICIENTS = {
    "free": {},
    "known": {"coefficients": [[2, -1], [-1, 0]]},
    "shared": {"coefficients": lk.shared},
    "offsets": {"coefficients": lk.shared + [np.zeros((2, 2)), np.eye(2)]},
    "partly known": {"coefficients": [[2, NAN], [-1, 0]]},
    "partly known each": {"coefficients": [[[2, NAN], [NAN, 0]], [[NAN, NAN], [1, 1]]]},
}
INTERCEPTS = {
    "free": {},
    "known": {"intercept": [1, 3]},
    "origin": {"intercept": 0},
    "shared": {"intercept": lk.shared},
    "offsets": {"intercept": lk.shared + [[0, 0], [3, -4]]},
    "partly known": {"intercept": [1, NAN]},
}
COVARIANCES = {
    "free": {},
    "known": {"covariance": [[1, 0.3], [0.3, 2]]},
    "shared": {"covariance": lk.shared},
    "prior": {"covariance": lk.InverseWishart(6, [[2, 0.3], [0.3, 1]])},
}


def least_squares(y, given, weights=None):
    w = np.ones(len(y)) if weights is None else np.sqrt(weights)
    design = np.column_stack([given, np.ones(len(y))])
    theta, *_ = np.linalg.lstsq(design * w[:, None], y * w[:, None], rcond=None)
    return theta[:-1].T, theta[-1], y - design @ theta


@pytest.mark.parametrize("responses", [1, 2])
def test_maximum_likelihood_is_least_squares(responses):
    weights = RNG.random(N) + 0.1
    fit = lk.fit(lk.LinearGaussian(), Y[:, :responses], given=GIVEN, weights=weights)
    slopes, heights, r = least_squares(Y[:, :responses], GIVEN, weights)
    covariance = (r * weights[:, None]).T @ r / weights.sum()
    assert fit.model.coefficients == pytest.approx(slopes, rel=1e-11)
    assert fit.model.intercept == pytest.approx(heights, rel=1e-11)
    assert fit.model.covariance == pytest.approx(covariance, rel=1e-11)
    density = stats.multivariate_normal(np.zeros(responses), covariance).logpdf(r)
    assert fit.log_likelihood == pytest.approx(weights @ density, rel=1e-12)
    assert fit.n_free == responses * 3 + responses * (responses + 1) // 2


def test_log_prob_is_the_normal_density_of_the_error():
    model = lk.LinearGaussian(coefficients=[[2, -1], [-1, 0]], intercept=[1, 3], covariance=[[1, 0.3], [0.3, 2]])
    error = Y - GIVEN @ [[2, -1], [-1, 0]] - [1, 3]
    expected = stats.multivariate_normal([0, 0], [[1, 0.3], [0.3, 2]]).logpdf(error)
    assert model.log_prob(Y, given=GIVEN) == pytest.approx(expected, rel=1e-12)


def test_members_may_look_at_points_of_their_own():
    family, table = bank(lk.LinearGaussian(), 2, Y, given=GIVEN)
    params = family.maximize(family.collect(None, None, table, RNG.random((N, 2))), None)
    own = table.with_(x=np.stack([Y, Y[::-1]], 1))
    found = family.log_density(params, own)
    assert found[:, 0] == pytest.approx(family.log_density(params, table)[:, 0], rel=1e-12)
    backwards = family.log_density(params, table.with_(x=Y[::-1]))
    assert found[:, 1] == pytest.approx(backwards[:, 1], rel=1e-12)
    w = RNG.random((N, 2))
    each = [family.statistics(None, table.with_(x=x), w) for x in (Y, Y[::-1])]
    both = family.statistics(None, own, w)
    for k in range(2):
        assert both.scatter[k] == pytest.approx(each[k].scatter[k], rel=1e-11)


def test_large_offsets_of_covariates_and_responses_cost_few_digits():
    slopes, _, r = least_squares(Y, GIVEN)
    fit = lk.fit(lk.LinearGaussian(), np.round(Y, 6) + 1e6, given=np.round(GIVEN, 6) - 1e6)
    assert fit.model.coefficients == pytest.approx(slopes, rel=1e-5)
    assert fit.model.covariance == pytest.approx(r.T @ r / N, rel=1e-5)
    shared = lk.fit(lk.Mixture(lk.LinearGaussian(coefficients=lk.shared, intercept=lk.shared, covariance=1), 2),
                    np.round(Y, 6) + 1e6, given=np.round(GIVEN, 6) - 1e6, starts=1)  # fmt: skip
    assert shared.model.component.coefficients[0] == pytest.approx(slopes, rel=1e-5)


def test_unbiased_divides_by_the_rows_less_the_coefficients():
    _, _, r = least_squares(Y, GIVEN)
    fit = lk.fit(lk.LinearGaussian(covariance=lk.unbiased), Y, given=GIVEN)
    assert fit.model.covariance == pytest.approx(r.T @ r / (N - 3), rel=1e-11)


def test_a_prior_on_the_covariance_counts_as_errors():
    scale = np.array([[2, 0.3], [0.3, 1]])
    slopes, _, r = least_squares(Y, GIVEN)
    fit = lk.fit(lk.LinearGaussian(covariance=lk.InverseWishart(6, scale)), Y, given=GIVEN)
    assert fit.model.covariance == pytest.approx((r.T @ r + scale) / (N + 6 + 3), rel=1e-11)
    assert fit.model.coefficients == pytest.approx(slopes, rel=1e-11)


def test_a_regression_through_the_origin_may_have_a_constant_covariate():
    given = np.column_stack([GIVEN, np.ones(N)])
    fit = lk.fit(lk.LinearGaussian(intercept=0), Y, given=given)
    slopes, heights, _ = least_squares(Y, GIVEN)
    assert fit.model.coefficients == pytest.approx(np.column_stack([slopes, heights]), rel=1e-9)
    assert fit.model.intercept.tolist() == [0, 0]


def test_known_coefficients_leave_the_rest_to_least_squares():
    fit = lk.fit(lk.LinearGaussian(coefficients=[[NAN, -1]]), Y[:, 0], given=GIVEN)
    slopes, heights, _ = least_squares(Y[:, :1] + GIVEN[:, 1:], GIVEN[:, :1])
    assert fit.model.coefficients == pytest.approx(np.column_stack([slopes, [[-1]]]), rel=1e-11)
    assert fit.model.intercept == pytest.approx(heights, rel=1e-11)


def test_a_slope_known_for_one_response_helps_the_other():
    # Seemingly unrelated regressions (Zellner 1962): unequal designs, so the errors' covariance matters.
    fit = lk.fit(lk.LinearGaussian(coefficients=[[2, NAN], [NAN, NAN]]), Y, given=GIVEN)

    def lost(theta):
        slopes = np.array([[2, theta[0]], [theta[1], theta[2]]])
        r = Y - GIVEN @ slopes.T - theta[3:]
        return N / 2 * np.linalg.slogdet(r.T @ r / N)[1]

    best = minimize(lost, np.zeros(5), method="BFGS", options={"gtol": 1e-8})
    free = fit.model.coefficients.ravel()[1:]
    assert [*free, *fit.model.intercept] == pytest.approx(best.x, abs=1e-5)
    assert fit.log_likelihood == pytest.approx(-best.fun - N * (1 + np.log(2 * np.pi)), rel=1e-11)


def test_shared_coefficients_are_the_numerical_maximum():
    # Each response's slopes are common to two members of known rows, whose errors differ in size.
    family, table = bank(
        lk.LinearGaussian(coefficients=lk.shared), 2, Y * [[1, 1]] + HALF[:, None] * ERROR, given=GIVEN
    )
    x = table.x
    w = np.eye(2)[HALF]
    new = family.maximize(family.collect(None, None, table, w), None)

    def lost(theta):
        slopes = theta[:4].reshape(2, 2)
        total = 0.0
        for k in range(2):
            r = (x - GIVEN @ slopes.T)[w[:, k] == 1] - theta[4 + 2 * k : 6 + 2 * k]
            total += 20 * np.linalg.slogdet(r.T @ r / 40)[1]
        return total

    best = minimize(lost, np.zeros(8), method="BFGS", options={"gtol": 1e-8})
    found = np.concatenate([new.coefficients[0].ravel(), new.intercept.ravel()])
    assert found == pytest.approx(best.x, abs=2e-5)
    assert lost(found) <= best.fun + 1e-10
    assert new.coefficients[1].tolist() == new.coefficients[0].tolist()


@pytest.mark.parametrize(("coefficients", "intercept", "covariance"), meeting(COEFFICIENTS, INTERCEPTS, [*COVARIANCES]))
def test_m_step_is_the_conditional_maximum(coefficients, intercept, covariance):
    model = lk.LinearGaussian(**COEFFICIENTS[coefficients], **INTERCEPTS[intercept], **COVARIANCES[covariance])
    family, table = bound(lk.Mixture(model, 2), Y, given=GIVEN)
    w = np.random.default_rng(5).exponential(size=(N, 1))
    params = family.start(table, w, np.random.default_rng(3))
    posterior, statistics = e_step(family, params, table, w)
    q = family.expected_log_density(params, statistics).sum() + (w * posterior.slack).sum()
    assert q == pytest.approx((w * posterior.log_prob).sum(), rel=1e-11)
    new = family.maximize(statistics, params)
    assert family.obeys(new)
    assert len(family.flatten(new)) == family.count_free()
    assert np.abs(q_gradient(family, new, statistics)).max(initial=0.0) < 1e-8 * N


def test_expected_log_density_is_the_weighted_sum():
    values = {
        "coefficients": RNG.normal(size=(2, 2, 2)),
        "intercept": RNG.normal(size=(2, 2)),
        "covariance": [np.eye(2), [[1, 0.3], [0.3, 2]]],
    }
    check_expectation(lk.LinearGaussian(), Y, values, given=GIVEN)


@pytest.mark.parametrize("model", [lk.LinearGaussian(), lk.LinearGaussian(intercept=lk.shared, covariance=lk.shared)])
def test_a_member_without_weight_keeps_what_it_had(model):
    family, table = bank(model, 3, Y, given=GIVEN)
    w = RNG.random((N, 3))
    first = family.maximize(family.collect(None, None, table, w), None)
    w[:, 2] = 0
    second = family.maximize(family.collect(first, None, table, w), first)
    two, _ = bank(model, 2, Y, given=GIVEN)
    alone = two.maximize(two.collect(None, None, table, w[:, :2]), None)
    for name in ("coefficients", "intercept", "covariance"):
        assert second[name][:2] == pytest.approx(alone[name], rel=1e-8)
    assert second.coefficients[2].tolist() == first.coefficients[2].tolist()


def test_mixture_of_regressions_finds_both_lines():
    rng = np.random.default_rng(0)
    x = rng.uniform(-3, 3, 400)
    line = np.repeat([0, 1], 200)
    y = np.where(line == 0, 1 + 2 * x, 4 - x) + 0.3 * rng.normal(size=400)
    fit = lk.fit(lk.Mixture(lk.LinearGaussian(), 2), y, given=x)
    order = np.argsort(fit.model.component.intercept[:, 0])
    assert fit.model.component.coefficients[order, 0, 0] == pytest.approx([2, -1], abs=0.05)
    assert fit.model.component.intercept[order, 0] == pytest.approx([1, 4], abs=0.1)


def test_draws_follow_the_line():
    given = np.repeat([[0.0, 1], [2, -1]], 50_000, 0)
    model = lk.LinearGaussian(coefficients=[[2, -1], [-1, 0]], intercept=[1, 3], covariance=[[1, 0.3], [0.3, 2]])
    x = model.sample(given=given, seed=2)
    assert x[:50_000].mean(0) == pytest.approx([0, 3], abs=0.03)
    assert np.cov(x[50_000:].T) == pytest.approx(np.array([[1, 0.3], [0.3, 2]]), abs=0.04)


def test_text_reads_back():
    model = lk.LinearGaussian(coefficients=[[2, -1]], intercept=lk.shared, covariance=lk.InverseWishart(3, 1))
    assert parse(repr(model)) == model


@pytest.mark.parametrize(
    ("given", "names", "message"),
    [
        (
            np.column_stack([GIVEN, GIVEN @ [1, -2]]),
            ["age", "dose", "score"],
            "LinearGaussian: covariates 'age', 'dose' and 'score' depend linearly on one another (or there are too few "
            "rows), so their coefficients are not determined. Leave one of them out, or give its coefficient a value.",
        ),
        (
            np.column_stack([GIVEN, 1e3 + 2 * GIVEN[:, 0]]),
            [],
            "LinearGaussian: covariates 1 and 3 depend linearly on one another (or there are too few rows), so their "
            "coefficients are not determined. Leave one of them out, or give its coefficient a value.",
        ),
        (
            np.column_stack([GIVEN, np.full(N, 5.1)]),
            ["age", "dose", "site"],
            "LinearGaussian: covariate 'site' does not vary, so its coefficient is not determined. Leave it out; the "
            "intercept describes what is constant.",
        ),
    ],
)
@pytest.mark.parametrize("size", [0, 2])
def test_covariates_that_depend_on_one_another_are_named(given, names, message, size):
    model = lk.LinearGaussian() if size == 0 else lk.Mixture(lk.LinearGaussian(), size)
    data = Y
    if names:
        data = {"y": Y[:, 0], "z": Y[:, 1], **dict(zip(names, given.T, strict=True))}
        given = names
    with pytest.raises(lk.ModelError) as e:
        lk.fit(model, data, given=given)
    assert str(e.value) == message


def test_a_known_coefficient_settles_dependent_covariates():
    given = np.column_stack([GIVEN, GIVEN @ [1, -2]])
    fit = lk.fit(lk.LinearGaussian(coefficients=[[NAN, NAN, 0.5]]), Y[:, 0], given=given)
    slopes, _, _ = least_squares(Y[:, :1] - 0.5 * given[:, 2:], GIVEN)
    assert fit.model.coefficients[:, :2] == pytest.approx(slopes, rel=1e-9)


def test_a_response_that_is_explained_wholly_has_no_maximum():
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.LinearGaussian(), GIVEN @ [1.5, -2] + 1, given=GIVEN)
    assert str(e.value) == (
        "LinearGaussian(): its variance fell to zero, so the likelihood has no maximum. The covariates explain a "
        "response exactly (or responses depend on one another, or there are too few rows). Leave covariates or "
        "responses out, or give the covariance a value or a prior."
    )


def test_covariates_that_are_missing_or_too_many_are_named():
    with pytest.raises(lk.ModelError) as e:
        lk.fit(lk.LinearGaussian(), Y)
    assert str(e.value) == "LinearGaussian() conditions on covariates; name them with given=..."
    known = lk.LinearGaussian(coefficients=[[2, -1]], intercept=0, covariance=1)
    with pytest.raises(lk.ModelError) as e:
        known.log_prob(Y[:, 0])
    assert str(e.value) == f"{known!r} conditions on covariates; name them with given=..."
    with pytest.raises(lk.DataError) as e:
        known.sample(given=np.ones((5, 3)))
    assert str(e.value) == "LinearGaussian needs given=... with 2 covariates, one row a draw."
