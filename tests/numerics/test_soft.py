"""Soft sums over hidden things."""

import numpy as np
import pytest
from scipy.special import logsumexp

from likely.numerics.soft import FEW, safe_log, soft, weigh

RNG = np.random.default_rng(0)
SHAPES = [(50, 3), (50, 2, 4), (1, 5), (40, FEW + 3), (7,), (30, 1)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray])
def test_at_temperature_one_it_is_logsumexp_and_softmax(shape, layout):
    joint = layout(RNG.normal(0, 300, shape))
    value, weights = soft(joint)
    expected = logsumexp(joint, -1)
    assert value == pytest.approx(expected, rel=1e-14)
    assert weights == pytest.approx(np.exp(joint - expected[..., None]), rel=1e-11, abs=1e-300)
    assert weights.sum(-1) == pytest.approx(np.ones(shape[:-1]), rel=1e-14)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
def test_between_it_is_the_scaled_sum(temperature):
    joint = RNG.normal(0, 5, (40, 4))
    value, weights = soft(joint, temperature)
    assert value == pytest.approx(temperature * logsumexp(joint / temperature, -1), rel=1e-13)
    entropy = -(weights * np.log(weights)).sum(-1)
    assert value == pytest.approx((weights * joint).sum(-1) + temperature * entropy, rel=1e-12)


def test_at_temperature_zero_it_is_the_maximum_and_ties_go_to_the_first():
    value, weights = soft(np.array([[1.0, 3, 2], [4, 4, 0]]), 0.0)
    assert value.tolist() == [3, 4]
    assert weights.tolist() == [[0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize("temperature", [0.0, 0.3, 1.0])
def test_impossible_rows_have_no_weight_and_disturb_no_other(temperature):
    joint = np.array([[0.0, 1, 2], [-np.inf, -np.inf, -np.inf], [-np.inf, 5, -np.inf]])
    value, weights = soft(joint, temperature)
    assert value[1] == -np.inf
    assert weights[1].tolist() == [0, 0, 0]
    assert value[2] == 5
    assert weights[2].tolist() == [0, 1, 0]
    assert value[0] == pytest.approx(soft(joint[:1], temperature)[0][0])


def test_the_argument_is_left_as_it_is():
    joint = RNG.normal(size=(9, 3)).T.copy().T
    before = joint.copy()
    soft(joint)
    assert np.array_equal(joint, before)


def test_log_of_zero_is_minus_infinity_without_a_warning():
    assert safe_log(np.array([0.0, 1])).tolist() == [-np.inf, 0]


def test_weighted_sums_of_common_and_own_values_agree():
    w, x = RNG.random((20, 3)), RNG.normal(size=(20, 1))
    assert weigh(w, x) == pytest.approx(weigh(w, np.repeat(x, 3, 1)), rel=1e-13)
