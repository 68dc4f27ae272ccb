"""Every number of a model has a name that tells what it is about."""

import dataclasses

import numpy as np
import pytest

import likely as lk
from likely.faces.entries import entries

RNG = np.random.default_rng(0)
OLD = RNG.random(80) < 0.4
TABLE = {
    "age": np.where(OLD, 60, 30) + RNG.normal(0, 5, 80),
    "visits": RNG.poisson(np.where(OLD, 6, 1)),
    "drink": np.where(RNG.random(80) < 0.5, "tea", "milk"),
}
PRODUCT = lk.Product(age=lk.Normal(), visits=lk.Poisson(), drink=lk.Categorical())


def labels(fit):
    return list(dict.fromkeys(e.label for e in entries(fit).numbers))


def value(fit, label, path=()):
    return next(e.value for e in entries(fit).numbers if e.label == label and e.place.path == path)


def test_products_name_the_column_of_each_part():
    fit = lk.fit(PRODUCT, TABLE)
    assert labels(fit) == ["mean of age", "sd of age", "rate of visits", "p of milk in drink", "p of tea in drink"]
    assert value(fit, "sd of age") == pytest.approx(TABLE["age"].std())
    assert value(fit, "p of tea in drink") == pytest.approx((TABLE["drink"] == "tea").mean())


def test_products_without_column_names_use_those_of_their_parts():
    fit = lk.fit(lk.Product(age=lk.Normal(), visits=lk.Poisson()), np.c_[TABLE["age"], TABLE["visits"]])
    assert labels(fit) == ["mean of age", "sd of age", "rate of visits"]


def test_a_mixture_of_products_has_one_table():
    fit = lk.fit(lk.Mixture(PRODUCT, 2), TABLE, starts=2)
    found = entries(fit)
    assert {e.place.path for e in found.numbers} == {(0,), (1,)}
    assert labels(fit)[:3] == ["weight", "mean of age", "sd of age"]
    for j in range(2):
        assert value(fit, "rate of visits", (j,)) == fit.model.component["visits"].rate[j]


def test_a_product_of_mixtures_has_a_table_for_each():
    fit = lk.fit(
        lk.Product(age=lk.Mixture(lk.Normal(variance=9), 2), visits=lk.Poisson()),
        {n: TABLE[n] for n in ("age", "visits")},
    )
    places = {e.label: e.place for e in entries(fit).numbers}
    assert places["mean of age"].group == places["weight of age"].group == ("age",)
    assert places["rate of visits"].group == ()


def test_repeated_families_name_their_columns():
    x = (RNG.random((40, 3)) < 0.3).astype(float)
    fit = lk.fit(lk.Mixture(lk.Independent(lk.Bernoulli()), 2), {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2]}, starts=2)
    assert labels(fit) == ["weight", "p of a", "p of b", "p of c"]
    np.testing.assert_array_equal([value(fit, "p of b", (j,)) for j in range(2)], fit.model.component.part.p[:, 1])


def test_covariates_come_before_columns():
    x, z = RNG.normal(size=(2, 50))
    table = {"speed": x, "dist": 2 * x + RNG.normal(size=50), "fuel": z}
    one = lk.fit(lk.LinearGaussian(), {n: table[n] for n in ("speed", "dist")}, given="speed")
    assert labels(one) == ["coefficient of speed", "intercept", "sd"]
    two = lk.fit(lk.LinearGaussian(), table, given="speed")
    assert labels(two)[:4] == [
        "coefficient of speed for dist", "coefficient of speed for fuel", "intercept of dist", "intercept of fuel",
    ]  # fmt: skip


def test_correlations_name_their_pair_where_there_are_several():
    x = RNG.normal(size=(30, 3))
    fit = lk.fit(lk.MultivariateNormal(), {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2]})
    assert labels(fit)[-3:] == ["correlation of a and b", "correlation of a and c", "correlation of b and c"]
    assert value(fit, "correlation of a and c") == pytest.approx(np.corrcoef(x.T)[0, 2])


def test_diagonal_covariances_have_no_correlations():
    assert labels(lk.fit(lk.MultivariateNormal("diagonal"), RNG.normal(size=(30, 2)))) == [
        "mean of column 1", "mean of column 2", "sd of column 1", "sd of column 2",
    ]  # fmt: skip


@pytest.mark.parametrize("model", [PRODUCT, lk.Mixture(PRODUCT, 2)])
def test_a_loaded_fit_has_the_same_numbers(model):
    fit = lk.fit(model, TABLE, starts=1)
    loaded = dataclasses.replace(fit, data=None)
    assert entries(loaded).numbers == entries(fit).numbers
