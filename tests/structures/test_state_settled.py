"""Guess and answer that are to agree."""

import numpy as np
import pytest

from likely.structures.state_settled import ROUNDS, Settled


def rounds(answer, first, most=ROUNDS):
    found = Settled(first, most)
    while not found.settled(answer(found.guess)):
        pass
    return found


@pytest.mark.parametrize("size", [1, 2, 4])
def test_as_many_differences_as_values_leave_nothing_of_a_linear_answer(size):
    rng = np.random.default_rng(size)
    turn, shift = 0.4 * np.linalg.qr(rng.normal(size=(3, size, size)))[0], rng.normal(size=(3, size))
    found = rounds(lambda x: (turn @ x[:, :, None])[:, :, 0] + shift, np.zeros((3, size)))
    truth = np.linalg.solve(np.eye(size) - turn, shift[:, :, None])[:, :, 0]
    np.testing.assert_allclose(found.answer, truth, rtol=1e-12, atol=1e-12)
    assert found.rounds <= size + 4  # plain rounds take 33
    assert (found.left <= 1e-13).all()


def test_answers_that_are_far_from_linear_agree_in_plain_rounds():
    found = rounds(np.cos, np.array([[0.1], [3.0]]))
    np.testing.assert_allclose(found.answer, 0.7390851332151607, rtol=1e-9)


def test_answers_that_rounding_blurs_end_where_they_fall_no_more():
    rng = np.random.default_rng(0)
    found = rounds(lambda x: 1 + 0.3 * x + 1e-8 * rng.normal(size=x.shape), np.zeros((1, 2)))
    assert found.rounds < 12
    np.testing.assert_allclose(found.answer, 1 / 0.7, rtol=1e-6)


def test_answers_that_lead_away_agree_all_the_same():
    found = rounds(lambda x: -3.0 * x + 4.0, np.array([[2.0]]))
    np.testing.assert_allclose(found.answer, 1.0, rtol=1e-12)


def test_answers_that_never_agree_end_and_say_so():
    found = rounds(lambda x: np.where(x > 0, -1.0, 1.0), np.array([[2.0]]), most=6)
    assert found.rounds == 6
    assert found.left[0] > 0.1


def test_a_guess_outside_goes_back_by_halves_and_others_stay():
    found = Settled(np.array([[1.0], [1.0]]))
    assert not found.settled(np.array([[9.0], [1.5]]))
    found.stay(lambda guess: guess[:, 0] < 4)
    np.testing.assert_array_equal(found.guess, [[3.0], [1.5]])
