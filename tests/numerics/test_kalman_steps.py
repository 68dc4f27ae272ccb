"""Steps in registers against the same recursions as products, and what they are made of against NumPy."""

import numpy as np
import pytest

from kalman_truth import random_model
from likely.numerics import kalman_blocks
from likely.numerics.compiled import compiled
from likely.numerics.kalman import Layout, Model, beliefs, smooth
from likely.numerics.kalman_steps import LARGEST, _addresses, steps
from likely.numerics.matrices import Matrices
from likely.numerics.vector import kernel


@pytest.mark.parametrize("kinds", [("full", "full", "full"), ("singular", "singular", "diagonal")])
@pytest.mark.parametrize(("m", "d"), [(1, 1), (2, 3), (4, 8), (6, 2), (7, 5), (8, 1)])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_steps_in_registers_find_what_products_find(kinds, m, d, missing, monkeypatch):
    rng = np.random.default_rng([m, d])
    model = random_model(rng, m, d, p0=kinds[0], q=kinds[1], r=kinds[2])
    y, offsets = rng.normal(size=(80, d)), np.array([0, 1, 30, 80])
    y[rng.random(y.shape) < missing] = np.nan
    layout = Layout.of(~np.isnan(y), offsets)
    fast, fast_rows = smooth(model, y, None, offsets, layout), beliefs(model, y, None, offsets, layout)
    fast_sums = fast.blur()
    monkeypatch.setattr(kalman_blocks, "steps", lambda *given: np.zeros_like(steps(*given)))
    slow, slow_rows = smooth(model, y, None, offsets, layout), beliefs(model, y, None, offsets, layout)
    np.testing.assert_allclose(fast.log_prob, slow.log_prob, rtol=1e-12)
    np.testing.assert_allclose(fast.mean, slow.mean, atol=1e-10)
    for one, other in ((fast_sums, slow.blur()), (fast_rows, slow_rows)):
        for name, value in vars(one).items():
            np.testing.assert_allclose(value, getattr(other, name), atol=1e-10, err_msg=name)


def test_there_is_code_for_sizes_that_fit_alone():
    assert not steps(LARGEST + 1, np.array([1, 2])).any()
    found = steps(2, np.array([1, 9]))
    assert found[:, 1].all()
    assert not np.delete(found, 1, axis=1).any()
    assert found[0, 1] == _addresses(2, 1)[0]


@pytest.mark.parametrize(("n", "w"), [(1, 1), (2, 2), (3, 3), (8, 8), (8, 2), (2, 8), (1, 5), (5, 1), (7, 3), (3, 6)])
def test_columns_and_products_of_small_matrices(n, w):
    def emit(v, a, x, turned, dots, mix):
        own = Matrices(v.builder)
        rows = own.rows(a, n, w)
        own.keep(own.turned(rows), turned)
        own.store(own.dots(rows, own.load(x, w)), dots)
        own.store(own.mix(own.load(dots, n), rows), mix)

    call = kernel("aaaaa", emit)

    @compiled
    def run(a, x, turned, dots, mix):
        call(a, x, turned, dots, mix)

    rng = np.random.default_rng(n * 10 + w)
    a, x = rng.normal(size=(n, w)), rng.normal(size=w)
    turned, dots, mix = np.empty((w, n)), np.empty(n), np.empty(w)
    run(a.ravel(), x, turned.reshape(-1), dots, mix)
    np.testing.assert_array_equal(turned, a.T)
    np.testing.assert_allclose(dots, a @ x, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(mix, a.T @ (a @ x), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("products", [False, True])
@pytest.mark.parametrize("m", [1, 2, 5])
def test_an_observation_that_takes_nearly_all_of_a_variance_leaves_its_digits(m, products, monkeypatch):
    if products:
        monkeypatch.setattr(kalman_blocks, "steps", lambda *given: np.zeros_like(steps(*given)))
    eye, rng = np.eye(m), np.random.default_rng(m)
    R = eye + 0.3 * np.ones((m, m))
    model = Model(eye, eye, eye, 1e-2 * R, np.zeros(m), 1e12 * eye, np.zeros(m, bool))
    y, offsets = rng.normal(size=(3, m)), np.array([0, 3])
    found = beliefs(model, y, None, offsets, Layout.of(np.ones((3, m), bool), offsets))
    np.testing.assert_allclose(found.filtered_cov[0], 1e-2 * R, rtol=1e-9)


@pytest.mark.parametrize("d", [2, 3, 9])
def test_columns_that_say_the_same_without_noise_are_impossible_whatever_the_rounding(d):
    for seed in range(30):
        rng = np.random.default_rng(seed)
        C, none = rng.normal(size=(d, 1)), np.zeros((1, 1))
        model = Model(none, none + 1, C, np.zeros((d, d)), np.zeros(1), none + rng.random(), np.zeros(1, bool))
        found = smooth(
            model, rng.normal(size=(2, d)), None, np.array([0, 2]), Layout.of(np.ones((2, d), bool), np.array([0, 2]))
        )
        assert found.impossible == {0: 0}
