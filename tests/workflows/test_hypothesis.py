"""Likelihood-ratio tests against closed forms; what is not nested, or at an edge, is refused in full sentences."""

import math

import numpy as np
import pytest
from scipy import stats

import likely as lk
from likely.workflows.hypothesis import likelihood_ratio_test

X = np.random.default_rng(1).normal(0.3, 1.2, 80)
TWO = np.random.default_rng(0).normal(np.repeat([0.0, 4.0], [60, 40]), 1)
PAIR = np.random.default_rng(2).normal(size=(60, 2)) @ np.array([[1.0, 0.4], [0.0, 1.5]])


def of(model, data=X, **options):
    return lk.fit(model, data, **options)


def refused(small, large, error=lk.ModelError):
    with pytest.raises(error) as e:
        likelihood_ratio_test(small, large)
    return str(e.value)


def test_a_known_mean_is_tested_by_the_closed_form():
    test = likelihood_ratio_test(of(lk.Normal(mean=0)), of(lk.Normal()))
    expected = 80 * math.log1p(X.mean() ** 2 / X.var())
    assert test.statistic == pytest.approx(expected, rel=1e-12)
    assert test.degrees_of_freedom == 1
    assert test.p_value == pytest.approx(stats.chi2.sf(expected, 1), rel=1e-12)
    assert test.warnings == ()


def test_independence_of_two_columns_is_tested_by_their_correlation():
    test = likelihood_ratio_test(of(lk.MultivariateNormal("diagonal"), PAIR), of(lk.MultivariateNormal(), PAIR))
    r = np.corrcoef(PAIR.T)[0, 1]
    assert test.statistic == pytest.approx(-60 * math.log1p(-(r**2)), rel=1e-9)
    assert test.degrees_of_freedom == 1


def test_an_exponential_is_a_gamma_of_shape_one():
    x = lk.Gamma(2, 1).sample(100, seed=1)
    test = likelihood_ratio_test(of(lk.Gamma(shape=1), x), of(lk.Gamma(), x))
    shape, _, scale = stats.gamma.fit(x, floc=0)
    expected = 2 * (stats.gamma.logpdf(x, shape, 0, scale).sum() - stats.expon.logpdf(x, 0, x.mean()).sum())
    assert test.statistic == pytest.approx(expected, rel=1e-5)


def test_components_may_be_tested_for_a_common_variance():
    test = likelihood_ratio_test(
        of(lk.Mixture(lk.Normal(variance=lk.shared), 2), TWO), of(lk.Mixture(lk.Normal(), 2), TWO)
    )
    assert test.degrees_of_freedom == 1
    assert 0 <= test.statistic < 10


def test_p_values_of_true_hypotheses_are_uniform():
    data = np.random.default_rng(4).normal(size=(100, 100))
    p = [likelihood_ratio_test(of(lk.Normal(mean=0), x), of(lk.Normal(), x)).p_value for x in data]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_forms_of_covariance_are_nested_by_their_letters():
    eee, vvv = (of(lk.Mixture(lk.MultivariateNormal(form), 2), PAIR, starts=3) for form in ("EII", "VVI"))
    assert likelihood_ratio_test(eee, vvv).degrees_of_freedom == 3
    assert refused(vvv, eee) == (
        "Mixture(MultivariateNormal('VVI'), 2) is not Mixture(MultivariateNormal('EII'), 2) with slots restricted: the "
        "form 'VVI' is no special case of 'EII' at component. A chi-square holds for nested models only. Use "
        "lk.bootstrap_test(small, large), which simulates the distribution of the statistic."
    )


def test_it_prints_as_sentences():
    assert str(likelihood_ratio_test(of(lk.Normal(mean=0)), of(lk.Normal()))).splitlines() == [
        f"smaller  Normal(mean=0)  log-likelihood {of(lk.Normal(mean=0)).log_likelihood:.2f}",
        f"larger   Normal()        log-likelihood {of(lk.Normal()).log_likelihood:.2f}",
        "statistic 3.521 on 1 degree of freedom, p = 0.061",
        "Were the smaller model true, 6.1 % of data sets would show as large a statistic.",
    ]


def test_estimates_at_an_edge_are_warned_about():
    test = likelihood_ratio_test(of(lk.Bernoulli(p=0.9), [1] * 20), of(lk.Bernoulli(), [1] * 20))
    assert test.warnings == (
        "in the larger fit p lies at the edge of what is possible, where a chi-square is only roughly right; "
        "lk.bootstrap_test simulates.",
    )
    assert str(test).splitlines()[-1] == f"Caution: {test.warnings[0]}"


def test_unfinished_fits_are_warned_about():
    large = of(lk.Mixture(lk.Normal(), 2), TWO, max_passes=30, starts=1, tol=0)
    test = likelihood_ratio_test(of(lk.Mixture(lk.Normal(mean=[0, 4]), 2), TWO), large)
    assert test.warnings == (
        "the larger fit is no maximum. Stopped at the limit of passes, before convergence; raise max_passes.",
    )


# -- what is refused -------------------------------------------------------------------------------------------------


def test_models_that_are_not_nested_are_refused():
    x = np.abs(X)
    assert refused(of(lk.Exponential(), x), of(lk.Gamma(), x)) == (
        "Exponential() is not Gamma() with slots restricted: Exponential is not Gamma. A chi-square holds for nested "
        "models only. Use lk.bootstrap_test(small, large), which simulates the distribution of the statistic."
    )
    assert refused(of(lk.Normal()), of(lk.Normal(mean=0))) == (
        "Normal() is not Normal(mean=0) with slots restricted: mean is known in the larger model, and not the same in "
        "the smaller one. A chi-square holds for nested models only. Use lk.bootstrap_test(small, large), which "
        "simulates the distribution of the statistic."
    )
    free, tied = (of(lk.Mixture(lk.Normal(variance=v), 2), TWO) for v in ([1, 2], lk.shared))
    assert "component.variance is shared in the larger model, and different values are known" in refused(free, tied)
    free = of(lk.Mixture(lk.Normal(), 2), TWO)
    assert "component.variance is shared in the larger model, and not in the same way" in refused(free, tied)


def test_numbers_of_components_are_for_the_bootstrap():
    one, two = (of(lk.Mixture(lk.Normal(), k), TWO, starts=3) for k in (1, 2))
    assert refused(one, two) == (
        "Mixture(Normal(), 1) is not Mixture(Normal(), 2) with slots restricted: 1 components are 2 of which some have "
        "weight 0, or are alike. A chi-square holds for nested models only. Use lk.bootstrap_test(small, large), which "
        "simulates the distribution of the statistic."
    )


def test_components_alike_and_known_edges_are_for_the_bootstrap():
    two = of(lk.Mixture(lk.Normal(), 2), TWO)
    alike = of(lk.Mixture(lk.Normal(mean=lk.shared, variance=lk.shared), 2), TWO)
    assert refused(alike, two) == (
        "Mixture(Normal(mean=shared, variance=shared), 2) lies at the edge of Mixture(Normal(), 2): its 2 components "
        "are alike, which leaves their weights undefined. No chi-square holds there. Use lk.bootstrap_test(small, "
        "large), which simulates the distribution of the statistic."
    )
    x = [1] * 6
    assert refused(of(lk.Bernoulli(p=1), x), of(lk.Bernoulli(), x)) == (
        "Bernoulli(p=1) lies at the edge of Bernoulli(): p is known to be at the edge of what is possible. No "
        "chi-square holds there. Use lk.bootstrap_test(small, large), which simulates the distribution of the "
        "statistic."
    )
    x = [0.1, 0.4, 0.9]
    assert (
        "lies at the edge of Uniform(): the likelihood is not smooth in low, whose maximum is an end of the data"
        in (refused(of(lk.Uniform(low=0), x), of(lk.Uniform(), x)))
    )


def test_a_larger_model_below_the_smaller_one_did_not_reach_its_maximum():
    small = of(lk.Mixture(lk.Normal(variance=lk.shared), 2), TWO)
    stuck = lk.Mixture(lk.Normal([1.5, 1.6], [6, 6]), 2, weights=[0.5, 0.5])
    large = of(lk.Mixture(lk.Normal(), 2), TWO, start=stuck, max_passes=2)
    short = small.log_likelihood - large.log_likelihood
    assert refused(small, large, lk.FitError) == (
        f"the larger model, Mixture(Normal(), 2), has a log-likelihood {short:.3g} below that of the smaller one, "
        "which it contains: it did not reach its maximum. Fit it again with more starts=, or with start= at the "
        "smaller fit."
    )


def test_the_same_model_twice_is_refused():
    fit = of(lk.Normal())
    assert refused(fit, fit) == (
        "Normal() and Normal() both have 2 free parameters: nothing is restricted, so there is nothing to test."
    )


def test_different_data_priors_and_hard_fits_are_refused(tmp_path):
    fit = of(lk.Normal())
    assert refused(of(lk.Normal(mean=0), X[1:]), fit) == (
        "the two fits have different rows; a likelihood-ratio test needs two models of the same data."
    )
    assert refused(of(lk.Normal(mean=0), weights=np.full(80, 2.0)), fit) == (
        "the two fits have different weights; a likelihood-ratio test needs two models of the same data."
    )
    assert refused(of(lk.Normal(mean=lk.Normal(0, 1))), fit) == (
        "the smaller model, Normal(mean=Normal(mean=0, variance=1)), holds priors: its fit is no maximum of the "
        "likelihood, and a likelihood-ratio test compares maxima. Leave the priors out, or compare by held-out "
        "likelihood."
    )
    two = of(lk.Mixture(lk.Normal(), 2), TWO)
    assert refused(of(lk.Mixture(lk.Normal(variance=lk.shared), 2), TWO, hard=True), two) == (
        "the smaller fit is one of hard EM, whose objective is no likelihood of the data. Fit with hard=False."
    )
    fit.save(tmp_path / "fit.json")
    assert refused(of(lk.Normal(mean=0)), lk.load(tmp_path / "fit.json")) == (
        "the larger fit was loaded, and a loaded fit does not carry its data; fit again."
    )
