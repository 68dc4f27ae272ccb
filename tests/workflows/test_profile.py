"""Profile likelihood against closed forms and brute force."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq, minimize, minimize_scalar

import likely as lk
from likely.errors import ModelError

AIRCONDIT = np.array([3, 5, 7, 18, 43, 85, 91, 98, 100, 130, 230, 487.0])
DEATHS = np.repeat(np.arange(10), [162, 267, 271, 185, 111, 61, 27, 8, 3, 1])
CUT = stats.chi2.ppf(0.95, 1) / 2


def test_exponential_ends_are_roots_of_the_likelihood_equation():
    found = lk.fit(lk.Exponential(), AIRCONDIT).profile("rate")
    best, n, total = 12 / AIRCONDIT.sum(), 12, AIRCONDIT.sum()

    def missing(rate):
        return n * np.log(best) - n - (n * np.log(rate) - rate * total) - CUT

    low, high = brentq(missing, best / 10, best), brentq(missing, best, best * 10)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-6)
    heights = n * np.log(found.values) - found.values * total
    np.testing.assert_allclose(found.log_likelihoods, heights, rtol=1e-10)
    assert found.best == pytest.approx(best)


def test_the_normal_mean_has_its_closed_form():
    found = lk.fit(lk.Normal(), AIRCONDIT).profile("mean", 9)
    reach = np.sqrt(AIRCONDIT.var() * np.expm1(2 * CUT / 12))
    assert (found.low, found.high) == pytest.approx((AIRCONDIT.mean() - reach, AIRCONDIT.mean() + reach), rel=1e-6)


def test_the_other_numbers_are_chosen_best_for_each_value():
    found = lk.fit(lk.Gamma(), AIRCONDIT).profile("shape", 7)
    for shape, height in zip(found.values, found.log_likelihoods, strict=True):
        best = -minimize_scalar(
            lambda log_rate, shape=shape: -stats.gamma.logpdf(AIRCONDIT, shape, scale=np.exp(-log_rate)).sum(),
            bounds=(-12, 0), method="bounded", options={"xatol": 1e-9},
        ).fun  # fmt: skip
        assert height == pytest.approx(best, abs=1e-6)


def test_the_profile_of_a_mixture_agrees_with_brute_force():
    fit = lk.fit(lk.Mixture(lk.Poisson(), 2), DEATHS, tol=1e-7)
    upper = int(np.argmax(fit.model.component.rate))
    found = fit.profile(f"component.rate[{upper}]", 0)

    def loss(u, rate):
        w = 1 / (1 + np.exp(-u[0]))
        each = w * stats.poisson.pmf(range(10), rate) + (1 - w) * stats.poisson.pmf(range(10), np.exp(u[1]))
        return -np.log(each) @ np.bincount(DEATHS)

    start = [0.5, 0.2]
    for end in (found.low, found.high):
        best = minimize(loss, start, (end,), method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9}).fun
        assert fit.objective + best == pytest.approx(CUT, abs=1e-4)


def test_entries_of_a_simplex_and_of_a_covariance_have_profiles():
    p = lk.fit(lk.Categorical(), np.repeat(["a", "b", "c"], [5, 9, 26])).profile("p[2]", 5)
    for value, height in zip(p.values, p.log_likelihoods, strict=True):
        rest = (1 - value) / 14
        expected = 5 * np.log(5 * rest) + 9 * np.log(9 * rest) + 26 * np.log(value)
        assert height == pytest.approx(expected, abs=1e-6)
    x = np.random.default_rng(0).normal(size=(60, 2)) @ [[1, 0.5], [0, 1]]
    found = lk.fit(lk.MultivariateNormal(), x).profile("covariance[1, 1]", 0)
    n, v = 60, x[:, 1].var()
    twice = lambda s: n * (np.log(s / v) + v / s - 1) - 2 * CUT  # noqa: E731
    assert (found.low, found.high) == pytest.approx((brentq(twice, v / 4, v), brentq(twice, v, 4 * v)), rel=1e-5)


def test_points_run_beyond_both_ends_and_rise():
    found = lk.fit(lk.Gamma(), AIRCONDIT).profile("rate", 21, level=0.9)
    assert (np.diff(found.values) > 0).all()
    assert len(found.values) >= 21
    assert found.values[0] < found.low < found.best < found.high < found.values[-1]
    assert found.log_likelihoods.max() == pytest.approx(found.maximum, abs=1e-6)


def test_a_probability_at_its_edge_has_a_one_sided_profile():
    found = lk.fit(lk.Bernoulli(), [0] * 10).profile("p", 8)
    assert (found.low, found.high) == (0, pytest.approx(1 - np.exp(-CUT / 10), rel=1e-6))
    np.testing.assert_allclose(found.log_likelihoods, 10 * np.log1p(-found.values), atol=1e-9)
    assert found.why == (
        "p is at the edge of what is possible; the interval is one-sided, and its level that of a two-sided one."
    )
    upper = lk.fit(lk.Bernoulli(), [1] * 10).profile("p", 0)
    assert (upper.low, upper.high) == (pytest.approx(np.exp(-CUT / 10), rel=1e-6), 1)


def test_a_side_on_which_the_likelihood_never_falls_is_open_and_said():
    # As the size of a negative binomial grows it becomes a Poisson: counts hardly scattered more set it no limit.
    x = [2, 7, 3, 8, 5, 1, 6, 4, 9, 3]
    found = lk.fit(lk.NegativeBinomial(), x).profile("size", 0)
    assert np.isfinite(found.low)
    assert found.high == np.inf
    assert found.why.startswith("size has no limit above at this level: twice the log-likelihood falls by ")
    assert found.why.endswith(" and hardly further beyond; 3.84 was needed.")


def test_points_beside_an_open_end_reach_as_far_as_was_looked():
    found = lk.fit(lk.NegativeBinomial(), [3, 5, 4, 6, 2, 9, 1, 0]).profile("size", 9)
    assert found.high == np.inf
    assert np.isfinite(found.values).all()
    assert len(found.values) >= 9


def test_an_end_of_the_data_has_no_profile():
    with pytest.raises(ModelError) as e:
        lk.fit(lk.Pareto(), [1.0, 1.5, 2.0, 5.0]).profile("scale")
    assert str(e.value) == (
        "scale has no profile interval: the likelihood has a jump or a corner at its maximum there."
    )


def test_a_profile_needs_a_name_and_points():
    fit = lk.fit(lk.Normal(), AIRCONDIT)
    with pytest.raises(ModelError) as e:
        fit.profile("sd")
    assert str(e.value) == "no estimated number is called 'sd'; there are mean, variance."
    with pytest.raises(ModelError) as e:
        fit.profile("mean", 2)
    assert str(e.value) == "points=2; a profile is drawn through at least 3 points."
