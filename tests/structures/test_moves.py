"""Moves from one optimum of a mixture towards others."""

from itertools import islice

import numpy as np
import pytest

import likely as lk
from likely.core.data import Table
from likely.structures.moves import DEAREST, Moves
from support import bound

RNG = np.random.default_rng(0)
X = np.concatenate([RNG.normal(c, 0.3, 40) for c in (0.0, 5.0, 10.0, 15.0)])
MISPLACED = lk.Mixture(lk.Normal([-0.2, 0.2, 7.5, 15.0], [0.1, 0.1, 6.5, 0.1]), 4, weights=[0.125, 0.125, 0.5, 0.25])


def moves(model, x, temperature=1.0, weights=None):
    family, table = bound(model, x)
    params = family.known_params()
    joint = family.component.infer(params.component, table).log_prob + np.log(params.weights[0])
    return Moves(table, np.ones(len(x)) if weights is None else weights, joint, temperature)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_the_component_that_would_be_missed_least_goes_first(temperature):
    order = moves(MISPLACED, X, temperature).away()
    assert set(order[:2]) == {0, 1}
    assert sorted(order) == [0, 1, 2, 3]


def test_what_is_missed_is_the_log_likelihood_that_is_lost():
    near = moves(lk.Mixture(lk.Normal([0, 1, 4], 1), 3, weights=[0.3, 0.3, 0.4]), np.linspace(-2, 6, 30))
    left = [np.logaddexp.reduce(np.delete(near.joint, a, 1), axis=1).sum() for a in range(3)]
    assert near.away() == np.argsort(left)[::-1].tolist()


def test_rows_without_weight_are_not_missed():
    only = np.where(X < 12, 1.0, 0.0)
    assert moves(MISPLACED, X, weights=only).away()[0] == 3


def test_a_component_that_alone_can_have_produced_a_row_is_missed_most():
    apart = moves(lk.Mixture(lk.Uniform([0, 0, 5], [1, 2, 6]), 3, weights=[0.2, 0.3, 0.5]), [0.5, 0.6, 1.5, 5.5])
    assert apart.away()[0] == 0
    assert np.isfinite(DEAREST)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_one_component_goes_and_another_gives_it_half_of_its_rows(temperature):
    own = moves(MISPLACED, X, temperature)
    for r in own.divided(0, np.random.default_rng(1)):
        assert r.sum(1) == pytest.approx(np.ones(len(X)))
    two_clusters = list(own.divided(0, np.random.default_rng(1)))[1]  # component 2 covers the clusters at 5 and 10
    five, ten = (X > 3) & (X < 7), (X > 8) & (X < 12)
    assert {two_clusters[five].argmax(1).min(), two_clusters[ten].argmax(1).min()} == {0, 2}
    assert (two_clusters[X < 3].argmax(1) == 1).all()


@pytest.mark.parametrize(
    "model",
    [
        lk.Mixture(lk.Normal(), 4),
        lk.Mixture(lk.Normal(variance=lk.shared), 4),
        lk.Mixture(lk.Normal(variance=1), 4, weights=[0.25] * 4),
        lk.Mixture(lk.Normal(variance=lk.InverseGamma(2, 1)), 4, weights=lk.Dirichlet([2.0] * 4)),
        lk.Mixture(lk.Mixture(lk.Normal(variance=1), 2), 3),
        lk.Mixture([lk.Normal(), lk.Normal(), lk.Uniform(-5, 20)]),
    ],
    ids=repr,
)
def test_moves_of_any_mixture_respect_what_is_known_and_tied(model):
    family, table = bound(model, X)
    weights = np.ones((len(X), 1))
    params = family.start(table, weights, np.random.default_rng(0))
    found = list(islice(family.neighbours(params, table, weights, np.random.default_rng(1)), 2))
    assert len(found) == 2
    assert all(family.obeys(p) for each in found for p in each)
    assert any(found)


def test_known_labels_stay_through_moves():
    labels = np.repeat([3, 2, 1, 0], 40)
    family, _ = bound(lk.Mixture(lk.Normal(variance=1), 4), X)
    table = Table(X[:, None], labels=labels)
    weights = np.ones((160, 1))
    params = family.start(table, weights, np.random.default_rng(0))
    for candidate in next(family.neighbours(params, table, weights, np.random.default_rng(1))):
        assert candidate.component.mean == pytest.approx(params.component.mean)


@pytest.mark.parametrize("model", [lk.Mixture(lk.Normal(), 2), lk.Independent(lk.Mixture(lk.Normal(), 3)), lk.Normal()])
def test_where_there_is_nothing_to_move_there_are_no_moves(model):
    family, table = bound(model, X)
    weights = np.ones((160, 1))
    params = family.start(table, weights, np.random.default_rng(0))
    assert list(family.neighbours(params, table, weights, np.random.default_rng(1))) == []
