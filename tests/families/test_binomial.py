"""The binomial distribution."""

import numpy as np
import pytest
from scipy import stats

import likely as lk
from banks import bank, check_expectation, check_stationary, random_weights

RNG = np.random.default_rng(4)
X = RNG.binomial(12, np.repeat([0.2, 0.7], 100)).astype(float)
N = RNG.integers(0, 20, (200, 1)).astype(float)
BY_ROW = RNG.binomial(N[:, 0].astype(int), 0.4).astype(float)


def test_log_prob_is_scipys():
    x = np.arange(13)
    assert lk.Binomial(12, 0.3).log_prob(x) == pytest.approx(stats.binom(12, 0.3).logpmf(x), rel=1e-13)
    assert lk.Binomial(p=0.4).log_prob(BY_ROW, given=N) == pytest.approx(
        stats.binom(N[:, 0].astype(int), 0.4).logpmf(BY_ROW), rel=1e-12, abs=1e-14
    )


def test_log_prob_of_many_trials_keeps_its_digits():
    # A difference of log factorials is wrong in the sixth digit here. By Stirling: log C(n, n/2) + n log 1/2 =
    # -1/2 log(pi n / 2) - 1/(4 n) + O(n^-3).
    n = 10**10
    exact = -0.5 * np.log(np.pi * n / 2) - 1 / (4 * n)
    assert lk.Binomial(n, 0.5).log_prob([n / 2])[0] == pytest.approx(exact, rel=1e-6)


def test_log_prob_at_certainty_and_outside_the_support():
    assert lk.Binomial(3, 1).log_prob([3])[0] == pytest.approx(0, abs=1e-15)
    assert lk.Binomial(3, 1).log_prob([2, 4, -1, 1.5]).tolist() == [-np.inf] * 4
    assert lk.Binomial(3, 0).log_prob([1]).tolist() == [-np.inf]
    assert lk.Binomial(p=0.5).log_prob([2], given=[2]) == pytest.approx(2 * np.log(0.5), rel=1e-15)
    assert lk.Binomial(p=0.5).log_prob([3, 0, 1], given=[2, -1, 1.5]).tolist() == [-np.inf] * 3


def test_families_that_differ_in_trials_alone_do_not_share_what_a_chunk_remembers():
    mixture = lk.Mixture([lk.Binomial(3, 0.5), lk.Binomial(6, 0.5)], weights=[0.5, 0.5])
    density = 0.5 * stats.binom(3, 0.5).pmf([2, 5]) + 0.5 * stats.binom(6, 0.5).pmf([2, 5])
    assert np.exp(mixture.log_prob([2, 5])) == pytest.approx(density, rel=1e-13)


def test_weighted_maximum_likelihood_is_successes_over_trials():
    family, table = bank(lk.Binomial(12), 3, X)
    w = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, w))
    assert params.p == pytest.approx((w * X[:, None]).sum(0) / (12 * w.sum(0)), rel=1e-14)


def test_weighted_maximum_likelihood_with_trials_by_row():
    family, table = bank(lk.Binomial(), 3, BY_ROW, given=N)
    w = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, w))
    assert params.p == pytest.approx((w * BY_ROW[:, None]).sum(0) / (w * N).sum(0), rel=1e-14)


def test_expected_log_density_is_the_weighted_sum():
    check_expectation(lk.Binomial(12), X, {"p": [0.2, 0.5, 0.99]})
    check_expectation(lk.Binomial(), BY_ROW, {"p": [0.2, 0.5, 0.99]}, given=N)
    check_expectation(lk.Binomial(4), np.full(5, 4), {"p": [1.0, 0.5]})


def test_impossible_rows_weigh_nothing():
    x, n = np.append(BY_ROW, [5, 1, 2]), np.append(N, [[4], [-1], [2.5]], 0)
    possible = np.append(np.ones(200, bool), [False] * 3)[:, None]
    check_expectation(lk.Binomial(), x, {"p": [0.2, 0.5]}, possible, given=n)


@pytest.mark.parametrize(
    "p", [lk.free, [0.2, np.nan, 0.7], lk.shared, lk.Beta(2, 3), lk.shared(lk.Beta(2, 3))], ids=repr
)
def test_m_step_is_stationary(p):
    check_stationary(lk.Binomial(12, p=p), X)
    check_stationary(lk.Binomial(p=p), BY_ROW, given=N)


def test_prior_counts_as_pretend_trials():
    fit = lk.fit(lk.Binomial(5, p=lk.Beta(2, 2)), [5])
    assert fit.model.p == pytest.approx(6 / 7, rel=1e-15)


def test_mixture_of_binomials_recovers_two_coins():
    fit = lk.fit(lk.Mixture(lk.Binomial(12), 2), X)
    assert sorted(fit.model.component.p) == pytest.approx([0.2, 0.7], abs=0.05)


def test_more_successes_than_trials_is_named():
    with pytest.raises(lk.DataError) as e:
        lk.fit(lk.Binomial(), {"hits": [1, 7], "shots": [2, 5]}, given="shots", columns="hits")
    assert str(e.value) == (
        "column 'hits' row 2 is 7, but column 'shots' says 5 trials; Binomial needs at most as many successes. "
        "Correct the row, or drop it."
    )
    with pytest.raises(lk.DataError) as e:
        lk.fit(lk.Binomial(5), {"hits": [1, 7]})
    assert str(e.value) == (
        "column 'hits' row 2 is 7; Binomial(5) needs counts 0, 1, ..., 5. Drop the row, or use a family that allows it."
    )


def test_trials_that_are_no_count_are_named():
    with pytest.raises(lk.DataError) as e:
        lk.fit(lk.Mixture(lk.Binomial(), 2), [1, 1], given=[2, 2.5])
    assert str(e.value) == (
        "column 'given' row 2 is 2.5; Binomial reads its number of trials there and needs counts 0, 1, 2, ... "
        "Correct the row, or drop it."
    )


def test_several_columns_of_trials_are_refused():
    with pytest.raises(lk.ModelError) as e:
        lk.Binomial(p=0.5).log_prob([1], given=[[2, 3]])
    assert str(e.value) == (
        "Binomial(p=0.5) reads its number of trials from one column; given has 2. Name one column with given=..."
    )


def test_missing_trials_are_asked_for():
    with pytest.raises(lk.DataError) as e:
        lk.Binomial(p=0.5).log_prob([1])
    assert str(e.value) == (
        "Binomial(p=0.5) reads the number of trials of each row from given=..., which is missing here. "
        "Give it, or write one number for all rows, as in Binomial(10)."
    )
    with pytest.raises(lk.ModelError) as e:
        lk.Binomial(p=0.5).quantile(0.5)
    assert str(e.value) == (
        "Binomial(p=0.5) has its number of trials row by row in given=...; write it, as in Binomial(10), to ask for "
        "moments or quantiles."
    )


def test_draws_have_the_moments():
    model = lk.Binomial(12, 0.3)
    x = model.sample(100_000, seed=1)
    assert (model.mean, model.variance) == (pytest.approx(3.6), pytest.approx(2.52))
    assert x.mean() == pytest.approx(3.6, abs=4 * np.sqrt(2.52 / 100_000))
    assert x.var() == pytest.approx(2.52, rel=0.03)


def test_draws_follow_the_trials_of_their_row():
    x = lk.Binomial(p=0.5).sample(given=[4] * 1000 + [40] * 1000, seed=1)
    assert x[:1000].max() == 4
    assert x[1000:].mean() == pytest.approx(20, abs=0.5)


def test_notation_reads_back():
    for model in (lk.Binomial(10), lk.Binomial(10, 0.5), lk.Binomial(p=lk.shared)):
        assert lk.parse(repr(model)) == model
    assert repr(lk.Binomial(10, 0.5)) == "Binomial(10, p=0.5)"
