"""The categorical distribution."""

import numpy as np
import pytest

import likely as lk
from banks import bank, check_expectation, check_stationary, random_weights
from likely.core.data import Table
from likely.core.setting import Setting
from likely.core.slot import Axis

RNG = np.random.default_rng(6)
X = RNG.choice([1.0, 2.0, 5.0], 200, p=[0.2, 0.3, 0.5])
P = [0.2, 0.3, 0.5]
WORDS = {"text": (True,), "vocabulary": ("a", "b", "c")}


def test_log_prob_is_the_log_of_the_categorys_probability():
    assert lk.Categorical(P).log_prob([2, 0, 1, 2]) == pytest.approx(np.log([0.5, 0.2, 0.3, 0.5]), rel=1e-15)
    model = lk.Categorical(P, categories=["tea", "milk", "ale"])
    assert model.log_prob(["milk", "ale", "milk"]) == pytest.approx(np.log([0.3, 0.5, 0.3]), rel=1e-15)
    model = lk.Categorical(P, categories=[10, -1, 3.5])
    assert model.log_prob([-1, 3.5, 10]) == pytest.approx(np.log([0.3, 0.5, 0.2]), rel=1e-15)


def test_values_that_are_no_category_are_impossible():
    assert lk.Categorical(P).log_prob([3, 0.5, -1]).tolist() == [-np.inf] * 3
    assert lk.Categorical([0, 1]).log_prob([0, 1]).tolist() == [-np.inf, 0]
    words = lk.Categorical([0.5, 0.5], categories=["a", "b"])
    assert words.log_prob(["z", "b", "a"]).tolist() == [-np.inf, np.log(0.5), np.log(0.5)]
    assert words.log_prob([0, 1]).tolist() == [-np.inf, -np.inf]


def test_categories_are_what_the_data_holds_sorted():
    fit = lk.fit(lk.Categorical(), ["b", "a", "b", "b"])
    assert repr(fit.model) == "Categorical(categories=['a', 'b'], p=[0.25, 0.75])"
    fit = lk.fit(lk.Categorical(), [2, 1, 2, 2])
    assert repr(fit.model) == "Categorical(categories=[1.0, 2.0], p=[0.25, 0.75])"


def test_categories_that_are_written_keep_their_order_and_may_be_unseen():
    fit = lk.fit(lk.Categorical(categories=["b", "z", "a"]), ["b", "a", "b", "b"])
    assert repr(fit.model) == "Categorical(categories=['b', 'z', 'a'], p=[0.75, 0.0, 0.25])"
    assert fit.log_likelihood == pytest.approx(3 * np.log(0.75) + np.log(0.25), rel=1e-14)


def test_a_fitted_model_reads_new_data_by_its_words():
    model = lk.fit(lk.Categorical(), ["b", "a", "b", "b"]).model
    assert model.log_prob(["z", "b"]).tolist() == [-np.inf, np.log(0.75)]  # where b has another code


def test_weighted_maximum_likelihood_is_the_share_of_rows():
    family, table = bank(lk.Categorical(), 3, X)
    w = random_weights(200, 3)
    params = family.maximize(family.collect(None, None, table, w))
    shares = np.stack([w[v == X].sum(0) for v in (1, 2, 5)], 1) / w.sum(0)[:, None]
    assert params.p == pytest.approx(shares, rel=1e-13)


def test_expected_log_density_is_the_weighted_sum():
    check_expectation(lk.Categorical(), X, {"p": [P, P[::-1], [0.1, 0.1, 0.8]]})
    check_expectation(lk.Categorical(), RNG.integers(0, 3, 50), {"p": [P, P[::-1]]}, **WORDS)
    check_expectation(lk.Categorical(categories=[1, 2]), X, {"p": [[0.5, 0.5], [0.1, 0.9]]}, X[:, None] < 5)


def test_every_member_may_look_at_its_own_points():
    axes = (Axis("column", 2, hidden=False),)
    own = Table(np.stack([X, X[::-1]], 1)[:, :, None])
    family = lk.Categorical().bind(axes, Setting({"d": 1, "p": 0}, own))
    weights = random_weights(200, 2)
    stats = family.collect(None, None, own, weights)
    truth = [[weights[own.x[:, j, 0] == v, j].sum() for v in (1, 2, 5)] for j in range(2)]
    assert stats.total == pytest.approx(np.array(truth), rel=1e-13)
    params = family.maximize(stats)
    log_prob = family.infer(params, own).log_prob
    assert log_prob[3, 1] == np.log(params.p[1][(1, 2, 5).index(own.x[3, 1, 0])])
    assert (weights * log_prob).sum() == pytest.approx(family.expected_log_density(params, stats).sum(), rel=1e-13)


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
    check_stationary(lk.Categorical(p), X)


def test_free_entries_of_which_none_was_seen_share_what_is_left():
    family, table = bank(lk.Categorical([np.nan, np.nan, 0.4], categories=[1, 2, 5]), 1, [5, 5])
    params = family.maximize(family.collect(None, None, table, np.ones((2, 1))))
    assert params.p[0] == pytest.approx([0.3, 0.3, 0.4], rel=1e-15)


def test_dirichlet_of_two_is_laplaces_add_one():
    fit = lk.fit(lk.Categorical(p=lk.Dirichlet(2), categories=[1, 2, 3]), [1, 1, 1, 1, 2])
    assert fit.model.p == pytest.approx([5 / 8, 2 / 8, 1 / 8], rel=1e-15)


def test_member_without_weight_keeps_what_it_had():
    family, table = bank(lk.Categorical(), 2, [1, 2, 2, 2])
    before = family.maximize(family.collect(None, None, table, np.ones((4, 2))))
    weights = np.array([[1.0, 0], [1, 0], [0, 0], [0, 0]])
    after = family.maximize(family.collect(before, None, table, weights), before)
    assert after.p.tolist() == [[0.5, 0.5], [0.25, 0.75]]


def test_mixture_of_categoricals_knows_its_categories():
    mixture = lk.Mixture(lk.Categorical(), 2)
    fit = lk.fit(mixture, ["a", "b", "a", "c", "c", "c"])
    assert fit.model.component.categories == ("a", "b", "c")
    assert fit.model.component.p.shape == (2, 3)
    assert lk.parse(repr(fit.model)) == fit.model
    assert set(fit.model.sample(50)) <= {"a", "b", "c"}


def test_known_probabilities_stand_for_numbers_from_zero():
    family, _ = bank(lk.Categorical(P), 2, [1, 2, 2])
    assert family.categories == (0.0, 1.0, 2.0)


def test_a_value_that_is_no_category_is_named():
    with pytest.raises(lk.DataError) as e:
        lk.fit(lk.Categorical(categories=["a", "b"]), {"letter": ["a", "b", "z"]})
    assert str(e.value) == (
        "column 'letter' row 3 is 'z'; Categorical needs one of 'a', 'b'. Add it to categories=[...], or drop the row."
    )
    with pytest.raises(lk.DataError) as e:
        lk.fit(lk.Mixture(lk.Categorical(P), 2), [1, 2, 3])
    assert str(e.value) == (
        "column 1 row 3 is 3.0; Categorical needs one of 0.0, 1.0, 2.0. Add it to categories=[...], or drop the row."
    )


def test_another_number_of_probabilities_is_named():
    with pytest.raises(lk.ModelError) as e:
        lk.Categorical(P).log_prob(["a", "b"])
    assert str(e.value) == (
        "Categorical.p has 3 probabilities, but there are 2 categories ('a', 'b'). "
        "Write one probability for each of categories=[...]."
    )


def test_categories_that_cannot_be_are_named():
    with pytest.raises(lk.ModelError) as e:
        lk.Categorical(categories=["a", 1])
    assert str(e.value) == (
        "Categorical(categories=['a', 1]): write a list of words or of numbers, as in categories=['a', 'b']."
    )
    with pytest.raises(lk.ModelError) as e:
        lk.Categorical(categories=["a", "b", "a"])
    assert str(e.value) == "Categorical(categories=['a', 'b', 'a']): each category is written once."
    for wrong in ("ab", [], [np.nan, 1], 3):
        with pytest.raises(lk.ModelError, match="write a list of words or of numbers"):
            lk.Categorical(categories=wrong)


def test_open_categories_without_data_are_named():
    with pytest.raises(lk.ModelError) as e:
        lk.Categorical().bind()
    assert str(e.value) == (
        "Categorical() does not know its categories without data; fit it, or write Categorical(categories=[...])."
    )


def test_draws_are_categories_in_their_proportions():
    x = lk.Categorical(P, categories=["tea", "milk", "ale"]).sample(30_000, seed=1)
    shares = [(x == c).mean() for c in ("tea", "milk", "ale")]
    assert shares == pytest.approx(P, abs=4 * np.sqrt(0.25 / 30_000))
    assert set(lk.Categorical([0, 1, 0]).sample(1000)) == {1.0}
    assert set(lk.Categorical([0.5, 0.5], categories=[3, 1.5]).sample(100)) == {3.0, 1.5}


def test_notation_reads_back():
    for model in (
        lk.Categorical(),
        lk.Categorical(P, categories=["it's", 'a "b"', "c"]),
        lk.Categorical(categories=[1, 2]),
    ):
        assert lk.parse(repr(model)) == model
