"""Which sequences share covariances."""

import numpy as np

from likely.numerics.kalman_layout import Layout


def test_complete_sequences_of_any_length_lie_on_one_track():
    layout = Layout.of(np.ones((9, 2), bool), np.array([0, 2, 6, 9]))
    (track,) = layout.tracks
    assert layout.complete
    assert track.constant
    np.testing.assert_array_equal(track.members, [1, 2, 0])
    np.testing.assert_array_equal(track.lengths, [4, 3, 2])
    np.testing.assert_array_equal(layout.observed, [4, 8, 6])
    assert [list(group) for group in layout.groups] == [[1], [2], [0]]


def test_sequences_with_the_same_patterns_in_the_same_order_are_a_group():
    rows = {"a": [True, True], "b": [True, False], "c": [False, False]}
    observed = np.array([rows[name] for name in "abcabcacbab"])
    layout = Layout.of(observed, np.array([0, 3, 6, 9, 11]))
    assert sorted(list(group) for group in layout.groups) == [[0, 1], [2], [3]]
    assert not layout.complete
    np.testing.assert_array_equal(layout.patterns[layout.pattern], observed)
    np.testing.assert_array_equal(layout.count[layout.pattern], observed.sum(1))
    np.testing.assert_array_equal(layout.observed, [3, 3, 3, 3])


def test_observed_columns_come_first_in_their_order():
    layout = Layout.of(np.array([[False, True, True], [True, True, False]]), np.array([0, 2]))
    for pattern, columns, count in zip(layout.patterns, layout.columns, layout.count, strict=True):
        np.testing.assert_array_equal(columns[:count], np.flatnonzero(pattern))


def test_more_columns_than_bits_of_a_number_are_told_apart():
    observed = np.ones((4, 70), bool)
    observed[1, 69] = observed[2, 0] = observed[3, 0] = False
    layout = Layout.of(observed, np.array([0, 4]))
    assert len(layout.patterns) == 3
    np.testing.assert_array_equal(layout.patterns[layout.pattern], observed)
