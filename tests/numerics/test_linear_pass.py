"""The compiled pass over a mixture that is linear in features, against what NumPy says."""

import numpy as np
import pytest
from scipy.special import logsumexp

from likely.numerics import linear_pass
from likely.numerics.blocks import GROUP

TILE = 8 * GROUP
SIZES = [1, GROUP - 1, GROUP, GROUP + 1, TILE - 1, TILE, TILE + 1, 3 * TILE + 7]
SHAPES = [(1, 1), (1, 3), (2, 4), (3, 5), (7, 8), (50, 6)]


def plain(x, weights, natural, constants, hard):
    """Log-likelihood, and sums of r (x, 1) of every member."""
    joint = x @ natural.T + constants
    each = joint.max(1) if hard else logsumexp(joint, 1)
    r = (np.arange(len(constants)) == joint.argmax(1)[:, None]) if hard else np.exp(joint - each[:, None])
    r = r * weights[:, None]
    return weights @ each, r.T @ np.column_stack([x, np.ones(len(x))])


def in_one_go(x, weights, natural, constants, hard):
    t = x.shape[1]
    sums = np.zeros((len(constants), t + 1, linear_pass.LANES))
    tiles = linear_pass.groups(t)
    packed = linear_pass.packed(natural)
    return linear_pass.linear_totals(x, weights, np.zeros(t), packed, constants, hard, tiles, sums), sums.sum(-1)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_the_plain_computation(shape, hard, weighted):
    t, k = shape
    rng = np.random.default_rng(t + k)
    natural, constants = rng.normal(0, 1, (k, t)), rng.normal(size=k)
    for n in SIZES:
        x = rng.normal(0, 2, (n, t))
        weights = np.where(rng.random(n) < 0.2, 0.0, 3 * rng.random(n)) if weighted else np.ones(n)
        value, totals = in_one_go(x, weights if weighted else np.empty(0), natural, constants, hard)
        expected, sums = plain(x, weights, natural, constants, hard)
        assert value == pytest.approx(expected, rel=1e-12, abs=1e-12)
        np.testing.assert_allclose(totals, sums, rtol=1e-11, atol=1e-12 * n)


def test_single_precision_is_read_as_it_is_and_summed_in_double():
    rng = np.random.default_rng(0)
    x, natural, constants = rng.normal(size=(1000, 3)).astype(np.float32), rng.normal(size=(2, 3)), np.zeros(2)
    value, totals = in_one_go(x, np.empty(0), natural, constants, False)
    expected, sums = plain(x.astype(float), np.ones(1000), natural, constants, False)
    assert value == pytest.approx(expected, rel=1e-13)
    np.testing.assert_allclose(totals, sums, rtol=1e-12)


def test_zero_times_minus_infinity_is_zero():
    x = np.array([[0.0, 1.0], [2.0, 1.0], [0.0, 3.0]])
    natural, constants = np.array([[-np.inf, 0.5], [0.3, 0.2]]), np.array([0.1, 0.2])
    value, totals = in_one_go(x, np.empty(0), natural, constants, False)
    joint = np.array([[0.6, 0.4], [-np.inf, 1.0], [1.6, 0.8]])
    assert value == pytest.approx(logsumexp(joint, 1).sum(), rel=1e-15)
    assert totals[0, 0] == 0


@pytest.mark.parametrize("weight", [1.0, 1e-30, 0.0])
def test_an_impossible_row_is_told_whatever_it_weighs(weight):
    x, weights = np.zeros((500, 1)), np.ones(500)
    x[321], weights[321] = 2, weight
    value, _ = in_one_go(x, weights, np.full((2, 1), -np.inf), np.zeros(2), False)
    assert value == -np.inf


def test_a_member_of_no_weight_gets_nothing():
    x = np.random.default_rng(1).normal(size=(100, 1))
    value, totals = in_one_go(x, np.empty(0), np.array([[1.0], [2.0]]), np.array([0.5, -np.inf]), False)
    assert value == pytest.approx((x + 0.5).sum(), rel=1e-13)
    assert totals[1].tolist() == [0, 0]
    assert totals[0, 1] == 100
