"""Rotations, their logarithms, and axes in common."""

import numpy as np
import pytest
from scipy.linalg import expm

from likely.families.rotations import common_axes, facing, logarithm, matching, rotation

RNG = np.random.default_rng(1)


def skew(d, size=1.0):
    a = size * RNG.normal(size=(d, d))
    return (a - a.T) / np.sqrt(2 * d)


@pytest.mark.parametrize("d", [1, 2, 3, 4, 7, 20])
def test_rotation_is_the_exponential_and_logarithm_its_inverse(d):
    for size in (1e-9, 0.1, 1.0):
        k = skew(d, size)
        turn = rotation(k)
        assert turn == pytest.approx(expm(k), abs=1e-13)
        assert turn @ turn.T == pytest.approx(np.eye(d), abs=1e-13)
        assert logarithm(turn) == pytest.approx(k, abs=1e-12)


def test_a_quarter_and_nearly_a_half_turn_have_logarithms():
    for angle in (np.pi / 2, 3.0, 3.1415):
        k = angle * np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 0]])
        assert logarithm(rotation(k)) == pytest.approx(k, abs=1e-10)


def test_facing_makes_a_rotation_of_any_axes():
    for d in (1, 2, 5):
        for _ in range(20):
            axes = np.linalg.qr(RNG.normal(size=(d, d)))[0]
            turn = facing(axes)
            assert np.linalg.det(turn) == pytest.approx(1)
            assert np.abs(turn) == pytest.approx(np.abs(axes))


def test_matching_brings_axes_to_the_columns_they_are_nearest_to():
    near = np.linalg.qr(np.eye(5) + 0.05 * RNG.normal(size=(5, 5)))[0]
    order = RNG.permutation(5)
    assert np.abs(near[:, order][:, matching(near[:, order])]) == pytest.approx(np.abs(near))


def test_common_axes_are_found_though_each_matrix_leaves_some_open():
    axes = np.linalg.qr(RNG.normal(size=(4, 4)))[0]
    variance = np.array([[1.0, 1, 1, 2], [1, 3, 3, 1], [1, 1, 5, 1]])
    found = common_axes((axes * variance[:, None, :]) @ axes.T)
    turned = found.T @ ((axes * variance[:, None, :]) @ axes.T) @ found
    assert turned == pytest.approx(turned * np.eye(4), abs=1e-13)
