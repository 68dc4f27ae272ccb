"""Tests of fit: statistics against SciPy, p-values uniform under the truth and small where the model is wrong."""

import numpy as np
import pytest
from scipy import stats

import likely as lk

X = np.random.default_rng(3).normal(2, 3, 60)


def test_statistics_are_those_of_scipy():
    fit = lk.fit(lk.Normal(), X)
    truth = stats.norm(fit.model.mean, fit.model.variance**0.5)
    assert fit.goodness_of_fit("ks", 9).statistic == pytest.approx(stats.kstest(X, truth.cdf).statistic)
    assert fit.goodness_of_fit("cvm", 9).statistic == pytest.approx(stats.cramervonmises(X, truth.cdf).statistic)
    unbiased = lk.fit(lk.Normal(variance=lk.unbiased), X)
    u = np.sort(stats.norm(unbiased.model.mean, unbiased.model.variance**0.5).cdf(X))
    odd = 2 * np.arange(1, 61) - 1  # the formula of D'Agostino & Stephens (1986), (4.2)
    expected = -60 - (odd * (np.log(u) + np.log1p(-u[::-1]))).sum() / 60
    assert unbiased.goodness_of_fit("ad", 9).statistic == pytest.approx(expected)


def test_p_values_agree_with_lilliefors():
    """Critical values of the Kolmogorov-Smirnov statistic with both parameters estimated, n = 30 (Lilliefors 1967)."""
    x = np.random.default_rng(0).normal(size=30)
    fit = lk.fit(lk.Normal(variance=lk.unbiased), x)
    simulated = fit.goodness_of_fit("ks", 4000).simulated
    assert np.quantile(simulated, [0.9, 0.95]) == pytest.approx([0.144, 0.161], abs=0.005)


@pytest.mark.parametrize("statistic", ["ks", "ad", "cvm"])
def test_p_values_are_uniform_where_the_model_is_true(statistic):
    p = [
        lk.fit(lk.Exponential(), x).goodness_of_fit(statistic, 99, seed=i).p_value
        for i, x in enumerate(np.random.default_rng(1).exponential(3, (100, 30)))
    ]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_p_values_of_counts_are_uniform_where_the_model_is_true():
    p = [
        lk.fit(lk.Poisson(), x).goodness_of_fit(n=99, seed=i).p_value
        for i, x in enumerate(np.random.default_rng(2).poisson(3, (100, 80)))
    ]
    assert stats.kstest(p, "uniform").pvalue > 0.01


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (lk.Normal(), np.random.default_rng(1).exponential(1, 100)),
        (lk.Exponential(), np.random.default_rng(1).gamma(4, 1, 80)),
        (lk.Poisson(), np.random.default_rng(1).negative_binomial(2, 0.3, 150)),
        (lk.Mixture(lk.Poisson(), 2), np.random.default_rng(1).negative_binomial(1, 0.05, 300)),
    ],
    ids=str,
)
def test_a_wrong_model_gets_a_small_p_value(model, data):
    assert lk.fit(model, data).goodness_of_fit(n=99).p_value == 0.01


def test_a_mixture_fits_where_its_component_alone_does_not():
    x = np.random.default_rng(0).normal(np.repeat([0.0, 6.0], [60, 40]), 1)
    assert lk.fit(lk.Normal(), x).goodness_of_fit(n=99).p_value == 0.01
    assert lk.fit(lk.Mixture(lk.Normal(), 2), x).goodness_of_fit(n=99).p_value > 0.05


def test_the_chi_square_merges_counts_until_five_are_expected():
    x = np.repeat([0, 1, 2, 3, 4, 7], [14, 30, 28, 17, 9, 2])
    test = lk.fit(lk.Poisson(), x).goodness_of_fit(n=9)
    expected = 100 * stats.poisson.pmf([0, 1, 2, 3, 4], x.mean())
    expected = np.append(expected[:4], 100 - expected[:4].sum())  # of 5 and above less than 5 are expected
    assert expected.min() > 5 > 100 * stats.poisson.sf(4, x.mean())
    counts = np.array([14, 30, 28, 17, 11])
    assert test.statistic == pytest.approx(((counts - expected) ** 2 / expected).sum())


def test_weights_are_repeated_rows():
    x, w = [0.5, 1.5, 2.5, 4.0], [4, 3, 2, 1]
    one = lk.fit(lk.Exponential(), x, weights=w).goodness_of_fit(n=19)
    two = lk.fit(lk.Exponential(), np.repeat(x, w)).goodness_of_fit(n=19)
    assert one.statistic == pytest.approx(two.statistic)
    assert one.p_value == two.p_value


def test_it_prints_as_sentences():
    test = lk.fit(lk.Normal(), X).goodness_of_fit(n=99)
    above = int((test.simulated >= test.statistic).sum())
    assert str(test).splitlines() == [
        "Anderson-Darling test of fit: normal distribution",
        f"statistic {test.statistic:.4g}, p = {test.p_value:.2g} by parametric bootstrap with refitting",
        f"Of 99 data sets drawn from the fit {above} fitted as badly or worse.",
    ]
    assert test.p_value == (1 + above) / 100


PAIR = np.random.default_rng(2).normal(size=(30, 2))


@pytest.mark.parametrize(
    ("fit", "options", "error", "message"),
    [
        (lambda: lk.fit(lk.Normal(), X), {"statistic": "chi"}, lk.ModelError,
         "statistic='chi'; it is 'ks', 'ad', 'cvm' or 'chi2'."),
        (lambda: lk.fit(lk.Normal(), X), {"statistic": "chi2"}, lk.ModelError,
         "statistic='chi2' is for counts; Normal is continuous: use 'ks', 'ad' or 'cvm'."),
        (lambda: lk.fit(lk.Poisson(), [1, 2]), {"statistic": "ks"}, lk.ModelError,
         "statistic='ks' is for continuous families; Poisson describes counts: use statistic='chi2'."),
        (lambda: lk.fit(lk.Poisson(), [1, 2, 1]), {}, lk.ModelError,
         "3 rows of Poisson() make fewer than two cells that are expected 5 times; a chi-square test needs more rows."),
        (lambda: lk.fit(lk.Normal(), X), {"n": 0}, lk.ModelError,
         "n=0; at least one data set must be drawn. 999 is usual."),
        (lambda: lk.fit(lk.MultivariateNormal(), PAIR), {}, lk.ModelError,
         "a test of fit is for one column; MultivariateNormal() describes 2. Fit one of them with columns=..., or "
         "compare models by their criteria."),
        (lambda: lk.fit(lk.LinearGaussian(), PAIR[:, 0], given=PAIR[:, 1]), {}, lk.ModelError,
         "a test of fit is for one distribution of all rows; LinearGaussian() conditions on covariates."),
        (lambda: lk.fit(lk.Categorical(), ["a", "b"]), {}, lk.ModelError,
         "a test of fit is for numbers; the column holds text."),
        (lambda: lk.fit(lk.Categorical(), [1, 2]), {}, lk.ModelError,
         "a test of fit needs a distribution function, and Categorical has none."),
        (lambda: lk.fit(lk.Exponential(), [1.0, 2.0], weights=[1, 0.5]), {}, lk.DataError,
         "the weight of row 2 is 0.5; a test of fit needs weights that are whole numbers, which say how often each row "
         "occurred. Leave the weights out, or round them."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_has_no_test_of_fit_is_refused(fit, options, error, message):
    with pytest.raises(error) as e:
        fit().goodness_of_fit(**options)
    assert str(e.value) == message
