"""Models that differ in a few numbers."""

import numpy as np
import pytest

import likely as lk
from likely.core.moved import moved
from likely.core.numbers import numbers

MODELS = {
    "mixture": lk.Mixture(lk.Normal([3.0, 7.0], [1.0, 2.0]), 2, weights=[0.3, 0.7]),
    "covariances": lk.Mixture(
        lk.MultivariateNormal(mean=[[0.0, 1], [2, 3]], covariance=np.eye(2) * 2), 2, weights=[0.3, 0.7]
    ),
    "kinds": lk.Mixture([lk.Normal(0, 1), lk.Gamma(2, 1)], weights=[0.3, 0.7]),
}
OPEN = {
    "mixture": lk.Mixture(lk.Normal(), 2),
    "covariances": lk.Mixture(lk.MultivariateNormal(), 2),
    "kinds": lk.Mixture([lk.Normal(), lk.Gamma()]),
}


def opened(name):
    d = 2 if name == "covariances" else 1
    params = MODELS[name].bind((), {"d": d, "p": 0}).known_params()
    return OPEN[name].bind((), {"d": d, "p": 0}), params


@pytest.mark.parametrize("model", MODELS)
def test_every_number_can_be_moved_by_its_name(model):
    family, params = opened(model)
    before = numbers(family, params)
    for i, name in enumerate(before.names):
        new, possible = moved(family, params, {name: before.values[i] + np.array([0.0, 0.1])})
        after = numbers(family, new.blocks([1], of=2))
        assert possible.all()
        assert after.values[i] == pytest.approx(before.values[i] + 0.1)
        others = [j for j, n in enumerate(before.names) if j != i and (n + name).count("weights") != 2]
        np.testing.assert_array_equal(after.values[others], before.values[others])
        np.testing.assert_allclose(numbers(family, new.blocks([0], of=2)).values, before.values, rtol=1e-15)


def test_the_rest_of_a_simplex_keeps_its_proportions():
    family = lk.Categorical(categories=["a", "b", "c", "d"]).bind()
    params = lk.Categorical([0.1, 0.2, 0.3, 0.4], categories=["a", "b", "c", "d"]).bind().known_params()
    new, possible = moved(family, params, {"p[0]": np.array([0.4, 1.2]), "p[3]": np.array([0.1, 0.1])})
    np.testing.assert_allclose(new.p[0], [0.4, 0.2, 0.3, 0.1])
    assert possible.tolist() == [True, False]
    np.testing.assert_array_equal(new.p[1], params.p[0])


def test_what_is_tied_moves_along_with_its_offsets():
    family = lk.Mixture(lk.Normal(mean=lk.shared + [0, 5], variance=lk.shared), 2).bind()
    params = lk.Mixture(lk.Normal([1.0, 6.0], 2.0), 2, weights=[0.5, 0.5]).bind().known_params()
    new, _ = moved(family, params, {"component.mean[0]": np.array([3.0]), "component.variance[0]": np.array([4.0])})
    np.testing.assert_array_equal(new.component.mean, [3, 8])
    np.testing.assert_array_equal(new.component.variance, [4, 4])


def test_a_covariance_stays_symmetric_and_positive_definite():
    family, params = opened("covariances")
    new, possible = moved(family, params, {"component.covariance[1][1, 0]": np.array([1.5, 2.5])})
    np.testing.assert_array_equal(new.component.covariance[1], [[2, 1.5], [1.5, 2]])
    np.testing.assert_array_equal(new.component.covariance[0], 2 * np.eye(2))
    assert possible.tolist() == [True, False]


def states(**slots):
    """A state space with all known but some slots, and parameters where these have values of their structure."""
    known = {"A": 0.5 * np.eye(2), "C": np.eye(2), "d": 0, "Q": 1, "R": 1, "m0": 0, "P0": 1}
    family = lk.StateSpace(2, **known | slots).bind((), {"d": 2, "p": 0})
    return family, lk.StateSpace(2, **known).bind((), {"d": 2, "p": 0}).known_params()


TURN = [[0.0, -1.0], [1.0, 0.0]]
STRUCTURES = {  # a slot, what stands in it, one entry to be 2, and what the slot is then
    "equal names": ("A", [["a", 0], ["b", "a"]], "A[1, 1]", [[2, 0], [0, 2]]),
    "directions": ("A", lk.affine(0, size=np.eye(2), turn=TURN), "A[1, 0]", [[0.5, -2], [2, 0.5]]),
    "equal variances": ("Q", "spherical", "Q[0, 0]", [[2, 0], [0, 2]]),
    "variances of their own": ("Q", "diagonal", "Q[1, 1]", [[1, 0], [0, 2]]),
    "a free block": ("R", [[np.nan, np.nan], [np.nan, np.nan]], "R[1, 1]", [[1, 0], [0, 2]]),
    "a known shape": ("R", lk.scaled([[1, 0.5], [0.5, 3]]), "R[1, 0]", [[4, 2], [2, 12]]),
}


@pytest.mark.parametrize(("slot", "value", "name", "expected"), STRUCTURES.values(), ids=STRUCTURES)
def test_entries_move_as_names_and_structures_tie_them(slot, value, name, expected):
    family, params = states(**{slot: value})
    params = params.replace(**{slot: family.slots[slot].nearest(params[slot])})
    new, possible = moved(family, params, {name: np.array([2.0])})
    assert possible.all()
    np.testing.assert_allclose(new[slot][0], expected, rtol=1e-12, atol=1e-12)
    assert family.slots[slot].reaches(new[slot])


def test_entries_of_directions_move_together_or_not_at_all():
    family, params = states(A=lk.affine(0, size=np.eye(2), turn=TURN))
    two = {"A[0, 0]": np.array([0.3, 0.3]), "A[1, 0]": np.array([0.6, 0.9]), "A[0, 1]": np.array([-0.6, 0.9])}
    new, possible = moved(family, params, two)
    assert possible.tolist() == [True, False]
    np.testing.assert_allclose(new.A[0], [[0.3, -0.6], [0.6, 0.3]], rtol=1e-12)
    np.testing.assert_array_equal(new.A[1], params.A[0])
