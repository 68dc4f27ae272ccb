"""Histograms of counts: weights of distinct values."""

import numpy as np
import pytest

from likely.core.data import Table
from likely.families.histogram import Histogram, distinct, histogram

A = Histogram(np.array([0.0, 2, 5]), np.array([[1.0, 2, 3], [0, 1, 0]]))
B = Histogram(np.array([1.0, 2, 9]), np.array([[4.0, 5, 6], [1, 1, 1]]))


def same(one, two):
    assert one.values.tolist() == two.values.tolist()
    assert one.weights.tolist() == two.weights.tolist()


def test_merging_unites_the_values():
    merged = A + B
    assert merged.values.tolist() == [0, 1, 2, 5, 9]
    assert merged.weights.tolist() == [[1, 4, 7, 3, 6], [0, 1, 2, 0, 1]]


def test_merging_is_commutative_associative_and_leaves_its_operands_alone():
    c = Histogram(np.array([3.0]), np.array([[1.0], [1]]))
    same(A + B, B + A)
    same((A + B) + c, A + (B + c))
    same(A + A, 2 * A)
    assert (A + None) is A
    assert A.weights.tolist() == [[1, 2, 3], [0, 1, 0]]


def test_scaling_leaves_the_values_alone():
    same(0.5 * A, Histogram(A.values, 0.5 * A.weights))


def test_weights_are_the_additive_coordinates():
    u = A.pack(A)
    back, used = A.unpack(2 * u, A)
    same(back, 2 * A)
    assert used == len(u) == 6
    assert A.positive().all()
    assert A.valid()
    assert not (-1 * A).valid()
    assert not Histogram(A.values, A.weights * [[1], [0]]).valid()


@pytest.mark.parametrize("factor", [1, 10**7], ids=["counted", "sorted"])
def test_distinct_values_lead_back_to_the_rows(factor):
    x = np.random.default_rng(0).poisson(4, 500) * float(factor)
    values, place = distinct(Table(x[:, None]))
    assert values.tolist() == np.unique(x).tolist()
    assert place.shape == (500, 1)
    assert values[place[:, 0]].tolist() == x.tolist()


@pytest.mark.parametrize("factor", [1, 10**7], ids=["counted", "sorted"])
def test_every_member_may_have_points_of_its_own(factor):
    rng = np.random.default_rng(0)
    x, w = rng.poisson(4, (200, 3)) * float(factor), rng.random((200, 3))
    found = histogram(Table(x[:, :, None]), w)
    for k in range(3):
        assert found.weights[k] == pytest.approx([w[x[:, k] == v, k].sum() for v in found.values], rel=1e-13)


def test_weights_are_summed_over_rows_with_the_same_count():
    x, w = np.array([3.0, 0, 3, 7]), np.array([[1.0, 0], [2, 1], [0.5, 0], [0, 4]])
    same(histogram(Table(x[:, None]), w), Histogram(np.array([0.0, 3, 7]), np.array([[2, 1.5, 0], [1, 0, 4]])))


def test_what_is_distinct_is_worked_out_once():
    table = Table(np.array([[1.0], [2.0]]))
    assert distinct(table)[1] is distinct(table)[1]
