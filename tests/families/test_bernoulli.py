"""The Bernoulli distribution."""

import numpy as np
import pytest
from scipy import stats

import likely as lk
from banks import bank, check_expectation, check_stationary, random_weights

X = (np.random.default_rng(1).random(200) < 0.3).astype(float)


def test_log_prob_is_scipys():
    assert lk.Bernoulli(0.3).log_prob([0, 1, 1]) == pytest.approx(stats.bernoulli(0.3).logpmf([0, 1, 1]), rel=1e-15)


def test_log_prob_at_certainty_and_outside_the_support():
    assert lk.Bernoulli(1).log_prob([1, 0, 2]).tolist() == [0, -np.inf, -np.inf]
    assert lk.Bernoulli(0).log_prob([1, 0]).tolist() == [-np.inf, 0]
    assert lk.Bernoulli(1e-20).log_prob([0])[0] == -1e-20


def test_weighted_maximum_likelihood_is_the_share_of_ones():
    family, table = bank(lk.Bernoulli(), 3, X)
    weights = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, weights))
    assert params.p == pytest.approx((weights * X[:, None]).sum(0) / weights.sum(0), rel=1e-14)


def test_all_ones_are_certainty_also_under_weights_that_round():
    family, table = bank(lk.Bernoulli(), 3, np.ones(1000))
    weights = np.random.default_rng(0).random((1000, 3)) / 3
    stats_ = family.collect(None, None, table, weights)
    params = family.maximize(stats_)
    assert params.p.tolist() == [1, 1, 1]
    assert family.expected_log_density(params, stats_).tolist() == [0, 0, 0]


def test_expected_log_density_is_the_weighted_sum():
    check_expectation(lk.Bernoulli(), X, {"p": [0.2, 0.5, 0.99]})


def test_expected_log_density_at_the_boundary():
    check_expectation(lk.Bernoulli(), np.zeros(20), {"p": [0.0, 0.5]})
    check_expectation(lk.Bernoulli(), np.ones(20), {"p": [1.0, 0.5]})


@pytest.mark.parametrize(
    "p", [lk.free, [0.2, np.nan, 0.7], lk.shared, lk.Beta(2, 3), lk.shared(lk.Beta(2, 3))], ids=repr
)
def test_m_step_is_stationary(p):
    check_stationary(lk.Bernoulli(p=p), X)


def test_prior_counts_as_pretend_tosses():
    assert lk.fit(lk.Bernoulli(p=lk.Beta(2, 2)), [1] * 5).model.p == pytest.approx(6 / 7, abs=1e-15)
    assert lk.fit(lk.Bernoulli(p=lk.Beta(1, 1)), [1] * 5).model.p == 1


def test_prior_on_a_shared_slot_counts_once():
    family, table = bank(lk.Bernoulli(p=lk.shared(lk.Beta(3, 2))), 2, [1, 1, 0, 1])
    params = family.maximize(family.collect(None, None, table, np.ones((4, 2))))
    assert params.p == pytest.approx([(6 + 2) / (8 + 3)] * 2, rel=1e-15)


def test_member_without_weight_keeps_what_it_had():
    family, table = bank(lk.Bernoulli(), 2, [1, 1, 0, 1])
    weights = np.array([[1.0, 0.0]] * 4)
    params = family.maximize(
        family.collect(None, None, table, weights),
        family.bind(family.axes).maximize(
            family.collect(None, None, table, np.array([[1.0, 1.0]] * 2 + [[0.0, 0.0]] * 2))
        ),
    )
    assert params.p.tolist() == [0.75, 1.0]


def test_unbounded_prior_is_named():
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.Bernoulli(p=lk.Beta(0.5, 0.5)), [1] * 5)
    assert str(e.value) == (
        "Bernoulli(p=Beta(a=0.5, b=0.5)): its prior on p grows without bound at 1 and the rows do not outweigh it, "
        "so the likelihood has no maximum. Use a prior whose exponents are 1 or above, as Beta(1, 1), Dirichlet(1) or "
        "Gamma(1, 1)."
    )


def test_unbounded_prior_in_a_mixture_is_named_with_its_cure():
    with pytest.raises(lk.FitError) as e:
        lk.fit(lk.Mixture(lk.Bernoulli(p=lk.Beta(0.5, 0.5)), 1), [1] * 5, starts=1)
    assert str(e.value) == (
        "the only start collapsed: component 1: its prior on p grows without bound at 1 and the rows do not outweigh "
        "it, where the likelihood is unbounded. Use a prior whose exponents are 1 or above, as Beta(1, 1), "
        "Dirichlet(1) or Gamma(1, 1)."
    )


def test_data_outside_the_support_is_named():
    with pytest.raises(lk.DataError) as e:
        lk.fit(lk.Bernoulli(), {"toss": [0, 1, 2]})
    assert str(e.value) == (
        "column 'toss' row 3 is 2; Bernoulli() needs 0 or 1 (or False, True). "
        "Drop the row, or use a family that allows it."
    )


def test_parameter_outside_its_domain_is_named():
    with pytest.raises(lk.ModelError) as e:
        lk.Bernoulli(1.2).log_prob([1])
    assert str(e.value) == "Bernoulli.p = 1.2; it needs numbers from 0 to 1."


def test_draws_have_the_moments():
    model = lk.Bernoulli(0.3)
    x = model.sample(100_000, seed=1)
    assert set(x) == {0.0, 1.0}
    assert x.mean() == pytest.approx(model.mean, abs=4 * np.sqrt(model.variance / 100_000))
    assert (model.mean, model.variance) == (0.3, pytest.approx(0.21))


def test_moments_of_an_open_slot_are_refused():
    with pytest.raises(lk.NotFitted):
        _ = lk.Bernoulli().mean
