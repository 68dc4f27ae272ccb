"""Angles and the von Mises distribution function."""

import numpy as np
import pytest
from scipy import integrate, special

from likely.families.circle import below, mean_cosine, turned

ANGLES = np.array([-3.1, -2, -0.5, -0.01, 0, 1e-4, 0.3, 3.14])


def test_angles_turn_into_one_revolution():
    x = np.array([-np.pi, -3.0, 0, np.pi, 4, 4 + 20 * np.pi, -4])
    assert turned(x) == pytest.approx([-np.pi, -3, 0, np.pi, 4 - 2 * np.pi, 4 - 2 * np.pi, 2 * np.pi - 4], abs=1e-13)
    assert turned(x)[:4].tolist() == x[:4].tolist()


def test_mean_cosine_is_an_integral():
    for k in (0.0, 0.3, 20):
        top, bottom = (
            integrate.quad(lambda t, p=p, k=k: np.cos(t) ** p * np.exp(k * np.cos(t)), 0, np.pi)[0] for p in (1, 0)
        )
        assert mean_cosine(k) == pytest.approx(top / bottom, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("concentration", [0, 0.3, 5, 49.9, 50.1, 400, 1e6])
def test_probability_below_an_angle_is_an_integral(concentration):
    x = ANGLES if concentration < 1000 else ANGLES / 1000
    found = below(x[:, None], np.array([concentration]))[:, 0]
    for angle, p in zip(x, found, strict=True):
        area = integrate.quad(lambda t: np.exp(-2 * concentration * np.sin(t / 2) ** 2), 0, angle, epsabs=1e-15)[0]
        assert p == pytest.approx(0.5 + area / (2 * np.pi * special.i0e(concentration)), abs=1e-14)


def test_every_revolution_adds_one():
    k = np.array([0.0, 3, 80])
    once, twice = below(np.full((1, 3), 0.4), k), below(np.full((1, 3), 0.4 - 4 * np.pi), k)
    assert once - twice == pytest.approx(np.full((1, 3), 2), abs=1e-14)
