"""Centred moments."""

import numpy as np
import pytest

from likely.core.data import Belief
from likely.families.moments import Moments, moments, positive_definite

RNG = np.random.default_rng(2)


def plain(x, w):
    """Moments member by member, in extended precision."""
    x, w = x.astype(np.longdouble), w.astype(np.longdouble)
    mean = (w.T @ x) / w.sum(0)[:, None]
    scatter = [((x - m) * w[:, k : k + 1]).T @ (x - m) for k, m in enumerate(mean)]
    return w.sum(0).astype(float), mean.astype(float), np.array(scatter).astype(float)


def same(found, expected, rel=1e-12):
    weight, mean, scatter = expected
    assert found.weight == pytest.approx(weight, rel=rel)
    assert found.mean == pytest.approx(mean, rel=rel, abs=rel)
    scale = np.sqrt(np.einsum("kdd->kd", scatter)) + (np.einsum("kdd->kd", scatter) == 0)
    unit = scale[:, :, None] * scale[:, None, :]
    assert found.scatter / unit == pytest.approx(scatter / unit, abs=rel)


@pytest.mark.parametrize(
    ("n", "d", "k"), [(2, 1, 1), (5000, 1, 3), (3000, 2, 5), (700, 8, 10), (300, 40, 2), (300, 9, 2)]
)
def test_moments_are_those_of_each_member(n, d, k):
    x, w = RNG.normal(3, 2, (n, d)), RNG.random((n, k))
    same(moments(x, w), plain(x, w))


@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray])
def test_the_layout_in_memory_does_not_matter(layout):
    x, w = RNG.normal(size=(900, 3)), RNG.random((900, 4))
    same(moments(layout(x), layout(w)), plain(x, w))


@pytest.mark.parametrize("separation", [1e2, 1e4, 1e6])
def test_tight_clusters_far_from_the_centre_keep_their_digits(separation):
    x = np.concatenate([RNG.normal(size=(300, 2)) + separation * np.array(c) for c in ([0, 0], [1, 1], [-1, 2])])
    w = np.repeat(np.eye(3), 300, 0) * RNG.random((900, 1))
    same(moments(x, w), plain(x, w))


def test_a_shift_by_a_hundred_million_standard_deviations_leaves_the_scatter():
    x, w = np.round(RNG.normal(size=(500, 3)), 6), RNG.random((500, 2))
    shifted = moments(x + 1e8, w)
    assert shifted.scatter == pytest.approx(moments(x, w).scatter, rel=1e-6)


def test_zero_weight_never_touches_a_value():
    x, w = RNG.normal(size=(60, 2)), RNG.random((60, 3))
    spoiled = x.copy()
    spoiled[::7] = 1e300
    w[::7] = 0
    kept = np.arange(60) % 7 != 0
    same(moments(spoiled, w), plain(x[kept], w[kept]))


def test_a_member_without_weight_has_no_scatter():
    found = moments(RNG.normal(size=(20, 2)), np.zeros((20, 1)))
    assert found.weight.tolist() == [0]
    assert found.scatter.tolist() == [[[0, 0], [0, 0]]]
    assert moments(np.zeros((0, 2)), np.zeros((0, 1))).weight.tolist() == [0]


def test_a_constant_column_has_no_scatter():
    x = np.column_stack([np.full(1000, 5.1), RNG.normal(size=1000)])
    found = moments(x, RNG.random((1000, 2)))
    assert np.all(np.abs(found.scatter[:, 0]) < 1e-12)


def test_points_of_their_own_give_each_member_its_moments():
    for d in (1, 3):
        x, w = RNG.normal(5, 1, (200, 4, d)), RNG.random((200, 4))
        found = moments(x, w)
        for k in range(4):
            _, mean, scatter = plain(x[:, k], w[:, k : k + 1])
            assert found.mean[k] == pytest.approx(mean[0], rel=1e-12)
            assert found.scatter[k] == pytest.approx(scatter[0], rel=1e-11)


def test_beliefs_add_their_covariance():
    mean, w = RNG.normal(size=(50, 2)), RNG.random((50, 3))
    blur = np.broadcast_to([[2, 0.5], [0.5, 1]], (50, 2, 2))
    found = moments(Belief(mean, blur), w)
    expected = moments(mean, w).scatter + w.sum(0)[:, None, None] * blur[0]
    assert found.scatter == pytest.approx(expected, rel=1e-12)


def test_merging_in_any_grouping_is_the_whole():
    x, w = RNG.normal(1e4, 1, (90, 2)), RNG.random((90, 2))
    a, b, c = (moments(x[i : i + 30], w[i : i + 30]) for i in (0, 30, 60))
    for merged in ((a + b) + c, a + (b + c), (c + a) + b):
        same(merged, plain(x, w), 1e-11)


def test_a_record_without_weight_adds_nothing():
    some = moments(RNG.normal(size=(9, 2)), RNG.random((9, 1)))
    none = Moments(np.zeros(1), np.zeros(1), np.full((1, 2), 1e9), np.zeros((1, 2, 2)))
    for merged in (some + none, none + some):
        assert merged.mean == pytest.approx(some.mean, rel=1e-15)
        assert merged.scatter == pytest.approx(some.scatter, rel=1e-15)


def test_packing_is_additive_and_comes_back():
    x, w = RNG.normal(size=(60, 3)), RNG.random((60, 2))
    a, b = moments(x[:25], w[:25]), moments(x[25:], w[25:])
    whole = a + b
    u = a.pack(whole) + b.pack(whole)
    assert u == pytest.approx(whole.pack(whole), rel=1e-9, abs=1e-9)
    back, used = whole.unpack(u, whole)
    assert used == len(u) == len(whole.positive())
    same(back, (whole.weight, whole.mean, whole.scatter))


def test_valid_does_not_depend_on_units():
    x = RNG.normal(size=(50, 2)) * [1e-9, 1e9]
    assert moments(x, np.ones((50, 1))).valid()
    one = moments(x[:1], np.ones((1, 1)))
    assert not one.valid()


def test_positive_definite_matrices_are_told_one_by_one():
    a = RNG.normal(size=(4, 30, 30))
    matrices = a @ np.swapaxes(a, 1, 2) + np.eye(30)
    assert positive_definite(matrices).tolist() == [True] * 4
    for i in (1, 3):
        value, vectors = np.linalg.eigh(matrices[i])
        matrices[i] -= (value[0] + 1e-6) * np.outer(vectors[:, 0], vectors[:, 0])
    assert positive_definite(matrices).tolist() == [True, False, True, False]
    assert positive_definite(matrices[:0]).tolist() == []
