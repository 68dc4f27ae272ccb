"""The nearest points against going through all of them for every row, pass after pass."""

import numpy as np
import pytest

from likely.numerics import nearest as module
from likely.numerics.nearest import Memories, Memory, Points, nearest

NONE = np.empty(0)


def brute(x, points):
    return np.square(x[:, None].astype(float) - points).sum(-1).argmin(1)


def rows(n, d, seed=0, dtype=float, offset=0.0):
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(n, d)) * (1 + 2 * rng.random(d)) + offset).astype(dtype)
    x.flags.writeable = False
    return x


def check(memory, x, points, weights=None):
    """Labels, weights, means and scatters of a memory are those of going through everything."""
    labels = brute(x, points)
    np.testing.assert_array_equal(memory.labels, labels)
    w = np.ones(len(x)) if weights is None else weights
    z = x - x[0].astype(float)
    size = np.abs(z).max()
    for k in range(len(points)):
        own = labels == k
        np.testing.assert_allclose(memory.weight[k], w[own].sum(), rtol=1e-12, atol=0)
        if not own.any():
            np.testing.assert_array_equal(memory.mean[k], points[k])
            continue
        mean = np.average(z[own], axis=0, weights=w[own])
        np.testing.assert_allclose(memory.mean[k], mean + x[0], rtol=1e-15, atol=1e-13 * size)
        scatter = w[own] @ np.square(z[own] - mean)
        np.testing.assert_allclose(memory.scatter[k], scatter, rtol=1e-10, atol=1e-13 * size**2)


def lloyd(x, points, weights=None, passes=12, wander=0.0, seed=1):
    """So many passes, each checked; the memories."""
    rng, memories = np.random.default_rng(seed), Memories()
    for _ in range(passes):
        at = Points(points)
        memory = memories.of(at, len(x))
        memory.look(x, NONE if weights is None else weights, at)
        check(memory, x, at.values, weights)
        points = memory.mean + wander * rng.normal(size=points.shape)
    return memories


@pytest.mark.parametrize("d", [1, 2, 7, 8, 17])
@pytest.mark.parametrize("k", [1, 2, 8, 19])
def test_every_pass_finds_what_going_through_all_points_finds(d, k):
    x = rows(1003, d)
    assert len(lloyd(x, x[:k]).kept) == 1
    lloyd(x, x[:k], wander=0.1)


@pytest.mark.parametrize("offset", [1e3, 1e8, -1e12])
def test_far_from_zero(offset):
    x = rows(700, 3, offset=offset)
    lloyd(x, x[:6])


def test_rows_in_single_precision():
    x = rows(900, 9, dtype=np.float32, offset=1e3)
    lloyd(x, x[:7].astype(float))


def test_weights():
    lloyd(rows(800, 5), rows(6, 5, seed=3), weights=np.random.default_rng(2).random(800))


def test_more_points_than_rows():
    lloyd(rows(5, 2), rows(40, 2, seed=1))


def test_among_equals_the_first():
    x = np.random.default_rng(0).integers(0, 3, size=(600, 4)).astype(float)
    points = np.random.default_rng(1).integers(0, 3, size=(20, 4)).astype(float)
    assert len(np.unique(points, axis=0)) < 20
    np.testing.assert_array_equal(nearest(x, points), brute(x, points))


@pytest.mark.parametrize("scale", [1e-60, 1e-20, 1e20, 1e60])
def test_beyond_single_precision(scale):
    x = rows(300, 4) * scale
    np.testing.assert_array_equal(nearest(x, x[:9]), brute(x / scale, x[:9] / scale))


def test_groups_of_points_close_together_and_far_apart():
    """Single precision cannot tell the points of a group from one another."""
    x = rows(500, 3) * 1e-6 + np.repeat([[-100.0], [300.0]], 250, 0)
    points = x[[0, 1, 2, 3, 251, 252, 253, 254]]
    lloyd(x, points)


def test_one_row_far_out():
    x = np.concatenate([rows(500, 2), [[1e9, -1e9]]])
    lloyd(x, x[[0, 1, 2, 500]])


def test_sums_keep_their_digits_when_a_row_far_out_leaves():
    x = np.concatenate([rows(300, 2), [[1e8, 0.0]]])
    first = np.array([[0.0, 0.0], [3.0, 0.0], [-1e9, 0.0]])
    second = np.array([[0.0, 0.0], [3.0, 0.0], [1e8, 0.0]])
    memory = Memory.blank(len(x), first)
    for points in (first, second):
        memory.look(x, NONE, Points(points))
        check(memory, x, points)


def test_bounds_spare_rows_that_cannot_change(monkeypatch):
    """Points that do not move leave next to nothing to look at; labels wiped out show which rows were looked at."""
    x = rows(2000, 3)
    memories = lloyd(x, x[:5], passes=60)
    memory = memories.kept[0]
    looked = []
    search = module.search
    monkeypatch.setattr(module, "search", lambda *args: looked.append(_failing(*args)) or search(*args))
    at = Points(memory.points)
    memory.look(x, NONE, at)
    assert looked[0] < 0.01 * len(x)


def _failing(*args):
    worn, close, labels, upper, lower = (args[i] for i in (7, 8, 11, 12, 13))
    return (~(upper < np.maximum(lower - worn[labels], close[labels]))).sum()


def test_sums_do_not_drift_over_many_passes():
    x, rng, memories = rows(400, 2), np.random.default_rng(0), Memories()
    points = x[:6]
    for _ in range(400):
        at = Points(points + 0.3 * rng.normal(size=points.shape))
        memory = memories.of(at, len(x))
        memory.look(x, NONE, at)
    check(memory, x, at.values)


def test_two_fits_take_turns_on_the_same_rows():
    x, memories = rows(1500, 3), Memories()
    turns = [x[:7], x[700:707]]
    for _ in range(15):
        for i, points in enumerate(turns):
            at = Points(points)
            memory = memories.of(at, len(x))
            memory.look(x, NONE, at)
            check(memory, x, at.values)
            turns[i] = memory.mean
    assert len(memories.kept) == 2


def test_points_of_another_number_begin_anew():
    x, memories = rows(300, 2), Memories()
    for k in (3, 5, 3):
        at = Points(x[:k])
        memory = memories.of(at, len(x))
        memory.look(x, NONE, at)
        check(memory, x, at.values)


def test_rows_looked_at_all_over_again_are_as_those_looked_at_one_by_one(monkeypatch):
    x = rows(1001, 9)
    labels = []
    for most in (0.0, 2.0):
        monkeypatch.setattr(module, "MOST", most)
        memory = lloyd(x, x[:11], wander=0.1).kept[0]
        assert (memory.tiles is None) == (most == 2.0)
        labels.append(memory.labels)
    np.testing.assert_array_equal(*labels)


def test_points_that_go_far_away_take_the_centre_with_them():
    x = np.concatenate([rows(400, 3), rows(400, 3) + 1e6])
    memories = Memories()
    for points in (x[:5], x[5:10], x[400:405], x[405:410]):
        at = Points(points)
        memory = memories.kept[0] if memories.kept else memories.of(at, len(x))
        memory.look(x, NONE, at)
        check(memory, x, at.values)
    assert np.linalg.norm(memory.centre - at.centre) < 10
