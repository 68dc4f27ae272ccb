"""The simulated likelihood-ratio test: how many components, and models that are not nested."""

import numpy as np
import pytest

import likely as lk

ONE = np.random.default_rng(1).normal(0, 1, 80)
TWO = np.random.default_rng(0).normal(np.repeat([0.0, 4.5], [50, 30]), 1)


def fits(data, small=lk.Normal(), large=lk.Mixture(lk.Normal(variance=lk.shared), 2)):  # noqa: B008  # frozen
    return lk.fit(small, data), lk.fit(large, data)


def test_two_clear_components_are_found():
    test = lk.bootstrap_test(*fits(TWO), 29)
    assert test.p_value == 1 / 30
    assert len(test.simulated) == 29
    assert test.statistic > 2 * test.simulated.max()


def test_one_component_is_not_taken_for_two():
    test = lk.bootstrap_test(*fits(ONE), 29, seed=1)
    assert test.p_value > 0.1
    assert (test.simulated >= 0).all()
    assert test.p_value == (1 + (test.simulated >= test.statistic).sum()) / 30


def test_a_regular_hypothesis_gets_the_p_value_of_the_chi_square():
    x = np.random.default_rng(5).normal(0.15, 1, 100)
    small, large = fits(x, lk.Normal(mean=0), lk.Normal())
    expected = lk.likelihood_ratio_test(small, large).p_value
    found = lk.bootstrap_test(small, large, 1999).p_value
    assert 0.05 < expected < 0.5
    assert found == pytest.approx(expected, abs=4 * (expected * (1 - expected) / 1999) ** 0.5 + 0.01)


def test_models_that_are_not_nested_may_be_compared():
    x = np.random.default_rng(2).lognormal(0, 1.5, 100)
    small, large = fits(x, lk.Gamma(), lk.LogNormal())
    test = lk.bootstrap_test(small, large, 99)
    assert test.p_value == 0.01
    back = lk.bootstrap_test(large, small, 99)
    assert back.statistic == -test.statistic
    assert back.p_value > 0.05


def test_it_prints_as_sentences():
    small, large = fits(TWO)
    test = lk.bootstrap_test(small, large, 19)
    assert str(test).splitlines() == [
        f"smaller  Normal()                             log-likelihood {small.log_likelihood:.2f}",
        f"larger   Mixture(Normal(variance=shared), 2)  log-likelihood {large.log_likelihood:.2f}",
        f"statistic {test.statistic:.4g}, p = 0.05 by parametric bootstrap",
        "Of 19 data sets drawn from the smaller model 0 showed as large a statistic.",
    ]


def test_threads_do_not_change_the_answer():
    one, two = (lk.bootstrap_test(*fits(ONE), 5, threads=t) for t in (1, 2))
    assert np.array_equal(one.simulated, two.simulated)


def test_data_sets_that_fail_are_counted():
    small, large = fits(np.random.default_rng(2).normal(size=12), large=lk.Mixture(lk.Normal(), 2))
    test = lk.bootstrap_test(small, large, 40, starts=0)
    assert test.failed > 0
    assert test.failed + len(test.simulated) == 40
    assert str(test).splitlines()[-1] == (
        f"{test.failed} more failed; the first: the larger model: its variance fell to zero."
    )


def test_what_cannot_be_tested_is_refused():
    small, large = fits(TWO)
    for options, message in (
        ({"n": 0}, "n=0; at least one data set must be drawn. 99 is usual."),
        ({"starts": -1}, "starts=-1; it is a whole number of random starts, 0 or above."),
    ):
        with pytest.raises(lk.ModelError) as e:
            lk.bootstrap_test(small, large, **options)
        assert str(e.value) == message
    with pytest.raises(lk.ModelError) as e:
        lk.bootstrap_test(lk.fit(lk.Normal(), ONE), large)
    assert str(e.value) == "the two fits have different rows; a bootstrap test needs two models of the same data."
    worse = lk.fit(lk.Mixture(lk.Normal(), 2), TWO, start=lk.Mixture(lk.Normal([9, 9.1], 1), 2, weights=[0.5, 0.5]),
                   max_passes=1)  # fmt: skip
    with pytest.raises(lk.FitError, match="it did not reach its maximum"):
        lk.bootstrap_test(small, worse)
