"""Held rows: values and each member's weights."""

import numpy as np
import pytest

from likely.core.data import Table
from likely.families import held as module
from likely.families.held import Held, held

A = Held(np.array([[3.0, 1, 2]]), np.array([[1.0, 2, 0], [0, 1, 5]]))
B = Held(np.array([[7.0, 3]]), np.array([[4.0, 0.5], [1, 1]]))


def same(one, two):
    assert one.values.tolist() == two.values.tolist()
    assert one.weights.tolist() == two.weights.tolist()


def test_a_chunk_is_held_as_it_is():
    same(held(Table(np.array([[3.0], [1.0], [2.0]])), A.weights.T), A)
    own = held(Table(np.arange(6.0).reshape(3, 2, 1)), np.ones((3, 2)))
    same(own, Held(np.array([[0.0, 2, 4], [1, 3, 5]]), np.ones((2, 3))))


def test_merging_lays_rows_end_to_end():
    merged = A + B
    same(merged, Held(np.array([[3.0, 1, 2, 7, 3]]), np.array([[1.0, 2, 0, 4, 0.5], [0, 1, 5, 1, 1]])))
    same((A + B) + A, A + (B + A))
    assert (A + None) is A
    assert A.values.shape == (1, 3)


def test_scaling_leaves_the_values_alone():
    same(2 * A, Held(A.values, 2 * A.weights))
    assert (2 * A).weight.tolist() == [6, 12]


def test_members_of_several_banks_share_common_values():
    both = Held.concatenate([A, 3 * A])
    same(both, Held(A.values, np.concatenate([A.weights, 3 * A.weights])))
    same(both.blocks([1], of=2), 3 * A)
    same(both.blocks([1, 0], of=2), Held.concatenate([3 * A, A]))


def test_members_of_several_banks_keep_values_of_their_own():
    moved = Held(A.values + 1, A.weights)
    both = Held.concatenate([A, moved])
    assert both.values.tolist() == [[3, 1, 2], [3, 1, 2], [4, 2, 3], [4, 2, 3]]
    assert both.blocks([1], of=2).values.tolist() == [[4, 2, 3], [4, 2, 3]]
    assert Held.concatenate([both, both]).values.shape == (8, 3)


def test_weights_are_the_additive_coordinates():
    u = A.pack(A)
    back, used = A.unpack(2 * u, A)
    same(back, 2 * A)
    assert used == len(u) == 6
    assert A.valid()
    assert not Held(A.values, A.weights * [[1], [0]]).valid()


def test_extrapolated_weights_below_zero_are_zero():
    back, _ = A.unpack(A.pack(A) - 1, A)
    assert not A.positive().any()
    assert back.weights.tolist() == [[0, 1, 0], [0, 0, 4]]


def test_quantiles_are_the_first_values_that_reach_a_part_of_the_weight():
    assert A.quantiles([0.1, 0.5, 0.8, 1]).tolist() == [[1, 1, 3, 3], [1, 2, 2, 2]]
    own = Held(np.array([[3.0, 1, 2], [30, 10, 20]]), np.array([[1.0, 1, 1], [0, 0, 0]]))
    assert own.quantiles([0.5]).tolist()[0] == [2]
    assert np.isnan(own.quantiles([0.5])[1])


@pytest.mark.parametrize("piece", [1, 4, 2**15])
def test_totals_run_over_rows_in_pieces_and_skip_weightless_ones(piece, monkeypatch):
    monkeypatch.setattr(module, "PIECE", piece)
    whole = A + B

    def function(values):
        return np.stack([np.broadcast_to(np.where(values == 2, -np.inf, values), (2, values.shape[1]))] * 3)

    with np.errstate(invalid="raise"):
        found = Held(whole.values, whole.weights * [[1], [0]]).total(function)
    assert found.tolist() == [[3 + 2 + 28 + 1.5, 0]] * 3


def test_a_row_may_be_several_numbers():
    ends = Held(np.array([[[1.0, 2], [3, 5]]]), np.array([[1.0, 2]]))
    twice = ends + ends
    assert twice.values.shape == (1, 4, 2)
    assert twice.total(lambda v: v[..., 1] - v[..., 0]).tolist() == [10]
