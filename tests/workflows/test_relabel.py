"""Components of refits come back in the order of the fit, however they were numbered."""

import numpy as np
import pytest

import likely as lk
from likely.core.params import Params
from likely.workflows.origin import Origin
from likely.workflows.relabel import Relabelling

X = np.random.default_rng(0).normal(np.repeat([0.0, 5.0, 11.0], 40), 1)


def relabelling(model, x=X, **options):
    origin = Origin.of(lk.fit(model, x, **options), "a test")
    return origin.params, Relabelling(origin.family, origin.params, origin.rows)


def same(a, b):
    return all(same(a[n], b[n]) if isinstance(a[n], Params) else np.array_equal(a[n], b[n]) for n in a)


def test_every_permutation_of_the_fit_is_undone():
    params, relabel = relabelling(lk.Mixture(lk.Normal(), 3))
    permuted = [
        Params(weights=params.weights[:, order], component=params.component.blocks(order, 3))
        for order in ([0, 1, 2], [1, 2, 0], [2, 0, 1], [1, 0, 2])
    ]
    assert not same(permuted[1], params)
    assert all(same(back, params) for back in relabel(permuted))


def test_mixtures_inside_mixtures_are_put_in_order_at_both_levels():
    x = np.random.default_rng(1).normal(np.repeat([0.0, 3.0, 20.0, 24.0], 50), 0.6)
    params, relabel = relabelling(lk.Mixture(lk.Mixture(lk.Normal(variance=lk.shared), 2), 2), x)
    inner = params.component
    flipped = Params(
        weights=params.weights[:, ::-1],
        component=Params(weights=inner.weights[::-1][:, [1, 0]], component=inner.component.blocks([3, 2, 1, 0], 4)),
    )
    assert same(relabel([flipped])[0], params)


def test_mixtures_in_each_column_are_put_in_order_column_by_column():
    x = np.column_stack([X[:80], X[40:]])
    params, relabel = relabelling(lk.Independent(lk.Mixture(lk.Normal(), 2)), x)
    part = params.part
    weights = part.weights.copy()
    weights[1] = weights[1, ::-1]
    second = Params(part=Params(weights=weights, component=part.component.blocks([0, 1, 3, 2], 4)))
    assert same(relabel([second, params])[0], params)


def test_known_values_tell_components_apart():
    params, relabel = relabelling(lk.Mixture(lk.Normal(mean=[0, 8]), 2))
    wide = Params(weights=params.weights, component=params.component.replace(variance=np.array([90.0, 0.01])))
    assert same(relabel([wide])[0], wide)


def test_priors_of_their_own_tell_components_apart():
    model = lk.Mixture(lk.Normal(variance=1), 2, weights=lk.Dirichlet([9.0, 2.0]))
    params, relabel = relabelling(model)
    flipped = Params(weights=params.weights[:, ::-1], component=params.component.blocks([1, 0], 2))
    assert same(relabel([flipped])[0], flipped)


def test_labels_tell_components_apart():
    params, relabel = relabelling(lk.Mixture(lk.Normal(), 3), labels=np.repeat([2, 0, 1], 40))
    assert params.component.mean == pytest.approx([5, 11, 0], abs=0.6)
    moved = params.replace(component=params.component.blocks([1, 2, 0], 3))
    assert same(relabel([moved])[0], moved)
