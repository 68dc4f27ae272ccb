"""Refits side by side are the fits that one gets one by one, for every family of the battery."""

import numpy as np
import pytest

import likely as lk
from cases import LEAVES
from likely.workflows.origin import Origin
from likely.workflows.replicates import KINDS, drawing, weighted

CLOSED = [c for c in LEAVES if not c.model.hidden]
UNTOLD = (lk.Multinomial, lk.Censored)  # a simulation needs more than the parameters


@pytest.mark.parametrize(
    ("case", "kind"),
    [(c, k) for c in CLOSED for k in KINDS if k != "parametric" or not isinstance(c.model, UNTOLD)],
    ids=str,
)
def test_closed_forms_side_by_side_are_those_one_by_one(case, kind):
    origin = Origin.of(lk.fit(case.model, case.x, given=case.given), "a test")
    data = drawing(kind, origin.family, origin.params, origin.rows)(2, np.random.default_rng(1))
    for i, refit in enumerate(origin.refitting.refit(data)):
        one = data.one(i)
        alone = lk.fit(case.model, one.x, given=one.given, weights=one.weights)
        assert refit.log_likelihood == pytest.approx(alone.log_likelihood, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(
    "model",
    [
        lk.Mixture(lk.Normal(), 2),
        lk.Mixture(lk.MultivariateNormal(covariance=lk.shared), 2),
        lk.Mixture(lk.Product(a=lk.Normal(), b=lk.Poisson()), 2),
        lk.Mixture([lk.Normal(), lk.Uniform()], weights=[0.7, 0.3]),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", KINDS)
def test_em_side_by_side_ends_where_em_alone_ends(model, kind):
    rng = np.random.default_rng(5)
    x = rng.normal(np.repeat([0.0, 9.0], [60, 40]), 1)
    columns = {"a": x, "b": rng.poisson(np.repeat([1, 7], [60, 40]))}
    data = columns if isinstance(model.component, lk.Product) else x
    data = np.column_stack([x, rng.normal(size=100)]) if isinstance(model.component, lk.MultivariateNormal) else data
    fit = lk.fit(model, data)
    origin = Origin.of(fit, "a test")
    made = drawing(kind, origin.family, origin.params, origin.rows)(3, np.random.default_rng(1))
    for i, refit in enumerate(origin.refitting.refit(made)):
        one = made.one(i)
        x = dict(zip(one.names, one.x.T, strict=True)) if one.names else one.x
        alone = lk.fit(model, x, weights=one.weights, start=fit)
        assert refit.log_likelihood == pytest.approx(alone.log_likelihood, abs=1e-3)


def test_one_that_collapses_does_not_harm_the_others():
    origin = Origin.of(lk.fit(lk.Normal(), [1.0, 2.0, 4.0]), "a test")
    weights = np.array([[1, 3, 1], [1, 0, 0], [1, 0, 2.0]])
    first, second, third = origin.refitting.refit(weighted(origin.rows, weights))
    assert first.log_likelihood == pytest.approx(lk.fit(lk.Normal(), [1.0, 2.0, 4.0]).log_likelihood)
    assert (second.params, second.why) == (None, "its variance fell to zero")
    assert float(third.params.mean[0]) == pytest.approx(3.0)
