"""Names and values of everything that a model estimates."""

import numpy as np
import pandas as pd
import pytest

import likely as lk
from likely.core.numbers import numbers, values_of
from likely.core.params import Params
from likely.em.bank import bank_of
from likely.errors import ModelError


def found(model, params, dims=None):
    family = model.bind((), dims)
    return family, numbers(family, params)


def test_names_are_places_in_the_fitted_model():
    x = np.random.default_rng(0).normal(size=(80, 2)) + np.repeat([[0, 0], [6, 6]], 40, axis=0)
    fit = lk.fit(lk.Mixture(lk.MultivariateNormal(), 2), x, starts=2)
    told = fit.uncertainty.numbers
    assert len(told.names) == 2 + 4 + 2 * 3  # weights, means, lower triangles
    for name, value in zip(told.names, told.values, strict=True):
        assert eval(f"model.{name}", {"model": fit.model}) == value


def test_parts_of_products_and_alternatives_are_named():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"age": rng.normal(40, 9, 50), "visits": rng.poisson(3, 50)})
    fit = lk.fit(lk.Product(age=lk.Normal(), visits=lk.Poisson()), frame)
    assert fit.uncertainty.numbers.names == ("age.mean", "age.variance", "visits.rate")
    x = np.concatenate([rng.normal(9, 1, 60), rng.exponential(1, 60)])
    fit = lk.fit(lk.Mixture([lk.Normal(), lk.Exponential()]), x, starts=2)
    told = fit.uncertainty.numbers
    assert told.names[2:] == ("component[0].mean", "component[0].variance", "component[1].rate")
    assert told.values[2] == fit.model.component[0].mean


def test_tied_numbers_are_told_once_and_known_ones_not():
    model = lk.Mixture(lk.Normal(mean=[0, np.nan], variance=lk.shared), 2, weights=[0.5, 0.5])
    params = Params(weights=np.full((1, 2), 0.5), component=Params(mean=np.array([0.0, 3.0]), variance=np.ones(2)))
    _, told = found(model, params)
    assert told.names == ("component.mean[1]", "component.variance[0]")
    assert told.values.tolist() == [3.0, 1.0]


def test_ranges_say_what_each_number_can_be():
    params = Params(mean=np.zeros((1, 2)), covariance=np.eye(2)[None])
    _, told = found(lk.MultivariateNormal(), params, {"d": 2, "p": 0})
    inf = np.inf
    assert told.names[2:] == ("covariance[0, 0]", "covariance[1, 0]", "covariance[1, 1]")
    assert told.ranges.tolist() == [[-inf, inf], [-inf, inf], [0, inf], [-inf, inf], [0, inf]]


def test_zeros_of_diagonal_covariances_are_no_estimates():
    x = np.random.default_rng(0).normal(size=(80, 2)) + np.repeat([[0, 0], [6, 6]], 40, axis=0)
    fit = lk.fit(lk.Mixture(lk.MultivariateNormal("diagonal"), 2), x, starts=2)
    covariances = [n for n in fit.uncertainty.numbers.names if "covariance" in n]
    assert covariances == [f"component.covariance[{k}][{j}, {j}]" for k in (0, 1) for j in (0, 1)]
    assert fit.standard_errors().why == {}


def test_edges_and_ends_of_the_data_are_known():
    _, told = found(lk.Bernoulli(), Params(p=np.zeros(1)))
    assert told.at_edge.tolist() == [True]
    _, told = found(lk.Uniform(), Params(low=np.zeros(1), high=np.ones(1)))
    assert told.nonregular.tolist() == [True, True]


def test_values_of_models_side_by_side_are_those_of_each():
    family = lk.Mixture(lk.Normal(variance=lk.shared), 2).bind()
    each = [
        Params(weights=np.array([[w, 1 - w]]), component=Params(mean=np.array([w, 5.0]), variance=np.full(2, 1 + w)))
        for w in (0.2, 0.7)
    ]
    bank_of(family, 2)
    values = values_of(family, Params.concatenate(each), 2)
    np.testing.assert_array_equal(values, [numbers(family, one).values for one in each])


def test_an_unknown_name_is_refused_with_those_there_are():
    _, told = found(lk.Normal(), Params(mean=np.zeros(1), variance=np.ones(1)))
    with pytest.raises(ModelError) as e:
        told.index("sd")
    assert str(e.value) == "no estimated number is called 'sd'; there are mean, variance."
