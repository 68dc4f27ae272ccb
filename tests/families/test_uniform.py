"""The uniform distribution."""

import numpy as np
import pytest
from scipy import stats

import likely as lk
from banks import bank, check_expectation, random_weights
from likely.core.params import Params
from likely.core.written import shared
from likely.families.uniform import Extremes

X = np.random.default_rng(3).uniform(-2, 5, 200)


def test_log_prob_is_scipys():
    x = np.array([-3, -2, 0, 5, 5.1])
    assert lk.Uniform(-2, 5).log_prob(x).tolist() == pytest.approx(stats.uniform(-2, 7).logpdf(x).tolist())


def test_maximum_likelihood_is_the_extremes():
    fit = lk.fit(lk.Uniform(), X)
    assert (fit.model.low, fit.model.high) == (X.min(), X.max())
    assert fit.log_likelihood == pytest.approx(stats.uniform(X.min(), np.ptp(X)).logpdf(X).sum(), rel=1e-13)


def test_rows_of_zero_weight_are_absent():
    family, table = bank(lk.Uniform(), 3, X)
    w = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, w))
    assert params.low.tolist() == [X[w[:, k] > 0].min() for k in range(3)]
    assert params.high.tolist() == [X[w[:, k] > 0].max() for k in range(3)]


def test_tied_and_known_ends():
    family, table = bank(lk.Uniform(low=shared, high=[6, np.nan, 7]), 3, X)
    w = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, w))
    assert params.low.tolist() == [X[(w > 0).any(1)].min()] * 3
    assert params.high.tolist() == [6, X[w[:, 1] > 0].max(), 7]
    assert family.obeys(params)


def test_ends_tied_up_to_offsets_contain_every_value():
    family, table = bank(lk.Uniform(low=shared + [0, -1, 2]), 3, X)
    w = random_weights(200, 3)
    least = np.array([X[w[:, k] > 0].min() for k in range(3)])
    params = family.maximize(family.collect(None, None, table, w))
    assert params.low == pytest.approx((least - [0, -1, 2]).min() + np.array([0, -1, 2]), rel=1e-15)
    assert (params.low <= least + 1e-15).all()


def test_member_without_weight_keeps_its_ends_and_does_not_move_tied_ones():
    family, table = bank(lk.Uniform(low=shared), 2, X)
    first = family.maximize(family.collect(None, None, table, random_weights(200, 2)))
    w = random_weights(200, 2, seed=1) * [1, 0]
    second = family.maximize(family.collect(None, None, table, w), first)
    assert second.high.tolist() == [X[w[:, 0] > 0].max(), first.high[1]]
    assert second.low.tolist() == [X[w[:, 0] > 0].min()] * 2


def test_expected_log_density_is_the_weighted_sum():
    check_expectation(lk.Uniform(), X, {"low": [-2, -9, -2.5], "high": [5, 6, 100]})


def test_expected_log_density_is_impossible_where_a_value_lies_outside():
    family, table = bank(lk.Uniform(), 2, X)
    s = family.collect(None, None, table, np.ones((200, 2)))
    params = Params(low=np.array([-2.0, 0]), high=np.array([5.0, 5]))
    assert family.expected_log_density(params, s)[0] == pytest.approx(-200 * np.log(7), rel=1e-14)
    assert family.expected_log_density(params, s)[1] == -np.inf


def test_extremes_merge_and_scale():
    a = Extremes(np.array([2.0]), np.array([1.0]), np.array([5.0]))
    b = Extremes(np.array([3.0]), np.array([2.0]), np.array([9.0]))
    for merged in (a + b, b + a):
        assert [float(v[0]) for v in (merged.weight, merged.low, merged.high)] == [5, 1, 9]
    assert [float(v[0]) for v in ((4.0 * b).weight, (4.0 * b).low, (4.0 * b).high)] == [12, 2, 9]
    back, used = a.unpack(a.pack(a), b)
    assert [float(v[0]) for v in (back.weight, back.low, back.high)] == [2, 2, 9]
    assert used == 1


def test_a_background_of_known_range():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(50, 1, 300), rng.uniform(0, 100, 100)])
    fit = lk.fit(lk.Mixture([lk.Normal(), lk.Uniform(0, 100)]), x)
    assert fit.model.weights == pytest.approx([0.75, 0.25], abs=0.03)
    assert fit.model.components[0].mean == pytest.approx(50, abs=0.2)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lk.Uniform(low=0), "column 'x' row 2 is -1; Uniform(low=0) needs numbers from 0."),
        (lk.Uniform(high=2), "column 'x' row 1 is 3; Uniform(high=2) needs numbers up to 2."),
        (lk.Uniform(0, 3), "column 'x' row 2 is -1; Uniform(low=0, high=3) needs numbers from 0 to 3."),
    ],
    ids=repr,
)
def test_values_outside_known_ends_are_named(model, message):
    with pytest.raises(lk.DataError) as e:
        lk.fit(model, {"x": [3, -1]})
    assert str(e.value) == message + " Drop the row, or use a family that allows it."


@pytest.mark.parametrize("ask", [lambda m: m.log_prob([1]), lambda m: m.sample(3), lambda m: lk.fit(m, [1, 2])])
def test_ends_in_the_wrong_order_are_named(ask):
    with pytest.raises(lk.ModelError) as e:
        ask(lk.Uniform(3, 1))
    assert str(e.value) == "Uniform.low = 3 and high = 1; low must be below high."


def test_equal_values_have_no_maximum():
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.Uniform(), [2.0, 2.0])
    assert str(e.value) == (
        "Uniform(): its width vanished, so the likelihood has no maximum. Its values are alike; give one end a value."
    )
    assert lk.fit(lk.Uniform(low=0), [2.0, 2.0]).model.high == 2


def test_moments_quantiles_and_draws():
    model = lk.Uniform(2, 8)
    assert (model.mean, model.variance) == (5, 3)
    assert model.cdf([0, 2, 5, 8, 9]).tolist() == [0, 0, 0.5, 1, 1]
    assert model.quantile([0, 0.25, 1]).tolist() == [2, 3.5, 8]
    x = model.sample(50_000, seed=1)
    assert x.mean() == pytest.approx(5, abs=0.03)
    assert x.min() >= 2
    assert x.max() <= 8
