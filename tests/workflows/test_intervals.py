"""Confidence intervals: closed forms, coverage, and what cannot be said."""

import numpy as np
import pytest
from scipy import stats

import likely as lk
from likely.errors import DataError, ModelError

AIRCONDIT = np.array([3, 5, 7, 18, 43, 85, 91, 98, 100, 130, 230, 487.0])
Z = stats.norm.ppf(0.975)


def test_wald_intervals_are_symmetric_where_a_number_is_unbounded():
    normal = lk.fit(lk.Normal(), AIRCONDIT).conf_int()
    mean, variance = AIRCONDIT.mean(), AIRCONDIT.var()
    reach = Z * np.sqrt(variance / 12)
    assert normal["mean"] == pytest.approx((mean - reach, mean + reach), rel=1e-8)
    factor = np.exp(Z * np.sqrt(2 / 12))
    assert normal["variance"] == pytest.approx((variance / factor, variance * factor), rel=1e-8)
    bernoulli = lk.fit(lk.Bernoulli(), [1] * 9 + [0]).conf_int(0.9)
    ends = np.log(9) + stats.norm.ppf([0.05, 0.95]) * np.sqrt(1 / 9 + 1)
    assert bernoulli["p"] == pytest.approx(tuple(1 / (1 + np.exp(-ends))), rel=1e-8)


def test_no_interval_leaves_the_parameter_space():
    x = np.random.default_rng(0).normal(np.repeat([0.0, 2.0], 12), 1)
    fit = lk.fit(lk.Mixture(lk.Normal(variance=lk.shared), 2), x, tol=1e-6)
    for method in ("wald", "profile"):
        names = ["weights[0]", "component.variance[0]"]
        (low, high), variance = (fit.conf_int(0.99, method, names)[n] for n in names)
        assert 0 <= low < fit.model.weights[0] < high <= 1
        assert 0 <= variance[0] < variance[1]


def test_exact_intervals_of_proportions_are_those_of_clopper_and_pearson():
    found = lk.fit(lk.Bernoulli(), [1] * 8 + [0] * 2).conf_int(method="exact")["p"]
    expected = stats.binomtest(8, 10).proportion_ci(0.95, method="exact")
    assert found == pytest.approx((expected.low, expected.high), rel=1e-10)
    trials = lk.fit(lk.Binomial(), [3, 5, 4], given=[10, 10, 20]).conf_int(0.9, "exact")["p"]
    expected = stats.binomtest(12, 40).proportion_ci(0.9, method="exact")
    assert trials == pytest.approx((expected.low, expected.high), rel=1e-10)
    assert lk.fit(lk.Bernoulli(), [0] * 10).conf_int(method="exact")["p"] == pytest.approx((0, 1 - 0.025**0.1))


def test_exact_intervals_of_rates_are_those_of_chi_square():
    counts = [2, 0, 3, 1]
    found = lk.fit(lk.Poisson(), counts).conf_int(method="exact")["rate"]
    assert found == pytest.approx((stats.chi2.ppf(0.025, 12) / 8, stats.chi2.ppf(0.975, 14) / 8), rel=1e-10)
    found = lk.fit(lk.Exponential(), AIRCONDIT).conf_int(method="exact")["rate"]
    expected = stats.chi2.ppf([0.025, 0.975], 24) / (2 * AIRCONDIT.sum())
    assert found == pytest.approx(tuple(expected), rel=1e-10)


def test_exact_intervals_of_a_normal_are_those_of_t_and_chi_square():
    for family in (lk.Normal(), lk.Normal(variance=lk.unbiased)):
        found = lk.fit(family, AIRCONDIT).conf_int(method="exact")
        expected = stats.t.interval(0.95, 11, AIRCONDIT.mean(), stats.sem(AIRCONDIT))
        assert found["mean"] == pytest.approx(expected, rel=1e-10)
        squares = AIRCONDIT.var() * 12
        assert found["variance"] == pytest.approx(tuple(squares / stats.chi2.ppf([0.975, 0.025], 11)), rel=1e-10)
    found = lk.fit(lk.Normal(variance=100), AIRCONDIT).conf_int(method="exact")
    assert found["mean"] == pytest.approx(tuple(AIRCONDIT.mean() + Z * np.array([-1, 1]) * 10 / np.sqrt(12)))
    found = lk.fit(lk.Normal(mean=100), AIRCONDIT).conf_int(method="exact")
    squares = ((AIRCONDIT - 100) ** 2).sum()
    assert found["variance"] == pytest.approx(tuple(squares / stats.chi2.ppf([0.975, 0.025], 12)))


def test_exact_intervals_take_weights_that_count_rows_only():
    weighted = lk.fit(lk.Poisson(), [2, 0, 3], weights=[1, 2, 2]).conf_int(method="exact")
    assert weighted["rate"] == lk.fit(lk.Poisson(), [2, 0, 0, 3, 3]).conf_int(method="exact")["rate"]
    with pytest.raises(DataError) as e:
        lk.fit(lk.Poisson(), [2, 0, 3], weights=[1, 2, 0.5]).conf_int(method="exact")
    assert str(e.value) == (
        "the weight of row 3 is 0.5; an exact interval needs weights that are whole numbers, which say how often each "
        "row occurred. Use method='profile'."
    )


def test_exact_intervals_are_offered_only_where_they_exist():
    with pytest.raises(ModelError) as e:
        lk.fit(lk.Gamma(), AIRCONDIT).conf_int(method="exact")
    assert str(e.value) == (
        "method='exact': there is no exact interval for Gamma; there are those of Bernoulli, Binomial, Poisson, "
        "Exponential, Normal. Use method='profile'."
    )
    with pytest.raises(ModelError) as e:
        lk.fit(lk.Bernoulli(p=lk.Beta(2, 2)), [1, 0]).conf_int(method="exact")
    assert str(e.value) == (
        "method='exact': p has a prior, and exact intervals are those of maximum likelihood. Use method='profile'."
    )


def test_profile_intervals_are_those_of_the_profiles():
    fit = lk.fit(lk.Gamma(), AIRCONDIT)
    found = fit.conf_int(0.9, "profile")
    for name in ("shape", "rate"):
        one = fit.profile(name, 5, 0.9)
        assert found[name] == pytest.approx((one.low, one.high), rel=1e-9)


def test_bootstrap_intervals_are_those_of_the_bootstrap():
    fit = lk.fit(lk.Exponential(), AIRCONDIT)
    assert fit.conf_int(method="bootstrap")["rate"] == tuple(fit.bootstrap().conf_int()[0])


def test_some_numbers_can_be_asked_for():
    fit = lk.fit(lk.Normal(), AIRCONDIT)
    assert fit.conf_int(names="variance").names == ("variance",)
    assert fit.conf_int(names=["variance", "mean"])["mean"] == fit.conf_int()["mean"]
    with pytest.raises(ModelError) as e:
        fit.conf_int(names=["median"])
    assert str(e.value) == "no estimated number is called 'median'; there are mean, variance."


def test_what_has_no_interval_says_why():
    fit = lk.fit(lk.Pareto(), [1.0, 1.5, 2.0, 5.0])
    for method, why in (
        ("wald", fit.standard_errors().why["scale"]),
        ("profile", "scale has no profile interval: the likelihood has a jump or a corner at its maximum there."),
    ):
        found = fit.conf_int(method=method)
        assert np.isnan(found["scale"]).all()
        assert np.isfinite(found["shape"]).all()
        assert found.why == {"scale": why}
        assert str(found).splitlines()[-1] == why


def test_levels_and_methods_are_checked():
    fit = lk.fit(lk.Normal(), AIRCONDIT)
    with pytest.raises(ModelError) as e:
        fit.conf_int(95)
    assert str(e.value) == "level=95; a coverage lies between 0 and 1, as in level=0.95."
    with pytest.raises(ModelError) as e:
        fit.conf_int(method="score")
    assert str(e.value) == "method='score'; intervals are 'wald', 'profile', 'exact' or 'bootstrap'."


def test_intervals_are_shown_as_a_table():
    found = lk.fit(lk.Bernoulli(), [1] * 8 + [0] * 2).conf_int()
    assert str(found).splitlines()[0] == "95 % intervals (Wald, on the scale on which each number is unbounded)"
    assert str(found).splitlines()[1].split() == ["estimate", "low", "high"]
    assert list(found) == ["p"]
    assert dict(found)["p"] == found["p"]
    assert found._repr_html_().count("<tr>") == 2


REPLICATES = 100
WORLDS = {
    "normal": (lk.Normal(), lk.Normal(1, 4), {"mean": 1, "variance": 4}),
    "exponential": (lk.Exponential(), lk.Exponential(0.5), {"rate": 0.5}),
    "Poisson": (lk.Poisson(), lk.Poisson(3), {"rate": 3}),
    "Bernoulli": (lk.Bernoulli(), lk.Bernoulli(0.3), {"p": 0.3}),
    "gamma": (lk.Gamma(), lk.Gamma(2, 1), {"shape": 2, "rate": 1}),
    "mixture": (
        lk.Mixture(lk.Normal(variance=1), 2),
        lk.Mixture(lk.Normal([0, 4], 1), 2, weights=[0.4, 0.6]),
        {"weights[0]": 0.4, "component.mean[0]": 0, "component.mean[1]": 4},
    ),
}


@pytest.mark.parametrize("world", WORLDS)
def test_intervals_cover_the_truth_as_often_as_they_say(world, monkeypatch):
    monkeypatch.setattr("likely.workflows.surface.FEW", 0)  # six digits of an error will do, at a third of the time
    model, truth, numbers = WORLDS[world]
    n = 80
    x = np.asarray(truth.sample(n * REPLICATES, seed=5), float).reshape(REPLICATES, n)
    inside = {level: dict.fromkeys(numbers, 0) for level in (0.9, 0.95)}
    for row in x:
        fit = lk.fit(model, row, **({"start": truth} if world == "mixture" else {}))  # so components keep their numbers
        for level, counts in inside.items():
            found = fit.conf_int(level)
            for name, value in numbers.items():
                low, high = found[name]
                counts[name] += low <= value <= high
    for level, counts in inside.items():
        error = np.sqrt(level * (1 - level) / REPLICATES)
        for name, count in counts.items():
            assert abs(count / REPLICATES - level) < 3 * error, (name, level)
