"""Columns of different kinds side by side."""

import numpy as np
import pytest

import likely as lk
from likely.core.data import Table
from likely.core.notation import parse
from likely.core.setting import Setting
from support import e_step

RNG = np.random.default_rng(21)
N = 200
HALF = np.repeat([0, 1], N // 2)
AGE = RNG.normal(30 + 20 * HALF, 5)
VISITS = RNG.poisson(1 + 4 * HALF).astype(float)
SMOKER = (RNG.random(N) < 0.2 + 0.5 * HALF).astype(float)
PLANE = RNG.normal(size=(N, 2)) + HALF[:, None] * [3, -2]
FRAME = {"visits": VISITS, "smoker": SMOKER, "age": AGE}
MODEL = lk.Product(age=lk.Normal(), visits=lk.Poisson(), smoker=lk.Bernoulli())


def test_log_prob_is_the_sum_of_the_parts():
    fit = lk.fit(MODEL, FRAME)
    parts = lk.fit(lk.Normal(), AGE), lk.fit(lk.Poisson(), VISITS), lk.fit(lk.Bernoulli(), SMOKER)
    assert fit.log_likelihood == pytest.approx(sum(p.log_likelihood for p in parts), rel=1e-13)
    each = sum(p.model.log_prob(x) for p, x in zip(parts, (AGE, VISITS, SMOKER), strict=True))
    assert fit.model.log_prob(FRAME) == pytest.approx(each, rel=1e-13)
    assert fit.model["visits"] == parts[1].model
    assert fit.n_free == 4


def test_columns_are_found_by_name_and_else_by_position():
    by_name = lk.fit(MODEL, FRAME)
    by_position = lk.fit(MODEL, np.column_stack([AGE, VISITS, SMOKER]))
    assert by_name.model == by_position.model
    assert by_name.log_likelihood == by_position.log_likelihood


def test_one_part_may_take_all_columns_that_are_left():
    model = lk.Product(age=lk.Normal(), place=lk.MultivariateNormal(), smoker=lk.Bernoulli())
    table = {"u": PLANE[:, 0], "smoker": SMOKER, "age": AGE, "v": PLANE[:, 1]}
    by_name = lk.fit(model, table).model
    by_position = lk.fit(model, np.column_stack([AGE, PLANE, SMOKER])).model
    alone = lk.fit(lk.MultivariateNormal(), PLANE).model
    for place in (by_name["place"], by_position["place"]):
        assert place.mean == pytest.approx(alone.mean, rel=1e-12)
        assert place.covariance == pytest.approx(alone.covariance, rel=1e-12)
    drawn = by_name.sample(7)
    assert {n: np.shape(x) for n, x in drawn.items()} == {"age": (7,), "place": (7, 2), "smoker": (7,)}


def test_a_regression_may_stand_beside_a_count():
    given = RNG.normal(size=N)
    y = 1 + 2 * given + RNG.normal(size=N)
    model = lk.Product(y=lk.LinearGaussian(), visits=lk.Poisson())
    fit = lk.fit(model, {"y": y, "visits": VISITS}, given=given)
    alone = lk.fit(lk.LinearGaussian(), y, given=given)
    assert fit.model["y"] == alone.model
    assert fit.log_likelihood == pytest.approx(alone.log_likelihood + lk.fit(lk.Poisson(), VISITS).log_likelihood)


def test_in_a_mixture_columns_are_independent_within_components():
    fit = lk.fit(lk.Mixture(MODEL, 2), FRAME)
    item = fit.model.component
    joint = np.log(fit.model.weights) + np.stack(
        [
            lk.Normal(item["age"].mean[k], item["age"].variance[k]).log_prob(AGE)
            + lk.Poisson(item["visits"].rate[k]).log_prob(VISITS)
            + lk.Bernoulli(item["smoker"].p[k]).log_prob(SMOKER)
            for k in range(2)
        ],
        1,
    )
    assert fit.model.log_prob(FRAME) == pytest.approx(np.logaddexp(*joint.T), rel=1e-12)
    assert np.mean(fit.predict() == HALF) > 0.95 or np.mean(fit.predict() == 1 - HALF) > 0.95


def test_words_and_numbers_stand_side_by_side():
    colour = np.where(RNG.random(N) < 0.3, "red", "blue").tolist()
    fit = lk.fit(lk.Product(age=lk.Normal(), colour=lk.Categorical()), {"colour": colour, "age": AGE})
    assert fit.model["colour"].categories == ("blue", "red")
    drawn = fit.model.sample(5)
    assert set(drawn["colour"]) <= {"red", "blue"}
    assert fit.model.log_prob({"age": [30.0], "colour": ["red"]}) == pytest.approx(
        fit.model["age"].log_prob([30.0]) + np.log(fit.model["colour"].p[1])
    )


def test_a_part_with_something_hidden_is_fitted_by_em():
    fit = lk.fit(lk.Product(age=lk.Mixture(lk.Normal(), 2), visits=lk.Poisson()), {"age": AGE, "visits": VISITS})
    alone = lk.fit(lk.Mixture(lk.Normal(), 2), AGE)
    assert fit.log_likelihood == pytest.approx(
        alone.log_likelihood + lk.fit(lk.Poisson(), VISITS).log_likelihood, abs=1e-4
    )
    assert not MODEL.hidden


def test_a_row_outside_one_part_is_impossible_and_weighs_nothing():
    model = lk.Product(x=lk.Exponential(rate=1.0), y=lk.Normal(mean=0, variance=1))
    assert model.log_prob([[-1, 0], [1, 0]])[0] == -np.inf
    family = lk.Mixture([model, lk.Product(x=lk.Normal(), y=lk.Normal())])
    table = Table(np.array([[-1.0, 0.5], [1, 0.2], [2, -0.3], [-3, 1]]))
    bound = family.bind((), Setting.of(table))
    params = bound.start(table, np.ones((4, 1)), np.random.default_rng(0))
    posterior, statistics = e_step(bound, params, table)
    assert posterior.hidden[:, 0, 0].tolist()[::3] == [0, 0]
    assert np.isfinite(bound.expected_log_density(params, statistics)).all()


def test_draws_come_back_under_their_names():
    model = lk.fit(MODEL, FRAME).model
    drawn = model.sample(50_000, seed=1)
    assert list(drawn) == ["age", "visits", "smoker"]
    assert drawn["visits"].mean() == pytest.approx(VISITS.mean(), abs=0.05)
    assert drawn["smoker"].mean() == pytest.approx(SMOKER.mean(), abs=0.01)


def test_text_reads_back():
    model = lk.fit(lk.Mixture(MODEL, 2), FRAME).model
    assert parse(repr(model)) == model
    assert repr(lk.Product(a=lk.Normal(mean=lk.shared))) == "Product(a=Normal(mean=shared))"


def test_known_tied_and_prior_slots_work_in_parts():
    model = lk.Mixture(lk.Product(age=lk.Normal(variance=lk.shared), visits=lk.Poisson(rate=lk.Gamma(2, 1))), 2)
    fit = lk.fit(model, {"age": AGE, "visits": VISITS})
    variance = fit.model.component["age"].variance
    assert variance[0] == variance[1]
    assert fit.objective != fit.log_likelihood


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            {"Age": AGE, "visits": VISITS, "smoker": SMOKER},
            "there is no column 'age'; did you mean 'Age'? The columns are Age, visits, smoker.",
        ),
    ],
)
def test_a_missing_column_is_named_at_the_door(data, message):
    with pytest.raises(lk.InputError) as e:
        lk.fit(MODEL, data)
    assert str(e.value) == message


def problem(model, names, d=None):
    """What binding to rows with these columns says."""
    table = Table(np.zeros((3, d or len(names))), names=tuple(names))
    with pytest.raises(lk.ModelError) as e:
        model.bind((), Setting.of(table))
    return str(e.value)


def test_columns_that_do_not_match_the_parts_are_named():
    assert problem(MODEL, ["Age", "visits", "smoker"]) == (
        "Product has a part 'age', but the data has no such column; did you mean 'Age'? "
        "The columns are Age, visits, smoker."
    )
    assert problem(MODEL, ["age", "visits", "smoker", "x", "y"]) == (
        "Product has no part for 'x', 'y'. Leave what is not to be modelled out with columns=..., "
        "or give each column a part."
    )
    assert problem(MODEL, [], 2) == (
        "Product has 3 parts (age, visits, smoker), one for each column; the data has 2 columns."
    )
    wide = lk.Product(age=lk.Normal(), place=lk.MultivariateNormal())
    left = (
        "Product: no column is left for 'place' (MultivariateNormal), which takes those that the other parts (age) "
        "do not."
    )
    assert problem(wide, ["age"]) == left
    assert problem(wide, [], 1) == left


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ({}, "Product() has no parts; write one for each column, as in Product(age=Normal(), visits=Poisson())."),
        ({"age": 3}, "Product(age=3): a part must be a family, as in Product(age=Normal())."),
        ({"my age": lk.Normal()}, "Product: 'my age' cannot name a part; rename the column to a word such as 'age'."),
        (
            {"a": lk.MultivariateNormal(), "b": lk.Poisson(), "c": lk.Mixture(lk.Multinomial(), 2)},
            "Product(a=MultivariateNormal, c=Mixture): only one part may describe several columns; of two, nobody "
            "could tell which columns belong to which.",
        ),
    ],
)
def test_parts_that_cannot_be_are_named(items, message):
    with pytest.raises(lk.ModelError) as e:
        lk.Product(**items)
    assert str(e.value) == message


def test_a_value_outside_a_parts_support_is_named_with_its_column():
    with pytest.raises(lk.DataError) as e:
        lk.fit(MODEL, {"visits": [1.0, -2], "smoker": [0.0, 1], "age": [30.0, 40]})
    assert e.value.column == "visits"
    assert "row 2 is -2; Product" in str(e.value)
    assert "needs counts 0, 1, 2, ..." in str(e.value)


def test_there_is_no_joint_cdf():
    with pytest.raises(lk.ModelError) as e:
        lk.fit(MODEL, FRAME).model.cdf(FRAME)
    assert str(e.value) == "Product has no cdf."
