"""The Pareto distribution."""

import numpy as np
import pytest
from scipy import stats

import likely as lk
from banks import bank, check_expectation, check_stationary, random_weights
from likely.core.params import Params
from likely.core.written import shared
from likely.families.pareto import Tail

X = 2 * (1 + np.random.default_rng(3).pareto(np.repeat([1.0, 4.0], 100)))


def test_log_prob_is_scipys():
    x = np.array([1.9, 2, 3, 1e6])
    assert lk.Pareto(2, 1.5).log_prob(x) == pytest.approx(stats.pareto(1.5, scale=2).logpdf(x), rel=1e-12)


def test_weighted_maximum_likelihood_is_the_closed_form():
    family, table = bank(lk.Pareto(), 3, X)
    w = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, w))
    for k in range(3):
        low = X[w[:, k] > 0].min()
        assert params.scale[k] == low
        assert params.shape[k] == pytest.approx(w[:, k].sum() / (w[:, k] @ np.log(X / low)), rel=1e-12)


def test_tied_and_known_slots():
    family, table = bank(lk.Pareto(scale=[1, np.nan, np.nan], shape=shared), 3, X)
    w = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, w))
    low = np.array([1, X[w[:, 1] > 0].min(), X[w[:, 2] > 0].min()])
    assert params.scale.tolist() == low.tolist()
    assert params.shape == pytest.approx([w.sum() / (w * np.log(X[:, None] / low)).sum()] * 3, rel=1e-12)
    family, table = bank(lk.Pareto(scale=shared), 3, X)
    assert family.maximize(family.collect(None, None, table, w)).scale.tolist() == [X[(w > 0).any(1)].min()] * 3


@pytest.mark.parametrize("shape", [lk.free, shared, [2, np.nan, 1], lk.Gamma(3, 2), shared(lk.Gamma(3, 2))], ids=repr)
def test_with_a_known_scale_the_gradient_vanishes(shape):
    check_stationary(lk.Pareto(1.5, shape), X)


def test_a_gamma_prior_gives_the_mode_of_the_posterior():
    fit = lk.fit(lk.Pareto(scale=2, shape=lk.Gamma(4, 3)), X)
    assert fit.model.shape == pytest.approx((len(X) + 4 - 1) / (np.log(X / 2).sum() + 3), rel=1e-13)


def test_a_prior_heavier_than_the_rows_is_named():
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.Pareto(scale=1, shape=lk.Gamma(0.1, 1)), [1.5], weights=[0.5])
    assert str(e.value) == (
        "Pareto(scale=1, shape=Gamma(shape=0.1, rate=1)): its prior on shape grows without bound at 0, so the "
        "likelihood has no maximum. The rows do not outweigh it; use a Gamma prior whose shape is 1 or above."
    )


def test_expected_log_density_is_the_weighted_sum():
    check_expectation(lk.Pareto(), X, {"scale": [0.5, 2, 1.9], "shape": [1, 20, 3]})


def test_expected_log_density_is_impossible_where_a_value_lies_below():
    family, table = bank(lk.Pareto(), 2, X)
    stats_ = family.collect(None, None, table, np.ones((200, 2)))
    found = family.expected_log_density(Params(scale=np.array([1.0, 3.0]), shape=np.ones(2)), stats_)
    assert np.isfinite(found[0])
    assert found[1] == -np.inf


def test_member_without_weight_keeps_what_it_had():
    family, table = bank(lk.Pareto(), 2, X)
    first = family.maximize(family.collect(None, None, table, random_weights(200, 2)))
    second = family.maximize(family.collect(None, None, table, random_weights(200, 2, seed=1) * [1, 0]), first)
    assert [second.scale[1], second.shape[1]] == [first.scale[1], first.shape[1]]


def test_tails_merge_and_scale():
    a, b = (Tail(np.array([w]), np.array([t]), np.array([low])) for w, t, low in ((2.0, 5.0, 3.0), (3.0, 9.0, 2.0)))
    for merged in (a + b, b + a):
        assert [float(v[0]) for v in (merged.weight, merged.log_total, merged.low)] == [5, 14, 2]
    assert [float(v[0]) for v in ((4.0 * b).weight, (4.0 * b).log_total, (4.0 * b).low)] == [12, 36, 2]


def test_equal_values_have_no_maximum():
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.Pareto(), [2.0, 2.0, 2.0])
    assert str(e.value) == (
        "Pareto(): its shape grew without bound, so the likelihood has no maximum. "
        "Its values are alike; give the shape a value."
    )


def test_values_below_a_known_scale_are_named():
    with pytest.raises(lk.DataError) as e:
        lk.fit(lk.Pareto(scale=2), {"x": [3, 1]})
    assert str(e.value) == (
        "column 'x' row 2 is 1; Pareto(scale=2) needs numbers from 2. Drop the row, or use a family that allows it."
    )


def test_moments_quantiles_tails_and_draws():
    model, law = lk.Pareto(2, 3.5), stats.pareto(3.5, scale=2)
    assert [model.mean, model.variance] == pytest.approx([law.mean(), law.var()], rel=1e-12)
    assert (lk.Pareto(2, 1).mean, lk.Pareto(2, 2).variance) == (np.inf, np.inf)
    assert model.cdf([1, 2, 9]) == pytest.approx(law.cdf([1, 2, 9]), rel=1e-12)
    assert model.quantile([0, 0.2, 1]) == pytest.approx(law.ppf([0, 0.2, 1]), rel=1e-12)
    above = model.bind().log_tails(model.bind().known_params(), bank(model, 1, [1e12])[1])[1]
    assert above[0, 0] == pytest.approx(law.logsf(1e12), rel=1e-12)
    assert stats.kstest(model.sample(2000, seed=1), law.cdf).pvalue > 0.01
