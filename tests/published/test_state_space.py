"""State spaces against published fits, and against other packages on the same models and from the same starts."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import likely as lk

FLOW = np.loadtxt(Path(lk.__file__).with_name("data") / "nile.csv", delimiter=",", skiprows=1)[:, 1]


def read(name):
    return json.loads(Path(__file__).with_name(f"{name}_state_space.json").read_text())


def local_level(q=None, r=None, m0=0.0, P0=1e7):
    """The variances are estimated where they are not given."""
    first = {"P0": P0} if P0 == "diffuse" else {"m0": m0, "P0": P0}
    noises = {name: value for name, value in (("Q", q), ("R", r)) if value is not None}
    return lk.StateSpace(1, A=1.0, C=1.0, d=0.0, **noises, **first)


MAXIMA = {  # log-likelihood, q, r: Durbin & Koopman (2012), the MARSS guide (KFAS), StateSpaceModels.jl
    "exact diffuse": (local_level(P0="diffuse"), -633.464564, 1469.176, 15098.52),
    "variance 1e7": (local_level(P0=1e7), -641.585578, 1468.500, 15099.686),
    "variance 1e6": (local_level(P0=1e6), -640.989742, 1463.261, 15109.468),
    "variance 1000": (local_level(P0=1000.0), -697.857648, 15210.195, 33874.607),
}


@pytest.mark.parametrize("start", MAXIMA)
def test_nile_local_level_reaches_the_published_maximum(start):
    model, height, q, r = MAXIMA[start]
    fit = lk.fit(model, FLOW, tol=1e-8)
    assert fit.log_likelihood == pytest.approx(height, abs=2e-6)
    assert fit.model.Q.item() == pytest.approx(q, rel=2e-4)  # the likelihood is that flat
    assert fit.model.R.item() == pytest.approx(r, rel=2e-5)


FIXED = {  # rows before the first year, log-likelihood, state, q, r: the start at time 0 is a row that was not observed
    "first state": (0, -637.602932, 1110.9765, 1279.632, 15279.479),
    "state before the first row": (1, -637.744339, 1110.5748, 1196.505, 15448.009),
}


@pytest.mark.parametrize("which", FIXED)
def test_nile_with_a_fixed_unknown_start_reaches_the_published_maximum(which):
    unseen, height, state, q, r = FIXED[which]
    start = local_level(2000.0, 10000.0, m0=1000.0, P0=0.0)
    flow = np.append(np.full(unseen, np.nan), FLOW)
    fit = lk.fit(local_level(m0=np.nan, P0=0.0), flow, start=start, tol=1e-8)
    assert fit.log_likelihood == pytest.approx(height, abs=2e-6)
    assert fit.model.m0.item() == pytest.approx(state, abs=0.01)
    assert (fit.model.Q.item(), fit.model.R.item()) == pytest.approx((q, r), rel=2e-4)


@pytest.mark.parametrize(
    ("variance", "q", "r", "height"), [(1e7, 1468.393, 15100.118, -632.544212), (1e6, 1463.547, 15108.316, -632.537686)]
)
def test_nile_without_the_first_term(variance, q, r, height):
    model = local_level(q, r, P0=variance)
    assert model.log_prob(FLOW)[0] - model.log_prob(FLOW[:1])[0] == pytest.approx(height, abs=1e-6)


def test_nile_diffuse_without_the_first_term():
    """Packages that drop the first row's log(2 pi) / 2 differ by just that."""
    height = local_level(1469.176, 15098.52, P0="diffuse").log_prob(FLOW)[0]
    assert height + 0.5 * np.log(2 * np.pi) == pytest.approx(-632.545625, abs=1e-6)


def test_nile_constant_level():
    """Without state noise rows are a normal sample."""
    fit = lk.fit(lk.StateSpace(1, A=1.0, C=1.0, Q=0.0, m0=0.0, P0=0.0), FLOW)
    assert fit.log_likelihood == pytest.approx(-654.515733, abs=1e-6)
    assert (fit.model.d.item(), fit.model.R.item()) == pytest.approx((919.35, 28351.5675), rel=1e-6)


def test_nile_linear_trend():
    """Without state noise a regression on time is least squares."""
    trend = lk.StateSpace(1, A=1.0, B=[[0.0]], C=1.0, Q=0.0, m0=0.0, P0=0.0)
    model = lk.fit(trend, FLOW, given=np.arange(1.0, 101.0)).model
    assert model.log_prob(FLOW, given=np.arange(1.0, 101.0))[0] == pytest.approx(-642.314684, abs=1e-6)
    assert (model.d.item(), model.D.item()) == pytest.approx((1056.422424, -2.714305), rel=1e-6)
    assert model.R.item() == pytest.approx(22212.636, rel=1e-6)


def test_nile_states_at_the_published_variances():
    model = local_level(1469.1, 15099.0)
    assert model.log_prob(FLOW)[0] == pytest.approx(-641.5855784594, abs=1e-9)
    filtered, predicted, smoothed = model.filtered(FLOW), model.predicted(FLOW), model.smoothed(FLOW)
    close = {"rtol": 1e-9}
    np.testing.assert_allclose(filtered.mean[:3, 0], [1118.311462, 1140.108439, 1072.316018], **close)
    np.testing.assert_allclose(filtered.covariance[:3, 0, 0], [15076.23639, 7894.557531, 5779.497378], **close)
    np.testing.assert_allclose(predicted.covariance[-1, 0, 0], 5501.257942, **close)
    np.testing.assert_allclose(filtered.covariance[-1, 0, 0] / 15099, 0.2670480126, **close)  # the steady gain
    np.testing.assert_allclose(smoothed.mean[[0, 1, 2, 99], 0], [1111.220258, 1110.529257, 1105.024860, 798.370293])
    variances = [4030.532767, 3242.056999, 2818.473138, 4032.157942]
    np.testing.assert_allclose(smoothed.covariance[[0, 1, 2, 99], 0, 0], variances, **close)
    np.testing.assert_allclose(smoothed.lagged[1:4, 0, 0], [2954.187002, 2376.272121, 2065.805488], **close)


def test_nile_residuals_have_the_published_diagnostics():
    """Durbin & Koopman, section 2.12.3."""
    e = np.ravel(local_level(1469.1, 15099.0).residuals(FLOW))[1:]
    c = e - e.mean()
    rho = np.array([c[lag:] @ c[:-lag] for lag in range(1, 10)]) / (c @ c)
    ljung_box = len(e) * (len(e) + 2) * np.sum(rho**2 / (len(e) - np.arange(1, 10)))
    skewness, kurtosis = stats.skew(e), stats.kurtosis(e, fisher=False)
    found = [ljung_box, stats.jarque_bera(e).statistic, skewness, kurtosis, (e[-33:] @ e[-33:]) / (e[:33] @ e[:33])]
    np.testing.assert_allclose(found, [8.8426, 0.0467, -0.0307, 3.0869, 0.6130], atol=5.1e-5)


# Luteinizing hormone in blood, every ten minutes (Diggle 1990): data lh of R.
HORMONE = np.array([
    2.4, 2.4, 2.4, 2.2, 2.1, 1.5, 2.3, 2.3, 2.5, 2.0, 1.9, 1.7, 2.2, 1.8, 3.2, 3.2, 2.7, 2.2, 2.2, 1.9, 1.9, 1.8, 2.7,
    3.0, 2.3, 2.0, 2.0, 2.9, 2.9, 2.7, 2.7, 2.3, 2.6, 2.4, 1.8, 1.7, 1.5, 1.4, 2.1, 3.3, 3.5, 3.5, 3.1, 2.6, 2.1, 3.4,
    3.0, 2.9,
])  # fmt: skip
ARIMA = {  # coefficients and mean, their standard errors, variance, log-likelihood, AIC: example(arima) of R
    (1, 0): ([0.5739, 2.4133], [0.1161, 0.1466], 0.1975, -29.38, 64.76),
    (1, 1): ([0.4522, 0.1982, 2.4101], [0.1769, 0.1705, 0.1358], 0.1923, -28.76, 65.52),
}


@pytest.mark.parametrize("order", ARIMA)
def test_arma_of_the_hormone_reaches_the_published_maximum(order):
    """Moving averages among them; the estimates to all digits that R prints."""
    (p, q), (values, errors, variance, height, aic) = order, ARIMA[order]
    fit = lk.fit(lk.arma(p, q, intercept=np.nan), HORMONE, starts=1, tol=1e-6)
    found = fit.delta(lambda m: [*m.A[0, :p], *m.C[0, 1 : q + 1], m.C.sum() * m.b[0] / (1 - m.A[0].sum())])
    assert found.value == pytest.approx(values, abs=5.1e-5)
    assert found.error == pytest.approx(errors, abs=2e-4)  # theirs are by wider differences
    assert fit.model.Q[0, 0] == pytest.approx(variance, abs=5.1e-5)
    assert (fit.log_likelihood, fit.aic) == pytest.approx((height, aic), abs=5.1e-3)


TRACE = [  # log-likelihood, q and r before pass 1, 2, ...; the last is the limit
    (-670.4497154946, 28637.94696970, 28637.94696970),
    (-657.0768423191, 19098.52448746, 18161.83226156),
    (-649.9240093407, 13807.28424816, 13434.10806552),
    (-646.7177402213, 10901.25781449, 11277.83530511),
    (-645.3749476885, 9222.32984082, 10372.47655402),
    (-644.7307129647, 8158.85986887, 10094.05436277),
]
LIMIT = -641.5855783461
BEGIN = local_level(FLOW.var(ddof=1), FLOW.var(ddof=1))


def test_nile_pass_by_pass():
    seen = []
    fit = lk.fit(
        local_level(), FLOW, start=BEGIN, accelerate=False, tol=0, max_passes=6, progress=False, callback=seen.append
    )
    np.testing.assert_allclose([mark.objective for mark in fit.trace], [row[0] for row in TRACE], atol=1e-9)
    np.testing.assert_allclose([np.ravel(step.params.Q)[0] for step in seen], [row[1] for row in TRACE], rtol=1e-11)
    np.testing.assert_allclose([np.ravel(step.params.R)[0] for step in seen], [row[2] for row in TRACE], rtol=1e-11)


@pytest.mark.parametrize(("accelerate", "least", "most"), [(False, 260, 260), (True, 1, 40)])
def test_nile_passes_to_within_a_millionth_of_the_maximum(accelerate, least, most):
    """Plain EM needs 260."""
    fit = lk.fit(
        local_level(), FLOW, start=BEGIN, accelerate=accelerate, tol=0, max_passes=300, progress=False,
        callback=lambda step: step.objective >= LIMIT - 1e-6,
    )  # fmt: skip
    assert fit.trace[-1].objective >= LIMIT - 1e-6
    assert least <= fit.trace[-1].passes <= most


STATSMODELS = read("statsmodels")


def numbers(values):
    return np.array(values, float)  # None is NaN


def of_reference(problem):
    """The filled model, rows, inputs of rows and of rows to be forecast (or None)."""
    theta = {name: numbers(value) for name, value in problem["parameters"].items()}
    m, p = theta["B"].shape
    if p == 0:
        del theta["B"], theta["D"]
    y, u = numbers(problem["y"]), numbers(problem["u"])
    given, future = (u[: len(y)], u[len(y) :]) if p else (None, None)
    return lk.StateSpace(m, **theta), y, given, future


@pytest.mark.parametrize("name", STATSMODELS["problems"])
def test_statsmodels_finds_the_same(name):
    """Log-likelihood, predicted, filtered and smoothed moments, lag-one covariances and forecasts, to 1e-8."""
    theirs = STATSMODELS["problems"][name]
    model, y, given, future = of_reference(theirs)
    close = {"rtol": 1e-8, "atol": 1e-8}
    np.testing.assert_allclose(model.log_prob(y, given=given), theirs["log_likelihood"], **close)
    for question in ("predicted", "filtered", "smoothed"):
        ours = getattr(model, question)(y, given=given)
        np.testing.assert_allclose(ours.mean, theirs[question]["mean"], **close, err_msg=question)
        np.testing.assert_allclose(ours.covariance, theirs[question]["covariance"], **close, err_msg=question)
    np.testing.assert_allclose(model.smoothed(y, given=given).lagged, theirs["lagged"], **close)
    ahead = len(theirs["forecast"]["mean"])
    forecast = model.forecast(ahead, y, given=given, future=future)
    np.testing.assert_allclose(np.ravel(forecast.mean), np.ravel(theirs["forecast"]["mean"]), **close)
    np.testing.assert_allclose(np.ravel(forecast.covariance), np.ravel(theirs["forecast"]["covariance"]), **close)


@pytest.mark.parametrize("name", STATSMODELS["diffuse"])
def test_statsmodels_begins_as_diffusely(name):
    """Both keep log(2 pi) / 2 of the first rows: the limit of the log-likelihood + log(variance) / 2 of every state."""
    theirs = STATSMODELS["diffuse"][name]
    theta = {block: numbers(value) for block, value in theirs["parameters"].items()}
    y, (d, m) = numbers(theirs["y"]), theta["C"].shape
    model = lk.StateSpace(m, **theta, d=np.zeros(d), P0="diffuse")
    assert model.log_prob(y)[0] == pytest.approx(theirs["log_likelihood"], rel=1e-9)
    smoothed, rows = model.smoothed(y), theirs["rows"]
    np.testing.assert_allclose(smoothed.mean[rows], theirs["mean"], rtol=1e-8)
    np.testing.assert_allclose(smoothed.covariance[rows], theirs["covariance"], rtol=1e-8)


@pytest.mark.parametrize("name", STATSMODELS["sums"])
def test_statsmodels_begins_sums_in_the_same_way(name):
    """UnobservedComponents with a level (exactly diffuse) and an autoregression (stationary)."""
    theirs = STATSMODELS["sums"][name]
    own, slope = theirs["parameters"], theirs["parameters"].get("sigma2.trend")
    variances = {"level": own["sigma2.level"], "noise": own["sigma2.irregular"]}
    level = lk.local_level(**variances) if slope is None else lk.local_linear_trend(slope=slope, **variances)
    phi = [own[name] for name in ("ar.L1", "ar.L2") if name in own]
    model = lk.structural(level, lk.autoregressive(len(phi), coefficients=phi, variance=own["sigma2.ar"]))
    assert model.log_prob(numbers(theirs["y"]))[0] == pytest.approx(theirs["log_likelihood"], rel=1e-10)


PYKALMAN = read("pykalman")["problems"]


@pytest.mark.parametrize("name", PYKALMAN)
def test_pykalman_goes_the_same_way(name):
    """Log-likelihood of every pass and every updated parameter, to 1e-8."""
    theirs = PYKALMAN[name]
    size, start = len(theirs["start"]["A"]), {block: numbers(value) for block, value in theirs["start"].items()}
    known = {block: value for block, value in start.items() if block not in theirs["free"]}
    free = {"m0": np.full(size, np.nan)} if "m0" in theirs["free"] else {}
    model, seen = lk.StateSpace(size, **known, **free), []
    passes = len(theirs["passes"])
    fit = lk.fit(
        model, numbers(theirs["y"]), start=lk.StateSpace(size, **start), accelerate=False, tol=0, max_passes=passes,
        progress=False, callback=seen.append,
    )  # fmt: skip
    heights = [mark.objective for mark in fit.trace]
    np.testing.assert_allclose(heights, [each["log_likelihood"] for each in theirs["passes"]], rtol=1e-8)
    for at, (step, expected) in enumerate(zip(seen, theirs["passes"], strict=True)):
        for block in theirs["free"]:
            ours = np.asarray(step.params[block])[0]
            np.testing.assert_allclose(ours, expected[block], rtol=1e-8, atol=1e-8, err_msg=f"{block} of pass {at}")
