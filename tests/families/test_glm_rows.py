"""Rows held with covariates: merging, banks, and what acceleration needs."""

import numpy as np
import pytest

from likely.families.glm_rows import Piece, Rows

RNG = np.random.default_rng(1)


def rows(n, k, own=False):
    features = RNG.normal(size=(n, k if own else 1, 1))
    return Rows((Piece(RNG.normal(size=(n, 3)), features, np.zeros((n, 1)), RNG.random((n, k))),))


def test_merging_lays_pieces_end_to_end_and_copies_nothing():
    one, two = rows(3, 2), rows(4, 2)
    both = one + two
    assert both.pieces[0].given is one.pieces[0].given
    assert both.pieces[1].weights is two.pieces[0].weights
    np.testing.assert_allclose(both.weight, one.weight + two.weight)
    np.testing.assert_allclose((2 * both).weight, 2 * both.weight)


@pytest.mark.parametrize("own", [False, True])
def test_blocks_are_the_opposite_of_concatenate(own):
    one, two = rows(5, 2, own), rows(5, 2, own)
    two = Rows((two.pieces[0]._replace(given=one.pieces[0].given),))
    whole = Rows.concatenate([one, two])
    for i, record in enumerate([one, two]):
        piece = whole.blocks([i], 2).pieces[0]
        np.testing.assert_array_equal(piece.weights, record.pieces[0].weights)
        own_features = np.broadcast_to(record.pieces[0].features, (5, 2, 1))
        np.testing.assert_array_equal(np.broadcast_to(piece.features, (5, 2, 1)), own_features)


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("own", [False, True])
def test_a_bank_again_and_again_is_as_many_side_by_side(k, own):
    one = rows(5, k, own)
    again, together = (r.pieces[0] for r in (one.blocks([0, 0, 0], 1), Rows.concatenate([one] * 3)))
    np.testing.assert_array_equal(again.weights, together.weights)
    shape = 5, 3 * k, 1
    np.testing.assert_array_equal(np.broadcast_to(again.features, shape), np.broadcast_to(together.features, shape))


def test_packed_weights_come_back_and_never_below_zero():
    whole = rows(3, 2) + rows(2, 2)
    u = whole.pack(whole)
    back, used = whole.unpack(u - 0.5, whole)
    assert used == len(u) == len(whole.positive()) == 10
    np.testing.assert_allclose(back.pack(whole), np.maximum(u - 0.5, 0))


def test_a_member_without_weight_is_not_valid():
    whole = rows(3, 2)
    empty = Rows((whole.pieces[0]._replace(weights=whole.pieces[0].weights * [1, 0]),))
    assert whole.valid()
    assert not empty.valid()
