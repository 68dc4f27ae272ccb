"""Moments of rows whose columns stand in several arrays, beside numpy's of the rows side by side."""

import numpy as np
import pytest

from likely.numerics.kalman_moments import BEFORE, INPUTS, ROW, STATE, moments

TAKEN = {BEFORE: lambda z, rows: z[0][rows - 1], STATE: lambda z, rows: z[0][rows], INPUTS: lambda z, rows: z[1][rows]}
TAKEN[ROW] = lambda z, rows: z[2][rows]


@pytest.mark.parametrize(
    "parts", [(BEFORE, INPUTS, STATE), (STATE, INPUTS, ROW), (BEFORE, INPUTS, STATE, ROW), (STATE,)]
)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n", [3, 700])
def test_they_are_the_moments_of_the_rows(parts, weighted, n):
    rng = np.random.default_rng(n)
    x, u, y = 1e6 + rng.normal(size=(n, 3)), rng.normal(size=(n, 1)), rng.normal(size=(n, 2))
    rows = np.sort(rng.choice(np.arange(1, n), 1 + n // 2, replace=False))
    weights = rng.integers(0, 3, n).astype(float) if weighted else np.empty(0)
    z = np.hstack([TAKEN[part]((x, u, y), rows) for part in parts])
    w = weights[rows] if weighted else np.ones(len(rows))
    mean, scatter = np.zeros(z.shape[1]), np.zeros((z.shape[1], z.shape[1]))
    weight = moments(
        rows, np.array(parts), x.ravel(), 3, u.ravel(), 1, y.ravel(), 2, 0, 2, weights, mean, scatter.reshape(-1)
    )
    expected = w @ z / w.sum()
    assert weight == w.sum()
    np.testing.assert_allclose(mean, expected, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(scatter, (z - expected).T @ (w[:, None] * (z - expected)), rtol=1e-8, atol=1e-7)


def test_rows_without_weight_leave_nothing():
    mean, scatter = np.zeros(1), np.zeros(1)
    none = np.empty(0)
    assert (
        moments(np.arange(2), np.array([STATE]), np.ones(2), 1, none, 0, none, 0, 0, 0, np.zeros(2), mean, scatter) == 0
    )
    assert mean[0] == scatter[0] == 0


def test_a_column_of_rows_is_taken_alone():
    y, none = np.arange(12.0), np.empty(0)
    mean, scatter = np.zeros(1), np.zeros(1)
    assert moments(np.array([0, 2, 3]), np.array([ROW]), none, 1, none, 0, y, 3, 1, 1, none, mean, scatter) == 3
    np.testing.assert_allclose(mean, np.mean([1, 7, 10]))
    np.testing.assert_allclose(scatter, 3 * np.var([1, 7, 10]))
