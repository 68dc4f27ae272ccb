"""The way that EM took."""

import dataclasses

import numpy as np
import pytest

import likely as lk
from likely.errors import ModelError

X = np.r_[np.random.default_rng(0).normal(0, 1, 40), np.random.default_rng(1).normal(5, 1, 60)]


@pytest.mark.parametrize("starts", [1, 20])
def test_a_path_leads_to_the_fit_through_every_pass_of_its_trace(starts):
    path = lk.Path()
    fit = lk.fit(lk.Mixture(lk.Normal(), 2), X, starts=starts, callback=path)
    found = path.of(fit)
    assert len(found) == len(fit.trace)
    np.testing.assert_array_equal(found[-1].component.mean, fit.model.component.mean)
    for params, mark in zip(found, fit.trace, strict=True):
        model = lk.Mixture(lk.Normal(params.component.mean, params.component.variance), 2, weights=params.weights[0])
        assert model.log_prob(X).sum() == pytest.approx(mark.objective, rel=1e-12)


def test_a_path_of_one_start_may_be_drawn_over_another_fit():
    path, model = lk.Path(), lk.Mixture(lk.Normal(variance=1), 2, weights=[0.5, 0.5])
    other = lk.fit(model, X, start=lk.Mixture(lk.Normal([9, -9], 1), 2, weights=[0.5, 0.5]), callback=path)
    assert len(path.of(lk.fit(model, X))) == len(other.trace)


def test_a_path_that_cannot_be_told_says_why():
    path, model = lk.Path(), lk.Mixture(lk.Normal(), 2)
    fit = lk.fit(model, X)
    with pytest.raises(ModelError) as e:
        path.of(fit)
    assert str(e.value) == "this path has seen no fit; give it to one: fit(model, data, callback=path)."
    lk.fit(model, X + 1, callback=path)
    with pytest.raises(ModelError) as e:
        path.of(dataclasses.replace(fit))
    assert str(e.value) == (
        "this path has seen several starts, and none of them led to this fit. Draw it over its own fit, or let it see "
        "one start: fit(model, data, start=..., callback=path)."
    )
