"""Where EM begins."""

import numpy as np
import pytest

from likely.core.data import Table
from likely.structures.responsibilities import PLAIN, SURE, first_responsibilities, spread_seeds

CORNERS = np.array([[0.0, 0.0], [0.0, 9.0], [9.0, 0.0], [9.0, 9.0]])
SQUARE = CORNERS[np.repeat(range(4), 25)] + np.random.default_rng(0).normal(size=(100, 2)) * 0.1
ONES = np.ones((100, 1))


@pytest.mark.parametrize("kind", ["k-means++", "random"])
def test_responsibilities_are_probabilities_and_no_component_starts_empty(kind):
    r = first_responsibilities(Table(SQUARE), np.ones((100, 3)), 4, np.random.default_rng(1), kind)
    assert r.shape == (100, 3, 4)
    assert r.sum(2) == pytest.approx(np.ones((100, 3)))
    assert r.min() == pytest.approx((1 - SURE) / 4)


@pytest.mark.parametrize("kind", ["k-means++", "random"])
def test_known_labels_win(kind):
    labels = np.where(np.arange(100) % 3 == 0, np.arange(100) % 4, -1)
    r = first_responsibilities(Table(SQUARE, labels=labels), ONES, 4, np.random.default_rng(1), kind)[:, 0]
    assert (r[labels >= 0] == np.eye(4)[labels[labels >= 0]]).all()
    assert r[labels < 0].max() < 1


def test_seeds_fall_into_clusters_far_apart_and_rows_go_to_the_nearest():
    seeds, nearest = spread_seeds(SQUARE, np.ones(100), 4, np.random.default_rng(2))
    assert sorted(seeds // 25) == [0, 1, 2, 3]
    away = ((SQUARE[:, None] - SQUARE[seeds]) ** 2).sum(2)
    assert (nearest == away.argmin(1)).all()


def test_rows_without_weight_are_no_seeds():
    weights = np.repeat([1.0, 1.0, 0.0, 1.0], 25)
    for seed in range(20):
        seeds, _ = spread_seeds(SQUARE, weights, 3, np.random.default_rng(seed))
        assert weights[seeds].all()


def test_more_seeds_than_distinct_rows_are_drawn_all_the_same():
    seeds, nearest = spread_seeds(np.zeros((5, 2)), np.ones(5), 3, np.random.default_rng(0))
    assert len(seeds) == 3
    assert (nearest == 0).all()


def test_some_starts_are_without_greed_and_do_not_take_every_outlier():
    # Greed always takes the lonely pair for a cluster.
    x = np.concatenate([np.random.default_rng(3).normal(size=(60, 1)), [[12.0], [12.0]]])
    taken = [bool(max(spread_seeds(x, np.ones(62), 2, np.random.default_rng(s))[0]) >= 60) for s in range(200)]
    assert 0.5 * PLAIN * 0.3 < 1 - np.mean(taken) < PLAIN + 0.1


def test_random_responsibilities_come_from_the_lot_alone():
    r = first_responsibilities(Table(SQUARE), ONES, 4, np.random.default_rng(5), "random")[:, 0]
    sizes = np.bincount(r.argmax(1), minlength=4)
    assert (sizes > 10).all()
    by_corner = np.array([np.bincount(r.argmax(1)[i * 25 : i * 25 + 25], minlength=4) for i in range(4)])
    assert (by_corner < 16).all()  # no component keeps to a corner
