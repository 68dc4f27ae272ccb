"""Named models: their densities are those of the textbook's equations, by differences and autocovariances."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, signal, stats
from scipy.linalg import toeplitz

import likely as lk
from likely.errors import ModelError

NILE = np.loadtxt(Path(lk.__file__).parent / "data" / "nile.csv", delimiter=",", skiprows=1)[:, 1]
NAN = float("nan")


def moving_average(y, gamma):
    """Log density of a stationary Gaussian series with these autocovariances, the others 0."""
    column = np.zeros(len(y))
    column[: len(gamma)] = gamma
    return stats.multivariate_normal(np.zeros(len(y)), toeplitz(column)).logpdf(y)


def arma_covariance(ar, ma, n):
    """(n, n) from the first 3,000 weights of the moving average."""
    weights = signal.lfilter([1.0, *ma], [1.0, *(-np.array(ar))], np.eye(1, 3000)[0])
    return toeplitz([weights[: 3000 - k] @ weights[k:] for k in range(n)])


def flat_start(y, looks, covariance):
    """The diffuse log density of y = looks delta + noise, with n/2 log 2 pi kept: by generalised least squares."""
    inverse = np.linalg.inv(covariance)
    told = looks.T @ inverse @ looks
    rest = y - looks @ np.linalg.solve(told, looks.T @ inverse @ y)
    dets = np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(told)[1]
    return -0.5 * (len(y) * math.log(2 * math.pi) + dets + rest @ inverse @ rest)


def noise_of_states(n, A, C, Q):
    """(n, n): covariance of C x_1, ..., C x_n where x_1 = 0, by adding up what every step's noise does later."""
    out = np.zeros((n, n))
    for step in range(1, n):
        reach = np.array([C @ np.linalg.matrix_power(A, t - step) if t >= step else 0 * C for t in range(n)])
        out += reach @ Q @ reach.T
    return out


def test_a_local_level_is_a_moving_average_in_first_differences():
    """Gamma(0) = q + 2 r and gamma(1) = -r: Harvey (1989), section 2.4.1."""
    model = lk.local_level(level=3.0, noise=0.7)
    truth = moving_average(np.diff(NILE), [3.0 + 1.4, -0.7]) - 0.5 * math.log(2 * math.pi)
    assert model.log_prob(NILE)[0] == pytest.approx(truth, rel=1e-10)


def test_a_local_level_of_the_nile_has_the_published_variances():
    """Durbin & Koopman (2012), section 2.10.3: -633.464564, 1469.1 and 15099 (start diffuse)."""
    fit = lk.fit(lk.local_level(), NILE, starts=1, tol=1e-5)
    assert fit.log_likelihood == pytest.approx(-633.464564, abs=1e-6)
    assert float(np.squeeze(fit.model.Q)) == pytest.approx(1469.176, abs=0.5)
    assert float(np.squeeze(fit.model.R)) == pytest.approx(15098.52, abs=1.0)
    assert fit.n_free == 2


def test_a_trend_is_a_moving_average_in_second_differences():
    """Harvey (1989), section 2.4.1."""
    y = NILE[:30] / 100
    model = lk.local_linear_trend(level=0.4, slope=0.3, noise=0.2)
    truth = moving_average(np.diff(y, 2), [0.8 + 0.3 + 1.2, -0.4 - 0.8, 0.2]) - math.log(2 * math.pi)
    assert model.log_prob(y)[0] == pytest.approx(truth, rel=1e-10)


def test_a_trend_without_steps_is_the_line_of_least_squares():
    line = lk.local_linear_trend(level=0, slope=0, noise=100.0).smoothed(NILE).mean
    np.testing.assert_allclose(line[0], [1056.422424 - 2.714305, -2.714305], rtol=1e-6)
    np.testing.assert_allclose(line[:, 1], -2.714305, rtol=1e-6)


def test_a_seasonal_is_a_moving_average_in_sums_over_a_period():
    """S(L) y = w + S(L) v with S(L) = 1 + L + ... + L^(s-1): gamma(k) = (s - k) r, and q more at k = 0."""
    y = np.random.default_rng(0).normal(size=23)
    model = lk.seasonal(4, variance=0.5, noise=0.8)
    sums = np.convolve(y, np.ones(4), mode="valid")
    truth = moving_average(sums, [0.5 + 4 * 0.8, 3 * 0.8, 2 * 0.8, 0.8]) - 1.5 * math.log(2 * math.pi)
    assert model.log_prob(y)[0] == pytest.approx(truth, rel=1e-10)


@pytest.mark.parametrize(("period", "harmonics"), [(2, None), (4, None), (5, None), (12, 2)])
def test_waves_without_steps_are_a_regression_on_sines_and_cosines(period, harmonics):
    y = np.random.default_rng(period).normal(size=31)
    count = period // 2 if harmonics is None else harmonics
    turns = 2 * np.pi * np.outer(np.arange(31), np.arange(1, count + 1)) / period
    waves = np.hstack([np.cos(turns), np.sin(turns)])
    fitted = waves @ np.linalg.lstsq(waves, y, rcond=None)[0]
    model = lk.trigonometric_seasonal(period, harmonics, variance=0, noise=1.0)
    np.testing.assert_allclose(model.smoothed(y).mean @ np.squeeze(model.C, 0), fitted, atol=1e-9)


def test_all_waves_give_what_dummies_give_where_nothing_changes():
    y = np.random.default_rng(1).normal(size=30)
    one, other = lk.seasonal(6, variance=0, noise=1.0), lk.trigonometric_seasonal(6, variance=0, noise=1.0)
    seen = [m.smoothed(y).mean @ np.squeeze(m.C, 0) for m in (one, other)]
    np.testing.assert_allclose(*seen, atol=1e-9)


def test_waves_have_one_variance():
    assert lk.trigonometric_seasonal(4) == lk.StateSpace(
        3,
        A=[[math.cos(math.pi / 2), 1, 0], [-1, math.cos(math.pi / 2), 0], [0, 0, -1]],
        C=[[1, 0, 1]],
        d=[0],
        Q=[["season", 0, 0], [0, "season", 0], [0, 0, "season"]],
        R=[[NAN]],
        P0="diffuse",
    )


def test_an_autoregression_has_the_exact_density_of_its_autocovariances():
    y = np.random.default_rng(2).normal(size=20) + 4
    model = lk.autoregressive(2, coefficients=[0.6, -0.3], variance=1.7, intercept=2.1)
    truth = stats.multivariate_normal(np.full(20, 2.1 / 0.7), 1.7 * arma_covariance([0.6, -0.3], [], 20))
    assert model.log_prob(y)[0] == pytest.approx(truth.logpdf(y), rel=1e-10)


def test_noise_and_gaps_of_an_autoregression_are_integrated_out():
    y = np.random.default_rng(3).normal(size=15)
    seen = np.arange(15) % 4 != 2
    covariance = 0.9 * arma_covariance([0.8], [], 15) + 0.4 * np.eye(15)
    truth = stats.multivariate_normal(np.zeros(seen.sum()), covariance[np.ix_(seen, seen)]).logpdf(y[seen])
    model = lk.autoregressive(1, coefficients=[0.8], variance=0.9, noise=0.4)
    assert model.log_prob(np.where(seen, y, NAN))[0] == pytest.approx(truth, rel=1e-10)


def test_an_autoregression_is_fitted_by_exact_maximum_likelihood():
    y = signal.lfilter([1.0], [1.0, -0.7], np.random.default_rng(4).normal(size=60))

    def loss(u):
        phi, q = math.tanh(u[0]), math.exp(u[1])
        rest = y[1:] - phi * y[:-1]
        return 0.5 * (60 * math.log(2 * math.pi * q) - math.log(1 - phi**2)) + 0.5 / q * (
            (1 - phi**2) * y[0] ** 2 + rest @ rest
        )

    truth = optimize.minimize(loss, [0.5, 0.0], tol=1e-10)
    fit = lk.fit(lk.autoregressive(1), y, starts=1, tol=1e-6)
    assert fit.log_likelihood == pytest.approx(-truth.fun, abs=1e-7)
    assert np.squeeze(fit.model.A) == pytest.approx(math.tanh(truth.x[0]), abs=1e-4)
    assert fit.n_free == 2


@pytest.mark.parametrize(("ar", "ma"), [([], [0.5]), ([0.7], [0.4]), ([0.5, 0.2], [-0.6]), ([0.3], [0.4, -0.2])])
def test_an_arma_has_the_exact_density_of_its_autocovariances(ar, ma):
    y = np.random.default_rng(5).normal(size=18)
    model = lk.arma(len(ar), len(ma), ar=ar, ma=ma, variance=1.3)
    truth = stats.multivariate_normal(np.zeros(18), 1.3 * arma_covariance(ar, ma, 18))
    assert model.log_prob(y)[0] == pytest.approx(truth.logpdf(y), rel=1e-10)


def test_what_cannot_be_estimated_of_an_arma_is_refused():
    with pytest.raises(ModelError) as e:
        lk.arma(1, 1, noise=NAN)
    assert str(e.value) == (
        "arma(1, 1, noise=nan): an ARMA(1, 1) with white noise added is an ARMA again, so noise and ma are not both "
        "identified. Write a number for noise, or q below p."
    )
    assert lk.arma(2, 1, noise=NAN).size == 2
    assert lk.arma(1, 1, noise=0.5).size == 2


def test_factors_are_fitted_as_their_joint_density_says():
    rng = np.random.default_rng(6)
    C, A, R = np.array([[1.0, 0], [0.5, 0], [0, 2.0]]), np.array([[0.6, 0.2], [0.0, 0.4]]), np.array([0.5, 0.3, 0.2])
    model = lk.dynamic_factor(C, transition=A, level=[1.0, 2.0, 3.0], noise=np.diag(R))
    stationary = sum(np.linalg.matrix_power(A, i) @ np.linalg.matrix_power(A, i).T for i in range(200))
    blocks = [[None] * 4 for _ in range(4)]
    for s in range(4):
        for t in range(s, 4):
            blocks[t][s] = C @ np.linalg.matrix_power(A, t - s) @ stationary @ C.T + (s == t) * np.diag(R)
            blocks[s][t] = blocks[t][s].T
    y = rng.normal(size=(4, 3))
    truth = stats.multivariate_normal(np.tile([1.0, 2.0, 3.0], 4), np.block(blocks)).logpdf(y.ravel())
    assert model.log_prob(y)[0] == pytest.approx(truth, rel=1e-10)


def test_zeros_in_a_pattern_of_loadings_stay_zeros():
    rng = np.random.default_rng(7)
    pattern = [[NAN, 0], [NAN, 0], [0, NAN], [0, NAN]]
    factors = signal.lfilter([1.0], [1.0, -0.8], rng.normal(size=(80, 2)), axis=0)
    y = factors @ np.array([[1.0, 2.0, 0, 0], [0, 0, 1.0, -1.0]]) + 0.5 * rng.normal(size=(80, 4))
    y[rng.random(y.shape) < 0.1] = NAN
    fit = lk.fit(lk.dynamic_factor(pattern), y, starts=1, max_passes=5)
    assert (np.asarray(fit.model.C)[np.array(pattern) == 0] == 0).all()
    assert (np.asarray(fit.model.Q) == np.eye(2)).all()
    assert fit.n_free == 4 + 4 + 4 + 4  # loadings, A, levels, noise


def test_loadings_need_a_row_for_each_series():
    with pytest.raises(ModelError) as e:
        lk.dynamic_factor([NAN, NAN])
    assert str(e.value) == (
        "dynamic_factor: loadings have shape (2,); they need (d, m), a row for each series and a column for each "
        "factor."
    )


def test_a_target_moves_as_its_position_and_velocity_say():
    A, dt, n = np.array([[1.0, 0.5], [0.0, 1.0]]), 0.5, 9
    Q, C = 0.7 * np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]]), np.array([1.0, 0.0])
    y = np.random.default_rng(8).normal(size=(n, 2))
    looks = np.array([C @ np.linalg.matrix_power(A, t) for t in range(n)])
    truth = sum(flat_start(y[:, j], looks, noise_of_states(n, A, C, Q) + 0.3 * np.eye(n)) for j in range(2))
    model = lk.constant_velocity(2, dt, variance=0.7, noise=0.3)
    assert model.log_prob(y)[0] == pytest.approx(truth, rel=1e-10)


def test_a_target_has_one_free_acceleration_and_one_free_noise():
    walk = np.cumsum(np.cumsum(np.random.default_rng(9).normal(size=(40, 2)), 0), 0)
    fit = lk.fit(lk.constant_velocity(), walk, starts=1, max_passes=5)
    assert fit.n_free == 2
    R = np.asarray(fit.model.R)
    assert R[0, 0] == R[1, 1]


def test_time_does_not_stand_still():
    with pytest.raises(ModelError) as e:
        lk.constant_velocity(dt=0)
    assert str(e.value) == "constant_velocity(dt=0): the time between two rows must be above 0."


def test_a_sum_stands_block_by_block():
    assert lk.structural(lk.local_level(level=2, noise=0), lk.seasonal(3, variance=0.1)) == lk.StateSpace(
        3,
        A=[[1, 0, 0], [0, -1, -1], [0, 1, 0]],
        b=[0, 0, 0],
        C=[[1, 1, 0]],
        d=[0],
        Q=[[2, 0, 0], [0, 0.1, 0], [0, 0, 0]],
        R=[[NAN]],
        P0="diffuse",
    )


def test_the_density_of_a_sum_is_that_of_its_differences():
    """(1 - L) S(L) y = S(L) w + (1 - L) z + (1 - L^s) v, for level, season and noise."""
    s, q, z, r = 4, 0.6, 0.3, 0.5
    y = np.random.default_rng(10).normal(size=26)
    model = lk.structural(lk.local_level(level=q, noise=r), lk.seasonal(s, variance=z, noise=0))
    gamma = q * np.array([4, 3, 2, 1, 0]) + z * np.array([2, -1, 0, 0, 0]) + r * np.array([2, 0, 0, 0, -1])
    first = np.array([np.squeeze(model.C, 0) @ np.linalg.matrix_power(np.asarray(model.A), t) for t in range(s)])
    truth = moving_average(y[s:] - y[:-s], gamma) - s / 2 * math.log(2 * math.pi) - np.linalg.slogdet(first)[1]
    assert model.log_prob(y)[0] == pytest.approx(truth, rel=1e-10)


def test_level_season_and_noise_reach_the_maximum_of_their_differences():
    rng = np.random.default_rng(11)
    y = np.cumsum(0.5 * rng.normal(size=48)) + np.tile([3.0, -1, 0, -2], 12) + rng.normal(size=48)

    def loss(u):
        q, r = np.exp(u)
        gamma = q * np.array([4, 3, 2, 1, 0]) + r * np.array([2, 0, 0, 0, -1])
        return -moving_average(y[4:] - y[:-4], gamma)

    truth = optimize.minimize(loss, [0.0, 0.0], tol=1e-10)
    fit = lk.fit(lk.structural(lk.local_level(), lk.seasonal(4, variance=0)), y, starts=1, tol=1e-6)
    assert float(np.asarray(fit.model.Q)[0, 0]) == pytest.approx(math.exp(truth.x[0]), rel=2e-3)
    assert float(np.squeeze(fit.model.R)) == pytest.approx(math.exp(truth.x[1]), rel=2e-3)


def test_known_noises_and_levels_add():
    model = lk.structural(lk.local_level(level=1, noise=0.25), lk.autoregressive(1, coefficients=[0.5], noise=0.5))
    assert model.R.tolist() == [[0.75]]
    both = lk.structural(*[lk.autoregressive(1, coefficients=[c], variance=1) for c in (0.5, -0.5)])
    assert both.P0 == "stationary"
    y = np.random.default_rng(12).normal(size=8)
    covariance = arma_covariance([0.5], [], 8) + arma_covariance([-0.5], [], 8)
    truth = stats.multivariate_normal(np.zeros(8), covariance).logpdf(y)
    assert both.log_prob(y)[0] == pytest.approx(truth, rel=1e-10)


def test_every_component_starts_as_it_does_by_itself():
    parts = lk.seasonal(3, variance=0.2, noise=0), lk.autoregressive(2, coefficients=[0.5, -0.3], variance=0.9)
    model = lk.structural(lk.structural(*parts), lk.local_level(level=0.4, noise=0.3))
    words = ["diffuse", "diffuse", "stationary", "stationary", "diffuse"]
    assert repr(model.P0) == repr(words)
    assert lk.parse(repr(model)) == model
    y = np.random.default_rng(13).normal(size=12)
    at = [0, 1, 4]
    A, C, Q = np.asarray(model.A)[np.ix_(at, at)], np.array([1.0, 0, 1]), np.asarray(model.Q)[np.ix_(at, at)]
    looks = np.array([C @ np.linalg.matrix_power(A, t) for t in range(12)])
    covariance = noise_of_states(12, A, C, Q) + 0.9 * arma_covariance([0.5, -0.3], [], 12) + 0.3 * np.eye(12)
    assert model.log_prob(y)[0] == pytest.approx(flat_start(y, looks, covariance), rel=1e-10)


def test_names_of_components_are_kept_apart():
    model = lk.structural(lk.trigonometric_seasonal(4, 1), lk.trigonometric_seasonal(6, 1))
    one, two = "season", "season_2"
    assert model == lk.StateSpace(
        4,
        A=model.A,
        b=[0] * 4,
        C=[[1, 0, 1, 0]],
        d=[0],
        Q=[[one, 0, 0, 0], [0, one, 0, 0], [0, 0, two, 0], [0, 0, 0, two]],
        R=[[NAN]],
        P0="diffuse",
    )


def test_structures_in_words_and_free_slots_can_be_summed():
    two = lk.StateSpace(2, A=[[NAN, NAN], [0, 1]], C=[[1, 0]], d=0, Q="spherical", R=0, P0="diffuse")
    model = lk.structural(lk.StateSpace(1, A=1, C=1, d=0, P0="diffuse"), two)
    assert model.size == 3
    assert repr(model.Q) == "[[nan, 0.0, 0.0], [0.0, 'Q_variance', 0.0], [0.0, 0.0, 'Q_variance']]"
    assert np.isnan(model.R).all()


@pytest.mark.parametrize(
    ("components", "message"),
    [
        (
            (),
            "structural() has no components; write them in it, as in structural(local_level(), seasonal(4)).",
        ),
        (
            (lk.Normal(),),
            "structural: component 0 is Normal(); it must be a StateSpace, as local_level() is.",
        ),
        (
            (lk.local_level(), lk.seasonal(4, noise=2.0)),
            "structural: R is free in one component and 2 in another; their noises add up to one, of which that is a "
            "part only. Write noise=0 in all components but one.",
        ),
        (
            (lk.StateSpace(1, m0=0, P0=1),),
            "structural: component 0 starts with P0=1; a sum starts diffuse or stationary, so write P0='diffuse' or "
            "P0='stationary'.",
        ),
        (
            (lk.constant_velocity(),),
            "structural: component 0 has C = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]; in a sum of models of one "
            "column it needs numbers, NaN entries or names, of shape (1, 4).",
        ),
    ],
)
def test_what_cannot_be_summed_is_said(components, message):
    with pytest.raises(ModelError) as e:
        lk.structural(*components)
    assert str(e.value) == message


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lk.seasonal(1), "seasonal(period=1): it must be a whole number, 2 or more."),
        (lambda: lk.autoregressive(1.5), "autoregressive(order=1.5): it must be a whole number, 1 or more."),
        (
            lambda: lk.autoregressive(2, coefficients=[0.5]),
            "autoregressive(2): coefficients has 1 entries; it needs 2, or one NaN for all.",
        ),
        (
            lambda: lk.trigonometric_seasonal(12, 7),
            "trigonometric_seasonal(12, harmonics=7): a period of 12 rows has 6 harmonics; take at most 6.",
        ),
    ],
)
def test_orders_and_periods_are_whole_numbers_that_can_be(make, message):
    with pytest.raises(ModelError) as e:
        make()
    assert str(e.value) == message


@pytest.mark.parametrize("text", ["local_level()", "structural(local_level(), seasonal(4))", "arma(1, 1, ma=[0.5])"])
def test_named_models_can_be_written_as_text(text):
    assert lk.parse(text) == eval(text, dict(vars(lk)))
