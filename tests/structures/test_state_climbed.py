"""What stands in rows without noise, where EM cannot move it, against maxima that are found without any filter."""

import numpy as np
import pytest
from scipy import optimize, signal
from scipy.linalg import toeplitz

import likely as lk

NAN = float("nan")
RNG = np.random.default_rng(1)
WALK = np.cumsum(RNG.normal(size=40) + 0.3) + RNG.normal(size=40)
SINCE = np.arange(40.0)
LINE = np.column_stack([np.ones(40), SINCE])
WANDER = np.minimum.outer(SINCE, SINCE)


def best_regression(looks, covariance, many, flat=0):
    """Height, coefficients and variances of the most likely regression; so many first coefficients are diffuse."""

    def fitted(u):
        inverse = np.linalg.inv(covariance(*np.exp(u)))
        return np.linalg.solve(looks.T @ inverse @ looks, looks.T @ inverse @ WALK), inverse

    def loss(u):
        beta, inverse = fitted(u)
        rest, told = WALK - looks @ beta, looks[:, :flat].T @ inverse @ looks[:, :flat]
        dets = np.linalg.slogdet(told)[1] - np.linalg.slogdet(inverse)[1]
        return 0.5 * (len(WALK) * np.log(2 * np.pi) + dets + rest @ inverse @ rest)

    found = optimize.minimize(loss, np.zeros(many), tol=1e-10)
    return -found.fun, fitted(found.x)[0], np.exp(found.x)


def test_a_drift_without_noise_is_the_slope_of_a_line():
    height, (_, slope), (noise,) = best_regression(LINE, lambda r: r * np.eye(40), 1, flat=1)
    fit = lk.fit(lk.StateSpace(1, A=1, b=NAN, C=1, d=0, Q=0, P0="diffuse"), WALK, starts=2, tol=1e-5)
    assert fit.outcome is lk.Outcome.converged
    assert fit.log_likelihood == pytest.approx(height, abs=1e-7)
    assert (fit.model.b.item(), fit.model.R.item()) == pytest.approx((slope, noise), rel=1e-4)
    assert fit.n_free == 2


def test_a_fixed_start_of_states_without_noise_is_that_of_generalised_least_squares():
    height, beta, noises = best_regression(LINE, lambda q, r: q * WANDER + r * np.eye(40), 2)
    trend = lk.StateSpace(2, A=[[1, 1], [0, 1]], C=[[1, 0]], d=0, Q=[[NAN, 0], [0, 0]])
    fit = lk.fit(trend, WALK, starts=2, tol=1e-5)
    assert fit.log_likelihood == pytest.approx(height, abs=1e-7)
    assert np.ravel(fit.model.m0) == pytest.approx(beta, abs=1e-3)
    assert (fit.model.Q[0, 0], fit.model.R[0, 0]) == pytest.approx(noises, rel=1e-3)
    assert fit.n_free == 4


def test_steps_before_the_climb_never_lower_the_likelihood():
    y = signal.lfilter([1.0, 0.6], [1.0, -0.5], np.random.default_rng(2).normal(size=60))
    seen = []
    lk.fit(lk.arma(1, 1), y, starts=1, callback=seen.append)
    heights = [step.objective for step in seen]
    assert {step.kind for step in seen} == {"start", "line search", "quasi-newton"}
    assert (np.diff(heights) >= -1e-9).all()
    assert seen[0].params.C[0, 0, 1] == seen[1].params.C[0, 0, 1]  # EM leaves it where it was


def test_clusters_of_moving_averages_are_found():
    thetas, rng = [0.8, -0.8] * 3, np.random.default_rng(3)
    series = [signal.lfilter([1.0, theta], [1.0], rng.normal(size=60)) for theta in thetas]
    begin = lk.Mixture([lk.arma(0, 1, ma=[m], variance=1.0) for m in (0.3, -0.3)], weights=[0.5, 0.5])
    fit = lk.fit(lk.Mixture([lk.arma(0, 1), lk.arma(0, 1)]), series, start=begin)
    found = fit.model.components
    assert fit.predict().tolist() == [0, 1] * 3

    def loss(u, some):
        column = np.exp(u[1]) * np.append([1 + u[0] ** 2, u[0]], np.zeros(58))
        inverse, log_det = np.linalg.inv(toeplitz(column)), np.linalg.slogdet(toeplitz(column))[1]
        return sum(0.5 * (log_det + y @ inverse @ y) for y in some)

    for i, sign in enumerate((1, -1)):
        best = optimize.minimize(loss, [0.5 * sign, 0.0], args=(series[i::2],), tol=1e-9)
        assert found[i].C[0, 1] == pytest.approx(best.x[0], abs=1e-3)


@pytest.mark.parametrize(
    ("ma", "ar", "intercept"), [([2.0], [0.5], 0.7), ([1.0, 3.0], [0.3], 0.0), ([0.5, -2.0], [], 2)]
)
def test_the_invertible_description_is_of_the_same_distribution(ma, ar, intercept):
    y = np.random.default_rng(4).normal(size=30)
    theirs = lk.arma(len(ar), len(ma), ar=ar, ma=ma, variance=1.3, intercept=intercept)
    free = lk.arma(len(ar), len(ma), intercept=NAN if intercept else 0).bind()
    ours = free.publish(theirs.bind((), free.setting).known_params())
    assert (np.abs(np.roots(ours.C[0])) < 1).all()
    assert (np.abs(np.roots(theirs.C[0])) > 1).any()
    assert ours.log_prob(y)[0] == pytest.approx(theirs.log_prob(y)[0], rel=1e-9)


@pytest.mark.parametrize("more", [{"intercept": 0.5}, {"ma": [2.0]}, {"variance": 1.3}, {"noise": 0.1}])
def test_what_is_known_stays_though_the_moving_average_is_not_invertible(more):
    free = lk.arma(1, 1, **more).bind()
    values = {"ar": [0.5], "ma": [2.0], "variance": 1.3} | more
    theirs = lk.arma(1, 1, **values)
    ours = free.publish(theirs.bind((), free.setting).known_params())
    assert ours.C.tolist() == [[1.0, 2.0]]
