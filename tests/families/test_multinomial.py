"""The multinomial distribution."""

import numpy as np
import pytest
from scipy import stats

import likely as lk
from banks import bank, check_expectation, check_stationary, random_weights
from likely.core.data import Table

RNG = np.random.default_rng(5)
P = np.array([0.2, 0.3, 0.5])
X = np.concatenate([RNG.multinomial(6, P, 100), RNG.multinomial(9, P[::-1], 100)]).astype(float)


def test_log_prob_is_scipys():
    truth = stats.multinomial.logpmf(X, X.sum(1).astype(int), P)
    assert lk.Multinomial(P).log_prob(X) == pytest.approx(truth, rel=1e-12)


def test_of_two_columns_it_is_the_binomial():
    x = np.arange(11)
    two = lk.Multinomial([0.3, 0.7]).log_prob(np.column_stack([x, 10 - x]))
    assert two == pytest.approx(lk.Binomial(10, 0.3).log_prob(x), rel=1e-12)


def test_categories_of_probability_zero():
    model = lk.Multinomial([0.25, 0.75, 0])
    assert model.log_prob([[1, 1, 0]]) == pytest.approx(np.log(2 * 0.25 * 0.75), rel=1e-15)
    assert model.log_prob([[1, 1, 1], [0, 0, 0]]).tolist() == [-np.inf, 0]


def test_weighted_maximum_likelihood_is_the_share_of_all_counts():
    family, table = bank(lk.Multinomial(), 3, X)
    w = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, w))
    total = w.T @ X
    assert params.p == pytest.approx(total / total.sum(1, keepdims=True), rel=1e-13)


def test_expected_log_density_is_the_weighted_sum():
    check_expectation(lk.Multinomial(), X, {"p": [P, P[::-1], [0.8, 0.1, 0.1]]})
    check_expectation(lk.Multinomial(), X * [1, 0, 1], {"p": [[0.5, 0, 0.5], P]})
    possible = np.append(np.ones(200, bool), [False] * 2)[:, None]
    check_expectation(lk.Multinomial(), np.vstack([X, [0.5, 1, 1], [-1, 2, 3]]), {"p": [P, P[::-1]]}, possible)


def test_every_member_may_look_at_its_own_points():
    family, _ = bank(lk.Multinomial(), 2, X)
    own = np.stack([X, X[:, ::-1]], 1)
    params = family.maximize(family.collect(None, None, Table(own), np.ones((200, 2))))
    assert params.p[0] == pytest.approx(params.p[1][::-1], rel=1e-14)
    both = family.infer(params, Table(own)).log_prob
    assert both[:, 0] == pytest.approx(family.infer(params, Table(X)).log_prob[:, 0], rel=1e-13)
    assert both[:, 1] == pytest.approx(both[:, 0], rel=1e-12)


@pytest.mark.parametrize(
    "p",
    [
        lk.free,
        [P, [0.1, np.nan, np.nan], [np.nan] * 3],
        lk.shared,
        lk.Dirichlet([2, 3, 1.5]),
        lk.shared(lk.Dirichlet([2, 3, 1.5])),
    ],
    ids=repr,
)
def test_m_step_is_stationary(p):
    check_stationary(lk.Multinomial(p), X)


def test_dirichlet_of_two_is_laplaces_add_one():
    fit = lk.fit(lk.Multinomial(lk.Dirichlet(2)), [[4, 1, 0]])
    assert fit.model.p == pytest.approx([5 / 8, 2 / 8, 1 / 8], rel=1e-15)


def test_prior_that_takes_more_than_there_is_is_named():
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.Multinomial(lk.Dirichlet(0.5)), [[4, 1, 0]])
    assert str(e.value) == (
        "Multinomial(p=Dirichlet(alpha=0.5)): its prior on p grows without bound at 0 and the rows do not outweigh it, "
        "so the likelihood has no maximum. Use a prior whose exponents are 1 or above, as Beta(1, 1), Dirichlet(1) or "
        "Gamma(1, 1)."
    )


def test_rows_must_sum_to_trials_where_they_are_written():
    with pytest.raises(lk.DataError) as e:
        lk.fit(lk.Multinomial(trials=6), [[3, 2, 1], [3, 3, 3]])
    assert str(e.value) == (
        "row 2 sums to 9; Multinomial(trials=6) needs rows that sum to 6. Correct the row, or leave trials out: "
        "then each row has its own total."
    )
    assert lk.Multinomial(P, trials=6).log_prob([[3, 3, 3], [1, 2, 3]])[0] == -np.inf


def test_data_outside_the_support_is_named():
    with pytest.raises(lk.DataError) as e:
        lk.fit(lk.Multinomial(), {"a": [1, 2], "b": [0, 0.5]})
    assert str(e.value) == (
        "column 'b' row 2 is 0.5; Multinomial() needs counts 0, 1, 2, ... Drop the row, or use a family that allows it."
    )


def test_draws_need_the_number_of_trials():
    with pytest.raises(lk.ModelError) as e:
        lk.Multinomial(P).sample(3)
    assert str(e.value) == (
        "Multinomial does not say how many trials a row has, which a draw needs; write Multinomial(..., trials=10)."
    )


def test_draws_have_the_moments():
    x = lk.Multinomial(P, trials=7).sample(50_000, seed=1)
    assert set(x.sum(1)) == {7.0}
    assert x.mean(0) == pytest.approx(7 * P, abs=4 * np.sqrt(7 / 4 / 50_000))
    assert np.cov(x.T) == pytest.approx(7 * (np.diag(P) - np.outer(P, P)), abs=0.05)


def test_notation_reads_back():
    for model in (lk.Multinomial(), lk.Multinomial(P, trials=4)):
        assert lk.parse(repr(model)) == model
    assert repr(lk.Multinomial([0.5, 0.5], trials=4)) == "Multinomial(trials=4, p=[0.5, 0.5])"
