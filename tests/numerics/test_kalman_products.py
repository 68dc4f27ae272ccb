"""Products and inverse factors of small matrices, beside numpy's."""

import numpy as np
import pytest

from likely.numerics.compiled import compiled
from likely.numerics.kalman_products import ADD, SET, TAKE, against, product
from likely.numerics.kalman_white import ROOM, white


@compiled
def several(into, a, b, out, rows, inner, columns):
    product(into, a, 0, inner, 1, b, 0, columns, out, 0, rows, inner, columns)


@compiled
def turned(into, a, b, out, rows, inner, columns):
    product(into, a, 0, 1, rows, b, 0, columns, out, 0, rows, inner, columns)


@pytest.mark.parametrize("columns", range(1, 14))
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 7, 9])
def test_products_of_any_size_are_those_of_numpy(rows, columns):
    rng = np.random.default_rng(columns)
    a, b, before = rng.normal(size=(rows, 5)), rng.normal(size=(5, columns)), rng.normal(size=(rows, columns))
    for into, wanted in ((SET, a @ b), (ADD, before + a @ b), (TAKE, before - a @ b)):
        for way, left in ((several, a), (turned, a.T)):
            out = before.flatten()
            way(into, left.flatten(), b.flatten(), out, rows, 5, columns)
            np.testing.assert_allclose(out.reshape(rows, columns), wanted, rtol=1e-13, atol=1e-13)
    sums = before[:, 0].copy()
    against(TAKE, a.flatten(), np.int64(0), b[:, 0].copy(), np.int64(0), sums, np.int64(0), rows, 5)
    np.testing.assert_allclose(sums, before[:, 0] - a @ b[:, 0], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("q", range(1, 12))
def test_what_makes_innovations_white_is_the_inverse_of_the_factor(q):
    rng = np.random.default_rng(q)
    root = rng.normal(size=(q, q + 1))
    covariance = root @ root.T
    out = np.full(q * q, np.nan)
    log_det = white(covariance.flatten(), q, out, 0, np.empty(ROOM))
    np.testing.assert_allclose(out.reshape(q, q), np.linalg.inv(np.linalg.cholesky(covariance)), rtol=1e-7, atol=1e-9)
    assert log_det == pytest.approx(np.linalg.slogdet(covariance)[1], rel=1e-10)


@pytest.mark.parametrize("q", [2, 3, 8, 9])
def test_an_innovation_that_others_tell_has_no_factor(q):
    root = np.random.default_rng(0).normal(size=(q, q - 1))
    assert white((root @ root.T).flatten(), q, np.empty(q * q), 0, np.empty(ROOM)) == -np.inf


def test_determinants_beyond_the_range_of_numbers_are_told_by_their_logarithms():
    for scale in (1e-90, 1e90):
        log_det = white((scale * np.eye(8)).flatten(), 8, np.empty(64), 0, np.empty(ROOM))
        assert log_det == pytest.approx(8 * np.log(scale), rel=1e-14)
